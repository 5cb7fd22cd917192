"""No model: the scripted voice speaks."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

from poise.agents.models.provider import Provider
from poise.agents.models.settings import ModelSettings
from poise.common.errors import AgentError

if TYPE_CHECKING:
    from langchain_core.language_models.chat_models import BaseChatModel

    from poise.agents.models.adapters import Adapter


class ScriptedProvider(Provider):
    """`scripted`, which has no model to open or to ask."""

    scheme: ClassVar[str] = "scripted"
    form: ClassVar[str] = "scripted"
    has_model: ClassVar[bool] = False

    def takes(self, name: str) -> bool:
        """Nothing follows the scheme."""
        return not name

    def open(self, name: str, settings: ModelSettings, adapter: Adapter | None) -> BaseChatModel:  # noqa: ARG002
        """There is no chat model."""
        raise AgentError("'scripted' has no chat model; poise.agents.voices.open_voice opens its voice")

    def with_adapter(self, name: str, adapter: Adapter) -> str:  # noqa: ARG002
        """An agent with an adapter speaks with the adapter's base, embedded, where others speak without a model."""
        from poise.agents.models.providers.embedded import embedded_base

        return embedded_base(adapter)


PROVIDER: Final = ScriptedProvider()
