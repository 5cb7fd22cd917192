"""How one negotiation runs: state, nodes, the seat graphs, the negotiation graph, drawings."""

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
