"""Positions of the bargaining game as strings and tensors, for OpenSpiel's algorithms."""

from __future__ import annotations

from typing import Any, Final, Protocol

import numpy as np

from poise.games.openspiel.terms import StandingOffer, Terms


class Position(Protocol):
    """What an observer reads of a state of the game."""

    index: int
    standing: tuple[StandingOffer | None, StandingOffer | None]
    ending: Any

    def history(self) -> list[int]:
        """The actions so far."""
        ...

    def action_to_string(self, player: int, action: int) -> str:
        """An action in words."""
        ...


class Observer:
    """Strings and tensors of a position. Both players see everything (the game has perfect information).

    Pieces of the tensor (float32; values scaled to [0, 1] over the bounds, indices over max_messages):
      player (2): who looks. ending (4): going on, deal, walked, timeout.
      with perfect recall   messages (max_messages, 6): accept, walk, offer, firm offer, forfeit; the offer's value.
      without               progress (1): index. standing (2, 3): whether there is an offer, its value, its index.
    """

    _ENDINGS: Final = (None, "deal", "walked", "timeout")

    def __init__(self, terms: Terms, recall: bool) -> None:
        self._terms = terms
        self._recall = recall
        pieces: dict[str, tuple[int, ...]] = {"player": (2,), "ending": (4,)}
        pieces |= {"messages": (terms.rules.max_messages, 6)} if recall else {"progress": (1,), "standing": (2, 3)}
        self.tensor = np.zeros(sum(int(np.prod(shape)) for shape in pieces.values()), np.float32)
        self.dict: dict[str, np.ndarray[Any, np.dtype[np.float32]]] = {}
        start = 0
        for name, shape in pieces.items():
            size = int(np.prod(shape))
            self.dict[name] = self.tensor[start : start + size].reshape(shape)
            start += size

    def _scaled(self, value: int) -> float:
        offers = self._terms.offers
        return (value - offers.start) / max(1, offers[-1] - offers.start)

    def set_from(self, state: Position, player: int) -> None:
        """Write `state` as `player` sees it into `tensor`."""
        self.tensor.fill(0)
        if player >= 0:
            self.dict["player"][player] = 1
        self.dict["ending"][self._ENDINGS.index(state.ending)] = 1
        if self._recall:
            self._write_messages(state)
        else:
            self._write_table(state)

    def _write_messages(self, state: Position) -> None:
        kinds = ("accept", "walk", "offer", "firm offer", "forfeit")
        for row, action in zip(self.dict["messages"], state.history(), strict=False):
            move = self._terms.move(action)
            row[kinds.index("firm offer" if move.firm else move.kind)] = 1
            row[5] = 0 if move.value is None else self._scaled(move.value)

    def _write_table(self, state: Position) -> None:
        total = self._terms.rules.max_messages
        self.dict["progress"][0] = state.index / total
        for row, offer in zip(self.dict["standing"], state.standing, strict=True):
            if offer:
                row[:] = 1, self._scaled(offer.value), offer.index / total

    def string_from(self, state: Position, player: int) -> str:
        """The position, or with perfect recall the whole history, in words."""
        if not self._recall:
            return str(state)
        return "; ".join(state.action_to_string(player, action) for action in state.history()) or "opening"
