"""The settings of sweeps, baselines and data sets: declared once, for Python, command line and reference page."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from pydantic import Field

from poise.common.errors import ConfigError
from poise.common.settings import CliOption, check_settings
from poise.games.moves import SEATS, Seat


@dataclass(frozen=True, slots=True)
class SweepSettings:
    """The settings of one sweep. model, model_options, offers: as of a tournament."""

    debtors: Annotated[
        tuple[str, ...], CliOption("--debtor", "NAME"), Field(description="A debtor to negotiate with; repeat.")
    ]
    scenarios: Annotated[str, CliOption(metavar="SOURCE"), Field(description="The scenarios.")] = "builtin:train"
    trajectories: Annotated[
        int, Field(ge=1, description="Negotiations of each debtor on each scenario; the paper has 50.")
    ] = 50
    creditor: Annotated[
        str,
        CliOption(metavar="NAME"),
        Field(description="The creditor that explores; random draws each of the 28 emotions equally often."),
    ] = "random"
    model: Annotated[
        str, CliOption(metavar="URI"), Field(description="The model for the words; scripted uses none.")
    ] = "scripted"
    model_options: Annotated[
        dict[str, Any], CliOption("--option"), Field(description="An option of the model; repeat.")
    ] = field(default_factory=dict)
    offers: Annotated[Literal["policy", "model"] | None, Field(description="Who decides the number.")] = None
    seed: Annotated[int, Field(ge=0, description="The one seed; same seed, same result.")] = 0
    allow_test: Annotated[
        bool, Field(description="Play evaluation scenarios too; a data set still leaves them out.")
    ] = False

    def __post_init__(self) -> None:
        check_settings(self)
        if not self.debtors:
            raise ConfigError("no debtor to negotiate with; name one or more with --debtor")


@dataclass(frozen=True, slots=True)
class BaselineSettings:
    """The settings of one choice of baselines, see `poise.training.baselines`."""

    debtors: Annotated[
        tuple[str, ...],
        CliOption("--debtor", "NAME"),
        Field(description="A debtor to choose against, such as worlds:DIR/train; repeat."),
    ]
    scenarios: Annotated[str, CliOption(metavar="SOURCE"), Field(description="The scenarios.")] = "builtin:train"
    matches_per_pair: Annotated[int, Field(ge=1, description="Matches of each candidate against each debtor.")] = 100
    seed: Annotated[int, Field(ge=0, description="The one seed; same seed, same result.")] = 0
    allow_test: Annotated[bool, Field(description="Choose on evaluation scenarios and worlds too.")] = False

    def __post_init__(self) -> None:
        check_settings(self)
        if not self.debtors:
            raise ConfigError("no debtor to choose against; name one or more with --debtor")


@dataclass(frozen=True, slots=True)
class DatasetSettings:
    """The sources of training data.

    dialogues: see `poise.training.data.dialogues`. cases: "" for none.
    scores:    one {"match", "index", "score"} a line, and what `poise train score` writes for a tournament.
    seat:      transitions are always the creditor's.
    """

    runs: Annotated[
        tuple[str, ...], CliOption("--from", "DIR"), Field(description="A tournament's folder; repeat.")
    ] = ()
    dialogues: Annotated[
        tuple[str, ...], CliOption(metavar="FILE"), Field(description="Published dialogues; repeat.")
    ] = ()
    cases: Annotated[
        str, CliOption(metavar="SOURCE"), Field(description="The scenarios that the dialogues are about.")
    ] = ""
    scores: Annotated[
        tuple[str, ...],
        CliOption(metavar="FILE"),
        Field(description="Judges' scores, 1 to 10, JSON lines; repeat."),
    ] = ()
    parts: Annotated[Literal["all", "transitions", "pairs"], Field(description="What to make.")] = "all"
    seat: Annotated[Literal["creditor", "debtor", "both"], Field(description="Whose words become pairs.")] = "creditor"
    scripted: Annotated[bool, Field(description="Also pairs of words that no model produced.")] = False
    allow_test: Annotated[bool, Field(description="Let evaluation scenarios in; the data record it.")] = False

    def __post_init__(self) -> None:
        check_settings(self)
        if not self.runs and not self.dialogues:
            raise ConfigError(
                "there is nothing to read; name tournaments with --from DIR, or files with --dialogues FILE"
            )

    @property
    def seats(self) -> tuple[Seat, ...]:
        """Whose messages become pairs."""
        return SEATS if self.seat == "both" else (self.seat,)
