"""The experiment's page: tables, drawings and verdicts, from the stored matches alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import figures
import numpy as np
from measures import PARAMETERS, Judged, Regression, conformity, over_worlds, parameters, regress, stability

from poise import __version__
from poise.agents.simulated.prior import read_prior
from poise.tournaments.statistics.bootstrap import Estimate
from poise.training.baselines import CONCEDING

FIXED, BLIND, ENGINE, ORACLE, RANDOM = "best fixed", "best blind", "best engine", "oracle", "random:7"


class Page:
    """Everything that was played, and the page's sections as lines."""

    def __init__(
        self, settings: dict[str, Any], runs: Path, chosen: Mapping[str, str], trained: Mapping[str, Any]
    ) -> None:
        self.settings, self.runs, self.chosen, self.trained = settings, runs, chosen, trained
        self.reference: str = settings["reference"]
        names = {chosen[FIXED]: FIXED, chosen[BLIND]: BLIND}
        if chosen[BLIND] == self.reference:  # then it is the reference itself
            names.pop(self.reference)
        self.drawn, self.permuted, self.null = (
            self._alias(Judged(runs / f"judge-{worlds}", names)) for worlds in ("test", "permuted", "null")
        )
        self.after_training = Judged(runs / "judge-trained", {folder: folder for folder in trained})
        self.crossed = {
            concession: self._alias(Judged(runs / f"judge-{concession}", names))
            for concession in settings["concessions"][1:]
        }
        self.creditors = [*settings["engines"], FIXED, *([BLIND] if BLIND in names.values() else []), ORACLE]
        self.ranked = sorted(
            (name for name in self.creditors if name != self.reference), key=lambda name: -self.drawn.of(name).mean()
        )
        # Ablations are nearly the same engine again: among ranks they would count it several times.
        self.rivals = [name for name in self.creditors if ":no-" not in name and name != ORACLE]

    def _alias(self, judged: Judged) -> Judged:
        """The same, where what was chosen is also found by what it was chosen as."""
        for name, label in self.chosen.items():
            if name not in judged.names and label in judged.names:
                judged.names[name] = judged.names[label]
        return judged

    def label(self, name: str) -> str:
        """What the page calls a creditor, with what was chosen."""
        return f"{name} (`{self.chosen[name]}`)" if name in self.chosen else name

    def head(self) -> list[str]:
        """The first paragraph: the rivals, the unit, and how to play it again."""
        worlds, matches = self.drawn.utility.shape[1:]
        size, training = self.settings["size"], self.settings["worlds"] - worlds
        gains = {name: signed(over_worlds(self.drawn.gain(name, self.reference))) for name in self.ranked}
        blind = (
            f"no concession without emotion was better than `{self.reference}`'s own there"
            if self.chosen[BLIND] == self.reference
            else f"the best of {len(CONCEDING)} concessions without emotion (`{self.chosen[BLIND]}`) {gains[BLIND]}"
        )
        played = (self.drawn, self.permuted, self.null, self.after_training, *self.crossed.values())
        total, failed = sum(each.utility.size for each in played), sum(each.failed for each in played)
        return [
            "# Does strategic emotion survive the choice of world?",
            "",
            f"**The unit is the world.** Every interval here is over {worlds} worlds that were drawn from a declared "
            "prior and in which nobody was chosen or trained. An engine that reads emotions has trivial rivals, and "
            f"they are these: a table of seven entries (`lookup`) gains {gains['lookup']} over `{self.reference}`, "
            f"which shows no emotion; random emotion (`{RANDOM}`) {gains[RANDOM]}; the one emotion of 28 that was "
            f"best in {training} other worlds (`{self.chosen[FIXED]}`) {gains[FIXED]}; and {blind}. The published "
            f"engine that was best in those other worlds, `{self.chosen[ENGINE]}`, gains "
            f"{signed(over_worlds(self.drawn.gain(ENGINE, self.reference)))}, which is "
            f"{signed(over_worlds(self.drawn.gain(ENGINE, 'lookup')))} over the table; the oracle, which sees what "
            f"is hidden, gains {gains[ORACLE]}. Where the same reactions are dealt to other emotions (permuted "
            f"worlds), the table gains {signed(over_worlds(self.permuted.gain('lookup', self.reference)))} and "
            f"random emotion {signed(over_worlds(self.permuted.gain(RANDOM, self.reference)))}.",
            "",
            "Written by the experiment itself; do not edit. To play it again, choices and trainings included:",
            "",
            "<!-- not run: takes most of an hour -->",
            "",
            f"    python examples/experiments/worlds/run.py --size {size}",
            "",
            f"This is the size `{size}`: {worlds} worlds to judge in, {matches} matches of each creditor in each; "
            f"{training} worlds to choose and train in, with {self.settings['chosen']} matches of each candidate; "
            f"{self.permuted.utility.shape[1]} permuted worlds and the null world; {total:,} judged negotiations "
            f"without a model, {failed} failed. `--size full` plays 200 worlds with 200 matches, four concessions "
            "and IQL, and `--quick` a few minutes. Everything that decides the result is in "
            "`examples/experiments/worlds/experiment.toml`, the prior in `poise/agents/simulated/prior.toml`. Seed "
            f"{self.settings['seed']}, Poise {__version__}.",
        ]

    def gains(self, path: Path) -> list[str]:
        """Gains, their distribution over worlds, and regret."""
        picture = path.with_name("worlds-gain.svg")
        figures.strips(
            picture,
            self.ranked,
            *([judged.gain(name, self.reference) for name in self.ranked] for judged in (self.drawn, self.permuted)),
        )
        rows, over, random = [], f"over {self.reference}", f"over {RANDOM}"
        blind = ["over best blind"] if self.chosen[BLIND] != self.reference else []
        for name in self.ranked:
            gain = self.drawn.gain(name, self.reference)
            true = np.sqrt(max(0.0, gain.var(ddof=1) - self.drawn.noise(name, self.reference)))
            low, high = np.quantile(gain, (0.1, 0.9))
            row = [self.label(name), f"{self.drawn.of(name).mean():.3f}", signed(over_worlds(gain))]
            row += [f"{low:+.3f} / {high:+.3f}", f"{(gain > 0).sum()}", f"{true:.3f}"]
            row += [short(self.drawn.gain(name, than)) for than in (RANDOM, *([BLIND] if blind else []))]
            regret = f"{self.drawn.gain(ORACLE, name).mean():.3f}"
            rows.append([*row, regret, short(self.permuted.gain(name, self.reference))])
        return [
            "",
            "## Gains, world by world",
            "",
            f"All concede linearly{', but for the best blind' if blind else ''}. `{self.reference}` gets "
            f"{self.drawn.of(self.reference).mean():.3f}. Intervals are 95 %, by t over worlds. The columns after "
            "it: a tenth of the worlds lie below the one number and a tenth above the other; in how many of "
            f"{self.drawn.utility.shape[1]} worlds the gain is above zero; how far worlds truly differ (standard "
            "deviation, less what matches scatter by chance); the gain over random "
            f"emotion{' and over the best blind creditor' if blind else ''}; the regret, what the oracle gets more; "
            "and the gain in the permuted worlds.",
            "",
            *table(
                ("creditor", "utility", over, "10 / 90 %", "> 0", "true sd", random, *blind, "regret", "permuted"),
                rows,
            ),
            "",
            f"![Gains in each world]({picture.name})",
            "",
            "Permuted worlds deal the same reactions to other emotions, so that every sign a study supports is "
            "thrown away: a stress test and no claim about people. In the null world, where no emotion moves "
            f"anybody, the largest difference between any two creditors that concede alike is {self._null():g}.",
        ]

    def _null(self) -> float:
        alike = [self.null.of(name) for name in self.creditors if name != BLIND]
        return float(np.abs(np.array(alike) - alike[0]).max())

    def concessions(self) -> list[str]:
        """Concession as the second factor."""
        listed = [*self.settings["crossing"], FIXED, ORACLE]
        fields = {self.settings["concessions"][0]: self.drawn, **self.crossed}
        rows = []
        for name in listed:
            cells = []
            for judged in fields.values():
                mean = f"{judged.of(name).mean():.3f}"
                cells.append(mean if name == self.reference else f"{mean} ({short(judged.gain(name, self.reference))})")
            rows.append([self.label(name), *cells])
        return [
            "",
            "## With every concession",
            "",
            f"Utility, and in brackets the gain over `{self.reference}` with the same concession; "
            f"{self.settings['crossed']} matches of each in each world but for `{self.settings['concessions'][0]}`.",
            "",
            *table(("creditor", *fields), rows),
        ]

    def claims(self) -> list[str]:
        """Published claims: over worlds, and in how many of them."""
        rows = []
        for claim in self.settings["claim"]:
            better, than = claim["better"], claim["than"]
            gain = over_worlds(self.drawn.gain(better, than))
            elsewhere = over_worlds(self.permuted.gain(better, than))
            compared = " less ".join(self.chosen.get(name, name) for name in (better, than))
            counts = " / ".join(map(str, self.drawn.verdicts(better, than)))
            rows.append(
                [
                    claim["paper"],
                    claim["says"],
                    compared,
                    signed(gain),
                    f"**{verdict(gain)}**",
                    counts,
                    f"{verdict(elsewhere)} ({elsewhere.mean:+.3f})",
                ]
            )
        return [
            "",
            "## In how many worlds each claim holds",
            "",
            "A claim holds where the interval of the paired difference over worlds lies above zero, fails where it "
            "lies below, and is open otherwise. The counts are of single worlds in which the same is so by t over "
            "matches: one world in forty would hold by chance alone, and open means too few matches as often as no "
            "difference. No correction for the number of claims.",
            "",
            *table(
                (
                    "paper",
                    "claim",
                    "compared",
                    "difference",
                    "verdict",
                    "worlds: holds / open / fails",
                    "permuted worlds",
                ),
                rows,
            ),
        ]

    def ranks(self, path: Path) -> list[str]:
        """Kendall's tau between worlds."""
        drawn, permuted = (stability(judged, self.rivals) for judged in (self.drawn, self.permuted))
        picture = path.with_name("worlds-tau.svg")
        shown = {"the same world": drawn.same, "two drawn worlds": drawn.other, "two permuted worlds": permuted.other}
        figures.histograms(picture, {name: values for name, values in shown.items() if len(values)})
        means = [f"{row.mean():.2f}" if len(row) else "-" for row in shown.values()]
        return [
            "",
            "## Does the ranking survive?",
            "",
            f"Of {len(self.rivals)} creditors (no oracle, no ablations), ranked by one half of the matches "
            f"({self.settings['judged'] // 2}) and by the other: Kendall's tau is {means[0]} on average within one "
            f"world, which is what chance leaves of 1; {means[1]} between two drawn worlds; and {means[2]} between "
            "two permuted ones.",
            "",
            f"![Kendall's tau]({picture.name})",
            *self._winners(),
        ]

    def _winners(self) -> list[str]:
        means = np.array([self.drawn.of(name).mean(axis=1) for name in self.rivals])
        best = [self.rivals[place] for place in means.argmax(axis=0)]
        counts = sorted(((best.count(name), name) for name in set(best)), reverse=True)
        return ["", "Best in the most worlds: " + ", ".join(f"{name} in {count}" for count, name in counts) + "."]

    def training(self, path: Path) -> list[str]:
        """Gain against the number of training worlds."""
        judged, lines, rows = self.after_training, {}, []
        for kind in dict.fromkeys(name for name, _ in self.trained.values()):
            points = []
            for count in self.settings["trained_in"]:
                folders = [folder for folder, about in self.trained.items() if about == (kind, count)]
                each = np.array([judged.gain(folder, self.reference) for folder in folders])
                gain, seeds = over_worlds(each.mean(axis=0)), each.mean(axis=1)
                points.append((count, gain, seeds.tolist()))
                rows.append(
                    [
                        kind,
                        str(count),
                        signed(gain),
                        f"{seeds.min():+.3f} to {seeds.max():+.3f}",
                        f"{(each.mean(axis=0) > 0).sum()}",
                    ]
                )
            lines[kind] = points
        rivals = {name: float(self.drawn.gain(name, self.reference).mean()) for name in ("lookup", FIXED)}
        picture = path.with_name("worlds-training.svg")
        figures.curve(picture, lines, rivals)
        left_out = (
            "" if self.settings["iql_negotiations"] else " IQL is left out at this size; the full one trains it too."
        )
        return [
            "",
            "## Trained in more worlds",
            "",
            f"Trained with {self.settings['q_negotiations']:,} negotiations in all, in 1 to "
            f"{self.settings['trained_in'][-1]} of the training worlds, with "
            f"{len(self.settings['training']['seeds'])} seeds each, and judged in worlds that they had not seen "
            f"({self.settings['trained']} matches each). The interval is over worlds, of the mean over seeds; beside "
            f"it is the range of the seeds' own means.{left_out}",
            "",
            *table(("trained", "worlds", f"over {self.reference}", "seeds", "worlds > 0"), rows),
            "",
            f"![Gain against training worlds]({picture.name})",
        ]

    def deciding(self) -> list[str]:
        """What decides the gains and the ranking: a regression on the worlds' parameters."""
        prior = read_prior(Path(self.settings["prior"]) if self.settings["prior"] else None)
        given = parameters(self.runs / "sample" / "test", prior.like)
        targets = {
            f"gain of {self.chosen[ENGINE]}": self.drawn.gain(ENGINE, self.reference),
            "gain of lookup": self.drawn.gain("lookup", self.reference),
            "over lookup": self.drawn.gain(ENGINE, "lookup"),
            "room (oracle)": self.drawn.gain(ORACLE, self.reference),
            "tau with the mean ranking": conformity(self.drawn, self.rivals),
        }
        fits = {name: regress(target, given) for name, target in targets.items()}
        if None in fits.values():
            return [
                "",
                "## What decides",
                "",
                f"{len(given)} worlds are too few to say what decides with {len(PARAMETERS)} parameters.",
            ]
        rows = [[name, *(slope(fit, place) for fit in fits.values() if fit)] for place, name in enumerate(PARAMETERS)]
        rows.append(["R² (adjusted)", *(f"{fit.r2:.2f} ({fit.adjusted:.2f})" for fit in fits.values() if fit)])
        return [
            "",
            "## What decides",
            "",
            f"Least squares over {len(given)} worlds: the change for one standard deviation of each parameter among "
            "them, with 95 % intervals; in bold where they leave out zero (one in twenty would by chance). Signs "
            "turned is the share of all pull whose sign is not that of the base world.",
            "",
            *table(("parameter", *fits), rows),
        ]

    def limits(self) -> list[str]:
        """What it does not show."""
        return [
            "",
            "## What this does not show",
            "",
            "How people would react. Signs come from studies of other people in other settings, or are assumptions; "
            "sizes, pace and patience are uniform ranges that say how little is known. No model speaks: words are "
            "templates that the detector reads nearly always as they were meant, which favours all engines that "
            "read. Engines that learn do so within the matches of one world. EvoEmo and EmoDebt play the chains "
            "they start from, neither evolved nor tuned. The engines are Poise's corrected forms unless they are "
            "called faithful. The table of seven entries was written with the base world in sight, and so knows its "
            "signs, as every engine's author knew the signs in the literature.",
        ]


def write_page(
    settings: dict[str, Any], runs: Path, chosen: Mapping[str, str], trained: Mapping[str, tuple[str, int]], path: Path
) -> None:
    """Write the page and its drawings beside it."""
    page = Page(settings, runs, chosen, trained)
    parts: Iterable[list[str]] = (
        page.head(), page.gains(path), page.concessions(), page.claims(), page.ranks(path), page.training(path),
        page.deciding(), page.limits(),
    )  # fmt: skip
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(line for part in parts for line in part) + "\n", encoding="utf-8")


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """A Markdown table."""
    lines = [heads, ["---"] * len(heads), *rows]
    return ["| " + " | ".join(line) + " |" for line in lines]


def signed(gain: Estimate) -> str:
    """A difference with its interval."""
    if gain.low is None or gain.high is None:
        return f"{gain.mean:+.3f}"
    return f"{gain.mean:+.3f} [{gain.low:+.3f}, {gain.high:+.3f}]"


def short(gains: np.ndarray) -> str:
    """A mean over worlds and how far its interval reaches."""
    gain = over_worlds(gains)
    return f"{gain.mean:+.3f}" if gain.high is None else f"{gain.mean:+.3f} ± {gain.high - gain.mean:.3f}"


def slope(fit: Regression, place: int) -> str:
    """One coefficient with its reach, in bold where that leaves out zero."""
    value, reach = fit.slopes[place], fit.reach[place]
    mark = "**" if abs(value) > reach else ""
    return f"{mark}{value:+.3f}{mark} ± {reach:.3f}"


def verdict(gain: Estimate) -> str:
    """Holds, fails or open."""
    if gain.low is None or gain.high is None:
        return "open"
    return "holds" if gain.low > 0 else "fails" if gain.high < 0 else "open"
