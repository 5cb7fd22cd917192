"""Cost of adapters in a tournament on the embedded model, and savings by taking turns: python benchmarks/adapters.py

Two creditors with an adapter each play two debtors, one of them with a third adapter, twice: in order of arrival
(matches of all pairs in turn, calls as they arrive, any free slot), and as Poise plays them (pairs with the same
adapters together, one adapter at a time, slots by adapter). The same matches without any adapter are the bound. Prints
reply tokens a second, CPU time (which other work on the machine disturbs less), prompt tokens evaluated and how often
the engine changed its adapter.
"""

from __future__ import annotations

import argparse
import hashlib
import sqlite3
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

import numpy as np

from poise.agents.artifact import ADAPTER, Artifact, save_artifact
from poise.agents.models.embedded.shared import close_engines
from poise.agents.models.embedded.slots import SlotBook, Turns
from poise.agents.voices import _model_voice
from poise.tournaments.config import make_config
from poise.tournaments.runner import run_tournament
from poise.tournaments.schedule import Schedule
from poise.training.export.adapter_file import write_adapter
from poise.training.export.base_file import BaseFile, describe, read_base
from poise.training.export.peft_folder import Lora, Low

_TARGETS = {"q_proj": 576, "k_proj": 192, "v_proj": 192, "o_proj": 576}


def agent(folder: Path, base: BaseFile, seed: int) -> str:
    """An agent with a random adapter of rank 16, so small that its replies are like the base's."""
    dice = np.random.default_rng(seed)
    matrices = {
        (block, name): Low(
            dice.normal(0, 0.04, (16, 576)).astype(np.float32), dice.normal(0, 0.005, (rows, 16)).astype(np.float32)
        )
        for block in range(30)
        for name, rows in _TARGETS.items()
    }
    folder.mkdir()
    write_adapter(Lora(32.0, matrices), base, folder / ADAPTER)

    sha256 = hashlib.sha256((folder / ADAPTER).read_bytes()).hexdigest()
    declared = {"sha256": sha256, "base": describe(base, None), "ollama": None}
    save_artifact(Artifact("policy", {"name": "random"}, adapter=declared, seats=("creditor", "debtor")), folder)
    return str(folder)


@dataclass
class Changes:
    """How often a call began with another adapter than the one before."""

    count: int = 0
    last: str = ""


@contextmanager
def counted(changes: Changes) -> Iterator[None]:
    """Count the changes of adapter in what is played inside."""
    begin = Turns.begin

    def counting(turns: Turns, number: int) -> None:
        adapter = turns._waiting[number]
        changes.count += adapter != changes.last
        changes.last = adapter
        begin(turns, number)

    with mock.patch.object(Turns, "begin", counting):
        yield


@contextmanager
def as_they_come() -> Iterator[None]:
    """No turns, no grouping, no slots by adapter."""
    choose = SlotBook._choose
    with ExitStack() as stack:
        stack.enter_context(mock.patch.object(Turns, "may_begin", return_value=True))
        stack.enter_context(mock.patch.object(Schedule, "tuned", return_value=()))
        stack.enter_context(mock.patch.object(SlotBook, "_choose", lambda book, name, _: choose(book, name, "?")))
        yield


def play(name: str, creditors: list[str], debtors: list[str], given: argparse.Namespace, folder: Path) -> None:
    """One tournament on a fresh engine; prints its figures."""
    close_engines()
    _model_voice.cache_clear()
    options = {"max_tokens": 24, "temperature": 0.4}
    config = make_config(
        {
            "creditors": creditors,
            "debtors": debtors,
            "scenarios": "builtin:test",
            "matches_per_pair": given.matches,
            "max_messages": given.messages,
            "model": "embedded:smollm2",
            "model_options": options,
            "workers": given.workers,
        }
    )
    changes = Changes()
    began, cpu = time.perf_counter(), time.process_time()
    with counted(changes):
        result = run_tournament(config, folder)
    seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
    with sqlite3.connect(next(folder.glob("*.sqlite*"))) as store:
        said, asked, cached = store.execute(
            "select sum(reply_tokens), sum(prompt_tokens), sum(cached_tokens) from matches"
        ).fetchone()
    print(
        f"{name:14} {said / seconds:6.1f} reply tokens/s, {result.played / seconds * 60:5.1f} matches/min, "
        f"{1000 * cpu / said:.0f} ms of CPU a reply token; "
        f"{asked - cached} prompt tokens evaluated of {asked}; {changes.count} changes of adapter",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--matches", type=int, default=2, help="of each pair")
    parser.add_argument("--messages", type=int, default=7)
    parser.add_argument("--workers", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=1)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder, base = Path(name), read_base(None)
        one, two, three = (agent(folder / each, base, seed) for seed, each in enumerate(("one", "two", "three")))
        creditors, debtors = [one, two], ["angry", f"vanilla,adapter={three}"]
        for number in range(given.rounds):
            with as_they_come():
                play("as they come", creditors, debtors, given, folder / f"thrash{number}")
            play("in turns", creditors, debtors, given, folder / f"turns{number}")
        plain = [f"{each},adapter=none" for each in creditors]
        play("no adapters", plain, ["angry", "vanilla"], given, folder / "plain")
        close_engines()


if __name__ == "__main__":
    main()
