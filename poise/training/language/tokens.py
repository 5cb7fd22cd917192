"""Prompts and replies as the base model's tokens, the same as at run time.

The prompt is rendered by the model's own chat template up to where its turn begins; the reply follows with the token
that ends a turn, so that the model learns to stop. Both are tokenised apart, as at run time, where the reply is
generated token by token after the whole prompt.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from poise.agents.protocols import ChatMessage
from poise.common.errors import ConfigError

_PROBE: Final = "ok"


@dataclass(frozen=True, slots=True)
class TokenExample:
    """A prompt and a reply as token ids; the reply ends with the end-of-turn token."""

    prompt: tuple[int, ...]
    reply: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.prompt) + len(self.reply)


class Chat:
    """A tokenizer with its chat template."""

    def __init__(self, tokenizer: Any) -> None:
        self._tokenizer = tokenizer
        self.end = self._end_of_turn()
        self.newlines = frozenset(
            index for text, index in tokenizer.get_vocab().items() if set(text) & {"\n", "\u010a"}
        )

    def rendered(self, messages: Sequence[ChatMessage]) -> str:
        """The prompt as the model's own format writes it."""
        turns = [{"role": turn.role, "content": turn.content} for turn in messages]
        return str(self._tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True))

    def prompt(self, messages: Sequence[ChatMessage]) -> tuple[int, ...]:
        """The prompt's tokens."""
        return self.tokens(self.rendered(messages))

    def example(self, messages: Sequence[ChatMessage], reply: str) -> TokenExample:
        """The tokens of a prompt and its reply."""
        return TokenExample(self.prompt(messages), (*self.tokens(reply), self.end))

    def tokens(self, text: str) -> tuple[int, ...]:
        """The tokens of a text, with nothing put before or after it."""
        return tuple(self._tokenizer(text, add_special_tokens=False)["input_ids"])

    def text(self, tokens: Sequence[int]) -> str:
        """The words of a reply's tokens, without those that have no words."""
        return str(self._tokenizer.decode(list(tokens), skip_special_tokens=True))

    def _end_of_turn(self) -> int:
        """The token that the template puts after an assistant's words.

        Raises:
            ConfigError: it changes the text before it (such as templates that drop earlier turns), or adds nothing.
        """
        asked = [ChatMessage("system", "a"), ChatMessage("user", "b")]
        before = self.rendered(asked)
        turns = [*(turn._asdict() for turn in asked), {"role": "assistant", "content": _PROBE}]
        whole = str(self._tokenizer.apply_chat_template(turns, tokenize=False))
        if not whole.startswith(before + _PROBE):
            raise ConfigError("the model's chat template rewrites a prompt once it is answered; name another --base")
        after = self.tokens(whole.removeprefix(before + _PROBE))
        if not after:
            raise ConfigError("the model's chat template does not end a turn; name another model with --base")
        return after[0]
