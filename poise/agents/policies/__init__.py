"""Policies: which emotion to show next. One file a system, and that file is all there is to add.

    @policy("wsls", "win-stay, lose-shift on what the last emotion brought", argument="ASPIRATION")
    def named_wsls(argument: str) -> WinStayLoseShift: ...

Every module of this package is imported when policies are first asked for. Those of an installed package are found
through the entry point group `poise.policies`: an entry's name is the policy's, its value the module that registers it.

A policy that training makes also says how it is restored from an artifact (`restore`), and what trains it by playing
(`trainer`, see `poise.training.online.plan.OnlineMethod`). The trainer is a string, because training lies above agents
and may need libraries that play does not.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import entry_points
from types import MappingProxyType
from typing import Any, Final, TypeVar

from poise.agents.protocols import Policy
from poise.common.errors import AgentError
from poise.common.words import did_you_mean

Restore = Callable[[Mapping[str, Any], Mapping[str, Any]], Policy]
Declare = Callable[[str], Mapping[str, Any]]
F = TypeVar("F", bound=Callable[..., Policy])

ENTRY_POINTS: Final = "poise.policies"


@dataclass(frozen=True, slots=True)
class NamedPolicy:
    """A policy that can be asked for by name; the fields are the parameters of `policy`."""

    name: str
    summary: str
    target: Callable[..., Policy]
    argument: str = ""
    example: str = ""
    privileged: bool = False
    trainer: str = ""
    declare: Declare | None = None
    asks: Callable[[str], str] | None = None

    def make(self, argument: str = "") -> Policy:
        """A fresh policy from what follows the colon of the name, "" for nothing.

        Raises:
            AgentError: the argument is refused.
        """
        if self.argument:
            return self.target(argument)
        if argument:
            raise AgentError(f"{self.name}:{argument}: {self.name} takes nothing after a colon; say just {self.name}")
        return self.target()

    def declared(self, argument: str = "") -> dict[str, Any]:
        """The settings that the argument adds to the agent, such as the content of the file that it names.

        Raises:
            AgentError: the argument is refused.
        """
        return dict(self.declare(argument)) if self.declare and argument else {}


_NAMED: Final[dict[str, NamedPolicy]] = {}
_RESTORERS: Final[dict[str, Restore]] = {}


def policy(  # noqa: PLR0913 - each is one fact about a policy, and all but two may be left out
    name: str,
    summary: str,
    *,
    argument: str = "",
    example: str = "",
    privileged: bool = False,
    restore: Restore | None = None,
    trainer: str = "",
    declare: Declare | None = None,
    asks: Callable[[str], str] | None = None,
) -> Callable[[F], F]:
    """Register the decorated class, or function that makes a policy, under `name`.

    summary:    one sentence for `poise agents list`.
    argument:   what may follow the name and a colon, such as "ASPIRATION". The class or function is called with it,
                with "" where nothing follows; without `argument` it is called with nothing.
    example:    an argument that will do, for a policy that cannot be made without one.
    privileged: it is shown the other seat's notes (see `poise.agents.agent.Agent`).
    restore:    the policy that an artifact's parameters (JSON data) and arrays stand for; `name` is the artifact's
                engine.
    trainer:    "module:NAME" of the `OnlineMethod` that trains it.
    declare:    what the argument adds to the agent's settings (JSON data), for an argument that does not say everything
                itself. Declare here what a file holds: a tournament is then not resumed with a changed file.
    asks:       the URI of the model that the policy itself asks, from its argument; "" for none. It is tried before the
                first match, and what needs it waits while it is down.

    Raises:
        AgentError: another policy has that name.
    """

    def register(target: F) -> F:
        earlier = _NAMED.get(name)
        if earlier is not None and _home(earlier.target) != _home(target):
            raise AgentError(
                f"two policies are called {name!r}: {_home(earlier.target)} and {_home(target)}; rename one"
            )
        _NAMED[name] = NamedPolicy(name, summary, target, argument, example, privileged, trainer, declare, asks)
        if restore is not None:
            _RESTORERS[name] = restore
        return target

    return register


def _home(target: Callable[..., Policy]) -> str:
    return f"{target.__module__}.{target.__qualname__}"


def restores(*engines: str) -> Callable[[Restore], Restore]:
    """Register the decorated function as what restores policies that are played from artifacts alone."""

    def register(restore: Restore) -> Restore:
        _RESTORERS.update(dict.fromkeys(engines, restore))
        return restore

    return register


@cache
def _import_all(*, restorers: bool) -> None:
    """Import whatever registers policies; with those that are played from artifacts alone, which need NumPy."""
    modules = pkgutil.walk_packages if restorers else pkgutil.iter_modules
    for module in modules(__path__, f"{__name__}."):
        importlib.import_module(module.name)


def policies() -> Mapping[str, NamedPolicy]:
    """Poise's own policies, and those registered in this process, by name."""
    _import_all(restorers=False)
    return MappingProxyType(_NAMED)


@cache
def installed_policies() -> Mapping[str, NamedPolicy]:
    """The same with those of installed packages."""
    for entry in entry_points(group=ENTRY_POINTS):
        entry.load()
    return policies()


def find_policy(name: str) -> NamedPolicy | None:
    """The policy called `name` (without an argument), also one of an installed package; None where there is none."""
    if name not in policies():
        _load_installed(name)
    return policies().get(name)


def _load_installed(name: str) -> None:
    for entry in entry_points(group=ENTRY_POINTS, name=name):
        entry.load()


def make_policy(spec: str) -> Policy:
    """A fresh policy from NAME or NAME:ARGUMENT.

    Raises:
        AgentError: there is none of that name, or the argument is refused.
    """
    name, _, argument = spec.partition(":")
    found = find_policy(name)
    if found is None:
        raise AgentError(
            f"no policy is called {name!r}; {did_you_mean(name, policies())}`poise agents list` shows them all"
        )
    return found.make(argument)


def engines() -> tuple[str, ...]:
    """The engines that an artifact may name, those of installed packages left out."""
    _import_all(restorers=True)
    return tuple(_RESTORERS)


def trained_policy(engine: str, parameters: Mapping[str, Any], arrays: Mapping[str, Any]) -> Policy:
    """The policy that the parameters and arrays of an artifact of `engine` stand for.

    Raises:
        BadInput: there is no such engine, or they do not belong to it.
    """
    if engine not in engines():
        _load_installed(engine)
    if engine not in _RESTORERS:
        hint = did_you_mean(engine, engines())
        raise AgentError(f"no engine is called {engine!r}; {hint}this Poise plays {', '.join(engines())}")
    return _RESTORERS[engine](parameters, arrays)
