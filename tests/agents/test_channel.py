"""The channel: emotions are misread as often as declared, in both directions, and without noise nothing changes."""

from __future__ import annotations

import json
import tomllib
from dataclasses import replace

import numpy as np
import pytest
import tomli_w
from helpers.seats import case
from helpers.wordless import reading, seat_view
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from poise.agents.builtin import simulated_debtor
from poise.agents.emotions import EMOTIONS7, TO_SEVEN
from poise.agents.emotions.tables import STATES
from poise.agents.policies import oracle
from poise.agents.policies.oracle import OracleTerms, best_plan, expected_readings
from poise.agents.registry import find_agent
from poise.agents.simulated import Channel, Mind, SimulatedPolicy, load_world
from poise.agents.simulated.prior import PRIOR, read_prior, sample_worlds, with_noise
from poise.common.errors import AgentError
from poise.common.seeds import Dice
from poise.games.moves import offer
from poise.games.rules import Rules
from poise.games.transcript import Reading
from poise.graphs import Pairing

QUIET, NOISY = load_world("responsive"), load_world("noisy")
sevens = st.lists(st.floats(0.01, 1.0), min_size=7, max_size=7).map(lambda row: tuple(x / sum(row) for x in row))


def heard_by_debtor(read, world=NOISY, state="distressed", kind="anxious"):
    notes = Mind(world.digest, kind, STATES.index(state), 0.2, 0.0).notes()
    return seat_view(case(), "debtor", [offer(13)], readings=(reading(read),), notes=notes)


def is_as_often(counts, chances):
    """Pearson's chi-square at 0.1 %, with a fixed seed: what cannot come must not have come."""
    counts, expected = np.array(counts), np.array(chances) * sum(counts)
    can = expected > 0
    assert not counts[~can].any()
    return stats.chisquare(counts[can], expected[can]).pvalue > 1e-3


def declared(emotion):
    """A row of C, written out once more."""
    sure = np.eye(7)[EMOTIONS7.index(emotion)]
    return (1 - NOISY.channel.noise) * sure + NOISY.channel.noise * np.array(NOISY.channel.taken)[sure.argmax()]


@pytest.mark.parametrize("emotion", EMOTIONS7)
def test_the_debtor_misreads_as_often_as_its_world_declares(emotion):
    policy, view, counts = SimulatedPolicy(NOISY), heard_by_debtor(emotion), dict.fromkeys(EMOTIONS7, 0)
    for seed in range(4000):
        counts[policy.note(view, Dice(seed)).get("taken", emotion)] += 1
    assert is_as_often([*counts.values()], declared(emotion))


def test_its_words_are_of_another_emotion_as_often_as_its_world_declares():
    """The same dice choose the same emotion with and without noise, so that both are known of each message."""
    quiet, noisy, view = SimulatedPolicy(QUIET), SimulatedPolicy(NOISY), heard_by_debtor("neutral")
    counts = np.zeros((7, 7))
    for seed in range(12_000):
        meant, shown = (TO_SEVEN[policy.choose(view, Dice(seed))] for policy in (quiet, noisy))
        counts[EMOTIONS7.index(meant), EMOTIONS7.index(shown)] += 1
    for emotion, row in zip(EMOTIONS7, counts, strict=True):
        if row.sum() > 200:
            assert is_as_often(row, declared(emotion))
    assert (counts.sum(axis=1) > 200).sum() > 3


def test_a_message_that_is_read_right_moves_it_as_without_noise():
    """The channel has dice of its own, so that worlds with more and less noise differ in nothing else."""
    quiet, noisy, view = SimulatedPolicy(QUIET), SimulatedPolicy(NOISY), heard_by_debtor("joy")
    pairs = [(quiet.note(view, Dice(seed)), noisy.note(view, Dice(seed))) for seed in range(300)]
    right = [(one, two) for one, two in pairs if "taken" not in two]
    assert 200 < len(right) < 280
    assert all(one == two for one, two in right)


def test_an_unsure_reading_is_taken_for_what_it_holds():
    """Half joy and half anger: what is taken is drawn from both rows alike."""
    rows = np.array(NOISY.channel.taken)
    seven = np.array(reading("joy").emotions) / 2 + np.array(reading("anger").emotions) / 2
    channel, counts = replace(NOISY.channel, noise=1.0), np.zeros(7)
    for seed in range(4000):
        counts[channel.misread(seven, Dice(seed))] += 1
    assert is_as_often(counts, seven @ rows)


@given(sevens, st.floats(0, 1))
def test_what_is_heard_on_average_is_the_reading_through_the_matrix(seven, noise):
    rows = np.array(NOISY.channel.taken)
    expected = np.array(seven) @ ((1 - noise) * np.eye(7) + noise * rows)
    mean = Channel(noise, NOISY.channel.taken).mean(seven)
    assert mean == pytest.approx(expected.tolist())
    assert sum(mean) == pytest.approx(1.0)


def test_what_it_takes_a_message_for_is_what_it_answers():
    """The emotion that it shows follows what it heard; misread, that is not what was read."""
    policy, view = SimulatedPolicy(replace(NOISY, channel=Channel(1.0, NOISY.channel.taken))), heard_by_debtor("joy")
    notes = policy.note(view, Dice(3))
    assert notes["taken"] != "joy"
    assert Mind.of(json.loads(json.dumps(notes))).notes() == notes
    quiet = SimulatedPolicy(QUIET)

    def shown(read, notes):
        view = seat_view(case(), "debtor", [offer(13)], readings=(reading(read),), notes=notes)
        return [quiet.choose(view, Dice(seed)) for seed in range(400)]

    heard = {**notes, "taken": ""}
    assert shown("joy", notes) == shown(notes["taken"], heard) != shown("joy", heard)


# --- without noise


@pytest.mark.parametrize("creditor", ["eq-negotiator", "oracle:responsive"])
def test_without_noise_it_is_the_world_without_a_channel(creditor):
    still = replace(NOISY, channel=replace(NOISY.channel, noise=0.0))
    assert still.digest == QUIET.digest != NOISY.digest
    agent = find_agent(creditor, "creditor")
    one, two = (
        [Pairing(agent, simulated_debtor(replace(world, name="same"))).play(case(), seed).transcript.to_dict()
         for seed in range(5)]
        for world in (QUIET, still)
    )  # fmt: skip
    assert json.dumps(one) == json.dumps(two)
    assert '"taken"' not in json.dumps(one)


def test_the_debtor_declares_its_channel():
    world = find_agent("simulated:noisy", "debtor").declared()["settings"]["world"]
    assert world["channel"]["noise"] == NOISY.channel.noise
    assert world["digest"] == NOISY.digest
    assert "channel" not in find_agent("simulated:responsive", "debtor").declared()["settings"]["world"]


def test_misreadings_are_in_the_transcript_and_the_same_match_has_the_same():
    pairing = Pairing(find_agent("vanilla", "creditor"), find_agent("simulated:noisy", "debtor"))
    talks = [pairing.play(case(), seed).transcript for seed in range(20)]
    assert talks == [pairing.play(case(), seed).transcript for seed in range(20)]
    taken = [message.notes.get("taken") for talk in talks for message in talk.messages if message.seat == "debtor"]
    assert 0.1 < sum(each is not None for each in taken) / len(taken) < 0.3


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("noise = 0.2", "noise = 1.2", "channel.noise = 1.2 is refused"),
        ("[0.000, 0.056", "[0.500, 0.056", "the row of joy has 0.5 for joy itself and adds up to 1.5"),
        ("[0.176, 0.000", "[0.976, 0.000", "the row of sadness has 0 for sadness itself and adds up to 1.79"),
        ("taken = [\n  [0.000, ", "taken = [\n  [", "channel.taken.0 = .* is refused"),
    ],
)
def test_a_bad_channel_is_refused(tmp_path, before, after, said):
    text = (PRIOR.parent / "worlds/noisy.toml").read_text(encoding="utf-8")
    assert text.count(before) == 1
    path = tmp_path / "mine.toml"
    path.write_text(text.replace(before, after), encoding="utf-8")
    with pytest.raises(AgentError, match=said):
        load_world(path)


# --- the oracle plans with it


def test_the_value_of_the_plan_is_what_its_play_earns():
    """Two answers of the debtor, drawn by its own part from the detector's readings; much noise, to show."""
    world = replace(QUIET, channel=Channel(0.6, NOISY.channel.taken))
    kind, rules, pace, grid = world.disposition("obliging"), Rules(max_messages=5), 0.6, 400
    terms = OracleTerms("debt", rules, 0.05, 1.0, kind.name, pace)
    best, opening = best_plan(world, terms)
    policy, readings = SimulatedPolicy(world), expected_readings("debt")
    moves = [[offer(13)], [offer(13), offer(111), offer(62)]]  # the creditor concedes as much as is expected

    def earned(dice, k, mind, emotion):
        read = Reading(tuple(readings[emotion]), "neutral", (0.25,) * 4)
        seen = seat_view(case(), "debtor", moves[k], readings=(read,), notes=mind.notes())
        mind = Mind.of(policy.note(seen, dice.child(k)))
        rest = 0.0
        if k == 0:
            rest = earned(dice, 1, mind, int(best[1, mind.state, round(mind.given * grid)]))
        return float(oracle._worth(np.array([[mind.given]]), np.array([[rest]]), k, terms)[0, 0])

    earnings = []
    for seed in range(6000):
        dice = Dice(seed)
        mind = Mind(world.digest, kind.name, dice.weighted(kind.start), pace, 0.0)
        earnings.append(earned(dice, 0, mind, int(opening.argmax())))
    assert abs(np.mean(earnings) - opening.max()) < 4 * np.std(earnings) / len(earnings) ** 0.5 + 2e-3
    quiet = best_plan(QUIET, terms)[1].max()
    assert opening.max() < quiet - 0.02  # who is misread earns less, and the plan knows


# --- drawn


def prior_with(tmp_path, before, after):
    text = PRIOR.read_text(encoding="utf-8")
    assert text.count(before) == 1
    path = tmp_path / "prior.toml"
    path.write_text(text.replace(before, after), encoding="utf-8")
    return read_prior(path)


def drawn(folder, prior):
    return [tomllib.loads(path.read_text()) for path in sample_worlds(folder, prior, worlds=4, seed=1)]


def test_a_prior_draws_noise_and_leaves_the_rest_as_it_is(tmp_path):
    plain = drawn(tmp_path / "plain", read_prior())
    noisy = drawn(tmp_path / "noisy", prior_with(tmp_path, "noise = [0.0, 0.0]", "noise = [0.1, 0.3]"))
    levels = [world.pop("channel")["noise"] for world in noisy[:4]]
    assert plain == noisy
    assert len(set(levels)) == 4
    assert all(0.1 <= level <= 0.3 for level in levels)


def test_a_prior_draws_how_often_kinds_come_and_leaves_the_rest_as_it_is(tmp_path):
    plain = drawn(tmp_path / "plain", read_prior())
    others = drawn(tmp_path / "others", prior_with(tmp_path, "weights = [1.0, 1.0]", "weights = [0.5, 2.0]"))
    assert plain[-1] == others[-1]
    for world, other in zip(plain[:4], others[:4], strict=True):
        factors = [
            other["dispositions"][name].pop("weight") / kind.pop("weight")
            for name, kind in world["dispositions"].items()
        ]
        assert world == other
        assert len(set(factors)) == len(factors)
        assert all(0.5 <= factor <= 2.0 for factor in factors)


def test_a_prior_that_leaves_both_out_is_recorded_and_draws_as_poises_own(tmp_path):
    """So folders of before are recognised, and more worlds can be drawn into them."""
    short = tmp_path / "short.toml"
    settings = tomllib.loads(PRIOR.read_text(encoding="utf-8"))
    del settings["channel"], settings["factors"]["weights"]
    short.write_text(tomli_w.dumps(settings), encoding="utf-8")
    for name, prior in (("own", read_prior()), ("short", read_prior(short))):
        sample_worlds(tmp_path / name, prior, worlds=2, seed=1)
    files = [path.relative_to(tmp_path / "own") for path in (tmp_path / "own").rglob("*.toml")]
    assert len(files) == 4
    for file in files:
        text = (tmp_path / "own" / file).read_bytes()
        assert text == (tmp_path / "short" / file).read_bytes()
        assert b"[channel]" not in text
        assert b"weights" not in text


def test_noise_keeps_a_worlds_own_matrix():
    own = {"name": 1, "channel": {"noise": 0.1, "taken": [[0.0, 1.0]]}}
    assert with_noise(own, 0.5) == {"name": 1, "channel": {"noise": 0.5, "taken": [[0.0, 1.0]]}}
    assert np.array(with_noise({}, 0.5)["channel"]["taken"]) == pytest.approx(np.array(NOISY.channel.taken), abs=2e-3)
