"""Scenario: what it refuses, polarity, and that it survives JSON, copying and the way to another process."""

from __future__ import annotations

import concurrent.futures
import copy
import dataclasses
import json
import multiprocessing
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from poise.common.errors import ScenarioError
from poise.games.domains import DOMAINS, LARGEST, domain_words
from poise.games.scenario import Scenario

TEXTS = st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=30)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@st.composite
def scenarios(draw: st.DrawFn) -> Scenario:
    creditor, debtor = draw(
        st.tuples(st.integers(0, 2000), st.integers(0, 2000)).filter(lambda pair: pair[0] != pair[1])
    )
    labels = st.text(st.characters(categories=("L",)), max_size=10)
    letters = st.text(st.characters(categories=("L", "Z", "P")), max_size=40)
    bounds = draw(st.sampled_from([(0, 0), (0, 2000), (min(creditor, debtor), LARGEST)]))
    return Scenario(
        draw(TEXTS.filter(bool)),
        draw(st.sampled_from(DOMAINS)),
        creditor,
        debtor,
        unit=draw(st.sampled_from(["", "weeks"])),
        context=draw(st.dictionaries(labels, letters, max_size=4)),
        bounds=bounds,
    )


@given(scenarios())
def test_polarity_says_who_wants_more(case: Scenario) -> None:
    assert (case.polarity == 1) == (case.debtor_target > case.creditor_target)
    assert (case.polarity == -1) == (case.debtor_target < case.creditor_target)
    assert case.creditor_target + case.polarity * case.gap == case.debtor_target
    mirrored = dataclasses.replace(case, creditor_target=case.debtor_target, debtor_target=case.creditor_target)
    assert (mirrored.polarity, mirrored.gap) == (-case.polarity, case.gap)


def test_polarity_of_a_debt_and_of_an_operation() -> None:
    assert Scenario("a", "debt", 12, 113).polarity == 1
    assert Scenario("b", "medical", 90, 30).polarity == -1


@given(scenarios())
def test_survives_json_and_copies(case: Scenario) -> None:
    assert Scenario.from_dict(json.loads(json.dumps(case.to_dict()))) == case
    assert copy.copy(case) == case
    assert copy.deepcopy(case) == case
    assert hash(copy.deepcopy(case)) == hash(case)


@given(scenarios())
def test_survives_a_pipe(case: Scenario) -> None:
    ours, theirs = multiprocessing.Pipe()
    with ours, theirs:
        ours.send(case)
        assert theirs.recv() == case


def test_survives_the_way_to_another_process_and_back() -> None:
    case = Scenario("a", "debt", 12, 113, context={"Debtor": "Novak & Daughters Bakery"})
    context = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(1, mp_context=context) as pool:
        assert pool.submit(copy.copy, case).result() == case


def test_nothing_can_be_changed_afterwards() -> None:
    given_context = {"Debtor": "Novak & Daughters Bakery"}
    case = Scenario("a", "debt", 12, 113, context=given_context)
    given_context["Debtor"] = "somebody else"
    assert case.context["Debtor"] == "Novak & Daughters Bakery"
    with pytest.raises(TypeError):
        case.context["Debtor"] = "somebody else"  # type: ignore[index]  # the point of the test
    with pytest.raises(dataclasses.FrozenInstanceError):
        case.creditor_target = 1  # type: ignore[misc]  # the point of the test


@given(scenarios())
def test_usual_bounds_hold_the_targets_and_tell_only_their_size(case: Scenario) -> None:
    usual = dataclasses.replace(case, bounds=(0, 0))
    low, high = usual.bounds
    assert low == 0
    assert max(case.creditor_target, case.debtor_target) <= high
    assert high in (365, 600, 1000, 10_000)


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"domain": "divorce"}, "domain 'divorce' is not one of debt, disaster"),
    ({"domain": ["debt"]}, "domain ['debt'] is not one of"),
    ({"id": ""}, "id is empty"),
    ({"id": 7}, "id 7 is not a text"),
    ({"id": "a\x00b"}, "control character '\\x00'"),
    ({"id": "\ud800"}, "control character '\\ud800'"),
    ({"unit": None}, "unit None is not a text"),
    ({"creditor_target": -1}, "creditor_target -1 is not an integer from 0 to 1,000,000 (days)"),
    ({"creditor_target": 12.0}, "creditor_target 12.0 is not an integer"),
    ({"creditor_target": True}, "creditor_target True is not an integer"),
    ({"debtor_target": "113"}, "debtor_target '113' is not an integer"),
    ({"debtor_target": LARGEST + 1}, "debtor_target 1000001 is not an integer from 0 to 1,000,000"),
    ({"debtor_target": 10**5000}, "debtor_target with thousands of digits is not an integer"),
    ({"debtor_target": 12}, "both targets are 12; there is nothing to negotiate"),
    ({"bounds": [0, 100]}, "bounds (0, 100) do not hold both targets"),
    ({"bounds": [20, 200]}, "bounds (20, 200) do not hold both targets"),
    ({"bounds": [0, LARGEST + 1]}, "do not hold both targets within 0 to 1,000,000"),
    ({"bounds": [0, 1, 2]}, "bounds [0, 1, 2] are not two integers"),
    ({"bounds": [0.0, 365.0]}, "bounds [0.0, 365.0] are not two integers"),
    ({"bounds": None}, "bounds None are not two integers"),
    ({"context": ["a"]}, "context ['a'] is not a mapping"),
    ({"context": {"a": 1}}, "context 'a' 1 is not a text"),
    ({"context": {1: "a"}}, "a label of the context 1 is not a text"),
    ({"context": {"Note": "She wants it in 12 days."}}, "says '12 days', which is the creditor's private target"),
    ({"context": {"Note": "a 113-day extension"}}, "says '113-day', which is the debtor's private target"),
    ({"colour": "red"}, "unknown field 'colour'; a scenario has id, domain"),
]


@pytest.mark.parametrize(("change", "words"), REFUSED)
def test_refuses_with_value_and_bound(change: dict[str, Any], words: str) -> None:
    good = {"id": "a", "domain": "debt", "creditor_target": 12, "debtor_target": 113}
    Scenario.from_dict(good)
    with pytest.raises(ScenarioError) as refused:
        Scenario.from_dict(good | change)
    assert words in str(refused.value)


@pytest.mark.parametrize("name", ["id", "domain", "creditor_target", "debtor_target"])
def test_refuses_a_missing_field_by_name(name: str) -> None:
    data = Scenario("a", "debt", 12, 113).to_dict()
    del data[name]
    with pytest.raises(ScenarioError, match=f"field '{name}' is missing"):
        Scenario.from_dict(data)


@pytest.mark.parametrize("text", ["112 days", "1,113 days", "12", "113", "0.12 days", "12 weeks", "212 days"])
def test_other_numbers_may_stand_in_the_context(text: str) -> None:
    assert Scenario("a", "debt", 12, 113, context={"Note": text}).context["Note"] == text


@given(st.dictionaries(st.sampled_from(["id", "domain", "unit", "creditor_target", "bounds", "context"]), JSON) | JSON)
def test_whatever_json_says_it_is_a_scenario_or_refused(data: Any) -> None:
    whole = {"id": "a", "domain": "debt", "creditor_target": 12, "debtor_target": 113}
    try:
        case = Scenario.from_dict(whole | data if isinstance(data, dict) else data)
    except ScenarioError:
        return
    assert Scenario.from_dict(json.loads(json.dumps(case.to_dict()))) == case


@pytest.mark.parametrize("domain", DOMAINS)
def test_every_domain_has_its_words(domain: Any) -> None:
    words = domain_words(domain)
    assert words.plural == Scenario("a", domain, 12, 113).unit
    assert words.role("creditor") != words.role("debtor")
    assert words.role("creditor").startswith("the ")
    assert words.amount(1) == f"1 {words.singular}"
    assert words.amount(30) == f"30 {words.plural}"


def test_a_side_is_called_by_its_name_or_else_by_its_role() -> None:
    case = Scenario("a", "debt", 12, 113, context={"Debtor": "Novak & Daughters Bakery"})
    assert case.party("debtor") == "Novak & Daughters Bakery"
    assert case.party("creditor") == "the creditor"
