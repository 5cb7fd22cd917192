"""Trained agents: artifacts as agents, by the path of their folder."""

from __future__ import annotations

import re
from functools import lru_cache, partial
from pathlib import Path

from poise.agents.learning.artifact import FILE, Artifact, load
from poise.agents.policies.trained import trained_policy
from poise.agents.registry import Agent, default_concession
from poise.games.errors import AgentError
from poise.games.moves import Seat

_CUTS = re.compile(r"[,@]|$")


def split_folder(spec: str) -> tuple[str, str] | None:
    """(folder, rest) where `spec` names an artifact's folder, else None; `rest` is its settings and model.

    The longest beginning of `spec` that is a folder with an artifact; where there is none, what is written as a path.
    """
    cuts = [match.start() for match in _CUTS.finditer(spec)]
    for cut in reversed(cuts):
        if cut and _has_artifact(spec[:cut]):
            return spec[:cut], spec[cut:]
    first = spec[: cuts[0]]
    return (first, spec[cuts[0] :]) if "/" in first else None


def _has_artifact(path: str) -> bool:
    try:
        return (Path(path) / FILE).is_file()
    except (OSError, ValueError):
        return False


def trained_agent(folder: str, seat: Seat) -> Agent:
    """The agent that the artifact in `folder` makes; it is the creditor's.

    Raises:
        AgentError: there is none, or it is damaged; or the seat is not its own.
    """
    from poise.agents.concessions import named_concession

    artifact = _loaded(folder, _stamp(folder))
    if seat != "creditor":
        raise AgentError(f"{folder} is a trained creditor; give it to --creditor")
    kind = default_concession(seat)
    return Agent(
        name=folder,
        seat=seat,
        make_policy=partial(trained_policy, artifact.engine, artifact.parameters, artifact.arrays),
        make_concession=lambda: named_concession(kind),
        settings={"engine": artifact.engine, "artifact": artifact.digest[:16]},
        summary=f"{artifact.engine}, trained",
    )


def _stamp(folder: str) -> int:
    """Changes when the artifact is written anew."""
    try:
        return (Path(folder) / FILE).stat().st_mtime_ns
    except (OSError, ValueError):
        return 0


@lru_cache(maxsize=32)
def _loaded(folder: str, _written: int) -> Artifact:
    artifact = load(Path(folder))
    trained_policy(artifact.engine, artifact.parameters, artifact.arrays)  # refused here, not in the middle of a match
    return artifact
