"""The simulated debtor: a world that is what its head says, debtors that react to what they read, data that fit."""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import replace
from functools import cache
from itertools import pairwise

import numpy as np
import pytest
from helpers.paths import SHARED
from helpers.seats import case
from helpers.wordless import reading, seat_view
from hypothesis import given
from hypothesis import strategies as st

from poise.agents.emotions import EMOTIONS7, TO_SEVEN
from poise.agents.emotions.detector import default_detector
from poise.agents.emotions.tables import STATES
from poise.agents.personas import FOLDER as PERSONAS
from poise.agents.registry import find_agent
from poise.agents.simulated import Mind, SimulatedConcession, SimulatedPolicy, load_world
from poise.agents.simulated.debtor import draw_debtor
from poise.agents.simulated.files import DEFAULT
from poise.agents.simulated.manners import human_creditor
from poise.agents.simulated.marginals import HUMAN_SAVINGS, measure_marginals, row_variation, stationary, variation
from poise.common.errors import AgentError
from poise.common.seeds import Dice, child_seed
from poise.games.moves import ACCEPT, WALK, offer
from poise.games.scenarios.loaders import load_scenarios
from poise.games.transcript import Reading
from poise.graphs import Pairing, PlaySettings

COUNTS = SHARED / "data" / "derived" / "emotion_transition_counts.json"
TEXT = DEFAULT.read_text(encoding="utf-8")
WORLD = load_world()

kinds = st.sampled_from(WORLD.dispositions)
states = st.integers(0, len(STATES) - 1)
emotions = st.integers(0, 6)
sevens = (
    st.lists(st.floats(0.0, 1.0), min_size=7, max_size=7)
    .filter(lambda row: sum(row) > 1e-3)
    .map(lambda row: tuple(value / sum(row) for value in row))
)


# --- the world


def one_hot(emotion):
    return tuple(float(place == emotion) for place in range(7))


def expected_move(kind, state, emotion):
    """The head of `poise.agents.simulated.world`, written out once more."""
    pull = kind.pulls[state][emotion]
    row = [0.0] * 4
    for new in range(4):
        stay = (1 - kind.drift) * (new == state) + kind.drift * kind.rest[new]
        row[new] = (1 - abs(pull)) * stay
        if pull > 0 and STATES[new] == "cooperative":
            row[new] += pull
        if pull < 0:
            row[new] += -pull * kind.resort[new]
    return row


@given(kinds, states, sevens)
def test_the_hidden_state_moves_by_its_formula(kind, state, seven):
    moves = WORLD.moves(kind.name, state, seven)
    expected = sum(np.array(expected_move(kind, state, e)) * share for e, share in enumerate(seven))
    assert moves == pytest.approx(expected.tolist())
    assert sum(moves) == pytest.approx(1.0)
    assert min(moves) >= 0


@given(kinds, states, emotions, st.floats(0.0, 1.0), st.floats(0.0, 1.0))
def test_being_readable_pays(kind, state, emotion, share, more):
    """The surer a good emotion is read, the likelier it brings the debtor round; a bad one the contrary."""
    share, more = sorted((share, more))
    neutral = EMOTIONS7.index("neutral")

    def round_(sure):
        seven = [0.0] * 7
        seven[emotion] += sure
        seven[neutral] += 1 - sure
        return WORLD.moves(kind.name, state, seven)[STATES.index("cooperative")]

    better = round_(1.0) >= round_(0.0)
    assert (round_(more) - round_(share)) * (1 if better else -1) >= -1e-12


@given(kinds, states, st.one_of(st.none(), emotions), sevens)
def test_what_it_shows_is_human_dynamics_times_its_tastes(kind, state, last, seven):
    dynamics = WORLD.dynamics
    own = dynamics.marginal if last is None else dynamics.own[last]
    expected = [
        own[e]
        * sum(seven[c] * dynamics.reply[c][e] for c in range(7))
        / dynamics.marginal[e]
        * WORLD.states[state].shows[e]
        * kind.shows[e]
        for e in range(7)
    ]
    assert WORLD.shown(kind.name, state, last, seven) == pytest.approx(expected)


def test_without_tastes_and_replies_it_shows_what_people_show():
    """Own dynamics are left alone where the other side's words say nothing: P(e | e-) is the human row."""
    deaf = replace(WORLD.dynamics, reply=(WORLD.dynamics.marginal,) * 7)
    bland = replace(
        WORLD,
        dynamics=deaf,
        states=tuple(replace(state, shows=(1.0,) * 7) for state in WORLD.states),
        dispositions=tuple(replace(kind, shows=(1.0,) * 7) for kind in WORLD.dispositions),
    )
    for last, row in enumerate(WORLD.dynamics.own):
        assert bland.shown("anxious", 0, last, one_hot(3)) == pytest.approx(row)


def test_one_move_by_hand():
    """Hot-tempered, confrontational, reading surprise: pull 0.7, drift 0.25 to 3/4 confrontational, 1/4 strategic."""
    moves = WORLD.moves("hot-tempered", STATES.index("confrontational"), one_hot(EMOTIONS7.index("surprise")))
    stay = 0.3 * (0.75 + 0.25 * 0.75)
    assert dict(zip(STATES, moves, strict=True)) == pytest.approx(
        {"cooperative": 0.7, "confrontational": stay, "distressed": 0.0, "strategic": 0.3 * 0.25 * 0.25}
    )


# --- one debtor


def opened(*more, given=0.0, state="strategic", **mind):
    notes = Mind(WORLD.digest, "calculating", STATES.index(state), 0.2, given)._replace(**mind).notes()
    return seat_view(case(), "debtor", [offer(13), *more], readings=(reading("neutral"),), notes=notes)


def test_dispositions_come_by_weight_and_paces_by_their_median():
    minds = [draw_debtor(WORLD, Dice(seed)) for seed in range(4000)]
    counts = Counter(mind.disposition for mind in minds)
    for kind in WORLD.dispositions:
        share = kind.weight / sum(each.weight for each in WORLD.dispositions)
        assert abs(counts[kind.name] / 4000 - share) < 4 * (share * (1 - share) / 4000) ** 0.5
    logs = np.log([mind.pace for mind in minds])
    assert np.median(logs) == pytest.approx(np.log(WORLD.pace.median), abs=0.06)
    assert np.std(logs) == pytest.approx(WORLD.pace.spread, rel=0.05)
    assert all(mind.given == 0.0 for mind in minds)


@given(states, st.floats(0.0, 1.0), sevens, st.text(max_size=5), st.integers(0, 2**32))
def test_the_mind_is_moved_by_what_was_read_and_by_no_label(state, given_, seven, label, seed):
    policy = SimulatedPolicy(WORLD)
    view = opened(state=STATES[state], given=given_)
    one, two = (replace(view, readings=(Reading(seven, each, (0.25,) * 4),)) for each in ("joy", label))
    noted = policy.note(one, Dice(seed))
    assert noted == policy.note(two, Dice(seed))
    after = Mind.of(json.loads(json.dumps(noted)))
    assert after.notes() == noted
    assert after.given == pytest.approx(min(1.0, given_ + 0.2 * WORLD.states[after.state].gives))
    assert (after.disposition, after.pace) == ("calculating", 0.2)


def test_states_are_drawn_with_their_probabilities():
    policy, view = SimulatedPolicy(WORLD), opened(state="strategic")
    counts = Counter(policy.note(view, Dice(seed))["state"] for seed in range(4000))
    for name, chance in zip(STATES, WORLD.moves("calculating", 3, reading("neutral").emotions), strict=True):
        assert abs(counts[name] / 4000 - chance) <= 4 * (chance * (1 - chance) / 4000) ** 0.5 + 1e-12


def test_emotions_are_drawn_with_their_probabilities():
    policy, view = SimulatedPolicy(WORLD), opened(state="confrontational")
    counts = Counter(TO_SEVEN[policy.choose(view, Dice(seed))] for seed in range(4000))
    weights = WORLD.shown("calculating", STATES.index("confrontational"), None, reading("neutral").emotions)
    for emotion, weight in zip(EMOTIONS7, weights, strict=True):
        chance = weight / sum(weights)
        assert abs(counts[emotion] / 4000 - chance) <= 4 * (chance * (1 - chance) / 4000) ** 0.5 + 1e-12


@given(st.floats(0.0, 1.0), st.floats(0.0, 1.0))
def test_who_has_given_more_offers_no_less(share, more):
    share, more = sorted((share, more))
    one, two = (SimulatedConcession(WORLD).decide(opened(given=each), Dice(1)) for each in (share, more))
    assert ACCEPT in (one, two) or one.value >= two.value
    assert one != ACCEPT or two == ACCEPT
    assert all(move.value != 112 for move in (one, two))  # never its own target


def test_it_accepts_what_is_as_good_and_stands_by_what_it_offered():
    assert SimulatedConcession(WORLD).decide(opened(given=1.0), Dice(1)) == ACCEPT
    assert SimulatedConcession(WORLD).decide(opened(offer(70), offer(20), given=0.1), Dice(1)) == offer(70)


def test_it_leaves_only_once_the_talks_are_under_way_and_as_often_as_its_state_says():
    angry = replace(WORLD, states=tuple(replace(state, leaves=0.5) for state in WORLD.states))
    late = opened(*[offer(100), offer(13)] * WORLD.pace.stays)
    early = opened(*[offer(100), offer(13)] * (WORLD.pace.stays - 1))
    left = sum(SimulatedConcession(angry).decide(late, Dice(seed)) == WALK for seed in range(1000))
    assert abs(left / 1000 - 0.5) < 0.07
    assert all(SimulatedConcession(angry).decide(early, Dice(seed)) != WALK for seed in range(100))


def test_without_notes_it_says_what_is_missing():
    view = seat_view(case(), "debtor", [offer(13)], readings=(reading("neutral"),))
    with pytest.raises(AgentError, match=r"its turn needs `poise\.graphs\.feel`"):
        SimulatedConcession(WORLD).decide(view, Dice(0))


# --- at play


@cache
def talks(creditor, seeds=2):
    agent = human_creditor(WORLD) if creditor == "human" else find_agent(creditor, "creditor")
    pairing = Pairing(agent, find_agent("simulated", "debtor"))
    cases = load_scenarios("builtin:train")
    return [pairing.play(each, child_seed(7, each.id, seed)).transcript for each in cases for seed in range(seeds)]


def minds(transcript):
    return [Mind.of(message.notes) for message in transcript.messages if message.seat == "debtor"]


def test_the_same_match_has_the_same_debtor_whatever_the_creditor_does():
    for one, two in zip(talks("human"), talks("fixed:anger"), strict=True):
        first, second = minds(one)[0], minds(two)[0]
        assert (first.disposition, first.pace) == (second.disposition, second.pace)
        for transcript in (one, two):
            assert len({(mind.disposition, mind.pace, mind.world) for mind in minds(transcript)}) == 1


def test_fast_play_and_langgraph_play_give_identical_transcripts():
    for creditor in ("eq-negotiator", "oracle"):
        pair = find_agent(creditor, "creditor"), find_agent("simulated", "debtor")
        fast, slow = (Pairing(*pair, PlaySettings(through=way)) for way in ("fast", "langgraph"))
        for seed in range(4):
            assert fast.play(case(), seed).transcript == slow.play(case(), seed).transcript


def test_the_tracker_finds_the_hidden_state_oftener_than_its_prior():
    """What the debtor shows tells something of what it hides: the mean belief in the true state."""
    right, count = 0.0, 0
    for transcript in talks("human"):
        hidden = None
        for message in transcript.messages:
            if message.seat == "debtor":
                hidden = STATES.index(message.notes["state"])
            elif hidden is not None:
                right, count = right + message.reading.belief[hidden], count + 1
    assert right / count > 0.3  # a uniform belief would give 0.25


@pytest.mark.parametrize("emotion", EMOTIONS7)
def test_its_words_show_what_it_means_to_show(emotion):
    """Read by the detector in the words of the tone alone, each of which counts once; docs/talk.md has the table."""
    detector = default_detector()
    texts = {
        message.tone
        for transcript in talks("human")
        for message in transcript.messages
        if message.seat == "debtor" and TO_SEVEN[message.emotion] == emotion and message.move.kind == "offer"
    }
    assert len(texts) > 5
    read = [detector.read(text).seven for text in texts]
    assert np.mean([EMOTIONS7[seven.index(max(seven))] == emotion for seven in read]) > 0.7


def test_it_is_worded_from_many_templates():
    texts = {re.sub(r"\d+", "#", message.text) for each in talks("human") for message in each.messages[1::2]}
    assert len(texts) > 200


# --- the fit


def test_its_emotions_follow_each_other_much_as_peoples_do():
    """Closer to the mean of two corpora of human dialogue than the two are to each other (0.29, 0.31, 0.28)."""
    seen = measure_marginals(talks("human", seeds=5))
    assert row_variation(seen.own, WORLD.dynamics.own) < 0.2
    assert row_variation(seen.reply, WORLD.dynamics.reply) < 0.25
    assert variation(seen.shown, stationary(WORLD.dynamics.own)) < 0.2


def test_deals_settle_about_where_human_ones_do():
    seen = measure_marginals(talks("human", seeds=5))
    assert len(seen.savings) > 0.85 * seen.talks
    for ours, theirs in zip(seen.quantiles(), HUMAN_SAVINGS, strict=True):
        assert abs(ours - theirs) < 0.15


def test_marginals_of_a_talk_by_hand():
    transcript = talks("human")[0]
    seen = measure_marginals([transcript])
    own = [TO_SEVEN[message.emotion] for message in transcript.messages if message.seat == "debtor"]
    assert seen.shown.sum() == seen.reply.sum() == len(own)
    assert seen.own.sum() == len(own) - 1
    for before, after in pairwise(own):
        assert seen.own[EMOTIONS7.index(before), EMOTIONS7.index(after)] > 0


def test_distances():
    assert variation([1, 1], [2, 2]) == 0
    assert variation([1, 0], [0, 3]) == 1
    assert row_variation(np.array([[3.0, 1.0], [0.0, 0.0]]), np.array([[0.5, 0.5], [1.0, 0.0]])) == pytest.approx(0.25)
    assert stationary([[0.9, 0.1], [0.3, 0.7]]) == pytest.approx([0.75, 0.25])


@pytest.mark.data
@pytest.mark.skipif(not COUNTS.exists(), reason="the reference data are not beside the checkout")
def test_the_dynamics_are_derived_from_the_counts_as_the_file_says():
    data = json.loads(COUNTS.read_text(encoding="utf-8"))
    order = [data["states"].index(each) for each in EMOTIONS7]

    def mean(kind, axis):
        tables = [
            np.array(data[name][kind], float)[np.ix_(order, order)] + 0.5 for name in ("MELD", "DailyDialog_RECCON")
        ]
        if axis is None:
            return sum(table.sum(axis=0) / table.sum() for table in tables) / 2
        return sum(table / table.sum(axis=1, keepdims=True) for table in tables) / 2

    assert np.array(WORLD.dynamics.own) == pytest.approx(mean("same", 1), abs=1e-4)
    assert np.array(WORLD.dynamics.reply) == pytest.approx(mean("reply", 1), abs=1e-4)
    assert np.array(WORLD.dynamics.marginal) == pytest.approx(mean("reply", None), abs=1e-4)


# --- the file


def test_every_reaction_says_what_it_rests_on_and_every_study_is_listed():
    listed = (PERSONAS / "README.md").read_text(encoding="utf-8")
    reasons = re.findall(r'why = (?:"""(.*?)"""|"(.*?)")', TEXT, re.DOTALL)
    assert len(reasons) >= 28
    for reason in map("".join, reasons):
        assert re.search(r"\b(19|20)\d\d\b|assumption", reason, re.IGNORECASE)
        for author, year in re.findall(r"([A-Z]\w+)[^();]*?((?:19|20)\d\d)", reason):
            assert re.search(rf"{author}.*?\b{year}\b", listed, re.DOTALL), (author, year)


def changed(tmp_path, *pairs):
    text = TEXT
    for old, new in pairs:
        assert text.count(old) >= 1, old
        text = text.replace(old, new, 1)
    path = tmp_path / "mine.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_another_world_can_be_swapped_in_by_path(tmp_path):
    path = changed(tmp_path, ("median = 0.4", "median = 0.9"), ("# The simulated world", "# My world"))
    agent = find_agent(f"simulated:{path}", "debtor")
    declared = agent.declared()
    assert declared["settings"]["world"] == {"name": "mine", "digest": load_world(path).digest}
    assert declared["settings"]["world"]["digest"] != WORLD.digest
    creditor = find_agent("vanilla", "creditor")
    talk = Pairing(creditor, agent).play(case(), 3).transcript
    usual = Pairing(creditor, find_agent("simulated", "debtor")).play(case(), 3).transcript
    assert minds(talk)[0].pace == pytest.approx(minds(usual)[0].pace * 0.9 / 0.4)


def test_a_copy_with_other_comments_is_the_same_world(tmp_path):
    copy = load_world(changed(tmp_path, ("# The simulated world", "# My world")))
    assert copy.digest == WORLD.digest
    assert copy.settings() == WORLD.settings()


def test_a_changed_file_is_read_again(tmp_path):
    path = changed(tmp_path, ("median = 0.4", "median = 0.5"))
    before = load_world(path)
    assert load_world(path) is before
    stamp = path.stat().st_mtime_ns
    path.write_text(path.read_text(encoding="utf-8").replace("median = 0.5", "median = 0.6"), encoding="utf-8")
    import os

    os.utime(path, ns=(stamp + 10**9, stamp + 10**9))
    assert load_world(path).pace.median == 0.6


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("median = 0.4", "median = 0", "pace.median = 0 is refused: Input should be greater than 0; correct the value"),
        ("median = 0.4", "medium = 0.4", "pace.median is refused: Field required; add it"),
        ("stays = 3", "stays = 2.5", "pace.stays = 2.5 is refused"),
        ("own = [\n  [0.5334", "own = [\n  [0.9334", r"the row \[0.9334.* adds up to 1.4.*, not to 1"),
        ("own = [\n  [0.5334, ", "own = [\n  [", "dynamics.own.0 = .* is refused"),
        (
            "[states.strategic]",
            "[states.strategical]",
            "is unknown; did you mean 'strategic'. there are cooperative",
        ),
        ("leaves = 0.05", "leaves = 1.05", "states.confrontational.leaves = 1.05 is refused"),
        (
            "[reactions.strategic.fear]",
            "[reactions.strategic.fera]",
            "reactions.strategic.*'fera' is unknown; .*there are joy",
        ),
        ("fear = { fear = 1, ", "fear = { anger = 1, ", r"labels.fear must name labels .* see to \['anger'\]"),
        ("drift = 0.35", "drift = -1", "dispositions.obliging.drift = -1 is refused"),
        ("rest = { distressed = 1 }", "rest = { distressed = 0 }", "start, rest and resort need a state"),
        ("rest = { distressed = 1 }", "rest = { sad = 1 }", "'sad' is unknown; .*there are cooperative"),
        ("[pace]", "[pace", "is not TOML: .*; correct that line"),
    ],
)
def test_a_bad_file_is_refused_with_key_value_and_remedy(tmp_path, old, new, said):
    with pytest.raises(AgentError, match=rf"world file .*mine.toml.*{said}"):
        load_world(changed(tmp_path, (old, new)))


def test_a_file_that_is_not_there_is_refused_by_name():
    with pytest.raises(AgentError, match=r"world file .*none.toml does not exist"):
        find_agent("simulated:none.toml", "debtor")
