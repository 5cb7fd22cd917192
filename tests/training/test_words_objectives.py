"""The losses against the published numbers, and against what must hold of them."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from poise.common.errors import ConfigError
from poise.training.language.objectives import (
    advantages,
    dpo_loss,
    implicit_reward,
    jpo_loss,
    k3,
    policy_loss,
    sequence_ratio,
)

torch = pytest.importorskip("torch")
REFERENCE = torch.tensor([-2.0, -1.0, -3.0], dtype=torch.float64)
NOW = REFERENCE + torch.tensor([0.1, 0.3, -0.2], dtype=torch.float64)  # constants.json, emodistill.golden.jpo
logps = st.lists(st.floats(-8, -0.01), min_size=1, max_size=12)


def test_golden_values_of_jpo():
    ratio = sequence_ratio(NOW, REFERENCE)
    assert float(ratio) == pytest.approx(1.068939, abs=1e-6)
    assert float(policy_loss(ratio, 1.5)) == pytest.approx(-1.603409, abs=1e-6)
    assert float(policy_loss(ratio, -1.0)) == pytest.approx(1.068939, abs=1e-6)
    assert float(k3(NOW, REFERENCE)) == pytest.approx(0.0223528, abs=1e-7)
    assert float(jpo_loss(NOW, REFERENCE, 1.5, 1.0, 0.04)) == pytest.approx(-1.603409 + 0.04 * 0.0223528, abs=1e-6)


def test_without_negative_advantages_only_the_divergence_is_left_of_a_bad_reply():
    assert float(jpo_loss(NOW, REFERENCE, -1.0, 0.0, 0.04)) == pytest.approx(0.04 * 0.0223528, abs=1e-8)
    assert float(jpo_loss(NOW, REFERENCE, 1.5, 0.0, 0.04)) == float(jpo_loss(NOW, REFERENCE, 1.5, 1.0, 0.04))


@given(logps, st.floats(-1, 1))
def test_the_divergence_is_never_negative_and_nothing_where_both_agree(values, shift):
    reference = torch.tensor(values, dtype=torch.float64)
    assert float(k3(reference, reference)) == 0
    assert float(k3(reference + shift, reference)) >= 0


@given(logps, st.floats(-5, 5))
def test_at_the_snapshot_the_gradient_is_that_of_reinforce(values, advantage):
    """With rho = 1 nothing is clipped and the divergence is flat: the gradient of each token is -A / T."""
    reference = torch.tensor(values, dtype=torch.float64)
    now = reference.clone().requires_grad_()
    jpo_loss(now, reference, advantage, 1.0, 0.04).backward()
    np.testing.assert_allclose(now.grad.numpy(), -advantage / len(values), atol=1e-12)


@pytest.mark.parametrize(("advantage", "shift"), [(1.0, 0.5), (-1.0, -0.5)])
def test_a_reply_that_has_moved_far_enough_is_pushed_no_further(advantage, shift):
    now = (REFERENCE + shift).requires_grad_()
    policy_loss(sequence_ratio(now, REFERENCE), advantage).backward()
    assert now.grad.abs().max() == 0


def test_the_loss_of_dpo_by_hand():
    """0.1 (0.1 + 0.3 - 0.2) - 0.1 (-0.5 - 0.25) = 0.095, and -log sigmoid(0.095) = log(1 + exp(-0.095))."""
    worse_reference = torch.tensor([-1.0, -1.0], dtype=torch.float64)
    worse_now = torch.tensor([-1.5, -1.25], dtype=torch.float64)
    better, worse = implicit_reward(NOW, REFERENCE, 0.1), implicit_reward(worse_now, worse_reference, 0.1)
    assert float(better) == pytest.approx(0.02)
    assert float(worse) == pytest.approx(-0.075)
    assert float(dpo_loss(better, worse)) == pytest.approx(0.646775, abs=1e-6)
    assert float(dpo_loss(worse, better)) == pytest.approx(0.741775, abs=1e-6)


@given(logps, logps, st.floats(-1, 1), st.floats(0.05, 2))
def test_the_gradient_of_dpo_is_the_published_one(better, worse, shift, beta):
    """Rafailov et al. 2023, section 4: -beta sigmoid(r_l - r_w), the same for each token; opposite for the worse."""
    references = [torch.tensor(values, dtype=torch.float64) for values in (better, worse)]
    now = [(references[0] + shift).requires_grad_(), references[1].clone().requires_grad_()]
    rewards = [implicit_reward(*pair, beta) for pair in zip(now, references, strict=True)]
    dpo_loss(*rewards).backward()
    weight = beta / (1 + math.exp(float((rewards[0] - rewards[1]).detach())))
    np.testing.assert_allclose(now[0].grad.numpy(), -weight, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(now[1].grad.numpy(), weight, rtol=1e-9, atol=1e-12)


@given(st.lists(st.tuples(st.integers(1, 10), st.sampled_from("abc")), min_size=2, max_size=30))
def test_advantages_are_standard_scores_within_a_scenario(rows):
    scores, groups = [float(score) for score, _ in rows], [group for _, group in rows]
    varied = {g for g in groups if len({s for s, other in rows if other == g}) > 1}
    assume(varied)
    found = advantages(scores, groups)
    for group in set(groups):
        own = found[[each == group for each in groups]]
        assert own.mean() == pytest.approx(0, abs=1e-9)
        assert own.std() == pytest.approx(1 if group in varied else 0, abs=1e-9)


def test_an_advantage_is_limited():
    scores = [1.0] * 400 + [10.0]
    assert advantages(scores, ["s"] * 401).max() == 10


@pytest.mark.parametrize(
    ("scores", "groups", "words"),
    [
        ([], [], "no reply"),
        ([5.0, 5.0], ["a", "a"], "sample several replies"),
        ([5.0, 6.0], ["a", "b"], "sample several replies"),
        ([5.0, None], ["a", "a"], "1 of 2 replies have no score"),
        ([5.0, math.nan], ["a", "a"], "poise train score"),
        ([5.0, math.inf], ["a", "a"], "poise train score"),
    ],
)
def test_rewards_that_teach_nothing_are_an_error(scores, groups, words):
    with pytest.raises(ConfigError, match=words):
        advantages(scores, groups)
