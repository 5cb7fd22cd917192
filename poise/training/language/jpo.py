"""JPO: preference optimisation on judged replies (EmoDistill, arXiv 2605.26785), offline and not pairwise.

Begins with an SFT adapter and goes on training it. What the frozen snapshot of that adapter thinks of each reply is
computed once and kept. The losses are in `objectives.py`; AdamW, 5e-6, one epoch.

Dropout is off, so that every ratio begins at 1. The group within which advantages are normalised is the scenario, as
published; `within="prompt"` compares replies to the same prompt alone, which leaves out what one moment of the talks
makes harder than another.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from poise.common.errors import ConfigError
from poise.common.files import digest_of, replace_file
from poise.training.data.dataset import PromptReplies, PromptReply, read_pairs
from poise.training.language import checkpoint
from poise.training.language.adapter import load_adapter, read_provenance, save_adapter
from poise.training.language.base import Base, load_base
from poise.training.language.checkpoint import Progress
from poise.training.language.choose import Chosen, PairSelection, choose, score_of
from poise.training.language.forward import Machine
from poise.training.language.judged_message import prompt_key
from poise.training.language.libraries import library, torch
from poise.training.language.loop import LanguageRun, Steps, Training, all_logps
from poise.training.language.objectives import KL_WEIGHT, advantages, jpo_loss, k3, sequence_ratio
from poise.training.language.scores import read_reply_scores
from poise.training.language.sft import TrainedWords, finished_sft, source_of, speed_of
from poise.training.language.tokens import Chat, TokenExample

RATE: Final = 5e-6
REFERENCE: Final = "reference.safetensors"
Within = Literal["scenario", "prompt"]


@dataclass(frozen=True)
class JpoSettings:
    """What is trained how.

    data: scored pairs. sft: the folder of the adapter to begin with. base: None for the one that it names.
    scores: a file of scores; None for the pairs' own judge rewards.
    kappa:  weight of what is worse than average; 1 is JPO, 0 learns from better replies only. kl: weight of K3.
    """

    data: Path
    sft: Path
    base: str | None = None
    choice: PairSelection = field(default_factory=lambda: PairSelection(top=1.0, held_out=0))
    steps: Steps = field(default_factory=lambda: Steps(RATE))
    scores: Path | None = None
    kappa: float = 1.0
    kl: float = KL_WEIGHT
    within: Within = "scenario"

    def __post_init__(self) -> None:
        if not (self.kappa >= 0 and self.kl >= 0) or self.within not in get_args(Within):
            raise ConfigError(
                f"kappa {self.kappa}, kl {self.kl}, within {self.within!r}: the first two are 0 or more, the last is "
                "scenario or prompt"
            )


class JudgedReplies:
    """JPO's loss, a mean over replies."""

    def __init__(self, reference: Sequence[Any], advantage: Sequence[float], settings: JpoSettings) -> None:
        """reference: [T] each, on the device; advantage: one a reply."""
        self._reference, self._advantage = reference, advantage
        self._settings = settings

    def loss(self, logps: Sequence[Any], which: Sequence[int]) -> Any:
        """The sum over the replies."""
        kappa, kl = self._settings.kappa, self._settings.kl
        return sum(
            jpo_loss(own, self._reference[index], self._advantage[index], kappa, kl)
            for own, index in zip(logps, which, strict=True)
        )

    def size(self, which: Sequence[int]) -> float:
        """How many replies there are."""
        return float(len(which))


def begun(settings: JpoSettings) -> tuple[Base, dict[str, Any], PromptReplies]:
    """The base that the SFT adapter names, the adapter's provenance, and the data."""
    provenance = read_provenance(settings.sft)
    read = read_pairs(settings.data)
    return load_base(settings.base or base_named(provenance)), provenance, read


def base_named(provenance: Mapping[str, Any]) -> str:
    """How to load the base of an adapter again.

    Raises:
        ConfigError: it was a file or a folder of the user's, whose place is not kept.
    """
    base = provenance["base"]
    if base["kind"] == "hub" or base["name"] == "smollm2":
        return str(base["name"])
    raise ConfigError(f"the adapter's base was the {base['kind']} {base['name']!r}; say with --base where it is")


@dataclass(frozen=True)
class _At:
    folder: Path
    plan: str
    run: LanguageRun


def train_jpo(settings: JpoSettings, out: Path, run: LanguageRun | None = None) -> TrainedWords:
    """Train into the folder `out`; what was begun there with the same settings goes on, what is done stays.

    Raises:
        BadInput: the data, the adapter or a setting is refused; a reply has no score; the scores are all equal.
        StoreError: the folder cannot be written, or holds another training.
        KeyboardInterrupt: stopped, or out of time; a checkpoint is kept.
    """
    run = run or LanguageRun()
    base, parent, read = begun(settings)
    chosen = choose(read.pairs, settings.choice, Chat(base.tokenizer))
    scores = read_reply_scores(settings.scores) if settings.scores else None
    judged = [score_of(pair, scores) for pair in chosen.sources]
    advantage = advantages(judged, [_group(pair, settings.within) for pair in chosen.pairs])
    declared = _declared(settings, base, parent, {**source_of(read), **chosen.summary(), "scores": digest_of(judged)})
    if (earlier := finished_sft(out, declared["settings"]["plan"])) is not None:
        return TrainedWords(out, earlier, earlier=True)
    model = load_adapter(base, settings.sft, trainable=True).to(run.machine().device)
    facts, progress = _fit(model, chosen, advantage, settings, _At(out, declared["settings"]["plan"], run))
    facts["score"] = float(np.mean(judged))
    found = save_adapter(model, out, {"method": "jpo", **declared, "scores": facts, "parent": parent["digest"]})
    checkpoint.write_curve(out / "curve.jsonl", progress.curve)
    for name in (checkpoint.FILE, REFERENCE):
        (out / name).unlink(missing_ok=True)
    return TrainedWords(out, found)


def _fit(
    model: Any, chosen: Chosen, advantage: NDArray[np.float64], settings: JpoSettings, at: _At
) -> tuple[dict[str, Any], Progress]:
    where, examples = at.run.machine(), chosen.examples
    reference = references(model, examples, where, at.folder / REFERENCE, at.plan)
    objective = JudgedReplies([each.to(where.device) for each in reference], advantage.tolist(), settings)
    groups = [prompt_key(pair) for pair in chosen.pairs]
    training = Training(model, examples, groups, objective, settings.steps, at.run, at.folder, at.plan, dropout=False)
    progress = training.go()
    return {**speed_of(progress.curve), **_moved(model, examples, reference, advantage, where)}, progress


def _moved(
    model: Any,
    examples: Sequence[TokenExample],
    reference: Sequence[Any],
    advantage: NDArray[np.float64],
    where: Machine,
) -> dict[str, float]:
    """How far the model is from the snapshot: K3, and the mean ratio of replies that were better and worse."""
    ratios, divergence = np.zeros(len(examples)), np.zeros(len(examples))
    for index, logps in all_logps(model, examples, where):
        ratios[index] = float(sequence_ratio(logps.cpu(), reference[index]))
        divergence[index] = float(k3(logps.cpu(), reference[index]))
    found = {"kl": float(divergence.mean())}
    for name, rows in (("ratio_better", advantage > 0), ("ratio_worse", advantage < 0)):
        if rows.any():
            found[name] = float(ratios[rows].mean())
    return found


def references(model: Any, examples: Sequence[TokenExample], where: Machine, path: Path, plan: str) -> list[Any]:
    """Each reply's log-probabilities [T] under the snapshot, on the processor; computed once and kept at `path`.

    Raises:
        StoreError: they cannot be written.
    """
    lib, lengths = torch(), [len(example.reply) for example in examples]
    if path.exists():
        with library("safetensors").safe_open(str(path), framework="pt") as file:
            if file.metadata() == {"plan": plan}:
                return list(file.get_tensor("logps").split(lengths))
    found: list[Any] = [None] * len(examples)
    for index, logps in all_logps(model, examples, where):
        found[index] = logps.cpu()
    packed = library("safetensors.torch").save({"logps": lib.cat(found)}, metadata={"plan": plan})
    replace_file(path, packed, durable=False)
    return found


def _group(pair: PromptReply, within: Within) -> tuple[str, ...]:
    return (pair.domain, pair.scenario) if within == "scenario" else (prompt_key(pair),)


def _declared(settings: JpoSettings, base: Base, parent: Mapping[str, Any], data: Mapping[str, Any]) -> dict[str, Any]:
    given = {
        "choice": asdict(settings.choice),
        "steps": asdict(settings.steps),
        "kappa_negative": settings.kappa,
        "kl": settings.kl,
        "within": settings.within,
        "lora": parent["settings"].get("lora"),
    }
    shown = {"base": base.id.to_dict(), "data": dict(data), "settings": given}
    plan = digest_of({**shown, "parent": parent["digest"]})
    return {**shown, "settings": {**given, "plan": plan}}
