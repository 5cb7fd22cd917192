"""The reader of messages: the labelled sentences, every sentence that Poise says itself, and generated replies."""

from __future__ import annotations

import json
import random
from itertools import product

import pytest
from helpers.paths import DATA
from helpers.reply_grammar import STANDING, generated
from helpers.steps import counting_steps
from helpers.voice_fakes import request

from poise.agents.models.text import MESSAGE_CHARACTERS
from poise.agents.voices.prompts import plain_sentence
from poise.agents.voices.reading.grammar import grammar
from poise.agents.voices.reading.normal import normal_form
from poise.agents.voices.reading.reader import read_message
from poise.agents.voices.reading.stock import stock_of
from poise.agents.voices.reading.table import Table
from poise.agents.voices.readout import offers_in, quantities
from poise.agents.voices.scripted import phrases
from poise.agents.voices.wording import WordingProblem, check_wording, read_move
from poise.games.domains import DOMAINS, domain_words
from poise.games.moves import ACCEPT, FORFEIT, SEATS, WALK, Move, offer, other

SENTENCES = [json.loads(line) for line in (DATA / "offer_sentences.jsonl").read_text(encoding="utf-8").splitlines()]
SPLITS = ("development", "held-out")
UNITS = {domain: domain_words(domain).plural for domain in DOMAINS}
HIGHEST = {"debt": 365, "disaster": 1000, "medical": 1000, "student": 600}
MEANT = {"offer": "offer", "firm": "offer", "promise": "offer", "accept": "accept", "walk": "walk", "forfeit": "none"}


def view_of(domain, seat, standing):
    said = [] if standing is None else [(other(seat), f"I say {standing}.", offer(standing))]
    return request(
        None, *said, seat=seat, domain=domain, unit=UNITS[domain], bounds=(0, HIGHEST[domain]), target=1
    ).view


def move_of(row) -> Move | None:
    made = read_move(row["text"], view_of(row["domain"], row["seat"], row["standing"]))
    return None if isinstance(made, WordingProblem) else made


def meant_by(row) -> Move | None:
    kinds = {"offer": lambda: offer(row["value"]), "accept": lambda: ACCEPT, "walk": lambda: WALK, "none": lambda: None}
    return kinds[row["label"]]()


def plain(move: Move | None) -> tuple[str, int | None] | None:
    return None if move is None else (move.kind, move.value)


def figures(rows) -> dict[str, tuple[int, int, int]]:
    """By kind of move: how many were read right, read at all, and meant."""
    pairs = [(plain(move_of(row)), plain(meant_by(row))) for row in rows]
    return {
        kind: (
            sum(read == meant and read is not None and read[0] == kind for read, meant in pairs),
            sum(read is not None and read[0] == kind for read, _ in pairs),
            sum(meant is not None and meant[0] == kind for _, meant in pairs),
        )
        for kind in ("offer", "accept", "walk")
    }


def is_deal(move: tuple[str, int | None] | None, standing: int | None) -> bool:
    return move is not None and (move[0] == "accept" or (move[0] == "offer" and move[1] == standing))


class TestLabelledSentences:
    def test_there_are_enough_of_every_kind_domain_and_seat(self):
        assert len(SENTENCES) >= 400
        assert len({row["id"] for row in SENTENCES}) == len({row["text"] for row in SENTENCES}) == len(SENTENCES)
        for split in SPLITS:
            rows = [row for row in SENTENCES if row["split"] == split]
            assert len(rows) >= 200
            assert {(row["domain"], row["seat"]) for row in rows} == set(product(DOMAINS, SEATS))
            assert {row["label"] for row in rows} == {"offer", "accept", "walk", "none"}
        assert {row["kind"] for row in SENTENCES if row["split"] == SPLITS[0]} == {
            row["kind"] for row in SENTENCES if row["split"] == SPLITS[1]
        }

    @pytest.mark.parametrize("row", SENTENCES, ids=lambda row: row["id"])
    def test_no_sentence_is_read_as_a_deal_that_it_does_not_make(self, row):
        read, meant = plain(move_of(row)), plain(meant_by(row))
        assert not is_deal(read, row["standing"]) or is_deal(meant, row["standing"])

    @pytest.mark.parametrize(
        ("split", "recall"), [("development", {"offer": 0.98}), ("held-out", {"offer": 0.9})], ids=SPLITS
    )
    def test_the_figures_of_the_documentation_hold(self, split, recall):
        measured = figures([row for row in SENTENCES if row["split"] == split])
        right, read, meant = measured["offer"]
        assert right / read >= 0.98
        assert right / meant >= recall["offer"]
        for kind in ("accept", "walk"):
            right, read, meant = measured[kind]
            assert right == read == meant


class TestGrammar:
    @pytest.mark.parametrize("frame", grammar().frames, ids=lambda frame: frame.name)
    def test_every_example_of_a_frame_offers_its_number(self, frame):
        for domain, seat, text in product(frame.domains or DOMAINS, frame.seats or SEATS, frame.says):
            unit = UNITS.get(domain, "days")
            said = text.replace("days", unit).replace("minutes", unit)
            reading = read_message(f"{said}.", Table(unit, domain.replace("*", "elsewhere"), seat, 20))
            assert (reading.outcome, reading.value) == ("offer", 45), (domain, seat, said, reading.reason)

    @pytest.mark.parametrize("frame", grammar().reversals, ids=lambda frame: "-".join((*frame.domains, *frame.seats)))
    def test_what_only_the_other_seat_says_of_itself_is_no_offer(self, frame):
        (domain,), (seat,) = frame.domains, frame.seats
        for text in frame.says:
            assert read_message(f"{text}.", Table(UNITS[domain], domain, seat, 20)).outcome != "offer", text

    @pytest.mark.parametrize("domain", DOMAINS)
    @pytest.mark.parametrize("stock", [True, False], ids=["with the domain's sentences", "by the grammar alone"])
    def test_every_scripted_message_is_read_as_what_it_means(self, domain, stock):
        told, unit = phrases(domain), UNITS[domain]
        for (seat, kind), texts in told.moves.items():
            table = Table(unit, domain, seat, 77, stock_of(domain, seat) if stock else ())
            feelings = {text for (whose, _), texts in told.feelings.items() if whose == seat for text in texts}
            value = {"accept": 77}.get(kind, 45)
            meant = MEANT.get(kind, "offer")
            for feeling, text in product(sorted(feelings)[:: 60 if stock else 120], texts):
                said = f"{feeling} {text.format(offer=f'{value} {unit}')}"
                reading = read_message(said, table)
                assert reading.outcome == meant, (said, reading)
                assert reading.value == (45 if meant == "offer" else None)

    @pytest.mark.parametrize("domain", DOMAINS)
    @pytest.mark.parametrize("seat", SEATS)
    def test_the_sentence_that_a_prompt_asks_for_is_read_as_its_move(self, domain, seat):
        view = view_of(domain, seat, 77)
        moves = [offer(45), Move("offer", 45, firm=True), offer(1), offer(0), ACCEPT, WALK]
        for move in moves:
            assert plain(read_move(plain_sentence(move, view), view)) == plain(move)
        assert isinstance(read_move(plain_sentence(FORFEIT, view), view), WordingProblem)


class TestPolicyDecides:
    @pytest.mark.parametrize(
        ("seat", "text"),
        [
            ("creditor", "I will never accept 31 days"),
            ("debtor", "I'm not going to be able to pay it all in 31 days."),
            ("creditor", "You're not going to be able to pay it all in 31 days."),
            ("creditor", "I love your work, I can pay the full balance in 31 days."),
            ("debtor", "You need the full payment in 31 days"),
            ("creditor", "31 days is far too late for us."),
            ("creditor", "Do not pay in 31 days."),
            ("creditor", "Could you pay in 31 days?"),
            ("creditor", "You ignored us for 31 days."),
        ],
    )
    def test_a_message_that_does_not_offer_the_number_is_asked_for_again(self, seat, text):
        assert check_wording(text, offer(31), view_of("debt", seat, 77), "plain") is not None

    @pytest.mark.parametrize(
        "text",
        ["I need the full payment in 31 days.", "Not 77 days. 31 days.", "You are 60 days late. Pay in 31 days."],
    )
    def test_a_message_that_offers_it_passes(self, text):
        assert check_wording(text, offer(31), view_of("debt", "creditor", 77), "plain") is None

    @pytest.mark.parametrize("text", ["I accept.", "I am walking away."])
    def test_a_forfeit_makes_no_move(self, text):
        assert check_wording(text, FORFEIT, view_of("debt", "creditor", 77), "plain") is not None


class TestGeneratedReplies:
    def test_thousands_of_replies_are_read_as_they_were_meant(self, thorough):
        wrong = []
        for reply in generated(20_000 if thorough else 2_000, seed=20_261):
            unit = UNITS[reply.domain]
            table = Table(unit, reply.domain, reply.seat, STANDING, stock_of(reply.domain, reply.seat))
            reading = read_message(reply.text, table)
            made = "none" if reading.outcome == "ambiguous" else reading.outcome
            if made == "offer" and not (reading.value is not None and 0 <= reading.value <= 365):
                made = "none"
            if (made, reading.value if made == "offer" else None) != (reply.label, reply.value):
                wrong.append((reply, reading))
        assert not wrong, (len(wrong), wrong[:3])

    def test_any_jumble_of_words_is_read_without_an_error(self):
        said = (
            "I you we can can't 20 45 days not accept deal if but , . ? : walk away no your offer of in half a \uff15"
        )
        words = said.split(" ")
        dice = random.Random(7)
        for _ in range(1_000):
            text = " ".join(dice.choices(words, k=dice.randint(0, 25)))
            reading = read_message(text, Table("days", "debt", dice.choice(SEATS), 20))
            for each in reading.evidence:
                assert 0 <= each.start < each.end <= len(text)

    def test_what_lies_behind_the_limit_is_not_read(self):
        rules = grammar()
        assert rules.characters >= 4 * MESSAGE_CHARACTERS
        long = "well " * rules.characters + "45 days"
        assert read_message(long, Table("days", "debt", "debtor", 20)).outcome == "none"

    @pytest.mark.parametrize(
        "piece",
        [
            "45 days ",
            "I can pay in 45 days. ",
            "I accept 20 days? ",
            "a week ",
            "2 weeks, 3 days, ",
            "not 45, but ",
            "in a the next at most ",
            "if you say no, ",
            "!",
            "?!.",
            "9,",
            "1 000 ",
            "half of a ",
            "(",
            "one hundred ",
            "\u00bd",
            "you said: ",
        ],
    )
    def test_twice_the_text_takes_no_more_than_twice_the_steps(self, piece):
        once, twice = (steps_of_reading((piece * 2000)[:length] + "a") for length in (600, 1200))
        assert twice < 2.3 * once, twice / once


def steps_of_reading(text: str) -> int:
    """Python's instructions, and the characters that regular expressions are handed, with nothing remembered."""
    for each in (normal_form, quantities):
        each.cache_clear()
    with counting_steps() as counted:
        read_message.__wrapped__(text, Table("days", "debt", "debtor", 20))
    return counted[0]


@pytest.mark.parametrize(
    ("text", "unit", "values"),
    [
        ("I can do 45, not 30 days", "days", [45, 30]),
        ("2 weeks and 10 days", "days", [24]),
        ("2 weeks, 3 days", "days", [17]),
        ("1 000 days", "days", [1000]),
        ("1.000 days", "days", [None]),
        ("minus five days", "days", [-5]),
        ("negative 15 days", "days", [-15]),
        ("a month and a half", "days", [45]),
        ("6 wks", "days", [42]),
        ("a fortnight", "days", [14]),
        ("two and a half weeks", "days", [None]),
        ("60 days, give or take a week", "days", [60]),
        ("\uff14\uff15 days", "days", [45]),
        ("\u0664\u0665 days", "days", [45]),
        ("1\u00bd months", "days", [45]),
        ("10:30 days", "days", []),
        ("between 2 weeks and 20 days", "days", [14, 20]),
        ("an hour and a half", "minutes", [90]),
        ("three quarters of an hour", "minutes", [45]),
        ("1 1/2 hours", "minutes", [90]),
        ("1 hour 20", "minutes", [None]),
        ("wait a minute", "minutes", []),
        ("$500 a month", "days", []),
    ],
)
def test_quantities_as_people_write_them(text, unit, values):
    assert [each.value for each in offers_in(text, unit)] == values
