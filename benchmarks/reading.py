"""How messages are read: python benchmarks/reading.py [--matches N] [--model URI] [--sentences FILE]

Prints precision and recall of offers, acceptances and walk-aways on the labelled sentences, by half, and how many
sentences of each kind are read as they are labelled. With `--matches N` it also plays N matches twice, on the same
scenarios and seeds, between a creditor whose model decides the number and a scripted debtor: once with reading=words,
once with reading=structured.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from poise.agents.protocols import Line, View
from poise.agents.registry import find_agent
from poise.agents.replay import brief_of
from poise.agents.voices.wording import WordingProblem, read_move
from poise.games.moves import SEATS, Move, other
from poise.games.rules import Rules
from poise.games.scenario import Scenario
from poise.games.scenarios.loaders import load_scenarios
from poise.graphs import Pairing, PlaySettings

SENTENCES = Path(__file__).parents[1] / "tests" / "data" / "offer_sentences.jsonl"
MOVES = ("offer", "accept", "walk")
Plain = tuple[str, int | None] | None


def main() -> None:
    """Read the command line and print the tables."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--matches", type=int, default=0)
    asked.add_argument("--model", default="embedded:smollm2")
    asked.add_argument("--messages", type=int, default=9, help="the most messages of a match")
    asked.add_argument("--sentences", type=Path, default=SENTENCES)
    given = asked.parse_args()
    rows = [json.loads(line) for line in given.sentences.read_text(encoding="utf-8").splitlines()]
    for split in dict.fromkeys(row["split"] for row in rows):
        show_sentences(split, [row for row in rows if row["split"] == split])
    if given.matches:
        show_matches(given.model, given.matches, given.messages)


def show_sentences(split: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Precision and recall by move, and the sentences read as labelled by kind."""
    pairs = [(read(row), meant(row)) for row in rows]
    print(f"{split}: {len(rows)} sentences")
    for kind in MOVES:
        right = sum(made == label and is_kind(made, kind) for made, label in pairs)
        print(
            f"  {kind:<8} precision {right} of {sum(is_kind(made, kind) for made, _ in pairs)}, "
            f"recall {right} of {sum(is_kind(label, kind) for _, label in pairs)}"
        )
    kinds = Counter(row["kind"] for row in rows)
    as_labelled = Counter(row["kind"] for row, (made, label) in zip(rows, pairs, strict=True) if made == label)
    print("  " + ", ".join(f"{kind} {as_labelled[kind]}/{count}" for kind, count in sorted(kinds.items())), end="\n\n")


def read(row: Mapping[str, Any]) -> Plain:
    """The move that a sentence is read as; None if there is none, or if Poise would ask again."""
    seat, standing = row["seat"], row["standing"]
    scenario = Scenario(
        "labelled",
        row["domain"],
        creditor_target=1,
        debtor_target=900 if row["domain"] == "disaster" else 300,
    )
    lines = () if standing is None else (Line(other(seat), f"I say {standing}.", Move("offer", standing)),)
    made = read_move(row["text"], View(brief_of(scenario, seat, Rules()), lines))
    return None if isinstance(made, WordingProblem) else (made.kind, made.value)


def meant(row: Mapping[str, Any]) -> Plain:
    """The labelled move."""
    return None if row["label"] == "none" else (row["label"], row.get("value"))


def is_kind(move: Plain, kind: str) -> bool:
    """Whether it is a move of this kind."""
    return move is not None and move[0] == kind


def show_matches(model: str, count: int, messages: int) -> None:
    """How the model's messages were read, for each way of reading."""
    print(f"{count} matches of {model}, the same scenarios and seeds")
    for reading in ("words", "structured"):
        totals = played(f"vanilla,offers=model,reading={reading}@{model}", count, messages)
        print(f"  {reading:<11}" + ", ".join(f"{name} {value:g}" for name, value in totals.items()), flush=True)


def played(creditor: str, count: int, messages: int) -> dict[str, float]:
    """Counts over `count` matches of how the creditor's messages were read."""
    settings = PlaySettings(rules=Rules(max_messages=messages), message_seconds=600, model_options={"timeout": 300})
    pairing = Pairing(find_agent(creditor, SEATS[0]), find_agent("vanilla", SEATS[1]), settings)
    totals: Counter[str] = Counter()
    for seed, scenario in enumerate(load_scenarios("builtin")[:count]):
        match = pairing.play(scenario, seed)
        said = [each for each in match.transcript.messages if each.seat == "creditor"]
        totals.update(
            {
                "messages": len(said),
                "read at once": sum(each.wording.attempts == 1 and each.move.kind != "forfeit" for each in said),
                "after asking again": sum(each.wording.attempts > 1 and each.move.kind != "forfeit" for each in said),
                "forfeits": sum(each.move.kind == "forfeit" for each in said),
                "deals": match.transcript.outcome.ending == "deal",
                "failed": match.transcript.outcome.ending == "failed",
                "reply tokens": match.usage.reply_tokens,
                "prompt tokens": match.usage.prompt_tokens,
            }
        )
    return dict(totals)


if __name__ == "__main__":
    main()
