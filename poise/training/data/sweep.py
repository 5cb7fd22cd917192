"""`poise train sweep`: negotiations with random emotions to learn from, the same number on each scenario.

It is a tournament: its folder is resumed after a crash without replaying a finished match, its transcripts can be
viewed, and `poise train dataset --from` reads it. EmoDistill's sweep is 80 scenarios x 50 seeds per domain.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from poise.common.errors import ConfigError
from poise.games.scenarios.loaders import load_scenarios
from poise.tournaments.config import make_config
from poise.tournaments.results import Result
from poise.tournaments.runner import run_tournament
from poise.tournaments.watch import TournamentWatch
from poise.training.data.held_out import refuse_evaluation


@dataclass(frozen=True, slots=True)
class SweepSettings:
    """The settings of one sweep.

    debtors:      names as for --debtor; each plays all trajectories. scenarios: a source, see
    `poise.games.scenarios.loaders`.
    trajectories: negotiations on each scenario.
    creditor:     who plays; `random` draws each of the 28 emotions with equal probability.
    model, model_options, offers: as of a tournament.
    allow_test:   play evaluation scenarios too; a data set still leaves them out.
    """

    debtors: tuple[str, ...]
    scenarios: str = "builtin:train"
    trajectories: int = 50
    creditor: str = "random"
    model: str = "scripted"
    model_options: Mapping[str, Any] = field(default_factory=dict)
    offers: str | None = None
    seed: int = 0
    allow_test: bool = False

    def __post_init__(self) -> None:
        if not self.debtors:
            raise ConfigError("no debtor to negotiate with; name one or more with --debtor")
        if self.trajectories < 1:
            raise ConfigError(
                f"trajectories {self.trajectories} is below 1; give --trajectories 1 or more (the paper has 50)"
            )


def sweep(
    settings: SweepSettings, out: Path | str, *, workers: int | None = None, watch: TournamentWatch | None = None
) -> Result:
    """Play the sweep into the folder `out`; repeat the call with the same settings to resume.

    Raises:
        BadInput: a setting, a debtor or the scenarios are refused, evaluation scenarios among them.
        StoreError: the folder cannot be used, or holds another tournament.
    """
    cases = load_scenarios(settings.scenarios)
    if not settings.allow_test:
        refuse_evaluation(settings.scenarios, cases)
    config = make_config(
        {
            "creditors": (settings.creditor,),
            "debtors": settings.debtors,
            "scenarios": settings.scenarios,
            "matches_per_pair": settings.trajectories * len(cases),
            "model": settings.model,
            "model_options": dict(settings.model_options),
            "offers": settings.offers,
            "seed": settings.seed,
            "workers": workers,
        },
        "the sweep",
    )
    return run_tournament(config, out, watch=watch)
