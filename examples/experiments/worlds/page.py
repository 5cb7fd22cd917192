"""The experiment's page: tables, drawings and verdicts, made only from the stored matches."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import figures
import numpy as np
from measures import Judged, Regression, beyond_chance, chance, conformity, over_worlds, parameters, regress, stability
from measures import verdicts as counted

sys.path.append(str(Path(__file__).parents[1]))  # where the experiments' pages share theirs
from pages import signed, table

from poise import __version__
from poise.agents.simulated.prior import read_prior
from poise.tournaments.statistics.bootstrap import Estimate
from poise.tournaments.statistics.selection import over_trainings
from poise.training.baselines import CONCEDING

FIXED, BLIND, ENGINE, ORACLE, RANDOM, TABLE = "best fixed", "best blind", "best engine", "oracle", "random:7", "lookup"
EQ, WITHOUT = "eq-negotiator", ":no-"


class Page:
    """All that was played, and the page's sections as lines."""

    def __init__(
        self,
        settings: dict[str, Any],
        runs: Path,
        chosen: Mapping[str, str],
        trained: Mapping[str, tuple[str, int]],
    ) -> None:
        self.settings, self.runs, self.chosen = settings, runs, chosen
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
        self.noisy = {
            level: self._alias(Judged(runs / f"judge-noisy-{level}", names)) for level in settings["noise"]["levels"]
        }
        self.trained: dict[str, dict[int, list[str]]] = {}  # folders, one a seed, by what they are and number of worlds
        for folder, (kind, count) in trained.items():
            self.trained.setdefault(kind, {}).setdefault(count, []).append(folder)
        self.creditors = [*settings["engines"], FIXED, *([BLIND] if BLIND in names.values() else []), ORACLE]
        self.ranked = sorted(
            (name for name in self.creditors if name != self.reference), key=lambda name: -self.drawn.of(name).mean()
        )
        # Ablations are nearly the same engine again: among ranks they would count it several times.
        self.rivals = [name for name in self.creditors if WITHOUT not in name and name != ORACLE]

    def _alias(self, judged: Judged) -> Judged:
        """The same mapping, in which a chosen creditor is also found by the role it was chosen for."""
        for name, label in self.chosen.items():
            if name not in judged.names and label in judged.names:
                judged.names[name] = judged.names[label]
        return judged

    def label(self, name: str) -> str:
        """The page's name of a creditor, with the choice made for it."""
        return f"{name} (`{self.chosen[name]}`)" if name in self.chosen else name

    def gain(self, name: str, than: str = "") -> Estimate:
        """The gain of a creditor over another, or over the reference, in the drawn worlds."""
        return over_worlds(self.drawn.gain(name, than or self.reference))

    def difference(self, better: str, than: str) -> np.ndarray:
        """Match by match, shape (worlds, matches); for one trained in the most worlds, the mean over its seeds.

        All tournaments in the same worlds have the same seeds, so that their matches form pairs up to the shorter one.
        """

        def of(name: str) -> np.ndarray:
            if name in self.trained:
                folders = self.trained[name][max(self.trained[name])]
                return np.mean([self.after_training.of(folder) for folder in folders], axis=0)
            return self.drawn.of(name)

        one, two = of(better), of(than)
        both = min(one.shape[1], two.shape[1])
        return one[:, :both] - two[:, :both]

    def head(self) -> list[str]:
        """The unit, the choices, the main results, and how to repeat the experiment."""
        settings, (worlds, matches) = self.settings, self.drawn.utility.shape[1:]
        training = settings["worlds"] - worlds
        sets = self.drawn, self.permuted, self.null, self.after_training
        played = (*sets, *self.crossed.values(), *self.noisy.values())
        total, failed = sum(each.utility.size for each in played), sum(each.failed for each in played)
        return [
            "# Does strategic emotion survive the choice of world?",
            "",
            f"**The unit is the world.** Every interval here is over {worlds} worlds that were drawn from a declared "
            "prior, and says what is to be expected in another world of that prior. In them nobody was chosen or "
            f"trained: in {training} other worlds the best fixed emotion of 28 was chosen (`{self.chosen[FIXED]}`), "
            f"the best of {len(CONCEDING)} concessions without emotion (`{self.chosen[BLIND]}`) and the best of "
            f"{len(settings['published'])} published engines (`{self.chosen[ENGINE]}`), and in these the learners "
            f"were trained. **What stands after the trivial rivals**: {self._standing()}.",
            "",
            *self._short(),
            "",
            "Written by the experiment itself; do not edit. To play it again, choices and trainings included:",
            "",
            "<!-- not run: takes up to hours -->",
            "",
            f"    python examples/experiments/worlds/run.py --size {settings['size']}",
            "",
            f"This is the size `{settings['size']}`: {worlds} worlds to judge in, {matches} matches of each creditor "
            f"in each; {training} worlds to choose and train in, with {settings['chosen']} matches of each candidate; "
            f"{self.permuted.utility.shape[1]} permuted worlds and the null world; {total:,} judged negotiations "
            f"without a model, {failed} failed. The sizes, and everything else that decides the result, are in "
            "`examples/experiments/worlds/experiment.toml`, the prior in `poise/agents/simulated/prior.toml`. Seed "
            f"{settings['seed']}, Poise {__version__}.",
        ]

    def _standing(self) -> str:
        """How many published engines are significantly above each baseline that reads nothing, and which."""
        trivial = {self.reference, "random", RANDOM, TABLE}
        engines = [name for name in self.settings["engines"] if name not in trivial and WITHOUT not in name]
        rivals = {
            f"`{self.reference}`, without emotion": self.reference,
            "the best concession without emotion": BLIND,
            f"random emotion (`{RANDOM}`)": RANDOM,
            "the best fixed emotion": FIXED,
            f"a table of seven entries (`{TABLE}`)": TABLE,
        }
        told = []
        for words, rival in rivals.items():
            if rival == BLIND and self.chosen[BLIND] == self.reference:
                continue
            above = beyond_chance([self.drawn.gain(name, rival) for name in engines])
            names = ", ".join(f"`{name}`" for name, one in zip(engines, above, strict=True) if one)
            told.append(f"{sum(above)} earn more than {words}" + (f" ({names})" if 0 < sum(above) < 4 else ""))
        forms = f"of {len(engines)} engines, corrected and as released, "
        return forms + "; ".join(told) + " (by t over worlds at 5 %, corrected for all engines)"

    def _short(self) -> list[str]:
        """The results in sentences, as docs/science.md repeats them."""
        above, _, below = counted(self.difference(ENGINE, TABLE))
        worlds = len(self.drawn.of(TABLE))
        parts = [
            f"{name.partition(WITHOUT)[2]} {signed(self.gain(EQ, name))}"
            for name in self.creditors
            if name.startswith(EQ + WITHOUT)
        ]
        blind = (
            "no concession without emotion was better than its own"
            if self.chosen[BLIND] == self.reference
            else f"the best concession without emotion gains {signed(self.gain(BLIND))}"
        )
        lines = [
            f"**What emotion is worth**: the oracle, which sees what is hidden, gains {signed(self.gain(ORACLE))} over "
            f"`{self.reference}`; {blind}.",
            f"**The table of seven entries** gains {signed(self.gain(TABLE))}. The published engine that was best in "
            f"other worlds, `{self.chosen[ENGINE]}`, gains {signed(self.gain(ENGINE))}, which is "
            f"{signed(self.gain(ENGINE, TABLE))} over the table: clearly above it in {above} of {worlds} worlds, "
            f"clearly below in {below}.",
            f"**Random emotion** gains {signed(self.gain(RANDOM))}; `{EQ}` is {signed(self.gain(EQ, RANDOM))} above "
            f"it, and {signed(self.gain(EQ, FIXED))} above the best fixed emotion, which gains "
            f"{signed(self.gain(FIXED))}.",
            "**Signs**: where the same reactions are dealt to other emotions (permuted worlds), the table gains "
            f"{signed(over_worlds(self.permuted.gain(TABLE, self.reference)))}, and random emotion "
            f"{signed(over_worlds(self.permuted.gain(RANDOM, self.reference)))}.",
            *[
                f"**More training worlds**: {kind} gains {signed(self._over_seeds(kind, min(of)))} from {min(of)} "
                f"world, {signed(self._over_seeds(kind, max(of)))} from {max(of)}, which is "
                f"{signed(self._over_seeds(kind, max(of), TABLE))} over the table."
                for kind, of in self.trained.items()
                if len(of) > 1
            ],
            f"**The parts of EQ-Negotiator**, as what it earns more than without: {', '.join(parts)}.",
        ]
        return [f"- {line}" for line in lines]

    def gains(self, path: Path) -> list[str]:
        """Gains, their distribution over worlds, and regret."""
        picture = path.with_name("worlds-gain.svg")
        figures.strips(
            picture,
            self.ranked,
            *([judged.gain(name, self.reference) for name in self.ranked] for judged in (self.drawn, self.permuted)),
        )
        apart = self.chosen[BLIND] != self.reference
        than = {RANDOM: f"over {RANDOM}", **({BLIND: "over best blind"} if apart else {})}
        rows = []
        for name in self.ranked:
            difference = self.drawn.difference(name, self.reference)
            gain = difference.mean(axis=1)
            true = np.sqrt(max(0.0, gain.var(ddof=1) - chance(difference)))
            low, high = np.quantile(gain, (0.1, 0.9))
            row = [self.label(name), f"{self.drawn.of(name).mean():.3f}", signed(over_worlds(gain))]
            row += [f"{low:+z.3f} / {high:+z.3f}", f"{(gain > 0).sum()}", f"{true:.3f}"]
            row += [short(self.drawn.gain(name, rival)) for rival in than]
            regret = f"{self.drawn.gain(ORACLE, name).mean():.3f}"
            rows.append([*row, regret, short(self.permuted.gain(name, self.reference))])
        heads = ["creditor", "utility", f"over {self.reference}", "10 / 90 %", "> 0", "true sd", *than.values()]
        return [
            "",
            "## Gains, world by world",
            "",
            f"All concede linearly{', but for the best blind' if apart else ''}. `{self.reference}` gets "
            f"{self.drawn.of(self.reference).mean():.3f}{'' if apart else ', and is the best blind creditor, too'}. "
            "Intervals are 95 %, by t over worlds. The columns after it: a tenth of the worlds lie below the one "
            f"number and a tenth above the other; in how many of {len(self.drawn.of(self.reference))} worlds the gain "
            "is above zero; how far worlds truly differ (standard deviation, less what matches scatter by chance); the "
            f"gain over random emotion{' and over the best blind creditor' if apart else ''}; the regret, what the "
            "oracle gets more; and the gain in the permuted worlds.",
            "",
            *table((*heads, "regret", "permuted"), rows),
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
        """Published claims: over worlds, and in how many worlds they hold."""
        rows = []
        for claim in self.settings["claim"]:
            better, than = claim["better"], claim["than"]
            if not {better, than} <= {*self.drawn.names, *self.trained}:
                continue  # not trained at this size
            difference = self.difference(better, than)
            gain, elsewhere = over_worlds(difference.mean(axis=1)), "-"
            if {better, than} <= self.permuted.names.keys():
                there = over_worlds(self.permuted.gain(better, than))
                elsewhere = f"{verdict(there)} ({there.mean:+z.3f})"
            compared = " less ".join(self.chosen.get(name, name) for name in (better, than))
            counts = " / ".join(map(str, counted(difference)))
            rows.append(
                [claim["paper"], claim["says"], compared, signed(gain), f"**{verdict(gain)}**", counts, elsewhere]
            )
        heads = "paper", "claim", "compared", "difference", "verdict", "worlds: holds / open / fails", "permuted worlds"
        return [
            "",
            "## In how many worlds each claim holds",
            "",
            "A claim holds where the interval of the paired difference over worlds lies above zero, fails where it "
            "lies below, and is open otherwise. The counts are of single worlds in which the same is so by t over "
            "matches: one world in forty would hold by chance alone, and open means too few matches as often as no "
            "difference. No correction for the number of claims. Of what was trained, the mean over its seeds is "
            "compared; the table below has how far they lie apart. Claims about size (a 7B model with EQ-Negotiator "
            "beats models ten times larger; EmoDebt's success of 99.7 %) are about language models and not tested.",
            "",
            *table(heads, rows),
        ]

    def noise(self) -> list[str]:
        """What remains where emotions are misread."""
        fields = {
            "as said": self.drawn,
            **{f"{100 * level:.0f} % misread": judged for level, judged in self.noisy.items()},
        }
        common = set.intersection(*(set(judged.names) for judged in fields.values()))
        names = [name for name in self.ranked if name in common]
        rivals = [self.reference, *([BLIND] if self.chosen[BLIND] != self.reference else [])]
        heads = [f"over {rival}, {read}" for rival in rivals for read in fields]
        rows = [
            [
                self.label(name),
                *(signed(over_worlds(judged.gain(name, than))) for than in rivals for judged in fields.values()),
                *(f"{judged.gain(ORACLE, name).mean():.3f}" for judged in fields.values()),
            ]
            for name in names
        ]
        said, kept = [], 0
        claims = [one for one in self.settings["claim"] if {one["better"], one["than"]} <= common]
        for claim in claims:
            gains = [over_worlds(judged.gain(claim["better"], claim["than"])) for judged in fields.values()]
            compared = " less ".join(self.chosen.get(claim[name], claim[name]) for name in ("better", "than"))
            kept += len({verdict(gain) for gain in gains}) == 1
            said.append([claim["says"], compared, *(f"**{verdict(gain)}** ({gain.mean:+z.3f})" for gain in gains)])
        return [
            "",
            "## Does it survive imperfect reading?",
            "",
            f"The same {len(self.drawn.of(self.reference))} worlds, where a share of the messages is misread in both "
            "directions: the debtor takes the creditor's emotion for another, and its own words show another than it "
            "would, mostly neutral. [The matrix](../simulated-debtor.md#when-emotions-are-misread) is what the "
            "detector takes people's comments for when it misreads them, which it does with a third. "
            f"{self.settings['noisy']} matches of each creditor in each world, with seeds of their own. The oracle "
            "knows the channel, but not which message will be misread; nobody was chosen or trained with noise. Of the "
            f"{len(claims)} claims in the second table, {kept} have the same verdict at every level.",
            "",
            *table(("creditor", *heads, *(f"regret, {read}" for read in fields)), rows),
            "",
            *table(("claim", "compared", *fields), said),
        ]

    def ranks(self, path: Path) -> list[str]:
        """Kendall's tau between worlds."""
        drawn, permuted = (stability(judged, self.rivals) for judged in (self.drawn, self.permuted))
        picture = path.with_name("worlds-tau.svg")
        shown = {"the same world": drawn.same, "two drawn worlds": drawn.other, "two permuted worlds": permuted.other}
        figures.histograms(picture, {name: values for name, values in shown.items() if len(values)})
        means = [f"{row.mean():.2f}" if len(row) else "-" for row in shown.values()]
        best = [self.rivals[place] for place in self.drawn.means(self.rivals).argmax(axis=0)]
        counts = sorted(((best.count(name), name) for name in set(best)), reverse=True)
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
            "",
            "Best in the most worlds: " + ", ".join(f"{name} in {count}" for count, name in counts) + ".",
        ]

    def _by_seed(self, kind: str, count: int, than: str = "") -> np.ndarray:
        """The gain of each seed's training over the reference, or over `than`, shape (seeds, worlds)."""
        judged = self.after_training
        gains = np.array([judged.gain(folder, self.reference) for folder in self.trained[kind][count]])
        return gains - self.drawn.gain(than or self.reference, self.reference)

    def _over_seeds(self, kind: str, count: int, than: str = "") -> Estimate:
        gains = self._by_seed(kind, count, than)
        return over_trainings(gains, (-1.0, 1.0)) if len(gains) > 1 else over_worlds(gains[0])

    def training(self, path: Path) -> list[str]:
        """Gain against the number of training worlds."""
        settings, lines, rows = self.settings, {}, []
        for kind, counts in self.trained.items():
            points = []
            for count in counts:
                each, gain = self._by_seed(kind, count), self._over_seeds(kind, count)
                means = each.mean(axis=1)
                points.append((count, gain, means.tolist()))
                rows.append(
                    [
                        kind,
                        str(count),
                        signed(gain),
                        f"{means.min():+z.3f} to {means.max():+z.3f}",
                        f"{(each.mean(axis=0) > 0).sum()}",
                        signed(self._over_seeds(kind, count, TABLE)),
                        f"{-self._over_seeds(kind, count, ORACLE).mean:.3f}",
                    ]
                )
            if len(points) > 1:
                lines[kind] = points
        rivals = {name: float(self.drawn.gain(name, self.reference).mean()) for name in (TABLE, FIXED)}
        picture = path.with_name("worlds-training.svg")
        figures.curve(picture, lines, rivals)
        offline = f"IQL from {settings['iql_negotiations']:,} with random emotions"
        return [
            "",
            "## Trained in more worlds",
            "",
            f"Trained with {settings['q_negotiations']:,} negotiations in all, however many of the training worlds "
            f"they are in ({offline if settings['iql_negotiations'] else 'IQL is left out at this size'}), with "
            f"{len(settings['training']['seeds'])} seeds each, and judged in worlds that they had not seen "
            f"({settings['trained']} matches each). Intervals are for another world and another seed at once; beside "
            "them is the range of the seeds' own means.",
            "",
            *table(
                ("trained", "worlds", f"over {self.reference}", "seeds", "worlds > 0", f"over {TABLE}", "regret"), rows
            ),
            "",
            f"![Gain against training worlds]({picture.name})",
        ]

    def deciding(self) -> list[str]:
        """What determines the gains and the ranking: a regression on the worlds' parameters."""
        prior = read_prior(Path(self.settings["prior"]) if self.settings["prior"] else None)
        given = parameters(self.runs / "sample" / "test", prior.like)
        targets = {
            f"gain of {self.chosen[ENGINE]}": self.drawn.gain(ENGINE, self.reference),
            "gain of lookup": self.drawn.gain(TABLE, self.reference),
            "over lookup": self.drawn.gain(ENGINE, TABLE),
            "room (oracle)": self.drawn.gain(ORACLE, self.reference),
            "ranking (tau with the mean one)": conformity(self.drawn, self.rivals),
        }
        worlds = len(self.drawn.of(TABLE))
        fits = {
            name: fit for name, target in targets.items() if (fit := regress(target, np.array([*given.values()]).T))
        }
        if len(fits) < len(targets):
            few = f"{worlds} worlds are too few to say what decides with {len(given)} parameters."
            return ["", "## What decides", "", few]
        rows = [[name, *(slope(fit, place) for fit in fits.values())] for place, name in enumerate(given)]
        rows.append(["R² (adjusted)", *(f"{fit.r2:.2f} ({fit.adjusted:.2f})" for fit in fits.values())])
        clear, cells = sum(cell.startswith("**") for row in rows for cell in row), len(given) * len(fits)
        return [
            "",
            "## What decides",
            "",
            f"Least squares over {worlds} worlds: the change for one standard deviation of each parameter among them, "
            f"with 95 % intervals; in bold where they leave out zero, which is so for {clear} of {cells}, and would be "
            f"for about {cells / 20:.0f} by chance. Signs turned is the share of all pull that lies on this emotion "
            "and has not the sign of the base world; emotions of which no world turned any are left out.",
            "",
            *table(("parameter", *fits), rows),
        ]

    def limits(self) -> list[str]:
        """What the experiment does not show."""
        return [
            "",
            "## What this does not show",
            "",
            "How people would react. Signs come from studies of other people in other settings, or are assumptions; "
            "sizes, pace and patience are uniform ranges that say how little is known. No model speaks: words are "
            "sentences that the detector mostly reads as they were meant ([how often](../talk.md)), which favours all "
            "engines that read; the channel that misreads them errs alike for all emotions, which is an assumption. "
            "Engines that learn do so within the matches of one world. The engines are Poise's corrected forms unless "
            "they are called faithful; the chains of EvoEmo and EmoDebt are as they start from unless they are called "
            "evolved or tuned. The table of seven entries was written with the base world in sight, and so knows its "
            "signs, as every engine's author knew the signs in the literature.",
        ]


def write_page(
    settings: dict[str, Any], runs: Path, chosen: Mapping[str, str], trained: Mapping[str, tuple[str, int]], path: Path
) -> None:
    """Write the page and its drawings beside it."""
    page = Page(settings, runs, chosen, trained)
    parts: Iterable[list[str]] = (
        page.head(), page.gains(path), page.concessions(), page.claims(), page.noise(),
        page.ranks(path), page.training(path), page.deciding(), page.limits(),
    )  # fmt: skip
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(line for part in parts for line in part) + "\n", encoding="utf-8")


def short(gains: np.ndarray) -> str:
    """A mean over worlds and the half-width of its interval."""
    gain = over_worlds(gains)
    if gain.low is None or gain.high is None:
        return f"{gain.mean:+z.3f}"
    return f"{gain.mean:+z.3f} ± {max(gain.high - gain.mean, gain.mean - gain.low):.3f}"


def slope(fit: Regression, place: int) -> str:
    """One coefficient with the half-width of its interval, in bold if that excludes zero."""
    value, reach = fit.slopes[place], fit.reach[place]
    mark = "**" if abs(value) > reach else ""
    return f"{mark}{value:+z.3f}{mark} ± {reach:.3f}"


def verdict(gain: Estimate) -> str:
    """Holds, fails or open."""
    if gain.low is None or gain.high is None:
        return "open"
    return "holds" if gain.low > 0 else "fails" if gain.high < 0 else "open"
