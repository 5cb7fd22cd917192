"""The built-in debt cases: margins of the published set, texts that fit together, and no target in any of them."""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from typing import Any

import pytest
from helpers.paths import SHARED
from hypothesis import given, settings
from hypothesis import strategies as st

from poise.common.errors import ScenarioError
from poise.common.seeds import Dice
from poise.games.scenario import Scenario
from poise.games.scenarios.debt_cases import INTEREST_RATE, LARGEST_GAP, MEDIAN_BALANCE, SMALLEST_GAP, generate_debt
from poise.games.scenarios.debt_stories import vocabulary
from poise.games.scenarios.generator import builtin, generate
from poise.games.scenarios.storytelling import Deck, shuffled

CONSTANTS = SHARED / "reference" / "constants.json"
# crad_facts of the reference constants: (smallest, largest, mean), days.
MARGINS = {"creditor": (5, 20, 12.45), "debtor": (32, 179, 113.5), "gap": (15, 172, 101.0), "overdue": (32, 359, 175.6)}
SPELLED = "five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen"
SPELLED += " twenty thirty forty fifty sixty seventy eighty ninety hundred dozen"


def margins(cases: list[Scenario]) -> dict[str, list[int]]:
    return {
        "creditor": [case.creditor_target for case in cases],
        "debtor": [case.debtor_target for case in cases],
        "gap": [case.gap for case in cases],
        "overdue": [int(case.context["Days overdue"]) for case in cases],
    }


def dollars(case: Scenario, label: str) -> int:
    return int(case.context[label].replace(",", "").removeprefix("$"))


def sentences(case: Scenario) -> list[str]:
    return re.split(r"(?<=\.) (?=[A-Z])", case.context["Situation"])


sets = st.builds(generate_debt, st.integers(1, 60), st.integers(0, 2**63))


@given(sets)
@settings(deadline=None, max_examples=50)
def test_any_set_is_valid_and_unique(cases: list[Scenario]) -> None:
    assert [case.id for case in cases] == [f"debt-{place:03d}" for place in range(len(cases))]
    assert len({case.context["Situation"] for case in cases}) == len(cases)
    assert len({case.context["Debtor"] for case in cases}) == len(cases)
    for case in cases:
        assert case.domain == "debt"
        assert case.polarity == 1
    for name, values in margins(cases).items():
        low, high, _ = MARGINS[name]
        assert low <= min(values) <= max(values) <= high


@given(sets)
@settings(deadline=None, max_examples=50)
def test_no_target_stands_in_any_text(cases: list[Scenario]) -> None:
    for case in cases:
        numbers = set(re.findall(r"\d+", " ".join(case.context.values())))
        assert numbers.isdisjoint({str(case.creditor_target), str(case.debtor_target)})


@given(st.integers(0, 2**63))
@settings(deadline=None, max_examples=20)
def test_every_seed_keeps_the_published_means(seed: int) -> None:
    for name, values in margins(generate_debt(100, seed)).items():
        assert sum(values) / 100 == pytest.approx(MARGINS[name][2], rel=0.02)


def test_builtin_margins_reach_across_the_published_ranges() -> None:
    for name, values in margins(builtin()).items():
        low, high, mean = MARGINS[name]
        assert low <= min(values) <= low + 0.05 * (high - low)
        assert high - 0.05 * (high - low) <= max(values) <= high
        assert sum(values) / len(values) == pytest.approx(mean, rel=0.02)


@pytest.mark.data
@pytest.mark.skipif(not CONSTANTS.exists(), reason="the reference data is not beside the checkout")
def test_margins_are_the_published_ones() -> None:
    facts = json.loads(CONSTANTS.read_text())["crad_facts"]
    names = {
        "creditor": "creditor_target_days",
        "debtor": "debtor_target_days",
        "gap": "gap",
        "overdue": "days_overdue",
    }
    for name, published in names.items():
        assert MARGINS[name] == tuple(facts[published][key] for key in ("min", "max", "mean"))
    assert len(builtin()) == facts["rows"]
    assert (facts["gap"]["min"], facts["gap"]["max"]) == (SMALLEST_GAP, LARGEST_GAP)
    assert f"{MEDIAN_BALANCE:,}" in facts["outstanding_balance"]


def test_targets_tell_nothing_of_each_other_nor_of_the_days_overdue() -> None:
    columns = margins(generate_debt(2000, 5))
    for first, second in (("creditor", "debtor"), ("creditor", "overdue"), ("debtor", "overdue")):
        assert abs(correlation(columns[first], columns[second])) < 0.08  # 3.6 standard errors at 2000


def correlation(first: list[int], second: list[int]) -> float:
    means = sum(first) / len(first), sum(second) / len(second)
    products = [(one - means[0]) * (two - means[1]) for one, two in zip(first, second, strict=True)]
    squares = [sum((one - mean) ** 2 for one in column) for column, mean in zip((first, second), means, strict=True)]
    return float(sum(products) / (squares[0] * squares[1]) ** 0.5)


def test_balances_vary_around_the_published_one() -> None:
    balances = sorted(dollars(case, "Outstanding balance") for case in generate_debt(1000, 3))
    assert len(set(balances)) > 950
    assert balances[500] == pytest.approx(MEDIAN_BALANCE, rel=0.2)
    assert balances[0] >= 1_500
    assert balances[-1] <= 200_000
    assert balances[900] > 3 * balances[100]


def test_amounts_fit_together() -> None:
    for case in generate_debt(300, 4):
        balance, original = dollars(case, "Outstanding balance"), dollars(case, "Original amount")
        assert balance < original < 3.5 * balance
        interest = balance * INTEREST_RATE * int(case.context["Days overdue"]) / 365
        assert dollars(case, "Interest accrued") == pytest.approx(interest, abs=0.5)


def test_same_seed_same_set_and_another_seed_another() -> None:
    assert generate_debt(30, 7) == generate_debt(30, 7)
    assert generate_debt(30, 7) != generate_debt(30, 8)
    assert builtin() == builtin("debt") == generate("debt") == generate_debt(100, 2025)
    own = builtin()
    own.clear()
    assert len(builtin()) == 100


def test_builtin_stays_what_results_were_measured_on() -> None:
    """Changes with any change of a word; then renew it and say in the changelog that earlier results do not compare."""
    text = "\n".join(json.dumps(case.to_dict(), sort_keys=True) for case in builtin())
    assert hashlib.sha256(text.encode()).hexdigest()[:16] == "b5e850cd36e590b6"


@pytest.mark.parametrize(
    ("change", "words"),
    [({"n": 0}, "n 0 is"), ({"n": 2.0}, "n 2.0 is"), ({"n": True}, "n True"), ({"seed": -1}, "seed -1 is")],
)
def test_impossible_sizes_and_seeds_are_refused(change: dict[str, Any], words: str) -> None:
    with pytest.raises(ScenarioError, match=words):
        generate(**{"n": 3, "seed": 3} | change)


class TestTexts:
    """What can be checked by machine about texts that were also read by people."""

    cases = generate_debt(300, 11)

    def test_fields_are_filled(self) -> None:
        for case in self.cases:
            assert all(text and text == text.strip() for text in case.context.values())
            assert all(text[0].isupper() or text[0] in "$0123456789" for text in case.context.values())

    def test_sentences_are_well_formed(self) -> None:
        for case in self.cases:
            story = case.context["Situation"]
            assert not re.search(r"[{}]|\s\s|\s[.,;]|\.\.|,,|''|\b(\w+) \1\b", story), story
            assert not re.search(r"\ba [aeio]|\ban [^aeiouhX]", story), story
            assert story.endswith(".")
            assert 3 <= len(sentences(case)) <= 5
            assert 30 <= len(story.split()) <= 100

    def test_the_parties_are_named(self) -> None:
        for case in self.cases:
            story = case.context["Situation"]
            assert story.count(case.context["Debtor"]) == 1
            assert story.count(case.context["Creditor"]) == 1

    def test_no_sentence_and_no_beginning_stands_out_in_the_builtin_set(self) -> None:
        told = Counter(sentence for case in builtin() for sentence in sentences(case))
        assert told.most_common(1)[0][1] <= 4
        openings = Counter(" ".join(case.context["Situation"].split()[:2]) for case in builtin())
        assert openings.most_common(1)[0][1] <= 8

    def test_the_builtin_set_uses_every_line_of_business(self) -> None:
        sectors = Counter(case.context["Sector"] for case in builtin())
        assert set(sectors) == {trade.sector for trade in vocabulary().trades}
        assert max(sectors.values()) <= 3
        reasons = Counter((case.context["Sector"], case.context["Reason for overdue"]) for case in builtin())
        assert max(reasons.values()) <= 2

    def test_the_stage_follows_the_days_overdue(self) -> None:
        order = [stage["label"] for stage in vocabulary().credit["stages"]]
        by_days = sorted(self.cases, key=lambda case: int(case.context["Days overdue"]))
        places = [order.index(case.context["Recovery stage"]) for case in by_days]
        assert places == sorted(places)
        assert set(places) == set(range(len(order)))

    def test_only_things_are_to_be_sold_and_only_the_unguaranteed_to_be_guaranteed(self) -> None:
        things = {
            thing for trade in vocabulary().trades for thing in (trade.equipment, trade.inventory, trade.premises)
        }
        for case in self.cases:
            solution, collateral = case.context["Proposed solution"], case.context["Collateral"]
            if "Selling" in solution:
                assert collateral[0].lower() + collateral[1:] in things
            if "guarant" in solution:
                assert "guarantee" not in collateral


class TestVocabulary:
    """The data keeps what the composer relies on, so that a line of business is added by data alone."""

    words = vocabulary()

    @pytest.mark.parametrize("trade", words.trades, ids=lambda trade: trade.sector)
    def test_a_line_of_business_is_complete(self, trade: Any) -> None:
        assert trade.short.startswith("the ")
        assert len(trade.names) >= 3
        assert len(set(trade.kinds)) >= 3
        assert len(set(map(tuple, trade.purposes))) >= 3
        assert len({sentence for _, sentence in trade.reasons}) >= 4
        own = {"equipment": trade.equipment, "inventory": trade.inventory, "premises": trade.premises}
        for kind, purpose, do in trade.purposes:
            usual = self.words.credit["kinds"][kind]["security"]
            assert any(own.get(name, "general") for name in usual), f"nothing to secure {kind} with"
            assert purpose
            assert not do.startswith("to ")
        for key, sentence in trade.reasons:
            assert key in self.words.credit["reasons"]
            assert "{it}" in sentence
            assert sentence.endswith(".")

    def test_sectors_differ(self) -> None:
        assert len({trade.sector for trade in self.words.trades}) == len(self.words.trades) >= 40

    def test_no_text_holds_a_number_that_could_be_a_target(self) -> None:
        texts = json.dumps([self.words.phrases, [[t.kinds, t.purposes, t.reasons, t.short] for t in self.words.trades]])
        assert not re.search(r"\d", texts)
        found = set(re.findall(r"[a-z]+", texts.lower())) & set(SPELLED.split())
        assert not found

    def test_placeholders_are_known(self) -> None:
        texts = json.dumps([self.words.phrases, [trade.reasons for trade in self.words.trades]])
        known = {"it", "debtor", "creditor", "owner", "place", "kind", "do", "credit", "original", "year", "recent"}
        assert set(re.findall(r"\{(\w+)\}", texts)) == known

    def test_every_situation_and_stage_has_its_sentences(self) -> None:
        stages = [stage["label"] for stage in self.words.credit["stages"]]
        assert list(self.words.phrases["stage"]) == stages
        for lists in (self.words.phrases["stage"].values(), self.words.phrases["cash"].values()):
            assert all(len(set(sentences)) == len(sentences) >= 6 for sentences in lists)


@given(st.lists(st.integers(), max_size=30), st.integers(0, 100))
def test_shuffling_keeps_every_item(items: list[int], seed: int) -> None:
    assert sorted(shuffled(items, Dice(seed))) == sorted(items)


@given(st.integers(1, 12), st.integers(0, 100))
def test_a_deck_deals_all_before_it_repeats_any(size: int, seed: int) -> None:
    deck = Deck(range(size), Dice(seed))
    for _ in range(3):
        assert sorted(deck.deal() for _ in range(size)) == list(range(size))
