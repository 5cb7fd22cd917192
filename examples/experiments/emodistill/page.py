"""The experiment's page, from the tournaments' transcripts and the trainings' provenance alone."""

from __future__ import annotations

import json
import os
import platform
from collections import Counter
from pathlib import Path
from typing import Any

from measures import Played

from poise import __version__
from poise.tournaments.statistics.bootstrap import Estimate

UNTUNED = "IQL only"
TUNED = "SFT"
TRAINED = (TUNED, "SFT + JPO", "SFT + DPO")
FEWER = ("tokens", "repaired")
ASKED_MOST = 8


def write_page(settings: dict[str, Any], runs: Path, page: Path) -> None:
    """Write the page from what is played so far; a tournament that is missing is said to be."""
    played = {play["name"]: _played(settings, play, runs) for play in settings["play"]}
    debt = played["debt"]
    if debt is None:
        raise SystemExit(f"{runs / 'play/debt'} is not played yet; run the experiment without --only page first")
    lines = [*_head(settings, debt), *_trainings(runs), *_field(settings, debt), *_words(debt), *_emotions(debt)]
    for name in ("medical", "student", "disaster"):
        lines += _elsewhere(settings, name, played[name])
    lines += [*_duel(played["trained"]), *_targets(settings, debt), *_commands(settings), *_limits()]
    page.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _played(settings: dict[str, Any], play: dict[str, Any], runs: Path) -> Played | None:
    folder = runs / "play" / play["name"]
    if not folder.exists():
        return None
    names = list(settings["creditors"]) if play["creditors"] == "all" else play["creditors"]
    return Played(folder, names, [_debtor(name) for name in play["debtors"]], settings["seed"])


def _debtor(spec: str) -> str:
    return spec.removesuffix("@scripted").replace("{runs}/agents/debtor", "SFT").replace(",adapter=", ", ")


def _head(settings: dict[str, Any], debt: Played) -> list[str]:
    return [
        "# EmoDistill on a 135M model",
        "",
        *([settings["caution"].strip(), ""] if "caution" in settings else []),
        "Written by the experiment itself; do not edit. SmolLM2-135M-Instruct learns on one machine, without an "
        "accelerator, which emotion to show (IQL, from talks with random emotions) and how to say it (a LoRA adapter, "
        "from the published dialogues between language models, from scripted talks and from scripted talks that the "
        "policy leads; SFT, then JPO with the verifiable judge). To do it again:",
        "",
        "    python examples/experiments/emodistill/run.py --dialogues debt_dialogues.jsonl.gz --cases "
        "credit_recovery_scenarios.csv",
        "",
        f"Poise {__version__}, Python {platform.python_version()}, {os.cpu_count()} cores, seed {settings['seed']}. "
        "Utility is the creditor's, 0 to 1, 0 without a deal. Brackets are 95 % intervals that know that matches of "
        "one scenario are alike (means: studentised bootstrap; shares: Wilson at the effective sample size); gains are "
        f"paired by debtor, scenario and seed. Talks have {settings['max_messages']} messages at most. Failed matches: "
        f"{debt.failed}. What is called {settings['shipped']} here ships with Poise as `emodistill`.",
        "",
    ]


def _trainings(runs: Path) -> list[str]:
    lines = [
        "## What was trained",
        "",
        "| adapter | learned from | steps | minutes | loss, held out, before | after |",
        "|---|---|---:|---:|---:|---:|",
    ]
    for folder in ("sft", "sft-none", "jpo", "jpo-kappa0", "dpo", "sft-debtor"):
        path = runs / folder / "provenance.json"
        if path.exists():
            lines.append(_training(folder, json.loads(path.read_text(encoding="utf-8"))))
    return [*lines, ""]


def _training(name: str, told: dict[str, Any]) -> str:
    scores, data = told["scores"], told.get("data", {})
    minutes = f"{scores['seconds'] / 60:.0f}" if "seconds" in scores else "-"
    losses = (f"{scores[key]:.3f}" if scores.get(key) is not None else "-" for key in ("loss_before", "loss_after"))
    return f"| {name} | {data.get('pairs', '-')} | {scores.get('steps', '-')} | {minutes} | {' | '.join(losses)} |"


def _field(settings: dict[str, Any], debt: Played) -> list[str]:
    seen = [_debtor(name) for name in settings["seen"]]
    unseen = [name for name in debt.debtors if name not in seen]
    utility, success = debt.estimates("utility"), debt.estimates("success")
    gains = debt.gains(settings["baseline"])
    known, foreign = debt.estimates("utility", seen), debt.estimates("utility", unseen)
    lines = [
        "## What it earns, on debts it has not seen",
        "",
        f"{len(debt.matches)} matches; debtors that the policy learned from ({', '.join(seen)}) and others "
        f"({', '.join(unseen)}), worded by templates.",
        "",
        f"| creditor | utility | gain over {settings['baseline']} | deals | against seen debtors | unseen debtors |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    for name in debt.creditors:
        gain = "" if name == settings["baseline"] else _signed(gains[name])
        cells = (_told(utility[name]), gain, _share(success[name]), _told(known[name]), _told(foreign[name]))
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return [*lines, "", *_further(debt), ""]


def _further(debt: Played) -> list[str]:
    """What judged replies add to fine-tuning."""
    after = [name for name in debt.creditors if name.startswith(f"{TUNED} + ")]
    if TUNED not in debt.creditors or not after:
        return []
    gains = debt.gains(TUNED)
    return [f"Gain over {TUNED}: {'; '.join(f'{name} {_signed(gains[name])}' for name in after)}."]


def _words(debt: Played) -> list[str]:
    return [
        "## How it says it",
        "",
        "Of the creditor's messages in these matches: the decided number stated, and no other, at the first try; put "
        "right by rule after the last try; the intended emotion among the detector's first three, and the same of "
        "emotions other than neutral; the share of three-word runs said before (numbers left out); tokens made for a "
        "message, second tries included; the verifiable judge's score (1 to 10, without the part of the emotion where "
        "none was asked for).",
        "",
        *_word_table(debt),
        "",
    ]


def _emotions(debt: Played) -> list[str]:
    asked = {name: debt.asked(name) for name in (UNTUNED, *TRAINED) if name in debt.creditors}
    total = Counter[str]()
    for found in asked.values():
        total.update({emotion: times for emotion, (times, _) in found.items()})
    lines = [
        "Which emotions are heard, of how many messages that were to show them (those asked for most):",
        "",
        f"| emotion | {' | '.join(asked)} |",
        f"|---|{'---:|' * len(asked)}",
    ]
    for emotion, _ in total.most_common(ASKED_MOST):
        cells = (found.get(emotion, (0, 0)) for found in asked.values())
        lines.append(f"| {emotion} | {' | '.join(f'{heard} of {times}' for times, heard in cells)} |")
    return [*lines, ""]


def _word_table(played: Played) -> list[str]:
    shares = ("first try", "repaired", "emotion", "feeling", "said again")
    found = {measure: played.estimates(measure) for measure in (*shares, "tokens", "score")}
    lines = [
        "| creditor | right at once | repaired | emotion heard | without neutral | said again | tokens | score |",
        "|---|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for name in played.creditors:
        cells = [*(_share(found[measure][name]) for measure in shares)]
        cells += [_told(found["tokens"][name], 1), _told(found["score"][name], 1)]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return lines


def _elsewhere(settings: dict[str, Any], name: str, played: Played | None) -> list[str]:
    if played is None:
        return [f"## In another domain: {name}", "", "Not played yet.", ""]
    utility, success = played.estimates("utility"), played.estimates("success")
    gains = played.gains(settings["baseline"])
    lines = [
        f"## In another domain: {name}",
        "",
        f"Nothing was learned there. {len(played.matches)} matches against {' and '.join(played.debtors)}.",
        "",
        f"| creditor | utility | gain over {settings['baseline']} | deals |",
        "|---|---:|---:|---:|",
    ]
    for one in played.creditors:
        gain = "" if one == settings["baseline"] else _signed(gains[one])
        lines.append(f"| {one} | {_told(utility[one])} | {gain} | {_share(success[one])} |")
    return [*lines, "", *_word_table(played), ""]


def _duel(played: Played | None) -> list[str]:
    if played is None:
        return ["## Trained against trained", "", "Not played yet.", ""]
    lines = [
        "## Trained against trained",
        "",
        f"Both sides speak with the model, {len(played.matches)} matches; a debtor with SFT has an adapter of its own. "
        "The creditor's utility:",
        "",
        f"| creditor | {' | '.join(f'against {name}' for name in played.debtors)} |",
        f"|---|{'---:|' * len(played.debtors)}",
    ]
    cells = {name: played.estimates("utility", [name]) for name in played.debtors}
    lines += [
        f"| {one} | {' | '.join(_told(cells[name][one]) for name in played.debtors)} |" for one in played.creditors
    ]
    return [*lines, "", *_word_table(played), ""]


def _targets(settings: dict[str, Any], debt: Played) -> list[str]:
    found = {each: debt.estimates(each) for each in ("first try", "emotion", "feeling", "tokens", "repaired")}

    def mean(measure: str, name: str) -> float:
        one = found[measure].get(name)
        return float("nan") if one is None else one.mean

    base = settings["baseline"]
    wanted = (
        ("the number right at once in 90 % of messages", "first try", base, 0.9, "{:.0%}"),
        ("emotions heard twice as often", "emotion", UNTUNED, 2 * mean("emotion", UNTUNED), "{:.0%}"),
        ("the same of emotions other than neutral", "feeling", UNTUNED, 2 * mean("feeling", UNTUNED), "{:.0%}"),
        ("fewer tokens a message", "tokens", base, mean("tokens", base), "{:.1f}"),
        ("fewer repairs", "repaired", base, mean("repaired", base), "{:.0%}"),
    )
    lines = [
        "## Against what was hoped for",
        "",
        f"| | untuned words | {' | '.join(TRAINED)} |",
        f"|---|---:|{'---:|' * len(TRAINED)}",
    ]
    for what, measure, before, bound, form in wanted:
        cells = []
        for name in TRAINED:
            value = mean(measure, name)
            reached = value < bound if measure in FEWER else value >= bound
            cells.append(f"{form.format(value)}, {'reached' if reached else '**missed**'}")
        lines.append(f"| {what} | {form.format(mean(measure, before))} | {' | '.join(cells)} |")
    return [*lines, "", f"Untuned words are those of {base}, for emotions those of {UNTUNED}.", ""]


def _commands(settings: dict[str, Any]) -> list[str]:
    lines = [
        "## The commands",
        "",
        "`run.py` runs these, and then the tournaments; each goes on where it was stopped.",
        "",
    ]
    for step in settings["step"]:
        lines += [f"{step['title']}:", ""]
        lines += [f"    poise {_shown(command)}" for command in step["commands"]]
        lines.append("")
    return lines


def _shown(command: str) -> str:
    return command.format(runs="runs", dialogues="debt_dialogues.jsonl.gz", cases="credit_recovery_scenarios.csv")


def _limits() -> list[str]:
    return [
        "## What this does not show",
        "",
        "- One training of each kind, with one seed: intervals are over scenarios, not over trainings.",
        "- The detector that reads the emotions also chose what was learned from and is a part of JPO's reward. That "
        "an emotion is heard here says that this detector hears it.",
        "- Three quarters of the replies that are learned from are templates of Poise, and the scripted debtors speak "
        "in such templates, too.",
        "- Emotion-free SFT learned from fewer pairs than SFT (the first table), which is a part of what it lacks.",
        "- A small number of matches on few scenarios, fewest in the other domains and between trained sides: see the "
        "intervals.",
    ]


def _told(one: Estimate | None, digits: int = 3) -> str:
    return _formed(one, f".{digits}f")


def _signed(one: Estimate | None) -> str:
    return _formed(one, "+.3f")


def _share(one: Estimate | None) -> str:
    return _formed(one, ".0%")


def _formed(one: Estimate | None, form: str) -> str:
    """The mean and, where there is one, its interval."""
    if one is None:
        return "-"
    if one.low is None or one.high is None:
        return f"{one.mean:{form}}"
    return f"{one.mean:{form}} [{one.low:{form}}, {one.high:{form}}]"
