"""Ray: two nodes of this machine, in a network namespace that has loopback alone; and what needs no cluster."""

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from helpers.tournament_fakes import config, schedule

from poise.common.errors import ConfigError
from poise.games.rules import Rules
from poise.tournaments.config import make_config
from poise.tournaments.workers.cluster import gather_files
from poise.tournaments.workers.queue import WorkerPlan

FIELDS = {"creditors": ["vanilla"], "debtors": ["angry"]}
ALONE = ["unshare", "--user", "--map-root-user", "--net", "sh", "-c", 'ip link set lo up && exec "$@"', "sh"]


@pytest.mark.cluster
@pytest.mark.skipif(find_spec("ray") is None, reason="needs pip install 'poise[cluster]'")
def test_two_nodes_play_what_one_process_plays():
    """Some of Ray's agents take the machine's own address even when told 127.0.0.1: here there is no other."""
    try:
        subprocess.run([*ALONE, "true"], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("no network namespace can be made here")
    tests = Path(__file__).with_name("ray_nodes.py")
    command = [*ALONE, sys.executable, "-m", "pytest", "-x", "-n0", "-W", "ignore", "-rA", "--durations=0", str(tests)]
    found = [str(tests.parents[1]), *filter(None, [os.environ.get("PYTHONPATH")])]  # nodes take fakes from `helpers`
    environment = {**os.environ, "RAY_USAGE_STATS_ENABLED": "0", "OMP_NUM_THREADS": "1"}
    environment["PYTHONPATH"] = os.pathsep.join(found)
    ran = subprocess.run(command, env=environment, cwd=tests.parents[2], capture_output=True, text=True, check=False)
    print(ran.stdout)  # noqa: T201 - shown by pytest -rA, and where it fails
    assert ran.returncode == 0, ran.stdout[-8000:] + ran.stderr[-2000:]


@pytest.mark.parametrize("workers", ["ray", "ray:127.0.0.1:6379", "ray:head.cluster:6379", 1, 256, None])
def test_workers_are_a_number_or_a_cluster(workers):
    assert make_config({**FIELDS, "workers": workers}).workers == workers


@pytest.mark.parametrize("workers", ["dask", "ray:", "ray:head", "ray:ray://head:10001", "4", 0, 257, 1.5, True])
def test_other_workers_are_refused_with_the_form(workers):
    with pytest.raises(ConfigError, match=r"workers = .*: a number from 1 to 256, or ray\[:HOST:PORT\]"):
        make_config({**FIELDS, "workers": workers})


def test_what_travels_is_what_is_named_below_the_working_directory(tmp_path, monkeypatch):
    here, job = tmp_path / "here", tmp_path / "job"
    for name in ("own/agent.py", "runs/trained/artifact.json", "game.py", "runs/other/tournament.sqlite", "vanilla"):
        (here / name).parent.mkdir(parents=True, exist_ok=True)
        (here / name).write_text(name)
    (tmp_path / "outside.py").write_text("")
    job.mkdir()
    monkeypatch.chdir(here)
    names = ["own/agent.py:mine,concession=boulware", "runs/trained@openai:m", "../outside.py", str(here / "game.py")]
    settings = config().model_copy(update={"creditors": tuple(names)})
    job_environment = gather_files(WorkerPlan(schedule(settings), Rules(game="game.py:Mine"), str), job)
    assert job_environment == {"working_dir": str(job)}
    gathered = {str(path.relative_to(job)) for path in job.rglob("*") if path.is_file()}
    assert gathered == {"own/agent.py", "runs/trained/artifact.json", "game.py"}
