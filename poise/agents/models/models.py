"""From a model URI to a LangChain chat model.

    ollama:NAME          a model of an Ollama server, such as ollama:qwen2.5:7b
    openai:NAME          a model of any OpenAI-compatible server
    llamacpp:NAME        the model of a llama.cpp server, with its slots and adapters
    embedded:NAME        a GGUF file, run by llama.cpp inside this process: smollm2, which comes with Poise, a path, or
                         a name of the models folder (`poise.agents.models.embedded.folder`)
    scripted             no model

Each has a file in `providers/`. Nothing heavy is imported before a model is opened.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Mapping
from functools import cache
from importlib import import_module
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Any, Final

from poise.agents.models.provider import Provider
from poise.agents.models.settings import FREE, GRAMMAR, ModelSettings
from poise.common.errors import AgentError, ModelMissing
from poise.common.words import did_you_mean

if TYPE_CHECKING:
    from langchain_core.language_models.chat_models import BaseChatModel

    from poise.agents.models.adapters import Adapter

ENTRY_POINTS: Final = "poise.models"
_BUILT_IN: Final = "poise.agents.models.providers"


@cache
def built_in_providers() -> Mapping[str, Provider]:
    """Poise's own providers by scheme: one a module of `providers/`."""
    names = (found.name for found in pkgutil.iter_modules(import_module(_BUILT_IN).__path__))
    objects: list[Provider] = [import_module(f"{_BUILT_IN}.{name}").PROVIDER for name in names]
    return {provider.scheme: provider for provider in objects}


@cache
def installed_providers() -> Mapping[str, Provider]:
    """Those of installed packages; an entry point's name is the scheme, and its object a Provider."""
    found = {entry.name: entry.load() for entry in entry_points(group=ENTRY_POINTS)}
    for name, provider in found.items():
        if not isinstance(provider, Provider) or provider.scheme != name:
            raise AgentError(f"the entry point {name!r} of {ENTRY_POINTS} is not a Provider with that scheme")
    return found


def model_forms(*, without_model: bool = True) -> str:
    """How model URIs are written, for an error message; `without_model` lists the one without a model, too."""
    known = {**installed_providers(), **built_in_providers()}.values()
    forms = sorted(provider.form for provider in known if provider.has_model)
    forms += [provider.form for provider in known if without_model and not provider.has_model]
    return f"{', '.join(forms[:-1])} or {forms[-1]}"


def provider_names() -> list[str]:
    """The schemes of model URIs."""
    return [*built_in_providers(), *installed_providers()]


def parse_uri(uri: str) -> tuple[Provider, str]:
    """A URI's provider and the model's name, which may itself contain colons and slashes.

    Raises AgentError with the valid forms.
    """
    scheme, colon, name = uri.partition(":")
    provider = built_in_providers().get(scheme) or installed_providers().get(scheme)
    if provider is None:
        hint = did_you_mean(scheme, provider_names())
        raise AgentError(f"model {uri!r} is none of {model_forms()}{hint and f'; {hint.strip()}'}")
    if not provider.takes(name) or bool(colon) != provider.has_model:
        raise AgentError(f"model {uri!r} is none of {model_forms()}")
    return provider, name


def provider_of(model: BaseChatModel) -> Provider:
    """The provider that opened a chat model; a general one for any other."""
    for providers in (built_in_providers, installed_providers):
        for provider in providers().values():
            if model._llm_type in provider.llm_types:
                return provider
    return Provider()


def open_chat_model(uri: str, settings: ModelSettings | None = None, adapter: Adapter | None = None) -> BaseChatModel:
    """The LangChain chat model that `uri` names, speaking with `adapter` where the server supports adapters.

    No server is asked and no weights are loaded before the first call; `check_model` does that. Raises AgentError for a
    bad URI, for `scripted`, which has no model, and for a missing key.
    """
    provider, name = parse_uri(uri)
    settings = settings or ModelSettings()
    _refuse_grammar(uri, provider, settings)
    return provider.open(name, settings, adapter)


def _refuse_grammar(uri: str, provider: Provider, settings: ModelSettings) -> None:
    """AgentError where the model is to be held to a grammar and cannot be."""
    if settings.wording == GRAMMAR and not provider.grammars:
        raise AgentError(
            f"{uri} cannot be held to a grammar; leave wording out, or play the model as embedded: or llamacpp:"
        )


def wording_of(uri: str, wording: str, adapter: Adapter | None) -> str:
    """GRAMMAR where the model's words are held to a grammar, by the setting or where that is left out; else FREE."""
    provider, name = parse_uri(uri)
    return wording or (GRAMMAR if provider.needs_grammar(name, adapter) else FREE)


def check_model(uri: str, settings: ModelSettings | None = None, adapter: Adapter | None = None) -> tuple[str, ...]:
    """Raise ModelDown, ModelMissing or ModelTimeout unless the model that `uri` names is there.

    No text is generated: a server is asked about the model, and embedded weights are verified. An adapter must be one
    that the model has, or of which it is the base. Returns what a user should know about the model, in sentences.
    """
    provider, name = parse_uri(uri)
    settings = settings or ModelSettings()
    _refuse_grammar(uri, provider, settings)
    placed = provider.placed(settings)
    remarks = dict.fromkeys(remark for each in placed for remark in provider.check(name, each, adapter))
    if len(placed) > 1 and len(digests := {provider.digest(name, each) for each in placed} - {None}) > 1:
        listed = ", ".join(sorted(f"{digest[:19]}..." for digest in digests if digest))
        raise ModelMissing(
            f"the servers of {uri} have different weights under that name: {listed}; pull it again there"
        )
    return tuple(remarks)


def uri_with_adapter(adapter: Adapter, default: str) -> str:
    """The model that speaks with this adapter where the others speak with `default`.

    Raises AgentError where the adapter is not known to be served.
    """
    provider, name = parse_uri(default)
    return provider.with_adapter(name, adapter)


def runs_here(uri: str) -> bool:
    """Whether the model that `uri` names runs in this process."""
    return parse_uri(uri)[0].in_process


def model_identity(uri: str) -> dict[str, str]:
    """What an agent declares of its model beside the URI. Raises AgentError where the model does not exist."""
    provider, name = parse_uri(uri)
    return provider.identity(name)


def model_digest(uri: str, options: Mapping[str, Any]) -> str | None:
    """What identifies the weights behind `uri`, asked with these model options; None where that is unknown."""
    provider, name = parse_uri(uri)
    return provider.digest(name, provider.placed(ModelSettings.from_options(options))[0])
