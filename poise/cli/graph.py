"""`poise graph`: draw the graphs that agents and negotiations run on."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from poise.cli.groups import Folder, command_group
from poise.cli.output import write_line
from poise.common.errors import BadInput
from poise.common.files import replace_file

app = command_group()


@app.command("draw")
def draw_command(
    agent: Annotated[str, typer.Argument(metavar="[AGENT|negotiation]", help="Whose graph.")] = "negotiation",
    fmt: Annotated[
        str | None, typer.Option("--format", metavar="mermaid|svg|png", help="Default: by --out, or mermaid.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Where to. Default: the terminal, for mermaid.")
    ] = None,
    judge: Annotated[bool, typer.Option("--judge", help="A negotiation with a judge.")] = False,
) -> None:
    """Draw the graph of an agent's turn, or of a whole negotiation; without a network."""
    from poise.graphs.drawing.draw import draw

    fmt = fmt or {".svg": "svg", ".png": "png"}.get(out.suffix.lower() if out else "", "mermaid")
    picture = draw(_graph_named(agent, judged=judge), fmt)  # type: ignore[arg-type]  # draw refuses other formats
    if out is not None:
        _write_picture(picture, out)
    elif fmt == "mermaid":
        write_line(picture.decode().rstrip("\n"))
    else:
        raise BadInput(f"a drawing as {fmt} needs a file: add --out {Path(agent).stem or 'graph'}.{fmt}")


@app.command("traverse")
def traverse_command(
    folder: Folder,
    match: Annotated[int | None, typer.Option(min=0, help="One match, from 0. Default: all of them.")] = None,
    fmt: Annotated[str | None, typer.Option("--format", metavar="svg|png", help="Default: by --out, or svg.")] = None,
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="Default: DIR/traversal.svg.")] = None,
) -> None:
    """Draw how often the matches took each edge of the negotiation's graph."""
    from poise.graphs.drawing.traverse import draw_traversal, traversal
    from poise.tournaments.storage.rows import transcript_from, usage_from
    from poise.tournaments.storage.store import Store

    kind = fmt or (out.suffix.lstrip(".") if out else "") or "svg"
    with Store.read(folder) as store:
        if match is not None and match not in store.done():
            raise BadInput(f"{folder} has no finished match {match}; matches count from 0, as in `poise view`")
        header, rows = store.header(), {row.position: row for row in store.rows()}
        documents = store.documents(None if match is None else [match])
        played = (
            (
                transcript_from(position, transcript),
                usage_from(position, usage),
                (header.outline("creditor", rows[position].creditor), header.outline("debtor", rows[position].debtor)),
            )
            for position, transcript, usage in documents
        )
        picture = draw_traversal(traversal(played), kind)  # type: ignore[arg-type]  # it refuses other formats
    _write_picture(picture, out or folder / f"traversal.{kind}")


def _write_picture(picture: bytes, out: Path) -> None:
    replace_file(out, picture, durable=False)
    write_line(f"drawing: {out}")


def _graph_named(name: str, *, judged: bool) -> Any:
    from poise.graphs import negotiation_graph, seat_graph
    from poise.graphs.custom import state_graph_of
    from poise.graphs.seat import graph_of
    from poise.testing.bench import find_in_either_seat

    if name == "negotiation":
        return negotiation_graph(seat_graph().compile(), seat_graph().compile(), judged=judged).compile()
    if judged:
        raise BadInput(f"a judge belongs to a negotiation and not to {name!r}; leave out --judge")
    agent = find_in_either_seat(name)
    return state_graph_of(graph_of(agent), agent.name).compile()
