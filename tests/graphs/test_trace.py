"""A match node by node: the same match as `play` plays, with what each node changed."""

from __future__ import annotations

from typing import Any

import pytest
from helpers.seats import case, pair
from test_custom_graphs import Ledger, agent_with, chain, multiply, remember
from typer.testing import CliRunner

from poise import trace
from poise.cli.app import app
from poise.graphs import PlaySettings, decide, feel, perceive, play, speak


def build() -> Any:
    return chain(perceive, remember, feel, decide, speak, state=Ledger)


@pytest.mark.parametrize("through", ["fast", "langgraph"])
def test_it_is_the_match_that_play_plays_with_every_node_and_change(through):
    agents = agent_with(build), pair("vanilla", "sad")[1]
    settings = PlaySettings(through=through)
    steps = list(trace(case(), *agents, seed=5, settings=settings))
    played = play(case(), *agents, seed=5, settings=settings)
    assert steps[-1].outcome == played.outcome
    for message in played.messages:
        of = [step for step in steps[:-1] if step.index == message.index]
        if message.nodes:
            assert [step.node for step in of] == [visit.node for visit in message.nodes]
        (said,) = (change.after for step in of for change in step.changes if change.field == "speech")
        assert said.text == message.text
    remembered = [change for step in steps if step.node == "remember" for change in step.changes]
    turns = [(change.before, change.after) for change in remembered if change.field == "turns"]
    assert turns == [(number, number + 1) for number in range(len(turns))]


@pytest.mark.parametrize("through", ["fast", "langgraph"])
def test_an_exception_is_the_last_step_and_the_nodes_before_it_are_shown(through):
    agents = agent_with(lambda: chain(perceive, multiply, decide, speak)), pair()[1]
    *before, last = trace(case(), *agents, settings=PlaySettings(through=through))
    assert "perceive" in [step.node for step in before]
    assert "(node 'multiply', test_custom_graphs.py line" in last.outcome.reason
    assert "in multiply" in last.traceback


def test_it_can_be_iterated_again_and_is_a_table_in_a_notebook():
    steps = trace(case(), *pair("fixed:joy"))
    assert [str(step) for step in steps] == [str(step) for step in steps]
    table = steps._repr_html_()
    assert table.count("<tr>") == len(list(steps)) + 1
    assert "emotion = &#x27;joy&#x27;" in table


def test_the_command_shows_the_nodes_and_ends_with_1_where_the_agent_fails(tmp_path):
    (tmp_path / "own.py").write_text(
        "from poise import agent\n@agent('own')\ndef own(view):\n    return 'joy' if len(view.lines) < 3 else 1 / 0\n"
    )
    run = CliRunner().invoke(app, ["agents", "trace", str(tmp_path / "own.py"), "--scenario", "builtin:1"])
    assert run.exit_code == 1
    shown = " ".join(run.output.split())
    assert "own (creditor) against angry on debt-001" in shown
    assert "emotion = 'joy'" in shown
    assert "ZeroDivisionError: division by zero (node 'feel', own.py line 4)" in shown
    assert "Traceback" in shown
    short = CliRunner().invoke(app, ["agents", "trace", "vanilla", "--messages", "2"])
    assert (short.exit_code, "stopped after 2 messages" in short.output) == (0, True)
