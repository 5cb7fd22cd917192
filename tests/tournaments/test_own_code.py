"""An agent of a user's that speaks with a model costs its own matches, whatever it does, and never the tournament."""

from __future__ import annotations

import math
import os
import re
import signal
from time import monotonic

import pytest
from helpers.chat_server import ANSWERS, serving
from helpers.pages import clean_registries
from helpers.seats import case, pair

from poise.common.errors import AgentError
from poise.common.interrupts import Interrupts
from poise.common.processes import turn_watch
from poise.graphs.pairing import Pairing, PlaySettings
from poise.tournaments.config import make_config
from poise.tournaments.matchmaking import Pairings
from poise.tournaments.runner import run_tournament
from poise.tournaments.schedule import plan_matches
from poise.tournaments.storage.rows import transcript_from
from poise.tournaments.workers.dispatcher import Dispatcher, Playing
from poise.tournaments.workers.play import How, play_all
from poise.tournaments.workers.queue import TaskQueue, WorkerPlan

AGENTS = """
import ctypes, re, sys
from poise import agent

@agent("crashes")
def crashes(view):
    ctypes.string_at(0)

@agent("interrupts")
def interrupts(view):
    raise KeyboardInterrupt

@agent("holds")
def holds(view):
    re.match("(a+)+$", "a" * 64 + "b")  # C code that keeps the GIL for years

@agent("exits")
def exits(view):
    sys.exit(3)

@agent("good")
def good(view):
    return "joy"
"""


def played(folder, names, how):
    """The transcript of one match of each of these agents, whose words a model gives, against a model's."""
    file = folder / "own.py"
    file.write_text(AGENTS)
    with serving(m=ANSWERS) as server:
        config = make_config(
            {
                "creditors": [f"{file}:{name}@openai:m" for name in names],
                "debtors": ["vanilla@openai:m"],
                "matches_per_pair": 1,
                "model_options": {"base_url": server.address, "patience": 0.0},
            }
        )
        plan = plan_matches(config)
        queue = TaskQueue.of(plan, {})
        batches = list(play_all(WorkerPlan(plan, config.rules, Pairings(config, plan)), queue, how))
        finished = sorted((one.position, one) for batch in batches for one in batch)
    transcripts = [transcript_from(position, one.transcript) for position, one in finished]
    return dict(zip(names, transcripts, strict=True))


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory):
    names = ("exits", "crashes", "interrupts", "good")
    return played(tmp_path_factory.mktemp("own"), names, How(1, 1800.0))


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("exits", "SystemExit: 3"),
        ("crashes", "the process that played it ended 2 times .*SIGSEGV"),
        ("interrupts", "KeyboardInterrupt"),
    ],
)
def test_a_bad_agent_fails_its_own_match_with_the_reason(outcomes, name, reason):
    assert (outcomes[name].outcome.ending, outcomes[name].outcome.by) == ("failed", "creditor")
    assert re.search(reason, outcomes[name].outcome.reason)


def test_a_good_one_speaks_with_the_model_through_the_main_process(outcomes):
    assert outcomes["good"].outcome.ending != "failed"
    assert all(message.wording.attempts for message in outcomes["good"].messages)


def test_code_that_never_returns_to_python_is_given_up_with_its_match(tmp_path):
    (held,) = played(tmp_path, ["holds"], How(1, 1800.0, grace=0.5, message_seconds=0.5)).values()
    assert (held.outcome.ending, held.outcome.by) == ("failed", "creditor")
    assert held.outcome.reason == "no message within 0.5 s; raise message_seconds if that is fine"


@pytest.mark.parametrize(
    ("playing", "reason"),
    [
        (Playing(0, -50.0, -50.0), "no message within 20 s; raise message_seconds"),
        (Playing(0, -50.0, -10.0), ""),
        (Playing(0, -50.0), ""),
        (Playing(0, -200.0, -10.0), "no reply within 100 s; raise match_seconds"),
    ],
)
def test_a_turn_that_never_returns_to_python_is_given_up_by_the_main_process(playing, reason):
    now = monotonic()
    turn = None if playing.turn is None else now + playing.turn
    dispatcher = Dispatcher(NoWorkers(), None, None, 100.0, lambda: False, grace=5.0, message_seconds=20.0)
    assert dispatcher._overdue(Playing(0, now + playing.since, turn)).startswith(reason)
    assert bool(reason) == bool(dispatcher._overdue(Playing(0, now + playing.since, turn)))


class NoWorkers:
    size = 0


@pytest.mark.parametrize("through", ["fast", "langgraph"])
def test_a_worker_notes_when_a_turn_begins_and_ends(monkeypatch, through):
    noted = []
    monkeypatch.setattr(turn_watch, "watcher", noted.append)
    played = Pairing(*pair("vanilla", "angry"), PlaySettings(through=through)).play(case(), 1)
    assert noted == [True, False] * len(played.transcript.messages)


def test_after_sigterm_whoever_asks_again_too_late_is_interrupted(monkeypatch):
    monkeypatch.setattr("poise.common.interrupts.TERM_SECONDS", -math.inf)
    with Interrupts() as stop:
        assert not stop()
        os.kill(os.getpid(), signal.SIGTERM)
        assert stop(), "it is heard first"
        with pytest.raises(KeyboardInterrupt):
            stop()
    with Interrupts() as stop:
        os.kill(os.getpid(), signal.SIGINT)
        assert stop()
        assert stop(), "Ctrl-C waits for what is in flight"


def test_a_graph_function_without_a_graph_is_refused_before_anything_is_stored(tmp_path):
    """It once reached a worker process, which failed on it."""
    file = tmp_path / "ledger.py"
    file.write_text(
        "from poise import graph_agent\nfrom poise.graphs import empty_seat_graph\n\n"
        "@graph_agent('ledger')\ndef ledger():\n    graph = empty_seat_graph()\n"
    )
    config = make_config({"creditors": ["vanilla", str(file)], "debtors": ["angry"]})
    refused = pytest.raises(AgentError, match="returned None and not a StateGraph; let it end with `return graph`")
    with clean_registries(), refused:
        run_tournament(config, tmp_path / "run")
    assert not (tmp_path / "run").exists()
