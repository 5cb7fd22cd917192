"""Where a tournament comes from, as its store and every exported file tell it: versions, machine, prompts, models.

machine   its class: architecture, system, CPUs. Never a name, an address or a user.
packages  versions of what play rests on.
prompts   the files that models are told with: of each its SHA-256, and one digest over all; None where no model is
asked. Two runs with the same digest were told the same, but for what is filled in.
models    by URI the digest of the weights: the embedded file's SHA-256, or what Ollama calls its digest; None where
a server does not say.
"""

from __future__ import annotations

import hashlib
import os
import platform
from collections.abc import Iterable, Iterator
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final

from poise.agents.models.models import model_digest
from poise.tournaments.config import TournamentConfig
from poise.tournaments.schedule import Schedule

_PACKAGES: Final = ("langgraph", "langchain-core", "numpy", "open_spiel", "scikit-learn", "scipy", "xllamacpp")
_TOLD_BY: Final = ("directions.toml", "emotions.toml")


def origin(config: TournamentConfig, schedule: Schedule) -> dict[str, Any]:
    """Everything of this module about a tournament that begins now, and the folder that it was begun in."""
    from poise import __version__

    return {
        "poise": __version__,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "folder": str(Path.cwd()),
        "began": datetime.now().astimezone().isoformat(timespec="seconds"),
        "packages": dict(_versions(_PACKAGES)),
        "machine": machine_class(),
        "prompts": prompts(schedule),
        "models": {
            uri: model_digest(uri, config.model_options) for uri in sorted({model.uri for model in schedule.asked})
        },
    }


def machine_class() -> dict[str, Any]:
    """What kind of machine this is."""
    return {"architecture": platform.machine(), "system": platform.system(), "cpus": os.cpu_count()}


def _versions(packages: Iterable[str]) -> Iterator[tuple[str, str]]:
    for package in packages:
        try:
            yield package, version(package)
        except PackageNotFoundError:
            continue


def prompts(schedule: Schedule) -> dict[str, Any] | None:
    """The files of the prompts that this tournament's models are told with (see the module)."""
    files = {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in _prompt_files(schedule).items()}
    if not files:
        return None
    listed = "".join(f"{name} {digest}\n" for name, digest in sorted(files.items()))
    return {"digest": hashlib.sha256(listed.encode()).hexdigest(), "files": files}


def _prompt_files(schedule: Schedule) -> dict[str, Path]:
    from poise.agents.voices.prompts import FOLDER
    from poise.games.domains import domain_file

    files: dict[str, Path] = {}
    roles = {model.role for model in schedule.asked}
    if "voice" in roles:
        files = {name: FOLDER / name for name in _TOLD_BY}
        for domain in {scenario.domain for scenario in schedule.scenarios}:
            files[f"{domain}.toml"] = domain_file(domain, "prompt.toml") or FOLDER / f"{domain}.toml"
    if "judge" in roles:
        files["judge.toml"] = FOLDER / "judge.toml"
    if "detector" in roles:
        from poise.agents.emotions.llm_detector import PROMPT_FILE

        files["detector.toml"] = PROMPT_FILE
    return {name: path for name, path in files.items() if path.is_file()}
