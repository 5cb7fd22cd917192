"""A judge that asks a model, with one short question and an answer of fixed form."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from functools import cache, lru_cache
from string import Template
from typing import Any, Final

from poise.agents.judges.types import Exchange, Verdict
from poise.agents.models.calls import Caller, reply_problem
from poise.agents.models.endpoint import ChatTurn, Question
from poise.agents.models.text import neutralise
from poise.agents.voices.prompts import FOLDER, silence
from poise.common.errors import BadReply, ModelDown, ModelError, ModelMissing, ModelTimeout
from poise.games.domains import domain_words
from poise.games.moves import other
from poise.games.transcript import total_usage

TRIES: Final = 3
SCHEMA: Final[Mapping[str, Any]] = {
    "type": "object",
    "properties": {"agreed": {"type": "boolean"}},
    "required": ["agreed"],
    "additionalProperties": False,
}
_CONVERSATION: Final = "judge"  # one for all matches: what two questions share is their beginning
_EXCERPT: Final = 60


class ModelJudge:
    """Asks a model whether two messages are an agreement; threads may share it.

    The answer has to be {"agreed": true} or {"agreed": false} and nothing else. One that is not, is cut, empty or late
    is asked for again, with what was wrong, TRIES times in all. After that there is no verdict, but the reason for it.
    A server that refuses the request is not asked again.
    """

    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    def judge(self, exchange: Exchange) -> Verdict:
        """The model's verdict. Raises ModelDown and ModelMissing."""
        usages: list[Mapping[str, float]] = []
        problem, failure = "", ""
        for attempt in range(TRIES):
            try:
                asked = Question(judge_question(exchange, problem), attempt, _CONVERSATION, SCHEMA)
                reply = self._caller.ask(asked)
                usages.append(reply.usage)
                return Verdict(_parse_answer(reply.text), usage=total_usage(usages))
            except (ModelDown, ModelMissing):
                raise
            except ModelError as error:
                failure = str(error)
                if not isinstance(error, BadReply | ModelTimeout):
                    break
                usages.append(getattr(error, "usage", {}))
                problem = reply_problem(error)
        return Verdict(None, failure, total_usage(usages))


class _BadForm(BadReply):
    """The answer is not of the form that was asked for."""


def judge_question(exchange: Exchange, problem: str = "") -> tuple[ChatTurn, ...]:
    """The question to the model; after an unusable answer, `problem` names an entry of [problems].

    The messages stand at the end, each on its own line and without line breaks, quotation marks and brackets, so that
    nothing in them can end its line or look like an answer.
    """
    (before, first), (last, second) = exchange.said
    words = domain_words(exchange.domain)
    asked = _fill(
        _texts()["ask"], before=words.role(before), last=words.role(last), first=_quoted(first), second=_quoted(second)
    )
    if problem:
        asked += "\n" + _fill(_texts()["again"], problem=_texts()["problems"][problem])
    return (*_beginning(exchange.domain, exchange.unit, exchange.tolerance), ("user", asked))


@lru_cache(maxsize=64)
def _beginning(domain: str, unit: str, tolerance: int) -> tuple[ChatTurn, ...]:
    """The system text, and the examples as answered questions."""
    words = domain_words(domain)
    system = _fill(
        _texts()["system"], creditor=words.creditor, debtor=words.debtor, unit=unit, tolerance=str(tolerance)
    )
    turns: list[ChatTurn] = [("system", system)]
    for example in _texts()["examples"]:
        seat = example["before"]
        said = {name: _fill(example[name], unit=unit) for name in ("first", "second")}
        asked = _fill(_texts()["ask"], before=words.role(seat), last=words.role(other(seat)), **said)
        turns += [("user", asked), ("assistant", json.dumps({"agreed": example["agreed"]}))]
    return tuple(turns)


def _quoted(text: str) -> str:
    return neutralise(text).replace('"', "'") or silence()


def _parse_answer(text: str) -> bool:
    """The answer, which is one object with the one name "agreed" and true or false.

    Raises _BadForm for anything else, such as a name that comes twice.
    """
    try:
        pairs = json.loads(text, object_pairs_hook=tuple)  # an object is a tuple then, and an array a list
    except (ValueError, RecursionError):
        pairs = None
    if isinstance(pairs, tuple) and len(pairs) == 1 and pairs[0][0] == "agreed" and isinstance(pairs[0][1], bool):
        return pairs[0][1]
    raise _BadForm(f"the judge said {text[:_EXCERPT]!r}, where {json.dumps({'agreed': True})} or false was due")


def _fill(template: str, **values: str) -> str:
    return Template(template).substitute(values).strip()


@cache
def _texts() -> dict[str, Any]:
    return tomllib.loads((FOLDER / "judge.toml").read_text(encoding="utf-8"))
