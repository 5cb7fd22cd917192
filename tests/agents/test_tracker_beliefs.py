"""What the tracker believes of simulated debtors, whose states are known: better than base rates, and lastingly so."""

from functools import cache
from itertools import pairwise

import numpy as np
import pytest
from helpers.emotion_strategies import heard_view, one_hot

from poise.agents.emotions.parameters import FITTED, PUBLISHED
from poise.agents.emotions.tables import STATES
from poise.agents.emotions.tracker import Evidence, Tracker
from poise.agents.policies.dqn import DeepQ
from poise.agents.policies.learned.states import extended_state
from poise.agents.registry import find_agent
from poise.games.scenarios.loaders import load_scenarios
from poise.graphs import Pairing
from poise.tournaments.process.calibration import expected_error, reliability, scores

CREDITORS = ("vanilla", "random", "fixed:joy", "fixed:anger", "eq-negotiator", "eq-negotiator-v1", "wsls", "lookup")
TEST = load_scenarios("builtin:test")


@cache
def played(creditor, debtor, count):
    """For each negotiation, (evidence, state, belief at the table) of each message that was read."""
    pairing = Pairing(find_agent(creditor, "creditor"), find_agent(debtor, "debtor"))
    talks = []
    for number in range(count):
        messages = pairing.play(TEST[number % len(TEST)], 40_000 + number).transcript.messages
        talk, shown = [], None
        for said, answer in pairwise(messages):
            if said.seat == "creditor":
                shown = said.emotion
            elif answer.reading is not None:
                evidence = Evidence(answer.reading.emotions, shown, answer.emotion, replied=True)
                talk.append((evidence, STATES.index(said.notes["state"]), answer.reading.belief))
        talks.append(talk)
    return talks


def brier(given, states):
    return scores(given, states).brier.mean()


@pytest.mark.parametrize("debtor", ["simulated", "simulated:responsive"])
@pytest.mark.parametrize("creditor", CREDITORS)
def test_the_belief_beats_the_base_rates_whoever_is_the_creditor(creditor, debtor):
    """On scenarios and seeds that the tables were not fitted to; the base rates are these very negotiations' own."""
    every = [each for talk in played(creditor, debtor, 120) for each in talk]
    states = [state for _, state, _ in every]
    shares = np.bincount(states, minlength=4) / len(states)
    assert brier([belief for _, _, belief in every], states) < 1 - (shares**2).sum()


def test_the_belief_is_about_as_sure_as_it_may_be():
    """Expected calibration error over all creditors; 0.12 by the published tables."""
    every = [each for creditor in CREDITORS for talk in played(creditor, "simulated", 120) for each in talk]
    found = scores([belief for _, _, belief in every], [state for _, state, _ in every])
    assert expected_error(reliability(found)) < 0.08


def test_learning_does_not_drift_over_twelve_rounds():
    """By quarter, the Brier score with learning stays within 0.01 of that without, and both below the published."""
    talks = played("eq-negotiator:no-learning", "simulated", 120)

    def late(prior, *, learns):
        tracker, given, states = Tracker(parameters=prior), [], []
        for number, talk in enumerate(talks):
            evidence = [each for each, _, _ in talk]
            if number >= 90:
                given += tracker.filter(evidence)
                states += [state for _, state, _ in talk]
            if learns:
                tracker.learn(evidence)
        return brier(given, states)

    settled = late(FITTED, learns=False)
    assert late(FITTED, learns=True) < settled + 0.01
    assert settled < late(PUBLISHED, learns=False) < late(PUBLISHED, learns=True)


def test_trained_networks_see_the_belief_that_they_were_trained_on():
    """Of the published tables, whatever tracker the seat has; the shipped networks know no other."""
    shown, heard = ("joy", "anger"), ("anger", "sadness")
    view = heard_view(shown, heard, belief=(1.0, 0.0, 0.0, 0.0))
    evidence = [Evidence(one_hot(emotion), cause) for emotion, cause in zip(heard, shown, strict=True)]
    assert extended_state(view)[6:10] == list(Tracker(parameters=PUBLISHED).filter(evidence)[-1])
    assert DeepQ().tracker.parameters == PUBLISHED
    assert Tracker().parameters == FITTED
    assert Tracker("faithful").parameters == PUBLISHED
