"""Judges: whether the last two messages of a negotiation are an agreement.

EQ-Negotiator v2 (arXiv 2511.03370) asks a model about the last two messages, and also compares their offers. A judge
does the first here. Its verdict is recorded and counted; the referee alone decides how the negotiation ends.

    rules                no model: reads the words and numbers, as a careful person would
    ollama:NAME, ...     asks that model (see `poise.agents.models.models`)

Differs from the reference: there the model's yes ends the negotiation; `poise tournament rescore` gives that result.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from poise.agents.judges.types import Exchange, Judge, Verdict
from poise.common.errors import AgentError
from poise.common.words import did_you_mean

if TYPE_CHECKING:
    from poise.agents.models.settings import ModelSettings

__all__ = ["RULES", "Exchange", "Judge", "Verdict", "asks_model", "check_judge", "judge_settings", "open_judge"]
RULES: Final = "rules"


def check_judge(uri: str) -> None:
    """Raise AgentError, with the valid forms, unless `uri` names a judge."""
    from poise.agents.models.models import model_forms, parse_uri, provider_names

    if uri == RULES:
        return
    try:
        has_model = parse_uri(uri)[0].has_model
    except AgentError:
        hint = did_you_mean(uri.partition(":")[0], [RULES, *provider_names()])
        raise AgentError(
            f"judge {uri!r} does not exist; {hint}say {RULES}, {model_forms(without_model=False)}"
        ) from None
    if not has_model:
        raise AgentError(f"{uri!r} has no model to judge with; the judge without a model is {RULES!r}")


def asks_model(uri: str | None) -> bool:
    """Whether the judge that `uri` names calls a model."""
    return uri not in (None, "", RULES)


def open_judge(uri: str, options: Mapping[str, Any] | None = None) -> Judge:
    """The judge that `uri` names; the same arguments give the same judge, which threads may share.

    options: fields of ModelSettings by name, as for voices, but for the temperature, which is 0. No server is asked
    before the first verdict. Raises AgentError for a bad URI or option.
    """
    check_judge(uri)
    return _open_judge(uri, judge_settings(options or {}) if asks_model(uri) else None)


def judge_settings(options: Mapping[str, Any]) -> ModelSettings:
    """How a judge's model is called: as the options say, but at temperature 0."""
    from poise.agents.models.settings import ModelSettings

    return ModelSettings.from_options({**options, "temperature": 0.0})


@lru_cache(maxsize=16)
def _open_judge(uri: str, settings: ModelSettings | None) -> Judge:
    if settings is None:
        from poise.agents.judges.rules import RulesJudge

        return RulesJudge()
    from poise.agents.judges.model import ModelJudge
    from poise.agents.models.calls import open_caller

    return ModelJudge(open_caller(uri, settings))
