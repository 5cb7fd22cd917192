"""The context in which a message is read: its seat and unit, the standing offer, and the domain's sentences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from poise.agents.voices.reading.clauses import split_sentences
from poise.agents.voices.reading.normal import normal_form


@dataclass(frozen=True, slots=True)
class Table:
    """The context in which a message is read.

    standing: the other side's offer, None without one. stock: sentences of the domain by kind of move, with {} for the
    number, which take precedence over the grammar.
    """

    unit: str
    domain: str
    seat: str
    standing: int | None = None
    stock: tuple[tuple[str, str], ...] = ()

    def stock_kind(self, sentence: str, around: tuple[str, str] | None = None) -> str | None:
        """The kind of move whose stock sentence this is; `around` is what stands before and after its number."""
        for kind, template in self.stock:
            before, hole, after = template.partition("{}")
            if hole and around is not None:
                if (around[0].strip(), around[1].strip()) == (before.strip(), after.strip()):
                    return kind
            elif not hole and sentence.strip() == template.strip():
                return kind
        return None


def stock_sentences(templates: Mapping[str, Sequence[str]]) -> tuple[tuple[str, str], ...]:
    """The sentences of `templates` that hold {} or make a whole move without one, in normal form."""
    made: list[tuple[str, str]] = []
    for kind, texts in templates.items():
        for text in texts:
            plain = normal_form(text).text
            parts = [part.text(plain) for part in split_sentences(plain, ())]
            made += [
                (kind, part)
                for part in parts
                if "{}" in part or (part.strip() and kind in ("walk", "accept") and "{}" not in plain)
            ]
    return tuple(dict.fromkeys(made))
