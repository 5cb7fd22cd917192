"""Process figures as tables of text, for the terminal and for notebooks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

from poise.agents.emotions.taxonomy import EMOTIONS7
from poise.games.moves import SEATS
from poise.tournaments.html_tables import PlainTable, html_tables
from poise.tournaments.process.calibration import Calibration
from poise.tournaments.process.concession import GRID
from poise.tournaments.process.measure import Measures, Process
from poise.tournaments.process.speech import COSTS
from poise.tournaments.process.transitions import EmotionTransitions, human
from poise.tournaments.statistics.bootstrap import FEW, Estimate

MOMENTS: Final = (0.2, 0.5, 0.8, 1.0)
NOT_MEASURED: Final = "not measured"
_SCALES: Final = {
    "offers": "0: its own first offer, 1: the other side's",
    "targets": "0: its own target, 1: the other side's",
}
_Row = Callable[[Measures], list[str]]


def tables(process: Process, *, pairs: bool = False) -> list[PlainTable]:
    """Every topic as a table: a line for all, for each creditor, and with `pairs` for each pair."""
    if not pairs:
        process = replace(process, pairs=())
    return [
        _table(process, *_concession(process)),
        _table(process, *_ANCHORING),
        _table(process, *_TIMING),
        _table(process, *_BARGAINS),
        _table(process, *_WORDS),
        _table(process, *_COSTS),
        _table(process, *_EMOTIONS),
        *_matrices(process.pooled),
        _table(process, *_CALIBRATION),
        *_reliability(process.pooled),
    ]


def html(process: Process) -> str:
    """The tables for a notebook."""
    return html_tables(tables(process), _footnote(process))


def _footnote(process: Process) -> str:
    failed = f" {process.failed} talks failed and are left out." if process.failed else ""
    few = f" With fewer than {FEW} scenarios the intervals are too narrow." if process.scenarios < FEW else ""
    return (
        f"{process.talks:,} talks on {process.scenarios} scenarios.{failed} After the means: 95 % intervals, by "
        f"bootstrap over scenarios.{few} What each figure means: docs/process.md."
    )


def _table(process: Process, caption: str, heads: Sequence[str], row: _Row, note: str = "") -> PlainTable:
    whole = (process.pooled, *(process.creditors if len(process.creditors) > 1 else ()), *process.pairs)
    rows = [[_name(one), *row(one)] for one in whole]
    return PlainTable(caption, ("creditor", *heads), rows, note)


def _name(one: Measures) -> str:
    if one.creditor is None:
        return "all"
    return one.creditor if one.debtor is None else f"{one.creditor} against {one.debtor}"


def number(one: Estimate | None, form: str = "{:.2f}") -> str:
    """A mean and its interval: 0.42 (0.37 to 0.47)."""
    if one is None:
        return "-"
    if one.low is None or one.high is None:
        return form.format(one.mean)
    return f"{form.format(one.mean)} ({form.format(one.low)} to {form.format(one.high)})".replace("-", "\N{MINUS SIGN}")


def _mean(one: Estimate | None, form: str) -> str:
    return "-" if one is None else form.format(one.mean)


def _concession(process: Process) -> tuple[str, list[str], _Row, str]:
    heads = [f"{seat[0]} {moment:.0%}" for seat in SEATS for moment in MOMENTS]

    def row(one: Measures) -> list[str]:
        return [_mean(curve.points[GRID.index(moment)], "{:.2f}") for curve in one.curves for moment in MOMENTS]

    note = f"c: creditor, d: debtor, at shares of the time of the talks. {_SCALES[process.scale]}."
    return "Concession", heads, row, note


def _anchoring(one: Measures) -> list[str]:
    creditor, debtor = one.anchoring
    opens = [_mean(seat.opening, "{:.2f}") for seat in one.anchoring]
    return [str(creditor.deals), *opens, number(creditor.held), number(creditor.slope), number(debtor.slope)]


_ANCHORING: Final = (
    "Anchoring, over deals",
    ["deals", "c opens", "d opens", "c holds", "c slope", "d slope"],
    _anchoring,
    "opens: the first offer as a share of the gap between the targets (1: one's own); holds: how much of the way "
    "between both first offers the debtor came, the creditor the rest; slope: of the final share on the opening (-: "
    "all open alike).",
)


def _timing(one: Measures) -> list[str]:
    told = one.timing
    quartiles = ["never" if when is None else str(when) for when in told.quartiles]
    return [str(told.talks), f"{told.deals / told.talks:.0%}", *quartiles]


_TIMING: Final = (
    "Messages until the deal",
    ["talks", "deals", "a quarter", "half", "three quarters"],
    _timing,
    "After how many messages that share of talks has a deal (Kaplan and Meier; other endings are censored).",
)


def _bargains(one: Measures) -> list[str]:
    told = one.bargains
    return [str(told.deals), *(number(each) for each in (told.equilibrium, told.nash, told.frontier))]


_BARGAINS: Final = (
    "Deals' distance in utilities from the offer game's solutions",
    ["deals", "equilibrium", "Nash, Kalai", "frontier"],
    _bargains,
)


def _words(one: Measures) -> list[str]:
    told = one.speech
    troubles = [
        " / ".join(_mean(told.troubles[seat][name], "{:.1f}") for seat in SEATS)
        for name in ("forfeits", "reasks", "repairs")
    ]
    kept = [str(told.promises), number(told.kept, "{:.0%}")]
    return [number(told.violations, "{:.1f}"), *kept, number(told.calmer), *troubles]


_WORDS: Final = (
    "Words: violations and trouble for 100 messages",
    ["violations", "promises", "kept", "de-escalation", "forfeits", "re-asks", "repairs"],
    _words,
    "violations by creditors, promises by debtors in all and the share kept; forfeits, re-asks and repairs of "
    "creditor / debtor.",
)


def _costs(one: Measures) -> list[str]:
    told = one.speech
    each = []
    for seat in SEATS:
        costs = [told.costs[seat][name] for name in COSTS]
        forms = ("{:.0f}", "{:.0f}", "{:.0f}", "{:.2f}")
        means = [form.format(cost.mean) for form, cost in zip(forms, costs, strict=True) if cost is not None]
        each.append(" / ".join(means) if means else NOT_MEASURED)
    return [number(told.seconds, "{:.3g}"), *each]


_COSTS: Final = (
    "Cost of a message",
    ["seconds in all", "creditor's model", "debtor's model"],
    _costs,
    "A model's: prompt tokens / of them cached / reply tokens / seconds; scripted words cost none.",
)


def _emotions(one: Measures) -> list[str]:
    return [cell for told in one.transitions.values() for cell in (str(told.pairs), _distance(told))]


def _distance(told: EmotionTransitions) -> str:
    if told.distance is None or told.chance is None:
        return "-"
    return f"{told.distance:.2f} ({told.chance:.2f})"


_EMOTIONS: Final = (
    "Emotions one after another: distance to people",
    ["c own n", "c own", "c reply n", "c reply", "d own n", "d own", "d reply n", "d reply"],
    _emotions,
    "Total variation to how emotions follow each other between people (MELD, DailyDialog), 0 to 1; in brackets: what "
    "chance alone would make of so many. own: a seat's next message; reply: its answer to the other's. Creditors by "
    "what they showed, debtors by what the creditor read.",
)


def _matrices(one: Measures) -> list[PlainTable]:
    """Both seats' own transitions beside the human ones, in percent."""
    heads = ("from", *(name[:4] for name in EMOTIONS7), "n", *(f"({name[:4]})" for name in EMOTIONS7))
    found = []
    for seat, words in zip(SEATS, ("shown by creditors", "read in debtors' words"), strict=True):
        told = one.transitions[seat, "own"]
        if told.pairs:
            rows = [_percent(told, place) for place in range(len(EMOTIONS7))]
            caption = f"Next emotion {words}, in %; in brackets: people"
            found.append(PlainTable(caption, heads, rows))
    return found


def _percent(told: EmotionTransitions, place: int) -> list[str]:
    row, people = told.shares()[place], human(told.kind)[place]
    own = ["-"] * len(EMOTIONS7) if row is None else [f"{100 * share:.0f}" for share in row]
    return [EMOTIONS7[place], *own, str(told.counts[place].sum()), *(f"{100 * share:.0f}" for share in people)]


def _calibration(one: Measures) -> list[str]:
    return [cell for told in one.calibration.values() for cell in _calibrated(told)]


def _calibrated(told: Calibration | None) -> list[str]:
    if told is None:
        return ["0", "-", "-", "-"]
    return [str(told.forecasts), f"{told.hits:.0%}", f"{told.brier.mean:.2f} ({told.base:.2f})", f"{told.ece:.2f}"]


_CALIBRATION: Final = (
    "Calibration of the creditor's reading",
    ["states n", "hits", "Brier", "ECE", "emotions n", "hits", "Brier", "ECE"],
    _calibration,
    "states: the tracker's belief against a simulated debtor's hidden state; emotions: the detector's against what the "
    "debtor meant to show. Brier in brackets: of who knows only how often each occurs.",
)


def _reliability(one: Measures) -> list[PlainTable]:
    """How often the likeliest was so, by how likely it was held to be."""
    found = []
    for of, told in one.calibration.items():
        if told is not None:
            rows = [[f"{each.confidence:.2f}", f"{each.hits:.2f}", str(each.forecasts)] for each in told.bins]
            caption = f"Reliability of {'beliefs about states' if of == 'states' else 'read emotions'}"
            found.append(PlainTable(caption, ("held likely", "was so", "forecasts"), rows))
    return found
