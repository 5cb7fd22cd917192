"""The settings of a training by play: declared once, for Python, the command line and the reference page."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Annotated, Any, Literal

from pydantic import Field

from poise.common.errors import ConfigError
from poise.common.settings import CliOption, check_settings, setting_fields


@dataclass(frozen=True, slots=True)
class TrainSettings:
    """The settings of one training; they decide the artifact.

    method: one of `poise.training.online.plan.methods`. policy: what `learn` teaches, "" for any other method.
    talks:  negotiations of each policy in a round; None for the method's usual number.
    mode, rows: of evolve and bayes; see `poise.agents.policies.chains`. learning: of learn.
    """

    method: str
    debtors: Annotated[
        tuple[str, ...], CliOption("--debtor", "NAME"), Field(description="A debtor to train against; repeat.")
    ]
    scenarios: Annotated[
        str, CliOption(metavar="SOURCE"), Field(description="The scenarios: builtin:train, or rows of a file.")
    ] = "builtin:train"
    budget: Annotated[int, Field(ge=1, description="All negotiations, the final check included.")] = 4000
    seed: Annotated[int, Field(ge=0, description="The one seed; same seed, same result.")] = 0
    talks: Annotated[
        int | None, Field(ge=1, description="Negotiations of each policy in a round. Default: by method.")
    ] = None
    mode: Annotated[
        Literal["corrected", "faithful"], Field(description="With Poise's corrections, or as published.")
    ] = "corrected"
    rows: Annotated[
        Literal["own", "heard"], Field(description="The next emotion depends on the last one shown, or read.")
    ] = "own"
    policy: str = ""
    learning: Annotated[bool, Field(description="Let the trained agent continue to learn when it plays.")] = False
    allow_test: Annotated[bool, Field(description="Train on evaluation scenarios too.")] = False

    def __post_init__(self) -> None:
        check_settings(self)
        if not self.debtors:
            raise ConfigError("no debtor to train against; name one or more with --debtor")
        if (self.method, self.mode, self.rows) == ("evolve", "faithful", "heard"):
            raise ConfigError("mode faithful counts transitions between own emotions; use --rows own with it")

    def to_dict(self) -> dict[str, Any]:
        """JSON data."""
        return {**asdict(self), "debtors": list(self.debtors)}

    def command(self) -> str:
        """The command line for this training, without --out and --workers."""
        words = ["poise train", self.method, *([self.policy] if self.policy else [])]
        words += [f"--debtor {debtor}" for debtor in self.debtors]
        for name, field in setting_fields(TrainSettings).items():
            value = getattr(self, name)
            if name in ("scenarios", "budget", "seed") or (name not in _WRITTEN and value != field.default):
                words.append(f"--{name.replace('_', '-')}" + ("" if value is True else f" {value}"))
        return " ".join(words)


_WRITTEN = ("method", "policy", "debtors")  # the first words of a command
