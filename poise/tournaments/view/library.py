"""The tournaments that the viewer shows: found under one folder, read-only, read anew when they have grown."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Lock, RLock
from time import monotonic
from typing import TYPE_CHECKING, Any, Final

from poise.common.errors import StoreError
from poise.games.transcript import Transcript
from poise.tournaments.storage.rows import Row, from_json
from poise.tournaments.storage.schema import FILE
from poise.tournaments.storage.store import Header, Store, exists

if TYPE_CHECKING:
    from poise.games.scenario import Scenario

_REST: Final = 20.0  # a snapshot is kept this many times as long as it took to make, so that reading never fills a core
_KEPT: Final = 64  # derived values a snapshot holds at most


class Missing(StoreError):
    """There is no such tournament or match."""


class Snapshot:
    """A tournament as it was at one moment.

    scenarios: by place. labels: of each seat, in the order of the rows' indices.
    """

    def __init__(self, header: Header, rows: list[Row], scenarios: tuple[Scenario, ...]) -> None:
        self.header = header
        self.rows = rows
        self.scenarios = scenarios
        self.creditors = [str(entrant["label"]) for entrant in header.creditors]
        self.debtors = [str(entrant["label"]) for entrant in header.debtors]
        self.place = {row.position: at for at, row in enumerate(rows)}
        self._derived: dict[Any, Any] = {}
        self._lock = RLock()  # what is derived may be made of what is derived

    def row(self, position: int) -> Row:
        """The row of the match at `position`; Missing where it is not finished."""
        if position not in self.place:
            raise Missing(f"match {position} is not among the {len(self.rows)} finished matches of this tournament")
        return self.rows[self.place[position]]

    def derived(self, key: Any, make: Callable[[], Any]) -> Any:
        """What `make` gives, made once for this snapshot."""
        with self._lock:
            if key not in self._derived:
                if len(self._derived) >= _KEPT:
                    self._derived.clear()
                self._derived[key] = make()
            return self._derived[key]


@dataclass(frozen=True, slots=True)
class Told:
    """One finished match: its row, transcript and cost."""

    row: Row
    transcript: Transcript
    usage: dict[str, Any]


Stamp = tuple[tuple[int, int], ...]


def _stamp(folder: Path) -> Stamp:
    """What changes whenever the store does: times and sizes of its file and of the write-ahead file beside it."""
    found = []
    for name in (FILE, f"{FILE}-wal"):
        with suppress(OSError):
            told = (folder / name).stat()
            found.append((told.st_mtime_ns, told.st_size))
    return tuple(found)


class ViewedRun:
    """One tournament's folder. Every reading opens the store and closes it, so that nothing holds up who writes it."""

    def __init__(self, name: str, folder: Path) -> None:
        self.name = name
        self.folder = folder
        self._lock = Lock()
        self._stamp: Stamp = ()
        self._seen: tuple[str, int] | None = None
        self._snapshot: Snapshot | None = None
        self._until = 0.0

    def count(self) -> int:
        """How many matches are finished now."""
        if self._snapshot is not None and _stamp(self.folder) == self._stamp:
            return len(self._snapshot.rows)
        with Store.read(self.folder) as store:
            return store.count()

    def snapshot(self) -> Snapshot:
        """The tournament now, or a moment ago where reading it takes long and it grows."""
        with self._lock:
            stamp = _stamp(self.folder)
            if self._snapshot is not None and (stamp == self._stamp or monotonic() < self._until):
                return self._snapshot
            began = monotonic()
            with Store.read(self.folder) as store:
                header = store.header()
                seen = header.id, store.count()
                if self._snapshot is None or seen != self._seen:
                    self._snapshot = Snapshot(header, store.rows(), store.scenarios())
                    self._seen = seen
                    self._until = monotonic() + min(5.0, _REST * (monotonic() - began))
                self._stamp = stamp
            return self._snapshot

    def told(self, position: int) -> Told:
        """The match at `position`, whole."""
        row = self.row(position)
        with Store.read(self.folder) as store:
            found = next(store.documents([position]), None)
        if found is None:
            raise Missing(f"match {position} has no transcript in {self.name}")
        _, transcript, usage = found
        what = f"the transcript of match {position}"
        return Told(row, Transcript.from_dict(from_json(transcript, what)), from_json(usage, what))

    def raw(self, position: int) -> bytes:
        """The transcript of the match at `position`, as JSON, just as it is stored."""
        with Store.read(self.folder) as store:
            for _, transcript, _ in store.documents([position]):
                return transcript
        raise Missing(f"there is no finished match {position} in {self.name}")

    def row(self, position: int) -> Row:
        """The row of the match at `position`, also where the snapshot is a moment old."""
        if position not in self.snapshot().place:
            with self._lock:
                self._until = 0.0
        return self.snapshot().row(position)


class Library:
    """The tournaments by name; names come from the folders, and nothing in a request is ever made into a path."""

    def __init__(self, folders: Sequence[Path | str]) -> None:
        self._folders = [Path(folder) for folder in folders]
        self._added: list[Path] = []
        self._runs: dict[str, ViewedRun] = {}
        self._lock = Lock()
        if not self.runs():
            listed = ", ".join(map(str, self._folders))
            raise StoreError(f"there is no tournament in {listed} (no {FILE}); see `poise tournament run --help`")

    def runs(self) -> dict[str, ViewedRun]:
        """Every tournament that is there now, by name."""
        with self._lock:
            found = [path for folder in self._folders for path in _tournaments(folder)]
            found += [path for path in self._added if path not in found and exists(path)]
            runs: dict[str, ViewedRun] = {}
            for path in found:
                name = _unique(path.name or "tournament", runs)
                known = self._runs.get(name)
                runs[name] = known if known is not None and known.folder == path else ViewedRun(name, path)
            self._runs = runs
            return dict(runs)

    def add(self, folder: Path) -> None:
        """Show the tournament in `folder` as well, after all others."""
        with self._lock:
            self._added.append(folder.resolve())

    def at(self, folder: Path) -> ViewedRun | None:
        """The tournament in `folder`, where it is shown here."""
        return next((run for run in self.runs().values() if run.folder == folder.resolve()), None)

    def known(self) -> dict[str, ViewedRun]:
        """Those found when it was last looked."""
        return self._runs

    def run(self, name: str) -> ViewedRun:
        """The tournament of that name; Missing where there is none."""
        run = self._runs.get(name) or self.runs().get(name)
        if run is None:
            raise Missing(f"there is no tournament called {name!r} here; the start page lists those there are")
        return run


def _unique(name: str, taken: dict[str, ViewedRun]) -> str:
    number = 2
    wanted = name
    while name in taken:
        name, number = f"{wanted} ({number})", number + 1
    return name


def _tournaments(folder: Path) -> list[Path]:
    """`folder` itself where it holds a tournament, else those right below it; none that a link leads out of it."""
    root = folder.resolve()
    if not root.is_dir():
        raise StoreError(f"{folder} is not a folder; name a tournament's folder, or the one that holds several")
    if (root / FILE).is_file():
        return [root] if _inside(root / FILE, root) else []
    return sorted(path.parent for path in root.glob(f"*/{FILE}") if _inside(path, root) and exists(path.parent))


def _inside(path: Path, root: Path) -> bool:
    return path.resolve().is_relative_to(root)
