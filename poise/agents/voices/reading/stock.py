"""The sentences in which Poise itself says a move, domain by domain: a prompt's own and the scripted voice's."""

from __future__ import annotations

from functools import lru_cache

from poise.agents.voices.prompts import plain_templates
from poise.agents.voices.reading.table import stock_sentences
from poise.agents.voices.scripted import OFFERING, phrases
from poise.common.errors import AgentError
from poise.games.moves import Seat


@lru_cache(maxsize=256)
def stock_of(domain: str, seat: Seat) -> tuple[tuple[str, str], ...]:
    """(kind of move, sentence in normal form with {} for its number) of a seat.

    A custom domain's own sentences are among them, so that what it asks a model to say is read as what it means.
    """
    try:
        plain = {kind: [text.replace("$offer", "{}")] for kind, text in plain_templates(domain, seat).items()}
    except AgentError:  # a domain for the scripted voice alone has no prompt
        plain = {}
    scripted = stock_sentences(
        {
            kind: [text.replace("{offer}", "{}") for text in texts]
            for (whose, kind), texts in phrases(domain).moves.items()
            if whose == seat
        }
    )
    as_moves = tuple(("offer" if kind in OFFERING else kind, text) for kind, text in scripted)
    return tuple(dict.fromkeys(stock_sentences(plain) + as_moves))
