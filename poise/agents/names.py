"""What agents are called where they are shown.

An agent of the user's own is entered by its file or folder (`examples/mirror.py`, `runs/q1`) and shown by its name,
with the file beside it. Names are unique within a seat: agents that share one are called as they were entered.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import PurePath
from typing import Any, Final

_FILE: Final = re.compile(r"^(?P<path>.*\.(?:py|toml))(?::[^,@:]+)?(?=[,@]|$)", re.DOTALL)


def shown_names(entered: Iterable[tuple[str, Mapping[str, Any]]]) -> list[tuple[str, str]]:
    """The (name, file) of each agent of a seat, from how it was entered and what it declared; file: "" without one."""
    listed = list(entered)
    found = [_name(label, declared) for label, declared in listed]
    count = Counter(name for name, _ in found)
    names = [named if count[named[0]] == 1 else (label, "") for named, (label, _) in zip(found, listed, strict=True)]
    return names if len({name for name, _ in names}) == len(names) else [(label, "") for label, _ in listed]


def _name(label: str, declared: Mapping[str, Any]) -> tuple[str, str]:
    settings = declared.get("settings") or {}
    match = _FILE.match(label) if "source" in settings or "persona" in settings else None
    if match:
        _, at, model = label[match.end() :].partition("@")
        return f"{declared.get('name', label)}{at}{model}", match["path"]
    folder = re.split("[,@]", label, maxsplit=1)[0]
    if "artifact" in settings and "/" in folder and PurePath(folder).name:
        return PurePath(folder).name + label[len(folder) :], folder
    return label, ""


def without_model(name: str) -> str:
    """A name without its model, and one of a file without its function."""
    match = _FILE.match(name)
    return match["path"] if match else name.partition("@")[0]
