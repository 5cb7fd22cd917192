"""The judge in the negotiation and over a tournament: recorded and counted, and deciding nothing."""

from __future__ import annotations

import itertools
import json
import math
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from helpers.seats import CREDITORS, DEBTORS, case, pair, plain_agent
from helpers.voice_fakes import FakeModel
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console
from typer.testing import CliRunner

from poise.agents.judges import Verdict
from poise.agents.judges.model import ModelJudge
from poise.agents.models.calls import Caller
from poise.agents.models.settings import ModelSettings
from poise.cli import app as cli
from poise.cli.screens.judging import agreement_view, rescored_view
from poise.common.errors import BadInput, ConfigError, ModelDown, StoreError
from poise.games.metrics import wilson
from poise.games.moves import ACCEPT, WALK, offer
from poise.games.rules import Rules
from poise.games.transcript import Message, Outcome, Transcript
from poise.graphs import Pairing, PlaySettings, negotiation_graph, play, seat_graph, studio
from poise.graphs.drawing.draw import draw, to_networkx
from poise.tournaments.config import make_config
from poise.tournaments.judging import (
    Counts,
    ask_judge,
    judged_transcripts,
    measure_agreement,
    rescore,
    rescore_tournament,
)
from poise.tournaments.judging.asking import verdicts_file
from poise.tournaments.runner import run_tournament
from poise.tournaments.schedule import plan_matches
from poise.tournaments.statistics.standings import read_standings
from poise.tournaments.storage.store import Store

BY_RULES = PlaySettings(judge="rules")
SETTINGS = {"creditors": ["vanilla", "eq-negotiator"], "debtors": ["angry", "stonewalling"], "matches_per_pair": 3}


def shown(view, width=100):
    screen = Console(width=width, record=True, file=open("/dev/null", "w"), color_system=None)  # noqa: SIM115, PTH123
    with screen.file:
        screen.print(view)
    return screen.export_text()


@pytest.fixture(scope="module")
def judged(tmp_path_factory):
    return run_tournament(make_config({**SETTINGS, "judge": "rules"}), tmp_path_factory.mktemp("judged") / "t").folder


@pytest.fixture(scope="module")
def played(tmp_path_factory):
    return run_tournament(make_config(SETTINGS), tmp_path_factory.mktemp("unjudged") / "t").folder


@pytest.fixture
def unjudged(played, tmp_path):
    return Path(shutil.copytree(played, tmp_path / "t"))


class Says:
    """A judge whose every answer is the same, or an error to raise."""

    def __init__(self, answer):
        self.answer, self.asked = answer, []

    def judge(self, exchange):
        self.asked.append(exchange)
        if isinstance(self.answer, BaseException):
            raise self.answer
        return Verdict(self.answer, usage={"calls": 1, "prompt_tokens": 7})


class TestTheNode:
    @settings(max_examples=12, deadline=None)
    @given(
        creditor=st.sampled_from(CREDITORS),
        debtor=st.sampled_from(DEBTORS),
        gap=st.integers(-60, 180).filter(bool),
        seed=st.integers(0, 2**63),
    )
    def test_both_ways_of_playing_give_the_same_verdicts_and_the_talks_are_those_without_a_judge(
        self, creditor, debtor, gap, seed
    ):
        scenario = case(70, 70 + gap)
        fast, slow = (
            play(scenario, *pair(creditor, debtor), seed=seed, settings=replace(BY_RULES, through=through))
            for through in ("fast", "langgraph")
        )
        assert fast == slow
        plain = play(scenario, *pair(creditor, debtor), seed=seed)
        stripped = tuple(replace(message, verdict=None) for message in fast.messages)
        assert (stripped, fast.outcome, plain.judge) == (plain.messages, plain.outcome, "")
        assert [message.verdict is None for message in fast.messages] == [
            not message.index for message in fast.messages
        ]

    def test_verdicts_survive_json_and_are_left_out_where_there_are_none(self):
        judged = play(case(), *pair(), settings=BY_RULES)
        assert Transcript.from_dict(json.loads(json.dumps(judged.to_dict()))) == judged
        plain = play(case(), *pair()).to_dict()
        assert "judge" not in plain
        assert not any({"verdict", "unjudged"} & set(message) for message in plain["messages"])

    def test_a_judge_that_cries_deal_ends_nothing(self):
        agents = plain_agent("creditor", offer(20)), plain_agent("debtor", offer(100), offer(100), WALK)
        pairing = Pairing(*agents, BY_RULES)
        pairing._judge = Says(True)
        played = pairing.play(case(), 1)
        assert played.transcript.outcome.ending == "walked"
        assert [message.verdict for message in played.transcript.messages] == [None, *[True] * 5]
        assert played.usage.judge == {"calls": 5, "prompt_tokens": 35}
        assert played.usage.calls == 0

    @pytest.mark.parametrize("through", ["fast", "langgraph"])
    def test_a_judge_that_fails_is_recorded_and_one_that_is_down_is_raised(self, through):
        pairing = Pairing(*pair(), replace(BY_RULES, through=through))
        pairing._judge = Says(ValueError("math domain error"))
        transcript = pairing.play(case(), 1).transcript
        assert transcript.outcome.ending == "deal"
        assert {message.unjudged for message in transcript.messages[1:]} == {"ValueError: math domain error"}
        assert {message.verdict for message in transcript.messages} == {None}
        pairing._judge = Says(ModelDown("no server"))
        with pytest.raises(ModelDown):
            pairing.play(case(), 1)

    def test_a_seat_that_fails_has_said_nothing_to_judge(self):
        class Raises:
            def choose(self, view, dice):
                raise ValueError("oops")

        debtor = replace(pair()[1], make_policy=Raises)
        transcript = play(case(), pair()[0], debtor, settings=BY_RULES, raises=False)
        assert (transcript.outcome.ending, len(transcript.messages)) == ("failed", 1)

    def test_the_longest_talks_fit_langgraphs_limit(self):
        agents = plain_agent("creditor", offer(20)), plain_agent("debtor", offer(100))
        transcript = play(
            case(), *agents, settings=replace(BY_RULES, through="langgraph", rules=Rules(max_messages=60))
        )
        assert (transcript.outcome.ending, len(transcript.messages)) == ("timeout", 60)

    def test_the_judge_sees_the_last_two_messages_and_no_target(self):
        pairing = Pairing(*pair(), BY_RULES)
        pairing._judge = judge = Says(False)
        transcript = pairing.play(case(), 1).transcript
        texts = [message.text for message in transcript.messages]
        assert [tuple(text for _, text in one.said) for one in judge.asked] == list(itertools.pairwise(texts))
        assert {(one.domain, one.unit, one.tolerance) for one in judge.asked} == {("debt", "days", 5)}


class TestTheDrawing:
    def test_both_seats_lead_to_the_judge_and_it_to_both_or_the_end(self):
        graph = negotiation_graph(seat_graph().compile(), seat_graph().compile(), judged=True).compile()
        picture = to_networkx(graph.get_graph(xray=False))
        ways = {(source, target) for source, target, data in picture.edges(data=True) if data["conditional"]}
        assert ways == {("judge", "creditor"), ("judge", "debtor"), ("judge", "__end__")}
        assert {("creditor", "judge"), ("debtor", "judge")} <= set(picture.edges)
        assert b"judge" in draw(graph, "svg")

    def test_the_command_draws_it(self):
        run = CliRunner().invoke(cli.app, ["graph", "draw", "negotiation", "--judge"])
        assert "judge(judge)" in run.stdout
        run = CliRunner().invoke(cli.app, ["graph", "draw", "vanilla", "--judge"])
        assert run.exit_code == 1
        assert "leave out --judge" in run.stderr

    def test_studio_has_a_graph_with_a_judge(self):
        result = studio.judged_negotiation().invoke({}, context={"seed": 3}, config={"recursion_limit": 90})
        assert [verdict.agreed for verdict in result["verdicts"]][-1] is True
        assert studio.negotiation().invoke({}, context={"seed": 3})["verdicts"] == ()


class TestSettings:
    def test_a_judge_that_there_is_not_is_refused(self):
        with pytest.raises(
            ConfigError,
            match=r"judge = 'gpt'.*does not exist; say rules, embedded:NAME, llamacpp:NAME, ollama:NAME or openai:NAME",
        ):
            make_config({**SETTINGS, "judge": "gpt"})

    def test_a_judge_makes_other_matches_and_one_less_tournaments_are_as_they_were(self):
        plain, by_rules, by_model = (
            plan_matches(make_config({**SETTINGS, "judge": judge})) for judge in (None, "rules", "embedded:smollm2")
        )
        assert len({plain.id, by_rules.id, by_model.id}) == 3
        assert (plain.calls_model, by_rules.calls_model, by_model.calls_model) == (False, False, True)
        assert by_model.embedded


class TestCounts:
    def test_cohens_own_definition(self):
        found = Counts(both=20, referee_only=5, judge_only=10, neither=15)  # p_o = 0.7, p_e = 0.5
        assert found.kappa == pytest.approx(0.4)
        assert found.interval == wilson(35, 50)

    @given(st.builds(Counts, *[st.integers(0, 50)] * 4))
    def test_kappa_is_that_of_its_formula_and_does_not_care_who_is_who(self, found):
        swapped = Counts(found.both, found.judge_only, found.referee_only, found.neither)
        assert found.kappa == swapped.kappa
        if found.kappa is not None:
            total = found.total
            row, column = (found.both + found.referee_only) / total, (found.both + found.judge_only) / total
            chance = row * column + (1 - row) * (1 - column)
            assert math.isclose(found.kappa, (found.agreed / total - chance) / (1 - chance), abs_tol=1e-9)

    @pytest.mark.parametrize("found", [Counts(), Counts(both=3), Counts(neither=9)])
    def test_it_is_undefined_where_both_always_say_the_same(self, found):
        assert found.kappa is None


class TestAgreement:
    def test_the_counts_are_those_of_the_transcripts(self, judged):
        found = measure_agreement(judged)
        with Store.read(judged) as store:
            talks = list(store.transcripts())
        assert found.messages.total == sum(len(one.messages) - 1 for one in talks)
        assert found.matches.total == len(talks) == 12
        assert found.matches.both + found.matches.referee_only == sum(one.outcome.ending == "deal" for one in talks)
        assert found.unjudged == {}

    def test_asking_now_is_judging_then(self, judged, unjudged):
        ask_judge(unjudged, "rules")
        assert replace(measure_agreement(unjudged, "rules"), judge="rules") == measure_agreement(judged)

    def test_disagreements_are_shown_both_ways(self, unjudged):
        for answer, kind in ((True, "judge_only"), (False, "referee_only")):
            path = ask_judge(unjudged, "rules", opened=Says(answer))
            found = measure_agreement(unjudged, "rules", examples=2)
            assert getattr(found.messages, kind) > 0
            assert [one.agreed for one in found.examples] == [answer] * 2
            text = shown(agreement_view(found))
            assert "Where they differ" in text
            assert found.examples[0].said[0][1][:30] in text
            json.dumps(found.to_dict())
            path.unlink()

    def test_messages_without_a_verdict_are_told_with_the_reason(self, unjudged):
        judge = ModelJudge(Caller(FakeModel(replies=["maybe"]), ModelSettings(patience=0)))
        ask_judge(unjudged, "rules", opened=judge)
        found = measure_agreement(unjudged, "rules")
        assert (found.messages.total, found.messages.kappa) == (0, None)
        assert "the judge said 'maybe'" in next(iter(found.unjudged))
        assert "messages without a verdict" in shown(agreement_view(found))

    def test_without_a_judge_it_says_how_to_get_one(self, unjudged):
        with pytest.raises(BadInput, match="add --judge rules"):
            measure_agreement(unjudged)
        with pytest.raises(StoreError, match="has not judged match 0"):
            measure_agreement(unjudged, "rules")


class TestAskingNow:
    def test_the_store_is_left_as_it_was(self, unjudged):
        before = (unjudged / "tournament.sqlite").read_bytes()
        ask_judge(unjudged, "rules")
        assert (unjudged / "tournament.sqlite").read_bytes() == before

    def test_it_goes_on_where_it_was_stopped(self, unjudged):
        class Stops(Says):
            def judge(self, exchange):
                if len(self.asked) == 40:
                    raise ModelDown("no server")
                return super().judge(exchange)

        with pytest.raises(ModelDown, match=r"no server\nThe verdicts on . matches are kept in .*; the same command"):
            ask_judge(unjudged, "rules", opened=Stops(False))
        path = verdicts_file(unjudged, "rules")
        finished = len(path.read_text().splitlines()) - 1
        assert 0 < finished < 12
        with path.open("ab") as file:
            file.write(b'{"position": 11, "tal')  # torn off by a crash
        judge = Says(False)
        ask_judge(unjudged, "rules", opened=judge)
        assert len(path.read_text().splitlines()) == 13
        left = sum(len(talks.messages) - 1 for _, talks in list(judged_transcripts(unjudged, "rules"))[finished:])
        assert len(judge.asked) == left
        ask_judge(unjudged, "rules", opened=judge)
        assert len(judge.asked) == left  # nothing is asked twice

    def test_a_file_of_other_settings_or_a_damaged_one_is_left_alone(self, unjudged):
        path = verdicts_file(unjudged, "embedded:smollm2")
        ask_judge(unjudged, "embedded:smollm2", opened=Says(False))
        before = path.read_bytes()
        with pytest.raises(StoreError, match=r"under other settings.*move it away"):
            ask_judge(unjudged, "embedded:smollm2", {"max_tokens": 9}, opened=Says(True))
        path.write_bytes(before.replace(b'"verdicts":[null', b'"verdicts":null, "x":[1', 1))
        with pytest.raises(StoreError, match="not a file of verdicts"):
            ask_judge(unjudged, "embedded:smollm2", opened=Says(True))

    def test_files_of_judges_with_like_names_differ(self, tmp_path):
        names = {verdicts_file(tmp_path, uri).name for uri in ("ollama:a:b", "ollama:a-b", "ollama-a-b", "ollama:a/b")}
        assert len(names) == 4


def talks(*said, ending="timeout", value=None, rules=None):
    messages = tuple(
        Message(index, ("creditor", "debtor")[index % 2], text, move, verdict=verdict)
        for index, (text, move, verdict) in enumerate(said)
    )
    rules = (rules or Rules()).to_dict()
    return Transcript(case(), {}, {}, 0, rules, messages, Outcome(ending, value), judge="rules")


class TestRescoring:
    @settings(max_examples=25, deadline=None)
    @given(
        creditor=st.sampled_from(CREDITORS),
        debtor=st.sampled_from(DEBTORS),
        gap=st.integers(-60, 180).filter(bool),
        seed=st.integers(0, 2**63),
        rules=st.builds(
            Rules,
            tolerance=st.integers(0, 9),
            max_messages=st.integers(2, 40),
            discount=st.sampled_from([1.0, 0.97]),
            deal_value=st.sampled_from(["midpoint", "last"]),
        ),
    )
    def test_under_the_referees_rule_the_talks_are_what_they_were(self, creditor, debtor, gap, seed, rules):
        played = play(case(70, 70 + gap), *pair(creditor, debtor), seed=seed, settings=PlaySettings(rules=rules))
        assert rescore(played, "referee") == played

    def test_so_are_rows_and_standings(self, judged):
        found = rescore_tournament(judged, "referee")
        assert found.standings == read_standings(judged)
        assert (found.earlier, found.added, found.cut, found.deals) == (0, 0, 0, found.referee)

    def test_talks_that_failed_stay_failed(self):
        failed = talks(("60 days.", offer(60), None), ending="failed")
        assert all(rescore(failed, rule) == failed for rule in ("referee", "judge", "faithful", "either"))

    def test_the_judges_first_yes_ends_them_at_the_last_number_or_the_midpoint(self):
        said = talks(
            ("40 days.", offer(40), None), ("60 days.", offer(60), True), ("50 days.", offer(50), True), ending="walked"
        )
        last, middle = rescore(said, "judge"), rescore(said, "judge", "midpoint")
        assert (last.outcome.value, len(last.messages), last.outcome.ending) == (60, 2, "deal")
        assert last.outcome.utilities == pytest.approx((0.52, 0.48))  # (112 - 60) / 100
        assert (middle.outcome.value, len(middle.messages)) == (50, 2)

    def test_an_acceptance_in_words_settles_at_the_offer_that_it_takes(self):
        said = talks(("40 days.", offer(40), None), ("60 days.", offer(60), False), ("I accept.", ACCEPT, True))
        for value in ("last", "midpoint"):
            for rule in ("judge", "faithful", "either"):
                assert rescore(said, rule, value).outcome.value == 60

    def test_a_discount_counts_from_the_message_that_the_value_stands_since(self):
        rules = Rules(discount=0.5)
        said = talks(
            ("40 days.", offer(40), None), ("12 days.", offer(12), False), ("I accept.", ACCEPT, True), rules=rules
        )
        assert rescore(said, "judge").outcome.utilities == (0.5, 0.0)

    def test_a_deal_that_the_rule_does_not_see_is_none(self):
        said = talks(("60 days.", offer(60), None), ("I refuse. 58 days.", offer(58), False), ending="deal", value=59)
        for rule in ("judge", "faithful", "either"):
            assert rescore(said, rule).outcome == replace(
                rescore(said, rule).outcome, ending="timeout", value=None, utilities=(0.0, 0.0)
            )

    def test_either_is_the_earlier_of_both(self):
        said = talks(("60 days.", offer(60), None), ("90 days.", offer(90), True), ("88 days.", offer(88), False))
        assert [len(rescore(said, rule).messages) for rule in ("judge", "faithful", "either")] == [2, 3, 2]

    def test_a_yes_before_any_number_is_no_deal(self):
        said = talks(("Hello.", WALK, None), ("Agreed!", WALK, True))
        assert rescore(said, "judge").outcome.ending == "timeout"

    def test_a_tournament_under_the_judges_rule(self, unjudged):
        path = ask_judge(unjudged, "rules", opened=Says(True))
        early = rescore_tournament(unjudged, "judge", judge="rules")
        assert (early.deals, early.earlier + early.added) == (12, 12)
        assert all(one.rounds.mean == 2 and one.success.mean == 1 for one in early.standings.standings)
        path.unlink()
        ask_judge(unjudged, "rules", opened=Says(False))
        never = rescore_tournament(unjudged, "judge", judge="rules")
        assert (never.deals, never.cut) == (0, never.referee)
        assert "the negotiation ended there" in shown(rescored_view(never, 100))
        json.dumps(never.to_dict())

    def test_what_cannot_be_is_refused(self, unjudged):
        with pytest.raises(BadInput, match="the rule 'coin' does not exist; there are referee, judge"):
            rescore_tournament(unjudged, "coin")
        with pytest.raises(BadInput, match="neither 'last' nor 'midpoint'"):
            rescore_tournament(unjudged, "faithful", "first")
        with pytest.raises(BadInput, match=r"needs verdicts.*--judge rules"):
            rescore_tournament(unjudged, "judge")


class TestCommands:
    def run(self, *words):
        return CliRunner().invoke(cli.app, ["tournament", *map(str, words)])

    def test_agreement(self, judged, unjudged):
        assert "Cohen's kappa" in self.run("agreement", judged).stdout
        assert json.loads(self.run("agreement", judged, "--json").stdout)["judge"] == "rules"
        assert "kappa" in self.run("agreement", unjudged, "--judge", "rules").stdout
        refused = self.run("agreement", unjudged, "--option", "timeout=3")
        assert refused.exit_code == 1
        assert "add --judge URI" in refused.stderr

    def test_rescore(self, unjudged):
        for rule in ("referee", "faithful"):
            assert f"Under the rule '{rule}'" in self.run("rescore", unjudged, "--rule", rule).stdout
        assert (
            "of rules, at the midpoint"
            in self.run("rescore", unjudged, "--rule", "judge", "--judge", "rules", "--value", "midpoint").stdout
        )
        assert self.run("rescore", unjudged, "--rule", "judge").exit_code == 1

    def test_a_tournament_with_a_judge(self, tmp_path):
        folder = tmp_path / "t"
        words = [
            "--creditor",
            "vanilla",
            "--debtor",
            "sad",
            "--matches-per-pair",
            1,
            "--judge",
            "rules",
            "--out",
            folder,
        ]
        assert self.run("run", *words).exit_code == 0
        with Store.read(folder) as store:
            assert next(store.transcripts()).judge == "rules"
