"""Acceptance, refusal and walking away, read out of words.

Only explicit words count. A condition ("if you ..."), a negation, a hedge or a question around them cancels them, and
so does a later sentence ("I accept. But only if ..."). The words are in `reading/grammar.toml`. Differs from the
reference: EQ-Negotiator v2 asks a language model about the last two messages; these are patterns.
"""

from __future__ import annotations

from typing import Final

from poise.agents.models.text import sentences
from poise.agents.voices.reading.grammar import grammar
from poise.agents.voices.reading.normal import normal_form

_EDGE: Final = "\"') "


def accepts(text: str) -> bool:
    """Whether `text` explicitly accepts the other side's offer."""
    parts = sentences(normal_form(text).text)
    said = [place for place, part in enumerate(parts) if _stands(part, "accept.says")]
    return bool(said) and not any(grammar().found("intent.later", part) for part in parts[said[0] + 1 :])


def walks_away(text: str) -> bool:
    """Whether `text` explicitly ends the negotiation."""
    return any(_stands(part, "walk.says") for part in sentences(normal_form(text).text))


def refuses(text: str) -> bool:
    """Whether `text` explicitly refuses the other side's offer."""
    return grammar().found("refuse.says", normal_form(text).text) is not None


def _stands(sentence: str, name: str) -> bool:
    rules = grammar()
    match = rules.found(name, sentence)
    if match is None or sentence.rstrip(_EDGE).endswith("?"):
        return False
    before = rules.patterns["refused.allowed_before"].sub(" ", sentence[: match.start()])
    after = rules.patterns["refused.allowed_after"].sub(" ", sentence[match.end() :])
    if rules.found("sarcastic.any", sentence):
        return False
    return not rules.found("intent.taken_back", before) and not rules.found("intent.condition", after)
