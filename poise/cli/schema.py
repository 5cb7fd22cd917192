"""`poise schema`: JSON schemas of the files that users write, for editors."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from poise.cli.groups import command_group
from poise.cli.output import show_json, write_line

app = command_group()


@app.command("schema")
def schema_command(
    kind: Annotated[str, typer.Argument(metavar="[KIND]", help="Which files. Without it, the kinds are listed.")] = "",
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="The file to write. Default: print it.")] = None,
) -> None:
    """Show the JSON schema of a kind of TOML file, with which an editor completes and checks it.

    Editors check a file that begins with `#:schema FILE` as you type.
    """
    import orjson

    from poise.common.files import replace_file
    from poise.tournaments.schemas import KINDS, schema_of

    if not kind:
        width = max(map(len, KINDS))
        for name, (about, _) in KINDS.items():
            write_line(f"{name:<{width}}  {about}")
    elif out is None:
        show_json(schema_of(kind))
    else:
        replace_file(out, orjson.dumps(schema_of(kind), option=orjson.OPT_INDENT_2) + b"\n")
        write_line(f"schema: {out}")
