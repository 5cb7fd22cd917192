"""The lookup table: it plays its seven entries, and any other table that is named."""

import pytest
from helpers.emotion_strategies import BRIEF, DICE, heard_view, views
from hypothesis import given

from poise.agents.emotions.taxonomy import EMOTIONS7, EMOTIONS28
from poise.agents.policies.lookup import TABLE, Lookup, named_lookup
from poise.agents.protocols import View
from poise.agents.registry import find_agent
from poise.common.errors import AgentError


@given(views)
def test_what_it_shows_is_the_entry_of_the_last_reading(view):
    last = view.readings[-1].emotions if view.readings else (0, 0, 0, 0, 0, 0, 1)
    assert Lookup().choose(view, DICE) == TABLE[EMOTIONS7[last.index(max(last))]]


def test_the_table_is_complete_and_the_published_one():
    assert [TABLE[read] for read in EMOTIONS7] == [
        "gratitude", "remorse", "realization", "neutral", "gratitude", "realization", "annoyance",
    ]  # fmt: skip
    assert Lookup().choose(View(BRIEF), DICE) == "annoyance"


@pytest.mark.parametrize("read", EMOTIONS7)
def test_an_entry_of_the_argument_replaces_its_own_entry_alone(read):
    changed = find_agent(f"lookup:{read}=caring", "creditor").make_policy()
    for heard in EMOTIONS7:
        shown = changed.choose(heard_view(("joy",), (heard,)), DICE)
        assert shown == ("caring" if heard == read else TABLE[heard])


def test_a_file_gives_a_table_too(tmp_path):
    table = tmp_path / "table.toml"
    table.write_text('joy = "pride"\nneutral = "caring"\n')
    in_words, in_file = (
        named_lookup("joy=pride+neutral=caring"),
        find_agent(f"lookup:{table}", "creditor").make_policy(),
    )
    for heard in EMOTIONS7:
        view = heard_view(("joy",), (heard,))
        assert in_words.choose(view, DICE) == in_file.choose(view, DICE)


def test_only_a_file_has_to_be_declared(tmp_path):
    table = tmp_path / "table.toml"
    table.write_text('joy = "pride"\n')
    assert find_agent(f"lookup:{table}", "creditor").settings == {"table": {"joy": "pride"}}
    assert find_agent("lookup:joy=pride", "creditor").settings == find_agent("lookup", "creditor").settings == {}


@pytest.mark.parametrize(
    ("argument", "problem"),
    [
        ("glee=joy", "use joy, sadness"),
        ("joy=glee", f"use one of {EMOTIONS28[0]}"),
        ("joy=", "shows no emotion"),
        ("joy=pride+", "is not an emotion that is read"),
        ("nowhere.toml", "cannot be read .*say lookup:FILE"),
    ],
)
def test_a_bad_table_is_refused_with_the_remedy(argument, problem):
    with pytest.raises(AgentError, match=problem):
        named_lookup(argument)


def test_a_file_that_is_not_toml_is_refused(tmp_path):
    (tmp_path / "table.toml").write_text("joy: pride")
    with pytest.raises(AgentError, match="is not TOML"):
        named_lookup(str(tmp_path / "table.toml"))
