"""A detector that asks a model which emotion a message shows, as EQ-Negotiator, EmoDebt and EmoMAS do.

Differs from the references: the answer is held to a JSON schema with the labels in it, so that no text has to be
searched for a label; a match without a usable answer waits, where the references continue with "neutral"; and
the message is read alone, without the negotiation before it.
"""

from __future__ import annotations

import json
import threading
import tomllib
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from string import Template
from typing import Any, Final

from poise.agents.emotions.detector import MEMO, Detection
from poise.agents.emotions.taxonomy import EMOTIONS7, EMOTIONS28, NEUTRAL, to_seven
from poise.agents.models.calls import Caller, reply_problem
from poise.agents.models.endpoint import ChatTurn, Question
from poise.agents.models.text import neutralise
from poise.common.errors import BadReply, ModelError, ModelTimeout, Unanswered
from poise.games.transcript import total_usage

PROMPT_FILE: Final = Path(__file__).parent / "detector.toml"
TRIES: Final = 3
_CONVERSATION: Final = "detector"  # one for all messages: what two questions share is their beginning
_EXCERPT: Final = 60


class Asked:
    """Asks a model for one of `labels` and remembers the answers to the latest texts; threads may share it.

    The answer has to be {"emotion": LABEL} and nothing else. One that is not, is cut, empty or late is asked for again,
    with what was wrong, TRIES times in all.
    """

    def __init__(self, caller: Caller, labels: Sequence[str], memo: int = MEMO) -> None:
        self.labels = tuple(labels)
        self._caller = caller
        self._memo = memo
        self._known: dict[str, str] = {}
        self._lock = threading.Lock()

    def label(self, message: str, spent: list[Mapping[str, float]]) -> str:
        """The label of a neutralised message; what the calls cost is added to `spent`.

        Raises Unanswered when no answer could be used, and what a call raises.
        """
        with self._lock:
            known = self._known.get(message)
        if known is not None:
            spent.append({"memo_hits": 1})
            return known
        label = self._find(message, spent)
        with self._lock:
            self._known[message] = label
            while len(self._known) > self._memo:
                del self._known[next(iter(self._known))]
        return label

    def _find(self, message: str, spent: list[Mapping[str, float]]) -> str:
        problem = ""
        last: ModelError | None = None
        for attempt in range(TRIES):
            try:
                reply = self._caller.ask(
                    Question(
                        detector_question(message, self.labels, problem), attempt, _CONVERSATION, schema(self.labels)
                    )
                )
                spent.append(reply.usage)
                return _parse_answer(reply.text, self.labels)
            except (BadReply, ModelTimeout) as error:
                spent.append(getattr(error, "usage", {}))
                problem, last = reply_problem(error), error
        unanswered = Unanswered(f"the detector's model gave no usable answer in {TRIES} tries: {last}")
        unanswered.model = self._caller.uri
        raise unanswered from last


class AskingDetector:
    """A detector that asks a model; it counts what it spends, so each pairing has its own.

    A message without a word is neutral, and nobody is asked.
    """

    def __init__(self, asked: Asked) -> None:
        self._asked = asked
        self._spent: list[Mapping[str, float]] = []

    def read(self, text: str) -> Detection:
        """What `text` shows, all the weight on one label. Raises Unanswered and what a call raises."""
        message = neutralise(text).replace('"', "'").strip()
        return detection(self._asked.label(message, self._spent) if message else NEUTRAL)

    def spent(self) -> dict[str, float]:
        """What readings cost since this was asked last, as `poise.agents.models.calls.Reply.usage`."""
        spent, self._spent = self._spent, []
        return total_usage(spent)


def detection(label: str) -> Detection:
    """A reading that is sure of `label`, one of the 7 or the 28."""
    seven, twenty_eight = EMOTIONS7.index(to_seven(label)), EMOTIONS28.index(label)
    return Detection(_one_hot(seven, len(EMOTIONS7)), _one_hot(twenty_eight, len(EMOTIONS28)), label)


def _one_hot(position: int, size: int) -> tuple[float, ...]:
    return tuple(1.0 if index == position else 0.0 for index in range(size))


def schema(labels: Sequence[str]) -> dict[str, Any]:
    """The JSON schema of an answer."""
    return {
        "type": "object",
        "properties": {"emotion": {"type": "string", "enum": list(labels)}},
        "required": ["emotion"],
        "additionalProperties": False,
    }


def detector_question(message: str, labels: Sequence[str], problem: str = "") -> tuple[ChatTurn, ...]:
    """The question to the model; after an unusable answer, `problem` names an entry of [problems]."""
    texts = _texts()
    asked = _fill(texts["ask"], message=message)
    if problem:
        asked += "\n" + _fill(texts["again"], problem=texts["problems"][problem])
    return (*_beginning(tuple(labels)), ("user", asked))


@cache
def _beginning(labels: tuple[str, ...]) -> tuple[ChatTurn, ...]:
    texts = _texts()
    turns: list[ChatTurn] = [("system", _fill(texts["system"], labels=", ".join(labels)))]
    for example in texts["examples"]:
        answer = json.dumps({"emotion": example["emotion"]})
        turns += [("user", _fill(texts["ask"], message=example["message"])), ("assistant", answer)]
    return tuple(turns)


def _parse_answer(text: str, labels: Sequence[str]) -> str:
    try:
        pairs = json.loads(text, object_pairs_hook=list)
    except (ValueError, RecursionError):
        pairs = None
    match pairs:
        case [("emotion", str() as label)] if label in labels:
            return label
    raise BadReply(f"the detector's model said {text[:_EXCERPT]!r}, where one of {', '.join(labels)} was due")


def _fill(template: str, **values: str) -> str:
    return Template(template).substitute(values).strip()


@cache
def _texts() -> dict[str, Any]:
    return tomllib.loads(PROMPT_FILE.read_text(encoding="utf-8"))
