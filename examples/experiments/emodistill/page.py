"""The experiment's page, made only from the tournaments' transcripts and the trainings' folders."""

from __future__ import annotations

import json
import os
import platform
import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from measures import Played

sys.path.append(str(Path(__file__).parents[1]))  # where the experiments' pages share theirs
from pages import interval, signed, table

from poise import __version__
from poise.agents.emotions.artifact import load_detector
from poise.agents.emotions.detector import EmotionReader
from poise.agents.emotions.detectors import detector_digest, fitted_detector, open_detector
from poise.tournaments.statistics.bootstrap import Estimate
from poise.tournaments.storage.store import exists
from poise.training.data.dataset import read_pairs

if TYPE_CHECKING:
    from run import Experiment

SFT, JPO, TEMPLATES = "IQL, SFT", "IQL, SFT + JPO", "IQL, templates"
CONSTANT = "best fixed, "
GROUPS = ("unseen debtors", "unseen worlds", "seen debtors", "seen worlds")
ELSEWHERE = ("medical", "student", "disaster")
ASKED_MOST = 8
WORDS = {
    "right at once": "first try", "repaired": "repaired", "emotion heard": "emotion", "without neutral": "feeling",
    "said again": "said again", "tokens": "tokens",
}  # fmt: skip


def write_page(experiment: Experiment, path: Path) -> None:
    """Write the page from what is played; it names tournaments that are missing."""
    page = Page({**experiment.settings, "fixed": experiment.fixed}, read_all(experiment))
    parts: Iterable[list[str]] = (
        page.head(), page.earned(), page.over_constant(), page.steps(), page.said(), page.emotions(), page.treated(),
        page.elsewhere(), page.duel(), page.shipped(), detectors(experiment), trained(experiment), commands(experiment),
        limits(),
    )  # fmt: skip
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(line for part in parts for line in part) + "\n", encoding="utf-8")


def read_all(experiment: Experiment) -> dict[str, Played]:
    """The tournaments that were played, by name."""
    reader, found = measuring(experiment.detectors["measure"]), {}
    for play in experiment.settings["play"]:
        folder = experiment.runs / "play" / play["name"]
        if exists(folder):
            creditors = [(name, training) for name, training, _ in experiment.creditors(play["creditors"])]
            specs = [name for name in experiment.words(play["debtors"]) if name != "--debtor"]
            debtors = [] if specs[0].startswith("simulated:") else list(map(_debtor, specs))
            found[play["name"]] = Played.read(folder, creditors, debtors, reader, experiment.settings["seed"])
    return found


def measuring(name: str) -> EmotionReader:
    """The detector that measures: a fitted one by its file, or a model."""
    return fitted_detector(name) if Path(name).exists() else open_detector(name)


def _debtor(spec: str) -> str:
    return f"{spec.partition(',')[0]}{', SFT' if ',adapter=' in spec else ''}"


class Page:
    """The parts of the page that are made from matches. played: by the name of the tournament."""

    def __init__(self, settings: Mapping[str, Any], played: Mapping[str, Played]) -> None:
        if "debtors" not in played:
            raise SystemExit("the tournament `debtors` is not played yet; run the experiment without --only page first")
        self.settings, self.played = settings, played
        self.base = settings["baseline"]
        debtors = played["debtors"]
        groups = {
            "unseen debtors": debtors.of(settings["debtors"]["unseen"]),
            "seen debtors": debtors.of(settings["debtors"]["seen"]),
            "unseen worlds": played.get("worlds-unseen"),
            "seen worlds": played.get("worlds-seen"),
        }
        self.groups = {name: groups[name] for name in GROUPS if groups[name] is not None}
        unseen = groups["unseen debtors"]
        means = {name: one.mean for name, one in unseen.estimates("utility").items() if one}
        self.best = max(means, key=means.__getitem__)
        self.constant = max((name for name in means if name.startswith(CONSTANT)), key=means.__getitem__)
        self.rule = settings["shipping"]
        trained = self.rule["candidates"]
        self.choice, self.trained = (
            choose(self.rule, played["choice"], rows) if "choice" in played else None
            for rows in ([*trained, self.rule["incumbent"]], trained)
        )

    def head(self) -> list[str]:
        """The beginning of the page: gains on debtors and worlds that no training saw."""
        played = self.played.values()
        trainings = len(self.settings["trainings"])
        over = self.groups["unseen debtors"].gains(self.constant)
        candidates = {name: over[name] for name in self.rule["candidates"] if over.get(name)}
        shown = self.trained[0] if self.trained else max(candidates, key=lambda name: candidates[name].mean)
        both = {than: {name: group.gains(than).get(shown) for name, group in self.groups.items()}
                for than in (self.base, self.constant)}  # fmt: skip
        return [
            "# EmoDistill on a 135M model",
            "",
            first_sentence(shown, self.constant, candidates, both[self.constant]),
            "",
            f"Over {self.base}: {_listed(both[self.base])}. {self._heard(shown)} Of all rows, `{self.best}` earns "
            f"the most on unseen debtors: {signed(self.groups['unseen debtors'].gains(self.base)[self.best])} over "
            f"{self.base}. {self._ships()}",
            "",
            "Written by the experiment itself; do not edit. A small model learns on one machine, without an "
            "accelerator, which emotion to show (IQL, from negotiations with random emotions) and how to say it (a "
            "LoRA adapter, from the published dialogues between language models, from negotiations that the untuned "
            "model worded and, at most a third, from templates; SFT, then JPO). To do it again:",
            "",
            f"    python examples/experiments/emodistill/run.py --size {self.settings['size']} --dialogues "
            "debt_dialogues.jsonl.gz --cases credit_recovery_scenarios.csv --goemotions goemotions --casino "
            "casino_train.json.gz",
            "",
            f"Poise {__version__}, Python {platform.python_version()}, {os.cpu_count()} cores, seed "
            f"{self.settings['seed']}, size `{self.settings['size']}`. Utility is the creditor's, 0 to 1, 0 without a "
            f"deal. Negotiations have {self.settings['max_messages']} messages at most, on scenarios that nothing was "
            f"learned from. Of what is trained there {_are(trainings, 'training')} of each kind, in one row. Brackets "
            "are 95 % intervals over scenarios (in worlds: over worlds); gains are paired by debtor, scenario, seed "
            f"and training. Failed matches: {sum(one.failed for one in played)} of "
            f"{sum(len(one.matches) for one in played)}.",
        ]

    def _heard(self, shown: str) -> str:
        """How often the emotions of a row are heard, and those of the same policy in templates."""
        feeling = self.played["debtors"].estimates("feeling")
        return (
            f"Its emotions other than neutral are heard in {share(feeling[shown])} of its messages, those of "
            f"`{TEMPLATES}` in {share(feeling.get(TEMPLATES))}."
        )

    def _ships(self) -> str:
        if self.choice is None:
            return "By the rule below nothing ships."
        if self.choice[0] == self.rule["incumbent"]:
            gains = {name: one.gains(self.constant).get(self.choice[0]) for name, one in self.groups.items()}
            return (
                "By the rule below `emodistill` stays as it was, since no candidate earned more than it: over "
                f"`{self.constant}`, it gains {_listed(gains)}."
            )
        return f"By the rule below `{self.choice[0]}` of training {self.choice[1]} ships as `emodistill`."

    def earned(self) -> list[str]:
        """Utilities and gains in the four groups."""
        unseen = self.groups["unseen debtors"]
        utility, gains = unseen.estimates("utility"), {name: one.gains(self.base) for name, one in self.groups.items()}
        deals = self.played["debtors"].estimates("success")
        rows = []
        for name in unseen.rows:
            each = unseen.trainings(name, self.base)
            spread = f"{min(each):+z.3f} to {max(each):+z.3f}" if len(each) > 1 else ""
            cells = ["" if name == self.base else signed(gain.get(name)) for gain in gains.values()]
            rows.append([name, told(utility[name]), *cells, spread, share(deals[name])])
        heads = ("creditor", "utility, unseen debtors", *(f"gain, {name}" for name in gains), "trainings", "deals")
        described = "; ".join(f"{name}: {len(one.matches)} matches" for name, one in self.groups.items())
        return [
            "",
            "## What it earns",
            "",
            f"Gains are over {self.base}. A creditor is a policy and the words it speaks in: *untuned*, the model as "
            "it is, which a grammar makes state its number; *templates*, without a model; *SFT* and the others, an "
            f"adapter; `{self.rule['incumbent']}`, the `emodistill` of this version. `best fixed` shows one emotion, "
            f"chosen in training: `{self.settings['fixed']}`. Seen debtors: "
            f"{', '.join(self.settings['debtors']['seen'])}; unseen: "
            f"{', '.join(self.settings['debtors']['unseen'])}; all speak in templates. *Trainings* is the range of the "
            f"trainings' own gains on unseen debtors. {described}.",
            "",
            *table(heads, rows),
        ]

    def over_constant(self) -> list[str]:
        """The trained creditors compared with the best constant emotion."""
        gains = {name: one.gains(self.constant) for name, one in self.groups.items()}
        kept = ("IQL", "lookup, SFT", self.rule["incumbent"])
        named = [name for name in self.groups["unseen debtors"].rows if name.startswith(kept)]
        rows = [[name, *(signed(gain.get(name)) for gain in gains.values())] for name in named]
        return [
            "",
            "## Against one constant emotion",
            "",
            f"Gains over `{self.constant}`, of the constant emotion's rows the best on unseen debtors. (It is taken as "
            "the best of several after the fact, so this is a little too strict.)",
            "",
            *table(("creditor", *gains), rows),
        ]

    def steps(self) -> list[str]:
        """What each part adds."""
        asked = (
            ("choosing the emotion, in SFT's words", SFT, "vanilla, SFT"),
            ("choosing it, in templates", TEMPLATES, "vanilla, templates"),
            ("choosing it, against a table of seven entries", SFT, "lookup, SFT"),
            ("choosing it, against EQ-Negotiator", SFT, "eq-negotiator, SFT"),
            ("SFT, of the same emotions", SFT, "IQL, untuned"),
            ("emotions in SFT, from as many pairs", "vanilla, SFT", "vanilla, SFT without emotions"),
            ("JPO after SFT", JPO, SFT),
            ("the worse half of JPO (kappa 1 over 0)", JPO, "IQL, SFT + JPO with kappa 0"),
            ("DPO after SFT", "IQL, SFT + DPO", SFT),
        )
        rows = [
            [what, *(signed(one.gains(than).get(name)) for one in self.groups.values())] for what, name, than in asked
        ]
        return ["", "## What each part adds", "", *table(("part", *self.groups), rows)]

    def said(self) -> list[str]:
        """The words."""
        return [
            "",
            "## How it says it",
            "",
            "Of the creditor's messages to all debtors. Of those that a model worded: the decided number stated, and "
            "no other, at the first try; put right by rule after the last try; tokens, second tries included. Of all: "
            "the intended emotion among the first three of the detector that measures, and the same of emotions other "
            "than neutral; sentences without a number that were said before in the negotiation. The judge that rewards "
            "is not used here.",
            "",
            *word_table(self.played["debtors"]),
        ]

    def emotions(self) -> list[str]:
        """Which emotions are read."""
        debtors = self.played["debtors"]
        names = ["IQL, untuned", TEMPLATES, SFT, JPO, "IQL, SFT + DPO", self.rule["incumbent"]]
        asked = {name: debtors.asked(name) for name in names if name in debtors.rows}
        total = Counter[str]()
        for found in asked.values():
            total.update({emotion: times for emotion, (times, _) in found.items()})
        rows = [
            [emotion, *("{1} of {0}".format(*found.get(emotion, (0, 0))) for found in asked.values())]
            for emotion, _ in total.most_common(ASKED_MOST)
        ]
        words = "Which emotions are heard, of how many messages that were to show them (those asked for most):"
        return ["", words, "", *table(("emotion", *asked), rows)]

    def treated(self) -> list[str]:
        """De-escalation, conduct, role reversals and repeated directions, and which debtors' moods get worse."""
        debtors = self.played["debtors"]
        kinds = ("calmer", "mood", "violations", "reversed", "aloud")
        found = {kind: debtors.estimates(kind) for kind in kinds}
        rows = []
        for name in debtors.rows:
            cells = [told(found["calmer"][name], 2), signed(found["mood"][name], 2)]
            rows.append([name, *cells, *(share(found[kind][name], 1) for kind in kinds[2:])])
        moods = {name: debtors.of([name]).gains(self.base, "mood") for name in debtors.debtors}
        named = [name for name in debtors.rows if name in self.rule["candidates"]]
        by_debtor = [[name, *(signed(moods[name].get(row), 2) for row in named)] for name in debtors.debtors]
        return [
            "",
            "## What it does to debtors",
            "",
            "De-escalation as the creditor reads it (-1 to 1); the change of the debtor's own mood, from its first "
            "message to its last (-2 to 2); and for a message of the creditor: rules of conduct broken, replies sent "
            "back because they speak for the other side, and because they read their direction aloud.",
            "",
            *table(("creditor", "de-escalation", "mood", "rules broken", "roles reversed", "read aloud"), rows),
            "",
            f"{worse(moods, named, self.base)} The change of mood over {self.base}, by debtor:",
            "",
            *table(("debtor", *named), by_debtor),
        ]

    def elsewhere(self) -> list[str]:
        """The other domains."""
        there = {name: self.played[name] for name in ELSEWHERE if name in self.played}
        missing = [name for name in ELSEWHERE if name not in there]
        lines = ["", "## In other domains", ""]
        if there:
            gains = {name: one.gains(self.base) for name, one in there.items()}
            each = {name: one.estimates("utility") for name, one in there.items()}
            rows = [
                [row, *(cell for name in there for cell in (told(each[name][row]), _gain(row, self.base, gains[name])))]
                for row in next(iter(there.values())).rows
            ]
            heads = [head for name in there for head in (name, f"gain, {name}")]
            counts = ", ".join(f"{len(one.matches)} matches in {name}" for name, one in there.items())
            against = " and ".join(next(iter(there.values())).debtors)
            lines += [
                f"Nothing was learned there. Against {against}; {counts}.",
                "",
                *table(("creditor", *heads), rows),
            ]
        return [*lines, *(f"{name}: not played yet." for name in missing)]

    def duel(self) -> list[str]:
        """Matches in which a model words both sides."""
        played = self.played.get("trained")
        lines = ["", "## Trained against trained", ""]
        if played is None:
            return [*lines, "Not played yet."]
        cells = {name: played.of([name]).estimates("utility") for name in played.debtors}
        rows = [[row, *(told(cells[name].get(row)) for name in played.debtors)] for row in played.rows]
        return [
            *lines,
            f"Both sides speak with the model, {len(played.matches)} matches; a debtor with SFT has an adapter of its "
            "own. The creditor's utility:",
            "",
            *table(("creditor", *(f"against {name}" for name in played.debtors)), rows),
            "",
            *word_table(played),
        ]

    def shipped(self) -> list[str]:
        """The rule for what ships, and its choice."""
        lines = [
            "",
            "## What ships",
            "",
            "The rule of the settings: on training scenarios against seen debtors, the "
            f"candidate and training of the highest mean utility, or the incumbent (`{self.rule['incumbent']}`), that "
            f"states its number at once in at least {self.rule['least_right']:.0%} of its messages and breaks a rule "
            f"of conduct in at most {self.rule['most_violations']:.0%} of them; the first of equals. "
            f"{self.rule['note']}",
            "",
        ]
        if "choice" not in self.played:
            return [*lines, "Not played yet."]
        rows = []
        for (name, training), figures in candidates(self.played["choice"]).items():
            word = "**ships**" if (name, training) == self.choice else "" if fit(self.rule, figures) else "unfit"
            cells = (f"{figures['utility']:.3f}", f"{figures['right']:.0%}", f"{figures['violations']:.1%}", word)
            rows.append([name, str(training), *cells])
        return [*lines, *table(("candidate", "training", "utility", "right at once", "rules broken", ""), rows)]


def first_sentence(
    shown: str, constant: str, candidates: Mapping[str, Estimate | None], gains: Mapping[str, Estimate | None]
) -> str:
    """The gain on unseen debtors and worlds over the best constant emotion, whether positive or negative.

    candidates: the gain of each over `constant` on unseen debtors. gains: those of `shown` over it, by group.
    """
    beats = [name for name, gain in candidates.items() if gain and gain.low is not None and gain.low > 0]
    best = max(candidates, key=lambda name: candidates[name].mean if candidates[name] else -1.0)
    where = _listed({name: gains.get(name) for name in GROUPS[:2]})
    if beats:
        return f"**On debtors that no training saw, {' and '.join(beats)} earn more than the best constant emotion " \
               f"(`{constant}`): `{shown}` gains {where} over it.**"  # fmt: skip
    return (
        "**Nothing that was trained here is shown to earn more than one constant emotion on debtors that it has not "
        f"seen: over `{constant}`, `{shown}` gains {where}"
        + (f", and the best candidate, `{best}`, {signed(candidates[best])} on unseen debtors" if best != shown else "")
        + ".**"
    )


def _listed(gains: Mapping[str, Estimate | None]) -> str:
    return ", ".join(f"{signed(gain)} on {name}" if "debtors" in name else f"{signed(gain)} in {name}"
                     for name, gain in gains.items())  # fmt: skip


def _are(count: int, what: str) -> str:
    return f"is one {what}" if count == 1 else f"are {count} {what}s"


def _gain(row: str, base: str, gains: Mapping[str, Estimate | None]) -> str:
    return "" if row == base else signed(gains.get(row))


def candidates(played: Played) -> dict[tuple[str, int], dict[str, float]]:
    """For each row and training: mean utility, share of numbers right at once, and violations a message."""
    found = {}
    for key in dict.fromkeys((match.row, match.training) for match in played.matches):
        own = [match for match in played.matches if (match.row, match.training) == key]
        found[key] = {
            "utility": sum(match.values["utility"] for match in own) / len(own),
            "right": _rate(own, "first try"),
            "violations": _rate(own, "violations"),
        }
    return found


def _rate(matches: Sequence[Any], what: str) -> float:
    return float(sum(match.values[what] for match in matches) / max(1, sum(match.counts[what] for match in matches)))


def fit(rule: Mapping[str, Any], figures: Mapping[str, float]) -> bool:
    """Whether a candidate speaks well enough to ship."""
    return figures["right"] >= rule["least_right"] and figures["violations"] <= rule["most_violations"]


def choose(rule: Mapping[str, Any], played: Played, rows: Sequence[str]) -> tuple[str, int] | None:
    """The one of `rows`, and its training, that is the best by the rule; None if none is fit."""
    found = {key: figures for key, figures in candidates(played).items() if key[0] in rows and fit(rule, figures)}
    return max(found, key=lambda key: found[key]["utility"], default=None)


def worse(moods: Mapping[str, Mapping[str, Estimate | None]], rows: Sequence[str], base: str) -> str:
    """Which debtors end in a worse mood than with `base`, and in which rows; surely if the interval is below 0."""
    lines = []
    for debtor, gains in moods.items():
        below = [(row, gain) for row in rows if (gain := gains.get(row)) and gain.mean < 0]
        if below:
            told = (f"{row}{' (surely)' if gain.high is not None and gain.high < 0 else ''}" for row, gain in below)
            lines.append(f"`{debtor}` under {', '.join(told)}")
    if not lines:
        return f"No debtor's mood ends worse than under {base}."
    return f"**Worse off than under {base}**: {'; '.join(lines)}."


def word_table(played: Played) -> list[str]:
    """How well the creditor's words carried out the decisions."""
    found = {head: played.estimates(what) for head, what in WORDS.items()}
    rows = [
        [row, *((told(one[row], 1) if head == "tokens" else share(one[row])) for head, one in found.items())]
        for row in played.rows
    ]
    return table(("creditor", *WORDS), rows)


def detectors(experiment: Experiment) -> list[str]:
    """Which detector has which role."""
    does = {
        "reward": "picks what is learned from, is a part of the judge that rewards",
        "world": "moves the debtors",
        "measure": "says which emotions are heard",
    }
    rows = []
    for role, name in experiment.detectors.items():
        if not Path(name).exists():
            rows.append([does[role], f"`{name}`", "", "", ""])
            continue
        told_of = load_detector(Path(name)).provenance
        learned = [f"part {told_of.get('part', '1/1')} of GoEmotions", *sorted(told_of["additions"]["data"])]
        scores = [f"{told_of['scores'][key]:.2f}" for key in ("f1_28_half", "f1_7_half")]
        rows.append([does[role], ", ".join(learned), *scores, f"`{detector_digest(name)}`"])
    return [
        "",
        "## Who reads emotions",
        "",
        "The creditors read the debtors' words with the detector that ships with Poise. Macro-F1 is on each one's own "
        "part of GoEmotions' development rows, thresholds from the other half of them.",
        "",
        *table(("what it does", "learned from", "macro-F1, 28", "macro-F1, 7", "digest"), rows),
    ]


def trained(experiment: Experiment) -> list[str]:
    """The trainings, and where the replies to learn from come from."""
    rows = []
    for path in sorted(experiment.runs.glob("*/provenance.json")):
        found = json.loads(path.read_text(encoding="utf-8"))
        scores, data = found["scores"], found.get("data", {})
        minutes = f"{scores['seconds'] / 60:.1f}" if "seconds" in scores else ""
        losses = (f"{scores[key]:.3f}" if scores.get(key) is not None else "" for key in ("loss_before", "loss_after"))
        rows.append([path.parent.name, str(data.get("pairs", "")), str(scores.get("steps", "")), minutes, *losses])
    lines = ["", "## What was trained", ""]
    if (experiment.runs / "pairs").exists():
        sources = Counter(Path(pair.source).name for pair in read_pairs(experiment.runs / "pairs").pairs)
        total = sum(sources.values())
        told_of = ", ".join(f"{count} ({count / total:.0%}) of {name}" for name, count in sources.most_common())
        lines += [f"SFT learned from {total} replies, with emotions and without from the same: {told_of}.", ""]
    heads = ("adapter", "learned from", "steps", "minutes", "loss, held out, before", "after")
    return [*lines, *table(heads, rows)]


def commands(experiment: Experiment) -> list[str]:
    """The commands of the first training."""
    lines = ["", "## The commands", "", "`run.py` runs these, for each training, and then the tournaments:", ""]
    names = {name: Path(experiment.places[name]).name for name in ("dialogues", "cases", "goemotions", "casino")}
    for step in experiment.settings["step"]:
        lines += [f"{step['title']}:", ""]
        for command in step["commands"]:
            words = experiment.words(command, training=str(experiment.trainings[0]), **names)
            text = " ".join(words).replace(str(experiment.runs), "runs")
            lines.append(f"    {'python -m poise.training.detector.' if words[0] == 'fit' else 'poise '}{text}")
        lines.append("")
    return lines[:-1]


def limits() -> list[str]:
    """What the experiment does not show."""
    return [
        "",
        "## What this does not show",
        "",
        "- Intervals are over scenarios or worlds; what another training would do shows in the range of the trainings "
        "alone.",
        "- The three detectors share no row, but one kind of annotators: all learned Reddit comments as the same "
        "people labelled them, and leave out the same courtesies and denials. Where such readers err alike, being "
        "heard by one says little of people.",
        "- Debtors are personas and drawn worlds of Poise that speak in templates; the unseen ones come from the same "
        "hands.",
        "- Whether a number is right at once is decided by the rule that the judge which rewards uses, too.",
        "- A 135M model; see [the papers' own scale](../training-words.md#at-the-papers-own-scale).",
    ]


def told(one: Estimate | None, digits: int = 3) -> str:
    """A mean with its interval."""
    return interval(one, f".{digits}f")


def share(one: Estimate | None, digits: int = 0) -> str:
    """A share with its interval, in percent."""
    return interval(one, f".{digits}%")
