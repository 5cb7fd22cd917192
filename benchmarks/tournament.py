"""LLM-free negotiations per CPU second, tracker on, stored on disk: Poise beside a bare loop and beside NegMAS.

"Its parts alone" is what remains without decisions and control flow: the voice words each message again, the detector
and the rules of conduct read it, and the documents are written, packed and stored.

The bare loop does the minimum for the same negotiations: it concedes, words its offers in the same phrases, writes JSON
and puts it into SQLite; it reads no emotions, asks no referee and checks no rules. It runs before and after Poise, so
that other load on the machine affects both.

NegMAS (AGPL) is installed into a separate environment and run as another process; no part of it is in Poise. It is
quoted twice: with as many offers per negotiation, and with its own negotiators, which agree sooner.

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
from dataclasses import replace
from pathlib import Path

import orjson

from poise import TournamentConfig, run_tournament
from poise.agents.conduct import broken_rules
from poise.agents.emotions.detector import default_detector
from poise.agents.replay import Seen
from poise.agents.voices.scripted import ScriptedVoice, phrases
from poise.common.seeds import Dice
from poise.tournaments.storage.contents import finished_matches
from poise.tournaments.storage.documents import with_short_readings
from poise.tournaments.storage.rows import to_json, transcript_from
from poise.tournaments.storage.store import Store

NEGMAS = "negmas==0.16.0"
PEER = Path(__file__).with_name("negmas_peer.py")
Rate = dict[str, float]  # negotiations, offers of each, CPU seconds


def settings(scenarios: int) -> TournamentConfig:
    """One worker, seven debtors, three creditors, one of which learns."""
    return TournamentConfig(
        creditors=("vanilla", "random", "eq-negotiator"),
        debtors=("vanilla", "angry", "sad", "threatening", "cheating", "victim", "stonewalling"),
        scenarios=f"builtin:0-{scenarios - 1}",
        seed=1,
        workers=1,
    )


def ours(scenarios: int) -> Rate:
    """A tournament, stored."""
    with tempfile.TemporaryDirectory() as folder:
        began = time.process_time()
        result = run_tournament(settings(scenarios), folder)
        seconds = time.process_time() - began
        with Store.read(Path(folder)) as store:
            rounds = [row.rounds for row in store.rows()]
    return {"negotiations": result.played, "offers": sum(rounds) / len(rounds), "seconds": seconds}


def parts(scenarios: int) -> Rate:
    """The minimum of a match: its words made, read and judged again, and its documents packed and stored."""
    voice, detector, dice = ScriptedVoice(), default_detector(), Dice(1)
    with tempfile.TemporaryDirectory() as folder:
        run_tournament(settings(scenarios), f"{folder}/played")
        with Store.read(Path(folder) / "played") as store:
            header, cases, finished = store.header(), store.scenarios(), list(finished_matches(store))
        transcripts = [transcript_from(one.position, one.transcript) for one in finished]
        requests = [
            [seen.request(number) for seen in (Seen(one, "creditor"), Seen(one, "debtor")) for number in places(seen)]
            for one in transcripts
        ]
        told = list(zip(finished, transcripts, requests, strict=True))
        began = time.process_time()
        with Store.create(Path(folder) / "stored", header, cases) as store:
            for start in range(0, len(finished), 500):
                batch = []
                for one, transcript, asked in told[start : start + 500]:
                    for request in asked:
                        speech = voice.speak(request, dice.child(request.view.index))
                        detector.read(speech.tone)
                        broken_rules(speech.text, request.view.brief.seat, request.view.brief.domain)
                    batch.append(replace(one, transcript=to_json(with_short_readings(transcript.to_dict()))))
                store.add(batch)
        seconds = time.process_time() - began
    offers = sum(map(len, requests)) / len(requests)
    return {"negotiations": len(finished), "offers": offers, "seconds": seconds}


def places(seen: Seen) -> range:
    """The numbers of a seat's messages."""
    return range(len(seen.messages))


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
    rates = {"poise": poise, "its parts alone": parts(asked.scenarios)}
    rates |= {"a bare loop": min(before, after, key=lambda rate: rate["seconds"])}
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
