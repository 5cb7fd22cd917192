"""A person's negotiations in the browser: each step runs in a thread and is saved by checkpoints.

Between two steps, only what the page shows is kept in memory: a step opens the folder as `poise play --resume` does,
and closes it. So the terminal can resume what was left in the browser, a killed viewer loses nothing, and no request
waits for a slow model.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from threading import Event, Lock, Thread
from typing import Final

from poise.common.errors import PoiseError, StoreError
from poise.games.scenario import Scenario
from poise.graphs.human.graph import PERSON
from poise.tournaments.config import TournamentConfig
from poise.tournaments.human.match import HOME, TALKS, HumanMatch, left, own_folder
from poise.tournaments.human.steps import HumanMatchEnd, Scene, answer, finish_match, go_on
from poise.tournaments.storage.schema import FILE
from poise.tournaments.storage.store import Store, exists
from poise.tournaments.view.library import Missing

_PATIENCE: Final = 1.0  # seconds that a response waits for a quick opponent, before the page shows that it is thinking
_LISTED: Final = 20  # finished negotiations that are listed, at most
_WENT_ON: Final = "The negotiation has moved on, so this was not sent; read the latest message first."

Open = Callable[[], AbstractContextManager[HumanMatch]]


@dataclass
class SeatSession:
    """A negotiation that was opened in this process, as of its last step.

    pending: words that were sent and not yet answered. draft: what was typed but not accepted. said: a note on the last
    step, for the page.
    """

    name: str
    folder: Path
    scene: Scene | None = None
    ended: HumanMatchEnd | None = None
    said: str = ""
    draft: str = ""
    pending: str = ""
    failed: bool = False
    idle: Event = field(default_factory=Event)

    @property
    def thinking(self) -> bool:
        """Whether a step is under way."""
        return not self.idle.is_set()

    @property
    def stamp(self) -> str:
        """Identifies the question shown, so that an answer to an earlier question is not taken for its answer."""
        return stamp_of(self.scene)


def stamp_of(scene: Scene | None) -> str:
    """The identifier of a question; it is the same in every process."""
    if scene is None:
        return ""
    told = f"{scene.index}\n{scene.asks}\n{scene.text}\n{scene.problem}"
    return hashlib.sha256(told.encode("utf-8", "replace")).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Kept:
    """A negotiation on disk: the opponent, the scenario, and when it began."""

    name: str
    folder: Path
    seat: str
    opponent: str
    scenario: str
    began: str


class Seats:
    """The negotiations under runs/play. A name in a request is looked up in the list and never becomes a path."""

    def __init__(self, ended: Callable[[Path], None] = lambda _: None) -> None:
        self._sessions: dict[str, SeatSession] = {}
        self._lock = Lock()
        self._ended = ended

    def begin(self, config: TournamentConfig, scenario: Scenario) -> SeatSession:
        """Start a negotiation."""
        with self._lock:
            folder = _free(own_folder(), self._sessions)
            session = self._sessions[folder.name] = SeatSession(folder.name, folder)
        self._step(session, lambda: HumanMatch.start(config, scenario, folder), None)
        return session

    def come_back(self, name: str) -> SeatSession:
        """Resume a negotiation that was left, or retry a step that failed."""
        if (known := self._over(name)) is not None:
            return known
        folder = self._left(name)
        with self._lock:
            session = self._sessions.setdefault(name, _at_rest(name, folder))
            if session.thinking:
                return session
            session.idle.clear()
        self._step(session, lambda: HumanMatch.resume(folder), None)
        return session

    def answer(self, name: str, stamp: str, words: str) -> SeatSession:
        """Answer the question that `stamp` identifies; if it is not the current one, nothing is sent."""
        if (known := self._over(name)) is not None:
            return known
        folder = self._left(name)
        with self._lock:
            session = self._sessions.setdefault(name, _at_rest(name, folder))
            if session.thinking or (session.scene is not None and session.stamp != stamp):
                session.said = _WENT_ON
                session.draft = words if not session.thinking else session.draft
                return session
            session.idle.clear()
        self._step(session, lambda: HumanMatch.resume(folder), (stamp, words))
        return session

    def session(self, name: str) -> SeatSession | None:
        """The negotiation of that name, where it was opened in this process."""
        return self._sessions.get(name)

    def open(self) -> list[Kept]:
        """Unfinished negotiations, the most recent first."""
        return _played(folder for folder in left() if exists(folder))

    def over(self) -> list[Kept]:
        """The latest finished negotiations."""
        found = sorted((path.parent for path in HOME.glob(f"*/{FILE}")), reverse=True)
        return _played(islice((folder for folder in found if not (folder / TALKS).exists()), _LISTED))

    def ending(self, name: str) -> tuple[Path, HumanMatchEnd]:
        """The outcome of a finished negotiation. Raises Missing where there is none of that name."""
        folder = next((path.parent for path in HOME.glob(f"*/{FILE}") if path.parent.name == name), None)
        if folder is not None and _inside(folder):
            with Store.read(folder) as store:
                for transcript in store.transcripts():
                    return folder, HumanMatchEnd.of(transcript)
        raise _no_negotiation(name)

    def forget(self, session: SeatSession) -> None:
        """Discard a negotiation that never started."""
        self._sessions.pop(session.name, None)

    def _over(self, name: str) -> SeatSession | None:
        session = self._sessions.get(name)
        return session if session is not None and session.ended is not None else None

    def _left(self, name: str) -> Path:
        for folder in left():
            if folder.name == name and _inside(folder):
                return folder
        raise _no_negotiation(name)

    def _step(self, session: SeatSession, opened: Open, given: tuple[str, str] | None) -> None:
        """Run one step in a thread, and wait briefly for it."""
        session.said, session.failed, session.pending = "", False, ""
        confirms = session.scene is not None and session.scene.asks == "confirm"
        if given is not None and confirms and given[1] == "yes" and session.scene is not None:
            session.pending = session.scene.text
        Thread(target=self._work, args=(session, opened, given), name="poise-seat", daemon=True).start()
        session.idle.wait(_PATIENCE)

    def _work(self, session: SeatSession, opened: Open, given: tuple[str, str] | None) -> None:
        try:
            self._take(session, opened, given)
        except PoiseError as error:
            _fail(session, given, str(error))
        except Exception as error:  # noqa: BLE001 - a fault of an agent or of Poise: the page must say so, not wait
            _fail(session, given, f"{type(error).__name__}: {error}. This is a fault in Poise or in the agent.")
        finally:
            session.pending = ""
            session.idle.set()

    def _take(self, session: SeatSession, opened: Open, given: tuple[str, str] | None) -> None:
        ended = None
        before = session.scene
        with opened() as match:
            scene = go_on(match)
            if given is not None and stamp_of(scene) == given[0]:
                scene = answer(match, given[1])
                session.draft = given[1] if scene.problem else before.text if before and given[1] == "no" else ""
            elif given is not None:
                session.said, session.draft = _WENT_ON, given[1]
            elif before is not None and len(scene.lines) > len(before.lines):
                session.draft = ""
            if not scene.asks:
                ended = finish_match(match)
        session.scene, session.ended = scene, ended
        if ended is not None:
            self._ended(session.folder)


def _fail(session: SeatSession, given: tuple[str, str] | None, words: str) -> None:
    session.said, session.failed = words, True
    if given is not None and given[1] not in ("yes", "no"):
        session.draft = given[1]


def _at_rest(name: str, folder: Path) -> SeatSession:
    session = SeatSession(name, folder)
    session.idle.set()
    return session


def _free(folder: Path, taken: dict[str, SeatSession]) -> Path:
    """`folder`, or a numbered one beside it where another negotiation began in the same second."""
    wanted, number = folder, 2
    while folder.name in taken or folder.exists():
        folder, number = wanted.with_name(f"{wanted.name}-{number}"), number + 1
    return folder


def _inside(folder: Path) -> bool:
    """Whether the folder is really under runs/play, and not elsewhere through a link."""
    return (folder / FILE).resolve().is_relative_to(HOME.resolve())


def _played(folders: Iterable[Path]) -> list[Kept]:
    """The matches that a person played in `folders`. An unreadable store is left out; its own commands say why."""
    found = []
    for folder in folders:
        with suppress(StoreError):
            if _inside(folder) and (kept := _kept(folder)):
                found.append(kept)
    return found


def _kept(folder: Path) -> Kept | None:
    with Store.read(folder) as store:
        header, scenario = store.header(), store.scenarios()[0]
    names = header.config["creditors"][0], header.config["debtors"][0]
    if PERSON not in names:
        return None
    seat, opponent = ("creditor", names[1]) if names[0] == PERSON else ("debtor", names[0])
    began = str(header.provenance.get("began", ""))[:16].replace("T", " ")
    return Kept(folder.name, folder, seat, opponent, f"{scenario.domain}: {scenario.id}", began)


def _no_negotiation(name: str) -> Missing:
    return Missing(f"there is no negotiation called {name!r} under {HOME}; the page Take a seat lists them")
