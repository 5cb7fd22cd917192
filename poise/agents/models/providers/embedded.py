"""Models in GGUF files, run by llama.cpp inside this process."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar, Final, NoReturn

from poise.agents.models.embedded.folder import ModelFile, find_by_digest, find_model
from poise.agents.models.embedded.requantise import QUICK, is_requantised
from poise.agents.models.embedded.weights import SMOLLM2, SMOLLM2_WEIGHTS
from poise.agents.models.endpoint import Question
from poise.agents.models.provider import Provider
from poise.agents.models.sampling import is_small
from poise.agents.models.settings import ModelSettings
from poise.common.errors import AgentError, PoiseError

if TYPE_CHECKING:
    from langchain_core.language_models.chat_models import BaseChatModel

    from poise.agents.models.adapters import Adapter

EMBEDDED: Final = f"embedded:{SMOLLM2}"


class EmbeddedProvider(Provider):
    """`embedded:smollm2`, `embedded:PATH.gguf` or `embedded:NAME` of the models folder."""

    scheme: ClassVar[str] = "embedded"
    form: ClassVar[str] = "embedded:NAME"
    llm_types: ClassVar[frozenset[str]] = frozenset({"poise-embedded"})
    in_process: ClassVar[bool] = True
    grammars: ClassVar[bool] = True

    def open(self, name: str, settings: ModelSettings, adapter: Adapter | None) -> BaseChatModel:
        """The model; the engine starts with the first call. Raises AgentError for an adapter of another base."""
        from poise.agents.models.embedded.embedded import ChatEmbedded

        file = find_model(name)
        if adapter is not None:
            _expect(adapter, file)
        return ChatEmbedded(settings=settings, model=name, file=file, adapter=adapter.key if adapter else "")

    def arguments(self, settings: ModelSettings, question: Question, deadline: float) -> dict[str, Any]:  # noqa: ARG002
        """The conversation keeps its slot."""
        named = {"conversation": question.conversation, "schema": question.schema, "room": question.room}
        if question.grammar:
            named["grammar"] = question.grammar
        return {"seed": question.seed, "deadline": deadline, **named}

    def check(self, name: str, settings: ModelSettings, adapter: Adapter | None) -> tuple[str, ...]:
        """Verify the file, and that llama.cpp can load it and the adapter, whose base it must be.

        Raises AgentError for what cannot be loaded, has no chat template or does not fit into memory.
        """
        from poise.agents.models.embedded.checks import check_file

        file = find_model(name)
        remarks = check_file(file, settings)
        if adapter is not None:
            _expect(adapter, file)
            _refuse_damaged(file, adapter)
        return remarks

    def digest(self, name: str, settings: ModelSettings) -> str | None:
        """The SHA-256 of the weights' file, and the form that they play in where that is another."""
        form = f" as {QUICK}" if is_requantised(name, settings) else ""
        try:
            return f"sha256:{find_model(name).sha256 if name != SMOLLM2 else SMOLLM2_WEIGHTS.sha256}{form}"
        except PoiseError:
            return None

    def identity(self, name: str) -> dict[str, str]:
        """The checksum of the file, because its name does not identify it; nothing for smollm2, which never changes."""
        return {} if name == SMOLLM2 else {"weights": f"sha256:{find_model(name).sha256}"}

    def needs_grammar(self, name: str, adapter: Adapter | None) -> bool:
        """A small model states the number of an offer at once in a quarter of its messages, unless it was tuned to."""
        return adapter is None and (name == SMOLLM2 or is_small(find_model(name).header.parameters))

    def with_adapter(self, name: str, adapter: Adapter) -> str:
        """Each call names its own adapter. An adapter for another base than `name` plays on its own."""
        return embedded_base(adapter, name)


def embedded_base(adapter: Adapter, default: str = SMOLLM2) -> str:
    """The URI of the embedded model that the adapter is for: `default`, or one of the models folder.

    Raises AgentError where there is none.
    """
    if default != SMOLLM2 and find_model(default).sha256 == adapter.base_sha256:
        return f"embedded:{default}"
    found = find_by_digest(adapter.base_sha256)
    if found is None:
        _refuse_base(adapter, find_model(default))
    return f"embedded:{found.name}"


def _expect(adapter: Adapter, file: ModelFile) -> None:
    """Have the engine load the adapter; AgentError unless the model is its base."""
    from poise.agents.models.embedded.shared import expect_adapter

    if adapter.base_sha256 != file.sha256:
        _refuse_base(adapter, file)
    expect_adapter(adapter.key, adapter.path, file)


def _refuse_base(adapter: Adapter, file: ModelFile) -> NoReturn:
    raise AgentError(
        f"the adapter {adapter.path} belongs to {adapter.base} (SHA-256 {adapter.base_sha256[:12]}...), and "
        f"embedded:{file.name} is {file.path.name} ({file.sha256[:12]}...); give Poise its base with `poise models add "
        "FILE`, or play it where its base is, such as AGENT@ollama:NAME"
    )


@cache
def _refuse_damaged(file: ModelFile, adapter: Adapter) -> None:
    """Raise AgentError unless llama.cpp can load the adapter; one that it has loaded is not tried again."""
    from poise.agents.models.embedded.llama import why_not_loaded

    if why_not_loaded(file.path, [adapter.path]) is not None:
        raise AgentError(
            f"the adapter {adapter.path} cannot be loaded: the file is damaged, or does not fit embedded:{file.name}; "
            "export it again, or play without it: AGENT,adapter=none"
        )


PROVIDER: Final = EmbeddedProvider()
