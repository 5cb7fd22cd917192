"""Who plays whom on what: everything exactly once, and always with the same identity."""

import copy
from collections import Counter
from dataclasses import replace

import pytest
from helpers.tournament_fakes import config, entrants, scenarios, schedule
from hypothesis import given
from hypothesis import strategies as st

from poise.agents.models.adapters import Adapter
from poise.common.errors import ConfigError, StoreError
from poise.games.scenario import Scenario
from poise.tournaments.config import TournamentConfig, make_config
from poise.tournaments.schedule import SCRIPTED, build_schedule, check_baseline, enter, find_baseline, plan_matches
from poise.tournaments.workers.queue import Task, TaskQueue

counts = st.integers(1, 4)


@given(creditors=counts, debtors=counts, cases=counts, matches=st.one_of(st.none(), st.integers(1, 9)))
def test_every_pair_plays_every_scenario_equally_often(creditors, debtors, cases, matches):
    plan = schedule(config(creditors, debtors, matches_per_pair=matches), cases)
    size = matches or cases
    assert [match.position for match in plan.matches] == list(range(creditors * debtors * size))
    assert len({match.id for match in plan.matches}) == len(plan.matches)
    for pair in range(plan.pairs):
        series = [match for match in plan.matches if match.pair == pair]
        assert [(match.repeat, match.scenario) for match in series] == [
            divmod(n, min(cases, size)) for n in range(size)
        ]
    played = Counter((match.scenario, match.repeat) for match in plan.matches)
    assert set(played.values()) == {creditors * debtors}


@given(repeats=counts, cases=counts, pairs=counts)
def test_repeats_are_a_number_of_matches_and_change_nothing_else(repeats, cases, pairs):
    one, same = config(1, pairs, repeats=repeats), config(1, pairs, matches_per_pair=repeats * cases)
    assert schedule(one, cases).matches == schedule(same, cases).matches
    assert schedule(config(1, pairs), cases).matches == schedule(config(1, pairs, repeats=1), cases).matches


@given(cases=st.integers(1, 6), matches=st.integers(1, 20))
def test_the_schedule_says_how_often_each_scenario_is_played(cases, matches):
    plan = schedule(config(2, 2, matches_per_pair=matches), cases)
    often = Counter(match.scenario for match in plan.matches if match.pair == 0)
    used, whole = len(often), min(often.values())
    said = plan.coverage
    assert f"{used} scenario" in said
    assert {1: "once", 2: "twice"}.get(whole, f"{whole} times") in said
    assert ("once more" in said) == (max(often.values()) > whole)
    assert plan.left_out == cases - used
    assert (f"; {cases - used} of {cases} are left out" in said) == (used < cases)


@given(seed=st.integers(0, 2**63 - 1), cases=counts)
def test_seeds_do_not_depend_on_the_pair(seed, cases):
    plan = schedule(config(2, 3, seed=seed, matches_per_pair=2 * cases), cases)
    seeds = {(match.scenario, match.repeat, match.seed) for match in plan.matches}
    assert len(seeds) == 2 * cases
    assert len({seed for _, _, seed in seeds}) == 2 * cases


def test_each_pair_may_have_seeds_of_its_own_whatever_else_plays():
    plan = schedule(config(2, 3, draws="own", matches_per_pair=8), 4)
    assert len({match.seed for match in plan.matches}) == 2 * 3 * 8
    alone = schedule(config(1, 1, draws="own", matches_per_pair=8), 4)
    assert {match.id for match in alone.matches} < {match.id for match in plan.matches}


@given(small=st.integers(1, 8), more=st.integers(0, 8))
def test_raising_the_number_of_matches_keeps_those_that_were_there(small, more):
    before = schedule(config(1, 2, matches_per_pair=small), 8)
    after = schedule(config(1, 2, matches_per_pair=small + more), 8)
    assert {match.id for match in before.matches} <= {match.id for match in after.matches}


@pytest.mark.parametrize(
    "change",
    [{"seed": 1}, {"tolerance": 4}, {"discount": 0.9}, {"max_messages": 9}, {"grid": 2}, {"deal_value": "last"}],
)
def test_whatever_decides_a_match_decides_its_identity(change):
    assert not {m.id for m in schedule(config()).matches} & {m.id for m in schedule(config(**change)).matches}


@pytest.mark.parametrize(
    "change", [{"workers": 3}, {"match_seconds": 5}, {"through": "fast"}, {"baseline": "c0"}, {"name": "x"}]
)
def test_how_a_match_is_played_does_not_decide_its_identity(change):
    assert schedule(config()).id == schedule(config(**change)).id


def test_a_scenario_and_an_agents_settings_decide_identity():
    settings = config(1, 1)
    (creditor,), debtors = entrants(settings)
    cases = scenarios(2)
    first = build_schedule(settings, [creditor], debtors, cases)
    other_case = [replace(cases[0], creditor_target=11), cases[1]]
    changed = build_schedule(settings, [creditor], debtors, other_case)
    assert [a.id == b.id for a, b in zip(first.matches, changed.matches, strict=True)] == [False, True]
    retrained = replace(creditor, declared={**creditor.declared, "settings": {"source": "abc"}})
    assert build_schedule(settings, [retrained], debtors, cases).id != first.id


def test_model_options_count_only_where_a_model_is_asked():
    assert schedule(config()).id == schedule(config(model_options={"temperature": 0.1})).id
    with_model = config(model="embedded:smollm2")
    assert schedule(with_model).id != schedule(config(model="embedded:smollm2", model_options={"temperature": 0.1})).id
    assert schedule(with_model).id == schedule(config(model="embedded:smollm2", model_options={"timeout": 9.0})).id


def test_identity_is_the_same_in_every_process_and_release():
    """Stored tournaments are found again by these; a change here orphans them."""
    assert schedule(config(1, 1), 1).matches[0].id == "1a696b99627bac8db8a103f55ceed2d5"


def test_two_scenarios_of_one_id_and_none_at_all_are_refused():
    settings = config()
    twice = [*scenarios(1), Scenario("case-0", "debt", 1, 2)]
    with pytest.raises(ConfigError, match="two scenarios have the id 'case-0'"):
        build_schedule(settings, *entrants(settings), twice)
    with pytest.raises(ConfigError, match="no scenario"):
        build_schedule(settings, *entrants(settings), [])


def test_the_baseline_is_found_by_label_or_by_the_only_agent_of_its_name():
    labels = ["vanilla@ollama:a", "random", "eq@ollama:a", "eq@ollama:b"]
    assert find_baseline(None, labels) == "vanilla@ollama:a"
    assert find_baseline("eq", labels) is None
    assert find_baseline("eq@ollama:b", labels) == "eq@ollama:b"
    check_baseline(None, (["random"], []), (["angry"], []))
    check_baseline("angry", (["random"], []), (["angry"], []))
    with pytest.raises(ConfigError, match=r"baseline 'eq' is not one of the agents \(vanilla@ollama:a"):
        check_baseline("eq", (labels, []), (["angry"], []))
    with pytest.raises(ConfigError, match="did you mean 'angry'"):
        check_baseline("angri", (labels, []), (["angry"], []))


def test_agents_enter_with_the_model_and_the_offers_they_play_with():
    creditors = ["vanilla@ollama:qwen2.5:7b", "eq-negotiator"]
    settings = make_config({"creditors": creditors, "debtors": ["angry"], "model": "embedded:smollm2"})
    (small, learner), (debtor,) = enter(settings)
    assert (small.label, small.model) == ("vanilla@ollama:qwen2.5:7b", "ollama:qwen2.5:7b")
    assert (learner.model, learner.learns, small.learns) == ("embedded:smollm2", True, False)
    assert debtor.declared["offers"] == "policy"


def test_how_a_model_answers_is_declared_where_it_decides_the_number():
    named = {
        "creditors": ["vanilla", "wsls,reading=words"],
        "debtors": ["angry,offers=policy"],
        "model": "embedded:smollm2",
    }
    of_all = {**named, "offers": "model", "reading": "structured"}
    (plain, own), (policy,) = enter(make_config(of_all))
    assert (plain.declared["reading"], own.declared["reading"]) == ("structured", "words")
    assert "reading" not in policy.declared
    assert "reading" not in enter(make_config({**named, "creditors": ["vanilla"], "offers": "model"}))[0][0].declared
    with pytest.raises(ConfigError, match="no agent here has one; add --offers model, or leave reading out"):
        enter(make_config({**named, "reading": "structured"}))
    with pytest.raises(ConfigError, match="structured"):
        make_config({**named, "reading": "morse"})


# The queue that hands the schedule out.


def drain(queue, size):
    played = []
    while task := queue.take(size):
        played += task.positions
        queue.give_back(task.after(len(task.positions), b"{}"))
    return played


@given(size=st.integers(1, 7), done=st.sets(st.integers(0, 17)), learner=st.booleans())
def test_the_queue_hands_out_each_match_that_is_left_once(size, done, learner):
    plan = schedule(config(2, 3), 3, ("c1",) if learner else ())
    if learner:  # a learner's matches are stored in order
        done = {position for position in done if position < 9}
    queue = TaskQueue.of(plan, {position: plan.matches[position].id for position in done})
    assert sorted(drain(queue, size)) == sorted(set(range(18)) - done)


def test_a_learners_series_is_in_one_pair_of_hands_and_goes_on_from_its_memory():
    plan = schedule(config(1, 1), 4, ("c0",))
    queue = TaskQueue.of(plan, {0: plan.matches[0].id}, {0: b'{"seen":1}'}.get)
    task = queue.take(2)
    assert task == Task(0, (1, 2), b'{"seen":1}')
    assert queue.take(2) is None
    queue.give_back(task.after(1, b'{"seen":2}'))
    assert queue.take(9) == Task(0, (2, 3), b'{"seen":2}')


def test_a_match_that_is_given_up_comes_alone():
    plan = schedule(config(1, 1), 4)
    queue = TaskQueue.of(plan, {})
    queue.doomed[2] = "it hung"
    assert [queue.take(9).positions for _ in range(3)] == [(0, 1), (2,), (3,)]


def test_matches_that_do_not_belong_here_and_holes_in_a_series_are_refused():
    plan = schedule(config(1, 1), 4, ("c0",))
    for done in ({0: "someone else's"}, {99: plan.matches[0].id}):
        with pytest.raises(StoreError, match="is not of this tournament"):
            TaskQueue.of(plan, done)
    with pytest.raises(StoreError, match="match 1 is missing in the middle of a learner's series"):
        TaskQueue.of(plan, {position: plan.matches[position].id for position in (0, 2, 3)})


models = st.sampled_from([SCRIPTED, "ollama:x", "embedded:smollm2"])
judges = st.sampled_from([None, "rules", "ollama:x", "embedded:smollm2"])
detectors = st.sampled_from(["lexical", "ollama:x", "28:embedded:smollm2"])


@given(voices=st.lists(models, min_size=1, max_size=3), judge=judges, detector=detectors)
def test_the_models_asked_are_those_of_voices_judge_and_detector(voices, judge, detector):
    settings = config(len(voices), 1, judge=judge, detector=detector)
    sides = entrants(settings)
    speaking = [replace(of, declared={**of.declared, "model": uri}) for of, uri in zip(sides[0], voices, strict=True)]
    plan = build_schedule(settings, speaking, sides[1], scenarios(1))
    listening = {("judge", judge)} if judge not in (None, "rules") else set()
    listening |= {("detector", detector.removeprefix("28:"))} if detector != "lexical" else set()
    asked = {("voice", uri) for uri in voices if uri != SCRIPTED} | listening
    assert {(model.role, model.uri) for model in plan.asked} == asked
    assert len(plan.asked) == len(asked)
    assert plan.listeners == len(listening)
    assert plan.calls_model == bool(asked)
    assert plan.embedded == any(uri == "embedded:smollm2" for _, uri in asked)


@pytest.mark.parametrize("asked", [{"judge": "ollama:x"}, {"detector": "ollama:x"}, {"model": "ollama:x"}])
def test_options_count_where_a_model_is_asked_for_anything(asked):
    """An option that decides what is said makes other matches; one that decides how it is called does not."""
    first, warmer, patient = (
        schedule(config(**asked, model_options=options)).id
        for options in ({"temperature": 0.0}, {"temperature": 0.9}, {"temperature": 0.0, "timeout": 9})
    )
    assert warmer != first
    assert patient == first
    assert schedule(config(model_options={"temperature": 0.9})).id == schedule(config()).id


def test_pairs_are_grouped_by_the_models_of_servers_and_the_adapters_of_embedded_ones():
    adapter = Adapter("x", "a" * 64, "base", "")
    for uri, key in (
        ("embedded:smollm2", (adapter.key, "")),
        ("ollama:x", ("ollama:x", "ollama:x")),
        (SCRIPTED, ("", "")),
    ):
        settings = config(1, 1, model=uri)
        sides = entrants(settings)
        plan = build_schedule(settings, [replace(sides[0][0], adapter=adapter)], sides[1], scenarios(1))
        assert plan.tuned(0) == key


def test_an_agent_is_looked_up_once_and_stays_in_its_process(monkeypatch):
    creditors, _ = enter(make_config({"creditors": ["vanilla"], "debtors": ["angry"]}))
    arrived = copy.copy(creditors[0])  # by the reduction that sends it to a worker
    assert arrived == creditors[0]
    assert arrived.agent is None
    assert arrived.look_up().name == "vanilla"
    monkeypatch.setattr("poise.tournaments.schedule.find_agent", lambda *_: pytest.fail("looked up again"))
    assert creditors[0].look_up() is creditors[0].agent


@pytest.mark.parametrize("names", [["vanilla", "vanilla@scripted"], ["wsls@scripted", "wsls"]])
def test_one_agent_under_two_names_is_refused_before_play(names):
    with pytest.raises(ConfigError, match=f"{names[0]!r} and {names[1]!r} are the same creditor under two names"):
        plan_matches(TournamentConfig(creditors=names, debtors=["angry"], scenarios="builtin:0"))
