"""Dominance and best answers as pictures of networks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from markupsafe import Markup

from poise.common.words import shortened, visible
from poise.games.moves import SEATS, Seat, other
from poise.tournaments.charts.svg import chart, tag
from poise.tournaments.game_theory.dominance import Answer

if TYPE_CHECKING:
    import networkx as nx

Place = tuple[float, float]
_WIDE: Final = 560
_INNER: Final = 190  # pixels from either side to where the names of the two columns end
_ACROSS: Final = 3  # agents beside each other
_LONGEST: Final = 22  # characters of a name that are drawn; all of it stands in the title
_PILL: Final = 26
_STEP: Final = (64, 40)  # pixels down to the next rank, and to the next row of the same
_ROW: Final = 36


def dominance_picture(edges: nx.DiGraph, labels: Sequence[str], seat: Seat) -> Markup:
    """Who dominates whom, the better above; agents without an edge stand below the rest. edges: see `gaps`."""
    places, high = _ranks(edges)
    parts = [_arrowheads(seat)]
    for better, worse, data in edges.edges(data=True):
        words = "beyond chance" if data["clear"] else "in the means alone"
        kind = f"tie {seat} {'clear' if data['clear'] else 'open'}"
        told = f"{visible(labels[better])} dominates {visible(labels[worse])}, {words}"
        parts.append(_arc(kind, _down(places[better], places[worse]), told, f"tip-{seat}-dominance"))
    parts += [_pill(labels[place], places[place], seat) for place in edges]
    words = f"Dominance among the {seat}s: {edges.number_of_edges() or 'no'} arrows"
    return chart(f"network dominance {seat}", (_WIDE, high), words, parts)


def _ranks(edges: nx.DiGraph) -> tuple[dict[int, Place], int]:
    """Where each agent stands, and how high the picture is: by the longest way from an undominated one, top down."""
    import networkx as nx

    alone = [node for node in edges if not edges.degree(node)]
    part = edges.subgraph([node for node in edges if edges.degree(node)])
    layers = [list(layer) for layer in nx.topological_generations(part)]
    places: dict[int, Place] = {}
    y = 20.0
    for layer in [*layers, *([alone] if alone else [])]:
        layer.sort(key=lambda node: (_centre(edges, node, places), node))
        rows = -(-len(layer) // _ACROSS)  # of about equal length
        for number in range(rows):
            row = layer[len(layer) * number // rows : len(layer) * (number + 1) // rows]
            for place, node in enumerate(row):
                places[node] = (_WIDE * (2 * place + 1) / (2 * len(row)), y)
            y += _STEP[1]
        y += _STEP[0] - _STEP[1]
    return places, int(y - _STEP[0] + 24)


def _centre(edges: nx.DiGraph, node: int, places: dict[int, Place]) -> float:
    """The middle of those above that dominate it: standing below them crosses few arrows."""
    above = [places[one][0] for one in edges.predecessors(node) if one in places]
    return sum(above) / len(above) if above else 0.0


def response_picture(answers: Sequence[Answer], labels: dict[Seat, tuple[str, ...]]) -> Markup:
    """From each agent an arrow to the one of the other seat that answers it best; equilibria stand out.

    labels: by seat.
    """
    columns = {seat: _column(answers, seat, len(labels[seat])) for seat in SEATS}
    most = max(len(labels[seat]) for seat in SEATS)
    places = {
        (seat, agent): (_INNER if seat == "creditor" else _WIDE - _INNER, 14 + (rank + 0.5) * _ROW * most / len(order))
        for seat, order in columns.items()
        for rank, agent in enumerate(order)
    }
    parts = [_arrowheads(seat, "answers") for seat in SEATS]
    for one in sorted(answers, key=lambda answer: answer.mutual):
        start, end = places[one.seat, one.agent], places[other(one.seat), one.answer]
        kind = f"tie {other(one.seat)} {'clear' if one.clear else 'open'}{' mutual' if one.mutual else ''}"
        parts.append(_arc(kind, _across(start, end), _told(one, labels), f"tip-{other(one.seat)}-answers"))
    settled = {(one.seat, one.agent) for one in answers if one.mutual}
    for (seat, agent), (x, y) in places.items():
        shift = _width(labels[seat][agent]) / 2 * (-1 if seat == "creditor" else 1)
        parts.append(_pill(labels[seat][agent], (x + shift, y), seat, (seat, agent) in settled))
    return chart("network answers", (_WIDE, int(28 + _ROW * most)), "Who answers whom best", parts)


def _column(answers: Sequence[Answer], seat: Seat, size: int) -> list[int]:
    """The agents of a seat from top to bottom: equilibria first, then those who are the answer to most."""
    wanted = [sum(one.answer == agent and one.seat != seat for one in answers) for agent in range(size)]
    settled = {one.answer for one in answers if one.mutual and one.seat != seat}
    return sorted(range(size), key=lambda agent: (agent not in settled, -wanted[agent], agent))


def _told(one: Answer, labels: dict[Seat, tuple[str, ...]]) -> str:
    answering = other(one.seat)
    agent, answer = visible(labels[one.seat][one.agent]), visible(labels[answering][one.answer])
    near = ", ".join(visible(labels[answering][place]) for place in one.near)
    sure = "beyond chance" if one.clear else f"not told apart from {near}"
    settled = ", each the other's best answer" if one.mutual else ""
    return f"{answer} answers {agent} best, {sure}{settled}"


def _pill(label: str, at: Place, seat: Seat, settled: bool = False) -> Markup:
    """An agent: its name in a box."""
    name, shown, wide = visible(label), shortened(label, _LONGEST), _width(label)
    box = {"x": f"{at[0] - wide / 2:.1f}", "y": f"{at[1] - _PILL / 2:.1f}", "width": f"{wide:.1f}", "height": _PILL}
    text = tag("text", x=f"{at[0]:.1f}", y=f"{at[1] + 4:.1f}", text_anchor="middle", text=shown)
    kind = f"agent {seat}{' at-rest' if settled else ''}"
    return tag("g", tag("title", text=name), tag("rect", rx=_PILL // 2, **box), text, class_=kind)


def _width(label: str) -> float:
    """Pixels of an agent's box; 7 for each letter are enough at this size."""
    return 7.0 * len(shortened(label, _LONGEST)) + 20


def _arc(kind: str, path: str, words: str, tip: str) -> Markup:
    return tag("path", tag("title", text=words), class_=kind, d=path, marker_end=f"url(#{tip})")


def _down(start: Place, end: Place) -> str:
    (x0, y0), (x1, y1) = (start[0], start[1] + _PILL / 2), (end[0], end[1] - _PILL / 2 - 2)
    bend = (y1 - y0) / 2
    return f"M{x0:.1f} {y0:.1f}C{x0:.1f} {y0 + bend:.1f} {x1:.1f} {y1 - bend:.1f} {x1:.1f} {y1:.1f}"


def _across(start: Place, end: Place) -> str:
    """From one column to the other, a little below where the arrow back goes."""
    side = 1 if end[0] > start[0] else -1
    x0, x1 = start[0], end[0] - side * 2
    shift = 4 * side
    y0, y1, bend = start[1] + shift, end[1] + shift, side * 70
    return f"M{x0:.1f} {y0:.1f}C{x0 + bend:.1f} {y0:.1f} {x1 - bend:.1f} {y1:.1f} {x1:.1f} {y1:.1f}"


def _arrowheads(seat: Seat, of: str = "dominance") -> Markup:
    """An arrowhead in the seat's colour. Names are of one picture alone: a page holds several."""
    shape = tag("path", d="M0 0L8 4L0 8z", class_=f"tip {seat}")
    size = {"refX": 7, "refY": 4, "markerWidth": 9, "markerHeight": 9, "markerUnits": "userSpaceOnUse"}
    return tag("defs", tag("marker", shape, id=f"tip-{seat}-{of}", viewBox="0 0 8 8", orient="auto", **size))
