"""A message as the replay shows it: its words, and what each node of the seat's turn did."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from poise.agents.emotions.explaining import why
from poise.agents.emotions.tables import STATES
from poise.agents.emotions.taxonomy import EMOTIONS7
from poise.common.words import brief_duration, counted, duration
from poise.games.domains import DomainWords, domain_words
from poise.games.moves import SEATS, Move, other
from poise.games.scenario import Scenario
from poise.games.transcript import Message, Reading, Transcript
from poise.graphs.drawing.outline import PERSON, UNKNOWN, USUAL, GraphOutline
from poise.tournaments.view.pages import shown_words

_NOTE: Final = 2000  # characters of a note that are shown


@dataclass(frozen=True, slots=True)
class Bar:
    """A share between 0 and 1, drawn; kind is a class of the style sheet."""

    name: str
    share: float
    kind: str


@dataclass(frozen=True, slots=True)
class TurnStep:
    """What one node did: facts as (name, words), and bars by heading. node: "" for what no node of this turn wrote."""

    node: str
    facts: tuple[tuple[str, str], ...] = ()
    bars: tuple[tuple[str, tuple[Bar, ...]], ...] = ()


@dataclass(frozen=True, slots=True)
class Shown:
    """One message. heard: how the other side read it, "" where it never did. cost: "" without a model."""

    message: Message
    role: str
    move: str
    heard: str
    troubles: tuple[str, ...]
    verdict: str
    cost: str
    steps: tuple[TurnStep, ...]


def shown(transcript: Transcript, usage: Mapping[str, Any], outlines: tuple[GraphOutline, GraphOutline]) -> list[Shown]:
    """Every message of the negotiation.

    usage: as stored, see `poise.games.transcript.Usage`. outlines: the seats' graphs.
    """
    words = domain_words(transcript.scenario.domain)
    seconds: Sequence[Sequence[float]] = usage.get("nodes") or ()
    costs: Sequence[Mapping[str, Any]] = usage.get("per_message") or ()
    told = []
    for at, message in enumerate(transcript.messages):
        after = transcript.messages[at + 1] if at + 1 < len(transcript.messages) else None
        cost = costs[at] if at < len(costs) else {}
        told.append(
            Shown(
                message=message,
                role=words.label(message.seat),
                move=said_move(message.move, transcript.scenario, words),
                heard=_heard(after.reading if after else None),
                troubles=tuple(_troubles(message, transcript.scenario, words)),
                verdict=_verdict(transcript, message),
                cost=told_cost(cost),
                steps=tuple(
                    _steps(transcript, at, cost, words)
                    if outlines[SEATS.index(message.seat)] in (USUAL, PERSON)
                    else _custom_steps(transcript, at, cost, words, seconds[at] if at < len(seconds) else ())
                ),
            )
        )
    return told


def said_move(move: Move, scenario: Scenario, words: DomainWords | None = None) -> str:
    """A move in words: "offers 30 days"."""
    if move.value is None:
        return {"accept": "accepts", "walk": "walks away"}.get(move.kind, "makes no valid move")
    words = words or domain_words(scenario.domain)
    amount = words.amount(move.value) if scenario.unit == words.plural else f"{move.value} {scenario.unit}"
    return f"{'insists on' if move.firm else 'offers'} {amount}"


def _heard(reading: Reading | None) -> str:
    if reading is None:
        return ""
    top = max(range(len(reading.emotions)), key=reading.emotions.__getitem__)
    return f"{reading.label} ({EMOTIONS7[top]} {reading.emotions[top]:.0%})"


def _troubles(message: Message, scenario: Scenario, words: DomainWords) -> list[str]:
    wording = message.wording
    told = [
        f"reply {number} rejected: {shown_words(problem, _NOTE)}" for number, problem in enumerate(wording.problems, 1)
    ]
    if wording.repaired:
        told.append("the words were repaired without the model")
    meant = message.intended
    if meant is not None and (meant.kind, meant.value) != (message.move.kind, message.move.value):
        told.append(f"meant a different move: {said_move(meant, scenario, words)}")
    return told


def _verdict(transcript: Transcript, message: Message) -> str:
    """What the judge said, and whether the referee disagrees; "" where no judge was asked."""
    if message.verdict is None:
        return message.unjudged and f"no usable answer: {shown_words(message.unjudged, _NOTE)}"
    words = "an agreement" if message.verdict else "no agreement yet"
    deal = transcript.outcome.ending == "deal" and message.index == len(transcript.messages) - 1
    return words if message.verdict == deal else f"{words} (the referee: {'a deal' if deal else 'no deal'})"


def told_cost(cost: Mapping[str, Any]) -> str:
    """The cost of the calls in words; "" for none."""
    if not cost:
        return ""
    calls = int(cost.get("calls", 0))
    parts = [counted(calls, "call")]
    if seconds := cost.get("model_seconds"):
        parts.append(duration(seconds))
    parts += [f"{int(cost[key]):,} {word}" for key, word in _TOKENS if cost.get(key)]
    return " \N{MIDDLE DOT} ".join(parts)


_TOKENS: Final = (
    ("prompt_tokens", "prompt tokens"),
    ("cached_tokens", "of them cached"),
    ("reply_tokens", "reply tokens"),
)


def _steps(transcript: Transcript, at: int, cost: Mapping[str, Any], words: DomainWords) -> list[TurnStep]:
    """The nodes of the usual turn, in order."""
    message = transcript.messages[at]
    if (transcript.creditor if message.seat == "creditor" else transcript.debtor).get("human"):
        return _person_steps(transcript, at, words)
    decided = (
        "left to the model" if message.intended is None else said_move(message.intended, transcript.scenario, words)
    )
    return [
        _perceive(transcript, at),
        _feel(message),
        TurnStep("decide", (("decided", decided), *_table(transcript, at))),
        TurnStep(
            "speak", tuple(_spoke(transcript, message, cost, said_move(message.move, transcript.scenario, words)))
        ),
    ]


def _custom_steps(
    transcript: Transcript, at: int, cost: Mapping[str, Any], words: DomainWords, seconds: Sequence[float]
) -> list[TurnStep]:
    """The nodes of a custom graph that wrote the message, with what each wrote; a single one where they are unknown."""
    message = transcript.messages[at]
    move = said_move(message.move, transcript.scenario, words)
    spoke = tuple(_spoke(transcript, message, cost, move))
    if not message.nodes:
        read, felt = _perceive(transcript, at), _feel(message)
        return [TurnStep(UNKNOWN, (*read.facts, *felt.facts, *spoke), read.bars)]
    last = {field: place for place, visit in enumerate(message.nodes) for field in visit.wrote}
    steps = []
    for place, visit in enumerate(message.nodes):
        facts: list[tuple[str, str]] = []
        bars: tuple[tuple[str, tuple[Bar, ...]], ...] = ()
        for field in visit.wrote:
            if last[field] != place:
                facts.append((shown_words(field, 60), "set here and changed later"))
            elif field == "readings":
                read = _perceive(transcript, at)
                facts, bars = [*facts, *read.facts], read.bars
            elif field == "speech":
                facts += spoke
            else:
                facts.append(_fact(message, field, transcript, words))
        if place < len(seconds):
            facts.append(("took", brief_duration(seconds[place])))
        steps.append(TurnStep(visit.node, tuple(facts or [("wrote", "nothing")]), bars))
    kept = [name for name in message.notes if f"notes.{name}" not in last]
    if kept:
        steps.append(TurnStep("", tuple(_note(name, message.notes[name]) for name in kept)))
    return steps


def _fact(message: Message, field: str, transcript: Transcript, words: DomainWords) -> tuple[str, str]:
    """What a node wrote into one field of the state."""
    kind, _, name = field.partition(".")
    if kind == "notes" and name in message.notes:
        return _note(name, message.notes[name])
    if field == "emotion":
        return "shows", message.emotion or "no direction"
    if field == "mood":
        return _mood(message)
    if field == "move":
        meant = message.intended
        return "decided", "left to the model" if meant is None else said_move(meant, transcript.scenario, words)
    value = message.state.get(field, "set for this turn alone, and not recorded")
    return shown_words(field, 60), shown_words(_plain(value) or "nothing", _NOTE)


def _note(name: str, value: Any) -> tuple[str, str]:
    return f"note: {shown_words(str(name), 60)}", shown_words(_plain(value), _NOTE)


def _mood(message: Message) -> tuple[str, str]:
    return "mood", "none" if message.mood is None else f"{message.mood:+.2f} of \N{MINUS SIGN}1 to +1"


def _person_steps(transcript: Transcript, at: int, words: DomainWords) -> list[TurnStep]:
    """The nodes of a person's turn (see `poise.graphs.human.graph`); they are as many as an agent's turn has."""
    message = transcript.messages[at]
    read = _perceive(transcript, at)
    move = said_move(message.move, transcript.scenario, words)
    shows = (("shows", message.emotion),) if message.emotion else ()
    return [
        TurnStep("perceive", (("note", "the tracker's reading; the person was not shown it"), *read.facts), read.bars),
        TurnStep("listen", (("asked", "a person, for words"), *_table(transcript, at))),
        TurnStep("confirm", (("read as", move), *shows, ("sent", "after the person had seen how it was understood"))),
        TurnStep("say", (("worded by", "a person"), ("the referee accepted", move), *_judged(transcript, message))),
    ]


def _judged(transcript: Transcript, message: Message) -> list[tuple[str, str]]:
    facts = [("conduct", "breaks " + ", ".join(map(str, message.violations)))] if message.violations else []
    verdict = _verdict(transcript, message)
    return facts + ([(f"the judge ({shown_words(transcript.judge, 60)}) saw", verdict)] if verdict else [])


def _perceive(transcript: Transcript, at: int) -> TurnStep:
    message = transcript.messages[at]
    if message.reading is None:
        return TurnStep("perceive", (("read", "nothing was said before"),))
    read = message.reading
    seen = tuple(Bar(name, share, "emotion") for name, share in zip(EMOTIONS7, read.emotions, strict=False))
    believed = enumerate(zip(STATES, read.belief, strict=False))
    belief = tuple(Bar(name, share, f"s{place}") for place, (name, share) in believed)
    meant = transcript.messages[at - 1].emotion if at else None
    facts = [("read", read.label), ("meant", meant or "no emotion in particular")]
    if reason := why(transcript.messages, at):
        facts.append(("so", reason))
    return TurnStep("perceive", tuple(facts), (("detected", seen), (f"belief about the {other(message.seat)}", belief)))


def _feel(message: Message) -> TurnStep:
    facts = [("shows", message.emotion or "no direction")]
    if message.mood is not None:
        facts.append(_mood(message))
    facts += [_note(name, value) for name, value in message.notes.items()]
    return TurnStep("feel", tuple(facts))


def _plain(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.3g}"
    if isinstance(value, Mapping):
        return ", ".join(f"{name}: {_plain(each)}" for name, each in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(map(_plain, value))
    return str(value)


def _table(transcript: Transcript, at: int) -> list[tuple[str, str]]:
    """The standing offers before this message."""
    standing = {
        message.seat: message.move.value for message in transcript.messages[:at] if message.move.value is not None
    }
    facts = [(f"{seat}'s offer", f"{value} {transcript.scenario.unit}") for seat, value in sorted(standing.items())]
    if len(standing) == 2:
        facts.append(("apart", f"{abs(standing['creditor'] - standing['debtor'])} {transcript.scenario.unit}"))
    return facts


def _spoke(transcript: Transcript, message: Message, cost: Mapping[str, Any], move: str) -> list[tuple[str, str]]:
    attempts = message.wording.attempts
    tries = "the scripted voice" if not attempts else f"a model, {counted(attempts, 'reply')}"
    facts = [("worded by", tries), ("the referee accepted", move)]
    if rejected := len(message.wording.problems):
        mended = ", then repaired without the model" if message.wording.repaired else ""
        facts.append(("rejected", f"{rejected}{mended}"))
    facts += _judged(transcript, message)
    if told := told_cost(cost):
        facts.append(("cost", told))
    return facts
