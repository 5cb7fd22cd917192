"""Chains and made-up talks for the tests of the engines that are trained."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from poise.agents.emotions.tables import stochastic
from poise.agents.emotions.taxonomy import EMOTIONS7
from poise.agents.policies.chains import Chain, sharpened
from poise.agents.policies.evoemo import TEMPERATURES
from poise.training.online.episodes import Episode, EpisodeStep

JOY, NEUTRAL = EMOTIONS7.index("joy"), EMOTIONS7.index("neutral")

weights = st.lists(st.floats(0.001, 1.0), min_size=7, max_size=7)
matrices = st.lists(weights, min_size=7, max_size=7).map(stochastic)
chains = st.builds(Chain, matrices, st.sampled_from(TEMPERATURES), st.sampled_from(["own", "heard"]))


def talk(utility=0.5, deal=True, messages=9, value=60, target=10, steps=()):
    return Episode(utility if deal else 0.0, deal, messages, value if deal else None, target, tuple(steps))


def expected_joy(chain, messages=6):
    """The probability that each of some messages shows joy, played from neutral; an exact fitness without noise."""
    state = np.eye(7)[NEUTRAL]
    seen = 0.0
    for message in range(1, messages + 1):
        rows = np.array([sharpened(row, chain.at(message)) for row in chain.matrix])
        state = state @ (rows / rows.sum(axis=1, keepdims=True))
        seen += state[JOY]
    return seen / messages


def joyful(chain, rng=None, messages=6):
    """A talk worth the share of joy in it, as if played: steps drawn from the chain."""
    rng = rng or np.random.default_rng(0)
    own, steps = NEUTRAL, []
    for message in range(1, messages + 1):
        row = np.array(sharpened(chain.matrix[own], chain.at(message)))
        shown = int(rng.choice(7, p=row / row.sum()))
        steps.append(EpisodeStep(own, NEUTRAL, shown))
        own = shown
    return talk(sum(step.shown == JOY for step in steps) / messages, messages=messages, steps=steps)
