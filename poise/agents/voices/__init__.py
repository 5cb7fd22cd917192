"""Voices: they put a chosen move into words, with or without a model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any, Literal

from poise.agents.models.adapters import Adapter
from poise.agents.models.models import parse_uri, wording_of
from poise.agents.models.settings import ModelSettings
from poise.agents.protocols import Conduct, ReplyForm, Voice
from poise.common.errors import AgentError

__all__ = ["ModelSettings", "open_voice"]


def open_voice(  # noqa: PLR0913, PLR0917  # the settings of a voice
    uri: str,
    offers: Literal["policy", "model"] = "policy",
    options: Mapping[str, Any] | None = None,
    adapter: Adapter | None = None,
    conduct: Conduct = "record",
    reading: ReplyForm = "words",
) -> Voice:
    """The voice of a model URI; the same arguments give the same voice, which threads may share.

    options: fields of ModelSettings by name. adapter: what the embedded model speaks with; a server has its own.
    conduct: what to do about replies that break a rule; without a model nothing, since the words never do.
    reading: how a model that decides the number answers.
    Raises AgentError for a bad URI or option, for an adapter of another base, and for offers="model" without
    a model to decide.
    """
    if parse_uri(uri)[0].has_model:
        settings = ModelSettings.from_options(options or {})
        settings = replace(settings, wording=wording_of(uri, settings.wording, adapter))
        return _model_voice(uri, offers, settings, adapter, (conduct, reading))
    if offers == "model":
        raise AgentError(
            'offers="model" needs a model to decide the number, and the scripted voice has none; '
            'name a model, such as embedded:smollm2, or use offers="policy"'
        )
    return _scripted_voice()


@lru_cache(maxsize=1)
def _scripted_voice() -> Voice:
    from poise.agents.voices.scripted import ScriptedVoice

    return ScriptedVoice()


@lru_cache(maxsize=64)
def _model_voice(
    uri: str,
    offers: Literal["policy", "model"],
    settings: ModelSettings,
    adapter: Adapter | None,
    heard: tuple[Conduct, ReplyForm],
) -> Voice:
    from poise.agents.models.calls import open_caller
    from poise.agents.voices.voice import ModelVoice

    return ModelVoice(open_caller(uri, settings, adapter), offers, *heard)
