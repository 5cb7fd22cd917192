"""A person's talks in the browser: each step runs in a thread, and all that counts is in the talks' checkpoints.

Nothing is held between two steps but what the page shows: the folder is opened as `poise play --resume` opens it, and
let go of again. So the terminal can go on where the browser was left, a killed viewer loses nothing, and no request
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

_PATIENCE: Final = 1.0  # seconds that an answer waits for a quick other side, before it shows that it thinks
_LISTED: Final = 20  # talks that are over, at most
_GONE_ON: Final = "The talks had gone on meanwhile, so this was not sent; look at them again."

Open = Callable[[], AbstractContextManager[HumanMatch]]


@dataclass
class SeatSession:
    """Talks that somebody in this process sat down to, as last seen.

    pending: words that were sent and not yet answered. draft: what was typed and did not count. said: what has to be
    told about the last step.
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
        """Names the question that is shown, so that no answer is taken for that to another."""
        return stamp_of(self.scene)


def stamp_of(scene: Scene | None) -> str:
    """A question's name: the same question has the same, also in another process."""
    if scene is None:
        return ""
    told = f"{scene.index}\n{scene.asks}\n{scene.text}\n{scene.problem}"
    return hashlib.sha256(told.encode("utf-8", "replace")).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Kept:
    """Talks on disk: who sits across, on what case, and when they began."""

    name: str
    folder: Path
    seat: str
    opponent: str
    scenario: str
    began: str


class Seats:
    """The talks under runs/play. A request names them; a name is looked up in the list, and never made into a path."""

    def __init__(self, ended: Callable[[Path], None] = lambda _: None) -> None:
        self._talks: dict[str, SeatSession] = {}
        self._lock = Lock()
        self._ended = ended

    def begin(self, config: TournamentConfig, scenario: Scenario) -> SeatSession:
        """Sit down to new talks."""
        with self._lock:
            folder = _free(own_folder(), self._talks)
            talk = self._talks[folder.name] = SeatSession(folder.name, folder)
        self._step(talk, lambda: HumanMatch.start(config, scenario, folder), None)
        return talk

    def come_back(self, name: str) -> SeatSession:
        """Go on with talks that were left, or try again what failed."""
        if (known := self._over(name)) is not None:
            return known
        folder = self._left(name)
        with self._lock:
            talk = self._talks.setdefault(name, _at_rest(name, folder))
            if talk.thinking:
                return talk
            talk.idle.clear()
        self._step(talk, lambda: HumanMatch.resume(folder), None)
        return talk

    def answer(self, name: str, stamp: str, words: str) -> SeatSession:
        """Answer the question that `stamp` names; where another is asked by now, nothing is sent, and that is said."""
        if (known := self._over(name)) is not None:
            return known
        folder = self._left(name)
        with self._lock:
            talk = self._talks.setdefault(name, _at_rest(name, folder))
            if talk.thinking or (talk.scene is not None and talk.stamp != stamp):
                talk.said = _GONE_ON
                talk.draft = words if not talk.thinking else talk.draft
                return talk
            talk.idle.clear()
        self._step(talk, lambda: HumanMatch.resume(folder), (stamp, words))
        return talk

    def talk(self, name: str) -> SeatSession | None:
        """The talks of that name that were sat down to in this process."""
        return self._talks.get(name)

    def open(self) -> list[Kept]:
        """Talks that are not over, those left last first."""
        return _played(folder for folder in left() if exists(folder))

    def over(self) -> list[Kept]:
        """The latest talks that are over."""
        found = sorted((path.parent for path in HOME.glob(f"*/{FILE}")), reverse=True)
        return _played(islice((folder for folder in found if not (folder / TALKS).exists()), _LISTED))

    def ending(self, name: str) -> tuple[Path, HumanMatchEnd]:
        """How talks that are over ended. Raises Missing where there are none of that name."""
        folder = next((path.parent for path in HOME.glob(f"*/{FILE}") if path.parent.name == name), None)
        if folder is not None and _inside(folder):
            with Store.read(folder) as store:
                for transcript in store.transcripts():
                    return folder, HumanMatchEnd.of(transcript)
        raise _no_talks(name)

    def forget(self, talk: SeatSession) -> None:
        """Forget talks that never began."""
        self._talks.pop(talk.name, None)

    def _over(self, name: str) -> SeatSession | None:
        talk = self._talks.get(name)
        return talk if talk is not None and talk.ended is not None else None

    def _left(self, name: str) -> Path:
        for folder in left():
            if folder.name == name and _inside(folder):
                return folder
        raise _no_talks(name)

    def _step(self, talk: SeatSession, opened: Open, given: tuple[str, str] | None) -> None:
        """Take one step in a thread, and wait for it a moment."""
        talk.said, talk.failed, talk.pending = "", False, ""
        confirms = talk.scene is not None and talk.scene.asks == "confirm"
        if given is not None and confirms and given[1] == "yes" and talk.scene is not None:
            talk.pending = talk.scene.text
        Thread(target=self._work, args=(talk, opened, given), name="poise-seat", daemon=True).start()
        talk.idle.wait(_PATIENCE)

    def _work(self, talk: SeatSession, opened: Open, given: tuple[str, str] | None) -> None:
        try:
            self._take(talk, opened, given)
        except PoiseError as error:
            _fail(talk, given, str(error))
        except Exception as error:  # noqa: BLE001 - a fault of an agent or of ours: the page must say so, not wait
            _fail(talk, given, f"{type(error).__name__}: {error}. This is a fault in Poise or in the agent.")
        finally:
            talk.pending = ""
            talk.idle.set()

    def _take(self, talk: SeatSession, opened: Open, given: tuple[str, str] | None) -> None:
        ended = None
        before = talk.scene
        with opened() as match:
            scene = go_on(match)
            if given is not None and stamp_of(scene) == given[0]:
                scene = answer(match, given[1])
                talk.draft = given[1] if scene.problem else before.text if before and given[1] == "no" else ""
            elif given is not None:
                talk.said, talk.draft = _GONE_ON, given[1]
            elif before is not None and len(scene.lines) > len(before.lines):
                talk.draft = ""
            if not scene.asks:
                ended = finish_match(match)
        talk.scene, talk.ended = scene, ended
        if ended is not None:
            self._ended(talk.folder)


def _fail(talk: SeatSession, given: tuple[str, str] | None, words: str) -> None:
    talk.said, talk.failed = words, True
    if given is not None and given[1] not in ("yes", "no"):
        talk.draft = given[1]


def _at_rest(name: str, folder: Path) -> SeatSession:
    talk = SeatSession(name, folder)
    talk.idle.set()
    return talk


def _free(folder: Path, taken: dict[str, SeatSession]) -> Path:
    """`folder`, or one beside it where talks began in the same second."""
    wanted, number = folder, 2
    while folder.name in taken or folder.exists():
        folder, number = wanted.with_name(f"{wanted.name}-{number}"), number + 1
    return folder


def _inside(folder: Path) -> bool:
    """Whether it is really under runs/play, and no link leads elsewhere."""
    return (folder / FILE).resolve().is_relative_to(HOME.resolve())


def _played(folders: Iterable[Path]) -> list[Kept]:
    """What a person played of `folders`; a store that cannot be read is left out, and its own commands say why."""
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


def _no_talks(name: str) -> Missing:
    return Missing(f"there are no talks called {name!r} under {HOME}; the page Take a seat lists those there are")
