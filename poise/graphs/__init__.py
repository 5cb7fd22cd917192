"""How one negotiation runs: state, nodes, the seat graphs, the negotiation graph, drawings.

The names below are the room's public surface. They are imported when they are first asked for: LangGraph takes its
time, and whoever only looks at what was played does not need it.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from poise.graphs.drawing.draw import draw
    from poise.graphs.negotiation import negotiation_graph
    from poise.graphs.nodes import decide, feel, perceive, speak
    from poise.graphs.pairing import Pairing, Played, PlaySettings, play
    from poise.graphs.seat import empty_seat_graph, seat_graph
    from poise.graphs.state import (
        PER_TURN,
        NegotiationContext,
        NegotiationState,
        SeatContext,
        SeatDict,
        SeatMemory,
        SeatState,
        Turn,
    )

__all__ = [
    "PER_TURN",
    "NegotiationContext",
    "NegotiationState",
    "Pairing",
    "PlaySettings",
    "Played",
    "SeatContext",
    "SeatDict",
    "SeatMemory",
    "SeatState",
    "Turn",
    "decide",
    "draw",
    "empty_seat_graph",
    "feel",
    "negotiation_graph",
    "perceive",
    "play",
    "seat_graph",
    "speak",
]

_MODULES: Final = {  # of the names that are not in `state`
    "draw": "drawing.draw",
    "negotiation_graph": "negotiation",
    **dict.fromkeys(("decide", "feel", "perceive", "speak"), "nodes"),
    **dict.fromkeys(("Pairing", "PlaySettings", "Played", "play"), "pairing"),
    **dict.fromkeys(("empty_seat_graph", "seat_graph"), "seat"),
}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES.get(name, 'state')}"), name)
