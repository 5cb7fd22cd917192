"""Training data on disk: what offline learning and fine-tuning read, and its reader.

A folder that `poise train dataset` writes, whole or not at all, dataset.json last:

    transitions.npz   one row for each message of the learning seat that showed an emotion; see `Transitions`
    pairs.jsonl       one prompt and reply a line, below a header line; see `PromptReply`
    dataset.json      what it was made from: sources, counts of what was taken and of what was left out and why,
                      whether evaluation scenarios were let in, versions, digests of the two files

A line of pairs.jsonl:

    {"domain", "scenario", "match", "index", "seat", "emotion": one of the 28 or null,
     "messages": [{"role", "content"}, ...], "reply", "move": {"kind", "value", "firm"},
     "rewards": {"v1", "v2", "v3", "v4", "utility", "judge": 1 to 10 or null}, "quality",
     "source": "tournament DIR" or "dialogues FILE", "repaired"}

and its header: {"format": 1, "kind": "pairs", "pairs": how many, ...provenance}. Everything is read by `read_pairs` and
`read_transitions`, which refuse what is damaged. No pickle.
"""

from __future__ import annotations

import hashlib
import io
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, get_args

import numpy as np
from numpy.typing import NDArray

from poise.agents.emotions.taxonomy import EMOTIONS28
from poise.agents.protocols import ChatMessage
from poise.common.errors import BadInput, ConfigError, shorten
from poise.common.files import DAMAGED
from poise.common.words import did_you_mean
from poise.games.moves import SEATS, Move, MoveKind, Seat

FORMAT: Final = 1
PAIRS: Final = "pairs.jsonl"
TRANSITIONS: Final = "transitions.npz"
MANIFEST: Final = "dataset.json"
REWARDS: Final = ("v1", "v2", "v3", "v4", "utility")  # see `poise.training.data.rewards`; `judge` beside them
_REMEDY: Final = "make it again with `poise train dataset`"

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class PromptReply:
    """One message of one seat: the prompt that it has in a match, and its words.

    domain, scenario: of the match. match: its id in its source. index: of the message, 0 for the creditor's opening.
    emotion:  the one that the prompt asks for, None for none.
    messages: the prompt, byte for byte that of the first try at run time.
    reply:    the words. move: what they say. repaired: whether a fixed rule, not the model, corrected the number.
    rewards:  of this message by name, those of REWARDS and "judge" (None where nobody scored it).
    quality:  v4 of this message + 0.5 times the sum of v4 over the seat's messages of the match (EmoDistill's measure).
    source:   "tournament DIR" or "dialogues FILE".
    """

    domain: str
    scenario: str
    match: str
    index: int
    seat: Seat
    emotion: str | None
    messages: tuple[ChatMessage, ...]
    reply: str
    move: Move
    rewards: Mapping[str, float | None]
    quality: float
    source: str
    repaired: bool = False

    def to_dict(self) -> dict[str, Any]:
        """JSON data; `from_dict` reads it back."""
        return {
            "domain": self.domain,
            "scenario": self.scenario,
            "match": self.match,
            "index": self.index,
            "seat": self.seat,
            "emotion": self.emotion,
            "messages": [turn._asdict() for turn in self.messages],
            "reply": self.reply,
            "move": {"kind": self.move.kind, "value": self.move.value, "firm": self.move.firm},
            "rewards": dict(self.rewards),
            "quality": self.quality,
            "source": self.source,
            "repaired": self.repaired,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> PromptReply:
        """A pair from JSON data. Raises BadInput, which names the field, for any other."""
        try:
            found = dict(data)
            if data["seat"] not in SEATS or data["move"]["kind"] not in get_args(MoveKind):
                raise BadInput(f"seat {shorten(data['seat'])} or move {shorten(data['move'])} is unknown")
            found["messages"] = tuple(ChatMessage(str(turn["role"]), str(turn["content"])) for turn in data["messages"])
            found["move"] = Move(data["move"]["kind"], data["move"].get("value"), data["move"].get("firm", False))
            pair = cls(**found)
        except (KeyError, TypeError, AttributeError) as error:
            raise BadInput(f"this is not a pair ({type(error).__name__}: {shorten(str(error))})") from None
        try:
            pair._check()
        except TypeError:
            raise BadInput("a reward or the quality is not a number") from None
        return pair

    def _check(self) -> None:
        if not self.messages or self.messages[-1].role != "user" or not self.reply.strip():
            raise BadInput("a pair needs a prompt that ends with a user's turn, and a reply that is not empty")
        if self.emotion is not None and self.emotion not in EMOTIONS28:
            hint = did_you_mean(self.emotion, EMOTIONS28)
            raise BadInput(f"emotion {shorten(self.emotion)} is not one of the 28; {hint}".rstrip("; "))
        numbers = [self.quality, *(each for each in self.rewards.values() if each is not None)]
        if missing := [name for name in (*REWARDS, "judge") if name not in self.rewards]:
            raise BadInput(f"reward {missing[0]!r} is missing")
        if not all(math.isfinite(each) for each in numbers):
            raise BadInput("a reward or the quality is not a finite number")


@dataclass(frozen=True, slots=True)
class PromptReplies:
    """The pairs of a file. header: its first line. digest: the file's SHA-256."""

    header: Mapping[str, Any]
    pairs: Sequence[PromptReply]
    digest: str


def read_pairs(path: Path | str) -> PromptReplies:
    """The pairs of `path`, a pairs.jsonl or the folder that holds one.

    Raises:
        ConfigError: there is none, it is damaged, or another version wrote it; the line is named.
    """
    path = Path(path)
    path = path / PAIRS if path.is_dir() else path
    content = _bytes(path)
    lines = content.decode("utf-8", errors="replace").removesuffix("\n").split("\n")
    header = _object(path, 1, lines[0])
    if (header.get("format"), header.get("kind")) != (FORMAT, "pairs"):
        raise ConfigError(f"{path} is not a file of pairs of format {FORMAT}; {_REMEDY}")
    found = []
    for number, line in enumerate(lines[1:], 2):
        try:
            found.append(PromptReply.from_dict(_object(path, number, line)))
        except BadInput as error:
            raise ConfigError(f"{path}, line {number}: {error}; {_REMEDY}") from None
    if header.get("pairs", len(found)) != len(found):
        raise ConfigError(f"{path} has {len(found)} pairs where its header says {header['pairs']}; {_REMEDY}")
    return PromptReplies(header, found, hashlib.sha256(content).hexdigest())


@dataclass(frozen=True)
class Transitions:
    """Steps of finished negotiations, N of them in M episodes; rows of an episode are together, oldest first.

    state, next_state:       [N, 10], the published one; `next_state` of a last row is ignored.
    extended, next_extended: [N, E], the extended one; see `poise.agents.policies.learned.states`.
    action:     [N], the emotion shown, an index of EMOTIONS28.
    rewards:    by name, [N] each: those of REWARDS.
    judge:      [N], 1 to 10; nan where nobody scored the message.
    done:       [N], whether the negotiation ended before this seat's next message.
    propensity: [N], the probability with which the data's own policy showed this emotion; nan where unknown.
    episode:    [N], which negotiation, 0 to M - 1. step: [N], which of the seat's messages, from 0.
    scenario:   [M], which scenario, an index of `manifest["scenarios"]`; utility: [M], how it ended for the seat.
    manifest:   dataset.json.
    """

    state: Floats
    next_state: Floats
    extended: Floats
    next_extended: Floats
    action: NDArray[np.int64]
    rewards: Mapping[str, Floats]
    judge: Floats
    done: NDArray[np.bool_]
    propensity: Floats
    episode: NDArray[np.int64]
    step: NDArray[np.int64]
    scenario: NDArray[np.int64]
    utility: Floats
    manifest: Mapping[str, Any] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.action)

    @property
    def mask(self) -> NDArray[np.bool_]:
        """[28], which emotions occur in the data; a policy must not choose another."""
        return np.bincount(self.action, minlength=len(EMOTIONS28)) > 0

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Everything but the manifest, by its name in the file."""
        plain = {name: getattr(self, name) for name in _ARRAYS}
        return plain | {f"reward_{name}": self.rewards[name] for name in REWARDS}


_ARRAYS: Final = (
    *("state", "next_state", "extended", "next_extended", "action", "judge", "done", "propensity"),
    *("episode", "step", "scenario", "utility"),
)
_OF_EPISODES: Final = ("scenario", "utility")


def read_transitions(folder: Path | str) -> Transitions:
    """The transitions of a data set's folder.

    Raises:
        ConfigError: there are none, they are damaged, or another version wrote them.
    """
    folder = Path(folder)
    manifest = read_manifest(folder)
    content = _bytes(folder / TRANSITIONS)
    try:
        if hashlib.sha256(content).hexdigest() != manifest["files"][TRANSITIONS]:
            raise ValueError("its digest is not the one in dataset.json")
        with np.load(io.BytesIO(content), allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
        found = _transitions(arrays, manifest)
    except DAMAGED as error:
        raise ConfigError(f"{folder / TRANSITIONS} is damaged ({error}); {_REMEDY}") from None
    return found


def read_manifest(folder: Path) -> dict[str, Any]:
    """dataset.json of a data set's folder.

    Raises:
        ConfigError: there is none, it is damaged, or another version wrote it.
    """
    data = _object(folder / MANIFEST, 1, _bytes(folder / MANIFEST).decode("utf-8", errors="replace"))
    if (data.get("format"), data.get("kind")) != (FORMAT, "dataset"):
        raise ConfigError(f"{folder / MANIFEST} is not a data set of format {FORMAT}; {_REMEDY}")
    return data


def _transitions(arrays: Mapping[str, NDArray[Any]], manifest: Mapping[str, Any]) -> Transitions:
    rewards = {name: arrays[f"reward_{name}"] for name in REWARDS}
    found = Transitions(**{name: arrays[name] for name in _ARRAYS}, rewards=rewards, manifest=manifest)
    rows, episodes = len(found.action), len(found.utility)
    for name, array in found.arrays().items():
        if len(array) != (episodes if name in _OF_EPISODES else rows):
            raise ValueError(f"{name} has {len(array)} rows")
        unknown = name in ("judge", "propensity")
        if not unknown and not np.isfinite(array.astype(np.float64)).all():
            raise ValueError(f"{name} holds numbers that are not finite")
    if rows and (found.action.min() < 0 or found.action.max() >= len(EMOTIONS28)):
        raise ValueError("action is outside the 28 emotions")
    if rows and (found.episode.min() < 0 or found.episode.max() >= episodes):
        raise ValueError("episode is not the number of an episode")
    return found


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise ConfigError(f"{path} does not exist; name the --out folder of a finished `poise train dataset`") from None
    except OSError as error:
        raise ConfigError(f"{path} cannot be read ({error.strerror}); check the path and permissions") from None


def _object(path: Path, number: int, line: str) -> dict[str, Any]:
    try:
        data = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{path}, line {number}, is not JSON ({error}); {_REMEDY}") from None
    if not isinstance(data, dict):
        raise ConfigError(f"{path}, line {number}, is not a JSON object; {_REMEDY}")
    return data


def select(data: Transitions, talks: NDArray[np.bool_]) -> Transitions:
    """The rows of the negotiations selected by `talks`, [M], which are numbered from 0 again."""
    rows = talks[data.episode]
    renumbered = np.cumsum(talks) - 1
    arrays = {name: array[talks if name in _OF_EPISODES else rows] for name, array in data.arrays().items()}
    arrays["episode"] = renumbered[arrays["episode"]].astype(np.int64)
    return _transitions(arrays, data.manifest)
