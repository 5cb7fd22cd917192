"""The learning curve of a training."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from poise.agents.artifact import FILE, load_artifact
from poise.common.errors import BadInput
from poise.tournaments.charts.plots import colour

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LOSSES: Final = "curve.jsonl"  # the file of a training of words, with a line for each step
_COLOURS: Final = ("creditor", "debtor", "good", "s2", "warn")  # of the report


@dataclass(frozen=True)
class LearningCurve:
    """A learning curve.

    unit: what x counts, such as steps. x: increasing. figures: by name, such as utility or a loss, a value for each x.
    """

    unit: str
    x: Sequence[float]
    figures: dict[str, Sequence[float]]


def read_curve(folder: Path | str) -> LearningCurve:
    """The learning curve of the training in `folder`: utility by play, losses from data sets and of words.

    Raises:
        BadInput: the training has none. AgentError: the folder holds no finished training.
    """
    folder = Path(folder)
    if (folder / LOSSES).is_file():
        lines = [json.loads(line) for line in (folder / LOSSES).read_text(encoding="utf-8").splitlines()]
        return LearningCurve("steps", [line["step"] for line in lines], {"loss": [line["loss"] for line in lines]})
    curve: dict[str, Any] = load_artifact(folder).scores.get("curve") or {}
    steps = curve.get("steps")
    if not steps:
        raise BadInput(
            f"{folder / FILE} has no learning curve: it is from an older version, or took no steps; train it again"
        )
    names = curve.get("losses") or curve["figures"]
    columns: dict[str, Sequence[float]] = {name: [step[place] for step in steps] for place, name in enumerate(names, 1)}
    return LearningCurve(str(curve.get("unit", "steps")), [step[0] for step in steps], columns)


def plot_training(folder: Path | str, ax: Axes | None = None) -> Axes:
    """Draw the learning curve of the training in `folder`; raises as `read_curve`.

    Utility by play is the mean of each round, in which the policy explores, and so below its final utility.
    """
    curve = read_curve(folder)
    if ax is None:
        from matplotlib import pyplot as plt

        ax = plt.subplots(figsize=(7, 3.5), layout="constrained")[1]
    for number, (name, values) in enumerate(curve.figures.items()):
        ax.plot(curve.x, values, color=colour(_COLOURS[number % len(_COLOURS)]), label=name.replace("_", " "))
    ax.set_xlabel(f"{curve.unit} of training")
    only = next(iter(curve.figures)) if len(curve.figures) == 1 else ""
    ax.set_ylabel({"utility": "creditor's mean utility in a round", "": "loss"}.get(only, only))
    if not only:
        ax.legend(frameon=False)
    return ax
