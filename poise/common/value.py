"""Frozen values that a negotiation makes by the hundred."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

import msgspec

T = TypeVar("T", bound=type[Any])


class Value(msgspec.Struct, frozen=True):
    """A frozen value that costs a twentieth of what a frozen dataclass costs to make, and half to read from JSON."""

    if TYPE_CHECKING:
        __dataclass_fields__: ClassVar[dict[str, Any]]


def dataclass_like(kind: T) -> T:
    """Let `dataclasses.replace`, `fields` and `asdict` take a `Value` as they take a dataclass."""
    dataclass(init=False, repr=False, eq=False, match_args=False)(kind)
    return kind
