"""The scripted voice: says the move it is given, shows the emotion it is given, and answers what was said."""

import re
from itertools import pairwise

import pytest
from helpers.wordless import brief, seat_view
from hypothesis import given, settings
from hypothesis import strategies as st

from poise import Pairing, find_agent, load_scenarios
from poise.agents.conduct import violations
from poise.agents.conduct.promises import gives_word
from poise.agents.emotions import EMOTIONS7, EMOTIONS28, TO_SEVEN
from poise.agents.emotions.detector import MEMO, default_detector
from poise.agents.protocols import Line, Request, View
from poise.agents.voices.intents import refuses
from poise.agents.voices.prompts import plain_sentence
from poise.agents.voices.reading.reader import read_message
from poise.agents.voices.reading.table import Table
from poise.agents.voices.scripted import OFFERING, STRATEGIES, ScriptedVoice, phrases, stated_facts
from poise.agents.voices.wording import check_wording
from poise.common.errors import AgentError
from poise.common.seeds import Dice
from poise.common.words import with_unit
from poise.games.domains import DOMAINS
from poise.games.moves import ACCEPT, FORFEIT, SEATS, WALK, offer, other
from poise.games.rules import Rules
from poise.games.scenario import Scenario

VOICE = ScriptedVoice()

seats = st.sampled_from(SEATS)
feelings = st.sampled_from([None, *EMOTIONS28])
domains = st.sampled_from(DOMAINS)
values = st.integers(0, 400)
numbered = st.one_of(values.map(offer), values.map(lambda value: offer(value, firm=True)), st.just(ACCEPT))
strategies = st.sampled_from(["", *STRATEGIES])


def view(domain, seat, theirs=77):
    """The seat's view, after an offer `theirs` of the other side."""
    case = Scenario("case", domain, 12, 112, bounds=(0, 400))
    return seat_view(case, seat, [offer(theirs)] if seat == "debtor" else [offer(5), offer(theirs)])


def say(move, emotion=None, seat="debtor", domain="debt", seed=0, theirs=77, strategy=""):
    return VOICE.speak(Request(view(domain, seat, theirs), move, emotion, strategy=strategy), Dice(seed))


@st.composite
def situations(draw):
    """A request in the middle of a negotiation on a shipped scenario, whatever was said before."""
    domain, seat = draw(domains), draw(seats)
    scenario = draw(st.sampled_from(load_scenarios(f"builtin:{domain}")))
    said = st.sampled_from(["", "I promise it.", "Why is that?", "My lawyer knows.", "It is unfair.", "Believe me."])
    rounds = draw(st.integers(1, 14))
    lines = tuple(
        Line("debtor" if place % 2 else "creditor", draw(said), offer(draw(st.integers(0, 300))))
        for place in range(2 * rounds + (seat == "debtor"))
    )
    notes = {"promise": True} if draw(st.booleans()) else {}
    moves = st.one_of(numbered, st.sampled_from([WALK, FORFEIT]))
    strategy = draw(strategies) if seat == "debtor" else ""
    return Request(
        View(brief(scenario, seat, Rules()), lines, notes=notes), draw(moves), draw(feelings), "", "", strategy
    )


def every_sentence(domain, seat):
    """Every sentence of a seat that states no move, with 77 for the other side's number."""
    told, unit = phrases(domain), Scenario("case", domain, 12, 112).unit
    yield from (text for (whose, _), texts in told.feelings.items() if whose == seat for text in texts)
    for (whose, _), texts in told.answers.items():
        for text in texts if whose == seat else ():
            for wrong in (each for side in told.too for each in side):
                yield text.replace("{theirs}", f"77 {unit}").replace("{too}", wrong)
    for scenario in load_scenarios(f"builtin:{domain}")[::9]:
        yield from stated_facts(told.facts[seat], scenario.context)
    yield from (text for texts in told.strategies.values() if seat == "debtor" for text in texts)


# --- the move


@given(situations(), st.integers(0, 10**6))
def test_the_words_are_read_back_as_the_move_that_they_state(request, seed):
    said = VOICE.speak(request, Dice(seed))
    view, move = request.view, request.move
    assert said.move == move
    assert check_wording(said.text, move, view, plain_sentence(move, view)) is None, said.text


@given(domains, seats, feelings, numbered, values, st.integers(0, 10**6), strategies)
def test_no_number_of_the_unit_is_said_but_the_moves_and_the_other_sides(
    domain, seat, emotion, move, theirs, seed, strategy
):
    said = say(move, emotion, seat, domain, seed, theirs, strategy if seat == "debtor" else "")
    value = theirs if move == ACCEPT else move.value
    unit = Scenario("case", domain, 12, 112).unit
    amounts = re.findall(r"\d+ \w+", said.text)
    assert amounts[-1] == with_unit(value, unit)
    assert set(amounts) <= {with_unit(value, unit), with_unit(theirs, unit)}
    assert all(f"our {each}" in said.text or "offer of" in said.text for each in amounts[:-1])


@given(domains, seats, feelings, st.sampled_from([WALK, FORFEIT]), st.integers(0, 10**6))
def test_a_move_without_a_number_ends_with_none(domain, seat, emotion, move, seed):
    said = say(move, emotion, seat, domain, seed)
    assert said.move == move
    assert not re.search(r"\d", said.text.replace("77", ""))


@pytest.mark.parametrize("domain", DOMAINS)
@pytest.mark.parametrize("seat", SEATS)
def test_no_sentence_but_that_of_the_move_makes_one(domain, seat):
    table = Table(Scenario("case", domain, 12, 112).unit, domain, seat, 77)
    for text in dict.fromkeys(every_sentence(domain, seat)):
        assert read_message(text, table).outcome == "none", text
        assert not refuses(text), text  # it would make the offer a firm one
        assert not gives_word(text), text  # it would count as a promise
        assert re.fullmatch(r"[A-Z$].*[.!?]", text), text


@pytest.mark.parametrize("domain", DOMAINS)
def test_every_move_is_read_by_the_grammar_alone(domain):
    unit = Scenario("case", domain, 12, 112).unit
    for (seat, kind), texts in phrases(domain).moves.items():
        assert len(texts) >= 3
        for text in texts:
            value = 77 if kind == "accept" else 45
            said = text.replace("{offer}", f"{value} {unit}")
            reading = read_message(said, Table(unit, domain, seat, 77))
            meant = "offer" if kind in OFFERING else "none" if kind == "forfeit" else kind
            assert (reading.outcome, reading.value) == (meant, 45 if kind in OFFERING else None), (said, reading)
            assert gives_word(said) == (kind == "promise"), said


@pytest.mark.parametrize(
    ("value", "unit", "said"),
    [(1, "days", "1 day"), (0, "days", "0 days"), (12, "minutes", "12 minutes"), (1, "kg", "1 kg")],
)
def test_units_are_said_as_people_say_them(value, unit, said):
    assert with_unit(value, unit) == said


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


@given(situations(), st.integers(0, 10**6))
def test_the_same_dice_give_the_same_words(request, seed):
    assert VOICE.speak(request, Dice(seed)) == ScriptedVoice().speak(request, Dice(seed))


@pytest.mark.parametrize("domain", DOMAINS)
@pytest.mark.parametrize("seat", SEATS)
def test_every_emotion_can_be_shown_in_at_least_forty_sentences(seat, domain):
    told = phrases(domain).feelings
    assert {emotion: len(told[seat, emotion]) for emotion in EMOTIONS28 if len(told[seat, emotion]) < 40} == {}
    every = [text for (of, _), texts in told.items() if of == seat for text in texts]
    assert len(every) == len(set(every))  # no tone serves two emotions


@pytest.mark.parametrize("domain", DOMAINS)
def test_the_seats_share_no_sentence(domain):
    told = phrases(domain)
    for table in (told.feelings, told.moves, told.answers):
        sides = [{text for (whose, _), texts in table.items() if whose == seat for text in texts} for seat in SEATS]
        assert not sides[0] & sides[1]
    assert not set(told.facts["creditor"]) & set(told.facts["debtor"])


def sentences_of(text):
    return re.split(r"(?<=[.!?]) ", text)


@pytest.mark.parametrize("domain", DOMAINS)
@pytest.mark.parametrize("debtor", ["vanilla", "stonewalling", "cheating"])
def test_no_seat_says_a_sentence_twice_running(domain, debtor):
    pairing = Pairing(find_agent("random", "creditor"), find_agent(debtor, "debtor"))
    for seed, scenario in enumerate(load_scenarios(f"builtin:{domain}:0-19")):
        messages = pairing.play(scenario, seed).transcript.messages
        for seat in SEATS:
            for before, after in pairwise([each.text for each in messages if each.seat == seat]):
                assert not set(sentences_of(before)) & set(sentences_of(after)), (before, after)


@given(situations(), st.integers(0, 10**6))
def test_a_creditors_words_break_no_rule(request, seed):
    seat = request.view.brief.seat
    said = VOICE.speak(request, Dice(seed)).text
    assert not violations(said, seat, request.view.brief.domain), said


@pytest.mark.parametrize("domain", DOMAINS)
def test_no_sentence_of_a_creditor_breaks_a_rule(domain):
    moves = (text for (whose, _), texts in phrases(domain).moves.items() if whose == "creditor" for text in texts)
    for text in (*every_sentence(domain, "creditor"), *moves):
        assert not violations(text, "creditor", domain), text


@pytest.mark.parametrize(
    ("offers", "texts", "heard"),
    [
        ([10, 100], [""], "opened"),
        ([10, 100, 12, 80], ["", ""], "gave"),
        ([10, 100, 12, 98], ["", ""], "little"),
        ([10, 100, 12, 100], ["", ""], "still"),
        ([10, 100, 12, 110], ["", ""], "back"),
        ([10, 100, 12, 90], ["", "You have my word: 90 days."], "promise"),
        ([10, 100, 12, 90], ["", "My lawyer says 90 days."], "threat"),
        ([10, 100, 12, 90], ["", "How do you see it? 90 days."], "question"),
    ],
)
def test_an_answer_is_to_what_was_said(offers, texts, heard):
    case = Scenario("case", "debt", 8, 112, bounds=(0, 400))
    lines = [
        Line("debtor" if place % 2 else "creditor", texts[place // 2] if place % 2 else "", offer(value))
        for place, value in enumerate(offers)
    ]
    asked = Request(View(brief(case, "creditor", Rules()), tuple(lines)), offer(14), "neutral")
    told = phrases("debt")
    known = {text.partition("{")[0]: name for (seat, name), texts in told.answers.items() for text in texts}
    said = {sentence for seed in range(60) for sentence in sentences_of(VOICE.speak(asked, Dice(seed)).text)}
    answers = {name for head, name in known.items() if any(each.startswith(head) for each in said if len(head) > 6)}
    assert answers == {heard}


def test_a_strategy_is_heard_and_silence_says_little():
    told = phrases("debt").strategies
    for name in ("threats", "blame", "hardship"):
        spoken = [say(offer(45), "neutral", seed=seed, strategy=name).text for seed in range(200)]
        assert sum(any(text in said for text in told[name]) for said in spoken) > 140
    silent = [say(offer(45), "neutral", seed=seed, strategy="silence").text for seed in range(200)]
    assert max(len(said.split()) for said in silent) < 20


def test_a_fact_is_said_only_where_its_value_is_a_few_plain_words():
    said = stated_facts(
        ["Our books show {Outstanding balance} open.", "It is {reason}.", "{Name} it is.", "{Missing} is not there."],
        {"Outstanding balance": "$4,245", "Reason": "Weak season", "Name": "Ida Marsh"},
    )
    assert said == ("Our books show $4,245 open.", "It is weak season.", "Ida Marsh it is.")


@given(st.text(max_size=40))
def test_hostile_values_never_make_a_move(value):
    for fact in stated_facts(["It is about {Reason}."], {"Reason": value}):
        for seat in SEATS:
            assert read_message(fact, Table("days", "debt", seat, 77)).outcome in ("none",), fact


@pytest.mark.parametrize("value", ["I accept your offer", "a term of 30 days", "We walk away", "None", "10", "{x}"])
def test_values_that_could_be_taken_for_a_move_are_left_out(value):
    assert stated_facts(["It is about {Reason}."], {"Reason": value}) == ()


# --- whether the words show the emotion


def test_the_tone_is_a_sentence_of_the_message_and_one_of_its_emotion():
    for seat in SEATS:
        for seed, emotion in enumerate(EMOTIONS28):
            said = say(offer(45), emotion, seat, seed=seed)
            assert said.tone in said.text
            assert said.tone in phrases().feelings[seat, emotion]


@pytest.mark.parametrize("domain", DOMAINS)
def test_the_tones_of_a_domain_fit_in_the_detectors_memo(domain):
    assert sum(len(set(texts)) for texts in phrases(domain).feelings.values()) < MEMO


@pytest.mark.parametrize("domain", DOMAINS)
def test_what_is_shown_is_mostly_read(domain):
    """docs/talk.md has the table. A tone need not be read right, but a channel that says nothing would be worthless."""
    detector, right = default_detector(), []
    for (seat, emotion), texts in phrases(domain).feelings.items():
        for text in texts[:: 2 if seat == "creditor" else 3]:
            seven = detector.read(text).seven
            right.append(EMOTIONS7[max(range(7), key=seven.__getitem__)] == TO_SEVEN.get(emotion, "neutral"))
    assert sum(right) / len(right) > 0.8


@settings(max_examples=30)
@given(situations(), st.integers(0, 10**6))
def test_each_message_names_the_other_seat_as_little_as_itself(request, seed):
    """The number that stands for the other side is only ever called its own."""
    view = request.view
    said = VOICE.speak(request, Dice(seed)).text
    theirs = with_unit(view.other_offer, view.brief.unit)
    for sentence in sentences_of(said)[:-1]:
        assert theirs not in sentence or re.search(r"\b[Yy]our (?:new offer of )?" + re.escape(theirs), sentence)
    assert view.lines[-1].seat == other(view.brief.seat)
