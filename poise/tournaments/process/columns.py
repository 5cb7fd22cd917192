"""The messages of many negotiations as columns, from which process figures are computed.

Only the parts of a stored transcript that a figure needs are decoded.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from typing import Any, Final

import msgspec
import numpy as np
import orjson
from numpy.typing import NDArray

from poise.agents.emotions.tables import STATES
from poise.agents.emotions.taxonomy import EMOTIONS7, INDEX_OF
from poise.common.errors import BadInput, StoreError
from poise.games.moves import Seat
from poise.games.scenario import Scenario
from poise.games.transcript import Ending, Transcript, check_version
from poise.tournaments.statistics.ratio import Array

Owner = NDArray[np.int32]
NONE: Final = -1  # an unknown emotion or state
_STATE: Final = {state: place for place, state in enumerate(STATES)}


class _Move(msgspec.Struct, frozen=True, gc=False):
    kind: str
    value: int | None = None


class _Reading(msgspec.Struct, frozen=True, gc=False):
    emotions: tuple[float, ...]
    belief: tuple[float, ...]


_UNREAD: Final = _Reading((math.nan,) * len(EMOTIONS7), (math.nan,) * len(STATES))


class _Notes(msgspec.Struct, frozen=True, gc=False):
    state: Any = None


class _Message(msgspec.Struct, frozen=True, gc=False):
    seat: Seat
    move: _Move
    emotion: str | None = None
    reading: _Reading | None = None
    notes: _Notes = _Notes()


class _Rules(msgspec.Struct, frozen=True, gc=False):
    max_messages: int = 31
    discount: float = 1.0
    game: str = ""


class _Outcome(msgspec.Struct, frozen=True, gc=False):
    ending: Ending
    value: int | None = None
    utilities: tuple[float, float] = (0.0, 0.0)


class Negotiation(msgspec.Struct, frozen=True, gc=False):
    """The parts of a transcript that process figures need, with the transcript's names and meanings."""

    messages: tuple[_Message, ...]
    outcome: _Outcome
    rules: _Rules = _Rules()
    version: Any = None


_DECODER: Final = msgspec.json.Decoder(Negotiation)


def negotiation_from(position: int, document: bytes) -> Negotiation:
    """The parts of the stored transcript of the match at `position`.

    Raises:
        StoreError: the transcript is damaged.
    """
    try:
        negotiation = _DECODER.decode(document)
        check_version(negotiation.version)
    except (msgspec.DecodeError, BadInput) as error:
        raise StoreError(f"the transcript of match {position} in the store is damaged: {error}") from None
    return negotiation


def negotiation_of(transcript: Transcript) -> Negotiation:
    """The parts of a transcript in memory."""
    return _DECODER.decode(orjson.dumps(transcript.to_dict(), option=orjson.OPT_SERIALIZE_NUMPY))


@dataclass(frozen=True, eq=False)
class Columns:
    """N negotiations with M messages in all, one after another.

    begins:   [N + 1], the index of each one's first message, and M. seat: [M], 0 for the creditor, 1 for the debtor.
    value:    [M], what a message offers, or nan. accepts: [M], whether it accepts.
    emotion:  [M], the intended emotion as an index of EMOTIONS7, or NONE. state: [M], the debtor's state as an index of
              STATES, or NONE.
    read:     [M, 7], what its seat read in the message before, or nan. belief: [M, 4], its belief then, or nan.
    targets:  [N, 2], the creditor's and the debtor's. deal: [N], the deal's value, or nan.
    """

    begins: NDArray[np.int64]
    seat: NDArray[np.int8]
    value: Array
    accepts: NDArray[np.bool_]
    emotion: NDArray[np.int8]
    state: NDArray[np.int8]
    read: Array
    belief: Array
    targets: Array
    deal: Array

    @property
    def lengths(self) -> NDArray[np.int64]:
        """[N], the number of messages of each negotiation."""
        return np.diff(self.begins)

    @cached_property
    def owner(self) -> Owner:
        """[M], the negotiation of each message."""
        return np.repeat(np.arange(len(self.begins) - 1, dtype=np.int32), self.lengths)

    @cached_property
    def answered(self) -> NDArray[np.intp]:
        """The indices of the debtor's messages that are followed by one of the creditor."""
        owner, seat = self.owner, self.seat
        return np.flatnonzero((owner[1:] == owner[:-1]) & (seat[:-1] == 1) & (seat[1:] == 0))

    @cached_property
    def first_offers(self) -> Array:
        """[N, 2], the first offers of creditor and debtor; nan for a seat that never made one."""
        offers = np.full((len(self.deal), 2), np.nan)
        at = np.flatnonzero(~np.isnan(self.value))[::-1]  # in reverse, so that the first offer is written last
        offers[self.owner[at], self.seat[at]] = self.value[at]
        return offers


def columns_of(negotiations: Sequence[Negotiation], scenarios: Sequence[Scenario]) -> Columns:
    """The columns of negotiations; `scenarios` has one for each."""
    seat, accepts = bytearray(), bytearray()
    emotion, state, value, read, belief = array("b"), array("b"), array("d"), array("d"), array("d")
    begins = [0]
    for one in negotiations:
        messages = one.messages
        moves = [message.move for message in messages]
        seat.extend([message.seat == "debtor" for message in messages])
        accepts.extend([move.kind == "accept" for move in moves])
        value.extend([math.nan if move.value is None else move.value for move in moves])
        emotion.extend([INDEX_OF.get(message.emotion, NONE) for message in messages])
        state.extend([_STATE.get(str(message.notes.state), NONE) for message in messages])
        readings = [message.reading or _UNREAD for message in messages]
        read.extend(chain.from_iterable(_of_length(len(EMOTIONS7), [each.emotions for each in readings])))
        belief.extend(chain.from_iterable(_of_length(len(STATES), [each.belief for each in readings])))
        begins.append(len(seat))
    deals = [one.outcome.value if one.outcome.ending == "deal" else None for one in negotiations]
    return Columns(
        begins=np.array(begins, dtype=np.int64),
        seat=np.frombuffer(bytes(seat), dtype=np.int8),
        value=np.array(value),
        accepts=np.frombuffer(bytes(accepts), dtype=np.bool_),
        emotion=np.array(emotion),
        state=np.array(state),
        read=np.array(read).reshape(-1, len(EMOTIONS7)),
        belief=np.array(belief).reshape(-1, len(STATES)),
        targets=np.array([(one.creditor_target, one.debtor_target) for one in scenarios], float).reshape(-1, 2),
        deal=np.array([np.nan if deal is None else deal for deal in deals], float),
    )


def _of_length(length: int, vectors: list[tuple[float, ...]]) -> list[tuple[float, ...]]:
    """The vectors; one of another length, as a custom tracker's may be, becomes `length` times nan."""
    return [each if len(each) == length else (math.nan,) * length for each in vectors]
