"""Artifacts: what training leaves behind, and what `--creditor PATH` plays.

A folder with `artifact.json`, where parameters are large arrays `arrays.npz`, and where a language model was tuned
`adapter.gguf`; no pickle anywhere.

    format      1, and 2 where it has an adapter or seats
    engine      what plays it, see `poise.agents.policies`
    parameters  JSON data of the engine
    arrays      the SHA-256 of arrays.npz, or null
    settings    how it was trained
    provenance  against whom, on what, from which seed, with which versions, by which command
    scores      how it did at the end of training
    adapter     how it words its moves: see `poise.agents.models.adapters`; absent without one
    seats       the seats it was trained for; absent where that is the creditor's alone
    digest      the SHA-256 of all of the above as canonical JSON

Every file is written beside its place and renamed into it, artifact.json last: a folder without it was never finished.
What does not match its digest is refused.
"""

from __future__ import annotations

import hashlib
import io
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from poise.common.errors import AgentError
from poise.common.files import DAMAGED
from poise.games.moves import SEATS, Seat

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
from poise.common.files import digest_of, replace_file, sha256_of

FORMAT: Final = 1
FORMAT_WITH_PARTS: Final = 2
FILE: Final = "artifact.json"
ARRAYS: Final = "arrays.npz"
ADAPTER: Final = "adapter.gguf"
CREDITOR_ONLY: Final[tuple[Seat, ...]] = ("creditor",)
_PARTS: Final = ("format", "engine", "parameters", "arrays", "settings", "provenance", "scores")
_OPTIONAL: Final = ("adapter", "seats")
_REMEDY: Final = "restore it from a copy, or train it again"


@dataclass(frozen=True)
class Artifact:
    """A trained agent as data; the fields are those of the module's head."""

    engine: str
    parameters: Mapping[str, Any]
    arrays: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    provenance: Mapping[str, Any] = field(default_factory=dict)
    scores: Mapping[str, Any] = field(default_factory=dict)
    digest: str = ""
    adapter: Mapping[str, Any] | None = None
    seats: tuple[Seat, ...] = CREDITOR_ONLY

    @property
    def worlds(self) -> frozenset[str]:
        """The digests of the simulated worlds whose debtors it was trained on, as far as its provenance has them."""
        debtors = self.provenance.get("field", {}).get("debtors", ())
        played = {one["settings"]["world"]["digest"] for one in debtors if "world" in one.get("settings", {})}
        return frozenset(played).union(
            *(source.get("worlds", ()) for source in self.provenance.get("data", {}).get("sources") or ())
        )


def save_artifact(artifact: Artifact, folder: Path) -> str:
    """Write `artifact` into `folder`, whole or not at all, and give its digest.

    The adapter's own file is there already: it is written first, by whoever made it.

    Raises:
        StoreError: the folder cannot be written.
    """
    packed = _pack(artifact.arrays) if artifact.arrays else None
    extra: dict[str, Any] = {"adapter": dict(artifact.adapter)} if artifact.adapter else {}
    extra |= {"seats": list(artifact.seats)} if artifact.seats != CREDITOR_ONLY else {}
    data: dict[str, Any] = {
        "format": FORMAT_WITH_PARTS if extra else FORMAT,
        "engine": artifact.engine,
        "parameters": artifact.parameters,
        "arrays": hashlib.sha256(packed).hexdigest() if packed else None,
        "settings": artifact.settings,
        "provenance": artifact.provenance,
        "scores": artifact.scores,
        **extra,
    }
    data["digest"] = digest_of(data)
    if packed:
        replace_file(folder / ARRAYS, packed)
    replace_file(folder / FILE, json.dumps(data, indent=1, sort_keys=True, allow_nan=False).encode() + b"\n")
    return str(data["digest"])


def load_artifact(folder: Path, *, arrays: bool = True) -> Artifact:
    """The artifact in `folder`. arrays: read them, too; without, it can be described and not played.

    Raises:
        AgentError: there is none, it is damaged, or it was written by another Poise.
    """
    data = _read(folder)
    if data.get("format") not in (FORMAT, FORMAT_WITH_PARTS):
        raise AgentError(
            f"{folder}: artifact format {data.get('format')!r}; this Poise reads formats {FORMAT} and "
            f"{FORMAT_WITH_PARTS}: use the Poise that wrote it, or train it again"
        )
    if missing := [part for part in (*_PARTS, "digest") if part not in data]:
        raise AgentError(f"{folder / FILE}: {missing[0]!r} is missing; {_REMEDY}")
    parts = (*_PARTS, *(part for part in _OPTIONAL if part in data))
    if digest_of({part: data[part] for part in parts}) != data["digest"]:
        raise AgentError(f"{folder / FILE} is not what was written: its digest differs; {_REMEDY}")
    unpacked = _unpack(folder / ARRAYS, data["arrays"]) if data["arrays"] and arrays else {}
    kept = {part: data[part] for part in _PARTS if part not in ("format", "arrays")}
    adapter = _checked_adapter(folder, data["adapter"]) if "adapter" in data else None
    listed = data.get("seats")
    seats = tuple(seat for seat in SEATS if isinstance(listed, list) and seat in listed) or CREDITOR_ONLY
    return Artifact(arrays=unpacked, digest=data["digest"], adapter=adapter, seats=seats, **kept)


def _checked_adapter(folder: Path, adapter: Any) -> Mapping[str, Any]:
    """What artifact.json says of the adapter, once the file beside it is known to be that one."""
    path = folder / ADAPTER
    try:
        if sha256_of(path) != adapter["sha256"]:
            raise ValueError("its digest differs")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise AgentError(
            f"{path} is damaged or missing ({error}); restore it from a copy, or export it again"
        ) from None
    return dict(adapter)


def _read(folder: Path) -> dict[str, Any]:
    try:
        data = json.loads((folder / FILE).read_bytes())
    except FileNotFoundError:
        if any(folder.glob("checkpoint.*")):
            problem = "its training was not finished; repeat the command that began it, and it goes on"
        else:
            problem = f"no {FILE} in it; name the --out folder of a finished `poise train`"
        raise AgentError(f"{folder} is no trained agent: {problem}") from None
    except OSError as error:
        raise AgentError(f"{folder / FILE} cannot be read ({error.strerror}); check the path and permissions") from None
    except (ValueError, RecursionError) as error:
        raise AgentError(f"{folder / FILE} is damaged ({error}); {_REMEDY}") from None
    if not isinstance(data, dict):
        raise AgentError(f"{folder / FILE} is damaged (no object); {_REMEDY}")
    return data


def _pack(arrays: Mapping[str, NDArray[np.float64]]) -> bytes:
    import numpy as np

    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)  # type: ignore[arg-type]  # the stubs take the names for other parameters
    return buffer.getvalue()


def _unpack(path: Path, digest: str) -> dict[str, NDArray[np.float64]]:
    import numpy as np

    try:
        content = path.read_bytes()
        if hashlib.sha256(content).hexdigest() != digest:
            raise ValueError("its digest differs")
        with np.load(io.BytesIO(content), allow_pickle=False) as archive:
            arrays = {name: archive[name].astype(np.float64) for name in archive.files}
    except DAMAGED as error:
        raise AgentError(f"{path} is damaged or missing ({error}); {_REMEDY}") from None
    if not all(math.isfinite(float(np.abs(array).max(initial=0.0))) for array in arrays.values()):
        raise AgentError(f"{path} holds numbers that are not finite; train it again")
    return arrays
