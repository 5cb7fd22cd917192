"""Each check of a policy catches what it is there to catch, and nothing else does."""

from __future__ import annotations

import itertools

import pytest
from helpers.bad_learners import Forgetful, NeverDoneLearning

from poise.agents.policies.fixed import Fixed
from poise.agents.policies.random import Random
from poise.testing import assert_policy, check_policy

PATIENT, HURRIED = 60.0, 0.2  # hurried with those that hang; a busy machine may keep others as long
COUNT = itertools.count()


def failures(policy, seconds=PATIENT, **more):
    return {check.name: check.detail for check in check_policy(policy, seconds=seconds, **more) if not check.ok}


def loops(view):
    while True:
        pass


def raises(view):
    raise ValueError("no idea")


def scribbles(view):
    view.notes["seen"] = True


def undecided(view):
    return ("joy", "anger")[next(COUNT) % 3 % 2]


class Plain:
    def choose(self, view, dice):
        return "joy"


class Pairs(Plain):
    def note(self, view, dice):
        return {"pair": (1, 2)}


class Slow(Plain):
    def __init__(self):
        loops(None)


class Shared:
    """Counts its messages, for all matches together."""

    count = 0

    def choose(self, view, dice):
        Shared.count = Shared.count + 1 if view.index else 0
        return "joy" if Shared.count % 2 else "anger"


class Odd(Forgetful):
    """Forgets every other negotiation."""

    def memory(self):
        return {"seen": self.seen // 2}

    def restore(self, memory):
        self.seen = memory["seen"]


class Unwritable(Odd):
    def memory(self):
        return {"seen": {self.seen}}


IN_TIME = f"answers within {HURRIED} s"
BAD = [
    (IN_TIME, loops, "no answer within 0.2 s; look for a loop"),
    (IN_TIME, Slow, "no answer within 0.2 s"),
    (IN_TIME, NeverDoneLearning, "no answer within 0.2 s"),
    ("always answers", raises, "ValueError: no idea"),
    ("shows emotions among the 28", lambda view: "happy", "it shows 'happy'; name one of the 28"),
    ("shows emotions among the 28", lambda view: 3, "it shows 3"),
    ("does not change the view", scribbles, "make a copy"),
    ("its notes are JSON data", Pairs, "write text keys and lists"),
    ("same view and dice, same answer", undecided, "draw only from `dice`"),
    ("two at once are independent", Shared, "in `self`, not in the class"),
    ("what it learned survives JSON", Forgetful, "put all that it learned into memory()"),
    ("what it learned survives JSON", Odd, "put all that it learned into memory()"),
    ("what it learned survives JSON", Unwritable, "set is not JSON serializable"),
]


@pytest.mark.parametrize(("check", "policy", "words"), BAD, ids=[f"{bad[0]}-{n}" for n, bad in enumerate(BAD)])
def test_each_check_catches_what_it_is_there_for(check, policy, words):
    found = failures(policy, HURRIED if check == IN_TIME else PATIENT)
    assert list(found) == [check]
    assert words in found[check]


def test_a_policy_that_is_said_to_draw_must_draw():
    assert "declare that it draws" in failures("vanilla", draws=True)["other seeds, other answers"]
    assert not failures("random", draws=True)


def test_no_check_goes_without_a_policy_that_fails_it():
    made = [check.name for check in check_policy("random", seconds=PATIENT, draws=True)]
    assert made[0] == IN_TIME.replace("0.2", "60")
    assert set(made[1:]) == {bad[0] for bad in BAD} - {IN_TIME} | {"other seeds, other answers"}


@pytest.mark.parametrize(
    "policy",
    [
        Plain,
        lambda: Fixed("caring"),  # makes one
        lambda view: "joy" if view.readings else None,
        lambda view, dice: dice.pick(["joy", "caring"]),
        lambda: Random(["joy", "anger"]),
        "eq-negotiator",
    ],
)
def test_a_policy_may_be_written_in_any_way_that_an_agents_may(policy):
    assert_policy(policy)


def test_a_debtors_policy_is_asked_in_the_debtors_talks():
    seen = set()

    def look(view):
        seen.add((view.brief.seat, view.index % 2, len(view.readings) - len(view.shown)))

    assert_policy(look, "debtor")
    assert seen == {("debtor", 1, 1)}  # it has read every message of the creditor's
    seen.clear()
    assert_policy(look, "creditor")
    assert {(seat, turn) for seat, turn, _ in seen} == {("creditor", 0)}
