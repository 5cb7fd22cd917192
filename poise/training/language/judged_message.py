"""Messages to judge: those of transcripts, and the replies of training pairs."""

from __future__ import annotations

from collections.abc import Iterator

from poise.agents.protocols import Brief, ChatMessage, Line, View
from poise.agents.replay import Seen
from poise.agents.voices.prompts import silence
from poise.agents.voices.reading.reader import read_message
from poise.agents.voices.reading.stock import stock_of
from poise.agents.voices.reading.table import Table
from poise.common.errors import ConfigError
from poise.common.files import digest_of
from poise.games.domains import LARGEST, domain_words
from poise.games.moves import FORFEIT, SEATS, Move, Seat, other
from poise.games.rules import Rules
from poise.games.transcript import Transcript
from poise.training.data.dataset import PromptReply
from poise.training.language.verifiable import JudgedMessage, split_direction


def pair_key(pair: PromptReply) -> str:
    """A key for a pair: its position, its emotion and its words."""
    parts = [pair.domain, pair.scenario, pair.match, pair.index, pair.seat, pair.emotion, pair.reply]
    return digest_of(parts)[:24]


def prompt_key(pair: PromptReply) -> str:
    """A key for a prompt, by which replies to the same prompt are grouped."""
    return digest_of([list(turn) for turn in pair.messages])[:24]


def spoken_of(pair: PromptReply) -> JudgedMessage:
    """A pair's reply as a message to judge; what the seat saw is read from its prompt.

    The unit is that of the domain, and the other side's offer the last one that its words make.
    """
    brief = Brief(
        seat=pair.seat,
        target=0,
        domain=pair.domain,
        unit=domain_words(pair.domain).plural,
        polarity=1,
        bounds=(0, LARGEST),
        context={},
        rules=Rules(),
    )
    view = View(brief, tuple(_lines(pair, brief.unit)))
    scenario_text = pair.messages[0].content if pair.messages[0].role == "system" else ""
    return JudgedMessage(pair.reply, view, pair.move, pair.emotion, scenario_text)


def _lines(pair: PromptReply, unit: str) -> Iterator[Line]:
    """The negotiation so far, from the prompt; the opening line of a creditor's prompt has no speaker."""
    turns = [turn for turn in pair.messages if turn.role != "system"]
    heard, _ = split_direction(turns[-1].content)
    turns = [*turns[:-1], ChatMessage("user", heard)]
    standing: dict[Seat, int | None] = dict.fromkeys(SEATS)
    for turn in turns[1:] if pair.seat == "creditor" else turns:
        seat: Seat = pair.seat if turn.role == "assistant" else other(pair.seat)
        if turn.content:
            text = "" if turn.content == silence() else turn.content
            reading = read_message(
                text, Table(unit, pair.domain, seat, standing[other(seat)], stock_of(pair.domain, seat))
            )
            offered = reading.outcome == "offer" and reading.value is not None and reading.value >= 0
            standing[seat] = reading.value if offered else standing[seat]
            yield Line(seat, text, Move("offer", reading.value) if offered else FORFEIT)


def spoken_in(transcript: Transcript, seat: Seat) -> Iterator[tuple[int, JudgedMessage]]:
    """(index, message to judge) of every message of `seat`."""
    seen = Seen(transcript, seat)
    scenario_text = ". ".join(f"{name}: {text}" for name, text in transcript.scenario.context.items())
    for number, message in enumerate(seen.messages):
        view = seen.view(number)
        yield message.index, JudgedMessage(message.text, view, message.intended, message.emotion, scenario_text)


def not_empty(count: int, what: str) -> None:
    """Refuse a count of zero.

    Raises:
        ConfigError: count is 0.
    """
    if not count:
        raise ConfigError(f"{what}; make more data with `poise train dataset`, or ask for less")
