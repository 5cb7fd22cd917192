"""The conformance checks pass for every agent of Poise, and catch what they are there to catch."""

from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path

import pytest
from helpers import CREDITORS, DEBTORS, pair

from poise.agents.registry import find_agent
from poise.games.moves import ACCEPT, offer
from poise.graphs import PlaySettings
from poise.graphs.conformance import check_agent

EXAMPLES = sorted((Path(__file__).parents[1] / "examples").glob("*.py"))
ALL = [*((name, "creditor") for name in CREDITORS), *((name, "debtor") for name in DEBTORS)]
ALL += [(str(path), "creditor") for path in EXAMPLES]


@pytest.mark.parametrize(("name", "seat"), ALL)
def test_every_agent_of_poise_passes(name, seat):
    failed = [check for check in check_agent(find_agent(name, seat)) if not check.ok]
    assert not failed


def failures(agent, **settings):
    return {check.name: check.detail for check in check_agent(agent, PlaySettings(**settings)) if not check.ok}


class Scripted:
    """Decides by a function of the view."""

    def __init__(self, decide):
        self.decide = lambda view, dice: decide(view)


def creditor(**parts):
    return replace(pair()[0], **parts)


def test_an_illegal_move_is_caught():
    found = failures(creditor(make_concession=lambda: Scripted(lambda view: offer(10**7))))
    assert "outside 0 to 365 days" in found["plays whole negotiations"]


def test_taking_ones_own_offer_is_caught():
    agent = creditor(make_concession=lambda: Scripted(lambda view: ACCEPT))
    assert "plays whole negotiations" in failures(agent)


def test_randomness_of_ones_own_is_caught():
    numbers = itertools.count(20)
    found = failures(creditor(make_concession=lambda: Scripted(lambda view: offer(next(numbers) % 300))))
    assert "draw from `dice`" in found["same seed, same play"]


def test_knowing_the_other_sides_target_is_caught(monkeypatch):
    from poise.graphs import pairing

    secret = {}
    real = pairing.brief

    def peek(scenario, seat, rules):
        secret["target"] = scenario.debtor_target
        return real(scenario, seat, rules)

    monkeypatch.setattr(pairing, "brief", peek)
    found = failures(
        creditor(make_concession=lambda: Scripted(lambda view: offer(secret["target"] // 2 + len(view.lines))))
    )
    assert "does not know the other side's target" not in found  # half of 113 is half of 112: not yet visible
    found = failures(creditor(make_concession=lambda: Scripted(lambda view: offer(secret["target"]))))
    assert "change with the other side's debtor_target" in found["does not know the other side's target"]


def test_forgetting_is_caught():
    class Forgetful:
        def __init__(self):
            self.seen = 0

        def choose(self, view, dice):
            return "joy" if self.seen else "anger"

        def learn(self, view, utility, deal):
            self.seen += 1

        def memory(self):
            return {}

        def restore(self, memory):
            pass

    found = failures(creditor(make_policy=Forgetful))
    assert "put all that it learned into memory()" in found["what it learned survives JSON"]


def test_a_hanging_agent_is_caught_by_its_deadline():
    class Stuck:
        def choose(self, view, dice):
            while True:
                pass

    found = failures(creditor(make_policy=Stuck), message_seconds=0.05)
    assert "no message within 0.05 s" in found["plays whole negotiations"]
