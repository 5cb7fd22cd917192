"""Custom games: the bargaining game with another rule for deals, or another worth of them.

    @game("costly-talks")
    class CostlyTalks(BargainingState):
        def settle(self, standing, new): ...     the deal that two offers make, or None
        def worth(self, deal): ...               what each seat gets from it, in [0, 1]

Whatever can be offered stays as it is, so that every agent there is can play it, and learners learn what pays in it.
`Rules(game=...)`, and `--game` of a tournament, name one: `file.py:CostlyTalks`, `file.py` where it holds one game, the
name of one that this process has registered, or the name of an entry point of the group `poise.games`.
`poise.testing.check_game` checks one.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache, lru_cache
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, Final, TypeVar

from poise.common.errors import ConfigError, PoiseError, shorten
from poise.common.userfile import digest, load_file
from poise.common.words import did_you_mean
from poise.games.openspiel import pyspiel as openspiel
from poise.games.openspiel.bargaining import (
    DEFAULTS,
    LARGEST_INTEGER,
    BargainingGame,
    BargainingState,
    register_bargaining,
    short_name,
)
from poise.games.rules import Rules
from poise.games.scenario import Scenario


def load_variant(scenario: Scenario, rules: Rules, *, plain: bool = False) -> BargainingGame:
    """The game of one scenario; games are kept by their parameters, the 256 latest used.

    Raises ConfigError for rules that are not whole numbers, and for a game that is not there.
    """
    for name in ("tolerance", "max_messages", "grid"):
        if type(getattr(rules, name)) is not int:
            raise ConfigError(f"{name} {getattr(rules, name)!r} is not a whole number")
    return _load(
        short_name(find_game(rules.game) if rules.game else ""),
        scenario.creditor_target,
        scenario.debtor_target,
        *scenario.bounds,
        min(rules.tolerance, LARGEST_INTEGER),  # beyond the bounds' width it makes no difference; nor does the grid
        rules.max_messages,
        float(rules.discount),
        min(rules.grid, LARGEST_INTEGER),
        rules.deal_value,
        plain,
    )


@lru_cache(maxsize=256)
def _load(name: str, *values: Any) -> BargainingGame:
    game = openspiel.load_game(name, dict(zip(DEFAULTS, values, strict=True)))
    if not isinstance(game, BargainingGame):
        raise PoiseError(f"another game took the name {name!r} in OpenSpiel; register it under its own name")
    return game


S = TypeVar("S", bound=type[BargainingState])

_GROUP: Final = "poise.games"
_NAME: Final = re.compile(r"[a-z][a-z0-9-]{0,39}")
_FILE: Final = re.compile(r"(?P<path>.*\.py)(?::(?P<name>\w+))?", re.DOTALL)


def game(name: str) -> Callable[[S], S]:
    """Register a class of positions as the game `name` (small letters, digits, hyphens); OpenSpiel then knows it, too.

    Raises ConfigError where the name cannot be used, or another class has it.
    """
    if not _NAME.fullmatch(name):
        raise ConfigError(f"a game cannot be called {shorten(name)}; use small letters, digits and hyphens")

    def mark(state: S) -> S:
        given: Any = state
        if not (isinstance(given, type) and issubclass(given, BargainingState)):
            raise ConfigError(f"game {name!r} is {shorten(state)}; derive a class from BargainingState")
        before = _registered().get(name, state)
        if (before.__module__, before.__qualname__) != (state.__module__, state.__qualname__):
            raise ConfigError(f"two games are called {name!r}; rename one")
        _registered()[name] = state  # the same class defined again, as in a notebook, replaces the earlier one
        register_bargaining(name, state)
        return state

    return mark


@cache
def _registered() -> dict[str, type[BargainingState]]:
    """Games registered in this process, by name."""
    return {}


def find_game(spec: str) -> str:
    """The registered name of the game that `spec` writes; see the module's head.

    Raises ConfigError with the remedy where there is none, or its file cannot be used.
    """
    if match := _FILE.fullmatch(spec):
        return _in_file(Path(match["path"]), match["name"])
    if spec in _registered():
        return spec
    for entry in entry_points(group=_GROUP, name=spec):
        return name_of(entry.load(), spec)
    raise ConfigError(
        f"no game is called {shorten(spec)}; {did_you_mean(spec, _registered())}write file.py:ClassName, or leave it "
        "out for the usual game"
    )


def is_registered_game(spec: str) -> bool:
    """Whether `spec` names a game that a decorator registered in this process; another process may not know it."""
    return spec in _registered()


def source(spec: str) -> str:
    """What identifies the code of a game from a file; "" for any other."""
    match = _FILE.fullmatch(spec)
    return digest(Path(match["path"])) if match else ""


def _in_file(path: Path, wanted: str | None) -> str:
    module = load_file(path, "game", ConfigError)
    if wanted is not None:
        return name_of(getattr(module, wanted, None), f"{path}:{wanted}")
    own = [name for name, state in _registered().items() if state.__module__ == module.__name__]
    if len(own) != 1:
        raise ConfigError(f"{path} has {len(own)} games ({', '.join(own) or 'none'}); write {path}:ClassName")
    return own[0]


def name_of(state: Any, spec: str) -> str:
    """The name under which a class is registered; ConfigError, which calls it `spec`, where it is not."""
    for name, known in _registered().items():
        if known is state:
            return name
    raise ConfigError(f"{spec} is not a game; put @game(NAME) over a class derived from BargainingState")
