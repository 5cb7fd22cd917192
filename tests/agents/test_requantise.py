"""The quicker copy of smollm2: the same numbers, made once, under the published file's name."""

from __future__ import annotations

import numpy as np
import pytest
from helpers.tiny_gguf import write_tiny_model

from poise.agents.models.embedded import requantise as module
from poise.agents.models.embedded.folder import ModelFile
from poise.agents.models.embedded.header import read_header
from poise.agents.models.embedded.requantise import playable, requantise
from poise.agents.models.settings import ModelSettings
from poise.common.errors import AgentError

gguf = pytest.importorskip("gguf")


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    """A model whose matrices are Q4_1, as smollm2's are."""
    folder = tmp_path_factory.mktemp("gguf")
    return write_tiny_model(folder / "tiny.gguf", "llama", kind=gguf.GGMLQuantizationType.Q4_1)


def numbers(path):
    return {
        tensor.name: gguf.quants.dequantize(tensor.data, tensor.tensor_type) for tensor in gguf.GGUFReader(path).tensors
    }


def test_every_number_is_within_half_a_step_of_eight_bits_and_all_else_is_the_same(published, tmp_path):
    requantise(published, tmp_path / "quick.gguf")
    before, after = numbers(published), numbers(tmp_path / "quick.gguf")
    assert before.keys() == after.keys()
    for name, values in before.items():
        blocks = values.reshape(-1, 32) if values.ndim == 2 else values.reshape(1, -1)
        step = np.abs(blocks).max(axis=1, keepdims=True) / 127
        gap = np.abs(blocks - after[name].reshape(blocks.shape))
        assert (gap <= 0.51 * step + 1e-3 * np.abs(blocks)).all(), name  # the step itself is kept as f16
    headers = read_header(published), read_header(tmp_path / "quick.gguf")
    same = [{key: value for key, value in each.values.items() if key != "general.file_type"} for each in headers]
    assert same[0] == same[1]
    assert headers[0].parameters == headers[1].parameters


def test_it_is_made_once_and_only_for_smollm2_unless_the_published_file_is_wanted(published, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    made = []
    monkeypatch.setattr(module, "requantise", lambda source, target: made.append(source) or target.write_bytes(b"x"))
    smollm2, other = (ModelFile(name, published, "here") for name in ("smollm2", "other"))
    copies = {playable(smollm2, ModelSettings()) for _ in range(3)}
    assert made == [published]
    assert [copy.parent.parent for copy in copies] == [tmp_path / "poise"]
    assert playable(other, ModelSettings()) == published
    assert playable(smollm2, ModelSettings(weights="published")) == published
    with pytest.raises(AgentError, match="weights 'q8' is neither"):
        ModelSettings(weights="q8")


def test_without_a_folder_to_write_to_it_plays_as_published(published, tmp_path, monkeypatch):
    (tmp_path / "poise").write_text("a file")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert playable(ModelFile("smollm2", published, "here"), ModelSettings()) == published
