"""`poise tournament process`: the tables, and the file."""

from __future__ import annotations

from pathlib import Path

import orjson

from poise.agents.learning.artifact import replace_file
from poise.tournaments.process.measure import measure_process
from poise.tournaments.process.tables import view
from poise.tournaments.render import console


def show_process(folder: Path, scale: str, json: Path | None, *, pairs: bool) -> None:
    """Show the figures, or write them to `json`."""
    found = measure_process(folder, scale)
    screen = console()
    if json is None:
        screen.print(view(found, pairs=pairs))
        return
    replace_file(json, orjson.dumps(found.to_dict(), option=orjson.OPT_INDENT_2) + b"\n")
    screen.print(str(json), soft_wrap=True)
