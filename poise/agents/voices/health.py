"""Whether a model is there, before a tournament counts on it."""

from __future__ import annotations

import os

from poise.agents.voices.endpoint import Endpoint
from poise.agents.voices.models import ModelSettings, ollama_address, parse_uri


def check_model(uri: str, settings: ModelSettings | None = None) -> None:
    """Raise ModelDown, ModelMissing or ModelTimeout unless the model that `uri` names is there.

    No text is generated: Ollama is asked about the model, and embedded weights are verified. An OpenAI-compatible
    server shows what it has at the first call.
    """
    settings = settings or ModelSettings()
    provider, name = parse_uri(uri)
    if provider == "embedded":
        from poise.agents.voices.weights import find_weights

        find_weights()
    if provider == "ollama":
        _check_ollama(name, settings)


def _check_ollama(name: str, settings: ModelSettings) -> None:
    import ollama

    address = ollama_address(settings.base_url or os.environ.get("OLLAMA_HOST"))
    try:
        with ollama.Client(host=address, timeout=settings.timeout) as client:
            client.show(name)
    except Exception as error:
        raise Endpoint("ollama", name, address).explain(error)[0] from error
