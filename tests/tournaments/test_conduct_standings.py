"""Conduct in the standings: the sums of the transcripts, means with intervals, and nothing where there is nothing."""

import math
from dataclasses import replace
from io import StringIO
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console
from test_standings import LABELS, grid, header, row

from poise import TournamentConfig, run_tournament
from poise.agents.conduct import broken_rules, de_escalation
from poise.agents.conduct.promises import Promises, promises
from poise.cli.screens.standings import standings_view, title
from poise.games.domains import DOMAINS, domain_words
from poise.games.moves import SEATS
from poise.tournaments.statistics.standings import make_standings
from poise.tournaments.storage.snapshot import Snapshot
from poise.tournaments.storage.store import Store

SIX_DIGITS = 1e-5  # of a stored reading; rows are worked out before it is stored


def printed(standings, width=100):
    console = Console(width=width, record=True, file=StringIO())
    console.print(standings_view(standings, width))
    return console.export_text()


@pytest.fixture(scope="module")
def played(tmp_path_factory):
    folder = tmp_path_factory.mktemp("conduct") / "run"
    config = TournamentConfig(
        creditors=("vanilla", "fixed:anger"), debtors=("cheating", "simulated"), scenarios="builtin:0-7", workers=1
    )
    result = run_tournament(config, folder)
    with Store.read(folder) as store:
        return result.standings(), list(zip(store.rows(), store.transcripts(), strict=True))


def of(standings, seat, label):
    (found,) = [one for one in standings.seat(seat) if one.label == label]
    return found


# Against the transcripts.


def test_standings_are_the_sums_of_the_transcripts(played):
    standings, matches = played
    for place, label in enumerate(("cheating", "simulated")):
        own = [transcript for row, transcript in matches if row.debtor == place]
        given = sum((promises(each, "debtor") for each in own), Promises())
        one = of(standings, "debtor", label)
        assert (one.promises, one.broken) == (given.made, given.broken)
        kept = one.promises_kept.mean if one.promises_kept else None
        assert kept == (pytest.approx(given.kept / given.made) if given.made else None)
    for place, label in enumerate(("vanilla", "fixed:anger")):
        own = [transcript for row, transcript in matches if row.creditor == place]
        said = [message for each in own for message in each.messages if message.seat == "creditor"]
        one = of(standings, "creditor", label)
        assert one.violations == sum(len(broken_rules(message.text, "creditor", "debt")) for message in said)
        assert math.isclose(one.violation_rate.mean, 100 * one.violations / len(said))
        calmer = [de_escalation([m.reading for m in each.messages[::2] if m.reading]) for each in own]
        known = [value for value in calmer if value is not None]
        assert math.isclose(one.de_escalation.mean, math.fsum(known) / len(known), abs_tol=SIX_DIGITS)


def test_de_escalation_is_compared_pair_by_pair(played):
    standings, matches = played
    calmer = {(r.creditor, r.debtor, r.scenario, r.repeat): r.de_escalation for r, _ in matches}
    pairs = [
        calmer[1, *rest] - calmer[0, *rest]
        for creditor, *rest in calmer
        if creditor == 0 and None not in (calmer[0, *rest], calmer[1, *rest])
    ]
    gain = standings.against_baseline("fixed:anger", "creditor").de_escalation
    assert math.isclose(gain.mean, math.fsum(pairs) / len(pairs), abs_tol=SIX_DIGITS)
    assert gain.low < gain.mean < gain.high


# From rows alone.

COUNT = st.integers(0, 5)


@given(st.lists(st.tuples(COUNT, COUNT, COUNT, st.none() | st.floats(-1, 1)), min_size=36, max_size=36))
@settings(max_examples=30, deadline=None)
def test_any_rows_have_standings(numbers):
    """Of any counts: sums are sums, rates are ratios of sums, and intervals hold their means."""
    rows = [
        replace(
            one, rounds=8, creditor_violations=bad, debtor_promises=made + gone, debtor_broken=gone, de_escalation=by
        )
        for one, (bad, made, gone, by) in zip(grid(3, 2, 6, lambda *_: 0.5), numbers, strict=True)
    ]
    result = make_standings(Snapshot(LABELS, rows), draws=100)
    assert sum(one.violations for one in result.standings) == sum(bad for bad, *_ in numbers)
    assert sum(one.promises - one.broken for one in result.standings) == sum(made for _, made, *_ in numbers)
    for one in result.seat("creditor"):
        assert math.isclose(one.violation_rate.mean, 100 * one.violations / (4 * one.matches))
        assert one.promises_kept is None
    for one in result.seat("debtor"):
        assert one.violation_rate is None
        assert (one.promises_kept is None) == (one.promises == 0)
    for one in result.standings:
        for figure in (one.violation_rate, one.promises_kept, one.de_escalation):
            if figure is not None and figure.low is not None:
                assert figure.low <= figure.mean <= figure.high
    assert set(result.to_dict()["creditors"][0]) >= {"violations", "violation_rate", "promises_kept", "de_escalation"}


def test_a_match_without_messages_or_readings_counts_for_no_rate():
    rows = [replace(row(0, 0, 0, 0), ending="failed", by="creditor", rounds=0)]
    (one, other) = make_standings(Snapshot(header(["a"], ["d"]), rows)).standings
    assert (one.violation_rate, one.de_escalation, other.promises_kept) == (None, None, None)


# In the terminal.


def test_what_is_zero_for_all_is_not_shown():
    text = printed(make_standings(Snapshot(LABELS, grid(3, 2, 6, lambda *_: 0.5)), draws=50))
    assert "onduct" not in text
    assert "De-escalation" not in text


def test_violations_are_shown_by_100_messages_and_promises_by_their_share():
    rows = grid(2, 2, 5, lambda *_: 0.5)
    rows = [replace(one, creditor_violations=one.creditor) for one in rows]
    rows = [replace(one, debtor_promises=2 * one.debtor, debtor_broken=one.debtor) for one in rows]
    text = printed(make_standings(Snapshot(header(["vanilla", "rude"], ["d", "e"]), rows), draws=50))
    conduct = text[text.index("Conduct of creditors") :]
    assert "violations per 100 messages" in " ".join(conduct.split())
    assert any(line.split() == ["rude", "10", "25.0"] for line in conduct.splitlines())
    assert any(line.split() == ["e", "20", "50%"] for line in conduct.splitlines())
    assert "de-escalation" not in conduct


@pytest.mark.parametrize("width", [80, 120])
def test_conduct_fits_the_terminal(played, width):
    lines = printed(played[0], width).splitlines()
    assert max(map(len, lines)) <= width
    assert any("de-escalation" in line for line in lines)


@pytest.mark.parametrize(
    ("domains", "named"),
    [
        (["debt"], ("Creditors", "Debtors")),
        (["disaster"], ("Rescue teams (creditors)", "Survivors (debtors)")),
        (["medical"], ("Hospitals (creditors)", "Patients (debtors)")),
        (["student"], ("Robots (creditors)", "Students (debtors)")),
        (["debt", "medical"], ("Creditors", "Debtors")),
        (["not-here"], ("Creditors", "Debtors")),
        ([], ("Creditors", "Debtors")),
    ],
)
def test_seats_are_called_as_in_the_domain_that_all_scenarios_share(domains, named):
    standings = make_standings(
        Snapshot(LABELS, grid(3, 2, 6, lambda *_: 0.5), [SimpleNamespace(domain=domain) for domain in domains]),
        draws=50,
    )
    assert tuple(title(standings, seat) for seat in SEATS) == named
    assert all(f"\n{each}\n" in printed(standings) for each in named)


def test_a_store_tells_its_domains(tmp_path):
    for domain in DOMAINS:
        config = TournamentConfig(
            creditors=("vanilla",), debtors=("sad",), scenarios=f"builtin:{domain}:0-1", workers=1
        )
        standings = run_tournament(config, tmp_path / domain).standings()
        assert standings.domain == domain
        assert title(standings, "creditor").startswith(domain_words(domain).several("creditor"))
