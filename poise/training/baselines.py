"""`poise train baselines`: the best creditors that read nothing, chosen on training debtors.

An engine that reads emotions has to beat the best fixed emotion and the best concession without emotion. If they were
chosen on the matches that they are judged on, their figures would be too high (the winner's curse); so they are chosen
here and judged elsewhere. It is a tournament: its folder is resumed after a crash, and its standings and report show
every candidate.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import tomli_w

from poise.agents.concessions import BLIND
from poise.agents.emotions.taxonomy import EMOTIONS28
from poise.common.files import replace_file
from poise.common.progress import Watch
from poise.games.scenarios.loaders import load_scenarios
from poise.tournaments.config import make_config
from poise.tournaments.runner import run_tournament
from poise.tournaments.statistics.standings import read_standings
from poise.training.data.held_out import refuse_evaluation
from poise.training.data.settings import BaselineSettings

FILE: Final = "baselines.toml"
FIXED: Final = tuple(f"fixed:{emotion}" for emotion in EMOTIONS28)
CONCEDING: Final = ("vanilla", *(f"vanilla,concession={concession}" for concession in BLIND))


@dataclass(frozen=True, slots=True)
class Baselines:
    """The chosen creditors, as `--creditor` takes them, with the mean utilities of all, the best first.

    fixed: shows one emotion throughout. blind: shows none, and concedes best.
    """

    fixed: str
    blind: str
    utilities: Sequence[tuple[str, float]]


def choose_baselines(
    settings: BaselineSettings,
    out: Path | str,
    *,
    workers: int | str | None = None,
    watch: Watch | None = None,
) -> Baselines | None:
    """Play all candidates into the folder `out` and write the best to baselines.toml there; None where it was stopped.

    Raises:
        BadInput: a setting, a debtor or the scenarios are refused, those kept for evaluation among them.
        StoreError: the folder cannot be used, or holds another tournament.
    """
    if not settings.allow_test:
        refuse_evaluation(settings.scenarios, load_scenarios(settings.scenarios), settings.debtors)
    config: dict[str, Any] = {
        "creditors": (*CONCEDING, *FIXED),
        "debtors": settings.debtors,
        "scenarios": settings.scenarios,
        "matches_per_pair": settings.matches_per_pair,
        "seed": settings.seed,
        "workers": workers,
    }
    folder = Path(out)
    if not run_tournament(make_config(config, "the choice"), folder, watch=watch).complete:
        return None
    standings = read_standings(folder, draws=2).seat("creditor")
    ranked = [(one.label, one.utility.mean) for one in standings]
    fixed, blind = (next(label for label, _ in ranked if label in among) for among in (FIXED, CONCEDING))
    chosen = {"fixed": fixed, "blind": blind, "utilities": {label: round(mean, 6) for label, mean in ranked}}
    replace_file(folder / FILE, tomli_w.dumps(chosen).encode())
    return Baselines(fixed, blind, ranked)
