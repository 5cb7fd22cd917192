"""Estimates and tables as the experiments' pages write them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from poise.tournaments.statistics.bootstrap import Estimate


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """A Markdown table."""
    lines = [heads, ["---"] * len(heads), *rows]
    return ["| " + " | ".join(line) + " |" for line in lines]


def interval(one: Estimate | None, form: str) -> str:
    """A mean with its interval, if it has one; "-" if there is no estimate."""
    if one is None:
        return "-"
    if one.low is None or one.high is None:
        return f"{one.mean:{form}}"
    return f"{one.mean:{form}} [{one.low:{form}}, {one.high:{form}}]"


def signed(gain: Estimate | None, digits: int = 3) -> str:
    """A difference with its interval."""
    return interval(gain, f"+z.{digits}f")
