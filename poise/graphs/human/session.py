"""One match with a person at the table, through LangGraph's interrupt and a checkpointer."""

from __future__ import annotations

import contextvars
import math
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.types import Command

from poise.agents.agent import Agent
from poise.agents.protocols import View
from poise.common.errors import IllegalMove
from poise.common.tracing import kept_here
from poise.games.moves import Move, Seat
from poise.games.scenario import Scenario
from poise.games.transcript import Outcome
from poise.graphs.human.graph import person
from poise.graphs.messages import Runner
from poise.graphs.negotiation import negotiation_graph
from poise.graphs.pairing import Pairing, Played, PlaySettings
from poise.graphs.seat import graph_of
from poise.graphs.state import NegotiationState, SeatState
from poise.graphs.turns import SeatRunner

_THREAD: Final = "talks"
_STEPS_A_MESSAGE: Final = 3


class HumanSession:
    """A person in `seat` against `other` on one scenario with one seed.

    Everything said is in the checkpointer at once: another session on the same one, in another process,
    resumes where this one stopped. A person has all the time in the world, the agent its `settings.message_seconds`.
    """

    def __init__(
        self,
        seat: Seat,
        other: Agent,
        scenario_and_seed: tuple[Scenario, int],
        saver: BaseCheckpointSaver[Any],
        settings: PlaySettings | None = None,
    ) -> None:
        self.seat: Seat = seat
        self.scenario, self.seed = scenario_and_seed
        settings = replace(settings or PlaySettings(), match_seconds=math.inf, through="langgraph")
        seats = (person(seat), other) if seat == "creditor" else (other, person(seat))
        self.pairing = Pairing(*seats, settings)
        self.context = self.pairing.context(self.scenario, self.seed)
        # A person's turn is kept at every step; an agent's is one step, played again when it was cut off.
        graphs: list[Runner] = []
        for agent in self.pairing.agents.values():
            records = agent.make_graph is not None and not agent.human
            runner = SeatRunner(graph_of(agent), agent.name, "langgraph", records=records, waits=agent.human)
            graphs.append(runner if agent.human else _Apart(runner))
        negotiation = negotiation_graph(graphs[0], graphs[1], judged=settings.judge is not None)
        self._graph = negotiation.compile(checkpointer=saver)
        steps = _STEPS_A_MESSAGE * settings.rules.max_messages + 10
        self._config: RunnableConfig = {"configurable": {"thread_id": _THREAD}, "recursion_limit": steps}

    def start(self) -> dict[str, Any] | None:
        """Begin or resume: what the person is asked next (see `poise.graphs.human.graph`), or None at the end.

        Raises ModelDown and ModelMissing when the agent's model fails; starting again tries again.
        """
        found = self._graph.get_state(self._config)
        if found.created_at is None:
            return self._run(NegotiationState())
        if found.interrupts:
            return dict(found.interrupts[0].value)
        return self._run(None) if found.next else None

    def answer(self, said: Any) -> dict[str, Any] | None:
        """Answer what is asked; what is asked next, or None when the negotiation is over. Raises as `start`."""
        return self._run(Command(resume=said))

    def state(self) -> Mapping[str, Any]:
        """The negotiation's state, with both seats' memories: not for the person's eyes before the end."""
        values: Mapping[str, Any] = self._graph.get_state(self._config).values
        return values

    def view(self) -> View:
        """What the person may know now: the scenario, their own target, the messages so far."""
        state = self.state()
        return self.context.seat(self.seat).view(SeatState(state.get("lines", ())))

    def preview(self, move: Move) -> Outcome | None:
        """How the negotiation would end with this move; None when it would go on, or the move cannot be made."""
        try:
            return self.context.referee.judge([line.move for line in self.view().lines], move)
        except IllegalMove:
            return None

    def played(self) -> Played:
        """The finished match."""
        state = self.state()
        assert state.get("outcome") is not None  # noqa: S101 - asked for when the negotiation is over
        return self.pairing.record(self.scenario, self.seed, state, self.context, self._seconds())

    def _seconds(self) -> float:
        """Wall-clock time since the first message was asked for, time away included."""
        from datetime import UTC, datetime

        first = list(self._graph.get_state_history(self._config))[-1].created_at
        return max(0.0, time.time() - datetime.fromisoformat(str(first)).astimezone(UTC).timestamp())

    def _run(self, given: Any) -> dict[str, Any] | None:
        with kept_here():
            result = self._graph.invoke(given, config=self._config, context=self.context, durability="sync")
        asked = result.get("__interrupt__")
        return dict(asked[0].value) if asked else None


class _Apart:
    """Runs a graph as if nothing ran around it, so that it writes no checkpoints of its own."""

    def __init__(self, graph: Runner) -> None:
        self._graph = graph

    def invoke(self, input: Any, *, context: Any) -> Any:  # noqa: A002 - LangGraph's own name for it
        return contextvars.Context().run(self._alone, input, context)

    def _alone(self, given: Any, context: Any) -> Any:
        with kept_here():
            return self._graph.invoke(given, context=context)
