"""The usual turn and the negotiation as plain loops, without LangGraph: the same nodes in the same order.

`poise.graphs.seat` and `poise.graphs.negotiation` declare the same as graphs; tests check that transcripts are equal.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from poise.games.moves import Seat, other
from poise.graphs.failures import blame
from poise.graphs.judging import give_verdict
from poise.graphs.messages import Runner, take_turn
from poise.graphs.nodes import decide, feel, perceive, speak
from poise.graphs.state import (
    GROWING,
    NegotiationContext,
    NegotiationState,
    NegotiationUpdate,
    SeatContext,
    SeatState,
    extend,
)

NODES: Final[Mapping[str, Any]] = {"perceive": perceive, "feel": feel, "decide": decide, "speak": speak}
"""The nodes of the usual turn, in order."""


class _PlainRuntime(NamedTuple):
    context: SeatContext


class UsualTurn:
    """Runs NODES one after another on one state: the usual turn in a fraction of the time."""

    @staticmethod
    def invoke(input: Any, *, context: SeatContext) -> Mapping[str, Any]:  # noqa: A002 - LangGraph's own name for it
        """The seat's state after a turn that starts from the lines and the memory of `input`."""
        state, runtime = SeatState(input.lines, input.memory), _PlainRuntime(context)
        values = vars(state)
        for name, node in NODES.items():
            try:
                values.update(node(state, runtime))
            except Exception as error:
                blame(error, name)
                raise
        return values


class PlainNegotiation:
    """Runs a negotiation between two seats' graphs; `invoke` has the signature and result of a compiled graph.

    judged: whether the context's judge says after each message if the last two are an agreement.
    """

    def __init__(self, creditor: Runner, debtor: Runner, *, judged: bool = False) -> None:
        self._graphs: dict[Seat, Runner] = {"creditor": creditor, "debtor": debtor}
        self._judged = judged

    def invoke(self, input: NegotiationState, *, context: NegotiationContext) -> dict[str, Any]:  # noqa: A002 - LangGraph's own name for it
        """The state at the end of a negotiation that starts from `input`; the creditor speaks first."""
        state = NegotiationState(**vars(input))
        seat: Seat = "creditor"
        while state.outcome is None:
            _apply(take_turn(self._graphs[seat], seat, state, context), state)
            if self._judged:
                _apply(give_verdict(state, context), state)
            seat = other(seat)
        return vars(state)


def _apply(update: NegotiationUpdate, state: NegotiationState) -> None:
    values = vars(state)
    for name, value in update.items():
        values[name] = extend(values[name], value) if name in GROWING else value  # type: ignore[arg-type]
