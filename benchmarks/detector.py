"""How fast the detector is, how big, and how good: `python benchmarks/detector.py [--messages N]`.

All times are CPU seconds of this process, which uses no other thread. Cold: a detector without memo reads each message
once, one by one, with words that are new or known to it. Batch: the same with `read_many`, as one matrix product, every
text different; their ratio is the median of three, in turn. Messages are assembled from phrases of negotiations and
differ in words.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

from poise.agents.emotions.artifact import load_detector
from poise.agents.emotions.detector import ARTIFACT, Detector, default_detector
from poise.agents.emotions.features import TEXT_LIMIT
from poise.common.seeds import Dice
from poise.training.detector.fit import table

OPENINGS = ("I hear you.", "Thank you for writing.", "This is outrageous!", "We are very worried.", "Honestly, wow.")
MIDDLES = (
    "The {a} hit our {b} hard and nobody saw it coming",
    "My {b} has told me that the {a} will not wait any longer",
    "After the {a}, the {b} has been difficult for everyone here",
    "I feel terrible about the {a} and I want the {b} settled",
)
CLOSINGS = ("could we say {n} days?", "I can do {n} days.", "{n} days is all you get.", "{n} days would help us a lot.")
THINGS = (
    *("delay", "invoice", "landlord", "supplier", "season", "warehouse", "payroll", "contract", "bank", "audit"),
    *("storm", "strike", "illness", "market", "tax", "client", "shipment", "deposit", "lease", "partner"),
)


def message(dice: Dice) -> str:
    """A message of about 150 characters."""
    middle = dice.pick(MIDDLES).format(a=dice.pick(THINGS), b=dice.pick(THINGS))
    return f"{dice.pick(OPENINGS)} {middle}; {dice.pick(CLOSINGS).format(n=30 + dice.pick(range(90)))}"


def different(count: int) -> list[str]:
    """Messages that stay different after the numbers are folded (each ends in a different word)."""
    dice = Dice(1, "detector benchmark")
    return [f"{message(dice)} Reference {_letters(number)}." for number in range(count)]


def _letters(number: int) -> str:
    return "".join(chr(ord("a") + int(digit)) for digit in str(number))


def seconds(work: Callable[[], object]) -> float:
    """CPU seconds of this process."""
    start = time.process_time()
    work()
    return time.process_time() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=4000)
    texts = different(parser.parse_args().messages)
    print(f"artifact          {ARTIFACT.stat().st_size:,} bytes")
    print(f"load              {seconds(default_detector) * 1000:.0f} ms of CPU")
    cold = Detector(load_detector(ARTIFACT), memo=0)
    print(f"first message     {seconds(lambda: cold.read(texts[0])) * 1000:.2f} ms")
    each = sorted(seconds(lambda text=text: cold.read(text)) * 1000 for text in texts)
    characters = sum(map(len, texts)) / len(texts)
    print(f"cold, one by one  {sum(each) / len(each):.2f} ms a message of {characters:.0f} characters; ", end="")
    print(f"median {each[len(each) // 2]:.2f}, 99 % under {each[len(each) * 99 // 100]:.2f}, worst {each[-1]:.2f}")
    longest = " ".join(texts)[:TEXT_LIMIT]
    print(f"longest text read {seconds(lambda: cold.read(longest)) * 1000:.2f} ms for {len(longest)} characters")
    ratios, together = [], 0.0
    for _ in range(3):  # in turn, so that a busy machine slows both
        alone = seconds(lambda: [cold.read(text) for text in texts])
        together = seconds(lambda: cold.read_many(texts))
        ratios.append(alone / together)
    print(f"batch             {len(texts) / together:,.0f} different messages/s, ", end="")
    print(f"{sorted(ratios)[1]:.2f} times as many as one by one")
    again, warm = texts[-1000:], Detector(load_detector(ARTIFACT))
    for text in again:
        warm.read(text)
    print(f"from the memo     {len(again) / seconds(lambda: [warm.read(text) for text in again]):,.0f} messages/s")
    print(table(default_detector().model.provenance["scores"]))


if __name__ == "__main__":
    main()
