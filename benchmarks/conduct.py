"""How well and how fast the conduct checker judges: python benchmarks/conduct.py [LABELLED.jsonl]

Prints precision and recall on the labelled messages, by split and category, with 95 % Wilson intervals, and the CPU
microseconds of a message of about 200 characters that is not remembered from before. The budget is 100 microseconds.
"""

from __future__ import annotations

import sys
import time
import timeit
from collections.abc import Callable, Sequence
from pathlib import Path

from poise.agents.conduct import default_checker
from poise.agents.conduct.scoring import LabelAgreement, Labelled, by_category, overall, read_labelled

LABELLED = Path(__file__).parents[1] / "tests" / "data" / "conduct_messages.jsonl"
BUDGET = 100.0
ABOUT = 200


def row(name: str, agreement: LabelAgreement) -> str:
    """One line of the table."""
    precision, recall = agreement.precision_interval, agreement.recall_interval
    return (
        f"{name:<12} {agreement.precision:5.2f} [{precision[0]:.2f}, {precision[1]:.2f}]"
        f" {agreement.recall:6.2f} [{recall[0]:.2f}, {recall[1]:.2f}]"
        f"   {agreement.hits:3d} hits {agreement.false_alarms:3d} false {agreement.misses:3d} missed"
    )


def report(messages: Sequence[Labelled], split: str) -> None:
    """The table of one split."""
    check = default_checker().check
    own = [each for each in messages if each.split == split]
    print(f"{split}: {len(own)} messages, {sum(bool(each.labels) for each in own)} with violations")
    print(f"{'':<12} {'precision':<18} {'recall':>12}")
    for category, agreement in by_category(own, check).items():
        print(row(category, agreement))
    print(row("any", overall(own, check)), end="\n\n")


def lengthened(texts: Sequence[str], others: Sequence[str]) -> list[str]:
    """Each of `texts`, followed by some of `others` up to about 200 characters."""
    made = []
    for start, text in enumerate(texts):
        longer = text
        for step in range(1, 20):
            longer += " " + others[(start + 7 * step) % len(others)]
        made.append(longer[:ABOUT])
    return made


def microseconds(texts: Sequence[str], check: Callable[[str], object]) -> float:
    """CPU microseconds a text, the best of 15 runs, words met before but texts not remembered."""
    run = lambda: [check(text) for text in texts]  # noqa: E731 -- timeit wants a callable
    run()
    return min(timeit.repeat(run, number=1, repeat=15, timer=time.process_time)) / len(texts) * 1e6


def main() -> None:
    """Measure and print."""
    messages = read_labelled(Path(sys.argv[1]) if len(sys.argv) > 1 else LABELLED)
    for split in sorted({each.split for each in messages}):
        report(messages, split)
    check = default_checker().judge
    clean = [each.text for each in messages if not each.labels]
    broken = [each.text for each in messages if each.labels]
    made = {
        "clean": lengthened(clean, clean),
        "one violating": lengthened(broken, clean),
        "all violating": lengthened(broken, broken),
    }
    for name, texts in made.items():
        cost = microseconds(texts, check)
        print(
            f"{name:<10} {cost:6.1f} us for {ABOUT} characters ({'kept' if cost <= BUDGET else 'MISSED'}: {BUDGET:.0f})"
        )
    started = time.process_time()
    check("i will not call the police " * 3700)
    print(f"100 kB of denials: {time.process_time() - started:.2f} s")


if __name__ == "__main__":
    main()
