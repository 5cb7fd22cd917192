"""Scores on disk: one file beside the data that is scored, one line per message; nothing is overwritten.

    scores-JUDGE.jsonl    a header {"format", "kind": "scores", "judge", "declared", "of"}, then lines
                          {"key", "match", "index", "score": 1 to 10, "parts", "reasons"}

Each line is appended at once, so that scoring can be stopped or killed and resumed; an incomplete last line is removed
first. `key` names a pair (`judged_message.pair_key`), or the match and the message of a tournament.
`poise train dataset --scores FILE` adds the scores of a tournament to the data.
"""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

from poise.agents.emotions.detectors import detector_digest, fitted_detector
from poise.agents.models.settings import ModelSettings
from poise.common.errors import ConfigError, StoreError
from poise.common.files import digest_of, replace_file
from poise.common.progress import Watch, usual_watch
from poise.common.seeds import child_seed
from poise.games.moves import SEATS, Seat
from poise.tournaments.storage.errors import only_run
from poise.tournaments.storage.store import Store, exists
from poise.training.data.dataset import PAIRS, read_pairs
from poise.training.language.judged_message import pair_key, spoken_in, spoken_of
from poise.training.language.model_judge import ModelScorer
from poise.training.language.verifiable import WEIGHTS, JudgedMessage, ReplyScore, judge

FORMAT: Final = 1
VERIFIABLE: Final = "verifiable"
_SEEDS: Final = (1 << 31) - 2


class Scorer(Protocol):
    """Scores messages."""

    @property
    def declared(self) -> dict[str, Any]:
        """Everything that the scores depend on, as JSON data."""
        ...

    def judge(self, spoken: JudgedMessage, seed: int = 0) -> ReplyScore:
        """The score of a message. A failure raises an error and gives no score."""
        ...


class Verifiable:
    """The judge that needs no model."""

    def __init__(self, detector: str = "") -> None:
        """detector: the file of the one that reads emotions; "" for the shipped one. Raises BadInput for a bad file."""
        self.declared: dict[str, Any] = {"judge": VERIFIABLE, "weights": dict(WEIGHTS)}
        self.declared |= {"detector": detector_digest(detector)} if detector else {}
        self._reader = fitted_detector(detector)

    def judge(self, spoken: JudgedMessage, seed: int = 0) -> ReplyScore:  # noqa: ARG002 - nothing is drawn
        """The score."""
        return judge(spoken, self._reader)


def open_scorer(uri: str, settings: ModelSettings | None = None, detector: str = "") -> Scorer:
    """The scorer named `verifiable`, with the detector in a file, or the model at a URI.

    Raises:
        AgentError: the URI is bad.
        BadInput: the detector's file is missing or damaged, or a model was given one.
    """
    if uri == VERIFIABLE:
        return Verifiable(detector)
    if detector:
        raise ConfigError(f"--detector {detector} is for the judge {VERIFIABLE}; {uri} reads emotions itself")
    return ModelScorer(uri, settings)


def scores_path(folder: Path, uri: str) -> Path:
    """The file in `folder` with the scores of the judge `uri`."""
    return folder / f"scores-{re.sub(r'[^A-Za-z0-9._-]+', '-', uri).strip('-')}.jsonl"


@dataclass(frozen=True, slots=True)
class Item:
    """A message to score. match: the match's id in its source. index: the message's index in that match."""

    key: str
    match: str
    index: int
    spoken: JudgedMessage


@dataclass(frozen=True)
class Scored:
    """path: the file. scores: by key. new: how many were added by this call."""

    path: Path
    scores: dict[str, ReplyScore]
    new: int = 0


def score_all(  # noqa: PLR0913 - two of them report progress and stop
    scorer: Scorer,
    items: Sequence[Item],
    path: Path,
    of: str,
    *,
    watch: Watch | None = None,
    stop: Callable[[], bool] = lambda: False,
) -> Scored:
    """Score the items without a score and append the scores to the file at `path`.

    of: the digest of the data that is scored.

    Raises:
        StoreError: the file cannot be written, or holds the scores of other data or of another judge.
        ModelError: the judge failed; the scores so far are kept.
        KeyboardInterrupt: stopped; the scores so far are kept.
    """
    header = {"format": FORMAT, "kind": "scores", "declared": scorer.declared, "of": of}
    with only_run(path.parent):
        known = _begin(path, header)
        watch = watch or usual_watch()
        left = [item for item in {item.key: item for item in items}.values() if item.key not in known]
        watch.begin("messages", len(known) + len(left), len(known))
        try:
            with path.open("a", encoding="utf-8") as file:
                for item in left:
                    if stop():
                        raise KeyboardInterrupt
                    score = scorer.judge(item.spoken, child_seed(0, "judge", item.key) % _SEEDS)
                    parts = {name: round(value, 6) for name, value in score.parts.items()}
                    line = {"key": item.key, "match": item.match, "index": item.index, "score": score.total}
                    file.write(json.dumps({**line, "parts": parts, "reasons": list(score.reasons)}) + "\n")
                    file.flush()
                    known[item.key] = score
                    watch.advance(1, f"score {score.total:.1f}")
                os.fsync(file.fileno())
        except OSError as error:
            raise StoreError(
                f"{path} cannot be written ({error.strerror or error}); free some space, and repeat"
            ) from None
        return Scored(path, known, len(left))


def _begin(path: Path, header: dict[str, Any]) -> dict[str, ReplyScore]:
    """The scores already in the file, without an incomplete last line; a new file if there is none."""
    if not path.exists():
        replace_file(path, json.dumps(header).encode() + b"\n")
        return {}
    content = path.read_bytes()
    whole = content[: content.rfind(b"\n") + 1]
    if whole != content:
        replace_file(path, whole)
    found_header, scores = _parse(path, whole)
    if found_header != json.loads(json.dumps(header)):
        raise StoreError(
            f"{path} holds scores of other data, or of a judge with other settings; move it away to score again"
        )
    return scores


def read_reply_scores(path: Path) -> dict[str, ReplyScore]:
    """The scores of a file, by key.

    Raises:
        ConfigError: it does not exist or is damaged; the message names the line.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ConfigError(f"{path} cannot be read ({error.strerror}); make it with `poise train score`") from None
    return _parse(path, content)[1]


def _parse(path: Path, content: bytes) -> tuple[dict[str, Any], dict[str, ReplyScore]]:
    lines = content.decode("utf-8", errors="replace").splitlines()
    number = 1
    try:
        header = json.loads(lines[0])
        if (header["format"], header["kind"]) != (FORMAT, "scores"):
            raise ValueError("it is not a file of scores")
        scores = {}
        for number, line in enumerate(lines[1:], 2):  # noqa: B007 - named in the error
            data = json.loads(line)
            total = float(data["score"])
            if not (math.isfinite(total) and 1 <= total <= 10):
                raise ValueError(f"score {total} is not from 1 to 10")
            scores[str(data["key"])] = ReplyScore(total, dict(data["parts"]), tuple(data["reasons"]))
    except (ValueError, KeyError, TypeError, IndexError, AttributeError, RecursionError) as error:
        raise ConfigError(
            f"{path}, line {number}: {type(error).__name__}: {error}; move the file away, and score again with "
            "`poise train score`"
        ) from None
    return header, scores


def to_score(place: Path, seat: str) -> tuple[list[Item], str, Path]:
    """The messages to score at `place`, their digest, and the folder they are in.

    Raises:
        ConfigError: there are none, or they are damaged.
        StoreError: the tournament cannot be read.
    """
    if (place / PAIRS).is_file() or place.is_file():
        read = read_pairs(place)
        items = [Item(pair_key(pair), pair.match, pair.index, spoken_of(pair)) for pair in read.pairs]
        found = items, read.digest, place if place.is_dir() else place.parent
    elif exists(place):
        chosen = next((each for each in SEATS if each == seat), None)
        if chosen is None:
            raise ConfigError(f"seat {seat!r} is neither creditor nor debtor")
        found = *_played(place, chosen), place
    else:
        raise ConfigError(f"{place} holds neither {PAIRS} nor a tournament; name the folder of one")
    if not found[0]:
        raise ConfigError(f"there is no message to score in {place}")
    return found


def _played(place: Path, seat: Seat) -> tuple[list[Item], str]:
    items = []
    with Store.read(place) as store:
        of = digest_of({"tournament": store.header().id, "seat": seat})
        ids = store.done()
        for position, transcript in zip(sorted(ids), store.transcripts(), strict=True):
            for index, spoken in spoken_in(transcript, seat):
                items.append(Item(f"{ids[position]}/{index}", ids[position], index, spoken))
    return items, of
