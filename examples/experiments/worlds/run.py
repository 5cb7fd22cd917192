"""Evaluates every engine in worlds that no agent was trained in, and writes a page: examples/experiments/worlds/run.py

Everything that determines the result is in experiment.toml. What is already in the folder of runs is kept, so that the
same command resumes a stopped experiment. --quick takes minutes, the full size hours.
"""

from __future__ import annotations

import argparse
import time
import tomllib
from pathlib import Path
from typing import Any

import tomli_w
from page import write_page

from poise.agents.artifact import FILE as ARTIFACT
from poise.agents.simulated.files import world_files
from poise.agents.simulated.prior import read_prior, sample_worlds, with_noise
from poise.common.files import replace_file
from poise.common.seeds import child_seed
from poise.games.scenarios.loaders import load_scenarios
from poise.tournaments.config import make_config
from poise.tournaments.runner import run_tournament
from poise.training.baselines import choose_baselines
from poise.training.data.make import make_dataset
from poise.training.data.settings import BaselineSettings, DatasetSettings, SweepSettings
from poise.training.data.sweep import sweep
from poise.training.offline.problem import OfflineSettings
from poise.training.offline.train import train_offline
from poise.training.online.settings import TrainSettings
from poise.training.online.train import train

HERE = Path(__file__).parent
ROOT = HERE.parents[2]


class Experiment:
    """One size of the experiment in one folder; each method plays what is missing of its part."""

    def __init__(self, settings: dict[str, Any], size: str, runs: Path, workers: int | None) -> None:
        self.settings = settings | settings["sizes"][size] | {"size": size}
        self.runs = runs / size
        self.workers = workers
        self.worlds = self.runs / "sample"
        self.clock = time.monotonic()

    def sample(self) -> None:
        """Draw the worlds."""
        prior = read_prior(Path(self.settings["prior"]) if self.settings["prior"] else None)
        counts = {name: self.settings[name] for name in ("worlds", "permuted")}
        paths = sample_worlds(self.worlds, prior, seed=self.settings["seed"], **counts)
        (self.worlds / "null").mkdir(exist_ok=True)
        (self.worlds / "null" / "null.toml").write_bytes(paths[-1].read_bytes())
        self.say(f"{len(paths)} worlds")

    def baselines(self) -> dict[str, str]:
        """Choose the best fixed emotion, blind concession and published engine in the training worlds."""
        settings = BaselineSettings(
            (f"worlds:{self.worlds / 'train'}",),
            self.settings["scenarios"]["train"],
            self.settings["chosen"],
            self.settings["seed"],
        )
        found = choose_baselines(settings, self.runs / "baselines", workers=self.workers)
        if found is None:
            raise SystemExit("stopped; repeat the command to resume")
        utilities = self.play(
            "engines-in-training", "train", self.settings["published"], self.settings["chosen"], scenarios="train"
        )
        best = max(utilities.standings().seat("creditor"), key=lambda one: one.utility.mean).label
        self.say(f"best fixed {found.fixed}, best blind {found.blind}, best engine {best}")
        return {"best fixed": found.fixed, "best blind": found.blind, "best engine": best}

    def trained(self) -> dict[str, tuple[str, int]]:
        """Train Q-learning, IQL and the chains; return by folder the name and the number of training worlds."""
        files, names = world_files(self.worlds / "train"), {}
        for count in self.settings["trained_in"]:
            debtors = tuple(f"simulated:{file}" for file in files[:count])
            methods = {"q-learning (trained)": "q"}
            if count == self.settings["trained_in"][-1] and self.settings["chains"]:
                methods |= self.settings["training"]["chains"]
            for seed in self.settings["training"]["seeds"]:
                own = child_seed(self.settings["seed"], "training", seed) % 2**31
                for called, method in methods.items():
                    folder, budget = self.runs / f"{method}-{count}-{seed}", self.settings["q_negotiations"]
                    asked = TrainSettings(method, debtors, self.settings["scenarios"]["train"], budget, own)
                    train(asked, folder, workers=self.workers)
                    names[str(folder)] = (called, count)
                if self.settings["iql_negotiations"]:
                    names[str(self.iql(debtors, count, seed, own))] = ("iql", count)
                self.say(f"trained in {count} worlds, seed {seed}")
        return names

    def iql(self, debtors: tuple[str, ...], count: int, seed: int, own: int) -> Path:
        """Train IQL on negotiations with random emotions, the same number for any number of worlds."""
        cases = self.settings["scenarios"]["train"]
        number = max(1, round(self.settings["iql_negotiations"] / len(debtors) / len(load_scenarios(cases))))
        talks, data, out = (self.runs / f"{name}-{count}-{seed}" for name in ("sweep", "data", "iql"))
        if (out / ARTIFACT).is_file():
            return out
        if not sweep(SweepSettings(debtors, cases, number, seed=own), talks, workers=self.workers).complete:
            raise SystemExit("stopped; repeat the command to resume")
        make_dataset(DatasetSettings((str(talks),), parts="transitions"), data)
        # One thread: the same digits on any machine, and no threads that wait for each other on a busy one.
        train_offline(OfflineSettings(seed=own, steps=self.settings["iql_steps"], threads=1), data, out)
        return out

    def noisy(self, level: float) -> str:
        """The folder of the worlds to judge in, with a channel that misreads so many messages."""
        folder = self.worlds / f"noisy-{level}"
        folder.mkdir(exist_ok=True)
        for file in world_files(self.worlds / "test"):
            world = with_noise(tomllib.loads(file.read_text(encoding="utf-8")), level)
            replace_file(folder / file.name, tomli_w.dumps(world).encode(), durable=False)
        return folder.name

    def play(self, name: str, worlds: str, creditors: Any, matches: int, *, scenarios: str = "test") -> Any:
        """Play the tournament `name` in a folder of worlds."""
        config: dict[str, Any] = {
            "creditors": tuple(dict.fromkeys(creditors)),
            "debtors": f"worlds:{self.worlds / worlds}",
            "scenarios": self.settings["scenarios"][scenarios],
            "matches_per_pair": matches,
            "seed": self.settings["seed"],
        }
        given = {"workers": self.workers} if self.workers else {}
        result = run_tournament(make_config(config | given), self.runs / name)
        if not result.complete:
            raise SystemExit("stopped; repeat the command to resume")
        self.say(f"{name}: {result.played} of {result.total} matches played")
        return result

    def run(self, page: Path) -> None:
        """Run all steps in order."""
        self.sample()
        chosen = self.baselines()
        trained = self.trained()
        settings = self.settings
        field = [*settings["engines"], chosen["best fixed"], chosen["best blind"]]
        for worlds in ("test", "permuted"):
            oracle = f"oracle:{self.worlds / worlds}"
            self.play(f"judge-{worlds}", worlds, [*field, oracle], settings["judged"])
        self.play("judge-null", "null", [*field, f"oracle:{self.worlds / 'null'}"], settings["crossed"])
        self.play("judge-trained", "test", [settings["reference"], *trained], settings["trained"])
        crossed = [*settings["crossing"], chosen["best fixed"], f"oracle:{self.worlds / 'test'}"]
        for concession in settings["concessions"][1:]:
            named = [f"{name},concession={concession}" for name in crossed]
            self.play(f"judge-{concession}", "test", named, settings["crossed"])
        for level in settings["noise"]["levels"]:
            worlds = self.noisy(level)
            field = [*settings["noise"]["creditors"], *chosen.values(), f"oracle:{self.worlds / worlds}"]
            self.play(f"judge-{worlds}", worlds, field, settings["noisy"])
        write_page(settings, self.runs, chosen, trained, page)
        print(f"\n{page}")

    def say(self, words: str) -> None:
        """Say what is done, with the time since the start."""
        print(f"{time.monotonic() - self.clock:7.0f} s  {words}", flush=True)


def main() -> None:
    """Sample, choose, train, judge, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--settings", type=Path, default=HERE / "experiment.toml")
    parser.add_argument("--size", default="full", help="one of the settings' sizes: full, page, quick")
    parser.add_argument("--quick", action="store_const", dest="size", const="quick", help="the same as --size quick")
    parser.add_argument("--runs", type=Path, default=Path("runs/worlds"))
    parser.add_argument("--page", type=Path, help="default: worlds.md in the folder of runs, so that docs/ stay")
    parser.add_argument("--workers", type=int)
    given = parser.parse_args()
    settings = tomllib.loads(given.settings.read_text(encoding="utf-8"))
    if given.size not in settings["sizes"]:
        parser.error(f"--size {given.size} is none of {', '.join(settings['sizes'])}")
    experiment = Experiment(settings, given.size, given.runs, given.workers)
    experiment.run(given.page or given.runs / given.size / "worlds.md")


if __name__ == "__main__":
    main()
