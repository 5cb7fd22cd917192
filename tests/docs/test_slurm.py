"""The scripts of docs/slurm.md, read by bash as tasks of an array, with the variables that Slurm sets."""

import os
import re
import subprocess

from helpers.paths import ROOT
from typer.testing import CliRunner

from poise.cli.app import app
from poise.tournaments.storage.verify import verify_tournament

PAGE = (ROOT / "docs" / "slurm.md").read_text()


def test_its_scripts_play_an_array_and_join_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    job, merge = re.findall(r"^```bash\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    settings = re.search(r"^```toml\n# field\.toml\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    (tmp_path / "field.toml").write_text(settings[1].replace("builtin:0-9", "builtin:0-2"))
    tasks = int(re.search(r"^#SBATCH --array=1-(\d+)$", job, re.MULTILINE)[1])
    for task in range(1, tasks + 1):
        variables = {"SLURM_ARRAY_TASK_COUNT": str(tasks), "SLURM_ARRAY_TASK_ID": str(task)}
        ran = run(job, tmp_path, variables)
        assert f"part {task}/{tasks}: " in ran, ran
    assert "report: runs/whole/report.html" in run(merge, tmp_path, {})
    assert verify_tournament(tmp_path / "runs" / "whole").matches == 3 * 2 * 3


def run(script, folder, variables):
    """Run in this process what bash makes of the script: the words after `poise`, each on a line of its own."""
    (folder / "bin").mkdir(exist_ok=True)
    poise = folder / "bin" / "poise"
    poise.write_text("#!/bin/sh\nprintf '%s\\n' \"$@\"\n")
    poise.chmod(0o755)
    environment = {**os.environ, **variables, "PATH": f"{poise.parent}:{os.environ['PATH']}"}
    command = ["bash", "-e", "-c", script]
    words = subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout.splitlines()
    ran = CliRunner().invoke(app, words)
    assert ran.exit_code == 0, ran.output
    return ran.output
