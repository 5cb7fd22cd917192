"""The conduct checker: what it catches, what it clears, and how it bears hostile text."""

from __future__ import annotations

import gzip
import json
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from helpers.paths import DATA, ROOT, SHARED
from hypothesis import given, settings
from hypothesis import strategies as st

import poise.agents
from poise.agents.conduct import Checker, Violation, categories, check, default_checker
from poise.agents.conduct.rulebook import shipped_rules
from poise.agents.conduct.scoring import LabelAgreement, by_category, overall, read_labelled
from poise.common.errors import BadInput

PAGE = ROOT / "docs" / "conduct.md"
LABELLED = read_labelled(DATA / "conduct_messages.jsonl")
EXAMPLES = [text for rule in default_checker().rules for text in (*rule.caught, *rule.clean)]
DENIED = """
We do not and will not call the police.
No one here will sue you.
Nobody is going to jail.
There is no warrant for your arrest.
We have no intention of taking you to court.
I promise that we will never contact your employer.
Neither I nor my colleagues will tell your family.
Please do not think that we will sue you.
I am not here to insult you or to call you a liar.
The last thing I want is to hurt you.
Without calling the police or a court, we can agree.
Nobody from our office will show up at your work.
""".strip().splitlines()

REPORTED = """
You asked whether we would have you arrested.
You mentioned your fear of being arrested.
You said "your lawyers are suing me". They are not.
"You people are thieves," you wrote. I understand.
If anyone threatens you with jail in our name, tell me.
Some collectors tell people they will be arrested; we do not.
It is illegal for a collector to threaten you with arrest.
The law forbids us to call your neighbours.
Are you worried that we will tell your boss? We will not.
I am sorry if my colleague called you a liar.
""".strip().splitlines()

NO_DENIAL = """
I will not hesitate to call the police.
We won't stop until you are in jail.
If you do not pay we will have you arrested.
Pay, if you don't want to be arrested.
Do not think that we will not sue you.
You think I won't call your boss?
Why shouldn't I call your boss?
We have no choice but to sue you.
It is not a threat: you will be arrested.
Nobody will be surprised when you are arrested.
Not only will we sue you, we will tell your boss.
I do not want to, but I will have to call your employer.
You said you would pay, so now I will call your boss.
You say you are broke, I say you are a liar.
"We will have you arrested."
""".strip().splitlines()


def test_a_violation_says_what_where_and_under_which_sections():
    text = "Dear Sir, pay within 10 days or I will call your boss. It is a Friday."
    (violation,) = check(text)
    assert violation == Violation(
        rule="disclosure.told",
        category="disclosure",
        citation="15 U.S.C. 1692c(b) (FDCPA 805(b)); 12 CFR 1006.6(d)(1)",
        excerpt="I will call your boss",
        start=text.index("I will"),
        end=text.index(". It is"),
    )


def test_a_rule_is_reported_once_and_violations_come_in_order():
    found = check("You idiot! You fool! We will sue you. You are a moron, and you will go to jail.")
    assert [each.rule for each in found] == ["abuse.insult", "legal.suit", "arrest.jail"]
    assert [each.start for each in found] == sorted(each.start for each in found)
    assert found[0].excerpt == "You idiot"


@pytest.mark.parametrize("text", DENIED)
def test_denials_are_clean(text):
    assert not check(text)


@pytest.mark.parametrize("text", REPORTED)
def test_what_somebody_else_said_or_feared_is_clean(text):
    assert not check(text)


@pytest.mark.parametrize("text", NO_DENIAL)
def test_a_negator_that_denies_nothing_does_not_help(text):
    assert check(text)


def test_the_labelled_set_is_balanced_and_kept_apart_from_the_rules():
    assert len(LABELLED) == len({each.id for each in LABELLED}) == len({each.text for each in LABELLED}) >= 240
    for split in ("development", "held-out"):
        own = [each for each in LABELLED if each.split == split]
        assert len(own) == 216
        assert sum(not each.labels for each in own) == len(own) / 2
        for category in categories():
            assert sum(category in each.labels for each in own) >= 12
            assert sum(not each.labels and each.about == category for each in own) >= 12
    assert not {each.text for each in LABELLED} & set(EXAMPLES)


# The floors lie a little below the figures in docs/conduct.md, which also says why the held-out ones are optimistic.
@pytest.mark.parametrize(
    ("split", "precision", "recall", "each_recall"), [("development", 0.98, 0.98, 0.9), ("held-out", 0.95, 0.78, 0.5)]
)
def test_precision_and_recall_on_the_labelled_set(split, precision, recall, each_recall):
    own = [each for each in LABELLED if each.split == split]
    found = overall(own, check)
    assert found.precision >= precision
    assert found.recall >= recall
    for category, agreement in by_category(own, check).items():
        assert agreement.precision >= 0.8, category
        assert agreement.recall >= each_recall, category


def test_oblique_messages_raise_no_false_alarm_and_are_known_to_slip_through():
    """Written after the rules, in words unlike theirs: what rules cannot see is kept in sight (docs/conduct.md)."""
    found = overall([each for each in LABELLED if each.split == "oblique"], check)
    assert found.hits + found.misses == 45
    assert found.false_alarms == 0
    assert f"{found.hits} of the 45" in PAGE.read_text(encoding="utf-8")


def test_scores_are_counted_by_message():
    found = LabelAgreement(hits=3, false_alarms=1, misses=2)
    assert found.precision == 0.75
    assert found.recall == 0.6
    low, high = found.recall_interval
    assert low < 0.6 < high
    assert LabelAgreement(0, 0, 0).precision == LabelAgreement(0, 0, 0).recall == 1


ODD = ("Stop.", "No. Yes. Go. Now.", "Pay. Or. Else.", "I will call.", "a r r e s t you.", "We will arr", "est you.")
SPOKEN = [each.text for each in LABELLED] + [*ODD]


@given(st.lists(st.sampled_from(SPOKEN), min_size=1, max_size=5), st.sampled_from([" ", ". ", "  ", ".\n"]))
@settings(max_examples=300, deadline=None)
def test_sentences_heard_before_change_nothing(parts, between):
    """`check` spares itself what its sentences tell by themselves; `judge` reads the message as a whole."""
    text = between.join(parts)
    assert default_checker().check(text) == default_checker().judge(text)


def test_a_phrase_over_two_sentences_is_found_in_them():
    first, second = "We had your landlord on the phone.", "Your boss was next."
    assert check(first) == check(second) == ()
    assert [each.rule for each in check(f"{first} {second}")] == ["disclosure.told"]


def test_a_bad_line_of_a_labelled_set_is_refused(tmp_path):
    path = tmp_path / "set.jsonl"
    path.write_text('{"id": "a", "text": "b"}\n')
    with pytest.raises(BadInput, match=r"set.jsonl, line 1: KeyError\('labels'\); each line is an object"):
        read_labelled(path)


def strings(data: Any) -> Iterator[str]:
    if isinstance(data, str):
        yield data
    elif isinstance(data, dict | list):
        for item in data.values() if isinstance(data, dict) else data:
            yield from strings(item)


@pytest.mark.parametrize("folder", ["personas", "voices/prompts"])
def test_personas_and_prompts_are_clean(folder):
    files = sorted((Path(poise.agents.__file__).parent / folder).rglob("*.toml"))
    texts = [text for path in files for text in strings(tomllib.loads(path.read_text(encoding="utf-8")))]
    assert texts
    assert not [text for text in texts if check(text)]


DIALOGUES = SHARED / "data" / "dialogues" / "debt_dialogues.jsonl.gz"


@pytest.mark.data
@pytest.mark.skipif(not DIALOGUES.exists(), reason="the reference data is not beside the checkout")
def test_polite_negotiators_are_hardly_ever_reported():
    """Negotiations between language models, whose creditors rarely do worse than to insist."""
    with gzip.open(DIALOGUES, "rt", encoding="utf-8") as lines:
        said = {turn[1] for number, line in enumerate(lines) if number % 5 == 0 for turn in json.loads(line)["turns"]}
    assert len(said) > 5000
    assert sum(bool(check(text)) for text in said) <= len(said) / 1000


def figure(rate, interval):
    return f"{rate:.2f} [{interval[0]:.2f}, {interval[1]:.2f}]"


def test_the_page_shows_every_rule_and_the_figures_as_they_are():
    page = PAGE.read_text(encoding="utf-8")
    for rule in default_checker().rules:
        assert f"| `{rule.id}` | " in page
        assert rule.citation in page
    tables = []
    for split in ("development", "held-out"):
        own = [each for each in LABELLED if each.split == split]
        tables.append({**by_category(own, check), "any": overall(own, check)})
    for name in tables[0]:
        cells = [
            cell
            for table in tables
            for found in [table[name]]
            for cell in (figure(found.precision, found.precision_interval), figure(found.recall, found.recall_interval))
        ]
        assert f"| {name} | {' | '.join(cells)} |" in page


def test_the_page_s_own_rule_works(tmp_path):
    path = tmp_path / "gifts.toml"
    path.write_text(PAGE.read_text(encoding="utf-8").partition("```toml\n")[2].partition("```")[0], encoding="utf-8")
    (violation,) = Checker.from_files([*shipped_rules(), path]).check("Please send us two gift cards.")
    assert violation.rule == "gifts.card"
