"""Personas: moods that follow what was read, files that are refused with a reason, and emotions that matter."""

import json
import re
import statistics
from collections import Counter
from dataclasses import replace
from functools import cache

import pytest
from helpers.paths import SHARED
from helpers.wordless import court, reading, seat_view
from hypothesis import given
from hypothesis import strategies as st

from poise.agents.concessions import named_concession
from poise.agents.emotions import EMOTIONS7, EMOTIONS28
from poise.agents.emotions.detector import default_detector
from poise.agents.personas import FOLDER, load_persona, persona_names
from poise.agents.personas.persona import PersonaPolicy
from poise.agents.protocols import Request
from poise.agents.registry import find_agent
from poise.agents.voices.scripted import ScriptedVoice
from poise.common.errors import AgentError
from poise.common.seeds import Dice
from poise.games.moves import offer
from poise.games.scenario import Scenario
from poise.games.scenarios.loaders import load_scenarios
from poise.games.transcript import Reading
from poise.graphs import Pairing

CONSTANTS = SHARED / "reference" / "constants.json"
NAMES = (
    "vanilla",
    "angry",
    "cheating",
    "disgust",
    "fear",
    "pressure",
    "sad",
    "stonewalling",
    "threatening",
    "victim",
)
PERSONAS = {name: load_persona(name) for name in NAMES}
VANILLA = (FOLDER / "vanilla.toml").read_text(encoding="utf-8")

personas = st.sampled_from(list(PERSONAS.values()))
moods = st.floats(-1.0, 1.0)
emotions = st.sampled_from(EMOTIONS7)
sevens = (
    st.lists(st.floats(0.0, 1.0), min_size=7, max_size=7)
    .filter(lambda row: sum(row) > 1e-3)
    .map(lambda row: tuple(value / sum(row) for value in row))
)


# --- the mood


def expected_pull(persona, mood, seven):
    """The head of `poise.agents.personas`, written out once more."""
    total = persona.rest_mood
    for share, reaction in zip(seven, persona.reactions, strict=True):
        end = reaction.good if mood > 0 else reaction.bad
        total += share * (reaction.even + abs(mood) * (end - reaction.even))
    return min(1.0, max(-1.0, total))


@given(personas, moods, sevens)
def test_the_mood_follows_its_formula_and_stays_in_bounds(persona, mood, seven):
    felt = persona.feel(mood, Reading(seven, "joy", ()))
    keep = persona.inertia
    assert felt == pytest.approx(keep * mood + (1 - keep) * expected_pull(persona, mood, seven))
    assert -1 <= felt <= 1


@given(personas, moods, sevens, st.sampled_from(EMOTIONS28))
def test_the_mood_is_moved_by_what_was_read_and_by_no_label(persona, mood, seven, label):
    assert persona.feel(mood, Reading(seven, label, (1.0, 0.0, 0.0, 0.0))) == persona.feel(mood, Reading(seven, "", ()))


@given(personas, moods, emotions, st.floats(0.0, 1.0), st.floats(0.0, 1.0))
def test_expressing_readably_pays(persona, mood, emotion, share, more):
    """The surer an emotion is read, the further the mood goes the way of the reaction to it."""
    share, more = sorted((share, more))
    blurred, clear = (persona.feel(mood, reading(emotion, each)) for each in (share, more))
    certain, plain = (expected_pull(persona, mood, reading(each).emotions) for each in (emotion, "neutral"))
    assert (clear - blurred) * (1 if certain >= plain else -1) >= -1e-12


@given(personas, st.lists(sevens, max_size=20))
def test_moods_are_the_mood_message_by_message(persona, rows):
    readings = [Reading(row, "", ()) for row in rows]
    mood, told = persona.start_mood, persona.moods(readings)
    for each, said in zip(readings, told, strict=True):
        mood = persona.feel(mood, each)
        assert mood == said


def test_one_mood_by_hand():
    """Angry, at the start, reading surprise: even 0.75, bad 0.8, so 0.775 at mood -0.5; -0.25 + 0.775 = 0.525."""
    assert PERSONAS["angry"].feel(-0.5, reading("surprise")) == pytest.approx(0.5 * -0.5 + 0.5 * 0.525)


# --- what it shows


def drawn(persona, mood, turn=5, draws=400):
    view = seat_view(Scenario("case", "debt", 12, 112), "debtor", [offer(13)] * (2 * turn + 1), mood=mood)
    return Counter(PersonaPolicy(persona).choose(view, Dice(seed)) for seed in range(draws))


@pytest.mark.parametrize("name", NAMES)
def test_emotions_come_from_the_band_of_the_mood_by_weight(name):
    persona = replace(PERSONAS[name], renege=None)
    edges = [-1.0, *(band.below for band in persona.bands[:-1])]
    for low, band in zip(edges, persona.bands, strict=True):
        counts = drawn(persona, low)
        assert set(counts) == set(band.emotions)
        for emotion, weight in zip(band.emotions, band.weights, strict=True):
            share = weight / sum(band.weights)
            assert abs(counts[emotion] / 400 - share) < 5 * (share * (1 - share) / 400) ** 0.5 + 1e-9


def test_the_promise_that_will_be_broken_shows_its_own_emotion():
    persona = PERSONAS["cheating"]
    before = persona.renege.message - 1
    assert set(drawn(persona, -0.5, before)) == {persona.renege.promise}
    assert persona.renege.promise not in drawn(persona, -0.5, before + 1)
    assert persona.renege.promise not in drawn(persona, 0.9, before)


# --- the files


def test_the_shipped_personas():
    assert set(persona_names()) == set(NAMES)
    assert persona_names()[0] == "vanilla"


@pytest.mark.parametrize("persona", PERSONAS.values(), ids=NAMES)
def test_every_reaction_says_what_it_rests_on(persona):
    """A study with its year, or the word assumption."""
    for reaction in persona.reactions:
        assert re.search(r"\b(19|20)\d\d\b|assumption", reaction.why, re.IGNORECASE)


def test_every_study_named_in_a_file_is_listed_beside_them():
    listed = (FOLDER / "README.md").read_text(encoding="utf-8")
    for persona in PERSONAS.values():
        for reaction in persona.reactions:
            for author, year in re.findall(r"([A-Z]\w+)[^();]*?((?:19|20)\d\d)", reaction.why):
                assert re.search(rf"{author}.*?\b{year}\b", listed), (author, year)


@pytest.mark.parametrize("persona", PERSONAS.values(), ids=NAMES)
def test_a_small_model_gets_two_or_three_sentences(persona):
    assert 2 <= len(re.findall(r"[.!](?= |$)", persona.text)) <= 3
    assert len(persona.text.split()) <= 60
    assert persona.text.startswith("You ")


def test_a_copy_behaves_like_the_original(tmp_path):
    copy = tmp_path / "mine.toml"
    copy.write_text("# My own.\n" + VANILLA, encoding="utf-8")
    mine, original = load_persona(copy).settings(), PERSONAS["vanilla"].settings()
    assert mine == {**original, "name": "mine"}
    assert load_persona(str(copy)).name == "mine"


@pytest.mark.parametrize("persona", PERSONAS.values(), ids=NAMES)
def test_settings_are_json_and_tell_behaviour_apart(persona):
    assert json.loads(json.dumps(persona.settings())) == json.loads(json.dumps(replace(persona).settings()))
    assert replace(persona, inertia=0.9).settings() != persona.settings()


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("start = 0.0 ", "start = 1.5 ", "mood.start = 1.5 is refused: Input should be less than or equal to 1"),
        ("start = 0.0 ", "start = 'low' ", "mood.start = 'low' is refused: Input should be a valid number"),
        ("start = 0.0 ", "start = true ", "mood.start = True is refused"),
        ("start = 0.0 ", "start = nan ", "mood.start = nan is refused"),
        ("inertia = 0.5", "inertia = 1", "mood.inertia = 1 is refused: Input should be less than 1"),
        ("inertia = 0.5", "inertias = 0.5", "mood.inertia is refused: Field required; add it"),
        ("[walk]", "[walks]", "walks = .* is refused: .*; did you mean 'walk'. remove it, or correct its spelling"),
        (
            "[reactions.joy]",
            "[reactions.joi]",
            "'joi' is unknown; did you mean 'joy'. there are joy,",
        ),
        ("annoyance = 3", "anoyance = 3", "'anoyance' is unknown; did you mean 'annoyance'"),
        ("annoyance = 3", "annoyance = 0", "shows.0.emotions.annoyance = 0 is refused: Input should be greater than 0"),
        (
            "neutral = 6, curiosity = 1, approval = 1",
            "",
            "shows.1.emotions = {} is refused: Dictionary should have at least 1 item",
        ),
        ("below = 0.3\n", "below = -0.6\n", "shows.below must rise from band to band"),
        ("below = 0.3\n", "", "left out in the last alone"),
        ("patience = 0.35", "patience = 0", "concession.patience = 0 is refused: Input should be greater than 0"),
        ("good = 1.0 }", "good = 2 }", "concession.reach.good = 2 is refused"),
        ("messages = 5", "messages = 0", "walk.messages = 0 is refused: Input should be greater than or equal to 1"),
        (
            "messages = 5",
            "messages = 5\n[renege]\nmessage = 4\nshare = 0.5\nbelow = 0\npromise = 'hope'",
            "'hope' is unknown",
        ),
        ("[walk]", "[walk", "is not TOML: .*; correct that line"),
    ],
)
def test_a_bad_file_is_refused_with_key_value_and_remedy(tmp_path, old, new, said):
    assert VANILLA.count(old) == 1
    path = tmp_path / "mine.toml"
    path.write_text(VANILLA.replace(old, new), encoding="utf-8")
    with pytest.raises(AgentError, match=f"mine.toml.*{said}"):
        load_persona(path)


def test_a_file_that_cannot_be_read_is_refused(tmp_path):
    with pytest.raises(AgentError, match=r"none.toml does not exist .*; check the path"):
        load_persona(tmp_path / "none.toml")
    path = tmp_path / "latin.toml"
    path.write_bytes("text = 'é'".encode("latin-1"))
    with pytest.raises(AgentError, match=r"latin.toml is not UTF-8 \(byte 8\); save it as UTF-8"):
        load_persona(path)
    with pytest.raises(AgentError, match="no persona is called 'vanila'; did you mean 'vanilla'"):
        load_persona("vanila")


# --- emotion matters

CASES = [Scenario(str(low), "debt", low, high) for low, high in ((12, 112), (8, 60), (18, 160), (12, 45))]
CREDITORS = ("linear", "boulware")
# The best reply to each emotion by the payoff table of EQ-Negotiator v1 (the first of equals).
PAYOFF_REPLY = dict(zip(EMOTIONS7, ("joy", "sadness", "surprise", "neutral", "surprise", "joy", "joy"), strict=True))


def met(name, choose, concession, seeds=1):
    """The creditor's utilities and the numbers of messages against persona `name`."""
    side = named_concession(concession)
    talks = [court(PERSONAS[name], choose, side, case, seed) for case in CASES for seed in range(seeds)]
    return [outcome.utilities[0] for outcome, _ in talks], [len(moves) for _, moves in talks]


@cache
def fixed(concession):
    """Mean utility of each fixed emotion against each persona."""
    return {
        name: {
            emotion: statistics.mean(met(name, lambda _shown, _dice, e=emotion: e, concession)[0])
            for emotion in EMOTIONS7
        }
        for name in NAMES
    }


def best_of(row):
    return max(row, key=row.__getitem__)


@pytest.mark.parametrize("concession", CREDITORS)
@pytest.mark.parametrize("name", NAMES)
def test_the_right_emotion_pays_and_the_wrong_one_is_punished(name, concession):
    row = fixed(concession)[name]
    ranked = sorted(row.values())
    assert ranked[-1] > 0.6
    assert ranked[-1] - ranked[0] > 0.5
    assert ranked[-1] - ranked[len(ranked) // 2] > 0.15  # most emotions are clearly worse than the best


@pytest.mark.parametrize("concession", CREDITORS)
def test_no_emotion_is_best_for_all(concession):
    table = fixed(concession)
    assert len({best_of(row) for row in table.values()}) >= 3
    for emotion in EMOTIONS7:
        shortfalls = [max(row.values()) - row[emotion] for row in table.values()]
        assert sum(shortfall > 0.1 for shortfall in shortfalls) >= 3
        assert max(shortfalls) > 0.25


def test_threats_and_grievances_are_harder_than_a_debtor_without_either():
    """As their paper has it (arXiv 2511.03370): for a creditor without emotion, whose words are read as they come."""
    cases = load_scenarios("builtin:test")

    def earned(creditor, debtor):
        pairing = Pairing(find_agent(creditor, "creditor"), find_agent(debtor, "debtor"))
        played = [pairing.play(case, seed).transcript for seed, case in enumerate(cases)]
        return statistics.mean(each.outcome.utilities[0] for each in played)

    plain = earned("vanilla", "vanilla")
    for name, right in (("threatening", "fixed:curiosity"), ("victim", "fixed:approval")):
        assert earned("vanilla", name) < plain - 0.02
        assert earned(right, name) > plain + 0.1


def test_showing_nothing_is_mediocre_against_most():
    table = fixed("linear")
    ranks = {name: sorted(row.values(), reverse=True).index(row["neutral"]) for name, row in table.items()}
    assert sum(rank > 0 for rank in ranks.values()) >= 5
    assert sum(row["neutral"] < 0.6 for row in table.values()) >= 5


def test_answering_what_the_debtor_shows_beats_every_fixed_emotion():
    """The best replies of the published payoff table do well on the whole, though they fall for the cheat."""
    table = fixed("linear")
    answered = [
        statistics.mean(met(name, lambda shown, _dice: PAYOFF_REPLY[shown], "linear", seeds=5)[0]) for name in NAMES
    ]
    for emotion in EMOTIONS7:
        assert statistics.mean(answered) > statistics.mean(row[emotion] for row in table.values())
    assert min(answered[NAMES.index(name)] for name in NAMES if name != "cheating") > 0.4


@pytest.mark.data
@pytest.mark.skipif(not CONSTANTS.exists(), reason="the reference data are not beside the checkout")
def test_the_payoff_replies_are_the_published_ones():
    golden = json.loads(CONSTANTS.read_text(encoding="utf-8"))["payoff"]["golden_best_replies"]["first_argmax"]
    assert list(PAYOFF_REPLY.values()) == golden


@pytest.mark.parametrize(
    ("name", "right", "wrong", "why"),
    [
        ("angry", "surprise", "anger", "anger answered with anger makes disputes fail: Friedman et al. 2004"),
        ("angry", "neutral", "disgust", "not returning the blow breaks the spiral: Brett et al. 1998"),
        ("sad", "sadness", "anger", "shared sadness wins concessions: Sinaceur et al. 2015"),
        ("threatening", "neutral", "fear", "yielding rewards coercion: Patterson 1982"),
        ("threatening", "neutral", "anger", "threats escalate when returned: Brett et al. 1998"),
        ("cheating", "surprise", "joy", "questions curtail deception: Schweitzer & Croson 1999"),
        ("cheating", "surprise", "anger", "anger is answered with deception: van Dijk et al. 2008"),
        ("victim", "neutral", "anger", "blame confirms the grievance: Gabay et al. 2020"),
        ("victim", "neutral", "sadness", "pity is milked"),
        ("stonewalling", "sadness", "anger", "demands are answered by withdrawing: Christensen & Heavey 1990"),
        ("stonewalling", "sadness", "neutral", "disappointment evokes guilt: Lelieveld et al. 2012"),
        ("vanilla", "joy", "disgust", "positive displays close deals: Kopelman et al. 2006"),
        ("fear", "joy", "fear", "fear spreads, and so does calm cheer: Hatfield et al. 1993"),
        ("fear", "joy", "anger", "a frightened debtor pushed breaks off"),
        ("disgust", "sadness", "disgust", "mutual disgust pushes apart: Hutcherson & Gross 2011"),
        ("disgust", "sadness", "joy", "cheer that does not fit the moment offends: van Kleef et al. 2010"),
        ("pressure", "surprise", "fear", "yielding rewards coercion: Patterson 1982"),
        ("pressure", "surprise", "anger", "anger answered with anger makes disputes fail: Friedman et al. 2004"),
    ],
)
def test_reactions_go_the_way_the_studies_say(name, right, wrong, why):
    row = fixed("linear")[name]
    assert row[right] - row[wrong] > 0.15, why


def test_a_typical_match_takes_a_dozen_messages_with_the_right_emotion_and_far_more_with_the_wrong_one():
    table = fixed("linear")
    for name, row in table.items():
        best, worst = best_of(row), min(row, key=row.__getitem__)
        lengths = met(name, lambda _shown, _dice, e=best: e, "linear")[1]
        assert 8 <= statistics.mean(lengths) <= 20
        utilities, _ = met(name, lambda _shown, _dice, e=worst: e, "linear")
        assert statistics.mean(value > 0 for value in utilities) <= 0.5  # mostly no deal at all


def mood_after(persona, emotion):
    """The mood after ten scripted messages that were meant to show `emotion`, read by the detector."""
    case, voice, detector = Scenario("case", "debt", 12, 112), ScriptedVoice(), default_detector()
    request = Request(seat_view(case, "creditor", []), offer(13), emotion)
    texts = [voice.speak(request, Dice(seed)).text for seed in range(10)]
    return persona.moods([Reading(seen.seven, seen.label, ()) for seen in detector.read_many(texts)])[-1]


@pytest.mark.parametrize("name", NAMES)
def test_words_alone_carry_the_right_emotion_across(name):
    """No label is handed over: the creditor's words are read, and the mood follows what was read in them."""
    row = fixed("linear")[name]
    best, worst = best_of(row), min(row, key=row.__getitem__)
    assert mood_after(PERSONAS[name], best) - mood_after(PERSONAS[name], worst) > 0.5


# --- a file that says only what is different


def like(tmp_path, text):
    path = tmp_path / "mine.toml"
    path.write_text(text)
    return load_persona(path)


@pytest.mark.parametrize("name", persona_names())
def test_a_persona_like_another_is_that_persona(tmp_path, name):
    assert like(tmp_path, f'like = "{name}"').settings() == {**load_persona(name).settings(), "name": "mine"}


def test_what_the_file_says_is_laid_over_it_table_by_table(tmp_path):
    angry, mine = load_persona("angry"), like(tmp_path, 'like = "angry"\nmood.start = 0.25\nreactions.joy.bad = 0.5')
    assert (mine.start_mood, mine.rest_mood) == (0.25, angry.rest_mood)
    assert (mine.reaction("joy").bad, mine.reaction("joy").even) == (0.5, angry.reaction("joy").even)
    assert mine.reaction("fear") == angry.reaction("fear")


def test_a_list_is_replaced_as_a_whole(tmp_path):
    assert len(like(tmp_path, 'like = "angry"\n[[shows]]\nemotions = { joy = 1 }').bands) == 1


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('like = "nobody"', r"mine.toml: like = 'nobody' is refused; it can be angry, .*, or be left out"),
        ("like = 3", "like = 3 is refused"),
        ('like = "sad"\nmood = 3', r"mine.toml: mood = 3 is refused"),
        ('like = "sad"\ncolour = "grey"', "colour = 'grey' is refused.*remove it"),
        ('like = "sad"\nmood.start = 7', "mood.start = 7 is refused"),
    ],
)
def test_what_is_refused_in_it_is_said_in_words(tmp_path, text, words):
    with pytest.raises(AgentError, match=words):
        like(tmp_path, text)
