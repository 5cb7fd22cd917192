"""Cost and quality of a model as the detector: `python benchmarks/detector_model.py [--uri URI]`.

Both, the model and the shipped detector, read the written sentences and a sample of CaSiNo's held-out messages
(described in `benchmarks/detector_dialogue.py`). Agreement is Cohen's kappa between the two readings. Seconds are
wall-clock, one message at a time, each read once; tokens are the prompt's that were not cached, and the answer's. A
message without a usable answer counts as failed, and as wrong.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
from detector_dialogue import ROOT, one_hot, written
from numpy.typing import NDArray

from poise.agents.emotions.detectors import LEXICAL, open_detector
from poise.agents.emotions.taxonomy import EMOTIONS7
from poise.common.errors import BadReply, ModelTimeout
from poise.common.seeds import Dice
from poise.training.detector.dialogue import Marked, read_casino
from poise.training.detector.scores import f1_by_class

FAILED = -1


def sample(data: Path, count: int) -> list[Marked]:
    """Held-out messages of CaSiNo at random."""
    rows = [row for row in read_casino(data / "casino" / "casino_train.json.gz") if row.held_out]
    return [rows[place] for place in Dice(1, "sample").rng().permutation(len(rows))[:count]]


def read(uri: str, rows: list[Marked]) -> tuple[NDArray[np.intp], dict[str, float]]:
    """The likeliest of the seven in each row (FAILED where there was no answer), and the cost of a message."""
    detector, found = open_detector(uri, {"slots": 1}), []
    detector.read("Are you there?")  # loads what is needed
    detector.spent()
    began = time.perf_counter()
    for row in rows:
        try:
            found.append(int(np.argmax(detector.read(row.text).seven)))
        except (BadReply, ModelTimeout):
            found.append(FAILED)
    cost = detector.spent() | {"seconds": time.perf_counter() - began}
    return np.array(found), {name: value / len(rows) for name, value in cost.items()}


def kappa(one: NDArray[np.intp], two: NDArray[np.intp]) -> float:
    """Cohen's kappa, (agreed - by chance) / (1 - by chance)."""
    kinds = np.union1d(one, two)
    chance = sum((one == kind).mean() * (two == kind).mean() for kind in kinds)
    return float(((one == two).mean() - chance) / (1 - chance))


def line(name: str, uri: str, rows: list[Marked], said: NDArray[np.intp], cost: dict[str, float]) -> str:
    """A line of the table."""
    true = np.array([EMOTIONS7.index(row.emotion or "neutral") for row in rows])
    answered = said != FAILED
    due = one_hot(true)
    f1 = f1_by_class(said[:, None] == np.arange(len(EMOTIONS7)), due)[due.any(axis=0)].mean()
    given, replied = cost.get("evaluated_tokens", 0), cost.get("reply_tokens", 0)
    return (
        f"| {name} | {uri} | {f1:.3f} | {(said == true).mean():.3f} | {int((~answered).sum())} | "
        f"{cost['seconds'] * 1000:.3g} | {cost.get('calls', 0):.2f} | {given:.0f} + {replied:.0f} |"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--uri", action="append", help="a detector; repeat. Default: embedded:smollm2")
    parser.add_argument("--sample", type=int, default=100, help="messages of CaSiNo")
    options = parser.parse_args()
    print("| set | detector | macro-F1 | right | failed | ms | calls | tokens given + replied |")
    print("|---|---|---|---|---|---|---|---|")
    agreement = []
    for name, rows in (("written", written()), ("CaSiNo", sample(options.data, options.sample))):
        own, cost = read(LEXICAL, rows)
        print(line(name, LEXICAL, rows, own, cost), flush=True)
        for uri in options.uri or ["embedded:smollm2"]:
            said, cost = read(uri, rows)
            print(line(name, uri, rows, said, cost), flush=True)
            shares = ", ".join(f"{each} {(said == place).mean():.2f}" for place, each in enumerate(EMOTIONS7))
            agreement.append(f"{name}, {LEXICAL} and {uri}: kappa {kappa(own, said):.2f}; the model says {shares}")
    print("\n" + "\n".join(agreement))


if __name__ == "__main__":
    main()
