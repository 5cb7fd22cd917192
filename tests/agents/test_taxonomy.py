"""The maps between the 28 and the 7 emotions are total and agree with the published ones."""

import json

import pytest
from helpers.paths import SHARED
from hypothesis import given
from hypothesis import strategies as st

from poise.agents.emotions import taxonomy as tax
from poise.common.errors import BadInput


def test_sizes_and_uniqueness() -> None:
    assert len(tax.EMOTIONS7) == len(set(tax.EMOTIONS7)) == 7
    assert len(tax.EMOTIONS28) == len(set(tax.EMOTIONS28)) == 28


def test_map_is_total_and_onto() -> None:
    assert set(tax.TO_SEVEN) == set(tax.EMOTIONS28)
    assert set(tax.TO_SEVEN.values()) == set(tax.EMOTIONS7)


def test_members_partition_the_labels() -> None:
    everyone = [label for seven in tax.EMOTIONS7 for label in tax.members(seven)]
    assert sorted(everyone) == sorted(tax.EMOTIONS28)
    for seven in tax.EMOTIONS7:
        assert list(tax.members(seven)) == [x for x in tax.EMOTIONS28 if tax.TO_SEVEN[x] == seven]


@pytest.mark.parametrize("seven", tax.EMOTIONS7)
def test_the_seven_are_labels_and_map_to_themselves(seven: str) -> None:
    assert seven in tax.EMOTIONS28
    assert tax.to_seven(seven) == seven


def test_negative_emotions_exclude_joy_surprise_and_neutral() -> None:
    """Ekman's basic emotions without joy and surprise, whose sign is positive and open."""
    assert set(tax.EMOTIONS7) - {"joy", "surprise", "neutral"} == tax.NEGATIVE7
    assert tax.is_negative("annoyance")
    assert tax.is_negative("remorse")
    assert not tax.is_negative("gratitude")


def test_sizes_of_the_groups_are_those_of_the_paper() -> None:
    """Demszky et al. 2020: joy covers all 12 positive labels; 11 negative and 4 ambiguous ones make the rest."""
    sizes = {seven: len(tax.members(seven)) for seven in tax.EMOTIONS7}
    assert sizes["joy"] == 12
    assert sum(sizes[seven] for seven in tax.NEGATIVE7) == 11
    assert sizes["surprise"] == 4
    assert sizes["neutral"] == 1


def test_unknown_names_are_refused_with_the_remedy() -> None:
    with pytest.raises(BadInput, match=r"'rage' is not an emotion; .*say one of: admiration"):
        tax.to_seven("rage")
    with pytest.raises(BadInput, match="'gratitude' is none of the seven"):
        tax.members("gratitude")
    with pytest.raises(BadInput, match="3 numbers where 28 are due"):
        tax.pool_to_seven([0.1, 0.2, 0.7])


@given(st.lists(st.floats(0, 1), min_size=28, max_size=28))
def test_pooling_keeps_the_mass(values: list[float]) -> None:
    pooled = tax.pool_to_seven(values)
    assert len(pooled) == 7
    assert sum(pooled) == pytest.approx(sum(values))


@pytest.mark.parametrize("label", tax.EMOTIONS28)
def test_pooling_sends_each_label_home(label: str) -> None:
    pooled = tax.pool_to_seven([float(x == label) for x in tax.EMOTIONS28])
    assert pooled[tax.EMOTIONS7.index(tax.to_seven(label))] == 1.0


@pytest.mark.data
def test_agrees_with_the_published_files() -> None:
    folder = SHARED / "data" / "goemotions"
    if not folder.is_dir():
        pytest.skip("the reference data is not beside the checkout")
    assert (folder / "labels.txt").read_text().split() == list(tax.EMOTIONS28)
    ekman = json.loads((folder / "ekman_mapping.json").read_text())
    for seven, labels in ekman.items():
        assert set(labels) == set(tax.members(seven))
    constants = json.loads((SHARED / "reference" / "constants.json").read_text())
    assert constants["emotions7"] == list(tax.EMOTIONS7)
