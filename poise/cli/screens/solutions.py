"""The game between the two fields, for the terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from poise.cli.screens.console import small_table
from poise.games.moves import SEATS
from poise.tournaments.game_theory.bimatrix import TIE


def solution_view(found: Mapping[str, Any]) -> RenderableType:
    """The equilibrium, and a table of each seat's agents; `found` is from `solve.to_plain`."""
    parts: list[RenderableType] = [_equilibrium(found["equilibrium"])]
    for seat in SEATS:
        table = small_table(seat, "exploitability", "equilibrium", "alpha-rank", "dominated by")
        for one in sorted(found[f"{seat}s"], key=lambda one: (-one["alpha_rank"], one["label"])):
            shares = (f"{one['exploitability']:.3f}", f"{one['equilibrium']:.3f}", f"{one['alpha_rank']:.3f}")
            table.add_row(Text(one["label"]), *shares, Text(", ".join(one["dominated_by"]) or "-"))
        parts.append(table)
    note = (
        "On the matrix of mean utilities, as if they were exact. Exploitability: how much less an agent gets than the "
        "best of the field, against the opponent that answers it best. Alpha-rank: the share of time "
        "that evolution spends at an agent."
    )
    return Group(*parts, Text(note, style="dim"))


def _equilibrium(told: Mapping[str, Any]) -> Text:
    values = " and ".join(f"{value:.3f}" for value in told["values"])
    name = "Equilibrium" if told["regret"] <= TIE else "Nearest to an equilibrium"
    text = Text(f"\n{name} by {told['method']}: worth {values}, regret {told['regret']:.4f}", style="bold")
    for creditor, debtor in told["pure"]:
        text.append(f"\n  best answers to each other: {creditor} and {debtor}", style="not bold")
    return text
