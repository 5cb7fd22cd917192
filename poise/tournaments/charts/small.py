"""The small figures of the report, as data and as SVG without style attributes (the page's policy allows none)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from markupsafe import Markup

from poise.common.words import counted
from poise.games.domains import domain_words
from poise.games.moves import SEATS
from poise.games.scenario import Scenario
from poise.tournaments.statistics.bootstrap import Estimate
from poise.tournaments.statistics.results import Difference, SeatStanding, Standings

_WIDTH: Final = 150
_HEIGHT: Final = 20
_SHADES: Final = 20


def breakable(label: str) -> Markup:
    """An agent's name that may be broken where a person would: after @, :, /, a comma and _."""
    return Markup("").join(
        part + Markup("<wbr>") if part in "@:/,_" else part for part in re.split(r"([@:/,_])", label)
    )


def troubles(one: SeatStanding) -> str:
    """What went wrong with an agent's messages, in words; failed matches are shown apart."""
    counts = ((one.forfeits, "forfeit"), (one.repairs, "repair"), (one.reasks, "re-ask"))
    return ", ".join(counted(count, word) for count, word in counts if count)


def axis(differences: Sequence[Difference]) -> float:
    """How far the differences' axis goes to either side, in utility."""
    reach = [0.05]
    for one in differences:
        gain = one.utility
        reach += [abs(gain.mean), abs(gain.low or 0.0), abs(gain.high or 0.0)]
    return max(reach) * 1.1


def forest(estimate: Estimate | None, low: float, high: float, seat: str) -> Markup:
    """A dot for the mean and a line for its interval, on an axis from `low` to `high`; zero is marked if inside."""
    if estimate is None:
        return Markup("")

    def place(value: float) -> str:
        share = (min(max(value, low), high) - low) / (high - low)
        return f"{4 + share * (_WIDTH - 8):.1f}"

    middle = _HEIGHT // 2
    parts = [f'<line class="axis" x1="4" x2="{_WIDTH - 4}" y1="{middle}" y2="{middle}"/>']
    if low < 0 < high:
        parts.append(f'<line class="zero" x1="{place(0)}" x2="{place(0)}" y1="2" y2="{_HEIGHT - 2}"/>')
    if estimate.low is not None and estimate.high is not None:
        ends = f'x1="{place(estimate.low)}" x2="{place(estimate.high)}"'
        parts.append(f'<line class="interval" {ends} y1="{middle}" y2="{middle}"/>')
    parts.append(f'<circle class="mean" cx="{place(estimate.mean)}" cy="{middle}" r="4"/>')
    drawn = "".join(parts)  # every value in it is a number or a seat's name
    return Markup(f'<svg class="forest {seat}" viewBox="0 0 {_WIDTH} {_HEIGHT}" aria-hidden="true">{drawn}</svg>')  # noqa: S704


def domains(scenarios: Sequence[Scenario]) -> dict[str, dict[str, str]]:
    """What each domain calls its two sides ("rescue team"), and what is negotiated there."""
    names = dict.fromkeys(scenario.domain for scenario in scenarios)
    words = {name: domain_words(name) for name in names}
    return {
        name: {seat: told.role(seat).removeprefix("the ") for seat in SEATS} | {"question": told.question}
        for name, told in words.items()
    }


def roles(scenarios: Sequence[Scenario]) -> dict[str, str]:
    """By seat, what the domains call it where that is not the seat's own name; "" where it is."""
    told = {seat: list(dict.fromkeys(words[seat] for words in domains(scenarios).values())) for seat in SEATS}
    return {seat: "" if told[seat] == [seat] else ", ".join(told[seat]) for seat in SEATS}


@dataclass(frozen=True, slots=True)
class HeatCell:
    """One cell of the heat map, the agents by index and by name; values and shade are None where nothing was played."""

    creditor: int
    debtor: int
    names: tuple[str, str]
    matches: int
    creditor_utility: float | None
    debtor_utility: float | None
    success: float | None
    shade: int | None


def cells(standings: Standings) -> list[list[HeatCell]]:
    """The heat map's rows; a shade is 0 to 20."""
    return [
        [
            HeatCell(
                creditor=row,
                debtor=column,
                names=(cell.creditor, cell.debtor),
                matches=cell.matches,
                creditor_utility=cell.creditor_utility,
                debtor_utility=cell.debtor_utility,
                success=cell.success,
                shade=None if cell.creditor_utility is None else round(cell.creditor_utility * _SHADES),
            )
            for column, cell in enumerate(line)
        ]
        for row, line in enumerate(standings.matrix)
    ]
