"""Agents by name: the built-in ones, those of installed packages, and a user's own in one file.

A name is written `NAME[:ARGUMENT][,SETTING=VALUE...][@MODEL]`:

    vanilla                                   eq-negotiator@ollama:qwen2.5:7b
    fixed:gratitude                           eq-negotiator,concession=tit-for-tat,offers=model
    my_agent.py:mirror                        my_agent.py:mirror@embedded:smollm2
    my_persona.toml                           (a debtor; see `poise.agents.personas`)
    runs/evolve                               (a trained creditor: the --out folder of a `poise train`)

The settings are declared in `poise.agents.settings`.
"""

from __future__ import annotations

import difflib
import inspect
import re
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, TypeVar

from poise.agents.agent import Agent, Offers, default_concession
from poise.agents.protocols import Policy, View
from poise.common.errors import AgentError
from poise.common.seeds import Dice
from poise.common.userfile import digest, load_file
from poise.games.moves import SEATS, Seat

_MARK = "__poise_agent__"
_GROUP = "poise.agents"
_FILE = re.compile(r"^(?P<path>.*\.(?:py|toml))(?::(?P<function>\w+))?(?P<rest>[,@].*)?$", re.DOTALL)
F = TypeVar("F", bound=Callable[..., Any])


def agent(
    name: str, *, seat: Seat = "creditor", concession: str | None = None, offers: Offers | None = None
) -> Callable[[F], F]:
    """Register a policy: a function `(view) -> emotion`, one `(view, dice) -> emotion`, or a class with `choose`.

    The emotion is one of the 28 labels, or None for no direction.
    """
    return _marking(lambda target: _from_policy(target, name, seat, concession, offers))


def graph_agent(
    name: str, *, seat: Seat = "creditor", concession: str | None = None, offers: Offers | None = None
) -> Callable[[F], F]:
    """Register a seat graph: a function without parameters that returns a LangGraph StateGraph over SeatState."""

    def build(target: Callable[[], Any]) -> Agent:
        return replace(_from_policy(lambda _view: None, name, seat, concession, offers), make_graph=target)

    return _marking(build)


def _marking(build: Callable[[Any], Agent]) -> Callable[[F], F]:
    def mark(target: F) -> F:
        made = build(target)
        made = replace(made, summary=(inspect.getdoc(target) or "").split("\n")[0])
        setattr(target, _MARK, made)
        _registered()[made.seat, made.name] = made
        return target

    return mark


@cache
def _registered() -> dict[tuple[Seat, str], Agent]:
    """Agents registered by decorator in this process."""
    return {}


class _FunctionPolicy:
    def __init__(self, choose: Callable[[View, Dice], str | None]) -> None:
        self._choose = choose

    def choose(self, view: View, dice: Dice) -> str | None:
        return self._choose(view, dice)


def _from_policy(target: Any, name: str, seat: Seat, concession: str | None, offers: Offers | None) -> Agent:
    from poise.agents.concessions import named_concession

    kind = concession or default_concession(seat)
    return Agent(
        name=name,
        seat=seat,
        make_policy=policy_maker(target, name),
        make_concession=lambda: named_concession(kind),
        offers=offers,
        settings={"concession": concession} if concession else {},
    )


def policy_maker(target: Any, name: str) -> Callable[[], Policy]:
    """Makes policies of a function (view) or (view, dice), or a class with `choose`; AgentError for anything else."""
    if isinstance(target, type):
        if not callable(getattr(target, "choose", None)):
            raise AgentError(f"class {target.__name__} of agent {name!r} has no method choose(view, dice)")
        return target
    count = len(inspect.signature(target).parameters)
    if count == 1:
        return lambda: _FunctionPolicy(lambda view, _dice: target(view))
    if count == 2:
        return lambda: _FunctionPolicy(target)
    raise AgentError(f"agent {name!r} takes {count} parameters; a policy takes (view) or (view, dice)")


def find_agent(spec: str, seat: Seat) -> Agent:
    """The agent that `spec` names, for `seat`; see the module's head for how a name is written.

    Raises AgentError with the nearest names when there is none.
    """
    from poise.agents.builtin import built_in
    from poise.agents.trained import split_folder, trained_agent

    known = re.split("[:,@]", spec, maxsplit=1)[0] in built_in(seat)
    if not known and (match := _FILE.match(spec)):
        found = _from_file(Path(match["path"]), match["function"], seat)
        rest = match["rest"] or ""
        return _with_settings(found, rest)
    if not known and (trained := split_folder(spec)):
        return _with_settings(trained_agent(trained[0], seat), trained[1])
    name, at, model = spec.partition("@")
    name, comma, settings = name.partition(",")
    return _with_settings(_by_name(name.strip(), seat), comma + settings + at + model)


def _by_name(name: str, seat: Seat) -> Agent:
    if (seat, name) in _registered():
        return _registered()[seat, name]
    from poise.agents.builtin import built_in, policy_agent
    from poise.agents.policies import find_policy

    base, _, argument = name.partition(":")
    known = built_in(seat)
    if base in known:
        return known[base](argument)
    if seat == "creditor" and (policy := find_policy(base)):
        return policy_agent(policy, argument)
    for entry in entry_points(group=_GROUP, name=base):
        return _decorated(entry.load(), base, seat)
    names = [*known, *(own for of, own in _registered() if of == seat)]
    if base == "human":
        raise AgentError(
            "a person plays with `poise play`, and goes on with `poise play --resume`; no tournament waits"
        )
    near = difflib.get_close_matches(base, names, n=1)
    hint = f"did you mean {near[0]!r}? " if near else ""
    raise AgentError(f"no {seat} is called {name!r}; {hint}`poise agents list` shows them all")


def is_registered(spec: str, seat: Seat) -> bool:
    """Whether `spec` names an agent that a decorator registered in this process; another process may not know it."""
    return (seat, re.split("[,@]", spec, maxsplit=1)[0].strip()) in _registered()


def _with_settings(found: Agent, rest: str) -> Agent:
    """Apply `,SETTING=VALUE...` and `@MODEL`, as written after the name."""
    from poise.agents.settings import with_setting

    listed, _, model = rest.partition("@")
    for item in filter(None, listed.split(",")):
        found = with_setting(found, item)
    if model:
        found = replace(found, model=model)
    elif rest.endswith("@"):
        raise AgentError(f"{found.name + rest!r} ends in '@'; name a model after it, such as @ollama:qwen2.5:7b")
    return found


def _from_file(path: Path, function: str | None, seat: Seat) -> Agent:
    if path.suffix == ".toml":
        return _from_persona(path, function, seat)
    module = load_file(path, "agent", AgentError)
    marked = {key: value for key, value in vars(module).items() if isinstance(getattr(value, _MARK, None), Agent)}
    if function is None:
        own = [key for key, value in marked.items() if getattr(value, _MARK).seat == seat]
        if len(own) != 1:
            listed = ", ".join(f"{path}:{key}" for key in own) or "none"
            raise AgentError(f"{path} has {len(own)} agents for the {seat} ({listed}); write {path}:FUNCTION")
        function = own[0]
    target = getattr(module, function, None)
    if target is None:
        raise AgentError(f"{path} has no function {function!r}; it has {', '.join(marked) or 'no agents'}")
    found = _decorated(target, function, seat)
    return replace(found, settings={**found.settings, "source": digest(path)})


def _from_persona(path: Path, function: str | None, seat: Seat) -> Agent:
    from poise.agents.builtin import debtor_of
    from poise.agents.personas import load_persona

    if seat != "debtor" or function is not None:
        raise AgentError(f"{path} is a persona, which is a debtor and takes nothing after a colon; give it to --debtor")
    return debtor_of(load_persona(str(path)))


def _decorated(target: Any, name: str, seat: Seat) -> Agent:
    found = target if isinstance(target, Agent) else getattr(target, _MARK, None)
    if found is None:
        return replace(
            _from_policy(target, name, seat, None, None), summary=(inspect.getdoc(target) or "").split("\n")[0]
        )
    if not isinstance(found, Agent) or found.seat != seat:
        raise AgentError(f"{name!r} is an agent for the {getattr(found, 'seat', 'other seat')}, not for the {seat}")
    return found


def list_agents() -> list[Agent]:
    """Every agent that can be named: built in, by decorator in this process, and of installed packages."""
    from poise.agents.builtin import built_in, policy_agent
    from poise.agents.policies import installed_policies

    found: dict[tuple[Seat, str], Agent] = {}
    for name, policy in installed_policies().items():
        found["creditor", name] = policy_agent(policy, policy.example)
    for seat in SEATS:
        for name, make in built_in(seat).items():
            if (seat, name) not in found:
                found[seat, name] = make("")
    found.update(_registered())
    for entry in entry_points(group=_GROUP):
        extra = getattr(entry.load(), _MARK, None)
        if isinstance(extra, Agent):
            found[extra.seat, entry.name] = extra
    return list(found.values())
