"""LLM-free negotiations per CPU second, tracker on, stored on disk: Poise beside a bare loop and beside negmas.

The bare loop does the least that the same negotiations can be: it concedes, says its offers in the same phrases, writes
JSON and puts it into SQLite; it reads no emotions, asks no referee and keeps no rules. It runs before and after Poise,
so that what else the machine does hits both.

negmas (AGPL) is installed into an environment of its own and run as another process; nothing of it is part of Poise.
It is quoted twice: with as many offers each, and with negotiators of its own that agree sooner.

    python benchmarks/tournament.py [--environment DIR] [--scenarios N]     no DIR: without negmas
"""

import argparse
import json
import random
import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import orjson

from poise import TournamentConfig, run_tournament
from poise.agents.voices.scripted import phrases
from poise.tournaments.storage.store import Store

NEGMAS = "negmas==0.16.0"
PEER = Path(__file__).with_name("negmas_peer.py")
Rate = dict[str, float]  # negotiations, offers of each, CPU seconds


def ours(scenarios: int) -> Rate:
    """One worker, seven debtors, three creditors, one of which learns."""
    config = TournamentConfig(
        creditors=("vanilla", "random", "eq-negotiator"),
        debtors=("vanilla", "angry", "sad", "threatening", "cheating", "victim", "stonewalling"),
        scenarios=f"builtin:0-{scenarios - 1}",
        seed=1,
        workers=1,
    )
    with tempfile.TemporaryDirectory() as folder:
        began = time.process_time()
        result = run_tournament(config, folder)
        seconds = time.process_time() - began
        with Store.read(Path(folder)) as store:
            rounds = [row.rounds for row in store.rows()]
    return {"negotiations": result.played, "offers": sum(rounds) / len(rounds), "seconds": seconds}


def bare(negotiations: int, messages: int) -> Rate:
    """A plain loop of as many messages."""
    told, dice = phrases(), random.Random(1)
    seats = ("creditor", "debtor")
    with tempfile.TemporaryDirectory() as folder:
        began = time.process_time()
        db = sqlite3.connect(Path(folder) / "bare.sqlite")
        db.execute("CREATE TABLE documents (position INTEGER PRIMARY KEY, transcript BLOB NOT NULL)")
        for position in range(negotiations):
            offers, record = [20, 120], []
            for index in range(messages):
                who = index % 2
                offers[who] += (offers[1 - who] - offers[who]) // 12
                mood = dice.choice(told.feelings[seats[who], "joy"])
                text = f"{mood} {dice.choice(told.moves[seats[who], 'offer']).format(offer=f'{offers[who]} days')}"
                record.append({"index": index, "seat": seats[who], "text": text, "value": offers[who]})
            db.execute("INSERT INTO documents VALUES (?, ?)", (position, orjson.dumps({"messages": record})))
        db.commit()
        db.close()
        seconds = time.process_time() - began
    return {"negotiations": negotiations, "offers": messages, "seconds": seconds}


def peer(environment: Path, steps: int, scenarios: int, *kind: str) -> Rate:
    """negmas, serially, on disk."""
    python = environment / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", environment], check=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", NEGMAS], check=True)
    with tempfile.TemporaryDirectory() as folder:
        command = [python, PEER, str(steps), str(scenarios), f"{folder}/out", *kind]
        printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    found: Rate = json.loads(printed.strip().splitlines()[-1])
    return found


def main() -> None:
    """Print the rates and their ratios to Poise's."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--environment", type=Path)
    parser.add_argument("--scenarios", type=int, default=100)
    asked = parser.parse_args()
    ours(5)  # imports and memos
    before = bare(2000, 20)
    poise = ours(asked.scenarios)
    after = bare(2000, 20)
    rates = {"poise": poise, "a bare loop": min(before, after, key=lambda rate: rate["seconds"])}
    if asked.environment:
        few = max(1, asked.scenarios // 5)
        rates[f"{NEGMAS}, as long"] = peer(asked.environment, round(poise["offers"] / 2), few)
        rates[f"{NEGMAS}, short"] = peer(asked.environment, round(poise["offers"] / 2), few, "short")
    own = poise["negotiations"] / poise["seconds"]
    for name, seen in rates.items():
        rate = seen["negotiations"] / seen["seconds"]
        print(
            f"{name:24} {seen['negotiations']:6.0f} negotiations of {seen['offers']:4.1f} messages in "
            f"{seen['seconds']:6.2f} CPU s: {rate:8.1f} a second, poise is {own / rate:.2f} times as fast"
        )


if __name__ == "__main__":
    main()
