"""Debtors that answer what the creditor concedes, and worlds that are drawn: formulas, null cases, the same seed."""

from __future__ import annotations

import json
import tomllib
from collections import Counter
from dataclasses import replace
from itertools import pairwise

import pytest
from helpers.seats import case
from helpers.wordless import reading, seat_view
from hypothesis import given
from hypothesis import strategies as st

from poise.agents.builtin import simulated_debtor
from poise.agents.emotions import EMOTIONS7
from poise.agents.emotions.tables import STATES
from poise.agents.registry import find_agent
from poise.agents.simulated import Mind, SimulatedPolicy, load_world
from poise.agents.simulated.debtor import conceded
from poise.agents.simulated.files import world_names
from poise.agents.simulated.prior import PRIOR, read_prior, sample_worlds
from poise.agents.simulated.world import Answers
from poise.common.errors import AgentError, BadInput
from poise.common.seeds import Dice
from poise.games.moves import offer
from poise.graphs import Pairing

RESPONSIVE = load_world("responsive")
shares = st.lists(st.floats(0, 1), min_size=1, max_size=12).map(sorted)
answers = st.builds(
    Answers,
    reciprocity=st.floats(0, 1),
    expected=st.floats(0.01, 0.2),
    window=st.integers(1, 5),
    pull=st.floats(0, 1),
    hazard=st.floats(0, 1),
    patience=st.floats(0, 10),
    heal=st.floats(0, 2),
)


# --- what the debtor answers


@given(answers, shares)
def test_movement_is_the_mean_step_of_the_window_over_the_step_expected(answers, course):
    steps = [later - before for before, later in pairwise(course)][-answers.window :]
    expected = min(1.0, sum(steps) / len(steps) / answers.expected) if steps else 1.0
    assert answers.movement(course) == pytest.approx(expected)


@given(answers, st.lists(st.floats(0, 1), max_size=20))
def test_impatience_grows_with_messages_of_standing_still_and_never_below_nothing(answers, movements):
    impatience = 0.0
    for movement in movements:
        after = answers.impatience(impatience, movement)
        assert after >= 0
        assert after <= answers.impatience(impatience, 0.0) == impatience + 1
        impatience = after


@given(answers, st.floats(0, 1), st.floats(0, 1), st.integers(0, 3), st.floats(0, 20), st.floats(0, 20))
def test_who_moves_less_is_given_less_and_left_sooner(answers, one, two, state, calm, restless):
    (less, more), (calm, restless) = sorted((one, two)), sorted((calm, restless))
    assert 0 <= answers.giving(less) <= answers.giving(more) <= 1
    assert answers.giving(1.0) == 1.0
    assert answers.leaving(state, calm) <= answers.leaving(state, restless)
    assert answers.leaving(state, answers.patience) == 0


@given(st.integers(0, 3), st.sampled_from(EMOTIONS7), st.floats(0, 1))
def test_standing_still_drives_it_to_its_refuge(state, emotion, movement):
    for kind in RESPONSIVE.dispositions:
        seven = reading(emotion).emotions
        plain = RESPONSIVE.moves(kind.name, state, seven)
        stuck = RESPONSIVE.answers.pull * (1 - movement)
        expected = [(1 - stuck) * move + stuck * refuge for move, refuge in zip(plain, kind.resort, strict=True)]
        assert RESPONSIVE.moves_when(kind.name, state, seven, movement) == pytest.approx(expected)
        assert RESPONSIVE.moves_when(kind.name, state, seven, 1.0) == plain


def seen(*moves, **notes):
    return seat_view(case(), "debtor", [offer(13), *moves], readings=(reading("neutral"),), notes=notes)


def test_what_the_creditor_conceded_is_read_off_its_offers():
    """The debtor opens at 111 (its target is 112), so the way is 98 units from 13."""
    assert conceded(seen()) == [0.0]
    course = conceded(seen(offer(111), offer(62), offer(100), offer(20), offer(100), offer(160)))
    assert course == pytest.approx([0.0, 0.5, 7 / 98, 1.0])


def test_one_message_by_hand():
    """Two messages of standing still: R is 0, I is 2, and it gives 1 - r of its pace."""
    mind = Mind(RESPONSIVE.digest, "calculating", STATES.index("strategic"), 0.2, 0.1, 1.0)
    view = seen(offer(111), offer(13), offer(111), offer(13), **mind.notes())
    after = Mind.of(SimulatedPolicy(RESPONSIVE).note(view, Dice(1)))
    gives = RESPONSIVE.states[after.state].gives
    assert after.impatience == 2.0
    assert after.given == pytest.approx(0.1 + 0.2 * gives * 0.3)
    assert Mind.of(json.loads(json.dumps(after.notes()))) == after


def test_a_world_that_answers_nothing_is_the_world_without_answers():
    """Same digest, same transcripts, and no impatience in the notes."""
    default = load_world()
    silent = replace(default, answers=Answers(expected=0.5, window=1, patience=0, heal=9, temper=(1, 2, 3, 4)))
    assert silent.digest == default.digest != replace(default, answers=Answers(pull=0.1)).digest
    creditor = find_agent("vanilla,concession=boulware", "creditor")
    one, two = (Pairing(creditor, simulated_debtor(world)).play(case(), 3).transcript for world in (default, silent))
    assert one == two
    assert all("impatience" not in message.notes for message in one.messages)


def test_worlds_are_found_by_name_and_by_file(tmp_path):
    assert {"default", "responsive"} <= set(world_names())
    own = tmp_path / "own.toml"
    own.write_text('like = "responsive"\nanswers.reciprocity = 0.5\n')
    assert load_world(own).answers == replace(RESPONSIVE.answers, reciprocity=0.5)
    own.write_text('like = "nowhere"\n')
    with pytest.raises(AgentError, match=r"own.toml: like = 'nowhere' is refused; it can be default, .*responsive"):
        load_world(own)
    own.write_text('like = "default"\nanswers.reciprocity = 2.0\n')
    with pytest.raises(AgentError, match=r"answers.reciprocity = 2.0 is refused"):
        load_world(own)
    own.write_text('like = "default"\nanswers.temper = { grumpy = 1.0 }\n')
    with pytest.raises(AgentError, match="'grumpy' is unknown"):
        load_world(own)


# --- worlds that are drawn


@pytest.fixture(scope="module")
def sampled(tmp_path_factory):
    folder = tmp_path_factory.mktemp("worlds")
    return folder, sample_worlds(folder, read_prior(), worlds=4, seed=1, permuted=3)


def pulls(world):
    return [pull for kind in world.dispositions for row in kind.pulls for pull in row]


def test_the_same_seed_draws_the_same_worlds_and_more_leave_the_first_as_they_are(sampled, tmp_path):
    folder, paths = sampled
    again = sample_worlds(tmp_path, read_prior(), worlds=6, seed=1)
    before = {path.name: path.read_bytes() for path in paths}
    after = {path.name: path.read_bytes() for path in again}
    assert all(after[f"world-{n:04d}.toml"] == before[f"world-{n:04d}.toml"] for n in range(4))
    assert len({load_world(path).digest for path in (*paths, *again)}) == 6 + 3 + 1
    assert (folder / "sample.toml").read_bytes() == (tmp_path / "sample.toml").read_bytes()


def test_a_drawn_world_keeps_to_its_prior(sampled):
    prior = read_prior()
    for path in sampled[1][:4]:
        world = load_world(path)
        for part, drawn in ((prior.pace, world.pace), (prior.answers, world.answers)):
            for name, (low, high) in part.model_dump().items():
                assert low <= getattr(drawn, name) <= high
        for base, pull in zip(pulls(RESPONSIVE), pulls(world), strict=True):
            low, high = prior.factors.pulls
            assert low * abs(base) - 1e-9 <= abs(pull) <= min(1.0, high * abs(base)) + 1e-9


def test_a_permuted_world_deals_the_same_reactions_to_other_emotions(sampled):
    for path in sampled[1][4:7]:
        world = load_world(path)
        kinds = zip(RESPONSIVE.dispositions, world.dispositions, strict=True)
        assert world.digest != RESPONSIVE.digest
        for base, dealt in kinds:
            for row, other in zip(base.pulls, dealt.pulls, strict=True):
                assert Counter(row) == Counter(other)


def test_in_the_null_world_nothing_pulls(sampled):
    assert not any(pulls(load_world(sampled[1][-1])))


def test_a_prior_without_width_draws_the_world_it_is_like(tmp_path):
    own = tmp_path / "narrow.toml"
    text = tomllib.loads(PRIOR.read_text())
    one = [1.0, 1.0]
    answers = RESPONSIVE.answers
    lines = ['like = "responsive"', "signs = { cited = 0.0, assumed = 0.0 }"]
    lines += [f"factors.{name} = {one}" for name in text["factors"]]
    lines += [f"pace.{name} = {[getattr(RESPONSIVE.pace, name)] * 2}" for name in text["pace"]]
    lines += [f"answers.{name} = {[float(getattr(answers, name))] * 2}" for name in text["answers"]]
    own.write_text("\n".join(lines))
    (path, _null) = sample_worlds(tmp_path / "out", read_prior(own), worlds=1, seed=5)
    assert load_world(path).digest == RESPONSIVE.digest


def test_what_cannot_be_drawn_is_refused(sampled, tmp_path):
    folder, _ = sampled
    with pytest.raises(BadInput, match="holds something else than worlds of this prior and seed; name another folder"):
        sample_worlds(folder, read_prior(), worlds=1, seed=2)
    with pytest.raises(BadInput, match="-1 worlds are not to be had; ask for 0 to 100000"):
        sample_worlds(tmp_path, read_prior(), worlds=-1, seed=2)
    for before, after, message in (
        ("median = [0.3, 0.9]", "median = [0.9, 0.3]", "median = .0.9, 0.3. runs backwards"),
        (
            'like = "responsive"',
            'like = "nowhere"',
            "like = 'nowhere' is none of Poise's worlds; there are default",
        ),
        ("cited = 0.05", "cited = 2.0", "signs.cited = 2.0 is refused"),
    ):
        own = tmp_path / "own.toml"
        assert before in PRIOR.read_text()
        own.write_text(PRIOR.read_text().replace(before, after))
        with pytest.raises(AgentError, match=message):
            read_prior(own)
