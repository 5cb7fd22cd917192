"""The check of a reply's data against its JSON schema."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

_TYPES: Final[Mapping[str, type | tuple[type, ...]]] = {
    "string": str,
    "integer": int,
    "number": (int, float),
    "boolean": bool,
    "array": list,
    "object": dict,
}


def against(data: object, schema: Mapping[str, Any]) -> str | None:
    """How `data` fails an object's schema, or None.

    Required names and the types of properties are looked at; servers enforce the rest while they write.
    """
    if not isinstance(data, dict):
        return "it is not an object"
    for name in schema.get("required", ()):
        if name not in data:
            return f"{name!r} is missing"
    for name, about in schema.get("properties", {}).items():
        wanted = _TYPES.get(about.get("type", ""))
        if name in data and wanted and not isinstance(data[name], wanted):
            return f"{name!r} is not of type {about['type']}"
    return None
