"""LLM-free negotiations per second, tracker on, stored on disk: Poise beside negmas with as many offers each.

negmas (AGPL) is installed into an environment of its own and run as another process; nothing of it is part of Poise.

    python benchmarks/tournament.py [--environment DIR] [--scenarios N]
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from poise import TournamentConfig, run_tournament
from poise.tournaments.storage.store import Store

NEGMAS = "negmas==0.16.0"
PEER = Path(__file__).with_name("negmas_peer.py")


def ours(scenarios: int) -> dict[str, float]:
    """One worker, seven debtors, three creditors."""
    config = TournamentConfig(
        creditors=("vanilla", "random", "eq-negotiator"),
        debtors=("vanilla", "angry", "sad", "threatening", "cheating", "victim", "stonewalling"),
        scenarios=f"builtin:0-{scenarios - 1}",
        seed=1,
        workers=1,
    )
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        result = run_tournament(config, folder)
        seconds = time.perf_counter() - began
        with Store.read(Path(folder)) as store:
            messages = [len(transcript.messages) for transcript in store.transcripts()]
    return {"negotiations": result.played, "offers": sum(messages) / len(messages), "seconds": seconds}


def peer(environment: Path, steps: int, scenarios: int) -> dict[str, float]:
    """The same number of offers with negmas, serially, on disk."""
    python = environment / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", environment], check=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", NEGMAS], check=True)
    with tempfile.TemporaryDirectory() as folder:
        command = [python, PEER, str(steps), str(scenarios), f"{folder}/out"]
        printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    found: dict[str, float] = json.loads(printed.strip().splitlines()[-1])
    return found


def main() -> None:
    """Print both rates and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--environment", type=Path, default=Path(tempfile.gettempdir()) / "poise-negmas")
    parser.add_argument("--scenarios", type=int, default=100)
    asked = parser.parse_args()
    left = ours(asked.scenarios)
    right = peer(asked.environment, round(left["offers"] / 2), max(1, asked.scenarios // 5))
    rates = []
    for name, seen in (("poise", left), (NEGMAS, right)):
        rates.append(seen["negotiations"] / seen["seconds"])
        print(
            f"{name:14} {seen['negotiations']:6.0f} negotiations of {seen['offers']:4.1f} messages in "
            f"{seen['seconds']:6.2f} s: {rates[-1]:8.1f} a second"
        )
    print(f"ratio {rates[0] / rates[1]:.1f} (bound 10)")


if __name__ == "__main__":
    main()
