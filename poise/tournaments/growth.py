"""A tournament that is asked for more than it was: what was played is kept, and only what is missing is played.

A match has the same id and the same seed in every tournament, so a finished one stays what it is when pairs play more
matches, scenarios follow on those there were, or agents join: the outcome is that of a tournament that asked for all of
it at once. Learners see their matches in order, so theirs may only be added to at the end.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from poise.games.errors import StoreError
from poise.tournaments.config import TournamentConfig, make_config
from poise.tournaments.folder import header_of, resume_command
from poise.tournaments.schedule import Match, Schedule
from poise.tournaments.store import Header, Store
from poise.tournaments.store_growth import Move


def reopen(folder: Path, config: TournamentConfig, schedule: Schedule) -> Store:
    """The store of a tournament that was begun earlier, with room for all of `schedule`.

    Raises StoreError where a finished match is none of `schedule`, or a learner would have seen its matches in another
    order; then nothing is changed.
    """
    store = Store.open(folder)
    try:
        before = store.header()
        if before.id == schedule.id:
            store.set_config(config.model_dump(mode="json"))
        else:
            _grow(store, before, config, schedule)
    except BaseException:
        store.close()
        raise
    return store


def _grow(store: Store, before: Header, config: TournamentConfig, schedule: Schedule) -> None:
    done, places = store.done(), {match.id: match for match in schedule.matches}
    lost = [position for position, name in done.items() if name not in places]
    if lost:
        raise StoreError(_other(store.folder, before, config, (len(lost), len(done))))
    kept = {position: places[name] for position, name in done.items()}
    _refuse_another_order(store.folder, schedule, kept)
    header = header_of(config, schedule)
    grown = [*before.provenance.get("grown", []), {**header.provenance, "matches_before": before.total}]
    store.grow(
        replace(header, provenance={**before.provenance, "grown": grown}),
        schedule.scenarios,
        [_move(position, match, schedule) for position, match in kept.items()],
    )


def _move(position: int, match: Match, schedule: Schedule) -> Move:
    creditor, debtor = divmod(match.pair, len(schedule.debtors))
    return Move(position, match.position, creditor, debtor, match.scenario, match.repeat)


def _refuse_another_order(folder: Path, schedule: Schedule, kept: Mapping[int, Match]) -> None:
    size = len(schedule.matches) // schedule.pairs
    series: dict[int, list[int]] = {}
    for _, match in sorted(kept.items()):
        series.setdefault(match.pair, []).append(match.position - match.pair * size)
    for pair, found in series.items():
        if schedule.learns(pair) and found != list(range(len(found))):
            creditor, debtor = schedule.pair(pair)
            raise StoreError(
                f"{creditor.label} against {debtor.label} in {folder} has learned from its matches in another order "
                "than the one asked for now; put new scenarios after those there were, or choose another folder with "
                "--out"
            )


def _other(folder: Path, header: Header, config: TournamentConfig, lost: tuple[int, int]) -> str:
    before, now = make_config(header.config).what(), config.what()
    changed = [f"{key} was {before[key]!r}, now {now[key]!r}" for key in now if before[key] != now[key]]
    detail = "; ".join(changed) or "a scenario or an agent's file has changed"
    return (
        f"{folder} holds another tournament ({detail}): {lost[0]} of its {lost[1]} finished matches are not among "
        "those asked for now. It can be given more matches a pair, scenarios and agents, but what was played stays as "
        f"it is; choose another folder with --out, or continue that one with: {resume_command(folder)}"
    )
