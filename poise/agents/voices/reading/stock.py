"""Poise's own sentences for moves, by domain: those of the prompts and of the scripted voice."""

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

    They include a custom domain's sentences, so that what it asks a model to say is read as intended.
    """
    try:
        plain = {kind: [text.replace("$offer", "{}")] for kind, text in plain_templates(domain, seat).items()}
    except AgentError:  # a domain only for the scripted voice has no prompt
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
