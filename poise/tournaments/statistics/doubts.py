"""Reasons to doubt a tournament's figures, shown wherever the figures are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from poise.games.moves import SEATS
from poise.tournaments.storage.own_words import messages_of, own_words_limit
from poise.tournaments.storage.snapshot import Snapshot, Waiting

_PAIRS_NAMED = 4


@dataclass(frozen=True, slots=True)
class Doubt:
    """One reason to doubt the figures.

    kind: "failed" (every match of an agent failed), "own words" (too many of its messages are Poise's own), "trained"
    (an agent was trained on worlds that it is judged in) or "waiting" (matches wait for a model's server).
    text: a sentence that names the agent or the model, and the remedy.
    """

    kind: Literal["failed", "own words", "trained", "waiting"]
    text: str


def doubts(snapshot: Snapshot) -> tuple[Doubt, ...]:
    """Every reason to doubt the figures of a tournament, the worst first."""
    waiting = (waiting_words(each, snapshot.creditors, snapshot.debtors) for each in snapshot.header.waiting)
    found = (*_all_failed(snapshot), *_own_words(snapshot), *_trained(snapshot))
    return (*found, *(Doubt("waiting", words) for words in waiting))


def _all_failed(snapshot: Snapshot) -> Iterator[Doubt]:
    """Agents that failed in each of their matches; a failure that neither side caused counts for both."""
    failed = [row for row in snapshot.rows if row.ending == "failed"]
    if failed and len(failed) == len(snapshot.rows):
        yield Doubt("failed", f"all {len(failed)} matches failed, so that there is no result")
        return
    for seat in SEATS:
        for index, label in enumerate(snapshot.labels(seat)):
            own = [row for row in snapshot.rows if getattr(row, seat) == index]
            if own and all(row.ending == "failed" and row.by in (seat, None) for row in own):
                yield Doubt("failed", f"{seat} {label} failed in every match ({len(own)}): its figures mean nothing")


def _own_words(snapshot: Snapshot) -> Iterator[Doubt]:
    limit = own_words_limit(snapshot.header)
    for (seat, index), count in snapshot.own_words.items():
        said = sum(messages_of(row, seat) for row in snapshot.rows if getattr(row, seat) == index)
        if count > limit * said:
            yield Doubt(
                "own words",
                f"{count} of {said} messages ({count / said:.0%}) of {seat} {snapshot.labels(seat)[index]} are Poise's "
                f"own words, because its model said nothing usable in time; more than {limit:.0%} says nothing about "
                "that model. A match's prompts and replies in the viewer show why; own_words_limit sets the share",
            )


def _trained(snapshot: Snapshot) -> Iterator[Doubt]:
    header = snapshot.header
    if not header.over_worlds:
        return
    played = {debtor["declared"]["settings"]["world"]["digest"] for debtor in header.debtors}
    for label, creditor in zip(snapshot.creditors, header.creditors, strict=True):
        if known := played.intersection(creditor.get("trained_on", ())):
            yield Doubt(
                "trained",
                f"creditor {label} was trained on {len(known)} of these {len(played)} worlds, so its figures do not "
                "show how it does in worlds that it has not seen; play it in others",
            )


def waiting_words(waiting: Waiting, creditors: Sequence[str], debtors: Sequence[str]) -> str:
    """Which matches wait for which model, and why, in a sentence."""
    pairs = [f"{creditors[creditor]} v. {debtors[debtor]}" for creditor, debtor in waiting.pairs]
    more = f" and {len(pairs) - _PAIRS_NAMED} more pairs" if len(pairs) > _PAIRS_NAMED else ""
    number = "1 match waits" if waiting.matches == 1 else f"{waiting.matches} matches wait"
    server = waiting.model or "a model's server"
    return f"{number} for {server} ({', '.join(pairs[:_PAIRS_NAMED])}{more}): {waiting.reason}"
