"""Sequences that begin alike, computed once: the same as each computed by itself."""

from __future__ import annotations

import numpy as np
import pytest
from helpers.words_fakes import pairs, tiny_base
from hypothesis import given
from hypothesis import strategies as st

from poise.training.language.prefix_tree import plant, portions
from poise.training.language.tokens import TokenExample

torch = pytest.importorskip("torch")
tokens = st.lists(st.integers(0, 2), min_size=1, max_size=6).map(tuple)
examples = st.lists(st.builds(TokenExample, tokens, tokens), min_size=1, max_size=8)


@given(examples)
def test_each_sequence_sees_exactly_its_own_past(found):
    forest = plant(found)
    mask = forest.mask()
    for example, sources, targets in zip(found, forest.sources, forest.targets, strict=True):
        whole = (*example.prompt, *example.reply)
        assert tuple(targets) == example.reply
        for place, source in enumerate(sources):
            seen = np.flatnonzero(mask[source])
            past = whole[: len(example.prompt) + place]
            assert tuple(forest.tokens[seen]) == past
            assert list(forest.depths[seen]) == list(range(len(past)))


@given(examples)
def test_no_token_is_computed_twice(found):
    forest = plant(found)
    pasts = {(*each.prompt, *each.reply)[:end] for each in found for end in range(1, len(each) + 1)}
    assert len(forest) == len(pasts)
    assert forest.is_chain == (len({len(past) for past in pasts}) == len(pasts))


@given(examples, st.integers(1, 20))
def test_portions_are_a_partition_within_the_budget(found, budget):
    split = list(portions(found, [(index,) for index in range(len(found))], budget))
    assert sorted(index for portion in split for index in portion) == list(range(len(found)))
    assert all(len(portion) == 1 or len(plant([found[i] for i in portion])) <= budget for portion in split)


@given(examples, st.integers(1, 20))
def test_what_is_compared_stays_in_one_portion_in_its_order(found, budget):
    units = list(zip(range(0, len(found) - 1, 2), range(1, len(found), 2), strict=True))
    split = list(portions(found, units, budget))
    pairs = [tuple(portion[place : place + 2]) for portion in split for place in range(0, len(portion), 2)]
    assert sorted(pairs) == units
    assert all(len(portion) == 2 or len(plant([found[i] for i in portion])) <= budget for portion in split)


def test_three_replies_to_one_prompt():
    forest = plant([TokenExample((5, 6, 7), (1,)), TokenExample((5, 6, 7), (2,)), TokenExample((5, 6), (8, 9))])
    assert len(forest) == 7
    assert [list(each) for each in forest.sources] == [[2], [2], [1, 5]]


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    from poise.training.language.base import load_base

    return load_base(str(tiny_base(tmp_path_factory.mktemp("base"))))


def test_a_forest_gives_the_log_probabilities_and_gradients_of_separate_sequences(base):
    from poise.training.language.forward import reply_logps, training_machine
    from poise.training.language.tokens import Chat

    chat = Chat(base.tokenizer)
    found = [chat.example(pair.messages, pair.reply) for pair in pairs(2)]
    where = training_machine("cpu", "float32")
    model = base.model.double()
    together = reply_logps(model, plant(found), where)
    apart = [reply_logps(model, plant([each]), where)[0] for each in found]
    for one, two in zip(together, apart, strict=True):
        torch.testing.assert_close(one, two, rtol=1e-5, atol=1e-6)
    weight = model.model.layers[0].self_attn.q_proj.weight
    gradients = [torch.autograd.grad(sum(each.sum() for each in logps), weight)[0] for logps in (together, apart)]
    torch.testing.assert_close(*gradients, rtol=1e-5, atol=1e-6)
    base.model.float()


def test_log_probabilities_are_those_of_transformers_own_loss(base):
    from poise.training.language.forward import reply_logps, training_machine
    from poise.training.language.tokens import Chat

    example = Chat(base.tokenizer).example(pairs(1)[1].messages, pairs(1)[1].reply)
    logps = reply_logps(base.model, plant([example]), training_machine("cpu", "float32"))[0]
    ids = torch.tensor([[*example.prompt, *example.reply]])
    labels = torch.tensor([[*[-100] * len(example.prompt), *example.reply]])
    torch.testing.assert_close(-logps.mean(), base.model(input_ids=ids, labels=labels).loss, rtol=1e-5, atol=1e-6)
