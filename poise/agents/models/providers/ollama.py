"""Models of an Ollama server."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Final
from urllib.parse import urlsplit

from poise.agents.models.endpoint import Endpoint, Question
from poise.agents.models.provider import Interrupted, NoReply, Provider
from poise.agents.models.settings import ModelSettings
from poise.common.errors import AgentError, ModelMissing

if TYPE_CHECKING:
    from langchain_core.language_models.chat_models import BaseChatModel

    from poise.agents.models.adapters import Adapter

OLLAMA_PORT: Final = 11434
_DIGEST_SECONDS: Final = 5.0  # to ask a server what it serves
_ANYWHERE: Final = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - an address to listen at, not to connect to
_SMALL: Final = 1_000_000_000  # parameters


class OllamaProvider(Provider):
    """`ollama:NAME`."""

    scheme: ClassVar[str] = "ollama"
    form: ClassVar[str] = "ollama:NAME"
    llm_types: ClassVar[frozenset[str]] = frozenset({"chat-ollama"})
    server: ClassVar[str] = "Ollama"
    start: ClassVar[str] = "start it with `ollama serve`"
    address_variable: ClassVar[str] = "OLLAMA_HOST"

    def open(self, name: str, settings: ModelSettings, adapter: Adapter | None) -> BaseChatModel:  # noqa: ARG002
        """The model. Without a budget for thoughts they are off: a reply of `max_tokens` has no room for them."""
        from langchain_ollama import ChatOllama

        known = {key: value for key, value in _options(settings).items() if key in ChatOllama.model_fields}
        return ChatOllama(
            model=name,
            base_url=server_address(settings),
            keep_alive=_keep_alive(settings.keep_alive),
            client_kwargs={"timeout": settings.timeout, "follow_redirects": False},
            **{"reasoning": bool(settings.thinking), **known},
        )

    def arguments(self, settings: ModelSettings, question: Question, deadline: float) -> dict[str, Any]:  # noqa: ARG002
        """Options, the draw among them, and the schema."""
        options = {**_options(settings, question.room), "seed": question.seed}
        if question.schema is None:
            return {"options": options}
        options.pop("stop", None)  # JSON has line breaks
        return {"options": options, "format": dict(question.schema)}

    def check(self, name: str, settings: ModelSettings, adapter: Adapter | None) -> tuple[str, ...]:
        """Ollama is asked about the model, which must have the adapter."""
        import ollama

        address = server_address(settings)
        try:
            with ollama.Client(host=address, timeout=settings.timeout, follow_redirects=False) as client:
                shown = client.show(name)
        except Exception as error:
            raise self.explain(error, Endpoint(name, address))[0] from error
        # Ollama keeps the file as it came, under its checksum, and its Modelfile names it by that.
        if adapter is not None and f"sha256-{adapter.sha256}" not in (shown.modelfile or ""):
            raise ModelMissing(
                f"Ollama's {name!r} does not have the adapter {adapter.path}; make a model that has it with "
                "`poise train export ... --ollama NAME`, and name that one"
            )
        size = (shown.modelinfo or {}).get("general.parameter_count") or _SMALL
        if size >= _SMALL or settings.sampling or "PARAMETER min_p" in (shown.modelfile or ""):
            return ()
        return (
            f"ollama:{name} is a small model ({size / 1e6:.0f} million parameters); --option sampling=small has it "
            "sampled as such a model needs",
        )

    def digest(self, name: str, settings: ModelSettings) -> str | None:
        """What Ollama calls the model's digest, by its name with or without `:latest`."""
        import ollama

        try:
            with ollama.Client(
                host=server_address(settings), timeout=_DIGEST_SECONDS, follow_redirects=False
            ) as client:
                served = {model.model: model.digest for model in client.list().models}
        except Exception:  # noqa: BLE001 - the digest is optional
            return None
        digest = served.get(name) or served.get(f"{name}:latest")
        return f"sha256:{digest.removeprefix('sha256:')}" if digest else None

    def with_adapter(self, name: str, adapter: Adapter) -> str:
        """The model that was made with the adapter, where `name` is that or its base."""
        if adapter.ollama and name in (adapter.ollama, adapter.ollama_base):
            return f"ollama:{adapter.ollama}"
        made = (
            f"it was made into {adapter.ollama!r} from {adapter.ollama_base!r}" if adapter.ollama else "no model has it"
        )
        raise AgentError(
            f"the adapter {adapter.path} is not on ollama:{name} ({made}); make one with `poise train export ... "
            "--ollama NAME`, or name the model that has it after the agent: AGENT@ollama:NAME"
        )

    def verify(self, about: Mapping[str, Any]) -> None:
        """A reply must end with a line that says so; a response that only loaded the model is not a reply."""
        if about.get("done") is not True:
            raise Interrupted
        if about.get("done_reason") == "load":
            raise NoReply("the model was loaded, and nothing was said yet")

    def missing(self, endpoint: Endpoint) -> ModelMissing:
        """With the command that gets the model."""
        return ModelMissing(
            f"Ollama at {endpoint.place} has no {endpoint.name!r}; get it with `ollama pull {endpoint.name}`"
        )


def server_address(settings: ModelSettings) -> str:
    """Where Ollama is, by the settings and the environment."""
    return ollama_address(settings.base_url or os.environ.get("OLLAMA_HOST"))


def ollama_address(host: str | None) -> str:
    """The base URL for a value of OLLAMA_HOST: a host, host:port or URL; None or "" is this machine.

    As in Ollama: port 11434 without a scheme, else the scheme's own port; a path is kept.
    """
    text = (host or "").strip().strip("\"'")
    scheme, mark, rest = text.partition("://")
    if not mark:
        scheme, rest = "http", text
    try:
        parts = urlsplit(f"{scheme}://{rest}")
        port = parts.port or ({"http": 80, "https": 443}[scheme] if mark else OLLAMA_PORT)
    except (KeyError, ValueError):
        raise AgentError(f"OLLAMA_HOST {text!r} is not an address; write host, host:port or http://host:port") from None
    name = _ANYWHERE.get(parts.hostname or "0.0.0.0", parts.hostname or "")  # noqa: S104 - a name that is replaced
    name = f"[{name}]" if ":" in name else name
    login = parts.netloc.rpartition("@")[0]
    path = parts.path.strip("/")
    return f"{scheme}://{login + '@' if login else ''}{name}:{port}{'/' + path if path else ''}"


def _options(settings: ModelSettings, room: int = 0) -> dict[str, Any]:
    """The `options` of a request."""
    options = {"num_ctx": settings.context, "num_predict": settings.longest(room), **settings.sampled()}
    return options | ({} if settings.seed is None else {"seed": settings.seed}) | dict(settings.extra)


def _keep_alive(text: str) -> str | int | None:
    """Ollama takes a duration with its unit as text, and seconds as a number."""
    try:
        return int(text)
    except ValueError:
        return text or None


PROVIDER: Final = OllamaProvider()
