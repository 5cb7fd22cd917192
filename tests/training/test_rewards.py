"""Rewards and states of training data: golden values, theory, and nothing that a seat may not know."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from poise.agents.policies.learned.states import (
    BUILDERS,
    EXTENDED,
    PUBLISHED,
    Offers,
    input_width,
    network_input,
    published,
)
from poise.agents.registry import find_agent
from poise.agents.replay import Seen
from poise.games.moves import SEATS, offer
from poise.games.scenario import Scenario
from poise.games.scenarios.loaders import load_scenarios
from poise.games.transcript import Message, Outcome, Transcript
from poise.graphs import Pairing
from poise.training.data.rewards import RewardedExchange, episode_rewards, qualities, step_rewards

RULES = {"tolerance": 5, "max_messages": 31, "discount": 1.0, "grid": 1, "deal_value": "midpoint"}


def talks(case, *numbers, ending="timeout", value=None, utilities=(0.0, 0.0)):
    messages = tuple(
        Message(index, SEATS[index % 2], f"{number}", offer(number), "joy") for index, number in enumerate(numbers)
    )
    outcome = Outcome(ending, value, utilities=utilities)
    return Transcript(case, {"name": "random"}, {"name": "vanilla"}, 0, RULES, messages, outcome)


def played(domain, row, seed, creditor="random"):
    pairing = Pairing(find_agent(creditor, "creditor"), find_agent("simulated", "debtor"))
    return pairing.play(load_scenarios(f"builtin:{domain}")[row], seed).transcript


games = st.builds(played, st.sampled_from(["debt", "disaster", "medical"]), st.integers(0, 79), st.integers(0, 99))


def test_v4_has_the_golden_value():
    found = step_rewards(RewardedExchange((12, 20), (112, 92)), 100, 1, 1, 30)
    assert found["v4"] == pytest.approx(0.116)
    assert (found["v1"], found["v2"], found["v3"]) == pytest.approx((0.2, 0.12, 0.12))


def test_rewards_of_one_readable_talk():
    case = Scenario("one", "debt", 12, 112)
    first, second = episode_rewards(talks(case, 13, 112, 23, 92, ending="deal", value=58, utilities=(0.54, 0.46)))
    assert first["v1"] == 0.0
    assert first["v2"] == pytest.approx(-0.01)
    assert second["v1"] == pytest.approx(0.2 + 1)
    assert second["v3"] == pytest.approx(0.2 - 0.1 + 2)
    assert second["v4"] == pytest.approx(0.1 * (1 - 2 / 30) + 2)
    assert (first["utility"], second["utility"]) == (0.0, 0.54)
    assert qualities([first, second])[1] == pytest.approx(second["v4"] + 0.5 * (first["v4"] + second["v4"]))


@given(games)
def test_v2_sums_to_what_was_gained(transcript):
    case, total = transcript.scenario, sum(each["v2"] for each in episode_rewards(transcript))
    standing = {seat: case.target(seat) for seat in SEATS}
    for message in transcript.messages:
        if message.move.value is not None:
            standing[message.seat] = message.move.value
        elif message.move.kind == "accept":
            standing[message.seat] = standing["debtor" if message.seat == "creditor" else "creditor"]
    gained = case.polarity * ((case.debtor_target - standing["debtor"]) - (standing["creditor"] - case.creditor_target))
    end = 1 if transcript.outcome.ending == "deal" else -1
    assert total == pytest.approx(gained / case.gap + end)


@given(games)
def test_utility_sums_to_the_referee_s(transcript):
    for place, seat in enumerate(SEATS):
        rewards = episode_rewards(transcript, seat)
        assert sum(each["utility"] for each in rewards) == transcript.outcome.utilities[place]
        assert len(rewards) == sum(each.seat == seat for each in transcript.messages)


@given(numbers=st.lists(st.integers(0, 200), min_size=2, max_size=12))
def test_a_mirrored_case_has_the_same_rewards_and_states(numbers):
    """Turning the number line round turns less into more and changes nothing else."""
    case, mirrored = Scenario("one", "debt", 40, 140), Scenario("two", "debt", 160, 60)
    one, two = talks(case, *numbers), talks(mirrored, *(200 - each for each in numbers))
    for first, second in zip(episode_rewards(one), episode_rewards(two), strict=True):
        assert first == pytest.approx(second)
    for number in range(len(Seen(one, "creditor").messages) + 1):
        views = [Seen(each, "creditor").view(number) for each in (one, two)]
        states = [BUILDERS["published"](view) for view in views]
        del states[0][3], states[1][3]  # d / x_d is a ratio of numbers as they stand
        assert states[0] == pytest.approx(states[1])


def test_the_published_state_of_a_talk_by_hand():
    offers = Offers(own=[13, 23], other=[112, 102, 92], own_target=12, sign=1)
    state = published(offers, message=3, last=30, emotion=27)
    assert state == pytest.approx([0.1, 0.69, 0.1, 92 / 112, 0.11, 0.1, 0.0, 0.5, 0.3, 1.0])
    begin = published(Offers([], [], 12, 1), 1, 30, 27)
    assert begin == pytest.approx([0.0, 1.0, 1 / 30, 1.0, 0.0, 0.0, 0.0, 0.5, 0.3, 1.0])
    still = published(Offers([13], [112, 112, 112], 12, 1), 3, 30, 0)
    assert (still[6], still[9]) == (0.2, 0.0)


@given(games, st.integers(1, 300))
def test_a_state_knows_nothing_of_the_other_side_s_target(transcript, target):
    other = target if target != transcript.scenario.creditor_target else target + 1
    case = replace(transcript.scenario, debtor_target=other)
    if case.polarity != transcript.scenario.polarity:  # which side wants more is public
        return
    for number in range(len(Seen(transcript, "creditor").messages) + 1):
        views = [Seen(each, "creditor").view(number) for each in (transcript, replace(transcript, scenario=case))]
        for builder in BUILDERS.values():
            assert builder(views[0]) == builder(views[1])


@given(games)
def test_states_have_their_width_and_stay_in_bounds(transcript):
    seen = Seen(transcript, "creditor")
    for number in range(len(seen.messages) + 1):
        for kind, width in {"published": PUBLISHED, "extended": EXTENDED}.items():
            state = np.asarray(BUILDERS[kind](seen.view(number)))
            assert state.shape == (width,)
            assert np.isfinite(state).all()
            assert np.abs(state).max() <= 2
            for faithful in (False, kind == "published"):
                assert network_input(state[None], kind, faithful=faithful).shape == (
                    1,
                    input_width(kind, faithful=faithful),
                )


def test_the_last_emotion_becomes_one_of_28():
    states = np.zeros((28, PUBLISHED), np.float32)
    states[:, 9] = np.arange(28) / 27
    assert (network_input(states, "published")[:, 9:] == np.eye(28)).all()
