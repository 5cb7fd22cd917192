"""A judge that asks a model, in one short question with an answer of a fixed form."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from functools import cache, lru_cache
from string import Template
from typing import Any, Final

from poise.agents.judges.types import Exchange, Verdict
from poise.agents.models.calls import Caller, CutReply, EmptyReply
from poise.agents.models.endpoint import ChatTurn, Question
from poise.agents.models.text import neutralise
from poise.agents.voices.prompts import FOLDER, silence
from poise.common.errors import BadReply, ModelDown, ModelError, ModelMissing, ModelTimeout
from poise.games.domains import domain_words
from poise.games.moves import other

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
    is asked for again, with what was wrong, TRIES times in all; after that there is no verdict, and the reason is told.
    A server that refuses the request is not asked again.
    """

    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    def judge(self, exchange: Exchange) -> Verdict:
        """The model's verdict. Raises ModelDown and ModelMissing."""
        usage: dict[str, float] = {}
        problem, told = "", ""
        for attempt in range(TRIES):
            try:
                asked = Question(judge_question(exchange, problem), attempt, _CONVERSATION, SCHEMA)
                reply = self._caller.ask(asked)
                _add(usage, reply.usage)
                return Verdict(_read(reply.text), usage=usage)
            except (ModelDown, ModelMissing):
                raise
            except ModelError as error:
                told = str(error)
                if not isinstance(error, BadReply | ModelTimeout):
                    break
                _add(usage, getattr(error, "usage", {}))
                problem = _problem(error)
        return Verdict(None, told, usage)


class _BadForm(BadReply):
    """The answer is not of the form that was asked for."""


def judge_question(exchange: Exchange, problem: str = "") -> tuple[ChatTurn, ...]:
    """What the model is told; `problem` names an entry of [problems], after an answer that could not be used.

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
    """The system text, and the examples as questions that were answered."""
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


def _read(text: str) -> bool:
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


def _problem(error: ModelError) -> str:
    kinds = ((CutReply, "cut"), (EmptyReply, "none"), (ModelTimeout, "late"))
    return next((name for kind, name in kinds if isinstance(error, kind)), "form")


def _add(usage: dict[str, float], more: Mapping[str, float]) -> None:
    for name, value in more.items():
        usage[name] = usage.get(name, 0) + value


def _fill(template: str, **values: str) -> str:
    return Template(template).substitute(values).strip()


@cache
def _texts() -> dict[str, Any]:
    return tomllib.loads((FOLDER / "judge.toml").read_text(encoding="utf-8"))
