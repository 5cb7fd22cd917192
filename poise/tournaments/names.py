"""What agents are called where a tournament is shown, and which of them is the baseline.

An agent of the user's own is entered by its file or folder (`examples/mirror.py`, `runs/q1`) and shown by its name,
with the file beside it. Names are unique within a seat: agents that share one are called as they were entered.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import PurePath
from typing import Any, Final

from poise.common.errors import ConfigError
from poise.common.words import did_you_mean

_DEFAULT_BASELINE: Final = "vanilla"
_FILE: Final = re.compile(r"^(?P<path>.*\.(?:py|toml))(?::[^,@:]+)?(?=[,@]|$)", re.DOTALL)


def shown_names(entered: Iterable[tuple[str, Mapping[str, Any]]]) -> list[tuple[str, str]]:
    """The (name, file) of each agent of a seat, from how it was entered and what it declared; file: "" without one."""
    listed = list(entered)
    found = [_name(label, declared) for label, declared in listed]
    count = Counter(name for name, _ in found)
    return [named if count[named[0]] == 1 else (label, "") for named, (label, _) in zip(found, listed, strict=True)]


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


def find_baseline(wanted: str | None, labels: Sequence[str], entered: Sequence[str] = ()) -> str | None:
    """The label of a seat's agent that `wanted` names: as shown, as entered, or the only agent of that name or file.

    entered: how the agents were entered, in the order of `labels`. None where it does not play.
    """
    name = wanted or _DEFAULT_BASELINE
    for names in (labels, entered, *([_shorter(one) for one in listed] for listed in (labels, entered))):
        places = [place for place, one in enumerate(names) if one == name]
        if len(places) == 1:
            return labels[places[0]]
    return None


def _shorter(name: str) -> str:
    """Without the model, and without the function of a file."""
    match = _FILE.match(name)
    return match["path"] if match else name.partition("@")[0]


def check_baseline(wanted: str | None, *seats: tuple[Sequence[str], Sequence[str]]) -> None:
    """ConfigError when the named baseline plays in no seat. seats: of each its labels, and how they were entered."""
    if wanted is None or any(find_baseline(wanted, *seat) for seat in seats):
        return
    labels = list(dict.fromkeys(label for shown, _ in seats for label in shown))
    raise ConfigError(
        f"the baseline {wanted!r} is not one of the agents ({', '.join(labels)}); {did_you_mean(wanted, labels)}"
        "name one of them, with its model where the name alone fits several"
    )
