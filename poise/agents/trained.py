"""Trained agents: artifacts as agents, by the path of their folder; those that ship with Poise by name."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import lru_cache, partial
from pathlib import Path
from typing import Final

from poise.agents.agent import Agent, default_concession
from poise.agents.artifact import ADAPTER, CREDITOR_ONLY, FILE, Artifact, load_artifact
from poise.agents.models.adapters import Adapter
from poise.agents.policies import trained_policy
from poise.agents.protocols import Policy
from poise.common.errors import AgentError
from poise.games.moves import Seat

PACKAGED: Final = Path(__file__).parent / "artifacts"  # a folder each, by the agent's name
ABOUT: Final = "about.md"  # its first line is the agent's summary
_CUTS = re.compile(r"[,@]|$")


def split_folder(spec: str) -> tuple[str, str] | None:
    """(folder, rest) where `spec` names an artifact's folder, else None; `rest` is its settings and model.

    The longest beginning of `spec` that is a folder with an artifact; where there is none, what is written as a path.
    """
    cuts = [match.start() for match in _CUTS.finditer(spec)]
    for cut in reversed(cuts):
        if cut and is_folder(spec[:cut]):
            return spec[:cut], spec[cut:]
    first = spec[: cuts[0]]
    return (first, spec[cuts[0] :]) if "/" in first else None


def is_folder(path: str) -> bool:
    """Whether there is a trained agent in the folder `path`."""
    try:
        return (Path(path) / FILE).is_file()
    except (OSError, ValueError):
        return False


def trained_agent(folder: str, seat: Seat) -> Agent:
    """The agent that the artifact in `folder` makes, for one of the seats it was trained for.

    Raises:
        AgentError: there is none, or it is damaged; or the seat is not its own.
    """
    artifact = _loaded(folder, _stamp(folder))
    return _agent_of(artifact, folder, seat, _policy_of(artifact))


def _agent_of(artifact: Artifact, folder: str, seat: Seat, make_policy: Callable[[], Policy]) -> Agent:
    from poise.agents.concessions import named_concession

    if seat not in artifact.seats:
        own = " or ".join(artifact.seats)
        raise AgentError(f"{folder} is a trained {own}; give it to --{artifact.seats[0]}")
    kind = default_concession(seat)
    adapter = _adapter_of(artifact, folder)
    return Agent(
        name=folder,
        seat=seat,
        make_policy=make_policy,
        make_concession=lambda: named_concession(kind),
        settings={"engine": artifact.engine, "artifact": artifact.digest[:16]}
        | ({"adapter": adapter.key} if adapter else {}),
        summary=f"{artifact.engine}, trained" + (", with an adapter" if adapter else ""),
        adapter=adapter,
        worlds=artifact.worlds,
    )


def packaged(seat: Seat) -> Mapping[str, Callable[[str], Agent]]:
    """Makers of the trained agents that ship with Poise for `seat`, by name."""
    found: dict[str, Callable[[str], Agent]] = {}
    for file in sorted(PACKAGED.glob(f"*/{FILE}")):
        if seat in json.loads(file.read_bytes()).get("seats", CREDITOR_ONLY):
            found[file.parent.name] = partial(_packaged, file.parent.name, seat)
    return found


def _packaged(name: str, seat: Seat, argument: str) -> Agent:
    if argument:
        raise AgentError(f"{name!r} takes no argument, not {argument!r}")
    return _introduced(trained_agent(str(PACKAGED / name), seat))


def listed_agents(seat: Seat) -> list[Agent]:
    """The trained agents that ship with Poise for `seat`, to be listed: their arrays are read when they play."""

    def listed(folder: str) -> Agent:
        artifact = load_artifact(Path(folder), arrays=False)
        return _introduced(_agent_of(artifact, folder, seat, lambda: loaded_policy(folder)[0]()))  # noqa: PLW0108 - read when it plays

    return [listed(str(PACKAGED / name)) for name in packaged(seat)]


def packaged_summary(name: str) -> str:
    """What is said of the agent `name` that ships with Poise."""
    return (PACKAGED / name / ABOUT).read_text("utf-8").partition("\n")[0]


def _introduced(agent: Agent) -> Agent:
    """An agent of a folder that ships with Poise, by its name and with what is said of it there."""
    name = Path(agent.name).name
    return replace(agent, name=name, summary=packaged_summary(name))


def loaded_policy(folder: str) -> tuple[Callable[[], Policy], str]:
    """What makes the policy of the artifact in `folder`, and a digest that tells which it is.

    Raises:
        AgentError: there is none, or it is damaged.
    """
    artifact = _loaded(folder, _stamp(folder))
    return _policy_of(artifact), artifact.digest[:16]


def loaded_adapter(folder: str) -> Adapter:
    """The adapter of the artifact in `folder`.

    Raises:
        AgentError: there is none, or it is damaged.
    """
    adapter = _adapter_of(_loaded(folder, _stamp(folder)), folder)
    if adapter is None:
        raise AgentError(f"{folder} has a policy and no adapter; name the --out folder of a `poise train export`")
    return adapter


def _policy_of(artifact: Artifact) -> Callable[[], Policy]:
    return partial(trained_policy, artifact.engine, artifact.parameters, artifact.arrays)


def _adapter_of(artifact: Artifact, folder: str) -> Adapter | None:
    return Adapter.of(artifact.adapter, (Path(folder) / ADAPTER).resolve()) if artifact.adapter else None


def _stamp(folder: str) -> tuple[int, ...]:
    """Changes when the artifact is written anew, or its adapter changed."""
    stamps = []
    for name in (FILE, ADAPTER):
        try:
            stamps.append((Path(folder) / name).stat().st_mtime_ns)
        except (OSError, ValueError):
            stamps.append(0)
    return tuple(stamps)


@lru_cache(maxsize=32)
def _loaded(folder: str, _written: tuple[int, ...]) -> Artifact:
    artifact = load_artifact(Path(folder))
    trained_policy(artifact.engine, artifact.parameters, artifact.arrays)  # refused here, not in the middle of a match
    return artifact
