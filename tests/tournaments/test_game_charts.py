"""Paired gaps against the statistics of differences, the networks made of them, and the figures as pages show them."""

import re
import xml.etree.ElementTree as ET
from itertools import pairwise

import networkx as nx
import numpy as np
import pytest
from helpers.tournament_fakes import config
from helpers.view_fakes import HOSTILE, client, fake_folder, fake_plan, fake_store, real_folder
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from poise.cli.app import app
from poise.common.errors import BadInput
from poise.games.moves import SEATS
from poise.tournaments.charts.game import GameFigures, game_figures, trajectory, write_figures
from poise.tournaments.charts.game_charts import _spread
from poise.tournaments.game_theory.bimatrix import bimatrix
from poise.tournaments.game_theory.dominance import best_answers, dominance_edges, paired_gaps
from poise.tournaments.game_theory.solve import best_responses, dominance_network
from poise.tournaments.report.page import write_report
from poise.tournaments.statistics.bootstrap import Sums, estimate_all
from poise.tournaments.statistics.standings import make_standings
from poise.tournaments.storage.rows import COLUMNS, Row
from poise.tournaments.storage.snapshot import Header, Snapshot
from poise.tournaments.storage.store import read_snapshot


def row(creditor, debtor, scenario, utility, repeat=0, other=None):
    """A match in which the creditor got `utility` and the debtor the rest."""
    values = dict.fromkeys(COLUMNS, 0) | {
        "id": f"{creditor}-{debtor}-{scenario}-{repeat}", "creditor": creditor, "debtor": debtor,
        "scenario": scenario, "repeat": repeat, "ending": "deal", "by": None, "creditor_utility": utility,
        "debtor_utility": 1 - utility if other is None else other, "creditor_savings": None, "debtor_savings": None,
        "de_escalation": None, "rounds": 3,
    }  # fmt: skip
    return Row(**values)


def table(utilities):
    """Rows of a whole field. utilities: (creditors, debtors, scenarios)."""
    return [row(i, j, s, float(value)) for (i, j, s), value in np.ndenumerate(utilities)]


def standings(rows, creditors, debtors):
    labels = [[{"label": f"{letter}{place}"} for place in range(size)] for letter, size in
              (("c", creditors), ("d", debtors))]  # fmt: skip
    header = Header("x", config(creditors, debtors).model_dump(mode="json"), *labels, len(rows), {})
    return make_standings(Snapshot(header, rows), draws=2)


fields = st.integers(0, 2**31).map(lambda seed: np.random.default_rng(seed).integers(0, 5, (4, 3, 4)) / 4)


@given(fields)
@settings(max_examples=20, deadline=None)
def test_gaps_are_the_paired_differences_of_the_statistics(utilities):
    rows = table(utilities)
    gaps = paired_gaps(rows, (4, 3), "creditor")
    for one, two, opponent in ((0, 1, 0), (3, 1, 2)):
        gained = utilities[one, opponent] - utilities[two, opponent]
        (expected,) = estimate_all([Sums.of_pairs(np.arange(4), gained, 4)], 0, 2)
        found = [getattr(gaps, name)[one, two, opponent] for name in ("mean", "low", "high")]
        assert found == pytest.approx([expected.mean, expected.low, expected.high])
        assert gaps.low[two, one, opponent] == pytest.approx(-expected.high)
    assert paired_gaps(rows, (4, 3), "debtor").mean[0, 1, 2] == pytest.approx(
        (utilities[2, 1] - utilities[2, 0]).mean()
    )


def test_gaps_take_pairs_alone_and_are_open_with_one_scenario():
    rows = [row(0, 0, 0, 0.9), row(1, 0, 0, 0.5), row(0, 0, 1, 0.1)]
    gaps = paired_gaps(rows, (2, 1), "creditor")
    assert gaps.mean[0, 1, 0] == pytest.approx(0.4)
    assert np.isnan(gaps.low[0, 1, 0])
    assert not gaps.clear.any()


@given(fields)
@settings(max_examples=20, deadline=None)
def test_the_dominance_that_is_drawn_says_what_the_game_does(utilities):
    utilities = np.concatenate([utilities, utilities[:1] - 0.5, utilities[:1] - 0.6 + 0.2 * utilities[1:2]])
    game = bimatrix(standings(table(utilities), 6, 3))
    for seat in SEATS:
        drawn = dominance_edges(game, paired_gaps(table(utilities), (6, 3), seat), seat)
        labels = game.labels(seat)
        reached = {(labels[u], labels[v]) for u, v in nx.transitive_closure(drawn).edges}
        assert reached == set(dominance_network(game, seat).edges)
        if seat == "creditor":  # half a point less in every single match: no chance in it
            assert ("c0", "c4") in reached
            assert not drawn.has_edge(0, 4) or drawn.edges[0, 4]["clear"]


def test_dominance_in_the_means_alone_is_told_apart_from_dominance_beyond_chance():
    noisy = np.array([[0.9, 0.1, 0.5, 0.6], [0.5, 0.5, 0.5, 0.5], [0.2, 0.1, 0.2, 0.1]])[:, None]
    rows = table(noisy)
    edges = dominance_edges(bimatrix(standings(rows, 3, 1)), paired_gaps(rows, (3, 1), "creditor"), "creditor")
    assert {(u, v): data["clear"] for u, v, data in edges.edges(data=True)} == {(0, 1): False, (1, 2): True}


@given(fields)
@settings(max_examples=20, deadline=None)
def test_answers_are_the_game_s_and_a_clear_one_has_no_rival(utilities):
    rows = table(utilities)
    game = bimatrix(standings(rows, 4, 3))
    found = best_answers(game, {seat: paired_gaps(rows, (4, 3), seat) for seat in SEATS})
    for one in found:
        answering = "debtor" if one.seat == "creditor" else "creditor"
        assert one.answer in best_responses(game, answering)[one.agent]
        assert one.clear == (not one.near)
        tied = [two.answer for two in found if (two.seat, two.agent) == (one.seat, one.agent)]
        assert len(tied) == 1 or not one.clear


@given(fields)
@settings(max_examples=8, deadline=None)
def test_populations_stay_shares_and_follow_those_who_do_better(utilities):
    utilities = utilities.copy()
    utilities[0] = utilities.max() + 0.5
    game = bimatrix(standings(table(utilities), 4, 3))
    times, (x, y) = trajectory(game)
    assert np.all(np.diff(times) > 0)
    assert x.sum(axis=1) == pytest.approx(1)
    assert y.min() >= 0
    assert np.all(np.diff(x[:, 0]) >= -1e-12)
    assert x[-1, 0] > 0.99


@given(st.lists(st.floats(12, 180), min_size=1, max_size=4))
def test_names_beside_lines_do_not_overlap(heights):
    moved = _spread(heights)
    assert max(moved) <= 180
    ordered = sorted(moved)
    assert all(below - above >= 14 - 1e-9 for above, below in pairwise(ordered))


def pictures(found):
    return {one.name: ET.fromstring(str(one.picture)) for one in found.figures}


def test_every_figure_is_there_for_three_agents_a_side():
    rng = np.random.default_rng(2)
    rows = table(rng.random((3, 3, 5)))
    found = game_figures(standings(rows, 3, 3), rows)
    kinds = ("dominance", "alpha-rank", "replicator", "simplex", "exploitability")
    assert set(pictures(found)) == {f"{kind}-{seat}s" for kind in kinds for seat in SEATS} | {"best-answers"}
    assert found.told.startswith("Equilibrium (")
    assert [one.name for one in found.called("simplex")] == ["simplex-creditors", "simplex-debtors"]


def test_twenty_agents_stay_inside_their_pictures_and_keep_their_names():
    rng = np.random.default_rng(4)
    rows = table(rng.random((10, 10, 2)))
    found = pictures(game_figures(standings(rows, 10, 10), rows))
    for picture in found.values():
        wide, high = map(float, picture.get("viewBox").split()[2:])
        for box in picture.iter("rect"):
            assert float(box.get("x")) >= 0
            assert float(box.get("x")) + float(box.get("width")) <= wide
            assert 0 <= float(box.get("y")) <= high - float(box.get("height"))
    titles = [
        title.text for title in pictures(game_figures(standings(rows, 10, 10), rows))["best-answers"].iter("title")
    ]
    assert {f"{letter}{n}" for letter in "cd" for n in range(10)} <= set(titles)


def test_one_creditor_still_leaves_the_debtors_a_game_and_one_pair_leaves_none():
    rows = table(np.random.default_rng(5).random((1, 3, 4)))
    found = game_figures(standings(rows, 1, 3), rows)
    assert not found.called("dominance-creditors")
    assert found.called("dominance-debtors", "exploitability-debtors")
    rows = table(np.full((1, 1, 2), 0.5))
    assert "Add agents with --creditor" in game_figures(standings(rows, 1, 1), rows).missing


def test_an_unmeasured_pair_is_named_with_the_remedy(tmp_path):
    rows = [one for one in table(np.full((2, 2, 2), 0.5)) if (one.creditor, one.debtor) != (1, 0)]
    found = game_figures(standings(rows, 2, 2), rows)
    assert "c1 against d0" in found.missing
    assert "poise tournament resume" in found.missing
    with pytest.raises(BadInput, match="c1 against d0"):
        write_figures(found, tmp_path / "none")
    assert not (tmp_path / "none").exists()
    assert GameFigures().called("any") == []


def test_hostile_names_are_text_in_every_figure(tmp_path):
    folder = fake_folder(tmp_path / "run", hostile=True)
    snapshot = read_snapshot(folder)
    found = game_figures(make_standings(snapshot, draws=2), snapshot.rows)
    for path in write_figures(found, tmp_path / "figures"):
        root = ET.fromstring(path.read_bytes())
        kinds = {element.tag.rpartition("}")[2] for element in root.iter()}
        assert kinds <= {"svg", "style", "title", "rect", "text", "g", "path", "line", "polyline", "polygon", "circle",
                         "defs", "marker"}  # fmt: skip
        assert "\u202e" not in path.read_text(encoding="utf-8")
    assert HOSTILE not in client(folder).get("/run/run/").text


def test_the_command_writes_figures_and_the_pages_show_them(tmp_path):
    folder = real_folder(tmp_path / "real", matches_per_pair=3)
    said = CliRunner().invoke(app, ["tournament", "solve", str(folder), "--figures", str(tmp_path / "figures")])
    assert said.exit_code == 0, said.output
    written = sorted(path.name for path in (tmp_path / "figures").iterdir())
    assert "best-answers.svg" in written
    assert f"figures: {len(written)} files in" in said.stdout
    page = client(folder).get("/run/real/").text
    report = write_report(folder).read_text(encoding="utf-8")
    for text in (page, report):
        assert 'id="game"' in text
        assert len(re.findall('class="chart (network|shares-over|exploitability)', text)) == len(written)
    assert 'id="game"' not in client(folder).get("/run/real/?debtor=angry").text


def test_an_unfinished_tournament_has_no_game_yet(tmp_path):
    with fake_store(tmp_path / "run", fake_plan()):
        pass
    assert 'id="game"' not in client(tmp_path / "run").get("/run/run/").text
