"""`poise train sweep`: negotiations with random emotions to learn from, the same number on each scenario.

It is a tournament: its folder is resumed after a crash without replaying a finished match, its transcripts can be
viewed, and `poise train dataset --from` reads it. EmoDistill's sweep is 80 scenarios x 50 seeds per domain.
"""

from __future__ import annotations

from pathlib import Path

from poise.common.progress import Watch
from poise.games.scenarios.loaders import load_scenarios
from poise.tournaments.config import make_config
from poise.tournaments.results import Result
from poise.tournaments.runner import run_tournament
from poise.training.data.held_out import refuse_evaluation
from poise.training.data.settings import SweepSettings


def sweep(
    settings: SweepSettings, out: Path | str, *, workers: int | str | None = None, watch: Watch | None = None
) -> Result:
    """Play the sweep into the folder `out`; repeat the call with the same settings to resume.

    Raises:
        BadInput: a setting, a debtor or the scenarios are refused, evaluation scenarios among them.
        StoreError: the folder cannot be used, or holds another tournament.
    """
    if not settings.allow_test:
        refuse_evaluation(settings.scenarios, load_scenarios(settings.scenarios), settings.debtors)
    config = make_config(
        {
            "creditors": (settings.creditor,),
            "debtors": settings.debtors,
            "scenarios": settings.scenarios,
            "repeats": settings.trajectories,
            "model": settings.model,
            "model_options": dict(settings.model_options),
            "offers": settings.offers,
            "seed": settings.seed,
            "draws": "own",  # equal ones would show each debtor the same emotions again
            "workers": workers,
        },
        "the sweep",
    )
    return run_tournament(config, out, watch=watch)
