"""What results look like when they are printed and in a notebook: tables, whole and escaped."""

import re

import pytest
from helpers.view_fakes import fake_folder, real_folder

from poise.agents.registry import find_agent
from poise.common.plain_tables import PlainTable, text_tables
from poise.tournaments.results import Result
from poise.tournaments.statistics.comparison import compare_agents
from poise.tournaments.statistics.ratings import rate_tournament
from poise.tournaments.statistics.standings import read_standings
from poise.tournaments.storage.store import Store, read_snapshot


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return real_folder(tmp_path_factory.mktemp("shown") / "real")


@pytest.fixture(scope="module")
def hostile(tmp_path_factory):
    return fake_folder(tmp_path_factory.mktemp("shown") / "fake", hostile=True)


def transcript(folder):
    with Store.read(folder) as store:
        return next(iter(store.transcripts()))


def shown(folder):
    """Everything that shows itself, of a tournament."""
    snapshot = read_snapshot(folder)
    agents = list(reversed(snapshot.creditors))
    return [
        read_standings(folder),
        rate_tournament(snapshot),
        compare_agents(snapshot, *agents),
        Result(folder, 24, 24, 0),
        transcript(folder),
    ]


def test_printed_standings_are_a_table_of_every_agent_and_short_when_inspected(folder):
    standings = read_standings(folder)
    lines = str(standings).splitlines()
    for one in standings.standings:
        (line,) = [line for line in lines if line.startswith(f"{one.label} ") and f"{one.utility.mean:.3f}" in line]
        assert str(one.matches) in line
    assert max(map(len, lines)) < 160
    for one in shown(folder)[:3]:
        assert len(repr(one)) < 120
        assert "\n" not in repr(one)
    assert str(Result(folder, 24, 24, 0)).startswith(str(standings).partition("\n\n24 of")[0])


def test_columns_stand_below_each_other():
    table = PlainTable("caption", ["agent", "n"], [["a", "1"], ["a longer one", "1,000"]], "a note")
    caption, head, rule, *rows, empty, note = text_tables([table]).splitlines()
    assert (caption, empty, note) == ("caption", "", "a note")
    assert len(head) == len(rule) == len(rows[0]) == len(rows[1])
    assert head.rindex("n") == rows[0].rindex("1") == rows[1].rindex("0")


def test_everything_in_them_is_escaped(hostile):
    for one in shown(hostile):
        page = one._repr_html_()
        assert "<script" not in page
        assert "<img" not in page
        for text in (page, str(one), repr(one)):
            assert not re.search("[\u202e\u200b\x00]", text), type(one)


def test_a_printed_transcript_is_what_was_said(folder):
    told = transcript(folder)
    text = re.sub(r"\s+", " ", str(told))
    for message in told.messages:
        assert f"{message.index + 1} {message.seat} (" in text
        assert re.sub(r"\s+", " ", message.text) in text
    assert told.outcome.ending in text
    assert told._repr_html_().count("<tr>") == 1 + len(told.messages)
    assert repr(find_agent("vanilla", "creditor")) == "<Agent 'vanilla', creditor>"
