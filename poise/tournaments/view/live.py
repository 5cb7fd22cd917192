"""The progress of a tournament, seen from outside the run: whether it runs, its pace, and the time left."""

from __future__ import annotations

from collections import deque
from datetime import datetime
from pathlib import Path
from threading import Lock
from time import monotonic
from typing import Any, Final

from poise.common.words import duration
from poise.tournaments.storage.errors import LOCK
from poise.tournaments.view.library import ViewedRun

_WINDOW: Final = 120.0  # seconds over which the pace is measured, where they hold enough matches
_ENOUGH: Final = 8  # changes of the count that a pace is measured over, at least


def is_running(folder: Path) -> bool:
    """Whether a run holds the folder's lock. The check is quick and writes nothing."""
    try:
        import fcntl
    except ImportError:  # no POSIX locks here: only growth shows it
        return False
    try:
        with (folder / LOCK).open("rb") as held:
            fcntl.flock(held, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


class RunPace:
    """Matches a second, measured by the times at which the count grew."""

    def __init__(self) -> None:
        self._seen: deque[tuple[float, int]] = deque()
        self._lock = Lock()

    def see(self, count: int, now: float) -> None:
        """Note that `count` matches are finished at `now` (seconds, any origin)."""
        with self._lock:
            if self._seen and count < self._seen[-1][1]:
                self._seen.clear()  # started again in the same folder
            if not self._seen or count > self._seen[-1][1]:
                self._seen.append((now, count))
            while len(self._seen) > _ENOUGH and now - self._seen[0][0] > _WINDOW:
                self._seen.popleft()

    def left(self, total: int, now: float) -> float | None:
        """Seconds until `total`; None before the count was seen to grow twice."""
        with self._lock:
            if len(self._seen) < 2:
                return None
            (began, first), (last, count) = self._seen[0], self._seen[-1]
        pace = (count - first) / (last - began) if last > began else None
        return None if not pace else max(0.0, (total - count) / pace - (now - last))


class Watcher:
    """The state of each run, as its page requests it."""

    def __init__(self) -> None:
        self._paces: dict[Path, RunPace] = {}

    def state(self, run: ViewedRun) -> dict[str, Any]:
        """Plain data for the page: counts, a word for the state, and the time left.

        Matches are counted in the snapshot that all else on the page is drawn from: a page that hears of more, and
        then asks for them, must not be given fewer.
        """
        running = is_running(run.folder)
        snapshot = run.snapshot(fresh=not running)  # its last matches, once it has ended
        count, header = len(snapshot.rows), snapshot.header
        now = monotonic()
        pace = self._paces.setdefault(run.folder, RunPace())
        pace.see(count, now)
        state = "running" if running else "finished" if count >= header.total else "stopped"
        left = None
        if running and count < header.total:
            left = pace.left(header.total, now)
            if left is None:
                left = _since_it_began(str(header.provenance.get("began", "")), count, header.total)
        words = "" if left is None else f"about {duration(left)} left"
        return {"id": header.id, "state": state, "finished": count, "total": header.total, "left": words}


def _since_it_began(began: str, count: int, total: int) -> float | None:
    """Seconds left at the mean pace since the start; only a first guess, and only for a run that was never stopped."""
    try:
        start = datetime.fromisoformat(began)
    except ValueError:
        return None
    spent = (datetime.now(start.tzinfo) - start).total_seconds()
    return spent / count * (total - count) if count and spent > 0 else None
