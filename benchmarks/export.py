"""Whether an exported adapter replies like the trained one: python benchmarks/export.py [--adapter DIR]

For prompts as in play (all domains, any emotion or none, from the first message to the middle of negotiations): the
trained model's next-token distributions and greedy replies (transformers, on the dequantised base, in float32) beside
those of the exported file in the embedded engine. The base without adapter, compared the same way, is the floor that
quantisation leaves; the base compared with the trained model is how much the adapter changes; an adapter whose rows are
not reordered for llama.cpp is what a wrong export would look like. Without --adapter a random one of rank 16 is used.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import Any
from unittest import mock

from poise.agents.emotions.taxonomy import EMOTIONS28
from poise.agents.models.embedded.engine import Engine
from poise.agents.models.embedded.weights import find_weights
from poise.agents.protocols import Brief, Line, Request, View
from poise.agents.voices.prompts import render
from poise.common.seeds import Dice
from poise.games.domains import domain_names
from poise.games.moves import offer
from poise.games.rules import Rules
from poise.games.scenarios.loaders import load_scenarios
from poise.training.export import adapter_file
from poise.training.export.adapter_file import write_adapter
from poise.training.export.base_file import BaseFile, read_base
from poise.training.export.fidelity import Fidelity, compare, greedy_replies
from poise.training.export.peft_folder import Lora, read_lora
from poise.training.language.adapter import add_adapter
from poise.training.language.base import Base, load_base
from poise.training.language.settings import LoraSettings
from poise.training.libraries import library, quietly, require_torch


def prompts(base: Base, count: int) -> list[list[int]]:
    """`count` creditor's prompts as tokens."""
    found = []
    domains = list(domain_names())
    for index in range(count):
        dice = Dice(index, "export")
        case = load_scenarios(f"builtin:{domains[index % len(domains)]}:test")[index % 10]
        middle = (case.creditor_target + case.debtor_target) // 2
        talk = [
            Line("creditor", f"I can give you {case.creditor_target} {case.unit}.", offer(case.creditor_target)),
            Line(
                "debtor",
                f"That is too hard for us. I need {case.debtor_target} {case.unit}.",
                offer(case.debtor_target),
            ),
        ] * (index % 3)
        brief = Brief(
            "creditor", case.creditor_target, case.domain, case.unit, case.polarity, case.bounds, case.context, Rules()
        )
        emotion = (*EMOTIONS28, None)[int(dice.unit() * 29)]
        turns = render(Request(View(brief, tuple(talk)), offer(middle), emotion), "policy").messages()
        messages = [{"role": role, "content": text} for role, text in turns]
        text = base.tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
        found.append(base.tokenizer(text, add_special_tokens=False)["input_ids"])
    return found


def random_adapter(base: Base, folder: Path, size: float) -> Any:
    """An adapter whose B is random with deviation `size`, so that its replies differ from the base's."""
    lib = require_torch()
    model = add_adapter(base, LoraSettings(dropout=0.0), seed=1)
    dice = lib.Generator().manual_seed(1)
    for name, values in model.named_parameters():
        if "lora_B" in name:
            values.data.normal_(0.0, size, generator=dice)
    with quietly():
        model.save_pretrained(str(folder))
    return model.eval()


FILES = ("f16", "q8_0", "f32", "not reordered")


def exported(lora: Lora, file: BaseFile, folder: Path, names: list[str]) -> dict[str, str]:
    """The adapter's file in each precision, and one whose rows are not reordered."""
    paths = {name: str(folder / f"{name}.gguf") for name in names}
    for name, path in paths.items():
        if name == "not reordered":
            with mock.patch.object(adapter_file, "reorder", lambda rows, _heads: rows):
                write_adapter(lora, file, Path(path), "f32")
        else:
            write_adapter(lora, file, Path(path), name)
    return paths


def show(name: str, found: Fidelity, size: int = 0) -> None:
    """Print one line."""
    print(
        f"{name:34} KL {found.kl:.5f} nats/token (worst {found.worst:.3f}), same token {found.same_token:6.1%}, "
        f"same reply {found.same_reply:6.1%}" + (f", {size / 1e6:.2f} MB" if size else ""),
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--adapter", type=Path)
    parser.add_argument("--prompts", type=int, default=50)
    parser.add_argument("--steps", type=int, default=16)
    parser.add_argument("--size", type=float, default=0.05, help="of the random adapter's B")
    parser.add_argument("--files", nargs="+", choices=FILES, default=list(FILES))
    parser.add_argument("--threads", type=int, default=2)
    given = parser.parse_args()
    require_torch().set_num_threads(given.threads)
    base = load_base()
    asked = prompts(base, given.prompts)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        engine = Engine(find_weights(), 1, 2048, given.threads)
        floor = compare([greedy_replies(base.model, prompt, given.steps) for prompt in asked], engine, "")
        print(f"{floor.prompts} prompts, {floor.tokens} tokens of greedy replies of at most {given.steps}")
        show("base, no adapter (the floor)", floor)
        if given.adapter:
            with quietly():
                model = library("peft").PeftModel.from_pretrained(base.model, str(given.adapter)).eval()
        else:
            model = random_adapter(base, folder, given.size)
        paths = exported(read_lora(given.adapter or folder), read_base(None), folder, given.files)
        engine.close()
        engine = Engine(find_weights(), 1, 2048, given.threads, paths)
        spoken = [greedy_replies(model, prompt, given.steps) for prompt in asked]
        for key, path in paths.items():
            show(f"adapter, {key}", compare(spoken, engine, key), Path(path).stat().st_size)
        show("base beside the trained model", compare(spoken, engine, ""))
        engine.close()


if __name__ == "__main__":
    main()
