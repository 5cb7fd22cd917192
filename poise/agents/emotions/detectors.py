"""Detectors by name: what reads the emotion in a message.

    lexical               the shipped detector (`poise.agents.emotions.detector`): no model, probabilities
    ollama:NAME, ...      asks that model for the one of the seven that the message shows, as the papers do
    28:ollama:NAME, ...   asks it for one of the 28

A model's answer is a label and no probability, so its reading puts all the weight on it.

What is named here reads for both seats. A seat may have a detector of its own, by the agent's setting `detector=FILE`:
one that `python -m poise.training.detector.fit` wrote.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from poise.agents.emotions.taxonomy import EMOTIONS7, EMOTIONS28
from poise.common.errors import AgentError, BadInput
from poise.common.files import sha256_of
from poise.common.words import did_you_mean

if TYPE_CHECKING:
    from poise.agents.emotions.detector import Detector, EmotionReader
    from poise.agents.emotions.llm_detector import Asked
    from poise.agents.models.settings import ModelSettings

LEXICAL: Final = "lexical"
_FINE: Final = "28:"


def check_detector(uri: str) -> None:
    """Raise AgentError, with the valid forms, unless `uri` names a detector."""
    from poise.agents.models.models import model_forms, parse_uri, provider_names

    if uri == LEXICAL:
        return
    try:
        has_model = parse_uri(detector_model(uri))[0].has_model
    except AgentError:
        forms = f"{LEXICAL}, {model_forms(without_model=False)}, with 28: before it for the fine labels"
        hint = did_you_mean(detector_model(uri).partition(":")[0], [LEXICAL, *provider_names()])
        raise AgentError(f"detector {uri!r} does not exist; {hint}say {forms}") from None
    if not has_model:
        raise AgentError(f"{uri!r} has no model that could read; the detector without a model is {LEXICAL!r}")


def detector_asks(uri: str | None) -> bool:
    """Whether the detector that `uri` names calls a model."""
    return uri not in (None, "", LEXICAL)


def detector_model(uri: str) -> str:
    """The model URI in a detector's."""
    return uri.removeprefix(_FINE)


def open_detector(uri: str, options: Mapping[str, Any] | None = None) -> EmotionReader:
    """The detector that `uri` names; for one pairing, because it counts what it spends.

    Detectors that ask the same model in the same way share what they were answered. options: fields of ModelSettings by
    name, as for voices, but for the temperature, which is 0. No server is asked before the first message. Raises
    AgentError for a bad URI or option.
    """
    check_detector(uri)
    if not detector_asks(uri):
        from poise.agents.emotions.detector import default_detector

        return default_detector()
    from poise.agents.emotions.llm_detector import AskingDetector
    from poise.agents.models.settings import ModelSettings

    settings = ModelSettings.from_options({**(options or {}), "temperature": 0.0})
    return AskingDetector(_asked(uri, settings))


def fitted_detector(file: str) -> Detector:
    """The detector in a file, loaded once in this process; "" is the shipped one.

    Raises:
        BadInput: the file is missing or damaged.
    """
    from poise.agents.emotions.detector import default_detector

    return _fitted(file, detector_digest(file)) if file else default_detector()


def detector_digest(file: str) -> str:
    """What tells the detector in a file from others: the beginning of its SHA-256.

    Raises:
        BadInput: the file cannot be read.
    """
    try:
        return sha256_of(Path(file))[:16]
    except OSError as error:
        raise BadInput(
            f"{file}: no detector ({error.strerror}); fit one with `python -m poise.training.detector.fit`"
        ) from None


@lru_cache(maxsize=16)
def _fitted(file: str, _digest: str) -> Detector:
    from poise.agents.emotions.artifact import load_detector
    from poise.agents.emotions.detector import Detector

    return Detector(load_detector(Path(file)))


@lru_cache(maxsize=16)
def _asked(uri: str, settings: ModelSettings) -> Asked:
    from poise.agents.emotions.llm_detector import Asked
    from poise.agents.models.calls import open_caller

    caller = open_caller(detector_model(uri), settings)
    return Asked(caller, EMOTIONS28 if uri.startswith(_FINE) else EMOTIONS7)
