"""The oracle: it plans best, it is a bound that nobody who ignores emotion comes near, and nobody else can cheat."""

from __future__ import annotations

import json
import statistics
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from helpers.seats import case, pair

from poise.agents.agent import Agent
from poise.agents.concessions import TimeDependent, named_concession
from poise.agents.emotions import EMOTIONS28
from poise.agents.emotions.tables import STATES
from poise.agents.policies.oracle import OracleTerms, best_plan, expected_readings
from poise.agents.registry import find_agent, list_agents
from poise.agents.simulated import load_world
from poise.agents.simulated.files import DEFAULT
from poise.common.seeds import child_seed
from poise.games.rules import Rules
from poise.games.scenario import Scenario
from poise.games.scenarios.loaders import load_scenarios
from poise.games.transcript import Transcript
from poise.graphs import Pairing, PlaySettings

WORLD = load_world()
# One label for each of the seven, so that the table of all fixed emotions stays small; the others of a family are read
# as the same of the seven (test_scripted.py), and benchmarks/world.py plays all 28.
FAMILIES = ("gratitude", "sadness", "annoyance", "nervousness", "surprise", "disgust", "neutral")


def test_the_world_of_a_file_is_declared_as_its_debtor_declares_it():
    oracle, debtor = find_agent(f"oracle:{DEFAULT}", "creditor"), find_agent(f"simulated:{DEFAULT}", "debtor")
    assert oracle.settings == debtor.settings == {"world": {"name": "default", "digest": WORLD.digest}}
    assert find_agent("oracle", "creditor").settings == {}


# --- the plan, against a second computation


def value(world, kind, terms, k, state, given, still=0.0):
    """The definition as a plain recursion over exact shares, all 28 emotions at every node; (value, best emotions).

    still: the impatience after the message before.
    """
    rules = terms.rules
    last = (rules.max_messages - 1) // 2
    if 2 * k + 1 >= rules.max_messages:
        return 0.0, set()

    def conceded(j):
        concession = terms.concession
        return terms.way * concession.reach * min(1.0, j / last) ** (1 / concession.beta)

    def settled(new, share):
        now, soon = (1 - conceded(j) for j in (k, k + 1))
        if share >= now:
            return now * rules.discount ** (2 * k)
        if share >= now - terms.tolerance:
            return (share + now) / 2 * rules.discount ** (2 * k + 1)
        if 2 * k + 2 < rules.max_messages and share >= soon:
            return share * rules.discount ** (2 * k + 1)
        if 2 * k + 2 < rules.max_messages and share >= soon - terms.tolerance:
            return (share + soon) / 2 * rules.discount ** (2 * k + 2)
        return value(world, kind, terms, k + 1, new, share, impatience)[0]

    answers = world.answers
    back = min(k, answers.window)
    moved = min(1.0, (conceded(k) - conceded(k - back)) / (back * answers.expected)) if back else 1.0
    impatience = max(0.0, still + 1 - moved - answers.heal * moved)
    worth = []
    for new in range(4):
        giving = 1 - answers.reciprocity * (1 - moved)
        share = min(1.0, given + terms.pace * world.states[new].gives * giving)
        leaves = world.states[new].leaves + answers.temper[new] * answers.hazard * max(0, impatience - answers.patience)
        worth.append((1 - (min(1.0, leaves) if k >= world.pace.stays else 0.0)) * settled(new, share))
    stuck = answers.pull * (1 - moved)
    chances_ = (1 - stuck) * chances(world, kind.name, state) + stuck * np.array(kind.resort)
    scores = chances_ @ np.array(worth)
    return float(scores.max()), set(np.flatnonzero(scores > scores.max() - 2e-3).tolist())


@cache
def chances(world, kind, state):
    """Message by message: read right, or for each emotion in it, taken for each other one."""
    noise, taken = world.channel.noise, world.channel.taken
    rows = []
    for seven in expected_readings("debt"):
        row = (1 - noise) * np.array(world.moves(kind, state, seven))
        for share, mistaken in zip(seven, taken, strict=True):
            for emotion, chance in enumerate(mistaken):
                row += noise * share * chance * np.array(world.moves(kind, state, np.eye(7)[emotion]))
        rows.append(row)
    return np.array(rows)


SHORT = Rules(max_messages=9), TimeDependent()
EVEN = Rules(max_messages=10, discount=0.95), TimeDependent(beta=0.25, reach=0.5)


@pytest.mark.parametrize("kind", [kind.name for kind in WORLD.dispositions])
@pytest.mark.parametrize(("rules", "concession"), [SHORT, EVEN], ids=["9", "10"])
@pytest.mark.parametrize("world", ["default", "responsive", "noisy"])
def test_the_plan_is_the_best_there_is(world, kind, rules, concession):
    """Four or five messages ahead, by recursion without a grid; the pace falls between its points."""
    world = load_world(world)
    world = replace(world, answers=replace(world.answers, patience=1.0)) if world.answers.hazard else world
    kind = world.disposition(kind)
    terms = OracleTerms("debt", rules, 0.05, 1.0, kind.name, 0.137, concession)
    best, opening = best_plan(world, terms)
    for state in range(len(STATES)):
        _, choices = value(world, kind, terms, 0, state, 0.0)
        assert int(best[0, state, 0]) in choices
    start = sum(kind.start[s] * value(world, kind, terms, 0, s, 0.0)[0] for s in range(4))
    assert start >= float(opening.max()) - 5e-3


def test_it_plans_for_the_concession_that_its_agent_plays():
    """Who holds out is told otherwise than who concedes evenly; what answers the debtor's moves cannot be foreseen."""
    choices = {}
    for name in ("linear", "boulware", "tit-for-tat"):
        agent = find_agent(f"oracle:responsive,concession={name}", "creditor")
        pairing = Pairing(agent, find_agent("simulated:responsive", "debtor"))
        choices[name] = pairing.context(case(), 1).creditor.policy._concession
    assert choices["linear"] == choices["tit-for-tat"] == named_concession("linear")
    assert choices["boulware"] == named_concession("boulware")


def test_more_time_is_worth_no_less():
    for kind in WORLD.dispositions:
        worths = [
            best_plan(WORLD, OracleTerms("debt", Rules(max_messages=n), 0.05, 0.0, kind.name, 0.1))[1].max()
            for n in (7, 15, 31)
        ]
        assert worths == sorted(worths)


# --- what emotion is worth


@cache
def played(creditor, seeds=1):
    """Utility and disposition by match; the same matches for every creditor."""
    pairing, found = Pairing(*pair(creditor, "simulated")), {}
    for each in load_scenarios("builtin:train"):
        for repeat in range(seeds):
            talk = pairing.play(each, child_seed(20_250_401, "match", each.id, repeat)).transcript
            assert talk.outcome.ending != "failed", talk.outcome.reason
            kind = next(message.notes["disposition"] for message in talk.messages if message.seat == "debtor")
            found[each.id, repeat] = talk.outcome.utilities[0], kind
    return found


def difference(one, two, kind=None):
    """The mean paired difference of `one` and `two`, and the half width of its 95 % interval."""
    gains = [one[key][0] - two[key][0] for key in one if key in two and kind in (None, one[key][1])]
    return statistics.mean(gains), 1.96 * statistics.stdev(gains) / len(gains) ** 0.5


def lead():
    return difference(played("oracle", 3), played("vanilla", 3))


def test_the_oracles_lead_over_vanilla_is_beyond_doubt():
    mean, width = lead()
    assert mean - width > 0.1


@pytest.mark.parametrize("creditor", ["random", "random:7", *(f"fixed:{label}" for label in FAMILIES)])
def test_who_ignores_emotion_closes_less_than_half_of_the_gap(creditor):
    """Vanilla closes none of it by definition; even the upper end of the interval stays below half."""
    mean, width = difference(played(creditor), played("vanilla", 3))
    assert mean + width < lead()[0] / 2


@pytest.mark.parametrize("label", FAMILIES)
def test_every_fixed_emotion_is_clearly_below_the_oracle(label):
    mean, width = difference(played("oracle", 3), played(f"fixed:{label}"))
    assert mean - width > 0.1


def test_no_single_emotion_is_best_for_all_dispositions():
    best = {}
    for kind in WORLD.dispositions:
        means = {
            label: statistics.mean(utility for utility, of in played(f"fixed:{label}").values() if of == kind.name)
            for label in FAMILIES
        }
        best[kind.name] = max(means, key=means.__getitem__)
        assert means[best[kind.name]] > statistics.median(means.values()) + 0.1
    assert len(set(best.values())) == len(WORLD.dispositions)


@pytest.mark.parametrize("kind", [kind.name for kind in WORLD.dispositions])
def test_against_each_disposition_the_oracle_is_at_least_near_its_best_emotion(kind):
    """It opens without knowing the disposition, which the right fixed emotion hits by luck: that much it may lose."""
    for label in FAMILIES:
        mean, width = difference(played("oracle", 3), played(f"fixed:{label}"), kind)
        assert mean + width > -0.05


def test_eq_negotiator_lies_between_those_who_ignore_emotion_and_the_oracle():
    own = played("eq-negotiator", 3)
    mean, width = difference(own, played("vanilla", 3))
    assert mean - width > 0
    for label in FAMILIES:
        assert difference(own, played(f"fixed:{label}"))[0] > 0
    mean, width = difference(played("oracle", 3), own)
    assert mean - width > 0.05


# --- the cheat is declared, and nobody else's


class Nosy:
    """Keeps the notes that it is shown; claims to be privileged, which only its agent could declare."""

    privileged = True

    def __init__(self):
        self.seen = []

    def choose(self, view, dice):
        self.seen.append(dict(view.notes))


def nosy(**more):
    policy = Nosy()
    agent = Agent("nosy", "creditor", lambda: policy, lambda: named_concession("linear"), **more)
    return policy, agent


@pytest.mark.parametrize("through", ["fast", "langgraph"])
def test_no_other_policy_is_shown_the_debtors_notes(through):
    settings = PlaySettings(through=through)
    policy, agent = nosy()
    Pairing(agent, find_agent("simulated", "debtor"), settings).play(case(), 1)
    assert policy.seen
    assert not any(policy.seen)
    policy, agent = nosy(privileged=True)
    talk = Pairing(agent, find_agent("simulated", "debtor"), settings).play(case(), 1).transcript
    shown = [notes["other"] for notes in policy.seen]
    hidden = [dict(message.notes) for message in talk.messages if message.seat == "debtor"]
    assert shown == [{}, *hidden][: len(shown)]


def test_only_the_oracle_is_privileged_and_it_says_so():
    assert {agent.name for agent in list_agents() if agent.privileged} == {"oracle"}
    declared = find_agent("oracle", "creditor").declared()
    assert declared["privileged"] is True
    assert "privileged" not in find_agent("vanilla", "creditor").declared()


def test_transcripts_record_what_it_was_shown():
    talk = Pairing(*pair("oracle", "simulated")).play(case(), 2).transcript
    assert talk.creditor["privileged"] is True
    for before, message in zip(talk.messages[1:], talk.messages[2:], strict=False):
        if message.seat == "creditor":
            assert message.notes["other"] == before.notes
    assert Transcript.from_dict(json.loads(json.dumps(talk.to_dict()))) == talk


@pytest.mark.parametrize("debtor", ["angry", "vanilla"])
def test_against_any_other_debtor_it_shows_nothing_after_its_opening(debtor):
    talk = Pairing(*pair("oracle", debtor)).play(case(), 2).transcript
    opening, *later = [message.emotion for message in talk.messages if message.seat == "creditor"]
    assert opening in EMOTIONS28
    assert set(later) == {None}


def test_a_debtor_of_another_world_is_refused_and_its_own_is_not(tmp_path):
    path = tmp_path / "other.toml"
    text = DEFAULT.read_text(encoding="utf-8")
    path.write_text(text.replace("median = 0.4", "median = 0.3"), encoding="utf-8")
    debtor = find_agent(f"simulated:{path}", "debtor")
    met = Pairing(find_agent("oracle", "creditor"), debtor).play(case(), 0).transcript
    assert met.outcome.ending == "failed"
    assert "say oracle:FILE with its file" in met.outcome.reason
    own = Pairing(find_agent(f"oracle:{path}", "creditor"), debtor).play(case(), 0).transcript
    assert own.outcome.ending != "failed"


@pytest.mark.parametrize("domain", ["medical", "student", "disaster"])
def test_it_plays_in_every_domain(domain):
    targets = {"medical": (90, 30), "student": (2, 9), "disaster": (200, 60)}[domain]
    talk = Pairing(*pair("oracle", "simulated")).play(Scenario("one", domain, *targets), 4).transcript
    assert talk.outcome.ending != "failed"
    assert all(message.emotion in EMOTIONS28 for message in talk.messages if message.seat == "creditor")
