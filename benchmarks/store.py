"""Bytes of a stored match and microseconds to write and to read its transcript, beside zlib; trains the dictionary.

The dictionary is trained on matches of every creditor that needs no search against every debtor in all domains, and
measured on others: other scenarios, other seeds.

    python benchmarks/store.py [--write FILE]     FILE: where to keep a newly trained dictionary
"""

import argparse
import time
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import zstandard

from poise.agents.builtin import built_in
from poise.agents.registry import find_agent
from poise.games.domains import DOMAINS
from poise.games.scenarios.generator import builtin
from poise.graphs import Pairing
from poise.tournaments.storage.documents import DICTIONARY, pack, unpack, with_short_readings
from poise.tournaments.storage.rows import to_json

BYTES = 64 * 1024  # 16 KiB make documents 17 % larger, 112 KiB 6 % smaller
NUMBER = 1  # of the dictionary, in the header of every frame
SLOW = ("best-response", "cfr", "emodistill", "mcts")


def documents(first: int, matches: int) -> Iterator[bytes]:
    """Transcripts as they are stored: of every pair in every domain, from scenario `first` on."""
    creditors = ["fixed:joy" if name == "fixed" else name for name in built_in("creditor") if name not in SLOW]
    for domain in DOMAINS:
        scenarios = builtin(domain)[first : first + 40]
        for number, name in enumerate(creditors):
            for debtor in built_in("debtor"):
                pairing = Pairing(find_agent(name, "creditor"), find_agent(debtor, "debtor"))
                for seed in range(number, number + matches):
                    transcript = pairing.play(scenarios[seed % len(scenarios)], first + seed).transcript
                    yield to_json(with_short_readings(transcript.to_dict()))


def measure(name: str, texts: list[bytes], packed: Callable[[bytes], bytes], unpacked: Callable[[bytes], bytes]) -> int:
    """Print and return the bytes of a document."""
    began = time.process_time()
    stored = [packed(text) for text in texts]
    between = time.process_time()
    assert [unpacked(one) for one in stored] == texts
    spent = between - began, time.process_time() - between
    size = sum(map(len, stored)) // len(texts)
    write, read = (1e6 * seconds / len(texts) for seconds in spent)
    print(f"{name:22} {size:6} bytes a transcript, {write:5.0f} us to write, {read:4.0f} us to read")
    return size


def main() -> None:
    """Train if asked; print sizes and the ratio."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", type=Path)
    asked = parser.parse_args()
    if asked.write:
        trained = zstandard.train_dictionary(BYTES, list(documents(40, 2)), dict_id=NUMBER)
        asked.write.write_bytes(trained.as_bytes())
        print(f"{asked.write}: {len(trained)} bytes, number {trained.dict_id()}; the one in use is {DICTIONARY}")
    texts = list(documents(0, 1))
    print(f"{'JSON':22} {sum(map(len, texts)) // len(texts):6} bytes a transcript")
    plain = measure("zlib, level 3", texts, lambda text: zlib.compress(text, 3), zlib.decompress)
    own = measure("Poise, with dictionary", texts, lambda text: pack(text) or b"", lambda text: unpack(text) or b"")
    print(f"ratio {own / plain:.2f}")


if __name__ == "__main__":
    main()
