"""Differences between the policies of a finished tournament: python benchmarks/offline.py DIR

Paired by scenario, seed and debtor: each creditor's mean utility, its difference to `vanilla`, to `random` and to the
best fixed emotion, and, if the oracle played, the share of its lead over `vanilla`. Intervals are at 95 %, by the
bootstrap over scenarios, as in the standings.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from poise.tournaments.statistics.bootstrap import Sums, estimate_all
from poise.tournaments.storage.store import Store


def main() -> None:
    folder = Path(sys.argv[1])
    with Store.read(folder) as store:
        rows, header = store.rows(), store.header()
    names = [each["label"] for each in header.creditors]
    table: dict[str, dict[tuple[int, int, int], float]] = {name: {} for name in names}
    for row in rows:
        table[names[row.creditor]][row.debtor, row.scenario, row.repeat] = row.creditor_utility
    keys = sorted(set.intersection(*(set(each) for each in table.values())))
    scenarios = np.array([scenario for _, scenario, _ in keys])
    got = {name: np.array([each[key] for key in keys]) for name, each in table.items()}
    fixed = [name for name in names if name.startswith("fixed:")]
    best = max(fixed, key=lambda name: got[name].mean(), default="")
    rivals = [name for name in ("vanilla", "random", best) if name in got]
    lead = got["oracle"].mean() - got["vanilla"].mean() if {"oracle", "vanilla"} <= set(got) else float("nan")
    print(f"{len(keys)} paired matches each on {len(set(scenarios))} scenarios; best fixed emotion: {best or 'none'}")
    print(
        f"{'creditor':24s}{'utility':>8s}"
        + "".join(f"{'minus ' + each:>28s}" for each in rivals)
        + f"{'of the lead':>13s}"
    )
    for name in [each for each in names if each not in fixed or each == best]:
        gains = [Sums(scenarios, got[name] - got[each], int(scenarios.max()) + 1) for each in rivals]
        cells = "".join(
            f"{one.mean:+.3f} ({one.low:+.3f} to {one.high:+.3f})".rjust(28) if one else "".rjust(28)
            for one in estimate_all(gains, 0)
        )
        share = (got[name].mean() - got["vanilla"].mean()) / lead if "vanilla" in got else float("nan")
        print(f"{Path(name).name:24s}{got[name].mean():8.3f}{cells}{share:13.0%}")


if __name__ == "__main__":
    main()
