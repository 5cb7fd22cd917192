"""The scripts of docs/slurm.md, run in bash as tasks of an array, with the variables that Slurm sets."""

import os
import re
import subprocess
import sys

from helpers.paths import ROOT

from poise.tournaments.storage.verify import verify_tournament

PAGE = (ROOT / "docs" / "slurm.md").read_text()


def test_its_scripts_play_an_array_and_join_it(tmp_path):
    job, merge = re.findall(r"^```bash\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    settings = re.search(r"^```toml\n# field\.toml\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    (tmp_path / "field.toml").write_text(settings[1].replace("builtin:0-9", "builtin:0-2"))
    (tmp_path / "bin").mkdir()
    poise = tmp_path / "bin" / "poise"
    poise.write_text(f'#!/bin/sh\nexec {sys.executable} -m poise "$@"\n')
    poise.chmod(0o755)
    tasks = int(re.search(r"^#SBATCH --array=1-(\d+)$", job, re.MULTILINE)[1])
    environment = {**os.environ, "PATH": f"{poise.parent}:{os.environ['PATH']}", "SLURM_ARRAY_TASK_COUNT": str(tasks)}
    for task in range(1, tasks + 1):
        ran = bash(job, tmp_path, {**environment, "SLURM_ARRAY_TASK_ID": str(task)})
        assert f"part {task}/{tasks}: " in ran, ran
    assert "report: runs/whole/report.html" in bash(merge, tmp_path, environment)
    assert verify_tournament(tmp_path / "runs" / "whole").matches == 3 * 2 * 3


def bash(script, folder, environment):
    command = ["bash", "-e", "-c", script]
    ran = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout + ran.stderr
