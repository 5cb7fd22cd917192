"""What there is to judge: messages of transcripts, and replies of training pairs."""

from __future__ import annotations

from collections.abc import Iterator

from poise.agents.protocols import Brief, ChatMessage, Line, View
from poise.agents.replay import Seen
from poise.agents.voices.prompts import silence
from poise.agents.voices.readout import read_offer
from poise.common.errors import ConfigError
from poise.common.files import digest_of
from poise.games.domains import LARGEST, domain_words
from poise.games.moves import FORFEIT, Move, Seat, other
from poise.games.rules import Rules
from poise.games.transcript import Transcript
from poise.training.data.dataset import PromptReply
from poise.training.language.verifiable import JudgedMessage, split_direction


def pair_key(pair: PromptReply) -> str:
    """Names a pair: its place, its emotion and its words."""
    place = [pair.domain, pair.scenario, pair.match, pair.index, pair.seat, pair.emotion, pair.reply]
    return digest_of(place)[:24]


def prompt_key(pair: PromptReply) -> str:
    """Names a prompt, so that replies to the same one are found together."""
    return digest_of([list(turn) for turn in pair.messages])[:24]


def spoken_of(pair: PromptReply) -> JudgedMessage:
    """A pair's reply as something to be judged; what the seat saw is read out of its prompt.

    The unit is that of the domain, and the other side's offer the last one read in its words.
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
    case = pair.messages[0].content if pair.messages[0].role == "system" else ""
    return JudgedMessage(pair.reply, view, pair.move, pair.emotion, case)


def _lines(pair: PromptReply, unit: str) -> Iterator[Line]:
    """The talks so far, as the prompt tells them; the opening line that a creditor's begins with is nobody's."""
    turns = [turn for turn in pair.messages if turn.role != "system"]
    heard, _ = split_direction(turns[-1].content)
    turns = [*turns[:-1], ChatMessage("user", heard)]
    for turn in turns[1:] if pair.seat == "creditor" else turns:
        seat: Seat = pair.seat if turn.role == "assistant" else other(pair.seat)
        if turn.content:
            text = "" if turn.content == silence() else turn.content
            value = read_offer(text, unit)
            yield Line(seat, text, FORFEIT if value is None or value < 0 else Move("offer", value))


def spoken_in(transcript: Transcript, seat: Seat) -> Iterator[tuple[int, JudgedMessage]]:
    """(index of the message, what is to be judged) of every message of `seat`."""
    seen = Seen(transcript, seat)
    case = ". ".join(f"{name}: {text}" for name, text in transcript.scenario.context.items())
    for number, message in enumerate(seen.messages):
        yield message.index, JudgedMessage(message.text, seen.view(number), message.intended, message.emotion, case)


def not_empty(count: int, what: str) -> None:
    """Refuse to go on with nothing.

    Raises:
        ConfigError: there is nothing.
    """
    if not count:
        raise ConfigError(f"{what}; make more data with `poise train dataset`, or ask for less")
