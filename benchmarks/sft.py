"""Supervised fine-tuning: tokens a second, Poise's loop beside a plain transformers + peft loop, in one run.

    python benchmarks/sft.py DATA [--base smollm2] [--pairs 48] [--rounds 2] [--max-len 400]

Both make the same gradient steps on the same pairs with the same LoRA in the same precision: batches of 16, loss on the
reply, AdamW. The plain loop is that of tutorials: pairs in random order, batches of 4 added up to 16, padded to the
longest, logits of every token. Rounds alternate, so that other load on the machine affects both. Tokens are those of
the pairs, without padding, so that the figures can be compared.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from statistics import median

from poise.training.data.dataset import read_pairs
from poise.training.language.adapter import add_adapter, parameters
from poise.training.language.base import load_base
from poise.training.language.choose import choose
from poise.training.language.loop import LanguageRun, Training
from poise.training.language.settings import LoraSettings, PairSelection, Steps
from poise.training.language.sft import TokenLoss, match_of
from poise.training.language.tokens import Chat
from poise.training.run_folder import RunFolder

BATCH, SMALL = 16, 4


def plain(model, examples, order, where) -> tuple[float, float]:
    """Seconds, and the loss of the first step."""
    import torch

    weights = list(parameters(model).values())
    adam = torch.optim.AdamW(weights, lr=1e-4, weight_decay=0.0)
    model.train()
    began, first = time.perf_counter(), 0.0
    for start in range(0, len(order), BATCH):
        batch = order[start : start + BATCH]
        adam.zero_grad(set_to_none=True)
        for small in range(0, len(batch), SMALL):
            rows = [examples[index] for index in batch[small : small + SMALL]]
            longest = max(map(len, rows))
            ids = torch.zeros(len(rows), longest, dtype=torch.long)
            mask, labels = torch.zeros_like(ids), torch.full_like(ids, -100)
            for place, row in enumerate(rows):
                ids[place, : len(row)] = torch.tensor([*row.prompt, *row.reply])
                mask[place, : len(row)] = 1
                labels[place, len(row.prompt) : len(row)] = torch.tensor(row.reply)
            ids, mask, labels = (each.to(where.device) for each in (ids, mask, labels))
            with where.casting():
                loss = model(input_ids=ids, attention_mask=mask, labels=labels, use_cache=False).loss
            (loss * len(rows) / len(batch)).backward()
            first += float(loss.detach()) * len(rows) / len(batch) if start == 0 else 0.0
        torch.nn.utils.clip_grad_norm_(weights, 1.0)
        adam.step()
    return time.perf_counter() - began, first


def poise(model, examples, groups, run) -> tuple[float, float, float]:
    """Seconds, the loss of the first step, and the share of the tokens that was computed."""
    with tempfile.TemporaryDirectory() as folder:
        steps = Steps(1e-4, batch=BATCH)
        began = time.perf_counter()
        kept = RunFolder(Path(folder), {}, "checkpoint.safetensors")
        curve = Training(model, examples, groups, TokenLoss(examples), steps, run, kept).go().curve
        seconds = time.perf_counter() - began
    return seconds, curve[0]["loss"], sum(each["computed"] for each in curve) / sum(each["tokens"] for each in curve)


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("data", type=Path)
    asked.add_argument("--base", default="smollm2")
    asked.add_argument("--pairs", type=int, default=48)
    asked.add_argument("--rounds", type=int, default=2)
    asked.add_argument("--max-len", type=int, default=400)
    asked.add_argument("--device", default="auto")
    asked.add_argument("--precision", default="auto")
    given = asked.parse_args()
    base = load_base(given.base)
    choice = PairSelection(limit=given.pairs, max_len=given.max_len, held_out=0)
    chosen = choose(read_pairs(given.data).pairs, choice, Chat(base.tokenizer))
    run = LanguageRun(given.device, given.precision)
    where = run.machine()
    model = add_adapter(base, LoraSettings(), 0).to(where.device)
    state = {name: each.detach().clone() for name, each in parameters(model).items()}
    groups = [match_of(pair) for pair in chosen.pairs]
    order = [index for batch in replace(Steps(1e-4), batch=BATCH).batches(range(len(groups))) for index in batch]
    tokens = sum(map(len, chosen.examples))
    speeds: dict[str, list[float]] = {"plain": [], "poise": []}
    for _ in range(given.rounds):
        for name, found in speeds.items():
            for key, each in parameters(model).items():
                each.data.copy_(state[key])
            seconds, loss, *share = (
                plain(model, chosen.examples, order, where)
                if name == "plain"
                else poise(model, chosen.examples, groups, run)
            )
            found.append(tokens / seconds)
            more = f", {share[0]:.0%} of the tokens computed" if share else ""
            print(f"{name}: {found[-1]:.0f} tokens/s, first loss {loss:.3f}{more}", flush=True)
    fast, slow = median(speeds["poise"]), median(speeds["plain"])
    print(f"{len(groups)} pairs, {tokens} tokens, {where.device} {where.precision}: {fast:.0f} against {slow:.0f}"
          f" tokens/s, {fast / slow:.2f} times as fast")  # fmt: skip


if __name__ == "__main__":
    main()
