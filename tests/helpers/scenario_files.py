"""Scenario files that several tests write, and the words with which one is refused."""

from __future__ import annotations

import os

import pytest

from poise.common.errors import ScenarioError
from poise.games.scenarios.credit_csv import COLUMNS
from poise.games.scenarios.loaders import load_scenarios

CELLS = {
    "Creditor Target Days": "12",
    "Debtor Target Days": "113",
    "Creditor Name": '"Hart, Moss and Lane"',
    "Original Amount (USD)": "32000.5",
    "Outstanding Balance (USD)": "15700",
    "Interest Accrued (USD)": "686.4986",
    "Days Overdue": "133",
}


def row(**changes: str) -> str:
    """One good row, but for `changes` (column, with _ for a blank)."""
    cells = CELLS | {name.replace("_", " "): value for name, value in changes.items()}
    return ",".join(cells.get(name, f"some {name.lower()}") for name in COLUMNS)


def one(**changes: str) -> str:
    """A file of that one row."""
    return f"{HEADER}\n{row(**changes)}"


HEADER = ",".join(COLUMNS)
GOOD = f"{HEADER}\n{row()}\n{row(Creditor_Target_Days='9')}\n"


def refusal(source: str | os.PathLike[str]) -> str:
    """What `load_scenarios(source)` is refused with."""
    with pytest.raises(ScenarioError) as refused:
        load_scenarios(source)
    return str(refused.value)
