"""Plays every engine against every debtor and writes the page: python examples/experiments/engines/run.py

Everything that decides the result is in experiment.toml. Trainings and matches that are already in the folder of runs
are kept, so a stopped experiment goes on where it was.
"""

from __future__ import annotations

import argparse
import time
import tomllib
from pathlib import Path
from typing import Any

from page import Results, write_page

from poise.agents.emotions.taxonomy import EMOTIONS28
from poise.tournaments.config import make_config
from poise.tournaments.runner import run_tournament
from poise.training.online.settings import TrainSettings
from poise.training.online.train import train

HERE = Path(__file__).parent
ROOT = HERE.parents[2]


def main() -> None:
    """Train, play, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--settings", type=Path, default=HERE / "experiment.toml")
    parser.add_argument("--runs", type=Path, default=Path("runs/engines"))
    parser.add_argument("--page", type=Path, default=ROOT / "docs/results/engines.md")
    parser.add_argument("--repeats", type=int, help="in place of both of the settings' own")
    parser.add_argument("--budget", type=int, help="negotiations of each training, in place of the settings' own")
    parser.add_argument("--workers", type=int)
    given = parser.parse_args()
    settings = tomllib.loads(given.settings.read_text(encoding="utf-8"))
    for name in ("repeats", "world_repeats"):
        settings[name] = given.repeats or settings[name]
    settings["training"]["budget"] = given.budget or settings["training"]["budget"]
    names = trained_agents(settings, given.runs, given.workers)
    folders = given.runs / "field", given.runs / "world"
    seconds = play(settings, names, folders[0], given.workers)
    play(settings | {"debtors": ["simulated"], "repeats": settings["world_repeats"]}, names, folders[1], given.workers)
    write_page(settings, [Results(folder, names, settings["seed"]) for folder in folders], given.page, seconds)
    print(f"\n{given.page}")


def trained_agents(settings: dict[str, Any], runs: Path, workers: int | None) -> dict[str, str]:
    """Train what has to be trained; the agents' names in the tournament (folders) and on the page."""
    common = settings["training"] | {"debtors": tuple(settings["debtors"]), "seed": settings["seed"]}
    names = {}
    for one in settings["trained"]:
        asked = TrainSettings(**common, **{key: value for key, value in one.items() if key != "name"})
        folder = runs / "-".join(filter(None, (asked.method, asked.policy, one.get("rows"))))
        began = time.monotonic()
        done = train(asked, folder, workers=workers)
        print(f"{one['name']}: {'kept' if done.earlier else f'{time.monotonic() - began:.0f} s'}", flush=True)
        names[str(folder)] = one["name"]
    return names


def play(settings: dict[str, Any], trained: dict[str, str], folder: Path, workers: int | None) -> float:
    """Play the tournament, or what is missing of it; the seconds that it took."""
    fixed = [f"fixed:{emotion}" for emotion in EMOTIONS28] if settings["fixed"] == "all" else settings["fixed"]
    fields = {
        "creditors": [*settings["engines"], *fixed, *trained],
        "debtors": settings["debtors"],
        "scenarios": settings["scenarios"],
        "repeats": settings["repeats"],
        "seed": settings["seed"],
        "baseline": settings["reference"],
        "workers": workers,
    }
    config = make_config({key: value for key, value in fields.items() if value is not None})
    result = run_tournament(config, folder)
    print(f"{result.played} of {result.total} matches played in {result.seconds:.0f} s", flush=True)
    return result.seconds if result.played == result.total else 0.0


if __name__ == "__main__":
    main()
