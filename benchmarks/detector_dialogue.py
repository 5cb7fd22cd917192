"""How well the detector reads negotiations: `python benchmarks/detector_dialogue.py [--data FOLDER]`.

Four sets, none of which it was trained on: the development rows of GoEmotions (thresholds and temperatures were tuned
on them); 156 sentences of debtors and creditors written for the purpose (tests/data/negotiation_emotions.jsonl);
messages that people marked with an emoticon in CaSiNo, from held-out negotiations; and creditor messages of language
models that were told an emotion (EmoDebt's dialogues), from held-out scenarios. FOLDER holds goemotions/, casino/ and
dialogues/ (`../shared/data`).

Macro-F1 and accuracy are those of the likeliest of the seven, over the classes that the set has; a development row with
several labels is right if one of them is predicted. ECE has 15 bins. `--artifact FILE` measures another artifact,
`--reliability` prints the bins, `--confusion` what emotions are taken for when they are misread. A second table has the
sentences with courtesies and with feelings that are denied, reported or supposed
(tests/data/negotiation_pragmatics_*.jsonl): the share read acceptably, with and without the rules of
`poise.agents.emotions.pragmatics`.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from poise.agents.emotions.artifact import load_detector
from poise.agents.emotions.detector import ARTIFACT, Detector
from poise.agents.emotions.features import normalise
from poise.agents.emotions.taxonomy import EMOTIONS7
from poise.training.detector.corpus import read_corpus
from poise.training.detector.dialogue import Marked, read_casino, read_debt_dialogues
from poise.training.detector.scores import calibration_error, detector_reliability, f1_by_class

Flags = NDArray[np.bool_]
ROOT = Path(__file__).parents[1]
WRITTEN = ROOT / "tests" / "data" / "negotiation_emotions.jsonl"


@dataclass(frozen=True)
class Judged:
    """A set to judge by: texts, and which of the seven are true of each, shape (rows, 7)."""

    name: str
    texts: list[str]
    true: Flags


def judged(name: str, rows: list[Marked]) -> Judged:
    """A set of messages with one emotion each."""
    places = [EMOTIONS7.index(row.emotion) for row in rows if row.emotion]
    return Judged(name, [row.text for row in rows], np.eye(len(EMOTIONS7), dtype=bool)[places])


def written() -> list[Marked]:
    """The sentences written for the purpose."""
    rows = [json.loads(line) for line in WRITTEN.read_text(encoding="utf-8").splitlines()]
    return [Marked(row["text"], row["emotion"], True) for row in rows]


def sets(data: Path) -> list[Judged]:
    """All four."""
    dev = read_corpus(data / "goemotions" / "dev.tsv.gz")
    casino = read_casino(data / "casino" / "casino_train.json.gz")
    dialogues = read_debt_dialogues(data / "dialogues" / "debt_dialogues.jsonl.gz")
    return [
        Judged("GoEmotions dev", dev.texts, dev.heads[:, -len(EMOTIONS7) :]),
        judged("written", written()),
        judged("CaSiNo", [row for row in casino if row.held_out]),
        judged("dialogues", [row for row in dialogues if row.held_out and row.emotion]),
    ]


def one_hot(places: NDArray[np.intp]) -> Flags:
    return np.eye(len(EMOTIONS7), dtype=bool)[places]


def macro(said: NDArray[np.intp], true: Flags) -> float:
    """Macro-F1 over the classes that occur; of several true labels the predicted one counts, else the first."""
    one = np.where(true[np.arange(len(said)), said], said, true.argmax(axis=1))
    due = one_hot(one)
    return float(f1_by_class(one_hot(said), due)[due.any(axis=0)].mean())


def row(each: Judged, probabilities: NDArray[np.float64], bins: bool) -> str:
    """A line of the table."""
    said, sure = probabilities.argmax(axis=1), probabilities.max(axis=1)
    right = each.true[np.arange(len(said)), said]
    often = np.full_like(said, each.true.sum(axis=0).argmax())
    scores = (
        *(macro(said, each.true), macro(often, each.true), right.mean(), each.true[:, often[0]].mean()),
        *(sure.mean(), calibration_error(sure, right)),
    )
    line = f"| {each.name} | {len(said)} | " + " | ".join(f"{score:.3f}" for score in scores) + " |"
    if not bins:
        return line
    found = [
        f"    {rows:5} rows: sure {sure:.2f}, right {share:.2f}"
        for rows, sure, share in detector_reliability(sure, right)
    ]
    return "\n".join([line, *found])


def misread(said: NDArray[np.intp], true: Flags) -> NDArray[np.float64]:
    """What each of the seven is taken for when it is misread, 7 x 7, from rows that have one; half a count is added."""
    counts = np.full((len(EMOTIONS7), len(EMOTIONS7)), 0.5)
    alone = true.sum(axis=1) == 1
    np.add.at(counts, (true[alone].argmax(axis=1), said[alone]), 1)
    np.fill_diagonal(counts, 0)
    shares: NDArray[np.float64] = counts / counts.sum(axis=1, keepdims=True)
    return shares


def pragmatics(detector: Detector, name: str) -> dict[str, list[tuple[bool, bool]]]:
    """For each kind of one set, whether each sentence is read acceptably without the rules and with them."""
    found: dict[str, list[tuple[bool, bool]]] = {}
    path = WRITTEN.with_name(f"negotiation_pragmatics_{name}.jsonl")
    for line in path.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        plain = detector.model.probabilities(detector.model.logits(normalise(row["text"])))[0]
        said = [EMOTIONS7[np.argmax(seven)] in row["accept"] for seven in (plain, detector.read(row["text"]).seven)]
        found.setdefault(row["kind"], []).append((said[0], said[1]))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--artifact", type=Path, default=ARTIFACT)
    parser.add_argument("--reliability", action="store_true")
    parser.add_argument("--confusion", action="store_true")
    options = parser.parse_args()
    detector = Detector(load_detector(options.artifact))
    print("| set | rows | macro-F1 | of the commonest class | right | of the commonest class | sure | ECE |")
    print("|---|---|---|---|---|---|---|---|")
    for each in sets(options.data):
        read = np.array([found.seven for found in detector.read_many(each.texts)])
        print(row(each, read, options.reliability), flush=True)
        counts = Counter(EMOTIONS7[place] for place in each.true.argmax(axis=1))
        if options.reliability:
            print("    " + ", ".join(f"{name} {counts[name]}" for name in EMOTIONS7 if counts[name]))
        if options.confusion:
            print(misread(read.argmax(axis=1), each.true).round(3))
    print("\n| set | kind | rows | acceptable without the rules | with them |")
    print("|---|---|---|---|---|")
    for name in ("dev", "aside"):
        for kind, rows in pragmatics(detector, name).items():
            without, with_them = np.mean(rows, axis=0)
            print(f"| {name} | {kind} | {len(rows)} | {without:.2f} | {with_them:.2f} |")


if __name__ == "__main__":
    main()
