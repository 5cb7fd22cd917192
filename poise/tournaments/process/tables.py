"""Process figures as tables of text, for the terminal, the report and notebooks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from poise.agents.emotions.taxonomy import EMOTIONS7
from poise.common.plain_tables import PlainTable
from poise.games.moves import SEATS
from poise.tournaments.process.concession import GRID, Scale
from poise.tournaments.process.measures import Measures
from poise.tournaments.process.speech import COSTS
from poise.tournaments.process.transitions import human
from poise.tournaments.statistics.numbers import mean_of, with_interval

MOMENTS: Final = (0.2, 0.5, 0.8, 1.0)
NOT_MEASURED: Final = "not measured"
_SCALES: Final = {
    "offers": "0: its own first offer, 1: the other side's",
    "targets": "0: its own target, 1: the other side's",
}


@dataclass(frozen=True, slots=True)
class _Topic:
    """One table. row: the cells of a group of negotiations, below `heads`."""

    caption: str
    heads: Sequence[str]
    row: Callable[[Measures], list[str]]
    note: str = ""

    def table(self, groups: Sequence[Measures]) -> PlainTable:
        rows = []
        for group in groups:
            against = f" against {group.debtor}" if group.debtor else ""
            rows.append([f"{group.creditor}{against}" if group.creditor else "all", *self.row(group)])
        return PlainTable(self.caption, ("creditor", *self.heads), rows, self.note)


def process_tables(groups: Sequence[Measures], scale: Scale) -> list[PlainTable]:
    """Every topic as a table with a line for each group; emotions and reliability are of the first group alone."""
    return [
        *(topic.table(groups) for topic in (_concession(scale), *_TOPICS)),
        *_emotion_matrices(groups[0]),
        _CALIBRATION.table(groups),
        *_reliability(groups[0]),
    ]


def _concession(scale: Scale) -> _Topic:
    return _Topic(
        "Concession",
        [f"{seat[0]} {moment:.0%}" for seat in SEATS for moment in MOMENTS],
        lambda group: [mean_of(curve.points[GRID.index(moment)]) for curve in group.curves for moment in MOMENTS],
        f"c: creditor, d: debtor, at shares of the negotiation's time. {_SCALES[scale]}.",
    )


def _word_cells(group: Measures) -> list[str]:
    speech = group.speech
    troubles = [
        " / ".join(mean_of(speech.troubles[seat][name], "{:.1f}") for seat in SEATS)
        for name in ("forfeits", "reasks", "repairs")
    ]
    kept = [str(speech.promises), with_interval(speech.kept, "{:.0%}")]
    return [with_interval(speech.violations, "{:.1f}"), *kept, with_interval(speech.calmer), *troubles]


def _cost_cells(group: Measures) -> list[str]:
    cells = [with_interval(group.speech.seconds, "{:.3g}")]
    for seat in SEATS:
        costs = [group.speech.costs[seat][name] for name in COSTS]
        forms = ("{:.0f}", "{:.0f}", "{:.0f}", "{:.2f}")
        means = [form.format(cost.mean) for form, cost in zip(forms, costs, strict=True) if cost is not None]
        cells.append(" / ".join(means) if means else NOT_MEASURED)
    return cells


def _emotion_cells(group: Measures) -> list[str]:
    cells = []
    for chain in group.transitions.values():
        known = chain.distance is not None and chain.chance is not None
        cells += [str(chain.pairs), f"{chain.distance:.2f} ({chain.chance:.2f})" if known else "-"]
    return cells


_TOPICS: Final = (
    _Topic(
        "Anchoring, over deals",
        ["deals", "c opens", "d opens", "c holds", "c slope", "d slope"],
        lambda group: [
            str(group.anchoring[0].deals),
            *(mean_of(seat.opening) for seat in group.anchoring),
            with_interval(group.anchoring[0].held),
            *(with_interval(seat.slope) for seat in group.anchoring),
        ],
        "opens: the first offer as a share of the gap between the targets (1: the seat's own); holds: how much of the "
        "way between both first offers the debtor came, the creditor the rest; slope: of the final share on the "
        "opening (-: all open alike).",
    ),
    _Topic(
        "Messages until the deal",
        ["negotiations", "deals", "a quarter", "half", "three quarters"],
        lambda group: [
            str(group.timing.negotiations),
            f"{group.timing.deals / group.timing.negotiations:.0%}",
            *("never" if when is None else str(when) for when in group.timing.quartiles),
        ],
        "After how many messages that share of negotiations has a deal (Kaplan and Meier; other endings are censored).",
    ),
    _Topic(
        "Deals' distance in utilities from the offer game's solutions",
        ["deals", "equilibrium", "Nash, Kalai", "frontier"],
        lambda group: [
            str(group.bargains.deals),
            *map(with_interval, (group.bargains.equilibrium, group.bargains.nash, group.bargains.frontier)),
        ],
    ),
    _Topic(
        "Words: violations and trouble for 100 messages",
        ["violations", "promises", "kept", "de-escalation", "forfeits", "re-asks", "repairs"],
        _word_cells,
        "violations by creditors, promises by debtors in all and the share kept; forfeits, re-asks and repairs of "
        "creditor / debtor.",
    ),
    _Topic(
        "Cost of a message",
        ["seconds in all", "creditor's model", "debtor's model"],
        _cost_cells,
        "A model's: prompt tokens / of them cached / reply tokens / seconds; scripted words cost none.",
    ),
    _Topic(
        "Emotions one after another: distance to people",
        ["c own n", "c own", "c reply n", "c reply", "d own n", "d own", "d reply n", "d reply"],
        _emotion_cells,
        "Total variation to how emotions follow each other between people (MELD, DailyDialog), 0 to 1; in brackets: "
        "what chance alone would make of so many. own: a seat's next message; reply: its answer to the other's. "
        "Creditors by what they showed, debtors by what the creditor read.",
    ),
)


def _emotion_matrices(group: Measures) -> list[PlainTable]:
    """Both seats' own transitions beside those between people, in percent."""
    names = [name[:4] for name in EMOTIONS7]
    heads = ("from", *names, "n", *(f"({name})" for name in names))
    tables = []
    for seat, words in zip(SEATS, ("shown by creditors", "read in debtors' words"), strict=True):
        chain = group.transitions[seat, "own"]
        if not chain.pairs:
            continue
        rows = []
        for name, shares, counts, people in zip(EMOTIONS7, chain.shares(), chain.counts, human("own"), strict=True):
            own = ["-"] * len(EMOTIONS7) if shares is None else [f"{100 * share:.0f}" for share in shares]
            rows.append([name, *own, str(counts.sum()), *(f"{100 * share:.0f}" for share in people)])
        tables.append(PlainTable(f"Next emotion {words}, in %; in brackets: people", heads, rows))
    return tables


def _calibration_cells(group: Measures) -> list[str]:
    cells = []
    for forecast in group.calibration.values():
        if forecast is None:
            cells += ["0", "-", "-", "-"]
            continue
        brier = f"{forecast.brier.mean:.2f} ({forecast.base:.2f})"
        cells += [str(forecast.forecasts), f"{forecast.hits:.0%}", brier, f"{forecast.ece:.2f}"]
    return cells


_CALIBRATION: Final = _Topic(
    "Calibration of the creditor's reading",
    ["states n", "hits", "Brier", "ECE", "emotions n", "hits", "Brier", "ECE"],
    _calibration_cells,
    "states: the tracker's belief against a simulated debtor's hidden state; emotions: the detector's against what the "
    "debtor meant to show. Brier in brackets: the score of a forecast that knows only how often each occurs.",
)


def _reliability(group: Measures) -> list[PlainTable]:
    """How often the likeliest class was right, by how likely it was held to be."""
    tables = []
    for of, forecast in group.calibration.items():
        if forecast is not None:
            rows = [[f"{one.confidence:.2f}", f"{one.hits:.2f}", str(one.forecasts)] for one in forecast.bins]
            caption = f"Reliability of {'beliefs about states' if of == 'states' else 'read emotions'}"
            tables.append(PlainTable(caption, ("held likely", "was so", "forecasts"), rows))
    return tables
