"""The scripted voice: says the move it is given, shows the emotion it is given, and nothing else."""

import re
from functools import cache
from itertools import chain, product

import pytest
from helpers.wordless import seat_view
from hypothesis import given
from hypothesis import strategies as st

from poise.agents.emotions import EMOTIONS7, EMOTIONS28, TO_SEVEN
from poise.agents.emotions.detector import default_detector
from poise.agents.protocols import Line, Request, View
from poise.agents.voices.intents import accepts, walks_away
from poise.agents.voices.readout import read_offer
from poise.agents.voices.scripted import ScriptedVoice, phrases, with_unit
from poise.common.errors import AgentError
from poise.common.seeds import Dice
from poise.games.domains import DOMAINS
from poise.games.moves import ACCEPT, FORFEIT, SEATS, WALK, offer
from poise.games.scenario import Scenario

VOICE = ScriptedVoice()
NUMBER_WORDS = re.compile(
    r"\b(zero|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|twenty|thirty|hundred|thousand|half|twice|"
    r"once|double|dozen|couple|first|second|third|day|days|week|weeks|month|months|year|years|hour|hours|minute|minutes|"
    r"today|tomorrow)\b",
    re.IGNORECASE,
)

seats = st.sampled_from(SEATS)
feelings = st.sampled_from([None, *EMOTIONS28])
domains = st.sampled_from(DOMAINS)
values = st.integers(0, 400)
numbered = st.one_of(values.map(offer), values.map(lambda value: offer(value, firm=True)), st.just(ACCEPT))


def view(domain, seat, theirs=77):
    """The seat's view, after an offer `theirs` of the other side."""
    case = Scenario("case", domain, 12, 112, bounds=(0, 400))
    return seat_view(case, seat, [offer(theirs)] if seat == "debtor" else [offer(5), offer(theirs)])


def say(move, emotion=None, seat="debtor", domain="debt", seed=0, theirs=77):
    return VOICE.speak(Request(view(domain, seat, theirs), move, emotion), Dice(seed))


# --- the move


@given(domains, seats, feelings, numbered, values, st.integers(0, 10**6))
def test_the_number_is_said_once_with_its_unit_and_no_other(domain, seat, emotion, move, theirs, seed):
    said = say(move, emotion, seat, domain, seed, theirs)
    value = theirs if move == ACCEPT else move.value
    assert said.move == move
    assert re.findall(r"\d+", said.text) == [str(value)]
    assert re.findall(r"\d+ \w+", said.text) == [with_unit(value, Scenario("case", domain, 12, 112).unit)]


@given(domains, seats, feelings, st.sampled_from([WALK, FORFEIT]), st.integers(0, 10**6))
def test_a_move_without_a_number_says_none(domain, seat, emotion, move, seed):
    said = say(move, emotion, seat, domain, seed)
    assert said.move == move
    assert not re.search(r"\d", said.text)


def test_no_phrase_holds_a_number_or_a_unit_of_its_own():
    for told in map(phrases, DOMAINS):
        for text in [each for texts in (*told.feelings.values(), *told.moves.values()) for each in texts]:
            assert not NUMBER_WORDS.search(text), text
            assert not re.search(r"\d", text), text
            assert re.fullmatch(r"[A-Z{].*[.!?]", text), text


def test_move_phrases_have_the_number_in_one_place_or_in_none():
    for (_, kind), texts in [each for domain in DOMAINS for each in phrases(domain).moves.items()]:
        expected = 1 if kind in ("offer", "firm", "promise", "accept") else 0
        assert len(texts) >= 3
        assert {text.count("{offer}") for text in texts} == {expected}


@pytest.mark.parametrize("domain", DOMAINS)
def test_accepting_and_walking_away_are_said_in_so_many_words(domain):
    read = {"accept": accepts, "walk": walks_away}
    for (_, kind), texts in phrases(domain).moves.items():
        for feeling, text in product(chain(*phrases(domain).feelings.values()), texts):
            said = f"{feeling} {text.format(offer='45 days')}"
            assert {name for name, reads in read.items() if reads(said)} == {kind} & set(read), said


@pytest.mark.parametrize(
    ("value", "unit", "said"),
    [(1, "days", "1 day"), (0, "days", "0 days"), (12, "minutes", "12 minutes"), (1, "kg", "1 kg")],
)
def test_units_are_said_as_people_say_them(value, unit, said):
    assert with_unit(value, unit) == said


def test_read_out_finds_the_number():
    every = [(domain, kind, texts) for domain in DOMAINS for (_, kind), texts in phrases(domain).moves.items()]
    for domain, kind, texts in every:
        unit = Scenario("case", domain, 12, 112).unit
        for text, value in product(texts, (1, 45)):
            number = read_offer(text.format(offer=with_unit(value, unit)), unit)
            assert number == (value if kind in ("offer", "firm", "promise", "accept") else None), text


def test_without_a_model_no_number_can_be_left_to_the_model():
    with pytest.raises(AgentError, match=r'offers="model" needs a model .*embedded:smollm2'):
        say(None)


def test_what_cannot_be_said_is_refused():
    with pytest.raises(AgentError, match="'hope' is none of the 28"):
        say(offer(45), "hope")
    alone = seat_view(Scenario("case", "debt", 12, 112), "creditor", [])
    with pytest.raises(AgentError, match="no offer standing; make an offer instead"):
        VOICE.speak(Request(alone, ACCEPT, None), Dice(0))


# --- the words


@given(domains, seats, feelings, numbered, st.integers(0, 10**6))
def test_the_same_dice_give_the_same_words(domain, seat, emotion, move, seed):
    assert say(move, emotion, seat, domain, seed) == say(move, emotion, seat, domain, seed)


@pytest.mark.parametrize("domain", DOMAINS)
@pytest.mark.parametrize("seat", SEATS)
def test_every_emotion_can_be_said_in_at_least_five_ways(seat, domain):
    told = phrases(domain).feelings
    for emotion in ("plain", *EMOTIONS28):
        assert len(set(told[seat, emotion])) >= 5
    every = [text for (of, _), texts in told.items() if of == seat for text in texts]
    assert len(every) == len(set(every))  # no phrase serves two emotions


@pytest.mark.parametrize("seat", SEATS)
def test_all_its_phrases_are_used(seat):
    heard = {say(offer(45), "joy", seat, seed=seed).text for seed in range(600)}
    assert len(heard) == len(phrases().feelings[seat, "joy"]) * len(phrases().moves[seat, "offer"])


@given(feelings, st.integers(0, 10**6))
def test_a_seat_does_not_open_with_the_same_phrase_twice_running(emotion, seed):
    talks = seat_view(Scenario("case", "debt", 12, 112), "debtor", [offer(13), offer(111), offer(15)])
    for phrase in phrases().feelings["debtor", emotion or "plain"]:
        mine = Line("debtor", f"{phrase} My offer is 111 days.", offer(111))
        after = View(talks.brief, (talks.lines[0], mine, talks.lines[2]))
        assert not VOICE.speak(Request(after, offer(100), emotion), Dice(seed)).text.startswith(phrase)


def test_distinct_texts_are_bounded_when_digits_are_folded():
    """The detector memoises by digit-folded text: two people's talks in one domain stay within a memo."""
    told = phrases()
    count = sum(
        len(told.feelings[seat, emotion]) * sum(len(told.moves[seat, kind]) for kind in ("offer", "firm"))
        for seat in SEATS
        for emotion in ("plain", *EMOTIONS28)
    )
    assert count < 4000


# --- whether the words show the emotion


@cache
def read_back(domain):
    """(emotion, right of seven, among the top three of 28) for every feeling with every move of a domain.

    Elsewhere than in debt a feeling is read with every third of the moves, to keep the test quick.
    """
    detector = default_detector()
    told, asked = phrases(domain), []
    unit = Scenario("case", domain, 12, 112).unit
    for (seat, emotion), feelings in told.feelings.items():
        moves = [move for kind in KINDS for move in told.moves[seat, kind]]
        for feeling, move in product(feelings, moves if domain == "debt" else moves[::3]):
            asked.append((emotion, f"{feeling} {move.format(offer=f'45 {unit}')}"))
    found = []
    for (emotion, _), seen in zip(asked, detector.read_many([text for _, text in asked]), strict=True):
        seven = EMOTIONS7[max(range(7), key=seen.seven.__getitem__)]
        top = sorted(range(28), key=seen.twenty_eight.__getitem__, reverse=True)[:3]
        found.append((emotion, seven == TO_SEVEN.get(emotion, "neutral"), emotion in [EMOTIONS28[i] for i in top]))
    return found


KINDS = ("offer", "firm", "accept", "walk", "forfeit")


def share(rows, column):
    return sum(row[column] for row in rows) / len(rows)


@pytest.mark.parametrize("domain", DOMAINS)
def test_the_detector_reads_the_emotion_that_was_meant(domain):
    """Measured in every domain: 1.0 of the seven; 0.994 among the top three of 28, missing some of grief alone."""
    rows = [row for row in read_back(domain) if row[0] != "plain"]
    assert share(rows, 1) >= 0.98
    assert share(rows, 2) >= 0.95


@pytest.mark.parametrize("domain", DOMAINS)
@pytest.mark.parametrize("emotion", [*EMOTIONS28, "plain"])
def test_each_emotion_is_read_as_its_one_of_the_seven(emotion, domain):
    rows = [row for row in read_back(domain) if row[0] == emotion]
    assert share(rows, 1) >= 0.95  # measured: 1.0 for all
