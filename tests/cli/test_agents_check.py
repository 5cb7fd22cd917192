"""`poise agents check` ends with a verdict whatever the agent's file does; only checks that were made can pass."""

import pytest
from typer.testing import CliRunner

from poise.cli.app import app
from poise.graphs import PlaySettings
from poise.testing.child import check_in_child

PLAYS = """
from poise import agent

@agent("own", seat="creditor")
def own(view):
    {body}
"""
DEAF = "import signal; signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGALRM])"  # its deadline cannot interrupt it
PATCHED = """
import poise.cli.agents, poise.cli.screens.agents, poise.testing.agents, poise.testing.checks, poise.testing.child

def no_checks(*_, **__):
    return []

poise.cli.agents.check_agent = poise.testing.check_agent = poise.testing.agents.check_agent = no_checks
poise.testing.agents._checks = poise.testing.checks.make_checks = no_checks
poise.testing.agents.each_check = poise.testing.child.each_agent_check = no_checks
"""


def check(folder, code, *words):
    (folder / "own.py").write_text(code)
    result = CliRunner().invoke(app, ["agents", "check", str(folder / "own.py"), *words])
    return result.exit_code, " ".join(result.output.split())


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("import sys\nsys.exit(0)", "fails on import: SystemExit: 0"),
        ("import os\nos._exit(0)", "the process ended early (exit code 0)"),
        ("import os, signal\nos.kill(os.getpid(), signal.SIGTERM)", "the process ended early (signal SIGTERM)"),
        ("raise KeyboardInterrupt", "the agent's code raised KeyboardInterrupt"),
        (PLAYS.format(body="raise SystemExit(0)"), "FAILED plays whole negotiations"),
        (PLAYS.format(body="import os; os._exit(0)"), "the process ended early (exit code 0)"),
        (PATCHED + PLAYS.format(body="return 'joy'"), "there is no result for: answers within"),
    ],
)
def test_a_file_that_ends_the_process_or_the_checks_does_not_pass(tmp_path, code, words):
    exit_code, shown = check(tmp_path, code, "--message-seconds", "60")
    assert exit_code == 1
    assert words in shown
    assert "checks passed" not in shown


FORGETS = """
from langgraph.graph import START
from poise import graph_agent
from poise.graphs import decide, empty_seat_graph, speak

@graph_agent("own", seat="creditor")
def own():
    graph = empty_seat_graph().add_sequence([("count", lambda state: {"count": 1}), decide, speak])
    return graph.add_edge(START, "count")
"""


def test_a_traceback_is_of_the_users_own_lines(tmp_path):
    """What Poise refuses is said in a sentence, without the lines of Poise that refused it."""
    code, shown = check(tmp_path, FORGETS, "--message-seconds", "60")
    assert code == 1
    assert "node 'count' returned the key 'count', which is not a field of the state" in shown
    assert "Traceback" not in shown
    code, shown = check(tmp_path, PLAYS.format(body="return 1 / 0"), "--message-seconds", "60")
    assert code == 1
    assert shown.count("Traceback") == shown.count("File") == 1
    assert "line 6, in own return 1 / 0" in shown


def test_a_good_agent_passes_in_a_spawned_child_too(tmp_path, monkeypatch):
    monkeypatch.setattr("poise.common.processes.may_fork", lambda: False)
    exit_code, shown = check(tmp_path, PLAYS.format(body="return 'joy'"), "--message-seconds", "60")
    assert (exit_code, shown.count("FAILED")) == (0, 0), shown
    assert shown.endswith("all 13 checks passed")


@pytest.mark.parametrize(
    "code",
    [
        "while True:\n    pass",
        PLAYS.format(body=f"{DEAF}\n    while True: pass"),
    ],
)
def test_a_loop_without_an_end_is_a_failed_check(tmp_path, code):
    (tmp_path / "own.py").write_text(code)
    limits = PlaySettings(message_seconds=0.1, match_seconds=0.1)
    _, checks = check_in_child(str(tmp_path / "own.py"), limits, step_seconds=0.5)
    assert [check.ok for check in checks] == [False]
    assert "no result within 0.5 s" in checks[0].detail


def test_an_exception_in_a_node_is_shown_with_node_file_line_and_traceback(tmp_path):
    exit_code, shown = check(tmp_path, PLAYS.format(body="return view.no_such_thing"), "--message-seconds", "60")
    assert exit_code == 1
    assert "AttributeError: 'View' object has no attribute 'no_such_thing' (node 'feel', own.py line" in shown
    assert "Traceback (most recent call last)" in shown
    assert "return view.no_such_thing" in shown
