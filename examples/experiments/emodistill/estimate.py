"""Estimates the time of each command of the experiment from measured rates (`[rates]`)."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from poise.games.scenarios.loaders import load_scenarios
from poise.training.baselines import CONCEDING, FIXED

if TYPE_CHECKING:
    from run import Experiment


class Estimator:
    """The seconds of one command of an experiment on the machine of its rates."""

    def __init__(self, experiment: Experiment) -> None:
        self.settings, self.rates = experiment.settings, experiment.settings["rates"]

    def seconds(self, words: Sequence[str]) -> float:
        """How long, about."""
        rates, replies = self.rates, 4 * self.settings["prompts"]
        kind = words[1] if words[0] == "train" else words[0]
        costs = {
            "fit": lambda: rates["fit"],
            "sweep": lambda: self._played(
                ["random"], words, self._scenarios(words) * int(_option(words, "--trajectories"))
            ),
            "baselines": lambda: self._played([*FIXED, *CONCEDING], words, int(_option(words, "--matches-per-pair"))),
            "tournament": lambda: self._played(
                _options(words, "--creditor"), words, int(_option(words, "--matches-per-pair"))
            ),
            "iql": lambda: int(_option(words, "--steps")) / rates["iql_steps"],
            "sft": lambda: self._pairs(words) * rates["sft_pair"],
            "sample": lambda: replies * rates["drawn"],
            "jpo": lambda: replies * rates["judged_reply"],
            "dpo": lambda: replies / 2 * rates["judged_reply"],
            **dict.fromkeys(("dataset", "pick"), lambda: rates["data"]),
        }
        return float(costs.get(kind, lambda: rates["other"])())

    def _played(self, creditors: Sequence[str], words: Sequence[str], matches: int) -> float:
        """For each creditor against each debtor; an agent that names no model uses the command's."""
        model = _option(words, "--model", "scripted")
        messages = min(self.rates["messages_in_match"], int(_option(words, "--max-messages", "31")) / 2)
        seconds = 0.0
        for debtor in _options(words, "--debtor"):
            worlds = self.settings["worlds"] // 2 if debtor.startswith("worlds:") else 1
            for creditor in creditors:
                voices = sum(_spoken(name, model) for name in (creditor, debtor))
                each = voices * messages / self.rates["messages"] or 1 / self.rates["matches"]
                seconds += worlds * matches * each
        return seconds

    def _scenarios(self, words: Sequence[str]) -> int:
        return len(load_scenarios(_option(words, "--scenarios", "builtin:train")))

    def _pairs(self, words: Sequence[str]) -> float:
        """Templates add half of the others."""
        of_debtor = "debtor" in Path(_option(words, "--data")).name
        picked = ("debtor_pairs",) if of_debtor else ("dialogue_pairs", "model_pairs")
        return 1.5 * sum(self.settings[name] for name in picked)


def _spoken(name: str, model: str) -> bool:
    """Whether a model words the agent's messages."""
    own = name.rpartition("@")[2] if "@" in name else model
    return own != "scripted"


def _option(words: Sequence[str], name: str, default: str = "") -> str:
    return next(iter(_options(words, name)), default)


def _options(words: Sequence[str], name: str) -> list[str]:
    return [after for word, after in pairwise(words) if word == name]
