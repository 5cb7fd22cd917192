"""Two sets of negotiations whose messages carry an emotion, to train the detector and to judge it.

**CaSiNo** (Chawla et al. 2021, https://aclanthology.org/2021.naacl-main.254; CC BY 4.0): people bargain about camping
supplies and may use four emoticons. A message with emoticons of one kind is labelled by it, and the emoticon
is removed from the text: smile joy, frown sadness, angry face anger, open mouth surprise. The rest is unlabelled.

**EmoDebt's dialogues** (MIT by their README): language models bargain about a debt; each creditor message has the
emotion that the model was told to show. The label is the requested emotion, not the visible one: many such messages
show nothing, and "disgust" is mostly worded as disappointment. Messages of a model that was told nothing have no label.

Whole negotiations are held out: the last third of CaSiNo's, and the last fifth of the debt scenarios.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

from poise.agents.emotions.taxonomy import EMOTIONS7
from poise.common.errors import BadInput

EMOTICONS: Final = {"\U0001f642": "joy", "\u2639\ufe0f": "sadness", "\U0001f621": "anger", "\U0001f62e": "surprise"}
TOLD: Final[dict[str | None, str | None]] = {
    **dict(zip(("happy", "sad", "angry", "fear", "surprising", "disgust", "neutral"), EMOTIONS7, strict=True)),
    **dict(zip(("J", "S", "A", "F", "Su", "D", "N"), EMOTIONS7, strict=True)),
    None: None,
}
"""The dialogues' names of the seven; None where the model was told nothing."""
CASINO_TALKS: Final = 600
"""Negotiations of CaSiNo's training file that may be learned from."""
DEBT_SCENARIOS: Final = 48
"""Debt scenarios that may be learned from."""
_BUTTONS: Final = frozenset({"Submit-Deal", "Accept-Deal", "Reject-Deal", "Walk-Away"})
_BROKEN: Final = (OSError, EOFError, ValueError, KeyError, TypeError, StopIteration, AttributeError)


class Marked(NamedTuple):
    """A message, the one of the seven that it is marked with (None: not marked), and whether it is held out."""

    text: str
    emotion: str | None
    held_out: bool


def read_casino(path: Path) -> list[Marked]:
    """The messages of casino_train.json.gz that carry emoticons of one kind.

    Raises:
        BadInput: the file cannot be read or is not CaSiNo's.
    """
    try:
        with gzip.open(path, "rt", encoding="utf-8") as file:
            talks = json.load(file)
        return [marked for number, talk in enumerate(talks) for marked in _of_talk(talk, number >= CASINO_TALKS)]
    except _BROKEN as error:
        raise _refusal(path, "CaSiNo's casino_train.json.gz", error) from error


def _of_talk(talk: dict[str, Any], held_out: bool) -> Iterator[Marked]:
    for message in talk["chat_logs"]:
        text = message["text"]
        kinds = {emotion for emoticon, emotion in EMOTICONS.items() if emoticon in text}
        if len(kinds) != 1 or text in _BUTTONS:
            continue
        for emoticon in EMOTICONS:
            text = text.replace(emoticon, " ")
        yield Marked(text.strip(), kinds.pop(), held_out)


def read_debt_dialogues(path: Path) -> list[Marked]:
    """The creditor's messages of debt_dialogues.jsonl.gz.

    Raises:
        BadInput: the file cannot be read or is not EmoDebt's.
    """
    try:
        with gzip.open(path, "rt", encoding="utf-8") as file:
            return [marked for line in file for marked in _creditor_messages(json.loads(line))]
    except _BROKEN as error:
        raise _refusal(path, "EmoDebt's debt_dialogues.jsonl.gz", error) from error


def _creditor_messages(dialogue: dict[str, Any]) -> Iterator[Marked]:
    held_out = int(dialogue["scenario_id"].removeprefix("debt_")) > DEBT_SCENARIOS
    said = [text for speaker, text, *_ in dialogue["turns"] if speaker == "seller"]
    for text, told in zip(said, dialogue["creditor_emotions"], strict=True):
        yield Marked(text, TOLD[told], held_out)


def _refusal(path: Path, what: str, error: Exception) -> BadInput:
    return BadInput(f"{path}: cannot be read as {what} ({type(error).__name__}: {error})")
