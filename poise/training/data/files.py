"""Files around a data set: scores of judges, digests, and errors of the disk."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from poise.common.errors import ConfigError, StoreError
from poise.common.files import sha256_of


def digest_of_file(path: Path) -> str:
    """The SHA-256 of a file; ConfigError where it cannot be read."""
    try:
        return sha256_of(path)
    except OSError as error:
        raise ConfigError(f"{path} cannot be read ({error.strerror}); check the path") from None


def read_message_scores(paths: tuple[str, ...]) -> dict[str, dict[int, float]]:
    """Scores by match and message index; one {"match", "index", "score"} per line, the score from 1 to 10.

    Raises:
        ConfigError: a file cannot be read, or a line is not a score.
    """
    found: dict[str, dict[int, float]] = {}
    for path in paths:
        try:
            lines = Path(path).read_text(encoding="utf-8").split("\n")
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"scores {path} cannot be read ({error}); check the path") from None
        for number, line in enumerate(lines, 1):
            if line.strip() and not (number == 1 and '"kind": "scores"' in line):  # the header of `poise train score`
                match, index, score = _parse_score(line, path, number)
                found.setdefault(match, {})[index] = score
    return found


def _parse_score(line: str, path: str, number: int) -> tuple[str, int, float]:
    try:
        data = json.loads(line)
        match, index, score = str(data["match"]), int(data["index"]), float(data["score"])
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise ConfigError(
            f'{path}, line {number}, is not a score ({error}); write {{"match": ID, "index": N, "score": 1 to 10}}'
        ) from None
    if not 1 <= score <= 10:
        raise ConfigError(f"{path}, line {number}: score {score} is outside 1 to 10")
    return match, index, score


@contextmanager
def folder_errors_explained(folder: Path) -> Iterator[None]:
    """Turn disk errors into a StoreError with the remedy."""
    try:
        yield
    except OSError as error:
        raise StoreError(
            f"{folder} cannot be written ({error.strerror or error}); free some space, or name another folder "
            "with --out"
        ) from error
