"""SmolLM2-135M-Instruct, run by llama.cpp inside this process."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Final

from poise.agents.models.embedded.weights import SMOLLM2, SMOLLM2_WEIGHTS, find_weights
from poise.agents.models.endpoint import Question
from poise.agents.models.provider import Provider
from poise.agents.models.settings import ModelSettings
from poise.common.errors import AgentError

if TYPE_CHECKING:
    from langchain_core.language_models.chat_models import BaseChatModel

    from poise.agents.models.adapters import Adapter

EMBEDDED: Final = f"embedded:{SMOLLM2}"


class EmbeddedProvider(Provider):
    """`embedded:smollm2`."""

    scheme: ClassVar[str] = "embedded"
    form: ClassVar[str] = EMBEDDED
    llm_types: ClassVar[frozenset[str]] = frozenset({"poise-embedded"})
    in_process: ClassVar[bool] = True

    def takes(self, name: str) -> bool:
        """Raises AgentError for a model that there is not."""
        if super().takes(name) and name != SMOLLM2:
            raise AgentError(f"embedded model {name!r} does not exist; the one there is is {EMBEDDED}")
        return name == SMOLLM2

    def open(self, name: str, settings: ModelSettings, adapter: Adapter | None) -> BaseChatModel:  # noqa: ARG002
        """The model; the engine starts with the first call. Raises AgentError for an adapter of another base."""
        from poise.agents.models.embedded.embedded import ChatEmbedded

        if adapter is None:
            return ChatEmbedded(settings=settings)
        _expect(adapter)
        return ChatEmbedded(settings=settings, adapter=adapter.key)

    def arguments(self, settings: ModelSettings, question: Question, deadline: float) -> dict[str, Any]:  # noqa: ARG002
        """The conversation keeps its slot."""
        named = {"conversation": question.conversation, "schema": question.schema}
        return {"seed": question.seed, "deadline": deadline, **named}

    def check(self, name: str, settings: ModelSettings, adapter: Adapter | None) -> tuple[str, ...]:  # noqa: ARG002
        """The weights are verified; an adapter must be of this base, and llama.cpp must be able to load it.

        Raises AgentError for an adapter that does not load.
        """
        weights = find_weights()
        if adapter is not None:
            _expect(adapter)
            _refuse_damaged(weights, adapter)
        return ()

    def digest(self, name: str, settings: ModelSettings) -> str | None:  # noqa: ARG002
        """The SHA-256 of the weights' file."""
        return f"sha256:{SMOLLM2_WEIGHTS.sha256}"

    def with_adapter(self, name: str, adapter: Adapter) -> str:  # noqa: ARG002
        """Each call names its own adapter."""
        return EMBEDDED


def _expect(adapter: Adapter) -> None:
    """Have the engine load the adapter; AgentError unless the embedded model is its base."""
    from poise.agents.models.embedded.engine import expect_adapter

    if adapter.base_sha256 != SMOLLM2_WEIGHTS.sha256:
        raise AgentError(
            f"the adapter {adapter.path} belongs to {adapter.base} (SHA-256 {adapter.base_sha256[:12]}...), and "
            f"{EMBEDDED} is {SMOLLM2_WEIGHTS.file} ({SMOLLM2_WEIGHTS.sha256[:12]}...); play it where its base is, such "
            "as AGENT@ollama:NAME"
        )
    expect_adapter(adapter.key, adapter.path)


@cache
def _refuse_damaged(weights: Path, adapter: Adapter) -> None:
    """Raise AgentError unless llama.cpp can load the adapter; one that it has loaded is not tried again."""
    from poise.agents.models.embedded.llama import can_load

    if not can_load(weights, adapter.path):
        raise AgentError(
            f"the adapter {adapter.path} cannot be loaded: the file is damaged, or does not fit {EMBEDDED}; "
            "export it again, or play without it: AGENT,adapter=none"
        )


PROVIDER: Final = EmbeddedProvider()
