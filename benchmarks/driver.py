"""The work of one driver process for each match that others play, and the time to open a pairing.

It first plays a tournament. Then it measures CPU microseconds to pack and write a match, bytes in the store, and CPU
milliseconds to open a pairing, from which follows how many matches a second one driver can store.

    python benchmarks/driver.py [--scenarios N]
"""

import argparse
import tempfile
import time
from pathlib import Path

from poise import TournamentConfig, run_tournament
from poise.agents.registry import find_agent
from poise.graphs import Pairing
from poise.tournaments.storage.rows import COLUMNS, Finished
from poise.tournaments.storage.schema import FILE
from poise.tournaments.storage.store import Store

PAIRS, BATCH = 50, 500


def main() -> None:
    """Print the costs and the rates that follow."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scenarios", type=int, default=100)
    creditors, debtors = ("vanilla", "random", "eq-negotiator"), ("vanilla", "angry", "sad", "cheating", "victim")
    config = TournamentConfig(
        creditors=creditors,
        debtors=debtors,
        scenarios=f"builtin:0-{parser.parse_args().scenarios - 1}",
        seed=1,
        workers=1,
    )
    with tempfile.TemporaryDirectory() as folder:
        run_tournament(config, f"{folder}/played")
        with Store.read(f"{folder}/played") as store:
            header, scenarios, rows = store.header(), store.scenarios(), store.rows()
            finished = [
                Finished(tuple(getattr(row, name) for name in COLUMNS), transcript, usage, store.memory(position))
                for row, (position, transcript, usage) in zip(rows, store.documents(), strict=True)
            ]
        began = time.process_time()
        with Store.create(Path(folder) / "written", header, scenarios) as store:
            for start in range(0, len(finished), BATCH):
                store.add(finished[start : start + BATCH])
        write = (time.process_time() - began) / len(finished)
        size = (Path(folder) / "written" / FILE).stat().st_size / len(finished)
    message = sum(len(one.transcript) + len(one.usage) + len(one.memory or b"") for one in finished) / len(finished)
    agents = [(find_agent(c, "creditor"), find_agent(d, "debtor")) for c in creditors for d in debtors]
    began = time.process_time()
    for number in range(PAIRS):
        Pairing(*agents[number % len(agents)])
    start = (time.process_time() - began) / PAIRS
    rounds = sum(row.rounds for row in rows) / len(rows)
    print(f"{len(rows)} matches of {rounds:.1f} messages, {message / 1024:.1f} KiB of JSON each")
    print(f"write    {1e6 * write:6.0f} us of CPU a match: one driver takes {1 / write:,.0f} matches a second")
    print(f"store    {size:6.0f} bytes a match: {size * 1e6 / 2**30:.1f} GiB for a million")
    print(f"pairing  {1e3 * start:6.2f} ms of CPU to open")


if __name__ == "__main__":
    main()
