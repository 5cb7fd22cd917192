"""A language model small enough for tests, and pairs for it to learn."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from poise.agents.protocols import Brief, ChatMessage, Line, Request, View
from poise.agents.voices.prompts import render
from poise.games.moves import offer
from poise.games.rules import Rules
from poise.training.data.dataset import PromptReply
from poise.training.language.loop import LanguageRun
from poise.training.language.settings import LoraSettings, PairSelection, SftSettings, Steps
from poise.training.language.sft import train_sft

CHATML = (
    "{% for m in messages %}{{ '<|im_start|>' + m['role'] + '\n' + m['content'] + '<|im_end|>\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
RUN = LanguageRun(device="cpu", precision="float32")
ALL = PairSelection(top=1.0, held_out=0, max_reply=200)
FEELS = {"anger": "This makes me angry.", "joy": "I am so happy!", "fear": "I am afraid of that."}


def tiny_base(folder: Path, words: str = "") -> Path:
    """A random llama of two layers and a tokenizer of whole words and bytes, as a model's folder."""
    import torch
    import transformers
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    torch.set_num_threads(1)  # more only get in each other's way in so small a model
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=600,
        special_tokens=["<|im_start|>", "<|im_end|>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    text = " ".join(turn.content for pair in pairs(6) for turn in pair.messages)
    tokenizer.train_from_iterator([text, *FEELS.values(), words], trainer)
    fast = transformers.PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, bos_token="<|im_start|>", eos_token="<|im_end|>", chat_template=CHATML
    )
    config = transformers.LlamaConfig(
        vocab_size=len(fast),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=2048,
        tie_word_embeddings=True,
        bos_token_id=0,
        eos_token_id=1,
    )
    with torch.random.fork_rng():
        torch.manual_seed(7)
        model = transformers.LlamaForCausalLM(config)
    model.save_pretrained(folder)
    fast.save_pretrained(folder)
    return folder


def brief(seat: str = "creditor") -> Brief:
    return Brief(seat, 20, "debt", "days", 1, (0, 365), {"Creditor": "A shop", "Debtor": "A baker"}, Rules())  # type: ignore[arg-type]


def pair(
    match: int, index: int, emotion: str | None = "anger", reply: str = "", judge: float | None = None
) -> PromptReply:
    """A creditor's message of a match, with the prompt of run time."""
    value = 30 + 2 * index
    lines = []
    for earlier in range(index):
        seat = "debtor" if earlier % 2 else "creditor"
        lines.append(Line(seat, f"I say {20 + earlier} days.", offer(20 + earlier)))
    request = Request(View(brief(), tuple(lines)), offer(value), emotion)
    messages = tuple(ChatMessage(*turn) for turn in render(request, "policy").messages())
    words = reply or f"{FEELS.get(emotion or '', 'Listen.')} I need the full payment in {value} days."
    rewards = {"v1": 0.0, "v2": 0.0, "v3": 0.0, "v4": 0.1, "utility": 0.5, "judge": judge}
    place = ("debt", f"debt-{match % 4}", str(match), index, "creditor")
    return PromptReply(
        *place, emotion, messages, words, offer(value), rewards, 0.1 * match + index, "dialogues made-up"
    )


def pairs(matches: int = 8, messages: Sequence[int] = (0, 2)) -> list[PromptReply]:
    emotions = list(FEELS)
    return [pair(match, index, emotions[(match + index) % 3]) for match in range(matches) for index in messages]


def write_pairs(folder: Path, found: Sequence[PromptReply]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    header = {"format": 1, "kind": "pairs", "pairs": len(found)}
    lines = [json.dumps(header), *(json.dumps(each.to_dict()) for each in found)]
    path = folder / "pairs.jsonl"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def sft_home(home: Path, matches: int, judged: Sequence[PromptReply]) -> Path:
    """A folder with a `base`, an adapter `sft` that was trained on the pairs in `data`, and pairs `judged`."""
    base = str(tiny_base(home / "base"))
    write_pairs(home / "data", pairs(matches))
    write_pairs(home / "judged", judged)
    train_sft(SftSettings(home / "data", base, ALL, LoraSettings(4, 8), Steps(0.01, batch=4)), home / "sft", RUN)
    return home


def curve(folder: Path) -> list[float]:
    """The loss of each step."""
    return [json.loads(line)["loss"] for line in (folder / "curve.jsonl").read_text().splitlines()]
