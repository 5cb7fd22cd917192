"""Whether two names are one agent: what decides how it plays, apart from what it is called.

The names `mine.py`, `./mine.py` and `mine.py:mine` can be one agent, and so can `vanilla` and
`vanilla,concession=linear`, whose setting is spelled out and changes nothing.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from multiprocessing.reduction import ForkingPickler
from typing import Any, Final

from poise.agents.agent import Agent, default_concession
from poise.common.files import digest_of

_PLAYED: Final = ("model", "offers", "conduct", "privileged", "human")


def identities(agent: Agent | None, declared: Mapping[str, Any]) -> tuple[str, ...]:
    """Two agents of a seat that share any of these are the same.

    agent: None where only what it declared (`Agent.declared_in`) is known.
    """
    own = _declared_identity(declared)
    if agent is None:
        return (own,)
    played = {name: declared[name] for name in _PLAYED if name in declared}
    played["model"] = _model_name(str(played.get("model", "")))
    played["detector"] = declared.get("settings", {}).get("detector", "")
    parts = (played, agent.make_policy(), agent.make_concession(), agent.persona, agent.adapter, agent.make_graph)
    try:
        return own, digest_of(_packed(parts).hex())
    except Exception:  # noqa: BLE001 - a custom policy that cannot be packed is known by what it declares
        return (own,)


def _declared_identity(declared: Mapping[str, Any]) -> str:
    """What was declared, without settings that only spell out what holds anyway."""
    usual = {"concession": default_concession(declared["seat"])} if declared.get("seat") else {}
    usual |= {name: declared[name] for name in ("offers", "conduct") if name in declared}
    settings = {
        name: value for name, value in declared.get("settings", {}).items() if name not in usual or value != usual[name]
    }
    name = str(declared.get("name", "")).partition(",")[0]
    kept = {key: value for key, value in declared.items() if key not in ("name", "settings")}
    return digest_of({**kept, "name": name, "settings": settings, "model": _model_name(str(kept.get("model", "")))})


def _model_name(uri: str) -> str:
    """A model's address; Ollama calls a model without a tag `:latest`."""
    return f"{uri}:latest" if uri.startswith("ollama:") and uri.count(":") == 1 else uri


def _packed(parts: Any) -> bytes:
    """Bytes that are equal for parts of equal classes and values; nothing ever reads them back."""
    out = io.BytesIO()
    pickler = ForkingPickler(out)
    pickler.fast = True  # else it matters whether equal texts are one object
    pickler.dump(parts)
    return out.getvalue()
