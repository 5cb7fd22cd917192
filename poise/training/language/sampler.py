"""Replies drawn from a model, several to one prompt, as at run time.

The prompts of a batch are evaluated once, and each of their replies continues from there. Sampling is that of the
embedded model (`poise.agents.models.sampling.SMALL_MODEL`): a light penalty on the last few words, unlikely ones cut
off, then the temperature. A reply ends with the end of the turn, at a line break, or at its maximal length.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from poise.training.language.settings import Drawing
from poise.training.language.tokens import Chat
from poise.training.libraries import require_torch

_SEED_BITS: Final = (1 << 63) - 1


def draw_replies(
    model: Any, prompts: Sequence[Sequence[int]], seeds: Sequence[int], chat: Chat, how: Drawing
) -> list[list[list[int]]]:
    """For each prompt (token ids) its replies as token ids, without the end token.

    seeds: one for each prompt; its replies do not depend on the others in the batch, except for rounding.
    """
    state = _Drawn(model, prompts, seeds, chat, how)
    while not state.done.all() and state.length < how.longest:
        state.step()
    flat = [[token for token in row if token >= 0] for row in state.drawn.tolist()]
    return [flat[start : start + how.replies] for start in range(0, len(flat), how.replies)]


class _Drawn:
    """Replies in the making, one row each."""

    def __init__(
        self, model: Any, prompts: Sequence[Sequence[int]], seeds: Sequence[int], chat: Chat, how: Drawing
    ) -> None:
        lib = require_torch()
        self._model, self._how, self._device = model, how, next(model.parameters()).device
        self._ends = lib.tensor(sorted({chat.end, *chat.newlines}), device=self._device)
        self._dice = [lib.Generator().manual_seed(seed & _SEED_BITS) for seed in seeds]
        rows, longest = len(prompts) * how.replies, max(map(len, prompts))
        padded = [[0] * (longest - len(each)) + list(each) for each in prompts]
        mask = [[0] * (longest - len(each)) + [1] * len(each) for each in prompts]
        tokens, self._mask = (lib.tensor(each, device=self._device) for each in (padded, mask))
        places = (self._mask.cumsum(1) - 1).clamp(min=0)
        out = model(input_ids=tokens, attention_mask=self._mask, position_ids=places, use_cache=True, logits_to_keep=1)
        self._cache = out.past_key_values
        self._cache.batch_repeat_interleave(how.replies)
        self._logits = out.logits[:, -1].float().repeat_interleave(how.replies, 0)
        self._mask = self._mask.repeat_interleave(how.replies, 0)
        self.drawn = lib.full((rows, how.longest), -1, dtype=lib.long, device=self._device)
        self.done = lib.zeros(rows, dtype=lib.bool, device=self._device)
        self.length = 0

    def step(self) -> None:
        """One more token in each unfinished row."""
        lib = require_torch()
        token = self._next()
        self.done |= lib.isin(token, self._ends)
        self.drawn[:, self.length] = lib.where(self.done, -1, token)
        self.length += 1
        if self.done.all() or self.length == self._how.longest:
            return
        self._mask = lib.cat([self._mask, lib.ones_like(self._mask[:, :1])], 1)
        out = self._model(
            input_ids=lib.where(self.done, 0, token)[:, None],
            attention_mask=self._mask,
            position_ids=self._mask.sum(1, keepdim=True) - 1,
            past_key_values=self._cache,
            use_cache=True,
        )
        self._logits = out.logits[:, -1].float()

    def _next(self) -> Any:
        """A token for each row [rows]."""
        lib, how = require_torch(), self._how
        logits = self._logits - how.penalty * self._counts()
        if how.temperature == 0:
            return logits.argmax(-1)
        likely = logits.softmax(-1)
        logits = logits.masked_fill(likely < how.min_p * likely.amax(-1, keepdim=True), -lib.inf)
        totals = (logits / how.temperature).softmax(-1).cumsum(-1)
        points = lib.cat([lib.rand(how.replies, generator=dice) for dice in self._dice]).to(self._device)
        wanted = (points * (1 - 1e-6))[:, None] * totals[:, -1:]
        return (totals <= wanted).sum(-1).clamp(max=logits.shape[-1] - 1)

    def _counts(self) -> Any:
        """How often each token is among the last few of its row [rows, vocabulary]."""
        lib = require_torch()
        last = self.drawn[:, max(0, self.length - self._how.window) : self.length]
        counts = lib.zeros_like(self._logits)
        return counts.scatter_add_(1, last.clamp(min=0), (last >= 0).to(counts.dtype))
