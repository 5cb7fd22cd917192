"""SmolLM2 from its GGUF file: the prompts of run time token by token, and a few real steps that teach it something."""

from __future__ import annotations

import json

import pytest
from helpers.words_fakes import pairs, write_pairs

from poise.agents.models.embedded.weights import SMOLLM2_WEIGHTS
from poise.agents.protocols import ChatMessage
from poise.training.language.adapter import read_provenance
from poise.training.language.base import load_base
from poise.training.language.loop import LanguageRun
from poise.training.language.settings import PairSelection, SftSettings, Steps
from poise.training.language.sft import train_sft
from poise.training.language.tokens import Chat

pytestmark = pytest.mark.model
pytest.importorskip("torch")
ODD = [
    [
        ChatMessage("system", "Balance 15,700 dollars (12.5%)."),
        ChatMessage("user", "caf\u00e9 \u2026 1234567 or 7-10 days, 3x"),
    ],
    [
        ChatMessage("user", "No system text: 45-day plan."),
        ChatMessage("assistant", "I can't, it's 60 days."),
        ChatMessage("user", "ok 3"),
    ],
]


@pytest.fixture(scope="module")
def base():
    return load_base()


def test_prompts_are_cut_into_the_very_tokens_that_llama_cpp_evaluates(base):
    """The engine is given the tokens first; of the same prompt as messages all but the last are then cached."""
    from poise.agents.models.embedded.shared import shared_engine
    from poise.agents.models.settings import ModelSettings

    server = shared_engine(ModelSettings())._server
    chat = Chat(base.tokenizer)
    assert chat.end == base.tokenizer.convert_tokens_to_ids("<|im_end|>")
    for messages in [*ODD, *(pair.messages for pair in pairs(3))]:
        tokens = list(chat.prompt(messages))
        shared = {"cache_prompt": True, "id_slot": 0}
        server.handle_completions({"prompt": tokens, "n_predict": 1, **shared})
        body = {"messages": [turn._asdict() for turn in messages], "max_tokens": 1, **shared}
        timings = server.handle_chat_completions(body)["timings"]
        assert (timings["cache_n"], timings["prompt_n"]) == (len(tokens) - 1, 1)


def test_a_few_real_steps_lower_the_loss_on_what_was_set_aside(base, tmp_path):
    assert base.id.sha256 == SMOLLM2_WEIGHTS.sha256
    write_pairs(tmp_path / "data", pairs(4))
    steps = Steps(1e-3, batch=3, warmup=0.0)
    settings = SftSettings(tmp_path / "data", choice=PairSelection(top=1.0, held_out=2), steps=steps)
    trained = train_sft(settings, tmp_path / "sft", LanguageRun(device="cpu"))
    scores = trained.provenance["scores"]
    assert scores["loss_after"] < 0.8 * scores["loss_before"]
    assert read_provenance(tmp_path / "sft")["base"]["name"] == "smollm2"
    assert json.loads((tmp_path / "sft" / "adapter_config.json").read_text())["r"] == 16
