"""The checks of a world: they hold in the responsive world, and each fails where its promise is broken."""

from __future__ import annotations

from dataclasses import replace

import pytest

from poise.agents.concessions import BLIND, named_concession
from poise.agents.simulated.world import Answers
from poise.testing import worlds
from poise.testing.worlds import AT_ONCE, LAST_MINUTE, NEVER, world_trials


def trials(world, matches=60):
    return world_trials(world, matches=matches, scenarios="builtin:test", seed=1)


@pytest.fixture(scope="module")
def responsive():
    return trials("responsive")


@pytest.mark.parametrize("concession", [NEVER, LAST_MINUTE, AT_ONCE], ids=["never", "last-minute", "at once"])
def test_in_the_responsive_world_neither_stubbornness_nor_giving_in_pays(responsive, concession):
    check = worlds._does_not_pay(responsive, "it", concession)
    assert check.ok, check.detail


def test_in_the_responsive_world_no_emotion_is_best_for_all(responsive):
    check = worlds._no_emotion_for_all(responsive)
    assert check.ok, check.detail


@pytest.mark.parametrize("world", ["default", "responsive", "noisy"])
def test_without_pulls_every_emotion_policy_earns_the_same_to_the_last_digit(world):
    check = worlds._no_emotion_without_pulls(trials(world, matches=6))
    assert check.ok, check.detail


def test_in_the_default_world_holding_out_to_the_last_minute_pays_and_the_check_says_so():
    check = worlds._does_not_pay(trials("default"), "it", LAST_MINUTE)
    assert not check.ok
    assert check.detail.startswith("+")


def test_a_world_without_pulls_fails_where_emotion_has_to_matter(tmp_path):
    """No emotion is worth anything there, and so the best emotion-blind concession has no lead to stay below."""
    subject = trials("responsive", matches=4)
    still = tuple(replace(kind, pulls=((0.0,) * 7,) * 4) for kind in subject.world.dispositions)
    subject.world = replace(subject.world, dispositions=still, answers=Answers())
    vanilla = {
        key: subject.utilities("vanilla", key) for key in (*worlds.REASONABLE.values(), *map(named_concession, BLIND))
    }
    subject._played.update({("oracle", key): values for key, values in vanilla.items()})
    assert not worlds._matters_at_every_pace(subject).ok
    assert not worlds._blind_rival(subject).ok


def test_debtors_that_always_leave_settle_like_nobody():
    subject = trials("responsive", matches=20)
    states = tuple(replace(state, leaves=1.0, gives=0.0) for state in subject.world.states)
    subject.world = replace(subject.world, states=states, pace=replace(subject.world.pace, stays=0))
    check = worlds._settles_like_people(subject)
    assert not check.ok
    assert "deals 0%" in check.detail


def test_the_responsive_world_passes_and_the_default_one_does_not(pytestconfig):
    """Some 20,000 matches."""
    if not pytestconfig.getoption("--all-moments"):
        pytest.skip("minutes: with --all-moments")
    assert all(check.ok for check in worlds.check_world("responsive"))
    assert not all(check.ok for check in worlds.check_world())
