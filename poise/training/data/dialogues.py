"""Dialogues between language models, as EmoDebt's repository publishes them, as negotiations to learn from.

One JSON object a line (gzipped or not): `scenario_id`, `creditor_target_days`, `final_state` (accept or breakdown),
`final_days`, `creditor_emotions` (one for each message of the creditor), `debtor_emotions` (the same of the debtor, or
null) and `turns`, each [speaker, text, state, number] with seller for the creditor and buyer for the debtor.

How it is read:

    debtor's target  is not in the file; the first number that the debtor says is used instead
    scenario         `debt_NNN` has the facts of row NNN - 1 of a scenario file, if both targets are that row's
    emotion          happy, sad, angry, surprising and J, S, A, F, Su, D, N as the label of that name; null: none
    move             the number as an offer; the other side's own number in the message that ends with "accept" as an
                     acceptance; no number as a forfeit
    outcome          as in the file: its days are the deal's value, even if the offers would settle at another
    reading, belief  from Poise's detector and tracker, as at run time

A dialogue is left out, and counted by reason, if it has no numbers, names an unknown emotion, has turns that do not
alternate, or has a deal outside the numbers that were said.
"""

from __future__ import annotations

import gzip
import json
import re
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from itertools import islice
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from poise.agents.emotions.detector import Detection
from poise.agents.emotions.taxonomy import EMOTIONS7, EMOTIONS28, TO_SEVEN
from poise.agents.emotions.tracker import Tracker
from poise.agents.replay import Seen
from poise.agents.voices.prompts import plain_sentence
from poise.agents.voices.wording import check_wording
from poise.common.errors import AgentError, ConfigError, ScenarioError, shorten
from poise.games.metrics import savings
from poise.games.moves import ACCEPT, FORFEIT, SEATS, Move, Seat, offer
from poise.games.rules import Rules
from poise.games.scenario import Scenario
from poise.games.transcript import Message, Outcome, Reading, Transcript
from poise.training.data.gathering import TrainingNegotiation

_SEATS: Final[Mapping[str, Seat]] = MappingProxyType({"seller": "creditor", "buyer": "debtor"})
_ADJECTIVES: Final = {"happy": "joy", "sad": "sadness", "angry": "anger", "surprising": "surprise"}
_LETTERS: Final = dict(zip(("J", "S", "A", "F", "Su", "D", "N"), EMOTIONS7, strict=True))
_EMOTIONS: Final[Mapping[str, str]] = MappingProxyType({label: label for label in EMOTIONS28} | _ADJECTIVES | _LETTERS)
_NUMBERED: Final = re.compile(r"\D*(\d{1,6})")
_RULES: Final = Rules()

_AT_ONCE: Final = 256  # dialogues whose messages are read at once
ReadMany = Callable[[Sequence[str]], Sequence[Detection]]


class Unusable(Exception):
    """Why a dialogue is left out; not raised outside this file."""


@dataclass
class Dialogues:
    """The dialogues of one file.

    cases: scenarios by row number (from 0), for their facts. read: reads the emotions of several texts; None for no
    reading, which is faster. left_out: the number of dialogues left out, by reason.
    """

    path: Path
    cases: Mapping[int, Scenario] = field(default_factory=dict)
    read: ReadMany | None = None
    left_out: Counter[str] = field(default_factory=Counter)

    def talks(self) -> Iterator[tuple[int, TrainingNegotiation]]:
        """(row of the scenario or -1, negotiation) of each usable dialogue, in order.

        Raises:
            ConfigError: the file cannot be read, or holds no dialogue.
        """
        found = 0
        lines = (numbered for numbered in enumerate(_lines(self.path), 1) if numbered[1].strip())
        while some := list(islice(lines, _AT_ONCE)):
            found += len(some)
            parsed: list[tuple[int, Mapping[str, Any]]] = []
            for number, line in some:
                with self._counting():
                    parsed.append((number, _parsed(line)))
            texts = [turn[1].strip() for _, data in parsed for turn in data["turns"]] if self.read else []
            readings = dict(zip(texts, self.read(texts), strict=True)) if self.read else {}
            for number, data in parsed:
                with self._counting():
                    yield self._talk(number, data, readings)
        if not found:
            raise ConfigError(f"{self.path} holds no dialogue; it takes one JSON object a line")

    @contextmanager
    def _counting(self) -> Iterator[None]:
        """Count an unusable dialogue by its reason."""
        try:
            yield
        except Unusable as reason:
            self.left_out[f"dialogues {reason}"] += 1

    def _talk(
        self, number: int, data: Mapping[str, Any], readings: Mapping[str, Detection]
    ) -> tuple[int, TrainingNegotiation]:
        number_in_id = _NUMBERED.fullmatch(data["scenario_id"])
        row = int(number_in_id[1]) - 1 if number_in_id else -1
        case = self._case(data, row)
        messages = _messages(data, case, readings)
        outcome = _outcome(data, case, messages)
        models = {seat: str(data.get(f"{seat}_model") or data.get("experiment") or "unknown") for seat in SEATS}
        creditor, debtor = (
            {"name": model, "seat": seat, "model": f"dialogues:{model}", "offers": "policy"}
            for seat, model in models.items()
        )
        rules = asdict(_RULES)
        transcript = Transcript(case, creditor, debtor, number, rules, messages, outcome)
        fitted = frozenset(_fitting(transcript))
        return row, TrainingNegotiation(transcript, f"{case.id}#{number}", f"dialogues {self.path.name}", fitted=fitted)

    def _case(self, data: Mapping[str, Any], row: int) -> Scenario:
        theirs = next((turn[3] for turn in data["turns"] if turn[0] == "buyer" and turn[3] is not None), None)
        ours = data.get("creditor_target_days")
        if theirs is None or type(ours) is not int or all(turn[3] is None for turn in data["turns"]):
            raise Unusable("without numbers")
        known = self.cases.get(row)
        if known is not None and (known.creditor_target, known.debtor_target) == (ours, theirs):
            return known
        try:
            return Scenario(str(data["scenario_id"]), "debt", ours, theirs)
        except ScenarioError:
            raise Unusable("whose targets are not those of a scenario") from None


def _messages(data: Mapping[str, Any], case: Scenario, readings: Mapping[str, Detection]) -> tuple[Message, ...]:
    """readings: of every text, or of none."""
    tracker, own = Tracker(), _emotions(data)
    beliefs: dict[Seat, Sequence[float]] = {}
    shown: dict[Seat, str | None] = {}
    found: list[Message] = []
    for index, (speaker, text, state, number) in enumerate(data["turns"]):
        seat = _SEATS[speaker]
        reading = None
        if readings and found:
            heard = readings[found[-1].text]
            last = shown.get(seat)
            before = beliefs.get(seat, tracker.start())
            belief = tracker.step(tuple(before), heard.seven, TO_SEVEN[last] if last else None)
            beliefs[seat] = belief
            reading = Reading(heard.seven, heard.label, tuple(belief))
        shown[seat] = emotion = next(own[seat])
        move = _move(number, state, found, case)
        found.append(Message(index, seat, text.strip(), move, emotion, intended=move, reading=reading))
    return tuple(found)


def _lines(path: Path) -> Iterator[str]:
    try:
        opener = gzip.open if path.suffix == ".gz" else open
        with opener(path, "rt", encoding="utf-8") as file:
            yield from file
    except FileNotFoundError:
        raise ConfigError(f"{path} does not exist; --dialogues takes a file of one JSON object a line") from None
    except (OSError, EOFError, UnicodeDecodeError, zlib.error) as error:
        raise ConfigError(f"{path} cannot be read ({error}); fetch it again") from None


def _parsed(line: str) -> dict[str, Any]:
    try:
        data = json.loads(line)
        turns = data["turns"]
        right = all(
            (len(turn) == 4 and turn[0] in _SEATS and isinstance(turn[1], str))
            and (turn[3] is None or type(turn[3]) is int)
            for turn in turns
        )
    except (ValueError, RecursionError, KeyError, TypeError):
        raise Unusable("that cannot be read") from None
    if not (right and turns and data.get("domain") == "debt" and isinstance(data.get("scenario_id"), str)):
        raise Unusable("that cannot be read")
    if any(turn[0] != ("buyer" if place % 2 else "seller") for place, turn in enumerate(turns)):
        raise Unusable("whose turns do not alternate, the creditor first")
    if len(turns) > _RULES.max_messages:
        raise Unusable(f"of more than {_RULES.max_messages} messages")
    return dict(data)


def _emotions(data: Mapping[str, Any]) -> dict[Seat, Iterator[str | None]]:
    found: dict[Seat, Iterator[str | None]] = {}
    for speaker, seat in _SEATS.items():
        count = sum(turn[0] == speaker for turn in data["turns"])
        listed = data.get(f"{seat}_emotions") or [None] * count
        if any(each is not None and (not isinstance(each, str) or each not in _EMOTIONS) for each in listed):
            raise Unusable("with an unknown emotion")
        if len(listed) != count:
            if seat == "creditor":
                raise Unusable("whose emotions are not one for each message")
            listed = [None] * count
        found[seat] = iter([None if each is None else _EMOTIONS[each] for each in listed])
    return found


def _move(number: int | None, state: str, before: Sequence[Message], case: Scenario) -> Move:
    if number is None:
        return FORFEIT
    theirs = before[-1].move.value if before else None
    if state == "accept" and theirs == number:
        return ACCEPT
    low, high = case.bounds
    if not low <= number <= high:
        raise Unusable("with a number outside what can be offered")
    return offer(number)


def _outcome(data: Mapping[str, Any], case: Scenario, messages: Sequence[Message]) -> Outcome:
    days, state = data.get("final_days"), data.get("final_state")
    if state == "breakdown":
        return Outcome("timeout", reason="the dialogue ended without a deal")
    said = [each.move.value for each in messages if each.move.value is not None]
    if state != "accept" or type(days) is not int or not min(said) <= days <= max(said):
        raise Unusable("whose deal lies outside what was said")
    share = savings(days, case.creditor_target, case.debtor_target)
    return Outcome("deal", days, reason="as the dialogue's file says", utilities=(share, 1 - share))


def _fitting(transcript: Transcript) -> Iterator[int]:
    """The messages whose words would be accepted for their move in a match."""
    for seat in _SEATS.values():
        seen = Seen(transcript, seat)
        for number, message in enumerate(seen.messages):
            view = seen.view(number)
            try:
                fits = check_wording(message.text, message.move, view, plain_sentence(message.move, view)) is None
            except AgentError:
                fits = False
            if fits:
                yield message.index


def cases_by_row(scenarios: Sequence[Scenario], source: str) -> dict[int, Scenario]:
    """Scenarios of a whole file by row.

    Raises:
        ConfigError: they are not debts.
    """
    if any(each.domain != "debt" for each in scenarios):
        raise ConfigError(f"{shorten(source)} holds scenarios that are not debts; the dialogues are about debts")
    return dict(enumerate(scenarios))
