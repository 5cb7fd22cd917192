"""Agents by name: the built-in ones, those of installed packages, and a user's own in one file.

A name is written `NAME[:ARGUMENT][,SETTING=VALUE...][@MODEL]`:

    vanilla                                   eq-negotiator@ollama:qwen2.5:7b
    fixed:gratitude                           eq-negotiator,concession=tit-for-tat,offers=model
    my_agent.py:mirror                        my_agent.py:mirror@embedded:smollm2
    my_persona.toml                           (a debtor; see `poise.agents.personas`)
    runs/evolve                               (a trained creditor: the --out folder of a `poise train`)
    worlds:DIR                                (many debtors: one from each world in the folder; see `each_debtor`)

The settings are declared in `poise.agents.settings`.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, Final, TypeVar

from poise.agents.agent import Agent, Offers, default_concession
from poise.agents.protocols import Policy, View
from poise.common.errors import AgentError, shorten
from poise.common.seeds import Dice
from poise.common.userfile import digest, load_file
from poise.common.words import did_you_mean
from poise.games.moves import SEATS, Seat, other

EACH_WORLD: Final = "worlds:"  # what the name of a folder of worlds begins with
_MARK = "__poise_agent__"
_GROUP = "poise.agents"
_FILE = re.compile(r"^(?P<path>.*\.(?:py|toml))(?::(?P<function>[^,@:]+))?(?P<rest>[,@].*)?$", re.DOTALL)
F = TypeVar("F", bound=Callable[..., Any])


def agent(
    name: str, *, seat: Seat = "creditor", concession: str | None = None, offers: Offers | None = None
) -> Callable[[F], F]:
    """Register a policy: a function `(view) -> emotion`, one `(view, dice) -> emotion`, or a class with `choose`.

    The emotion is one of the 28 labels, or None for no direction.
    """
    _check_declaration("agent", name, seat, concession)
    return _marking(lambda target: _from_policy(target, name, seat, concession, offers))


def graph_agent(
    name: str, *, seat: Seat = "creditor", concession: str | None = None, offers: Offers | None = None
) -> Callable[[F], F]:
    """Register a seat graph: a function without parameters that returns a LangGraph StateGraph over SeatState.

    The graph may be compiled, and its state may extend SeatState by fields of its own.
    """
    _check_declaration("graph_agent", name, seat, concession)

    def build(target: Callable[[], Any]) -> Agent:
        if needed := _needed_parameters(target):
            what = f"needs {', '.join(needed)}"
            raise AgentError(
                f"@graph_agent({name!r}) stands over a function without parameters that returns a graph; this {what}"
            )
        return replace(_from_policy(lambda _view: None, name, seat, concession, offers), make_graph=target)

    return _marking(build)


def _check_declaration(decorator: str, name: Any, seat: Any, concession: str | None) -> None:
    """Raise AgentError for what a decorator cannot take, when the file is read."""
    from poise.agents.concessions import named_concession

    if not isinstance(name, str) or not name.strip() or re.search(r"[:,@/\\]", name):
        hint = f'write @{decorator}("NAME") above it' if callable(name) else "letters, digits, - and _ will do"
        raise AgentError(f"@{decorator} was given the name {shorten(name)}; {hint}")
    if seat not in SEATS:
        hint = did_you_mean(seat, SEATS)
        raise AgentError(f"@{decorator}({name!r}) has the seat {shorten(seat)}; {hint}the seats are {', '.join(SEATS)}")
    if concession is not None:
        named_concession(concession)


def _needed_parameters(function: Callable[..., Any]) -> list[str]:
    """The parameters that a call must give."""
    kinds = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    parameters = inspect.signature(function).parameters.values()
    return [one.name for one in parameters if one.default is one.empty and one.kind not in kinds]


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

    if spec.startswith(EACH_WORLD):
        raise AgentError(
            f"{spec!r} stands for many debtors, one from each world of a folder: give it to --debtor of a tournament "
            "or a training, or name one of its worlds as simulated:FILE"
        )
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


def each_debtor(specs: Iterable[str]) -> tuple[str, ...]:
    """The debtors that `specs` name: `worlds:DIR` stands for `simulated:FILE` of each world in the folder, in order.

    Raises AgentError where a folder has no worlds.
    """
    from poise.agents.simulated.files import world_files

    found: list[str] = []
    for spec in specs:
        folder, settings = re.fullmatch(r"([^,@]*)(.*)", spec, re.DOTALL).groups()  # type: ignore[union-attr]  # it matches any text
        if folder.startswith(EACH_WORLD):
            files = world_files(Path(folder.removeprefix(EACH_WORLD)))
            found += [f"simulated:{file}{settings}" for file in files]
        else:
            found.append(spec)
    return tuple(found)


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
            "a person plays with `poise play`, and resumes with `poise play --resume`; no tournament waits"
        )
    if _names_one(name, other(seat)):
        raise AgentError(f"{name!r} is a {other(seat)}, not a {seat}; {_other_seat(seat)}")
    near = did_you_mean(base, names) or did_you_mean(f"{base}.py", [one.name for one in Path().glob("*.py")])
    raise AgentError(f"no {seat} is called {name!r}; {near}`poise agents list` shows them all")


def _names_one(name: str, seat: Seat) -> bool:
    """Whether `name`, with whatever argument, is an agent of `seat`."""
    from poise.agents.builtin import built_in
    from poise.agents.policies import find_policy

    base = name.partition(":")[0]
    known = base in built_in(seat) or (seat == "creditor" and find_policy(base) is not None)
    return known or (seat, name) in _registered()


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
        target = _only_agent(path, marked, seat)
    else:
        target = getattr(module, function, None) or _registered_as(function, marked, seat)
        if target is None:
            names = list(dict.fromkeys([*marked, *(getattr(value, _MARK).name for value in marked.values())]))
            hint = did_you_mean(function, names)
            raise AgentError(f"{path} has no agent {function!r}; {hint}it has {', '.join(names) or 'none'}")
    found = _decorated(target, function or path.stem, seat, f"{path}:{function}")
    return replace(found, settings={**found.settings, "source": digest(path)}, file=str(path))


def _only_agent(path: Path, marked: Mapping[str, Any], seat: Seat) -> Any:
    """The one agent of a file for `seat`; the same function under two names counts once."""
    own = {id(value): key for key, value in marked.items() if getattr(value, _MARK).seat == seat}
    if len(own) == 1:
        return marked[next(iter(own.values()))]
    if own:
        names = (f"{path}:{key}" for key in own.values())
        raise AgentError(f"{path} has {len(own)} agents for the {seat}; write {' or '.join(names)}")
    if marked:
        names = (getattr(value, _MARK).name for value in marked.values())
        raise AgentError(f"{path} has no {seat}: {', '.join(map(repr, names))} is a {other(seat)}; {_other_seat(seat)}")
    raise AgentError(
        f"{path} has no agents; put @agent(NAME, seat={seat!r}) or @graph_agent(NAME, seat={seat!r}) above a function"
    )


def _registered_as(name: str, marked: Mapping[str, Any], seat: Seat) -> Any:
    """The function of a file whose decorator gives it this name; that of `seat` where both have one."""
    named = [value for value in marked.values() if getattr(value, _MARK).name == name]
    return next((value for value in named if getattr(value, _MARK).seat == seat), named[0] if named else None)


def _from_persona(path: Path, function: str | None, seat: Seat) -> Agent:
    from poise.agents.builtin import debtor_of
    from poise.agents.personas import load_persona

    if seat != "debtor" or function is not None:
        raise AgentError(f"{path} is a persona, which is a debtor and takes nothing after a colon; give it to --debtor")
    return debtor_of(load_persona(str(path)))


def _decorated(target: Any, name: str, seat: Seat, spec: str = "") -> Agent:
    found = target if isinstance(target, Agent) else getattr(target, _MARK, None)
    if found is None:
        return replace(
            _from_policy(target, name, seat, None, None), summary=(inspect.getdoc(target) or "").split("\n")[0]
        )
    if not isinstance(found, Agent) or found.seat != seat:
        its = getattr(found, "seat", other(seat))
        raise AgentError(f"{spec or name!r} is a {its}, not a {seat}; {_other_seat(seat)}")
    return found


def _other_seat(seat: Seat) -> str:
    return f"give it to --{other(seat)}, or in `poise play` take the other seat yourself, --as {seat}"


def list_agents() -> list[Agent]:
    """Every agent that can be named: built in, by decorator in this process, and of installed packages."""
    from poise.agents.builtin import built_in, policy_agent
    from poise.agents.policies import installed_policies
    from poise.agents.trained import listed_agents

    found: dict[tuple[Seat, str], Agent] = {}
    for name, policy in installed_policies().items():
        found["creditor", name] = policy_agent(policy, policy.example)
    for seat in SEATS:
        found.update({(seat, one.name): one for one in listed_agents(seat)})
        for name, make in built_in(seat).items():
            if (seat, name) not in found:
                found[seat, name] = make("")
    return list({**found, **_others()}.values())


def agent_summaries() -> Mapping[tuple[Seat, str], str]:
    """What each agent of `list_agents` does, by seat and name; those that come with Poise are not made for it.

    A policy that needs an argument stands as it is written: `fixed:EMOTION`.
    """
    from poise.agents.builtin import summaries
    from poise.agents.policies import installed_policies

    named = installed_policies()
    written = {name: f"{name}:{policy.argument}" if policy.example else name for name, policy in named.items()}
    found: dict[tuple[Seat, str], str] = {("creditor", written[name]): one.summary for name, one in named.items()}
    for seat in SEATS:
        found |= {(seat, written.get(name, name)): summary for name, summary in summaries(seat).items()}
    return found | {key: agent.summary for key, agent in _others().items()}


def _others() -> dict[tuple[Seat, str], Agent]:
    """Agents that a decorator registered in this process, and those of installed packages."""
    found = dict(_registered())
    for entry in entry_points(group=_GROUP):
        extra = getattr(entry.load(), _MARK, None)
        if isinstance(extra, Agent):
            found[extra.seat, entry.name] = extra
    return found
