"""The conduct checker against disguises and hostile text."""

from __future__ import annotations

import pytest
from helpers.conduct_disguises import DISGUISES
from helpers.paths import DATA
from hypothesis import given, settings
from hypothesis import strategies as st

from poise.agents.conduct import check, default_checker
from poise.agents.conduct.context import Context
from poise.agents.conduct.scoring import read_labelled

LABELLED = read_labelled(DATA / "conduct_messages.jsonl")
EXAMPLES = [text for rule in default_checker().rules for text in (*rule.caught, *rule.clean)]
TEXTS = [each.text for each in LABELLED] + EXAMPLES
BROKEN = [text for text in TEXTS if check(text)]
CLEAN = [each.text for each in LABELLED if not each.labels and not check(each.text)]
CLEAN += [text for text in EXAMPLES if not check(text)]

# What splitting a word or the whole sentence by single spaces hides for good: words whose halves are words ("fat her"),
# and where one word ends and the next begins.
OVER = ("upper case", "zero-width spaces", "accents", "fullwidth", "cyrillic")
LOSSY = {"cut by a space": 0.95, "spaced letters": 0.95}


@pytest.mark.parametrize("name", DISGUISES)
def test_disguised_violations_are_caught_and_disguised_clean_messages_stay_clean(name):
    disguise, seen = DISGUISES[name], 0
    for text in BROKEN:
        hidden = disguise(text)
        found = check(hidden)
        assert all(hidden[each.start : each.end] == each.excerpt for each in found)
        seen += {each.category for each in found} >= {each.category for each in check(text)}
    assert seen >= LOSSY.get(name, 1) * len(BROKEN)
    assert not [text for text in CLEAN if check(disguise(text))]


@given(st.sampled_from(BROKEN), st.sampled_from(sorted(DISGUISES.keys() - LOSSY.keys())), st.sampled_from(OVER))
def test_disguises_add_up(text, name, over):
    """A disguise of the words, and then another of the letters that it left."""
    assert check(DISGUISES[over](DISGUISES[name](text)))


@settings(max_examples=30)
@given(st.text())
def test_any_text_will_do(text):
    for each in check(text):
        assert text[each.start : each.end] == each.excerpt
        assert each.excerpt


TRIGGERS = (
    "we",
    "will",
    "sue",
    "you",
    "j a i l",
    "not",
    '"',
    ".",
    "@rr3st",
    "\u200b",
    "I'll",
    "\ud800",
    "!",
    "arr",
    "est",
)


@given(st.lists(st.sampled_from(TRIGGERS)))
def test_any_heap_of_trigger_words_will_do(words):
    text = " ".join(words)
    for each in check(text):
        assert text[each.start : each.end] == each.excerpt


@given(st.sampled_from(BROKEN), st.sampled_from(["  ", "\n", "Hello. ", "\ud83d\ude00 "]))
def test_what_stands_before_only_moves_the_places(text, before):
    moved = [(each.rule, each.start - len(before), each.excerpt) for each in check(before + text)]
    assert moved == [(each.rule, each.start, each.excerpt) for each in check(text)]


def test_a_second_look_gives_the_same():
    checker = default_checker()
    for text in TEXTS:
        assert checker.check(text) == checker.check(text) == checker.judge(text)


@pytest.mark.parametrize(
    "piece",
    [
        "i will not call the police ",
        "you said ",
        "we will tell ",
        "a ",
        "a.b",
        '"',
        "j a i l ",
        "\u0301",
        "l1",
        "arr est ",
        "w",
    ],
)
def test_a_hundred_kilobytes_of_anything_are_judged(piece):
    assert not check(piece * (100_000 // len(piece)))


def test_the_work_grows_no_faster_than_the_text(monkeypatch):
    """Twice the denials, twice the judgements; a bounded look around each (`sentence`) makes the whole linear."""
    calls = []
    clears = Context.clears

    def counted(self: Context, codes: str, start: int, end: int, by: frozenset) -> bool:
        calls.append(end - start)
        return clears(self, codes, start, end, by)

    monkeypatch.setattr(Context, "clears", counted)
    work = []
    for times in (500, 1000, 2000):
        calls.clear()
        default_checker().judge("i will not call the police " * times)
        work.append(len(calls))
    assert work[1] <= 2.01 * work[0]
    assert work[2] <= 2.01 * work[1]
