"""The folder of a training: its identity, its checkpoint while it runs, and its result in the end.

All kinds of training use a folder in the same way. A checkpoint is one file that is replaced atomically, so that a
killed process leaves the last one behind. A folder that holds another training is refused, with the differences.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

from poise.agents.artifact import FILE, Artifact, load_artifact, save_artifact
from poise.common.errors import StoreError
from poise.common.files import canonical, replace_file
from poise.tournaments.storage.errors import only_run

State = TypeVar("State")
_DAMAGE: Final = (OSError, EOFError, ValueError, KeyError, TypeError, zipfile.BadZipFile)


@dataclass(frozen=True)
class RunFolder:
    """The folder that one training is kept in.

    identity:   JSON data; two trainings with the same identity have the same result.
    checkpoint: the name of the checkpoint's file.
    """

    path: Path
    identity: Mapping[str, Any]
    checkpoint: str

    def hold(self) -> AbstractContextManager[None]:
        """Keep other processes from training here. Raises StoreError where one does already."""
        return only_run(self.path)

    def refuse_other(self, found: Any) -> None:
        """Raise StoreError unless `found` is the identity of this training."""
        now = json.loads(canonical(self.identity))
        if found == now:
            return
        before = found if isinstance(found, dict) else {}
        changed = (
            list(_changed_settings(before["settings"], now["settings"])) if "settings" in before else ["other settings"]
        )
        changed += [f"{part}: not the same" for part in now if part != "settings" and before.get(part) != now[part]]
        raise StoreError(
            f"{self.path} holds another training ({'; '.join(changed)}); choose another folder with --out, or repeat "
            "that training's command"
        )

    def read_checkpoint(self, decode: Callable[[bytes], tuple[Any, State]]) -> State | None:
        """The state of the last checkpoint, None where there is none.

        decode: gives the identity and the state from the file's content; it raises an error on a damaged one.

        Raises:
            StoreError: the checkpoint belongs to another training, or is damaged.
        """
        path = self.path / self.checkpoint
        try:
            identity, state = decode(path.read_bytes())
        except FileNotFoundError:
            return None
        except _DAMAGE as error:
            raise StoreError(
                f"{path} is damaged ({error}); delete it to begin again, or choose another folder with --out"
            ) from None
        self.refuse_other(identity)
        return state

    def write_checkpoint(self, content: bytes) -> None:
        """Replace the checkpoint. Raises StoreError where it cannot be written.

        It is written every few seconds and therefore not synchronised with the disk: after a power failure its digest
        shows the damage.
        """
        replace_file(self.path / self.checkpoint, content, durable=False)

    def artifact(self) -> Artifact | None:
        """The artifact of this training, None before it is finished. Raises StoreError for another training's."""
        if not (self.path / FILE).exists():
            return None
        artifact = load_artifact(self.path)
        self.refuse_other(artifact.provenance.get("identity"))
        return artifact

    def finish(self, artifact: Artifact) -> Artifact:
        """Write the artifact, and delete the checkpoint."""
        save_artifact(artifact, self.path)
        self.clear()
        return load_artifact(self.path)

    def clear(self, *leftovers: str) -> None:
        """Delete the checkpoint, and other files that only resuming needs."""
        for name in (self.checkpoint, *leftovers):
            (self.path / name).unlink(missing_ok=True)


def _changed_settings(before: Any, now: Mapping[str, Any], within: str = "") -> Iterator[str]:
    before = before if isinstance(before, dict) else {}
    for name, value in now.items():
        if isinstance(value, dict):
            yield from _changed_settings(before.get(name), value, f"{within}{name}.")
        elif before.get(name) != value:
            yield f"{within}{name} was {before.get(name)!r}, now {value!r}"
