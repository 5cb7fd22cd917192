"""Replies of the model in training: drawn from its distribution, the same for the same seed, gone on with."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from helpers.words_fakes import RUN, pairs, tiny_base, write_pairs

from poise.common.errors import ConfigError, StoreError
from poise.training.data.dataset import read_pairs
from poise.training.language.base import load_base
from poise.training.language.sampler import draw_replies
from poise.training.language.sampling import sample
from poise.training.language.settings import Drawing, PairSelection, SampleSettings
from poise.training.language.tokens import Chat

torch = pytest.importorskip("torch")
PLAIN = Drawing(replies=1, temperature=0.0, penalty=0.0, longest=12)


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    folder = tmp_path_factory.mktemp("samples")
    tiny_base(folder / "base")
    write_pairs(folder / "data", pairs(3))
    return folder


@pytest.fixture(scope="module")
def base(home):
    return load_base(str(home / "base"))


@pytest.fixture(scope="module")
def prompts(base):
    chat = Chat(base.tokenizer)
    return [chat.prompt(pair.messages) for pair in pairs(2)]


def drawn(base, prompts, how, seeds=(1, 2, 3, 4)):
    with torch.inference_mode():
        return draw_replies(base.model, prompts, seeds[: len(prompts)], Chat(base.tokenizer), how)


def test_the_likeliest_words_are_those_of_transformers_own_generate(base, prompts):
    found = drawn(base, prompts, PLAIN)
    chat = Chat(base.tokenizer)
    ends = {chat.end, *chat.newlines}
    for prompt, (reply,) in zip(prompts, found, strict=True):
        ids = torch.tensor([prompt])
        made = base.model.generate(
            ids, attention_mask=torch.ones_like(ids), do_sample=False, max_new_tokens=12, pad_token_id=1
        )[0, len(prompt) :].tolist()
        cut = next((place for place, token in enumerate(made) if token in ends), len(made))
        assert reply == made[:cut]


def test_a_prompts_replies_do_not_depend_on_what_else_is_answered(base, prompts):
    how = Drawing(replies=3, temperature=1.0, longest=10)
    together = drawn(base, prompts, how)
    alone = [drawn(base, [prompt], how, (seed,))[0] for prompt, seed in zip(prompts, (1, 2, 3, 4), strict=True)]
    assert together == alone
    assert drawn(base, prompts, how, (5, 6, 7, 8)) != together


def test_words_come_as_often_as_they_are_likely(base, prompts):
    """The first words of 64 x 40 replies against the model's own probabilities, min_p applied (chi-squared)."""
    how = Drawing(replies=64, temperature=1.3, min_p=0.3, longest=1)
    with torch.inference_mode():
        logits = base.model(torch.tensor([prompts[0]])).logits[0, -1]
    likely = logits.softmax(-1)
    kept = likely >= how.min_p * likely.max()
    wanted = (logits.masked_fill(~kept, -torch.inf) / how.temperature).softmax(-1).numpy()
    ends = {Chat(base.tokenizer).end, *Chat(base.tokenizer).newlines}
    counts = np.zeros(len(wanted))
    for seed in range(40):
        for reply in drawn(base, [prompts[0]], how, (seed,))[0]:
            for token in reply:
                counts[token] += 1
    wanted[list(ends)] = 0
    wanted *= counts.sum() / wanted.sum()
    inside = wanted > 0
    assert counts[~inside].sum() == 0
    assert inside.sum() > 3
    statistic = ((counts[inside] - wanted[inside]) ** 2 / wanted[inside]).sum()
    degrees = inside.sum() - 1
    assert statistic < degrees + 4 * np.sqrt(2 * degrees)


def test_a_penalty_keeps_a_reply_from_going_round_in_circles(base, prompts):
    """With so heavy a penalty no word comes twice among any 20 in a row; without it some do."""
    how = Drawing(replies=4, temperature=1.0, min_p=0.0, penalty=0.0, longest=60)
    free, held = (drawn(base, prompts, replace(how, penalty=penalty)) for penalty in (0.0, 100.0))
    circles = [[len(part) - len(set(part)) for part in _windows(found)] for found in (free, held)]
    assert max(circles[0]) > 0
    assert max(circles[1]) == 0


def _windows(found):
    replies = [reply for replies in found for reply in replies]
    return [reply[start : start + 20] for reply in replies for start in range(max(1, len(reply) - 19))]


def test_samples_are_pairs_without_a_score_and_are_gone_on_with(home, tmp_path):
    choice, how = PairSelection(top=1.0, held_out=0), Drawing(replies=2, temperature=1.0, longest=8, prompts=2)
    settings = SampleSettings(home / "data", None, str(home / "base"), choice, how)
    asked = iter(range(10))
    with pytest.raises(KeyboardInterrupt):
        sample(settings, tmp_path, replace(RUN, stop=lambda: next(asked) == 1))
    assert not (tmp_path / "pairs.jsonl").exists()
    part = tmp_path / "pairs.part.jsonl"
    part.write_bytes(part.read_bytes() + b'{"key"')
    path = sample(settings, tmp_path, RUN)
    read = read_pairs(path)
    assert {each.messages for each in read.pairs} == {each.messages for each in pairs(3)}
    assert all(each.rewards["judge"] is None for each in read.pairs)
    assert read.header["sampled"]["drawing"]["replies"] == 2
    whole = sample(settings, tmp_path / "whole", RUN)
    assert whole.read_bytes() == path.read_bytes()
    with pytest.raises(StoreError, match="other samples"):
        sample(replace(settings, drawing=replace(how, seed=1)), tmp_path, RUN)
    assert json.loads(path.read_text().splitlines()[0])["pairs"] == len(read.pairs)


@pytest.mark.parametrize(
    "wrong", [{"replies": 0}, {"temperature": -1.0}, {"temperature": 0.0, "replies": 2}, {"min_p": 1.0}]
)
def test_ways_of_drawing_that_are_none_are_refused(wrong):
    with pytest.raises(ConfigError):
        Drawing(**wrong)
