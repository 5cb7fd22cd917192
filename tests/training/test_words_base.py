"""Base models: what is none is refused before anything is trained, and each is known by its checksum."""

from __future__ import annotations

import json
import struct

import pytest
from helpers.words_fakes import tiny_base

from poise.agents.protocols import ChatMessage
from poise.common.errors import ConfigError
from poise.training.language.base import base_digest, gguf_text, identify, load_base
from poise.training.language.tokens import Chat

pytest.importorskip("torch")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tiny_base(tmp_path_factory.mktemp("base"))


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("nonsense", "neither smollm2"),
        ("./a/b", "neither smollm2"),
        ("{tmp}", "no config.json"),
        ("{tmp}/none.gguf", "does not exist"),
        ("{tmp}/broken.gguf", "cannot be loaded"),
    ],
)
def test_what_is_no_model_is_refused_with_the_remedy(tmp_path, source, words):
    (tmp_path / "broken.gguf").write_bytes(b"GGUF" + bytes(64))
    with pytest.raises(ConfigError, match=words):
        load_base(source.format(tmp=tmp_path))


def test_a_model_without_a_chat_template_is_refused(folder, tmp_path):
    import shutil

    copy = shutil.copytree(folder, tmp_path / "copy")
    (copy / "chat_template.jinja").unlink(missing_ok=True)
    settings = json.loads((copy / "tokenizer_config.json").read_text())
    settings.pop("chat_template", None)
    (copy / "tokenizer_config.json").write_text(json.dumps(settings))
    with pytest.raises(ConfigError, match="no chat template"):
        load_base(str(copy))


def test_weights_cut_short_are_refused(folder, tmp_path):
    import shutil

    copy = shutil.copytree(folder, tmp_path / "copy")
    weights = copy / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])
    with pytest.raises(ConfigError, match="cannot be loaded"):
        load_base(str(copy))


def test_a_base_is_known_by_what_makes_it(folder, tmp_path):
    assert identify(str(folder)) == load_base(str(folder)).id.sha256 == base_digest(folder)
    assert base_digest(tiny_base(tmp_path / "same")) == base_digest(folder)
    assert base_digest(tiny_base(tmp_path / "other", "quite another text")) != base_digest(folder)


def test_a_reply_ends_its_turn_and_the_prompt_is_the_templates(folder):
    base = load_base(str(folder))
    chat = Chat(base.tokenizer)
    asked = [ChatMessage("system", "You sell."), ChatMessage("user", "Go on.")]
    example = chat.example(asked, "I need 30 days.")
    assert example.reply[-1] == chat.end == base.tokenizer.eos_token_id
    assert chat.text(example.reply) == "I need 30 days."
    assert base.tokenizer.decode(list(example.prompt)) == (
        "<|im_start|>system\nYou sell.<|im_end|>\n<|im_start|>user\nGo on.<|im_end|>\n<|im_start|>assistant\n"
    )


def test_a_text_is_found_in_a_gguf_file(tmp_path):
    path = tmp_path / "x.gguf"
    entry = b"tokenizer.ggml.pre"
    value = b"smollm"
    path.write_bytes(
        b"GGUF" + struct.pack("<Q", len(entry)) + entry + struct.pack("<I", 8) + struct.pack("<Q", len(value)) + value
    )
    assert gguf_text(path, "tokenizer.ggml.pre") == "smollm"
    assert gguf_text(path, "tokenizer.ggml.model") == ""
