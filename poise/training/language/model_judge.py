"""A model as the judge: 1 to 10 for one message, firmness against realism, by the rubric in `rubric.toml`.

The answer has to be JSON with a whole number from 1 to 10 and a reason. After an unusable answer the model is asked
once more; a second one is an error and gives no score.
"""

from __future__ import annotations

import tomllib
from dataclasses import replace
from functools import cache
from pathlib import Path
from string import Template
from typing import Any, Final

from poise.agents.models.calls import Caller
from poise.agents.models.endpoint import Question
from poise.agents.models.models import open_chat_model
from poise.agents.models.settings import ModelSettings
from poise.agents.models.text import neutralise
from poise.agents.voices.prompts import plain_sentence
from poise.common.errors import AgentError, BadReply
from poise.common.files import digest_of
from poise.games.domains import domain_words
from poise.training.language.verifiable import JudgedMessage, ReplyScore

SCHEMA: Final[dict[str, Any]] = {
    "type": "object",
    "properties": {
        "reason": {"type": "string", "maxLength": 200},
        "score": {"type": "integer", "minimum": 1, "maximum": 10},
    },
    "required": ["reason", "score"],
    "additionalProperties": False,
}
_REPLY_TOKENS: Final = 160
_TALKS: Final = 6  # messages of the negotiation that it is shown
_TRIES: Final = 2


class ModelScorer:
    """Scores messages with the model of a URI; threads may share it."""

    def __init__(self, uri: str, settings: ModelSettings | None = None, caller: Caller | None = None) -> None:
        """Raises AgentError for a bad URI. caller: for tests."""
        given = settings or ModelSettings()
        asked = replace(given, temperature=given.temperature or 0.0, max_tokens=max(given.max_tokens, _REPLY_TOKENS))
        self.uri = uri
        self.declared = {"judge": uri, "rubric": rubric_digest(), **asked.declared()}
        self._caller = caller or Caller(open_chat_model(uri, asked), asked)

    def judge(self, spoken: JudgedMessage, seed: int = 0) -> ReplyScore:
        """The score.

        Raises:
            BadReply: the model gave no usable score twice.
            ModelError: it could not be asked.
        """
        problem = BadReply("it was not asked")
        for attempt in range(_TRIES):
            try:
                answer = self._caller.ask_json(Question(questions(spoken), seed + attempt, schema=SCHEMA))
                value = answer["score"]
                if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= 10:
                    raise BadReply(f"its score {value!r} is not a whole number from 1 to 10")
                return ReplyScore(float(value), {}, (neutralise(str(answer["reason"]))[:300],))
            except BadReply as error:
                problem = error
        raise BadReply(f"the judge {self.uri} gave no score for {spoken.text[:60]!r}: {problem}")


def questions(spoken: JudgedMessage) -> list[tuple[Any, str]]:
    """The prompt: the rubric, then the scenario, the negotiation so far and the message."""
    rubric, words = _rubric(), domain_words(spoken.view.brief.domain)
    role = words.role(spoken.view.brief.seat)
    feeling = spoken.emotion or rubric["calm"]
    talks = [f"{words.label(line.seat)}: {neutralise(line.text)}" for line in spoken.view.lines[-_TALKS:]]
    system = Template(rubric["system"]).substitute(role=role, question=words.question, feeling=feeling)
    asked = Template(rubric["ask"]).substitute(
        case=neutralise(spoken.scenario_text),
        talks="\n".join(talks) or rubric["nothing"],
        decided=_decided(spoken, rubric["open"]),
        role=role,
        message=neutralise(spoken.text) or "(no words)",
    )
    return [("system", system.strip()), ("user", asked.strip())]


def _decided(spoken: JudgedMessage, unknown: str) -> str:
    if spoken.move is None:
        return unknown
    try:
        return plain_sentence(spoken.move, spoken.view)
    except AgentError:  # an acceptance of an offer that could not be read
        return f"to {spoken.move.kind}"


def rubric_digest() -> str:
    """Changes with the rubric, so that scores of two rubrics are not mixed."""
    return digest_of(_rubric())[:16]


@cache
def _rubric() -> dict[str, str]:
    return tomllib.loads(Path(__file__).with_name("rubric.toml").read_text(encoding="utf-8"))
