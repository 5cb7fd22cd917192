"""Replies of the model in training: several to one prompt, drawn as at run time.

The prompts of a batch are evaluated once and each of their replies goes on from there. Sampling is that of the embedded
model (`poise.agents.voices.embedded.SAMPLING`): a light penalty on the last few words, unlikely ones cut off, then the
temperature. A reply ends with the end of the turn, at a line break, or when it is as long as it may be.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from poise.agents.learning.artifact import digest_of, replace_file
from poise.agents.learning.dataset import PAIRS, Pair, read_pairs
from poise.agents.learning.words.adapter import load_adapter, read_provenance, versions
from poise.agents.learning.words.base import load_base
from poise.agents.learning.words.choose import Choice, choose
from poise.agents.learning.words.forward import Machine
from poise.agents.learning.words.jpo import base_named
from poise.agents.learning.words.libraries import torch
from poise.agents.learning.words.loop import Run
from poise.agents.learning.words.spoken import prompt_key
from poise.agents.learning.words.tokens import Chat
from poise.agents.voices.embedded import SAMPLING
from poise.games.errors import ConfigError, StoreError
from poise.games.seeds import child_seed

PART: Final = "pairs.part.jsonl"
_SEED_BITS: Final = (1 << 63) - 1


@dataclass(frozen=True, slots=True)
class Drawing:
    """How replies are drawn.

    replies: to each prompt. temperature: 0 takes the likeliest word each time (then one reply is all there is).
    min_p: a word must be at least this times as likely as the likeliest. penalty: on a word, for each time that it was
    among the last `window`. longest: tokens. prompts: at a time.
    """

    replies: int = 4
    temperature: float = 0.8
    min_p: float = SAMPLING["min_p"]
    penalty: float = SAMPLING["frequency_penalty"]
    window: int = SAMPLING["repeat_last_n"]
    longest: int = 48
    prompts: int = 4
    seed: int = 0

    def __post_init__(self) -> None:
        if not (1 <= self.replies <= 64 and 1 <= self.prompts <= 256 and 1 <= self.longest <= 1024):
            raise ConfigError("replies are 1 to 64 a prompt, prompts 1 to 256 at a time, the longest reply 1024 tokens")
        if not (0 <= self.temperature <= 5 and 0 <= self.min_p < 1 and self.window >= 1):
            raise ConfigError("the temperature is from 0 to 5, min_p from 0 to below 1, the window 1 or more")
        if self.temperature == 0 and self.replies > 1:
            raise ConfigError(f"at temperature 0 the {self.replies} replies would be one; ask for --replies 1")


@dataclass(frozen=True)
class SampleSettings:
    """data: pairs whose prompts are answered. sft: the adapter, None for the base alone. base: see `JpoSettings`."""

    data: Path
    sft: Path | None = None
    base: str | None = None
    choice: Choice = field(default_factory=lambda: Choice(top=1.0, held_out=0))
    drawing: Drawing = field(default_factory=Drawing)


def draw(
    model: Any, prompts: Sequence[Sequence[int]], seeds: Sequence[int], chat: Chat, how: Drawing
) -> list[list[list[int]]]:
    """For each prompt (token ids) its replies as token ids, without what ended them.

    seeds: one for each prompt; its replies do not depend on the others in the batch, but for rounding.
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
        lib = torch()
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
        """One word more in each row that is not done."""
        lib = torch()
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
        lib, how = torch(), self._how
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
        """How often each word is among the last few of its row [rows, vocabulary]."""
        lib = torch()
        last = self.drawn[:, max(0, self.length - self._how.window) : self.length]
        counts = lib.zeros_like(self._logits)
        return counts.scatter_add_(1, last.clamp(min=0), (last >= 0).to(counts.dtype))


def sample(settings: SampleSettings, out: Path, run: Run | None = None) -> Path:
    """Answer the prompts and write the replies as `out`/pairs.jsonl, not scored yet; what was begun goes on.

    Raises:
        BadInput: the data, the adapter or a setting is refused.
        StoreError: the folder cannot be written, or holds the samples of another model or of other settings.
        KeyboardInterrupt: stopped; what was drawn is kept.
    """
    run = run or Run()
    read = read_pairs(settings.data)
    provenance = read_provenance(settings.sft) if settings.sft else None
    base = load_base(settings.base or (base_named(provenance) if provenance else "smollm2"))
    chosen = choose(read.pairs, replace(settings.choice, max_reply=settings.choice.max_len), Chat(base.tokenizer))
    told = zip(chosen.pairs, chosen.examples, strict=True)
    asked = {prompt_key(pair): _Asked(pair, example.prompt) for pair, example in told}
    header = {
        "format": 1,
        "kind": "pairs",
        "evaluation": read.header.get("evaluation", "unknown"),
        "sampled": {
            "adapter": provenance["digest"] if provenance else None,
            "base": base.id.to_dict(),
            "data": read.digest,
            "choice": asdict(settings.choice),
            "drawing": asdict(settings.drawing),
            "versions": versions(),
        },
    }
    if (path := out / PAIRS).exists():
        if read_pairs(path).header["sampled"] != json.loads(json.dumps(header["sampled"])):
            raise StoreError(f"{path} holds other samples; name another folder with --out")
        return path
    model = load_adapter(base, settings.sft) if settings.sft else base.model
    model.to(run.machine().device).eval()
    part = _begin(out / PART, digest_of(header))
    left = sorted((key for key in asked if key not in part), key=lambda key: (len(asked[key].prompt), key))
    run.watch.begin("prompts", len(asked), len(part))
    answer = _Answers(model, Chat(base.tokenizer), settings.drawing, run.machine())
    with _appending(out / PART) as write:
        for start in range(0, len(left), settings.drawing.prompts):
            if run.stop():
                raise KeyboardInterrupt
            keys = left[start : start + settings.drawing.prompts]
            for key, pairs in zip(keys, answer([asked[key] for key in keys]), strict=True):
                part[key] = [pair.to_dict() for pair in pairs]
                write({"key": key, "pairs": part[key]})
            run.watch.advance(len(keys), "")
    _finish(out, header, [line for key in asked for line in part[key]])
    return path


@dataclass(frozen=True, slots=True)
class _Asked:
    pair: Pair
    prompt: tuple[int, ...]


@dataclass(frozen=True)
class _Answers:
    """Replies to prompts, as pairs; one that is empty is left out."""

    model: Any
    chat: Chat
    how: Drawing
    where: Machine

    def __call__(self, asked: Sequence[_Asked]) -> Iterator[list[Pair]]:
        seeds = [child_seed(self.how.seed, "sample", prompt_key(each.pair)) for each in asked]
        with torch().inference_mode(), self.where.casting():
            found = draw(self.model, [each.prompt for each in asked], seeds, self.chat, self.how)
        for each, replies in zip(asked, found, strict=True):
            texts = [self.chat.text(tokens).strip() for tokens in replies]
            rewards = {**each.pair.rewards, "judge": None}
            yield [replace(each.pair, reply=text, rewards=rewards, repaired=False) for text in texts if text]


def _begin(path: Path, plan: str) -> dict[str, list[dict[str, Any]]]:
    """What was drawn before, by prompt; a last line that was cut off is taken away.

    Raises:
        StoreError: it was drawn with other settings.
    """
    if not path.exists():
        replace_file(path, json.dumps({"plan": plan}).encode() + b"\n")
        return {}
    content = path.read_bytes()
    whole = content[: content.rfind(b"\n") + 1]
    if whole != content:
        replace_file(path, whole)
    lines = [json.loads(line) for line in whole.splitlines()]
    if not lines or lines[0] != {"plan": plan}:
        raise StoreError(f"{path} holds the beginning of other samples; name another folder with --out, or delete it")
    return {line["key"]: line["pairs"] for line in lines[1:]}


@contextmanager
def _appending(path: Path) -> Iterator[Callable[[Any], None]]:
    """A function that adds a line of JSON to a file."""
    try:
        with path.open("a", encoding="utf-8") as file:

            def write(data: Any) -> None:
                file.write(json.dumps(data) + "\n")
                file.flush()

            yield write
    except OSError as error:
        raise StoreError(f"{path} cannot be written ({error.strerror or error}); free some space, and repeat") from None


def _finish(out: Path, header: dict[str, Any], pairs: Sequence[dict[str, Any]]) -> None:
    if not pairs:
        raise ConfigError("every reply is empty; the adapter has unlearned to speak: train it anew with a lower --lr")
    lines = [json.dumps({**header, "pairs": len(pairs)}), *(json.dumps(pair) for pair in pairs)]
    replace_file(out / PAIRS, ("\n".join(lines) + "\n").encode())
    (out / PART).unlink(missing_ok=True)
