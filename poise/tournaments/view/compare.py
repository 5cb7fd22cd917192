"""The page that compares two runs."""

from __future__ import annotations

from typing import Any, Final

from poise.common.errors import BadInput
from poise.tournaments.config import HOW
from poise.tournaments.statistics.changes import MEASURES, changes, over_worlds
from poise.tournaments.storage.snapshot import Snapshot
from poise.tournaments.view.library import Library, ViewedRun

_HOW: Final = HOW - {"baseline", "own_words_limit"}  # settings that change neither an outcome nor a figure


def compare_page(library: Library, first: str, second: str, measure: str) -> dict[str, Any]:
    """The values of the template; a run that is not named is the first one besides the other."""
    runs = {name: run for name, run in library.runs().items() if not run.problem}
    if len(runs) < 2:
        raise BadInput("only one tournament here can be read; compare with another one: poise view DIR OTHER")
    one = library.run(first or next(name for name in runs if name != second))
    two = library.run(second or next(name for name in runs if name != one.name))
    measure = measure if measure in MEASURES else "creditor"
    before, after = one.snapshot(), two.snapshot()
    clearest_first = sorted(
        changes(before, after, measure),
        key=lambda one: (not one.beyond_noise, 1.0 if one.p is None else one.p, -abs(one.difference.mean)),
    )
    estimates = [change.difference for change in clearest_first]
    reach = max([0.05, *(abs(end or 0.0) for one in estimates for end in (one.mean, one.low, one.high))]) * 1.1
    return {
        "runs": list(runs),
        "one": one,
        "two": two,
        "measure": measure,
        "measures": MEASURES,
        "changes": clearest_first,
        "reach": reach,
        "unit": "world" if over_worlds(before, after) else "scenario",
        "settings": _settings(before, after),
        "alone": _alone(one, before, two, after),
    }


def _settings(before: Snapshot, after: Snapshot) -> list[tuple[str, str, str]]:
    """Settings that differ, as (setting, before, after)."""
    one, two = before.header.config, after.header.config
    names = [name for name in dict.fromkeys([*one, *two]) if name not in (*_HOW, "creditors", "debtors")]
    told = [(name, _plain(one.get(name)), _plain(two.get(name))) for name in names if one.get(name) != two.get(name)]
    made = before.header.provenance, after.header.provenance
    versions = [(name, *(str(each.get(name, "")) for each in made)) for name in ("poise", "python")]
    return [*told, *((name, was, now) for name, was, now in versions if was != now)]


def _plain(value: Any) -> str:
    if value is None or value == {}:
        return "\N{EN DASH}"
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _alone(one: ViewedRun, before: Snapshot, two: ViewedRun, after: Snapshot) -> list[tuple[str, str]]:
    """Agents that play in only one of the runs, as (run, agents)."""
    listed = []
    for run, own, other in ((one, before, after), (two, after, before)):
        agents = [label for seat in own.rivals for label in own.labels(seat) if label not in other.labels(seat)]
        if agents:
            listed.append((run.name, ", ".join(agents)))
    return listed
