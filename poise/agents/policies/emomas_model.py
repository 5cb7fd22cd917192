"""EmoMAS's advisers that ask a model: the coherence of emotions, and the choice among recommendations.

Both go through `Ask`, a function from a prompt to the reply's text. A reply that cannot be read is asked for once more;
after that it is an error (BadReply), never a guess. Temperature 0 and one seed, so that the same question has the same
answer.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Final, TypeVar

from poise.agents.emotions.tables import Row
from poise.agents.emotions.taxonomy import EMOTIONS7
from poise.agents.policies.emomas_advisers import Scores
from poise.agents.policies.situations import Situation
from poise.common.errors import BadReply

if TYPE_CHECKING:
    from poise.agents.models.calls import Caller

Ask = Callable[[str], str]
T = TypeVar("T")

_PHASES: Final = ("early", "in the middle", "late")
_TOP: Final = 10
_MAX_TOKENS: Final = 240
_OBJECT: Final = re.compile(r"\{.*\}", re.DOTALL)
_TRIES: Final = 2


class PolicyModel:
    """Asks the model of `uri`, which is opened by the first question.

    limits: `timeout` and `patience` of its `ModelSettings`, where they are not the usual ones.

    Raises:
        AgentError: it is not a model URI.
    """

    def __init__(self, uri: str) -> None:
        from poise.agents.models.models import parse_uri
        from poise.common.errors import AgentError

        if not parse_uri(uri)[0].has_model:
            raise AgentError(
                "scripted has no model to ask; say just emomas, or name a model such as emomas:ollama:qwen2.5:7b"
            )
        self._uri = uri
        self.limits: dict[str, float] = {}

    def __call__(self, prompt: str) -> str:
        """The reply's text."""
        from poise.agents.models.endpoint import Question

        return _caller(self._uri, **self.limits).ask(Question((("user", prompt),), seed=0)).text


@lru_cache(maxsize=16)
def _caller(uri: str, **limits: float) -> Caller:
    from poise.agents.models.calls import open_caller
    from poise.agents.models.settings import ModelSettings

    return open_caller(uri, ModelSettings(temperature=0.0, max_tokens=_MAX_TOKENS, **limits))  # type: ignore[arg-type]


def scores_by_model(ask: Ask) -> Scores:
    """Coherence scores by asking a model to judge each emotion."""

    def scores(situation: Situation) -> list[Row]:
        prompt = (
            f"{_where(situation)} For each emotion that you could show next, say from 0 to {_TOP} how plausible the "
            "change of emotion is, how appropriate it is now, and how much it helps to be paid soon.\n"
            "Reply with one JSON object and nothing else, three whole numbers an emotion:\n"
            f"{{{', '.join(f'{json.dumps(emotion)}: [0, 0, 0]' for emotion in EMOTIONS7)}}}"
        )
        return _read(ask, prompt, _scores_of)

    return scores


def choose_by_model(ask: Ask, situation: Situation, recommended: Mapping[str, int]) -> str:
    """The emotion that a model chooses among what the advisers recommend (indices in EMOTIONS7)."""
    advice = "; ".join(f"{adviser}: {EMOTIONS7[emotion]}" for adviser, emotion in recommended.items())
    options = sorted({EMOTIONS7[emotion] for emotion in recommended.values()})
    prompt = (
        f"{_where(situation)} Three advisers recommend what to show next: {advice}.\n"
        f"Choose one. Reply with one word: {' or '.join(options)}."
    )
    return _read(ask, prompt, lambda text: _choice_of(text, options))


def _where(situation: Situation) -> str:
    gap = "far apart" if situation.large_gap else "close together"
    return (
        "You collect a debt and negotiate when it is paid. "
        f"You last showed {EMOTIONS7[situation.own]}; the debtor last showed {EMOTIONS7[situation.heard]}. "
        f"The talks are {_PHASES[situation.phase]}, and the offers are {gap}."
    )


def _read(ask: Ask, prompt: str, reading: Callable[[str], T]) -> T:
    problem = ""
    for _ in range(_TRIES):
        text = ask(prompt + (f"\nYour last reply was not usable: {problem}." if problem else ""))
        try:
            return reading(text)
        except BadReply as error:
            problem = str(error)
    raise BadReply(f"the adviser's model gave no usable answer in {_TRIES} tries: {problem}")


def _scores_of(text: str) -> list[Row]:
    found = _OBJECT.search(text)
    try:
        data = json.loads(found[0]) if found else None
        rows = [tuple(float(value) / _TOP for value in data[emotion]) for emotion in EMOTIONS7]  # type: ignore[index]
    except (ValueError, TypeError, KeyError) as error:
        raise BadReply(f"no JSON object with three numbers for each emotion ({type(error).__name__})") from None
    for emotion, row in zip(EMOTIONS7, rows, strict=True):
        if len(row) != 3 or not all(0.0 <= value <= 1.0 for value in row):
            raise BadReply(f"{emotion} needs three numbers from 0 to {_TOP}")
    if len(set(rows)) == 1:  # a small model likes to repeat the form it was given
        raise BadReply("every emotion has the same scores, which is no judgement")
    return rows


def _choice_of(text: str, options: list[str]) -> str:
    said = [option for option in options if re.search(rf"\b{option}\b", text, re.IGNORECASE)]
    if len(said) != 1:
        raise BadReply(f"it names {len(said)} of {', '.join(options)}, where one is due")
    return said[0]
