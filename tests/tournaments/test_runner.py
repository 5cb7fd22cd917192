"""A tournament comes out the same however it is played, and goes on whatever happens to it."""

import os
import signal
import subprocess
import sys
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

import orjson
import pytest
from helpers import tournament_fakes
from helpers.tournament_fakes import OpenFake, Trouble, scenarios, schedule
from helpers.tournament_fakes import config as fake_config
from hypothesis import given, settings
from hypothesis import strategies as st

from poise.agents.models.provider import Provider
from poise.agents.models.providers.embedded import EmbeddedProvider
from poise.agents.simulated.files import DEFAULT
from poise.common import userfile
from poise.common.errors import AgentError, ConfigError, ModelDown, PoiseError, StoreError
from poise.common.interrupts import Interrupts
from poise.common.progress import Unwatched
from poise.tournaments.config import make_config
from poise.tournaments.folder import default_folder
from poise.tournaments.runner import resume_tournament, run_tournament
from poise.tournaments.schedule import plan_matches
from poise.tournaments.statistics.standings import read_standings
from poise.tournaments.storage.errors import only_run
from poise.tournaments.storage.store import Store
from poise.tournaments.workers.dispatcher import Dispatcher
from poise.tournaments.workers.play import How, play_all
from poise.tournaments.workers.processes import ProcessPool
from poise.tournaments.workers.queue import TaskQueue, WorkerPlan
from poise.tournaments.workers.threads import ThreadPool

LEARNER = ("c1",)
WITH_MODEL = {"model": "openai:some-model"}


@pytest.fixture(autouse=True)
def _processes(monkeypatch):
    """Processes are begun as for a user."""
    monkeypatch.setattr("poise.tournaments.workers.play._WORTH_PROCESSES", 0.5)


def essence(finished):
    """A record without its wall-clock time, which comes from outside."""
    return finished.row[:21], finished.transcript, finished.memory


NO_TROUBLE = Trouble()


def play(plan, *, trouble=NO_TROUBLE, seconds=0.0, queue=None, **how):
    opened = OpenFake(plan, seconds, trouble)
    how = How(**{"workers": 1, "match_seconds": 60.0, **how})
    queue = queue or TaskQueue.of(plan, {})
    batches = play_all(WorkerPlan(plan, fake_config().rules, opened), queue, how)
    return sorted(essence(one) for batch in batches for one in batch)


PLAN = schedule(fake_config(), 6, LEARNER)
ALONE = play(PLAN)


def seeds(*positions):
    """Trouble is told by the match's seed, which all pairs share."""
    return tuple(PLAN.matches[position].seed for position in positions)


def test_played_alone_every_match_is_there_once_and_learners_remember():
    assert [row[0] for row, _, _ in ALONE] == list(range(24))
    assert all((memory is not None) == (PLAN.matches[row[0]].pair >= 2) for row, _, memory in ALONE)
    assert orjson.loads(ALONE[-1][2])["seen"] > 0


@pytest.mark.parametrize("own_code", [False, True])
@pytest.mark.parametrize("workers", [1, 2, 3])
def test_any_number_of_processes_gives_what_one_gives(workers, own_code):
    plan = schedule(fake_config(), 6, LEARNER, own_code)
    assert play(plan, workers=workers) == ALONE


class OpenCounted(OpenFake):
    opened: ClassVar[list[int]] = []

    def __call__(self, pair):
        self.opened.append(pair)
        return super().__call__(pair)


def test_going_over_to_processes_midway_changes_nothing():
    plan = schedule(fake_config(), 150, LEARNER)
    OpenCounted.opened.clear()
    plain = play(plan)
    batches = play_all(
        WorkerPlan(plan, fake_config().rules, OpenCounted(plan, 0.002)), TaskQueue.of(plan, {}), How(2, 60.0)
    )
    assert sorted(essence(one) for batch in batches for one in batch) == plain
    assert OpenCounted.opened, "play begins in this process"
    assert len(OpenCounted.opened) < 4, "and goes over to others, where this list does not grow"


@pytest.mark.parametrize("workers", [1, 3])
def test_conversations_at_a_time_give_what_one_gives(workers):
    plan = schedule(fake_config(**WITH_MODEL), 6, LEARNER)
    assert play(plan, workers=workers) == play(plan, workers=1)


@given(finished=st.sets(st.integers(0, 11)), learned=st.integers(0, 12))
@settings(max_examples=30, deadline=None)
def test_going_on_from_any_set_of_finished_matches_gives_the_rest(finished, learned):
    """The learner's two series are finished up to a point; the others' matches in any order."""
    second = max(0, learned - 6)
    there = finished | set(range(12, 12 + min(6, learned))) | set(range(18, 18 + second))
    done = {position: PLAN.matches[position].id for position in there}
    queue = TaskQueue.of(PLAN, done, lambda position: ALONE[position][2])
    assert play(PLAN, queue=queue) == [record for record in ALONE if record[0][0] not in there]


# Misbehaviour.


def outcomes(records):
    return {row[0]: orjson.loads(transcript)["outcome"] for row, transcript, _ in records}


@pytest.mark.parametrize("own_code", [False, True])
def test_an_error_is_its_matchs_outcome_and_a_learner_forgets_that_match(own_code):
    plan = schedule(fake_config(), 6, LEARNER, own_code)
    played = play(plan, trouble=Trouble(raises=seeds(2)))
    for position, outcome in outcomes(played).items():
        assert (outcome["reason"] == "ValueError: math domain error") == (position % 6 == 2)
    assert played[12 + 2][2] == played[12 + 1][2] == ALONE[12 + 1][2]
    assert [record for record in played if record[0][2] == 0 and record[0][0] % 6 != 2] == [
        record for record in ALONE if record[0][2] == 0 and record[0][0] % 6 != 2
    ]


def test_a_process_that_dies_once_costs_nothing(tmp_path):
    plan = schedule(fake_config(), 6, LEARNER, own_code=True)
    assert play(plan, trouble=Trouble(kills=seeds(3), once=tmp_path / "died"), workers=2) == ALONE
    assert (tmp_path / "died").exists()


def test_a_match_that_kills_its_process_twice_is_recorded_as_failed():
    plan = schedule(fake_config(), 6, LEARNER, own_code=True)
    played = play(plan, trouble=Trouble(kills=seeds(3)), workers=2)
    reasons = {position: outcome["reason"] for position, outcome in outcomes(played).items() if outcome["reason"]}
    assert reasons == dict.fromkeys((3, 9, 15, 21), "the process that played it ended 2 times (signal SIGKILL)")
    assert len(played) == 24


@pytest.mark.skipif(not hasattr(os, "fork"), reason="a process is left behind by a fork")
def test_a_worker_s_death_is_seen_where_a_process_that_it_left_holds_its_pipe(tmp_path):
    plan = schedule(fake_config(1, 1), 3, own_code=True)
    orphans = tmp_path / "orphans"
    try:
        played = play(plan, trouble=Trouble(kills=(plan.matches[1].seed,), orphans=orphans), workers=2)
    finally:
        for process in orphans.read_text().split():
            os.kill(int(process), signal.SIGKILL)
    reasons = [outcome["reason"] for outcome in outcomes(played).values()]
    assert reasons == ["", "the process that played it ended 2 times (signal SIGKILL)", ""]


@pytest.mark.parametrize(
    ("fields", "error"), [({}, SystemExit), (WITH_MODEL, SystemExit), (WITH_MODEL, KeyboardInterrupt)]
)
def test_code_that_would_end_the_process_costs_its_match_only(fields, error):
    plan = schedule(fake_config(**fields), 6, LEARNER, own_code=True)
    played = play(plan, trouble=Trouble(raises=seeds(2), error=error), workers=2)
    failed = {position: outcome["reason"] for position, outcome in outcomes(played).items() if outcome["reason"]}
    assert failed == dict.fromkeys((2, 8, 14, 20), f"{error.__name__}: math domain error")
    assert len(played) == 24


@pytest.mark.parametrize("fields", [{}, WITH_MODEL])
def test_a_match_that_hangs_is_given_up_and_the_others_go_on(fields, monkeypatch, test_over):
    monkeypatch.setattr(tournament_fakes, "HANGS_UNTIL", test_over)
    settings = fake_config(1, 2, **fields)
    plan = schedule(settings, 4, ("c0",), own_code=True)
    trouble = Trouble(hangs=(plan.matches[1].seed,))
    played = play(plan, trouble=trouble, workers=2, match_seconds=1.0, grace=1.0)
    reasons = {position: outcome["reason"] for position, outcome in outcomes(played).items() if outcome["reason"]}
    assert reasons == dict.fromkeys((1, 5), "no reply within 1 s; raise match_seconds if that is fine")
    assert [row[0] for row, _, _ in played] == list(range(8))


@dataclass(frozen=True)
class OpenDeadly:
    """Dies, or fails, as soon as a pairing is opened."""

    how: str

    def __call__(self, pair):
        if self.how == "dies":
            os.kill(os.getpid(), signal.SIGKILL)
        raise AgentError("agent 'x' has no method choose")


@pytest.mark.parametrize(
    ("how", "error", "words"),
    [("dies", PoiseError, r"3 worker processes ended before their first match \(signal SIGKILL\).*--workers 1"),
     ("fails", AgentError, "agent 'x' has no method choose")],
)  # fmt: skip
def test_workers_that_cannot_even_begin_stop_the_tournament_in_words(how, error, words):
    plan = schedule(fake_config(), 2, own_code=True)
    with pytest.raises(error, match=words):
        list(play_all(WorkerPlan(plan, fake_config().rules, OpenDeadly(how)), TaskQueue.of(plan, {}), How(2, 60.0)))


def test_a_spawned_process_plays_as_a_forked_one():
    other = threading.Thread(target=(gate := threading.Event()).wait, daemon=True)
    other.start()  # while another thread runs, a fork would not be safe
    try:
        with ProcessPool(WorkerPlan(PLAN, fake_config().rules, OpenFake(PLAN)), 1) as pool:
            assert pool._context.get_start_method() == "spawn"
            run = Dispatcher(pool, TaskQueue.of(PLAN, {}), fake_config().rules, 60.0, lambda: False, lambda *_: 5).run()
            assert sorted(essence(one) for batch in run for one in batch) == ALONE
    finally:
        gate.set()
        other.join()


class OpenLarge(OpenFake):
    """Learners whose memory is larger than what a pipe holds."""

    def __call__(self, pair):
        pairing = super().__call__(pair)
        play_one = pairing.play

        def large(scenario, seed):
            played = play_one(scenario, seed)
            played.memory["ballast"] = "x" * 300_000
            return played

        pairing.play = large
        return pairing


def test_a_learner_with_a_large_memory_does_not_stop_the_pipes():
    """Both ends of a pipe that is full would wait for each other."""

    plan = schedule(fake_config(1, 4), 8, ("c0",))
    with ProcessPool(WorkerPlan(plan, fake_config().rules, OpenLarge(plan)), 2) as pool:
        run = Dispatcher(pool, TaskQueue.of(plan, {}), fake_config().rules, 60.0, lambda: False, lambda *_: 2).run()
        assert sum(map(len, run)) == 32


def test_stopping_finishes_what_is_in_flight_and_begins_nothing():
    plan = schedule(fake_config(**WITH_MODEL), 6)
    asked = []
    with ThreadPool(WorkerPlan(plan, fake_config().rules, OpenFake(plan, 0.02)), 2) as pool:
        queue = TaskQueue.of(plan, {})
        run = Dispatcher(pool, queue, fake_config().rules, 60.0, lambda: len(asked) >= 3)
        for batch in run.run():
            asked += batch
    assert 3 <= len(asked) <= 5
    assert queue.left == 24 - len(asked)


# Whole runs, with the folder.

NAMES = {"creditors": ["vanilla", "eq-negotiator"], "debtors": ["angry", "sad"], "seed": 3}
CONFIG = make_config(NAMES)
CASES = scenarios(5)


@dataclass
class Stopper(Unwatched):
    """Presses Ctrl-C after so many matches."""

    after: int
    times: int = 1
    signal: int = signal.SIGINT
    seen: int = 0
    told: list[str] = field(default_factory=list)

    def advance(self, count, note=""):
        self.seen += count
        while self.seen >= self.after and self.times:
            self.times -= 1
            os.kill(os.getpid(), self.signal)

    def remark(self, sentence):
        self.told.append(sentence)


def opened(config=CONFIG, **more):
    return OpenFake(plan_matches(config, CASES), **more)


def stored(folder):
    with Store.read(folder) as store:
        return [(position, transcript) for position, transcript, _ in store.documents()]


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole")
    result = run_tournament(CONFIG, folder, scenarios=CASES, open_pairing=opened())
    assert (result.total, result.finished, result.played, result.complete) == (20, 20, 20, True)
    return folder


def test_a_run_again_in_its_folder_plays_nothing(whole):
    again = make_config({**NAMES, "workers": 2, "match_seconds": 9})
    result = run_tournament(again, whole, scenarios=CASES, open_pairing=OpenDeadly("fails"))
    assert (result.played, result.finished) == (0, 20)
    with Store.read(whole) as store:
        assert store.header().config["match_seconds"] == 9


def test_another_tournament_in_the_folder_is_refused_with_what_differs(whole):
    for change, words in (
        ({"seed": 4}, r"seed was 3, now 4"),
        ({"debtors": ["angry"]}, r"debtors was \['angry', 'sad'\]"),
    ):
        with pytest.raises(StoreError, match=words + r".*--out.*poise tournament resume"):
            run_tournament(make_config({**NAMES, **change}), whole, scenarios=CASES, open_pairing=opened())
    with pytest.raises(StoreError, match="a scenario or an agent's file has changed"):
        run_tournament(CONFIG, whole, scenarios=scenarios(6)[1:], open_pairing=opened())


@pytest.mark.parametrize(("after", "workers"), [(1, 1), (7, 1), (19, 1), (1, 2)])
def test_ctrl_c_keeps_what_is_finished_and_resuming_gives_the_whole(tmp_path, whole, after, workers):
    watch = Stopper(after)
    config = make_config({**NAMES, "workers": workers})
    result = run_tournament(config, tmp_path, scenarios=CASES, open_pairing=opened(seconds=0.06), watch=watch)
    assert after <= result.finished < 20
    assert watch.told == ["finishing the matches in flight; interrupt again (Ctrl-C) to drop them"]
    resumed = resume_tournament(tmp_path, open_pairing=opened())
    assert resumed.complete
    assert resumed.played == 20 - result.finished
    assert stored(tmp_path) == stored(whole)
    assert resumed.standings().to_dict()["creditors"] == read_standings(whole).to_dict()["creditors"]


def test_a_second_ctrl_c_leaves_at_once_and_says_how_to_go_on(tmp_path, whole):
    alone, before = make_config({**NAMES, "workers": 1}), signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt) as stopped:
        run_tournament(alone, tmp_path, scenarios=CASES, open_pairing=opened(seconds=0.06), watch=Stopper(3, times=2))
    assert stopped.value.__notes__ == [f"Finished matches are kept; continue with: poise tournament resume {tmp_path}"]
    assert resume_tournament(tmp_path, open_pairing=opened()).complete
    assert stored(tmp_path) == stored(whole)
    assert signal.getsignal(signal.SIGINT) is before


@pytest.mark.parametrize("model", ["scripted", "openai:some-model"])
def test_a_server_that_goes_down_lets_its_matches_wait_and_loses_nothing(tmp_path, model):
    config = make_config({**NAMES, "model": model, "workers": 2})
    down = Trouble(down=(plan_matches(config, CASES).matches[3].seed,))
    result = run_tournament(config, tmp_path, scenarios=CASES, open_pairing=opened(config, trouble=down))
    before = stored(tmp_path)
    assert 0 < result.finished == len(before) < 20
    assert not result.complete
    assert not result.stopped
    assert sum(waiting.matches for waiting in result.waiting) == 20 - len(before)
    assert all("does not answer; start it" in waiting.reason for waiting in result.waiting)
    assert read_standings(tmp_path).to_dict()["doubts"]
    resumed = resume_tournament(tmp_path, open_pairing=opened(config))
    assert (resumed.played, resumed.waiting) == (20 - len(before), [])
    assert not read_standings(tmp_path).doubts
    after = stored(tmp_path)
    assert len(after) == 20
    assert set(before) <= set(after)


def test_a_server_that_lets_nothing_be_played_is_an_error(tmp_path):
    down = Trouble(down=tuple(match.seed for match in plan_matches(CONFIG, CASES).matches))
    with pytest.raises(ModelDown, match=r"does not answer; start it\nFinished matches are kept.*tournament resume"):
        run_tournament(CONFIG, tmp_path, scenarios=CASES, open_pairing=opened(trouble=down))


def test_resuming_needs_the_folder_and_nothing_else(tmp_path, whole):
    source = tmp_path / "cases.jsonl"
    source.write_bytes(b"\n".join(orjson.dumps(case.to_dict()) for case in CASES))
    config = make_config({**NAMES, "scenarios": str(source), "workers": 1})
    run_tournament(config, tmp_path / "run", open_pairing=opened(config, seconds=0.06), watch=Stopper(4))
    source.unlink()
    assert resume_tournament(tmp_path / "run", open_pairing=opened(config)).complete
    assert stored(tmp_path / "run") == stored(whole)


def test_free_words_of_before_are_not_mixed_with_those_of_a_grammar(tmp_path, monkeypatch):
    with monkeypatch.context() as before:
        before.setattr(EmbeddedProvider, "needs_grammar", Provider.needs_grammar)
        config = make_config({"creditors": ["vanilla@embedded:smollm2"], "debtors": ["sad"], "workers": 1})
        run_tournament(
            config, tmp_path / "run", scenarios=CASES, open_pairing=opened(config, seconds=0.06), watch=Stopper(1)
        )
    with pytest.raises(StoreError, match=r"vanilla.* spoke freely.*in another folder, with --option wording=free"):
        resume_tournament(tmp_path / "run", open_pairing=opened(config))


def test_an_agent_that_changed_in_between_is_not_mixed_with_what_it_was(tmp_path):
    agent = tmp_path / "mine.py"
    agent.write_text("def mine(view):\n    return 'joy'\n")
    config = make_config({"creditors": [f"{agent}:mine"], "debtors": ["sad"], "workers": 1})
    run_tournament(
        config, tmp_path / "run", scenarios=CASES, open_pairing=opened(config, seconds=0.06), watch=Stopper(1)
    )
    agent.write_text("def mine(view):\n    return 'anger'\n")
    userfile._imported.cache_clear()
    with pytest.raises(StoreError, match=r"mine' is not what it was when the tournament in .* began.*restore it"):
        resume_tournament(tmp_path / "run", open_pairing=opened(config))


@pytest.mark.parametrize("form", ["lookup:{}", "oracle:{}", "vanilla,emotion=lookup:{}", "vanilla,emotion=oracle:{}"])
def test_a_policys_file_that_changed_in_between_is_noticed(tmp_path, form):
    before, after = {
        "lookup": ('joy = "pride"\n', 'joy = "caring"\n'),
        "oracle": (DEFAULT.read_text(), DEFAULT.read_text().replace("spread = 0.8", "spread = 0.7")),
    }["lookup" if "lookup" in form else "oracle"]
    assert before != after
    file = tmp_path / "policy.toml"
    file.write_text(before)
    config = make_config({"creditors": [form.format(file)], "debtors": ["sad"], "workers": 1})
    run_tournament(
        config, tmp_path / "run", scenarios=CASES, open_pairing=opened(config, seconds=0.06), watch=Stopper(1)
    )
    file.write_text(after)
    with pytest.raises(StoreError, match=r"policy.toml' is not what it was when the tournament in .* began"):
        resume_tournament(tmp_path / "run", open_pairing=opened(config))
    file.write_text(f"# A comment decides nothing.\n{before}")
    assert resume_tournament(tmp_path / "run", open_pairing=opened(config)).complete


def test_from_another_folder_one_is_told_where_the_agents_file_was(tmp_path, monkeypatch):
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "mine.py").write_text("def mine(view):\n    return 'joy'\n")
    monkeypatch.chdir(tmp_path / "here")
    config = make_config({"creditors": ["mine.py:mine"], "debtors": ["sad"], "workers": 1})
    run_tournament(config, tmp_path / "run", scenarios=CASES, open_pairing=opened(config))
    monkeypatch.chdir(tmp_path)
    userfile._imported.cache_clear()  # another process would not have it
    told = rf"mine.py does not exist.* begun in {tmp_path}/here: continue it from there"
    with pytest.raises(AgentError, match=told):
        resume_tournament(tmp_path / "run", open_pairing=opened)


def test_two_runs_in_one_folder_are_one_too_many(tmp_path, monkeypatch):
    monkeypatch.setattr("poise.tournaments.storage.errors._PATIENCE", 0.0)
    with only_run(tmp_path), pytest.raises(StoreError, match="another run is at work"):
        run_tournament(CONFIG, tmp_path, scenarios=CASES, open_pairing=opened())


def test_resuming_nothing_is_refused_and_leaves_no_folder(tmp_path):
    with pytest.raises(StoreError, match="there is no tournament in"):
        resume_tournament(tmp_path / "none")
    assert not (tmp_path / "none").exists()


def test_a_baseline_that_does_not_play_is_refused_before_anything_is_written(tmp_path):
    with pytest.raises(ConfigError, match="baseline 'vanila' is not one of the agents"):
        run_tournament(make_config({**NAMES, "baseline": "vanila"}), tmp_path / "run", scenarios=CASES)
    assert not (tmp_path / "run").exists()


def test_without_a_folder_the_name_or_the_time_makes_one(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    named = run_tournament(make_config({**NAMES, "name": "first"}), scenarios=CASES, open_pairing=opened())
    assert named.folder == Path("runs/first")
    timed = run_tournament(CONFIG, scenarios=CASES, open_pairing=opened())
    assert timed.folder.parent == Path("runs")
    assert timed.folder != named.folder


def test_two_that_begin_in_the_same_second_get_a_folder_each(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    config = make_config(NAMES)
    folders = []
    for _ in range(4):
        folders.append(default_folder(config))
        folders[-1].mkdir(parents=True)
    assert len(set(folders)) == 4


@pytest.mark.parametrize("workers", [1, 2])
def test_sigterm_keeps_what_is_finished_and_leaves_standings_for_later(tmp_path, workers):
    config = make_config({**NAMES, "workers": workers})
    with pytest.raises(KeyboardInterrupt) as stopped:
        run_tournament(
            config, tmp_path, scenarios=CASES, open_pairing=opened(config), watch=Stopper(3, signal=signal.SIGTERM)
        )
    assert f"continue with: poise tournament resume {tmp_path}" in " ".join(stopped.value.__notes__)
    assert 3 <= len(stored(tmp_path)) < len(plan_matches(config, CASES).matches)
    assert resume_tournament(tmp_path, open_pairing=opened(config)).complete


STUCK = """
import os, signal, sys
from poise.common import interrupts
interrupts._LAST_SECONDS = 0.1
with interrupts.Interrupts(last_words="resume it with: poise"):
    os.kill(os.getpid(), signal.SIGTERM)
    {work}
with interrupts.Interrupts():
    os.kill(os.getpid(), signal.SIGINT)  # which waits for as long as it takes
    interrupts.threading.Event().wait(0.3)
print("went on")
"""


def test_what_does_not_end_after_sigterm_is_ended_with_its_last_words():
    stuck = STUCK.format(work="signal.pthread_sigmask(signal.SIG_BLOCK, [2]); interrupts.threading.Event().wait()")
    ended = subprocess.run([sys.executable, "-c", stuck], capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout, ended.stderr) == (143, "", "resume it with: poise\n")


def test_what_ends_in_time_is_left_alone():
    ended = subprocess.run([sys.executable, "-c", STUCK.format(work="")], capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "went on\n", "")


def test_a_signal_that_was_ignored_stays_ignored():
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)  # as a shell has it for what it runs in the background
    try:
        with Interrupts() as stop:
            os.kill(os.getpid(), signal.SIGINT)
            assert not stop.requested
            os.kill(os.getpid(), signal.SIGTERM)
            assert stop.requested
    finally:
        signal.signal(signal.SIGINT, before)
