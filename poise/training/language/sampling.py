"""Draws replies of the model in training to the prompts of a data set, as pairs to be scored."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

from poise.common.errors import ConfigError, StoreError
from poise.common.files import digest_of, replace_file
from poise.common.seeds import child_seed
from poise.tournaments.storage.errors import only_run
from poise.training.data.dataset import PAIRS, PromptReply, read_pairs
from poise.training.language.adapter import load_adapter, read_provenance, versions
from poise.training.language.adapter_run import base_named
from poise.training.language.base import load_base
from poise.training.language.choose import choose
from poise.training.language.forward import Machine
from poise.training.language.judged_message import prompt_key
from poise.training.language.loop import LanguageRun
from poise.training.language.sampler import draw_replies
from poise.training.language.settings import Drawing, SampleSettings
from poise.training.language.tokens import Chat
from poise.training.libraries import require_torch

PART: Final = "pairs.part.jsonl"


def sample(settings: SampleSettings, out: Path, run: LanguageRun | None = None) -> Path:
    """Answer the prompts and write the unscored replies as `out`/pairs.jsonl; repeat the call to resume.

    Raises:
        BadInput: the data, the adapter or a setting is refused.
        StoreError: the folder cannot be written, is in use, or holds the samples of another model or of other settings.
        KeyboardInterrupt: stopped; the replies drawn so far are kept.
    """
    run = run or LanguageRun()
    read = read_pairs(settings.data)
    provenance = read_provenance(settings.sft) if settings.sft else None
    base = load_base(settings.base or (base_named(provenance) if provenance else "smollm2"))
    choice = replace(settings.choice, max_reply=settings.choice.max_len)
    chosen = choose(read.pairs, choice, Chat(base.tokenizer))
    answered = zip(chosen.pairs, chosen.examples, strict=True)
    asked = {prompt_key(pair): _Asked(pair, example.prompt) for pair, example in answered}
    header = {
        "format": 1,
        "kind": "pairs",
        "evaluation": read.header.get("evaluation", "unknown"),
        "sampled": {
            "adapter": provenance["digest"] if provenance else None,
            "base": base.id.to_dict(),
            "data": read.digest,
            "choice": asdict(choice),
            "drawing": asdict(settings.drawing),
            "versions": versions(),
        },
    }
    with only_run(out):
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
    pair: PromptReply
    prompt: tuple[int, ...]


@dataclass(frozen=True)
class _Answers:
    """Replies to prompts, as pairs; empty replies are left out."""

    model: Any
    chat: Chat
    how: Drawing
    where: Machine

    def __call__(self, asked: Sequence[_Asked]) -> Iterator[list[PromptReply]]:
        seeds = [child_seed(self.how.seed, "sample", prompt_key(each.pair)) for each in asked]
        with require_torch().inference_mode(), self.where.casting():
            found = draw_replies(self.model, [each.prompt for each in asked], seeds, self.chat, self.how)
        for each, replies in zip(asked, found, strict=True):
            texts = [self.chat.text(tokens).strip() for tokens in replies]
            rewards = {**each.pair.rewards, "judge": None}
            yield [replace(each.pair, reply=text, rewards=rewards, repaired=False) for text in texts if text]


def _begin(path: Path, plan: str) -> dict[str, list[dict[str, Any]]]:
    """The pairs drawn before, by prompt; an incomplete last line is removed.

    Raises:
        StoreError: they were drawn with other settings.
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
        raise StoreError(f"{path} holds a part of other samples; name another folder with --out, or delete it")
    return {line["key"]: line["pairs"] for line in lines[1:]}


@contextmanager
def _appending(path: Path) -> Iterator[Callable[[Any], None]]:
    """A function that appends a line of JSON to a file."""
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
        raise ConfigError(
            "every reply is empty: the adapter no longer produces words; train it again with a lower --lr"
        )
    lines = [json.dumps({**header, "pairs": len(pairs)}), *(json.dumps(pair) for pair in pairs)]
    replace_file(out / PAIRS, ("\n".join(lines) + "\n").encode())
    (out / PART).unlink(missing_ok=True)
