"""The record of one negotiation: plain data, versioned, JSON in and out.

The runner writes it; statistics, reports and training read it and nothing else. Wall-clock times and token counts are
kept beside it (`Usage`), so that the transcript of LLM-free play depends on nothing but what was declared.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

import msgspec

from poise.common.errors import BadInput
from poise.common.plain_tables import PlainTable, Tabular
from poise.common.value import Value, dataclass_like
from poise.common.words import visible
from poise.games.moves import Move, Seat
from poise.games.scenario import Scenario

VERSION: Final = 5
READ: Final = (1, 2, 3, 4, VERSION)
REPLY_CHARACTERS: Final = 4000  # of one raw reply that are kept

Ending = Literal["deal", "walked", "timeout", "failed"]


@dataclass_like
class Reading(Value, frozen=True):
    """What a seat read in the other side's last message.

    emotions: probabilities of the seven emotions, in the order of `poise.agents.emotions.EMOTIONS7`.
    label:    the likeliest of the 28 GoEmotions labels.
    belief:   the tracker's probabilities of its hidden states, after this message.
    """

    emotions: tuple[float, ...]
    label: str
    belief: tuple[float, ...]


@dataclass_like
class Wording(Value, frozen=True):
    """How the words came about.

    attempts: model calls made for this message (0 when no model was asked).
    problems: why each rejected reply was rejected, in order.
    repaired: the stated number was corrected without the model after the last re-ask (offers="policy").
    replies:  what the model said at each try, as it came, before anything was cleaned or cut back; "" where nothing
              came. At most `REPLY_CHARACTERS` of each, and how many more there were. () in transcripts of version 1
              and 2, and where a custom agent words its messages without reporting replies.
    complaints: what the model was told was wrong, before each try but the first.
    own_words: nothing that the model said could be used, and all of the message is Poise's own. Always False in
              transcripts of before, which do not say.
    """

    attempts: int = 0
    problems: tuple[str, ...] = ()
    repaired: bool = False
    replies: tuple[str, ...] = ()
    complaints: tuple[str, ...] = ()
    own_words: bool = False


@dataclass_like
class Visit(Value, frozen=True):
    """One node of a custom graph at work on a message.

    node:  its name, within a subgraph "SUBGRAPH:NODE".
    wrote: the fields of the state that it set; of the memory "readings", "mood", "shown" and "notes.KEY", whichever
           it replaced.
    """

    node: str
    wrote: tuple[str, ...] = ()


@dataclass_like
class Message(Value, frozen=True):
    """One message of a transcript.

    index:    0 for the creditor's opening.
    text:     what the other side saw.
    move:     what the referee applied.
    emotion:  the emotion the seat meant to show (one of 28), or None when it had no direction.
    intended: the move that the concession decided; None when the model decides (offers="model").
    reading:  what the seat read in the message before; None before anything was said.
    mood:     the seat's mood in [-1, 1] when it spoke; None for a seat without a persona.
    notes:    the seat's own notes when it spoke, JSON data: a simulated debtor's hidden state, a promise about to be
              broken, what a privileged seat was shown of the other's.
    state:    the fields that the seat's own graph adds to its state, as JSON data, after this message; {} for a graph
              that adds none, and in transcripts before version 4.
    violations: the rules of conduct that the words break, as in `poise.agents.conduct`; () for clean ones, for a seat
              that no rule binds, and in transcripts of version 1, which were written before words were judged.
    verdict:  whether the judge saw an agreement in this message and the one before; None where it was not asked or
              gave no answer that could be used. It decides nothing: how the negotiation ended is the referee's.
    unjudged: why the judge gave no answer, where it was asked and gave none.
    nodes:    the nodes of a custom graph that wrote it, in order; () for the usual turn (perceive, feel, decide, speak)
              and where they were not recorded.
    tone:     the sentence of the text in which its emotion was read, where the scripted voice says which; "" where the
              whole text was read, as in all transcripts before version 5.
    """

    index: int
    seat: Seat
    text: str
    move: Move
    emotion: str | None = None
    intended: Move | None = None
    reading: Reading | None = None
    mood: float | None = None
    wording: Wording = Wording()
    notes: Mapping[str, Any] = msgspec.field(default_factory=dict)
    violations: tuple[str, ...] = ()
    verdict: bool | None = None
    unjudged: str = ""
    state: Mapping[str, Any] = msgspec.field(default_factory=dict)
    nodes: tuple[Visit, ...] = ()
    tone: str = ""


@dataclass_like
class Outcome(Value, frozen=True):
    """How the negotiation ended.

    ending:    a deal; somebody walked away; the message limit was reached (timeout); an agent failed.
    value:     the deal's value in the scenario's unit; None without a deal.
    by:        the seat that accepted, walked or failed; None where both or neither did.
    reason:    one sentence for a person.
    utilities: (creditor, debtor), each in [0, 1] and times discount ** (index of the offer that became the deal);
               0 for both without a deal.
    """

    ending: Ending
    value: int | None = None
    by: Seat | None = None
    reason: str = ""
    utilities: tuple[float, float] = (0.0, 0.0)


@dataclass(frozen=True, slots=True)
class Usage:
    """What one match cost: seconds of wall-clock time and, with a model, calls and tokens (summed over messages).

    Tokens that a server did not tell of every call are None: unknown, not 0.

    per_message: the same of each message, without what is unknown; with `tries`, a list of the same of each call, where
                 there were several.
    judge: the same of the judge's calls, which are in none of the sums; {} without a judge that asks a model.
    detector: the same of a detector that asks a model.
    nodes: of each message the seconds of each of its `Message.nodes`; () where no seat has a custom graph.
    traceback: of the exception with which an agent's code ended the match; "" where none did.
    """

    seconds: float = 0.0
    calls: int = 0
    prompt_tokens: int | None = 0
    cached_tokens: int | None = 0
    reply_tokens: int | None = 0
    per_message: tuple[Mapping[str, Any], ...] = ()
    judge: Mapping[str, float] = field(default_factory=dict)
    detector: Mapping[str, float] = field(default_factory=dict)
    nodes: tuple[tuple[float, ...], ...] = ()
    traceback: str = ""


TOKENS: Final = ("prompt_tokens", "cached_tokens", "evaluated_tokens", "reply_tokens")


def total_usage(usages: Iterable[Mapping[str, Any]]) -> dict[str, float]:
    """The figures of several calls or messages added up; tokens that one with calls lacks are unknown and left out."""
    total: dict[str, float] = {}
    unknown: set[str] = set()
    for usage in usages:
        if usage.get("calls"):
            unknown.update(name for name in TOKENS if name not in usage)
        for name, value in usage.items():
            if isinstance(value, int | float):
                total[name] = total.get(name, 0) + value
    return {name: value for name, value in total.items() if name not in unknown}


@dataclass(frozen=True, slots=True, repr=False)
class Transcript(Tabular):
    """One negotiation, complete enough to be re-scored, replayed and trained on; printed, it is what was said.

    creditor, debtor: the agents as declared: {"name", "seat", "settings", ...}.
    seed:             the match's own seed.
    rules:            the fields of `poise.games.rules.Rules`.
    version:          of the form it is written in; one that was read keeps its own. Version 2 added violations and
                      verdicts, version 3 raw replies, version 4 the state and the nodes of custom graphs,
                      version 5 the tone of scripted messages.
    judge:            who gave the messages' verdicts, a model URI or "rules"; "" where nobody was asked.
    detector:         the model that read the emotions; "" for the shipped detector, which asks none.
    """

    scenario: Scenario
    creditor: Mapping[str, Any]
    debtor: Mapping[str, Any]
    seed: int
    rules: Mapping[str, Any]
    messages: tuple[Message, ...]
    outcome: Outcome
    version: int = field(default=VERSION)
    judge: str = ""
    detector: str = ""

    def tables(self) -> list[PlainTable]:
        """A line for each message."""
        rows = [
            [str(one.index + 1), one.seat, one.emotion or "-", _move_words(one.move), one.text] for one in self.messages
        ]
        return [PlainTable(self._title, ("message", "seat", "emotion", "move", "words"), rows)]

    @property
    def footnote(self) -> str:
        """How it ended, and what each seat got."""
        ended, (creditor, debtor) = self.outcome, self.outcome.utilities
        value = "" if ended.value is None else f" at {ended.value} {self.scenario.unit}"
        reason = f": {ended.reason}" if ended.reason else ""
        return f"{ended.ending}{value}{reason}. Utility: creditor {creditor:.3f}, debtor {debtor:.3f}."

    @property
    def _title(self) -> str:
        return f"{self.scenario.id}: {self.creditor.get('name')} against {self.debtor.get('name')}, seed {self.seed}"

    def __str__(self) -> str:
        """The messages, each on lines of its own."""
        told = [
            f"{one.index + 1:>3}  {one.seat} ({one.emotion or 'no emotion'}, {_move_words(one.move)}): {one.text}"
            for one in self.messages
        ]
        lines = [self._title, *told, self.footnote]
        return "\n".join(textwrap.fill(visible(line), 100, subsequent_indent="     ") for line in lines)

    def __repr__(self) -> str:
        return str(visible(f"<Transcript of {self._title}: {len(self.messages)} messages, {self.outcome.ending}>"))

    def to_dict(self) -> dict[str, Any]:
        """Plain data with short keys left out where they hold their default; `from_dict` reads it back."""
        data: dict[str, Any] = {
            "version": self.version,
            "scenario": self.scenario.to_dict(),
            "creditor": dict(self.creditor),
            "debtor": dict(self.debtor),
            "seed": self.seed,
            "rules": dict(self.rules),
            "messages": [_message_to_dict(message) for message in self.messages],
            "outcome": {
                "ending": self.outcome.ending,
                "value": self.outcome.value,
                "by": self.outcome.by,
                "reason": self.outcome.reason,
                "utilities": list(self.outcome.utilities),
            },
        }
        named = {"judge": self.judge, "detector": self.detector}
        return data | {name: value for name, value in named.items() if value}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Transcript:
        """A transcript from plain data of version 1 to 5.

        Raises BadInput for another version, and for data that are not a transcript, with the place of what is wrong.
        """
        check_version(data.get("version"))
        try:
            return msgspec.convert(data, cls)
        except msgspec.ValidationError as error:
            raise _damaged(error) from None

    @classmethod
    def from_json(cls, text: bytes | str, scenario: Scenario | None = None) -> Transcript:
        """A transcript from JSON, as `from_dict`. Raises BadInput for what is not JSON as well.

        scenario: the match's own, where it is at hand; then the one in the text is not read, which saves half the time.
        """
        try:
            if scenario is not None:
                body = _BODY_OF.decode(text)
                check_version(body.version)
                return cls(scenario, *(getattr(body, name) for name in _BODY_FIELDS))
            check_version(_VERSION_OF.decode(text).version)
            return _TRANSCRIPT_OF.decode(text)
        except msgspec.DecodeError as error:
            raise _damaged(error) from None


class _Versioned(msgspec.Struct):
    version: Any = None


class _Body(msgspec.Struct):
    """A transcript but for its scenario, in the order of `Transcript`."""

    creditor: dict[str, Any]
    debtor: dict[str, Any]
    seed: int
    rules: dict[str, Any]
    messages: tuple[Message, ...]
    outcome: Outcome
    version: int = 0
    judge: str = ""
    detector: str = ""


_BODY_FIELDS: Final = _Body.__struct_fields__


_VERSION_OF: Final = msgspec.json.Decoder(_Versioned)
_TRANSCRIPT_OF: Final = msgspec.json.Decoder(Transcript)
_BODY_OF: Final = msgspec.json.Decoder(_Body)


def check_version(version: object) -> None:
    """Raise BadInput unless this Poise reads transcripts of `version`."""
    if version not in READ:
        raise BadInput(
            f"transcript version {version!r}; this Poise reads versions {READ[0]} to {VERSION}: use the Poise release "
            "that wrote it"
        )


def _damaged(error: msgspec.DecodeError) -> BadInput:
    return BadInput(f"this is not a transcript ({error}); restore the file from a copy, or play the match again")


def _move_words(move: Move) -> str:
    return move.kind if move.value is None else f"{move.kind} {move.value}"


def _move_to_dict(move: Move) -> dict[str, Any]:
    data: dict[str, Any] = {"kind": move.kind}
    if move.value is not None:
        data["value"] = move.value
    if move.firm:
        data["firm"] = True
    return data


def _wording_to_dict(wording: Wording) -> dict[str, Any]:
    data = {"attempts": wording.attempts, "problems": list(wording.problems), "repaired": wording.repaired}
    optional = {
        "replies": list(wording.replies),
        "complaints": list(wording.complaints),
        "own_words": wording.own_words,
    }
    return data | {name: value for name, value in optional.items() if value}


def _message_to_dict(message: Message) -> dict[str, Any]:
    data: dict[str, Any] = {
        "index": message.index,
        "seat": message.seat,
        "text": message.text,
        "move": _move_to_dict(message.move),
        "emotion": message.emotion,
    }
    if message.intended is not None:
        data["intended"] = _move_to_dict(message.intended)
    if message.reading is not None:
        data["reading"] = {
            "emotions": list(message.reading.emotions),
            "label": message.reading.label,
            "belief": list(message.reading.belief),
        }
    if message.mood is not None:
        data["mood"] = message.mood
    data |= {name: dict(kept) for name, kept in (("notes", message.notes), ("state", message.state)) if kept}
    if message.violations:
        data["violations"] = list(message.violations)
    if message.wording != Wording():
        data["wording"] = _wording_to_dict(message.wording)
    if message.verdict is not None:
        data["verdict"] = message.verdict
    if message.unjudged:
        data["unjudged"] = message.unjudged
    if message.nodes:
        data["nodes"] = [{"node": visit.node, "wrote": list(visit.wrote)} for visit in message.nodes]
    return data | {"tone": message.tone} if message.tone else data
