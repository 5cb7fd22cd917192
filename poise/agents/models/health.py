"""Whether a model is there, before a tournament counts on it."""

from __future__ import annotations

import os

from poise.agents.models.adapters import Adapter
from poise.agents.models.endpoint import Endpoint
from poise.agents.models.models import ollama_address
from poise.agents.models.settings import ModelSettings, parse_uri
from poise.common.errors import ModelMissing


def check_model(uri: str, settings: ModelSettings | None = None, adapter: Adapter | None = None) -> None:
    """Raise ModelDown, ModelMissing or ModelTimeout unless the model that `uri` names is there.

    No text is generated: Ollama is asked about the model, and embedded weights are verified. With an adapter, the
    embedded model is told to load it and must be its base, and Ollama's model must have it. An OpenAI-compatible
    server shows what it has at the first call.
    """
    settings = settings or ModelSettings()
    provider, name = parse_uri(uri)
    if provider == "embedded":
        from poise.agents.models.embedded.weights import find_weights

        find_weights()
        if adapter is not None:
            _check_embedded(adapter)
    if provider == "ollama":
        _check_ollama(name, settings, adapter)


def _check_embedded(adapter: Adapter) -> None:
    from poise.agents.models.embedded.engine import expect_adapter

    adapter.check_base()
    expect_adapter(adapter.key, adapter.path)


def _check_ollama(name: str, settings: ModelSettings, adapter: Adapter | None) -> None:
    import ollama

    address = ollama_address(settings.base_url or os.environ.get("OLLAMA_HOST"))
    try:
        with ollama.Client(host=address, timeout=settings.timeout) as client:
            shown = client.show(name)
    except Exception as error:
        raise Endpoint("ollama", name, address).explain(error)[0] from error
    # Ollama keeps the file as it came, under its checksum, and its Modelfile names it by that.
    if adapter is not None and f"sha256-{adapter.sha256}" not in (shown.modelfile or ""):
        raise ModelMissing(
            f"Ollama's {name!r} does not have the adapter {adapter.path}; make a model that has it with "
            "`poise train export ... --ollama NAME`, and name that one"
        )
