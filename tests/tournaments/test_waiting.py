"""A model's server is not the agents' fault: what it did not let be played waits, named, and all else is played."""

from __future__ import annotations

import re

import orjson
import pytest
from helpers.chat_server import ANSWERS, Server, serving
from helpers.ollama_server import free_port
from helpers.tournament_fakes import OpenFake, Trouble, config, scenarios, schedule
from helpers.view_fakes import client
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from poise.agents.models.settings import ModelSettings
from poise.agents.models.trial import try_model
from poise.cli.app import app
from poise.common.errors import BadReply, ModelDown, ModelMissing, ModelTimeout, Unanswered
from poise.tournaments.config import make_config
from poise.tournaments.matchmaking import Pairings
from poise.tournaments.report.page import write_report
from poise.tournaments.runner import run_tournament
from poise.tournaments.schedule import plan_matches
from poise.tournaments.statistics.ratings import rate_tournament
from poise.tournaments.statistics.standings import read_standings
from poise.tournaments.storage.store import Store, read_snapshot
from poise.tournaments.workers.queue import Task, TaskQueue


def command(server: Server, *words: str):
    options = ("--option", f"base_url={server.address}", "--option", "patience=0", "--option", "timeout=5")
    result = CliRunner().invoke(app, ["tournament", *words, *(options if words[0] == "run" else ())])
    return result.exit_code, result.stdout, " ".join(result.stderr.split())


FIELD = ("--debtor", "angry", "--matches-per-pair", "2", "--max-messages", "7", "--workers", "2")


def test_with_one_dead_server_of_two_the_rest_is_played_and_the_dead_one_is_named_until_it_is_back(tmp_path):
    with serving(good=ANSWERS, bad=ANSWERS) as server:
        server.modes["bad"] = "down"
        agents = ("--creditor", "vanilla@openai:good", "--creditor", "wsls@openai:bad", "--creditor", "vanilla")
        code, _, told = command(server, "run", *agents, *FIELD, "--out", str(tmp_path))
        assert code == 4, told
        assert "openai:good answered a trial call in" in told
        assert "2 matches wait for openai:bad (wsls@openai:bad v. angry)" in told
        assert "4 of 6 matches are played. When the server answers again, continue with" in told
        shown = orjson.loads(command(server, "standings", str(tmp_path), "--json")[1])
        assert [doubt["kind"] for doubt in shown["doubts"]] == ["waiting"]
        assert "wait for openai:bad" in shown["doubts"][0]["text"]
        assert "2 matches wait for openai:bad" in write_report(tmp_path).read_text()
        assert "2 matches wait for openai:bad" in client(tmp_path).get(f"/run/{tmp_path.name}/").text
        assert {one["label"] for one in shown["creditors"]} == {"vanilla@openai:good", "vanilla"}
        assert command(server, "resume", str(tmp_path))[0] == 4, "it is still down"
        server.modes["bad"] = ANSWERS
        code, _, told = command(server, "resume", str(tmp_path))
        assert code == 0, told
        assert read_standings(tmp_path).doubts == ()
        assert read_standings(tmp_path).finished == 6


def test_a_server_that_lets_nobody_play_is_an_error_before_the_first_match(tmp_path):
    with serving(bad="down") as server:
        code, _, told = command(server, "run", "--creditor", "vanilla@openai:bad", *FIELD, "--out", str(tmp_path / "x"))
    assert code == 1
    assert "503" in told
    assert not (tmp_path / "x").exists()


def test_the_model_that_a_policy_asks_is_tried_first_and_waited_for_too(tmp_path, monkeypatch):
    with serving(bad="down") as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.address)
        agents = ("--creditor", "emomas:openai:bad", "--creditor", "vanilla")
        code, _, told = command(server, "run", *agents, *FIELD, "--out", str(tmp_path))
        assert code == 4, told
        assert "2 matches wait for openai:bad (emomas:openai:bad v. angry)" in told
        assert Store.read(tmp_path).count() == 2
        server.modes["bad"] = ANSWERS
        assert "openai:bad answered a trial call in" in command(server, "resume", str(tmp_path))[2]


def test_requests_that_are_refused_wait_and_are_not_charged_to_the_agent(tmp_path):
    with serving(picky=ANSWERS) as server:
        settings = config_of(server)
        plan = plan_matches(settings)
        server.modes["picky"] = "refuses"
        with pytest.raises(ModelDown, match="context is too short"):
            run_tournament(settings, tmp_path, open_pairing=Pairings(settings, plan))
        with Store.read(tmp_path) as store:
            assert store.count() == 0
            assert sum(waiting.matches for waiting in store.header().waiting) == 4


def config_of(server: Server):
    return make_config(
        {
            "creditors": ["vanilla@openai:picky"],
            "debtors": ["angry", "sad"],
            "matches_per_pair": 2,
            "workers": 1,
            "model_options": {"base_url": server.address, "patience": 0.0, "timeout": 5.0},
        }
    )


class TestTrialCall:
    @pytest.mark.parametrize(
        ("mode", "error", "words"),
        [
            ("mute", BadReply, "no usable reply.*empty reply.*Nothing was played"),
            ("refuses", Unanswered, "context is too short"),
            ("down", ModelDown, "503"),
        ],
    )
    def test_a_model_of_no_use_is_told_with_the_reason(self, mode, error, words):
        with serving(m=mode) as server, pytest.raises(error, match=words):
            try_model("openai:m", ModelSettings(base_url=server.address, patience=0))

    def test_it_says_the_seconds_a_token(self):
        with serving(m=ANSWERS) as server:
            said = try_model("openai:m", ModelSettings(base_url=server.address))
        assert re.fullmatch(r"openai:m answered a trial call in \S+ s: \S+ s a token", said)

    def test_a_server_that_is_slow_to_load_gets_several_tries(self, monkeypatch):
        late = [ModelTimeout("late"), ModelTimeout("late")]

        def ask(self, question):
            if late:
                raise late.pop()
            return ask_truly(self, question)

        with serving(m=ANSWERS) as server:
            from poise.agents.models.calls import Caller

            ask_truly = Caller.ask
            monkeypatch.setattr(Caller, "ask", ask)
            assert "a token" in try_model("openai:m", ModelSettings(base_url=server.address))
            late += [ModelTimeout("late")] * 3
            with pytest.raises(ModelTimeout, match=r"none of 3 trial calls within 45 s each.*timeout=SECONDS"):
                try_model("openai:m", ModelSettings(base_url=server.address))

    @pytest.mark.parametrize("mode", ["mute", "refuses"])
    def test_a_tournament_stops_before_its_first_match(self, tmp_path, mode):
        with serving(m=mode) as server:
            run = ("--creditor", "vanilla@openai:m", "--creditor", "vanilla", *FIELD, "--out", str(tmp_path / "x"))
            code, _, told = command(server, "run", *run)
        assert code == 1, told
        assert not (tmp_path / "x").exists()

    def test_a_wrong_name_stops_it_too(self, tmp_path):
        with serving(m=ANSWERS) as server:
            code, _, told = command(server, "run", "--creditor", "vanilla@openai:n", *FIELD, "--out", str(tmp_path))
        assert code == 1
        assert "has no 'n'; it has m" in told


def test_a_port_without_a_server_is_named():
    with pytest.raises(ModelDown, match="OPENAI_BASE_URL"):
        try_model("openai:m", ModelSettings(base_url=f"http://127.0.0.1:{free_port()}/v1", patience=0))


def test_a_model_whose_words_are_poises_own_makes_the_result_doubtful(tmp_path):
    with serving(m=ANSWERS) as server:
        agents = ("--creditor", "vanilla@openai:m", *FIELD, "--out", str(tmp_path))
        server.chat = lambda mode, asked: Server.chat(server, ANSWERS if "ten words" in asked else "mute", asked)
        code, _, told = command(server, "run", *agents)
        assert code == 3, told
        assert re.search(
            r"warning: (\d+) of \1 messages \(100%\) of creditor vanilla@openai:m are Poise's own words", told
        )
        assert "own words" in command(server, "standings", str(tmp_path))[1]
        assert "own words" in write_report(tmp_path).read_text()
        assert [one.kind for one in read_standings(tmp_path).doubts] == ["own words"]
        assert command(server, "run", *agents, "--own-words-limit", "1")[0] == 0


@pytest.mark.parametrize(("fails", "words"), [(True, "all 4 matches failed"), (False, None)])
def test_matches_that_all_failed_are_no_result(tmp_path, fails, words):
    settings = make_config({"creditors": ["vanilla"], "debtors": ["angry"]})
    plan = plan_matches(settings, scenarios(4))
    seeds = [match.seed for match in plan.matches]
    trouble = Trouble(raises=tuple(seeds if fails else seeds[:3]))
    run_tournament(settings, tmp_path, scenarios=scenarios(4), open_pairing=OpenFake(plan, trouble=trouble))
    standings = read_standings(tmp_path)
    assert [doubt.text.startswith(words) for doubt in standings.doubts] == ([True] if words else [])
    assert standings.seat("creditor")[0].failed == (4 if fails else 3)
    rated = {one.label: one for one in rate_tournament(read_snapshot(tmp_path)).listed}
    assert rated["vanilla"].no_deals >= (4 if fails else 3), "a failed match is one without a deal in ratings, too"


def test_one_request_that_is_not_answered_takes_no_model_from_the_others():
    refused = Unanswered("too long")
    refused.model = "openai:some"
    queue = TaskQueue.of(PLAN, {})
    learner = next(pair for pair in range(PLAN.pairs) if PLAN.learns(pair))
    for wanted in (learner, next(pair for pair in range(PLAN.pairs) if not PLAN.learns(pair))):
        tasks = []
        while (task := queue.take(99)) is not None:
            tasks.append(task)
        for task in tasks:
            if task.pair == wanted:
                queue.hold(task, refused)
            else:
                queue.give_back(task)
    size = len(PLAN.matches) // PLAN.pairs
    assert [(one.model, one.matches) for one in queue.waiting()] == [("openai:some", size + 1)]
    assert queue.left == len(PLAN.matches) - size - 1


PLAN = schedule(config(3, 2, model="openai:some"), 4, ("c2",))


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_whatever_waits_nothing_is_lost_or_handed_out_twice(data):
    """Matches are taken, finished, or held for a model's server, in any order; what waits and what is done is all."""
    queue, done, taken = TaskQueue.of(PLAN, {}), [], []
    errors = [ModelDown("down"), Unanswered("too long"), ModelMissing("none"), ModelTimeout("late")]
    for _ in range(data.draw(st.integers(0, 40))):
        if (task := queue.take(data.draw(st.integers(1, 3)))) is not None:
            taken.append(task)
        if not taken:
            break
        task = taken.pop(data.draw(st.integers(0, len(taken) - 1)))
        finished = data.draw(st.integers(0, len(task.positions)))
        done += task.positions[:finished]
        rest = Task(task.pair, task.positions[finished:], b"{}" if PLAN.learns(task.pair) else None)
        if finished:
            queue.finished(task.pair)
        if rest.positions and data.draw(st.booleans()):
            error = data.draw(st.sampled_from(errors))
            error.model = data.draw(st.sampled_from(["", "openai:some", "openai:other"]))
            queue.hold(rest, error)
        else:
            queue.give_back(rest)
    for task in taken:
        queue.give_back(task)
    if data.draw(st.booleans()) and queue.try_again():
        assert queue.waiting() == []
    left = []
    while (task := queue.take(99)) is not None:
        left += task.positions
        queue.give_back(Task(task.pair, (), task.memory))
    waiting = sum(one.matches for one in queue.waiting())
    assert len(set(done + left)) == len(done + left)
    assert len(done) + len(left) + waiting == len(PLAN.matches)
