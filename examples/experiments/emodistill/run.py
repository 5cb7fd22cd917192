"""EmoDistill from data to a round robin, and the page that tells it: python examples/experiments/emodistill/run.py

Everything that decides the result is in experiment.toml. Each step is a command of `poise` and keeps what is done, so a
stopped experiment goes on where it was. `--list` shows the commands; `--only page` writes the page anew.
"""

from __future__ import annotations

import argparse
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

from page import write_page

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
PARTS = ("train", "play", "page")


def main() -> None:
    """Train, play, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--settings", type=Path, default=HERE / "experiment.toml")
    parser.add_argument("--runs", type=Path, default=Path("runs/emodistill"))
    parser.add_argument("--dialogues", type=Path, required=True, help="the published dialogues, JSON lines")
    parser.add_argument("--cases", type=Path, required=True, help="the CSV file of their cases")
    parser.add_argument("--page", type=Path, default=ROOT / "docs/results/emodistill.md")
    parser.add_argument("--only", choices=PARTS, action="append", help="these parts; repeat")
    parser.add_argument("--list", action="store_true", help="show the commands and do nothing")
    given = parser.parse_args()
    settings = tomllib.loads(given.settings.read_text(encoding="utf-8"))
    places = {"runs": given.runs, "dialogues": given.dialogues, "cases": given.cases}
    parts = given.only or PARTS
    todo = [*(training(settings) if "train" in parts else ()), *(playing(settings) if "play" in parts else ())]
    for command in todo:
        words = [word.format(**places) for word in shlex.split(command)]
        print(f"\npoise {shlex.join(words)}", flush=True)
        if not given.list and not made(words):
            poise(words)
    if "page" in parts and not given.list:
        write_page(settings, given.runs, given.page)
        print(f"\n{given.page}")


def training(settings: dict[str, Any]) -> list[str]:
    """The commands that make agents of data."""
    return [command for step in settings["step"] for command in step["commands"]]


def playing(settings: dict[str, Any]) -> list[str]:
    """The tournaments, as commands."""
    return [_tournament(settings, play) for play in settings["play"]]


def _tournament(settings: dict[str, Any], play: dict[str, Any]) -> str:
    names = list(settings["creditors"]) if play["creditors"] == "all" else play["creditors"]
    seats = [
        *(f"--creditor {settings['creditors'][name]}" for name in names),
        *(f"--debtor {name}" for name in play["debtors"]),
    ]
    common = f"--scenarios {play['scenarios']} --matches-per-pair {play['matches']} --seed {settings['seed']}"
    fixed = f"--model {settings['model']} --max-messages {settings['max_messages']}"
    return f"tournament run {' '.join(seats)} {common} {fixed} --out {{runs}}/play/{play['name']}"


def made(words: list[str]) -> bool:
    """An agent's folder that is there is not exported again; every other command sees for itself what is done."""
    return words[1] == "export" and Path(words[words.index("--out") + 1]).exists()


def poise(words: list[str]) -> None:
    """Run a command of `poise`; stop where it fails."""
    code = subprocess.run([sys.executable, "-m", "poise", *words], check=False).returncode  # noqa: S603 - ours
    if code:
        raise SystemExit(f"stopped with code {code}; put it right and run the experiment again, it goes on from here")


if __name__ == "__main__":
    main()
