"""EmoDistill from data to a round robin and a page of results: python examples/experiments/emodistill/run.py

Everything that determines the result is in experiment.toml. Each step is a command that keeps what is done, so that the
same command resumes a stopped experiment. `--list` shows the commands of a size with estimated times; `--only page`
writes the page again. --quick takes a quarter of an hour, the full size a day.
"""

from __future__ import annotations

import argparse
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Any

from estimate import Estimator
from page import write_page

from poise.agents.emotions.detector import ARTIFACT
from poise.agents.emotions.detectors import detector_digest
from poise.cli.screens.exit_codes import DOUBTFUL
from poise.training.baselines import FILE as BASELINES
from poise.training.data.dataset import MANIFEST
from poise.training.language.scores import VERIFIABLE, scores_path

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
PARTS = ("train", "play", "page")
TRAINING = "{training}"
MODULES = {"fit": "poise.training.detector.fit"}  # commands that are not poise's own


class Experiment:
    """One size of the experiment in one folder: its commands, creditors and detectors.

    places: the replacements for braces, as text for a command line.
    """

    def __init__(self, settings: Mapping[str, Any], size: str, runs: Path, given: Mapping[str, str]) -> None:
        numbers = settings["sizes"][size]
        self.settings: dict[str, Any] = {**settings, **numbers, "size": size}
        debtors = self.settings["debtors"]
        self.runs = runs
        self.trainings: list[int] = numbers["trainings"]
        plain = {name: str(value) for name, value in numbers.items() if isinstance(value, int)} | dict(given)
        plain |= {name: str(self.settings[name]) for name in ("seed", "max_messages")}
        plain |= {"runs": str(runs), "first": str(self.trainings[0]), "training": TRAINING}
        self.detectors = {role: name.format(**plain) for role, name in settings["detectors"].items()}
        self.places = {name: value if name == "training" else shlex.quote(value) for name, value in plain.items()}
        self.places |= {role: shlex.quote(name) for role, name in self.detectors.items()}
        model_judge = given["judge"] != VERIFIABLE
        self.places |= {
            **{kind: _debtors(names, self.detectors["world"]) for kind, names in debtors.items()},
            **{f"{kind}_scripted": _debtors(names, self.detectors["world"], "@scripted")
               for kind, names in {**debtors, **_worlds(runs / "worlds", numbers["judged"])}.items()},
            "judge": f"--judge {given['judge']}" + ("" if model_judge else f" --detector {self.places['reward']}"),
            "scores": scores_path(Path(), given["judge"]).name,
            "gguf": f"--gguf {shlex.quote(given['gguf'])}" if given["gguf"] else "",
        }  # fmt: skip

    @property
    def fixed(self) -> str:
        """The best fixed emotion, once it is chosen."""
        path = self.runs / "baselines" / BASELINES
        return str(tomllib.loads(path.read_text("utf-8"))["fixed"]) if path.exists() else "{fixed}"

    def creditors(self, names: Sequence[str] | str) -> list[tuple[str, int, str]]:
        """(row, training, name for `--creditor`) of the rows, one for each training of a row that has several."""
        settings, found = self.settings, []
        crossed = {
            f"{policy}, {words}": f"{spec}{added}"
            for (policy, spec), (words, added) in product(settings["policies"].items(), settings["words"].items())
        }
        rows = {**crossed, **settings["creditors"]}
        played = settings.get("rows", list(rows))
        chosen = {
            "all": played,
            "candidates": [*settings["shipping"]["candidates"], settings["shipping"]["incumbent"]],
            "worlds": settings.get("world_rows", played),
            "transfer": settings.get("transfer_rows", played),
        }
        for name in (each for each in (chosen[names] if isinstance(names, str) else names) if each in played):
            for training in self.trainings if TRAINING in rows[name] else self.trainings[:1]:
                spec = rows[name].format(**{**self.places, "training": training, "fixed": self.fixed})
                found.append((name, training, spec))
        return found

    def training(self) -> Iterator[list[str]]:
        """The commands that make agents from data, as words."""
        for step in self.settings["step"]:
            for command in step["commands"]:
                for training in self.trainings if TRAINING in command else self.trainings[:1]:
                    yield self.words(command, training=str(training))

    def playing(self) -> Iterator[list[str]]:
        """The tournaments; their creditors are known when they are asked for."""
        for play in self.settings["play"]:
            seats = " ".join(f"--creditor {spec}" for _, _, spec in self.creditors(play["creditors"]))
            yield self.words(
                f"tournament run {seats} {play['debtors']} --scenarios {play['scenarios']} --matches-per-pair "
                f"{play['matches']} --seed {{seed}} --model {{model}} --max-messages {{max_messages}} --out "
                f"{{runs}}/play/{play['name']}"
            )

    def words(self, command: str, **more: str) -> list[str]:
        """A command as words, with its braces replaced."""
        places = {**self.places, **more, "fixed": "{fixed}"}
        return shlex.split(command.format(**places))

    def refuse_doubled_detectors(self) -> None:
        """Stop if one detector has two roles: the training would then optimise what moves debtors or what measures."""
        roles: dict[str, str] = {"reader": detector_digest(str(ARTIFACT))}
        for role, name in self.detectors.items():
            digest = detector_digest(name) if Path(name).exists() else name
            if other := next((one for one, known in roles.items() if known == digest), None):
                raise SystemExit(
                    f"the detector {name} has the roles {other!r} and {role!r}; fit another, or name one in [detectors]"
                )
            roles[role] = digest


def _debtors(names: Sequence[str], detector: str, words: str = "") -> str:
    return " ".join(f"--debtor {shlex.quote(f'{name},detector={detector}{words}')}" for name in names)


def _worlds(folder: Path, judged: int) -> dict[str, list[str]]:
    """The debtors of the first worlds of each half, as `poise worlds sample` names their files."""
    halves = {"seen_worlds": ("train", 0), "unseen_worlds": ("test", 1)}
    return {
        kind: [f"simulated:{folder}/{half}/world-{number:04d}.toml" for number in range(first, 2 * judged, 2)]
        for kind, (half, first) in halves.items()
    }


def main() -> None:
    """Train, play, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--settings", type=Path, default=HERE / "experiment.toml")
    parser.add_argument("--size", default="full", help="one of the settings' sizes: full, page, quick")
    parser.add_argument("--quick", action="store_const", dest="size", const="quick", help="the same as --size quick")
    parser.add_argument("--runs", type=Path, default=Path("runs/emodistill"))
    parser.add_argument("--dialogues", default="debt_dialogues.jsonl.gz", help="the published dialogues, JSON lines")
    parser.add_argument("--cases", default="credit_recovery_scenarios.csv", help="the CSV file of their cases")
    parser.add_argument("--goemotions", default="goemotions", help="the folder of GoEmotions' files")
    parser.add_argument("--casino", default="casino_train.json.gz", help="CaSiNo's training file")
    parser.add_argument("--model", default="embedded:smollm2", help="the model that speaks")
    parser.add_argument("--base", default="smollm2", help="the same to train: smollm2, a folder, or a name on the hub")
    parser.add_argument("--gguf", default="", help="its GGUF file, where that is not smollm2's")
    parser.add_argument("--judge", default=VERIFIABLE, help="who rewards: verifiable, or a model, such as ollama:NAME")
    parser.add_argument("--released", default="", help="play this published adapter instead of training one")
    parser.add_argument("--domain", default="debt", help="where a published adapter plays")
    parser.add_argument("--page", type=Path, help="default: emodistill.md in the folder of runs, so that docs/ stay")
    parser.add_argument("--only", choices=PARTS, action="append", help="these parts; repeat")
    parser.add_argument("--list", action="store_true", help="show the commands with their times, and do nothing")
    given = parser.parse_args()
    settings = tomllib.loads(given.settings.read_text(encoding="utf-8"))
    if given.size not in settings["sizes"]:
        parser.error(f"--size {given.size} is none of {', '.join(settings['sizes'])}")
    named = ("dialogues", "cases", "goemotions", "casino", "model", "base", "gguf", "judge", "released", "domain")
    experiment = Experiment(settings, given.size, given.runs / given.size, {name: vars(given)[name] for name in named})
    parts = given.only or PARTS
    if given.released:
        run([experiment.words(command) for command in settings["released"]["commands"]], show=given.list)
        return
    if given.list:
        show_all(experiment, parts)
        return
    experiment.refuse_doubled_detectors()
    if "train" in parts:
        run(experiment.training())
        experiment.refuse_doubled_detectors()
    if "play" in parts:
        run(experiment.playing())
    if "page" in parts:
        page = given.page or experiment.runs / "emodistill.md"
        write_page(experiment, page)
        print(f"\n{page}")


def show_all(experiment: Experiment, parts: Sequence[str]) -> None:
    """The commands with their estimated times, and the sum."""
    commands = [
        *(experiment.training() if "train" in parts else ()),
        *(experiment.playing() if "play" in parts else ()),
    ]
    seconds = [Estimator(experiment).seconds(words) for words in commands]
    for words, each in zip(commands, seconds, strict=True):
        print(f"{each / 60:8.1f} min  {shown(words)}")
    playing = sum(seconds[-len(experiment.settings["play"]) :]) if "play" in parts else 0.0
    print(f"{sum(seconds) / 60:8.1f} min  in all, of which {playing / 60:.0f} play")


def run(commands: Iterator[list[str]] | list[list[str]], *, show: bool = False) -> None:
    """Run the commands that are not done, in order; stop if one fails."""
    for words in commands:
        print(f"\n{shown(words)}", flush=True)
        if show or done(words):
            continue
        program = [MODULES[words[0]], *words[1:]] if words[0] in MODULES else ["poise", *words]
        code = subprocess.run([sys.executable, "-m", *program], check=False).returncode  # noqa: S603 - ours
        if code not in (0, DOUBTFUL):  # doubts, such as a seen world, stand in the standings and on the page
            raise SystemExit(f"stopped with code {code}; put it right and repeat the command, it resumes from here")


def shown(words: Sequence[str]) -> str:
    """A command as written in a shell."""
    return f"{f'python -m {MODULES[words[0]]}' if words[0] in MODULES else f'poise {words[0]}'} {shlex.join(words[1:])}"


def done(words: Sequence[str]) -> bool:
    """Whether what a command makes is there, of those that do not look for themselves."""
    if "--out" not in words:
        return False
    out = Path(words[words.index("--out") + 1])
    made = {"fit": out, "export": out, "dataset": out / MANIFEST}
    return any(kind in words[:2] and path.exists() for kind, path in made.items())


if __name__ == "__main__":
    main()
