"""Emotion chains: draws follow the row, the published matrices are the published ones."""

import json
import math
from collections import Counter

import numpy as np
import pytest
from helpers.emotion_strategies import BRIEF, heard_view, views
from helpers.engine_strategies import chains, weights
from helpers.paths import SHARED
from hypothesis import given
from hypothesis import strategies as st

from poise.agents.emotions.tables import stochastic
from poise.agents.emotions.taxonomy import EMOTIONS7
from poise.agents.policies import policies
from poise.agents.policies.chains import COOLEST, RELEASED_ORDER, Chain, EmotionChain, from_released_order, sharpened
from poise.agents.policies.emodebt import PRIOR
from poise.agents.policies.evoemo import INITIAL
from poise.agents.protocols import View
from poise.common.errors import BadInput
from poise.common.seeds import Dice

CONSTANTS = SHARED / "reference" / "constants.json"


@given(chain=chains, view=views, seed=st.integers(0, 2**32))
def test_a_chain_shows_one_of_the_seven_and_the_same_again(chain, view, seed):
    shown = EmotionChain(chain).choose(view, Dice(seed))
    assert shown in EMOTIONS7
    assert EmotionChain(chain).choose(view, Dice(seed)) == shown


@given(chain=chains)
def test_a_chain_survives_json(chain):
    assert Chain.from_parameters(json.loads(json.dumps(chain.parameters()))) == chain


def drawn(policy, view, times=4000):
    counts = Counter(policy.choose(view, Dice(7, str(number))) for number in range(times))
    return [counts[emotion] / times for emotion in EMOTIONS7]


@pytest.mark.parametrize("name", ["evoemo", "emodebt"])
@pytest.mark.parametrize("shown", [None, *EMOTIONS7])
def test_untrained_names_draw_from_the_published_row_of_what_was_shown_last(name, shown):
    """Each share is within four standard errors of its probability; the chain starts at neutral."""
    view = heard_view((shown,), ("anger",)) if shown else View(BRIEF)
    row = {"evoemo": INITIAL, "emodebt": PRIOR}[name][EMOTIONS7.index(shown or "neutral")]
    for share, probability in zip(drawn(policies()[name].make(""), view), row, strict=True):
        assert abs(share - probability) < 4 * math.sqrt(probability * (1 - probability) / 4000)


def test_rows_by_what_was_heard_look_at_the_debtor():
    mirror = Chain(tuple(tuple(float(i == j) for j in range(7)) for i in range(7)), rows="heard")
    for heard in EMOTIONS7:
        assert EmotionChain(mirror).choose(heard_view(("joy",), (heard,)), Dice(1)) == heard
        own = EmotionChain(Chain(mirror.matrix))
        assert own.choose(heard_view(("joy",), (heard,)), Dice(1)) == "joy"


@given(row=weights, temperature=st.floats(0.1, 1.0))
def test_sharpening_is_a_power_of_the_row(row, temperature):
    expected = np.array(row) ** (1 / temperature)
    found = np.array(sharpened(row, temperature))
    assert found / found.sum() == pytest.approx(expected / expected.sum(), rel=1e-6, abs=1e-12)


def test_the_temperature_falls_geometrically_to_its_floor():
    chain = Chain(INITIAL, (0.75, 0.1))
    assert [round(chain.at(t), 6) for t in (1, 2, 3)] == [0.675, 0.6075, 0.54675]
    assert chain.at(100) == COOLEST
    assert Chain(INITIAL).at(100) == 1.0


def test_a_cold_chain_shows_the_likeliest_nearly_always():
    matrix = stochastic([[2.0, 1, 1, 1, 1, 1, 1]] * 7)
    shares = drawn(EmotionChain(Chain(matrix, (0.1, 0.0))), View(BRIEF), 1000)
    assert shares[0] == pytest.approx(2**10 / (2**10 + 6), abs=0.01)


def test_the_released_order_is_put_right_in_rows_and_columns():
    table = [[10 * i + j for j in range(7)] for i in range(7)]
    ours = from_released_order(table)
    for i, row in enumerate(RELEASED_ORDER):
        for j, column in enumerate(RELEASED_ORDER):
            assert ours[EMOTIONS7.index(row)][EMOTIONS7.index(column)] == table[i][j]


@pytest.mark.data
def test_the_published_matrices_are_those_of_the_reference():
    if not CONSTANTS.exists():
        pytest.skip("the reference numbers are not beside this checkout")
    reference = json.loads(CONSTANTS.read_text())
    said = {"happy": "joy", "surprising": "surprise", "angry": "anger", "sad": "sadness"}
    for table, data, key in (PRIOR, reference["emodebt"], "prior"), (INITIAL, reference["evoemo"], "initial"):
        order = [said.get(name, name) for name in data["order"]]
        assert tuple(order) == RELEASED_ORDER
        assert table == from_released_order(data[key])


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"matrix": [[1.0] * 7] * 7},
        {"matrix": [[1 / 7] * 7] * 6},
        {"matrix": [[1 / 7] * 7] * 7, "temperature": [0, 0]},
        {"matrix": [[1 / 7] * 7] * 7, "temperature": "hot"},
        {"matrix": [[1 / 7] * 7] * 7, "temperature": [0.5, 1.0]},
        {"matrix": [[1 / 7] * 7] * 7, "rows": "theirs"},
    ],
)
def test_what_is_no_chain_is_refused(data):
    with pytest.raises(BadInput):
        Chain.from_parameters(data)
