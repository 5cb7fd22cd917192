"""How often each edge was taken adds up, and is drawn without a network."""

from __future__ import annotations

from dataclasses import replace

import pytest
from helpers.seats import DEBTORS, case, pair
from hypothesis import given, settings
from hypothesis import strategies as st
from langgraph.graph import END, START
from typer.testing import CliRunner

from poise.cli.app import app
from poise.common.errors import BadInput
from poise.games.transcript import Outcome, Usage
from poise.graphs import PlaySettings, play
from poise.graphs.drawing.outline import PERSON, USUAL
from poise.graphs.drawing.traverse import draw_traversal, traversal
from poise.tournaments.config import make_config
from poise.tournaments.runner import run_tournament

BOTH = (USUAL, USUAL)


def counts(graph):
    return {(source, target): data.get("count", 0) for source, target, data in graph.edges(data=True)}


@settings(max_examples=8, deadline=None)
@given(
    debtors=st.lists(st.sampled_from(DEBTORS), min_size=1, max_size=3),
    seed=st.integers(0, 2**32),
    judge=st.sampled_from([None, "rules"]),
)
def test_as_many_ways_lead_into_a_node_as_out_of_it(debtors, seed, judge):
    rules = PlaySettings(judge=judge)
    talks = [play(case(), *pair("vanilla", debtor), seed=seed, settings=rules) for debtor in debtors]
    whole = traversal((one, Usage(), BOTH) for one in talks)
    for node in whole:
        into = sum(data.get("count", 0) for _, _, data in whole.in_edges(node, data=True))
        out = sum(data.get("count", 0) for _, _, data in whole.out_edges(node, data=True))
        assert node in (START, END) or into == out
    said = sum(len(one.messages) for one in talks)
    spoken = [data.get("count", 0) for node, data in whole.nodes(data=True) if node.endswith(":speak")]
    assert sum(spoken) == said
    assert whole.nodes[START]["count"] == whole.nodes[END]["count"] == len(talks)


def test_seconds_are_the_models_and_a_failed_match_ends_where_it_failed():
    played = play(case(), *pair("vanilla", "sad"), seed=1)
    spent = tuple({"model_seconds": 0.5} for _ in played.messages)
    failed = replace(played, messages=played.messages[:1], outcome=Outcome("failed", by="debtor"))
    whole = traversal([(played, Usage(per_message=spent), BOTH), (failed, Usage(), BOTH)])
    assert sum(data.get("seconds", 0) for _, data in whole.nodes(data=True)) == 0.5 * len(played.messages)
    taken = counts(whole)
    assert taken["debtor:perceive", "debtor:feel"] == whole.nodes["debtor:perceive"]["count"] - 1


def test_the_time_of_a_node_is_the_mean_over_the_visits_that_were_timed():
    played = play(case(), *pair("vanilla", "sad"), seed=1)
    spent = tuple({"model_seconds": 0.5} for _ in played.messages)
    whole = traversal([(played, Usage(per_message=spent), BOTH), (played, Usage(), BOTH)])
    drawn = draw_traversal(whole).decode()
    assert drawn.count(">0.5 s<") == 2
    assert "0.25" not in drawn


def test_no_count_lies_on_a_node(monkeypatch):
    """Also where a node has a second line, with its time."""
    from matplotlib.figure import Figure

    drawn = []
    monkeypatch.setattr(Figure, "savefig", lambda figure, out, **_: drawn.append(figure))
    played = play(case(), *pair("vanilla", "sad"), seed=1)
    spent = tuple({"model_seconds": 0.5} for _ in played.messages)
    draw_traversal(traversal([(played, Usage(per_message=spent), BOTH)]))
    (axes,) = drawn[0].axes
    drawn[0].canvas.draw()
    nodes = [patch.get_window_extent() for patch in axes.patches if patch.get_zorder() == 3]
    words = [text for text in axes.texts if text.get_text().isdigit()]
    assert len(nodes) == 10
    assert len(words) >= 10
    assert [text.get_text() for text in words if any(text.get_window_extent().overlaps(node) for node in nodes)] == []


def test_a_persons_turn_has_a_persons_nodes():
    played = play(case(), *pair("vanilla", "sad"), seed=1)
    taken = counts(traversal([(played, Usage(), (USUAL, PERSON))]))
    assert taken["debtor:listen", "debtor:confirm"] == sum(one.seat == "debtor" for one in played.messages)


def test_the_command_draws_one_match_or_all(tmp_path):
    config = make_config({"creditors": ["vanilla"], "debtors": ["sad"], "scenarios": "builtin:0-1"})
    run_tournament(config, tmp_path / "run")
    folder = str(tmp_path / "run")
    assert CliRunner().invoke(app, ["graph", "traverse", folder]).exit_code == 0
    assert b"perceive" in (tmp_path / "run" / "traversal.svg").read_bytes()
    png = tmp_path / "one.png"
    assert CliRunner().invoke(app, ["graph", "traverse", folder, "--match", "1", "--out", str(png)]).exit_code == 0
    assert png.read_bytes().startswith(b"\x89PNG")
    refused = CliRunner().invoke(app, ["graph", "traverse", folder, "--match", "7"])
    assert (refused.exit_code, "no finished match 7" in refused.stderr) == (1, True)


def test_nothing_played_and_no_such_format_are_refused():
    with pytest.raises(BadInput, match="no finished match"):
        traversal([])
    whole = traversal([(play(case(), *pair(), seed=1), Usage(), BOTH)])
    with pytest.raises(BadInput, match="neither svg nor png"):
        draw_traversal(whole, "gif")
