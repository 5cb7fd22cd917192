"""What a tournament would play, for the terminal: `--dry-run`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from poise.cli.output import plain
from poise.common.words import duration
from poise.tournaments.config import TournamentConfig
from poise.tournaments.estimate import estimate
from poise.tournaments.matchmaking import vain_options
from poise.tournaments.schedule import plan_matches, refuse_same_agents

_PAIRS_SHOWN: Final = 40


def show_schedule(config: TournamentConfig, screen: Console) -> None:
    """Show who would play whom, the model calls and the time; play nothing for the record."""
    schedule = plan_matches(config)
    refuse_same_agents(schedule)
    screen.print(Text(schedule.summary, style="bold"))
    screen.print(Text(plain(schedule.coverage)))
    size = str(schedule.size)
    creditors, debtors = schedule.names("creditor"), schedule.names("debtor")
    pairs = [(divmod(pair, len(debtors)), schedule.pair(pair)) for pair in range(min(schedule.pairs, _PAIRS_SHOWN))]
    screen.print(
        _pairs_table(
            (creditors[places[0]], debtors[places[1]], size, " against ".join(dict.fromkeys((one.model, two.model))))
            for places, (one, two) in pairs
        )
    )
    if schedule.pairs > len(pairs):
        screen.print(f"and {schedule.pairs - len(pairs)} more pairs")
    guess = estimate(config, schedule)
    if guess.most_calls:
        screen.print(f"model calls: about {guess.calls:,}, at most {guess.most_calls:,}")
    for remark in vain_options(config, schedule):
        screen.print(Text(remark), soft_wrap=True)
    screen.print(f"time: about {duration(guess.seconds)} ({guess.basis})")


def _pairs_table(rows: Iterable[tuple[str, str, str, str]]) -> Table:
    """A schedule: creditor, debtor, matches, what plays them."""
    table = Table(box=SIMPLE_HEAD)
    for name in ("creditor", "debtor"):
        table.add_column(name, overflow="fold")
    table.add_column("matches", justify="right")
    table.add_column("played by", style="dim", overflow="fold")
    for row in rows:
        table.add_row(*row)
    return table
