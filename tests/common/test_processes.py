"""Worker processes: forked only beside no native thread, and a user's script is not run again in spawned ones."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from poise.common.processes import imports_main, may_fork, worker_context

linux = pytest.mark.skipif(sys.platform != "linux", reason="native threads are counted on Linux only")


def run(code: str, folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run `code` as a script of its own, which may use two native threads."""
    (folder / "script.py").write_text(code)
    two = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "2")
    return subprocess.run(
        [sys.executable, "-W", "ignore", "script.py", *words],
        cwd=folder,
        env=os.environ | two,
        capture_output=True,
        text=True,
        check=False,
    )


def test_nothing_is_forked_beside_another_python_thread():
    gate = threading.Event()
    other = threading.Thread(target=gate.wait)
    other.start()
    try:
        assert not may_fork()
        assert worker_context((), registered=False).get_start_method() == "spawn"
    finally:
        gate.set()
        other.join()


@linux
def test_the_threads_of_openblas_do_not_forbid_a_fork(tmp_path):
    code = """
import numpy, scipy.linalg
from poise.common.processes import may_fork
numpy.ones((800, 800)) @ numpy.ones((800, 800))
print(may_fork())
"""
    assert run(code, tmp_path).stdout == "True\n"


@linux
def test_a_pool_of_native_threads_forbids_a_fork(tmp_path):
    """OpenMP's, which scikit-learn starts."""
    code = """
import numpy
from sklearn.cluster import KMeans
from poise.common.processes import may_fork
KMeans(3, n_init=1, max_iter=2).fit(numpy.arange(2000.0).reshape(-1, 2))
print(may_fork())
"""
    assert run(code, tmp_path).stdout == "False\n"


class SentByName:
    """Something that workers are sent; where it lives is what the test says."""


@pytest.mark.parametrize(
    ("home", "registered", "needed"),
    [("elsewhere", False, False), ("elsewhere", True, True), ("__main__", False, True)],
)
def test_a_spawned_worker_imports_the_main_module_only_where_it_is_needed(monkeypatch, home, registered, needed):
    monkeypatch.setattr("poise.common.processes.may_fork", lambda: False)
    if home == "__main__":
        monkeypatch.setattr(SentByName, "__module__", home)
        monkeypatch.setattr(sys.modules["__main__"], "SentByName", SentByName, raising=False)
    assert imports_main(worker_context(SentByName, registered=registered)) is needed


WARM = """
from poise import View, agent
import torch
NET = torch.nn.Sequential(torch.nn.Linear(512, 2048), torch.nn.ReLU(), torch.nn.Linear(2048, 28))
NET(torch.ones(64, 512))  # so that the first message is quick
@agent("warm", seat="creditor")
def warm(view: View) -> str:
    with torch.no_grad():
        return "joy" if float(NET(torch.ones(64, 512)).sum()) > 0 else "anger"
"""
TOURNAMENT = """
from poise.tournaments.config import make_config
from poise.tournaments.runner import run_tournament
from poise.tournaments.storage.store import Store
config = make_config({"creditors": ["warm.py"], "debtors": ["angry"], "scenarios": "builtin:0-1",
                      "matches_per_pair": 2, "message_seconds": 120, "match_seconds": 240, "workers": 1})
result = run_tournament(config, "run")
with Store.read("run") as store:
    print(result.complete, [talk.outcome.ending for talk in store.transcripts()].count("failed"))
"""


def test_an_agent_that_computed_with_torch_on_import_plays_in_workers(tmp_path, thorough):
    """Torch's threads are not copied by a fork: a child that computes would wait for them for ever."""
    if not thorough:
        pytest.skip("that such threads forbid a fork is tested above; this is what comes of it: make test-all")
    pytest.importorskip("torch")
    (tmp_path / "warm.py").write_text(WARM)
    result = run(TOURNAMENT, tmp_path)  # a script without a main guard
    assert result.stdout == "True 0\n", result.stderr


REGISTERED = """
import sys, threading
from pathlib import Path
from poise import agent
from poise.tournaments.config import make_config
from poise.tournaments import runner
from poise.tournaments.storage import errors
from poise.tournaments.workers import play

with Path("ran").open("a") as log:
    log.write("ran\\n")

@agent("glad", seat="creditor")
def glad(view):
    return "joy"

def main():
    play._WORTH_PROCESSES = play._TICK = errors._PATIENCE = 0.0
    threading.Thread(target=threading.Event().wait, daemon=True).start()  # so that workers are spawned
    config = make_config({"creditors": [sys.argv[1]], "debtors": ["angry"], "scenarios": "builtin:0",
                          "matches_per_pair": int(sys.argv[2]), "workers": 2})
    print(runner.run_tournament(config, "run").complete)

GUARD
"""
GUARDED, UNGUARDED = 'if __name__ == "__main__":\n    main()', "main()"


@pytest.mark.parametrize(("creditor", "guard", "imports"), [("glad", GUARDED, 3), ("vanilla", UNGUARDED, 1)])
def test_a_script_runs_again_in_workers_only_for_what_it_registers(tmp_path, creditor, guard, imports):
    result = run(REGISTERED.replace("GUARD", guard), tmp_path, creditor, "20")
    assert result.stdout == "True\n", result.stderr
    assert len((tmp_path / "ran").read_text().splitlines()) == imports


def test_a_script_that_registers_an_agent_without_a_guard_is_told_what_to_do(tmp_path):
    more_than_a_pipe_holds = "2000"
    result = run(REGISTERED.replace("GUARD", UNGUARDED), tmp_path, "glad", more_than_a_pipe_holds)
    assert result.returncode == 1
    assert 'put what the script does under `if __name__ == "__main__":`' in result.stderr
