"""Process figures: by hand where a hand can, by theory where there is one, and for any talks whatever."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest
from helpers.paths import SHARED
from helpers.process_talks import columns, drawn, feeling, reading, talk, traces
from helpers.seats import case
from hypothesis import given, settings
from hypothesis import strategies as st

from poise.agents.emotions.taxonomy import EMOTIONS7
from poise.games.openspiel.theory import endless_share, nash_bargain
from poise.games.rules import Rules
from poise.games.transcript import Outcome, Transcript, Usage
from poise.tournaments.process.anchoring import anchoring, anchors, slope
from poise.tournaments.process.bargains import FARTHEST, bargains, distances
from poise.tournaments.process.calibration import (
    BINS,
    calibration,
    expected_error,
    forecasts,
    reliability,
    scores,
)
from poise.tournaments.process.columns import NONE, negotiation_of
from poise.tournaments.process.concession import GRID, mean_curves, position_curves
from poise.tournaments.process.group import Group
from poise.tournaments.process.measures import joined_traces, measures
from poise.tournaments.process.speech import speech
from poise.tournaments.process.timing import Ended, ended, time_to, timing
from poise.tournaments.process.transitions import chance, emotions, human, pairs, transitions

FEW = settings(max_examples=25, deadline=None)


def group(size, scenarios=5):
    return Group(np.arange(size) % scenarios, scenarios)


# Concession


def test_a_curve_by_hand():
    """Creditor 20, 30, 40 and debtor 100, 80, accepts: by first offers, over messages 0 to 5."""
    one = talk([20, 100, 30, 80, 40, "accept"], 40)
    ((creditor, debtor),) = position_curves(columns(one))
    assert creditor == pytest.approx([0, 0, 0, 0, 0.125, 0.125, 0.125, 0.125, 0.25, 0.25, 0.25])
    # The debtor begins at message 1: 80 at the middle of its time, and at the end it takes the 40.
    assert debtor == pytest.approx([0, 0, 0, 0, 0, 0.25, 0.25, 0.25, 0.25, 0.25, 0.75])


def test_by_targets_a_curve_begins_where_the_first_offer_is():
    one = talk([22, 102, 32, "walk"], scenario=case(12, 112))
    ((creditor, debtor),) = position_curves(columns(one), "targets")
    assert (creditor[0], debtor[0]) == pytest.approx((0.1, 0.1))
    assert creditor[-1] == pytest.approx(0.2)


def test_what_has_no_curve():
    talks = [talk(["walk"]), talk([20, 100]), talk([60, 50, 61, 49]), talk([20, "walk"])]
    walked, short, crossed, silent = np.isnan(position_curves(columns(*talks))).all(axis=2)
    assert walked[0]
    assert not short[0]
    assert short[1], "its first offer was the last word"
    assert crossed[0], "nothing lies between the first offers"
    assert silent[0], "the other side never offered"


@given(st.integers(0, 10_000))
@FEW
def test_a_curve_is_the_same_whichever_side_wants_more(seed):
    """Mirrored numbers are the same talk."""
    one = drawn(seed)
    high = 400
    moves = [high - message.move.value for message in one.messages]
    other = case(high - one.scenario.creditor_target, high - one.scenario.debtor_target, bounds=(0, high))
    for scale in ("offers", "targets"):
        mine, theirs = position_curves(columns(one), scale), position_curves(columns(talk(moves, None, other)), scale)
        assert mine == pytest.approx(theirs, nan_ok=True)


@given(st.lists(st.integers(0, 10_000), min_size=1, max_size=12))
@FEW
def test_a_mean_curve_lies_among_its_curves(seeds):
    found = position_curves(columns(*map(drawn, seeds)))
    for place, mean in enumerate(mean_curves(group(len(seeds)), found)):
        there = [pair[place] for pair in found if not np.isnan(pair[place]).any()]
        assert mean.negotiations == len(there)
        assert len(mean.points) == len(GRID)
        for at, point in enumerate(mean.points):
            if point is not None:
                values = [one[at] for one in there]
                assert min(values) - 1e-9 <= point.mean <= max(values) + 1e-9
        assert not there or mean.points[0].mean == 0


# Anchoring


def test_an_anchor_by_hand():
    found = anchors(columns(talk([22, 92, 32, "accept"], 32, case(12, 112)), talk([22, 92, "walk"])))
    assert found[0] == pytest.approx((0.9, 0.8, 0.8, (92 - 32) / (92 - 22)))
    assert np.isnan(found[1]).all()


@given(st.lists(st.integers(0, 10_000), min_size=1, max_size=15))
@FEW
def test_what_one_seat_holds_the_other_gave(seeds):
    creditor, debtor = anchoring(group(len(seeds)), anchors(columns(*map(drawn, seeds))))
    assert creditor.deals == debtor.deals
    if creditor.held is not None:
        assert creditor.held.mean + debtor.held.mean == pytest.approx(1)


def test_a_slope_is_that_of_least_squares():
    rng = np.random.default_rng(1)
    x = rng.uniform(size=60)
    y = 0.3 + 0.7 * x + 0.1 * rng.normal(size=60)
    found = slope(np.arange(60) % 12, x, y)
    assert found.mean == pytest.approx(np.polyfit(x, y, 1)[0])
    assert found.low < 0.7 < found.high
    assert slope(np.arange(60), np.full(60, 0.9), y) is None


@pytest.mark.parametrize("scenarios", [10, 30])
def test_a_slopes_interval_holds_the_truth_95_times_in_100(scenarios):
    """Openings and ends that scenarios share, four talks on each."""
    rng, runs = np.random.default_rng(scenarios), 2000
    place, held = np.repeat(np.arange(scenarios), 4), 0
    for _ in range(runs):
        shared, pulled = rng.normal(size=scenarios), rng.normal(size=scenarios)
        x = 0.7 + 0.1 * shared[place] + 0.1 * rng.normal(size=len(place))
        y = 0.2 + 0.5 * x + 0.05 * pulled[place] + 0.05 * rng.normal(size=len(place))
        found = slope(place, x, y)
        held += found.low <= 0.5 <= found.high
    assert held / runs == pytest.approx(0.95, abs=0.015)


# Time to deal


def test_kaplan_and_meier_by_hand():
    """Deals after 2, 4 and 6 messages, one talk that walked after 3: S = 3/4, then 3/4 * 1/2, then 0."""
    talks = [Ended(2, True), Ended(3, False), Ended(4, True), Ended(6, True)]
    assert timing(talks).quartiles == (2, 4, 6)
    assert time_to([*talks, Ended(8, False), Ended(8, False)], 0.75) is None
    assert time_to([Ended(5, False)], 0.25) is None
    assert ended(columns(talk([20, 90, "walk"]))).tolist() == [[3, False]]


@given(st.lists(st.integers(1, 31), min_size=1, max_size=40), st.floats(0.05, 0.95))
@FEW
def test_where_every_talk_ends_in_a_deal_quartiles_are_the_samples(messages, share):
    found = time_to([Ended(one, True) for one in messages], share)
    assert found == sorted(messages)[math.ceil(share * len(messages) - 1e-9) - 1]


@given(st.lists(st.tuples(st.integers(1, 31), st.booleans()), min_size=1, max_size=30))
@FEW
def test_quartiles_come_in_order_and_censoring_never_hastens_them(told):
    told = [Ended(*one) for one in told]
    there = [one for one in timing(told).quartiles if one is not None]
    assert there == sorted(there)
    for before, after in zip(
        timing([Ended(one.messages, True) for one in told]).quartiles, timing(told).quartiles, strict=True
    ):
        assert after is None or after >= before


# Emotions


def test_transitions_by_hand():
    """The creditor shows joy, anger, joy; the debtor is read as fear, sadness (its last message is read by nobody)."""
    one = columns(feeling(["joy", "fear", "anger", "sadness", "joy", "neutral"]))
    assert emotions(one).tolist() == [0, 3, 2, 1, 0, NONE]
    found = transitions(pairs(one).cells)
    own, reply = found["creditor", "own"], found["creditor", "reply"]
    assert [tuple(pair) for pair in np.argwhere(own.counts)] == [(0, 2), (2, 0)]
    assert [tuple(pair) for pair in np.argwhere(reply.counts)] == [(1, 0), (3, 2)]
    assert [tuple(pair) for pair in np.argwhere(found["debtor", "own"].counts)] == [(3, 1)]
    assert [tuple(pair) for pair in np.argwhere(found["debtor", "reply"].counts)] == [(0, 3), (2, 1)]


def test_a_message_without_a_direction_breaks_the_chain():
    broken = pairs(columns(feeling(["joy", "fear", None, "fear", "joy"])))
    assert transitions(broken.cells)["creditor", "own"].pairs == 0


@given(st.lists(st.integers(0, 10_000), min_size=1, max_size=10))
@FEW
def test_pairs_are_those_of_each_talk_alone(seeds):
    talks = [drawn(seed) for seed in seeds]
    found = pairs(columns(*talks))
    for place, one in enumerate(talks):
        assert sorted(found.cells[found.owner == place]) == sorted(pairs(columns(one)).cells)


@given(st.lists(st.integers(0, 10_000), max_size=10))
@FEW
def test_counts_add_up_and_distances_stay_in_bounds(seeds):
    cells = pairs(columns(*map(drawn, seeds))).cells
    for one in transitions(cells).values():
        place = 2 * ("creditor", "debtor").index(one.seat) + ("own", "reply").index(one.kind)
        assert one.pairs == (cells // 49 == place).sum()
        assert (one.distance is None) == (one.pairs == 0)
        assert one.distance is None or 0 <= one.distance <= 1
        assert one.chance is None or 0 < one.chance < 1
        assert all(row is None or sum(row) == pytest.approx(1) for row in one.shares())


@pytest.mark.parametrize("kind", ["own", "reply"])
def test_people_are_as_far_from_themselves_as_chance_says(kind):
    """Draws from the human table itself: the mean distance is de Moivre's, to simulation's error."""
    from poise.agents.simulated.marginals import row_variation

    rng, table, seen = np.random.default_rng(3), human(kind), np.array([30, 5, 0, 1, 12, 200, 7])
    each = [
        row_variation(np.array([rng.multinomial(n, row) for n, row in zip(seen, table, strict=True)], float), table)
        for _ in range(2000)
    ]
    assert np.mean(each) == pytest.approx(chance(seen, table), abs=4 * np.std(each) / math.sqrt(2000))


def test_chance_vanishes_with_many_pairs():
    many = chance(np.full(7, 10**6), human("own"))
    assert 0 < many < 0.002


# Calibration


def simulated_forecasts(seed, size=20_000, sharpen=1.0):
    """Truths drawn from the probabilities themselves; sharpened ones are too sure."""
    rng = np.random.default_rng(seed)
    honest = rng.dirichlet(np.ones(4), size)
    truth = (honest.cumsum(axis=1) > rng.random((size, 1))).argmax(axis=1)
    given_ = honest**sharpen
    return scores(given_ / given_.sum(axis=1, keepdims=True), truth)


def test_calibrated_beliefs_have_hardly_an_error_and_overconfident_ones_do():
    assert expected_error(reliability(simulated_forecasts(1))) < 0.015
    assert expected_error(reliability(simulated_forecasts(1, sharpen=4))) > 0.15


def test_the_brier_score_is_least_for_the_true_probabilities():
    honest = simulated_forecasts(2).brier.mean()
    for sharpen in (0.5, 2.0):
        assert simulated_forecasts(2, sharpen=sharpen).brier.mean() > honest


def test_calibration_by_hand():
    sure = scores(np.array([[1.0, 0, 0, 0], [0.5, 0.5, 0, 0]]), np.array([0, 1]))
    found = calibration(group(1), "states", sure)
    assert found.brier.mean == pytest.approx((0 + 0.5) / 2)
    assert found.hits == 0.5
    assert found.base == pytest.approx(0.5)
    assert found.ece == pytest.approx(0.5 * 0 + 0.5 * abs(0.5 - 0))
    assert [one.forecasts for one in found.bins] == [1, 1]


@given(st.lists(st.integers(0, 10_000), min_size=1, max_size=8))
@FEW
def test_scores_stay_in_bounds(seeds):
    found = forecasts(columns(*map(drawn, seeds)))
    for of in ("states", "emotions"):
        one = calibration(group(len(seeds)), of, found[of])
        if one is not None:
            assert 0 <= one.brier.mean <= 2
            assert 0 <= one.ece <= 1
            assert 0 <= one.base < 1
            assert len(one.bins) <= BINS
            assert sum(each.forecasts for each in one.bins) == one.forecasts


def test_a_belief_in_other_states_is_held_against_nothing():
    said = drawn(3)
    own = [replace(each, reading=reading(belief=(0.5, 0.3, 0.2))) if each.reading else each for each in said.messages]
    found = forecasts(columns(replace(said, messages=tuple(own))))
    assert not len(found["states"].truth)
    assert len(found["emotions"].truth)


# Words and costs


def test_costs_are_a_messages_and_not_measured_without_a_model():
    one = talk([20, 100, 30, 90])
    scripted = speech(group(1), traces(one, usage=Usage(seconds=2.0)).spoken)
    assert scripted.seconds.mean == pytest.approx(0.5)
    assert set(scripted.costs["creditor"].values()) == {None}
    spent = {"prompt_tokens": 100.0, "cached_tokens": 80.0, "reply_tokens": 12.0, "model_seconds": 0.5}
    spent_by_both = Usage(seconds=2.0, per_message=(spent, {}, {**spent, "reply_tokens": 20.0}, {}))
    asked = speech(group(1), traces(one, usage=spent_by_both).spoken)
    assert asked.costs["creditor"]["reply_tokens"].mean == pytest.approx(16)
    assert asked.costs["creditor"]["prompt_tokens"].mean == pytest.approx(100)
    assert set(asked.costs["debtor"].values()) == {None}, "the debtor's words were scripted"


# Distances to solutions


def distances_of(one):
    return distances(negotiation_of(one))


def test_an_even_split_is_the_bargaining_solution_and_the_whole_is_the_equilibrium():
    scenario = case(12, 112)
    middle = round(nash_bargain(12, 112))
    even = distances_of(talk([20, middle, "accept"], middle, scenario))
    assert (even.nash, even.frontier) == pytest.approx((0, 0))
    # Thirty proposals without a discount: the debtor makes the last one and gets everything.
    assert distances_of(talk([20, 112, "accept"], 112, scenario)).equilibrium == pytest.approx(0)
    assert distances_of(talk([20, 12, "accept"], 12, scenario)).equilibrium == pytest.approx(FARTHEST)


def test_the_equilibrium_of_long_discounted_talks_is_rubinsteins():
    share, rules = endless_share(0.8), Rules(discount=0.8, max_messages=200).to_dict()
    one = Transcript(
        case(), {}, {}, 0, rules, talk([20, 60]).messages, Outcome("deal", 60, utilities=(share, 1 - share))
    )
    assert distances_of(one).equilibrium == pytest.approx(0, abs=1e-6)
    late = Transcript(
        case(), {}, {}, 0, rules, one.messages, Outcome("deal", 60, utilities=(0.8 * share, 0.8 * (1 - share)))
    )
    assert distances_of(late).frontier == pytest.approx(0.2 / FARTHEST)


def test_no_deal_and_games_of_ones_own_have_no_distance():
    own = Transcript(
        case(), {}, {}, 0, {**Rules().to_dict(), "game": "mine"}, talk([20, 60]).messages, Outcome("deal", 60)
    )
    assert distances_of(own) is None
    assert distances_of(talk([20, "walk"])) is None
    assert bargains(group(2), np.full((2, 3), np.nan)).nash is None


# All together


@given(st.lists(st.integers(0, 10_000), min_size=2, max_size=10), st.randoms(use_true_random=False))
@settings(max_examples=10, deadline=None)
def test_the_order_of_talks_does_not_matter(seeds, random):
    kept = traces(*map(drawn, seeds), usage=Usage(seconds=1.0))
    scenario = np.arange(len(seeds)) % 3
    order = list(range(len(seeds)))
    random.shuffle(order)
    one = measures(kept, Group(scenario, 3)).to_dict()
    other = measures(kept.of(np.array(order)), Group(scenario[order], 3)).to_dict()
    assert flat(other) == pytest.approx(flat(one), abs=1e-7)
    lots = joined_traces([traces(drawn(seed), usage=Usage(seconds=1.0)) for seed in seeds])
    assert flat(measures(lots, Group(scenario, 3)).to_dict()) == flat(one), "it is the same in lots of any size"


def flat(data, path=""):
    """Every number by its path, None as -1."""
    if isinstance(data, dict):
        return {key: value for name, one in data.items() for key, value in flat(one, f"{path}/{name}").items()}
    if isinstance(data, list):
        return {key: value for place, one in enumerate(data) for key, value in flat(one, f"{path}/{place}").items()}
    return {path: -1.0 if data is None else data}


def test_the_seven_are_in_one_order():
    """The human tables are read by the detector's order: joy after joy is what people do most, disgust is rare."""
    table = human("own")
    assert table.sum(axis=1) == pytest.approx(1)
    assert EMOTIONS7[int(table[EMOTIONS7.index("sadness")].argmax())] == "sadness"
    assert EMOTIONS7[int(table.mean(axis=0).argmin())] in ("disgust", "fear")


@pytest.mark.data
def test_the_human_tables_are_the_counts():
    """Half a count added to each cell, rows normalised, both corpora averaged: as the shipped world's file says."""
    path = SHARED / "data" / "derived" / "emotion_transition_counts.json"
    if not path.exists():
        pytest.skip("the counts are not here")
    told = json.loads(path.read_text())
    order = [told["states"].index(name) for name in EMOTIONS7]
    for kind, name in (("own", "same"), ("reply", "reply")):
        each = [
            np.array(told[corpus][name], float)[np.ix_(order, order)] + 0.5 for corpus in ("MELD", "DailyDialog_RECCON")
        ]
        mean = sum(one / one.sum(axis=1, keepdims=True) for one in each) / 2
        assert human(kind) == pytest.approx(mean, abs=2e-4)


@given(st.lists(st.tuples(st.integers(1, 12), st.booleans()), min_size=2, max_size=25))
@FEW
def test_quartiles_are_those_of_scipys_kaplan_and_meier(told):
    """A second implementation."""
    from scipy import stats

    deals, others = [m for m, deal in told if deal], [m for m, deal in told if not deal]
    if not deals:
        return
    left = stats.ecdf(stats.CensoredData(uncensored=deals, right=others)).sf
    for share in (0.25, 0.5, 0.75):
        reached = [t for t, p in zip(left.quantiles, left.probabilities, strict=True) if p <= 1 - share + 1e-12]
        assert time_to([Ended(*one) for one in told], share) == (int(reached[0]) if reached else None)
