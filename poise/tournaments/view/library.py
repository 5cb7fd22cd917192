"""The tournaments that the viewer shows: found under one folder, read-only, and re-read when they have grown."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Lock
from time import monotonic
from typing import Any, Final

from poise.common.errors import PoiseError, StoreError
from poise.games.transcript import Transcript
from poise.graphs.drawing.outline import GraphOutline
from poise.tournaments.storage.rows import Row, from_json, transcript_from
from poise.tournaments.storage.schema import FILE
from poise.tournaments.storage.snapshot import Snapshot
from poise.tournaments.storage.store import Store, exists

# A snapshot is kept for this many times the time that reading it took, so that reading never occupies a core.
_REST: Final = 20.0


class Missing(StoreError):
    """There is no such tournament or match."""


@dataclass(frozen=True, slots=True)
class Told:
    """One finished match: its row, transcript and cost."""

    row: Row
    transcript: Transcript
    usage: dict[str, Any]


Stamp = tuple[tuple[int, int], ...]


def _stamp(folder: Path) -> Stamp:
    """Changes whenever the store does: times and sizes of its file and of the write-ahead file beside it."""
    stamp = []
    for name in (FILE, f"{FILE}-wal"):
        with suppress(OSError):
            status = (folder / name).stat()
            stamp.append((status.st_mtime_ns, status.st_size))
    return tuple(stamp)


class ViewedRun:
    """One tournament's folder. Every read opens and closes the store, so that it never blocks the writer."""

    def __init__(self, name: str, folder: Path) -> None:
        self.name = name
        self.folder = folder
        self._lock = Lock()
        self._stamp: Stamp = ()
        self._seen: tuple[str, int] | None = None
        self._snapshot: Snapshot | None = None
        self._until = 0.0

    def snapshot(self, *, fresh: bool = False) -> Snapshot:
        """The tournament now; unless `fresh`, it may be up to 5 s old if it grows and reading takes long."""
        with self._lock:
            stamp = _stamp(self.folder)
            kept = not fresh and monotonic() < self._until
            if self._snapshot is not None and (stamp == self._stamp or kept):
                return self._snapshot
            began = monotonic()
            with Store.read(self.folder) as store:
                seen = store.header().id, store.count()
                if self._snapshot is None or seen != self._seen:
                    self._snapshot = replace(store.snapshot(), folder=self.name)
                    self._seen = seen
                    self._until = monotonic() + min(5.0, _REST * (monotonic() - began))
                self._stamp = stamp
            return self._snapshot

    @property
    def problem(self) -> str:
        """What is wrong with the store; "" if it can be read."""
        try:
            self.snapshot()
        except PoiseError as error:
            return str(error)
        return ""

    def told(self, position: int) -> Told:
        """The match at `position` with its transcript and cost."""
        row = self.row(position)
        with Store.read(self.folder) as store:
            _, transcript, usage = next(store.documents([position]))
        return Told(row, transcript_from(position, transcript), from_json(usage, f"the usage of match {position}"))

    def raw(self, position: int) -> bytes:
        """The transcript of the match at `position`, as JSON, exactly as stored."""
        self.row(position)
        with Store.read(self.folder) as store:
            return next(store.documents([position]))[1]

    def row(self, position: int) -> Row:
        """The row of the match at `position`, even if it finished after the kept snapshot."""
        snapshot = self.snapshot()
        if position not in snapshot.index:
            snapshot = self.snapshot(fresh=True)
        if position not in snapshot.index:
            raise Missing(f"match {position} is not among the {len(snapshot.rows)} finished matches of this tournament")
        return snapshot.rows[snapshot.index[position]]

    def outlines(self, position: int) -> tuple[GraphOutline, GraphOutline]:
        """The recorded graphs of the creditor and the debtor of the match at `position`; none of their code runs."""
        row, header = self.row(position), self.snapshot().header
        return header.outline("creditor", row.creditor), header.outline("debtor", row.debtor)


class Library:
    """The tournaments by name. Names come from the folders; no part of a request becomes a path."""

    def __init__(self, folders: Sequence[Path | str]) -> None:
        self._folders = [Path(folder) for folder in folders]
        self._added: list[Path] = []
        self._runs: dict[str, ViewedRun] = {}
        self._lock = Lock()
        runs = self.runs()
        if not runs:
            listed = ", ".join(map(str, self._folders))
            raise StoreError(f"there is no tournament in {listed} (no {FILE}); see `poise tournament run --help`")
        if all(run.problem for run in runs.values()):
            raise StoreError(next(iter(runs.values())).problem)

    def runs(self) -> dict[str, ViewedRun]:
        """All tournaments present now, by name, including those that cannot be read (see `ViewedRun.problem`)."""
        with self._lock:
            found = [path for folder in self._folders for path in _tournaments(folder)]
            found += [path for path in self._added if path not in found and _is_there(path)]
            runs: dict[str, ViewedRun] = {}
            for path in found:
                name = _unique(path.name or "tournament", runs)
                known = self._runs.get(name)
                runs[name] = known if known is not None and known.folder == path else ViewedRun(name, path)
            self._runs = runs
            return dict(runs)

    def add(self, folder: Path) -> None:
        """Add the tournament in `folder`, after all others."""
        with self._lock:
            self._added.append(folder.resolve())

    def at(self, folder: Path) -> ViewedRun | None:
        """The tournament in `folder`, if the viewer shows it."""
        return next((run for run in self.runs().values() if run.folder == folder.resolve()), None)

    def known(self) -> dict[str, ViewedRun]:
        """The tournaments found by the last search."""
        return self._runs

    def run(self, name: str) -> ViewedRun:
        """The tournament of that name.

        Raises:
            Missing: there is none.
        """
        run = self._runs.get(name) or self.runs().get(name)
        if run is None:
            raise Missing(f"there is no tournament called {name!r} here; the start page lists those that exist")
        return run


def _unique(name: str, taken: dict[str, ViewedRun]) -> str:
    number = 2
    wanted = name
    while name in taken:
        name, number = f"{wanted} ({number})", number + 1
    return name


def _tournaments(folder: Path) -> list[Path]:
    """`folder` itself if it holds a tournament, else its subfolders that do; links out of it are not followed."""
    root = folder.resolve()
    if not root.is_dir():
        raise StoreError(f"{folder} is not a folder; name a tournament's folder, or the one that holds several")
    if (root / FILE).is_file():
        return [root] if _inside(root / FILE, root) else []
    return sorted(path.parent for path in root.glob(f"*/{FILE}") if _inside(path, root) and _is_there(path.parent))


def _is_there(folder: Path) -> bool:
    """Whether `folder` holds a tournament, sound or damaged."""
    try:
        return exists(folder)
    except StoreError:
        return True


def _inside(path: Path, root: Path) -> bool:
    return path.resolve().is_relative_to(root)
