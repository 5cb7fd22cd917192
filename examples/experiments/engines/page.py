"""The experiment's page: tables, drawings and verdicts, from the stored rows alone."""

from __future__ import annotations

import platform
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import figures
import numpy as np

from poise import __version__
from poise.tournaments.statistics.bootstrap import Estimate, Sums, estimate_all
from poise.tournaments.storage.rows import Row
from poise.tournaments.storage.store import Store

FIXED = "fixed:"
BEST_FIXED = "best fixed"
CHEATS = "oracle"
AIM = 0.03
NOTHING = Estimate(np.nan, None, None)


class Results:
    """Creditors' utilities as an array, shape (creditors, debtors, scenarios, repeats)."""

    def __init__(self, folder: Path, names: dict[str, str], seed: int) -> None:
        with Store.read(folder) as store:
            header, rows = store.header(), list(store.rows())
        labels = [str(one["label"]) for one in header.creditors]
        self.creditors = [names.get(label, label) for label in labels]
        self.debtors = [str(one["label"]) for one in header.debtors]
        self.seed = seed
        self.failed = sum(row.ending == "failed" for row in rows)
        self.utility = self._grid(rows, [row.creditor_utility for row in rows])
        self.deal = self._grid(rows, [float(row.ending == "deal") for row in rows])
        self.rounds = self._grid(rows, [float(row.rounds) for row in rows])
        calm = [np.nan if row.de_escalation is None else row.de_escalation for row in rows]
        self.calm = self._grid(rows, calm)
        self.violations = self._grid(rows, [float(row.creditor_violations) for row in rows])
        self.promises = self._grid(rows, [float(row.debtor_promises) for row in rows])
        self.broken = self._grid(rows, [float(row.debtor_broken) for row in rows])
        if np.isnan(self.utility).any():
            raise SystemExit(f"{folder} is not finished; run the experiment again, and it goes on")

    def _grid(self, rows: Sequence[Row], values: Sequence[float]) -> np.ndarray:
        shape = (len(self.creditors), len(self.debtors), *(1 + max(getattr(row, name) for row in rows)
                 for name in ("scenario", "repeat")))  # fmt: skip
        grid = np.full(shape, np.nan)
        for row, value in zip(rows, values, strict=True):
            grid[row.creditor, row.debtor, row.scenario, row.repeat] = value
        return grid

    def of(self, name: str) -> np.ndarray:
        """The utilities of one creditor, shape (debtors, scenarios, repeats)."""
        return self.utility[self.creditors.index(self.best_fixed() if name == BEST_FIXED else name)]

    def fixed(self) -> list[str]:
        """The creditors that show one emotion, the best first."""
        names = [name for name in self.creditors if name.startswith(FIXED)]
        return sorted(names, key=lambda name: -self.utility[self.creditors.index(name)].mean())

    def best_fixed(self) -> str:
        """The best of them, in hindsight."""
        return self.fixed()[0]

    def ranked(self) -> list[str]:
        """The engines and the best fixed emotion, the best first."""
        names = [name for name in self.creditors if not name.startswith(FIXED)]
        return sorted([*names, self.best_fixed()], key=lambda name: -self.of(name).mean())

    def gain(self, better: str, than: str, debtors: Sequence[str] = ()) -> Estimate:
        """Mean paired difference in utility, over `debtors` or all, with its 95 % interval over scenarios."""
        chosen = [self.debtors.index(name) for name in debtors or self.debtors]
        values = (self.of(better) - self.of(than))[chosen]
        scenarios = np.broadcast_to(np.arange(values.shape[1])[None, :, None], values.shape).ravel()
        return estimate_all([Sums.of_pairs(scenarios, values.ravel(), values.shape[1])], self.seed)[0] or NOTHING


def write_page(settings: dict[str, Any], found: Sequence[Results], page: Path, seconds: float) -> None:
    """Write the page and its drawings beside it; `found` are the whole field and the simulated debtor alone."""
    field, world = found
    reference = settings["reference"]
    gains = {name: field.gain(name, reference) for name in field.creditors if name != reference}
    others = [name for name in field.ranked() if name != reference]
    figures.forest(
        page.with_name("engines-gain.svg"), others, [gains[name] for name in others], f"utility gained over {reference}"
    )
    figures.forest(
        page.with_name("engines-fixed.svg"),
        [name.removeprefix(FIXED) for name in field.fixed()],
        [gains[name] for name in field.fixed()],
        f"utility gained over {reference} by always showing one emotion",
    )
    cells = np.array([(field.of(name) - field.of(reference)).mean(axis=(1, 2)) for name in others])
    title = f"mean utility gained over {reference}, by debtor"
    figures.heat(page.with_name("engines-debtors.svg"), others, field.debtors, cells, title)
    lines = [
        *_head(settings, field, seconds),
        *_table(field, gains, reference),
        *_widths(gains.values()),
        *_debtors(field, others, reference),
        *_fixed(field, gains),
        *_world(world, reference),
        *_claims(settings, field),
        *_limits(),
    ]
    page.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _head(settings: dict[str, Any], results: Results, seconds: float) -> list[str]:
    _, debtors, scenarios, repeats = results.utility.shape
    count = len(results.creditors)
    took = f", in {seconds:.0f} seconds on {_cores()} cores" if seconds else ""
    return [
        "# Every engine against every debtor",
        "",
        *([settings["caution"].strip(), ""] if "caution" in settings else []),
        "Written by the experiment itself; do not edit. To play it again, trainings included:",
        "",
        "    python examples/experiments/engines/run.py",
        "",
        f"{count} creditors, {debtors} debtors, {scenarios} held-out scenarios (`{settings['scenarios']}`), {repeats} "
        f"seeds each: {results.utility.size:,} negotiations without a model{took}; {results.failed} failed. The words "
        "come from templates, and the detector reads them as it would read a model's. Trained engines had "
        f"{settings['training']['budget']:,} negotiations each on `{settings['training']['scenarios']}`, against all "
        f"these debtors in turn. Seed {settings['seed']}, Poise {__version__}, Python {platform.python_version()}.",
        "",
    ]


def _cores() -> int:
    import os

    return os.cpu_count() or 1


def _table(results: Results, gains: dict[str, Estimate], reference: str) -> list[str]:
    lines = [
        "## Who gets how much",
        "",
        f"Utility is the creditor's, 0 to 1, 0 without a deal. Gains are over `{reference}` on the same scenario, seed "
        "and debtor; intervals are 95 %, over scenarios. Calmer is de-escalation: how much less negative "
        "the debtor sounded late than early. Violations are of the rules of conduct, in all messages.",
        "",
        "| engine | utility | gain | interval | deals | messages | calmer | violations |",
        "|---|---:|---:|:---:|---:|---:|---:|---:|",
    ]
    for name in results.ranked():
        place = results.creditors.index(name)
        gain = "|" if name == reference else f"{gains[name].mean:+.3f} | {_interval(gains[name])}"
        told = f"{name} (the best of 28, in hindsight)" if name.startswith(FIXED) else name
        told += " (knows only `simulated` from within)" if name == CHEATS else ""
        lines.append(
            f"| {told} | {results.utility[place].mean():.3f} | {gain} | {results.deal[place].mean():.0%} | "
            f"{results.rounds[place].mean():.1f} | {np.nanmean(results.calm[place]):+.3f} | "
            f"{results.violations[place].sum():.0f} |"
        )
    return [*lines, "", "![Gains with intervals](engines-gain.svg)", ""]


def _widths(gains: Iterable[Estimate]) -> list[str]:
    reaches = [(gain.high - gain.low) / 2 for gain in gains]
    return [
        f"These paired intervals reach {np.median(reaches):.3f} to either side in the median and {max(reaches):.3f} at "
        f"most ({AIM} was aimed at; {sum(reach < AIM for reach in reaches)} of {len(reaches)} stay below).",
        "",
    ]


def _debtors(results: Results, others: list[str], reference: str) -> list[str]:
    lines = ["## Against whom", "", "![Gain by debtor](engines-debtors.svg)", ""]
    for debtor in results.debtors:
        gains = {name: results.gain(name, reference, [debtor]) for name in others if name != CHEATS}
        best, gain = max(gains.items(), key=lambda item: item[1].mean)
        base = results.of(reference)[results.debtors.index(debtor)].mean()
        lines.append(f"- {debtor}: `{reference}` gets {base:.3f}; best is {best}, {gain.mean:+.3f} {_interval(gain)}")
    return [*lines, "", *_promises(results), ""]


def _promises(results: Results) -> list[str]:
    """Who gave its word, and kept it."""
    made, broken = (counts.sum(axis=(0, 2, 3)) for counts in (results.promises, results.broken))
    told = [
        f"{debtor} gave its word on {made[place]:,.0f} offers and went back on {broken[place] / made[place]:.0%}"
        for place, debtor in enumerate(results.debtors)
        if made[place]
    ]
    return [f"Promises: {'; '.join(told)}."] if told else []


def _fixed(results: Results, gains: dict[str, Estimate]) -> list[str]:
    names = results.fixed()
    by_debtor = {}
    for place, debtor in enumerate(results.debtors):
        best = max(names, key=lambda name: results.utility[results.creditors.index(name), place].mean())
        by_debtor.setdefault(best.removeprefix(FIXED), []).append(debtor)
    told = "; ".join(f"{emotion} against {', '.join(debtors)}" for emotion, debtors in by_debtor.items())
    return [
        "## One emotion throughout",
        "",
        f"Best over all debtors is {names[0].removeprefix(FIXED)} ({gains[names[0]].mean:+.3f}), worst "
        f"{names[-1].removeprefix(FIXED)} ({gains[names[-1]].mean:+.3f}). No emotion is best against "
        f"everybody: {told}.",
        "",
        "![One emotion throughout](engines-fixed.svg)",
        "",
    ]


def _world(results: Results, reference: str) -> list[str]:
    """The simulated debtor alone: who comes how close to the oracle."""
    gains = {name: results.gain(name, reference) for name in results.ranked() if name != reference}
    gap = gains[CHEATS].mean
    lines = [
        "## The simulated debtor, and how far an engine could go",
        "",
        f"{results.utility[0].size:,} matches each against `simulated` alone. The oracle is shown its hidden state; "
        f"what it gains, {gap:+.3f}, is the room there is for reading emotion.",
        "",
        f"| engine | gain over `{reference}` | interval | of the room |",
        "|---|---:|:---:|---:|",
        *[f"| {name} | {gain.mean:+.3f} | {_interval(gain)} | {gain.mean / gap:.0%} |" for name, gain in gains.items()],
        "",
    ]
    return lines + _widths(gains.values())


def _claims(settings: dict[str, Any], results: Results) -> list[str]:
    lines = [
        "## Which published claims hold here",
        "",
        "A claim holds when the interval of the paired difference lies above zero, fails when it lies below, and is "
        "open otherwise. This world is not the papers': no model speaks, and debtors are Poise's own.",
        "",
        "| paper | claim | compared | difference | verdict |",
        "|---|---|---|---|---|",
    ]
    for claim in settings["claim"]:
        gain = results.gain(claim["better"], claim["than"], claim.get("debtors", ()))
        verdict = "holds" if gain.low > 0 else "fails" if gain.high < 0 else "open"
        compared = f"{claim['better']} less {claim['than']}"
        lines.append(
            f"| {claim['paper']} | {claim['says']} | {compared} | {gain.mean:+.3f} {_interval(gain)} | **{verdict}** |"
        )
    return [*lines, ""]


def _limits() -> list[str]:
    return [
        "Size claims (a 7B model with EQ-Negotiator beats models ten times larger; EmoDebt's success of 99.7 % and "
        "gain of 46.2 %) are about language models and are not tested without one.",
        "",
        "## What this does not show",
        "",
        "Debtors were written by hand (their reactions with sources and assumptions are in `poise/agents/personas/`) "
        "or drawn from a simulated world; neither was fitted to how people in debt behave. An engine that wins here "
        "has learned this world. The best fixed emotion was chosen on the matches it is judged on, which favours it.",
    ]


def _interval(estimate: Estimate) -> str:
    return f"[{estimate.low:+.3f}, {estimate.high:+.3f}]"
