"""The graphs' states as plain data, for checkpoints: msgpack of JSON-like values, tuples and frozen types included."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any, Final

from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer

from poise.agents.judges.types import Verdict
from poise.agents.protocols import Line, Speech
from poise.agents.voices.heard import Heard
from poise.common.errors import StoreError
from poise.games.moves import Move
from poise.games.transcript import Message, Outcome, Reading, Wording
from poise.graphs.human.graph import PersonState
from poise.graphs.state import NegotiationState, SeatMemory, SeatState

_KINDS: Final[Mapping[str, type[Any]]] = {
    kind.__name__: kind
    for kind in (
        *(Heard, Line, Message, Move, Outcome, PersonState, Reading),
        *(NegotiationState, SeatMemory, SeatState, Speech, Verdict, Wording),
    )
}
_FORMER_NAMES: Final = {"TalkState": NegotiationState}  # in checkpoints of before
_TUPLE: Final = "poise:tuple"
_KIND: Final = "poise:kind"
_MAPPING: Final = "poise:mapping"


class StateSerializer(JsonPlusSerializer):
    """LangGraph's serializer without pickle, which builds no type but the states' own and LangGraph's.

    Differs from LangGraph's own: a tuple comes back as a tuple.
    """

    def __init__(self) -> None:
        super().__init__(pickle_fallback=False, allowed_msgpack_modules=None)

    def dumps_typed(self, obj: Any) -> tuple[str, bytes]:
        """A value as ("msgpack", bytes) or one of LangGraph's plain kinds."""
        return super().dumps_typed(_plain(obj))

    def loads_typed(self, data: tuple[str, bytes]) -> Any:
        """The value again. Raises StoreError for what no `dumps_typed` wrote."""
        try:
            return _built(super().loads_typed(data))
        except (KeyError, TypeError, ValueError, NotImplementedError) as error:
            raise StoreError(f"a checkpoint is damaged ({error}); this match cannot be continued") from None


def _plain(value: Any) -> Any:
    kind = type(value)
    if kind in (str, int, float, bool, type(None)):
        return value
    if kind is tuple:
        return {_TUPLE: [_plain(item) for item in value]}
    if kind is list:
        return [_plain(item) for item in value]
    if isinstance(value, Mapping):
        told = {key: _plain(item) for key, item in value.items()}
        return (
            {_MAPPING: [[key, item] for key, item in told.items()]} if {_TUPLE, _KIND, _MAPPING} & set(told) else told
        )
    if kind in _KINDS.values():
        return {_KIND: kind.__name__, **{field.name: _plain(getattr(value, field.name)) for field in fields(value)}}
    return value


def _built(value: Any) -> Any:
    if isinstance(value, list):
        return [_built(item) for item in value]
    if not isinstance(value, dict):
        return value
    if _TUPLE in value:
        return tuple(_built(item) for item in value[_TUPLE])
    if _MAPPING in value:
        return {key: _built(item) for key, item in value[_MAPPING]}
    told = {key: _built(item) for key, item in value.items()}
    return ({**_KINDS, **_FORMER_NAMES}[told.pop(_KIND)])(**told) if _KIND in told else told
