"""The folder of a training: another training's is refused with what differs, a damaged checkpoint with the remedy."""

from __future__ import annotations

import json

import pytest

from poise.common.errors import StoreError
from poise.training.run_folder import RunFolder

IDENTITY = {"settings": {"rate": 0.1, "lora": {"rank": 4, "targets": ("q", "k")}}, "data": "abc"}


def decode(content):
    data = json.loads(content)
    return data["identity"], data["state"]


def folder(path, **changes) -> RunFolder:
    return RunFolder(path, {**IDENTITY, **changes}, "checkpoint.json")


def test_a_checkpoint_is_read_as_it_was_written(tmp_path):
    here = folder(tmp_path / "new")
    assert here.read_checkpoint(decode) is None
    here.write_checkpoint(json.dumps({"identity": IDENTITY, "state": 3}).encode())
    assert here.read_checkpoint(decode) == 3
    (here.path / "more").touch()
    here.clear("more", "never there")
    assert list(here.path.iterdir()) == []


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"settings": {"rate": 0.2, "lora": {"rank": 4, "targets": ("q", "k")}}}, r"\(rate was 0.1, now 0.2\)"),
        ({"settings": {"rate": 0.1, "lora": {"rank": 8, "targets": ("q", "k")}}}, r"\(lora.rank was 4, now 8\)"),
        ({"data": "def"}, r"\(data: not the same\)"),
        ({"settings": {"rate": 0.1, "lora": None}, "data": "def"}, r"lora was \{.*\}, now None; data: not the same\)"),
    ],
)
def test_another_training_is_refused_with_what_differs(tmp_path, changes, words):
    folder(tmp_path).write_checkpoint(json.dumps({"identity": IDENTITY, "state": 3}).encode())
    with pytest.raises(StoreError, match=words):
        folder(tmp_path, **changes).read_checkpoint(decode)


@pytest.mark.parametrize("other", [None, {}, "a digest", {"data": "abc"}])
def test_an_identity_that_says_nothing_is_another_one(tmp_path, other):
    with pytest.raises(StoreError, match=r"another training .*--out"):
        folder(tmp_path).refuse_other(other)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"identity": 1}', b"\xff"])
def test_a_damaged_checkpoint_is_refused(tmp_path, content):
    folder(tmp_path).write_checkpoint(content)
    with pytest.raises(StoreError, match=r"damaged .*delete it"):
        folder(tmp_path).read_checkpoint(decode)
