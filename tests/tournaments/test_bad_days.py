"""Killed at any moment, a tournament goes on and ends as if nothing had happened.

The runs are forked from this process, where everything is imported already, so that a kill comes in the middle of play
and not in the middle of imports.
"""

import os
import re
import signal
import subprocess
import sys
import time
import traceback
from collections import Counter
from contextlib import suppress
from pathlib import Path

import orjson
import pytest
from helpers.tournament_fakes import OpenFake, Pairing, scenarios
from typer.testing import CliRunner

from poise.cli.app import app
from poise.common.seeds import Dice
from poise.tournaments import runner
from poise.tournaments.config import make_config
from poise.tournaments.runner import run_tournament
from poise.tournaments.schedule import plan_matches
from poise.tournaments.statistics.standings import read_standings
from poise.tournaments.storage.store import Store, exists

AGENTS = {"creditors": ["vanilla", "eq-negotiator"], "debtors": ["angry", "cheating"]}
CONFIG = make_config({**AGENTS, "scenarios": "builtin:0-39", "matches_per_pair": 50, "seed": 11})


def stored(folder):
    if not exists(folder):
        return {}
    with Store.read(folder) as store:
        return {position: transcript for position, transcript, _ in store.documents()}


def standings(folder):
    return orjson.dumps({**read_standings(folder).to_dict(), "name": ""})


def killed_after(seconds, run):
    """Run `run` in a process of its own and kill it after so long; whether it was still at work."""
    child = os.fork()
    if not child:
        try:
            run()
            os._exit(0)
        except BaseException:  # noqa: BLE001 - nothing may come back to pytest from here
            traceback.print_exc()
        os._exit(1)
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            assert os.WEXITSTATUS(status) == 0, "the run itself failed; why is printed above"
            return False
        time.sleep(min(left, 0.005))
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return True


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """An undisturbed run: transcripts, figures, and the seconds that another one takes."""
    folder = tmp_path_factory.mktemp("bad")
    run_tournament(CONFIG, folder / "whole")
    result = run_tournament(CONFIG, folder / "again")
    return stored(folder / "whole"), standings(folder / "whole"), min(result.seconds, 1.0)


@pytest.fixture(scope="module")
def moments(thorough):
    """At how many a tournament is killed."""
    return 10 if thorough else 4


@pytest.mark.parametrize("workers", [1, 2])
def test_killed_at_any_moment_it_ends_byte_for_byte_as_undisturbed(tmp_path, monkeypatch, whole, workers, moments):
    monkeypatch.setattr(runner, "_COMMIT_SECONDS", 0.02)  # many moments between two commits, and within one
    monkeypatch.setattr("poise.tournaments.workers.play._WORTH_PROCESSES", 0.05)
    transcripts, figures, seconds = whole
    config = config_with(workers)
    dice, kills, tries = Dice(workers), 0, 0
    while kills < moments or not tries:
        folder, before, complete = tmp_path / f"run{tries}", {}, False
        while not complete and kills < moments:
            began = time.monotonic()
            complete = not killed_after(dice.unit() * seconds, lambda: run_tournament(config, folder))  # noqa: B023
            seconds = min(seconds, time.monotonic() - began) if complete else seconds
            kills += not complete
            assert before.items() <= stored(folder).items(), "what was finished stays as it was"
            before = stored(folder)
        assert run_tournament(config, folder).complete
        assert stored(folder) == transcripts
        assert standings(folder) == figures
        tries += 1
    assert tries < 40


def config_with(workers):
    return CONFIG.model_copy(update={"workers": workers})


class LoggingPairing(Pairing):
    """Notes every match that begins, where a killed process cannot take it back."""

    def play(self, scenario, seed):
        with (Path(os.environ["PLAYED"])).open("a") as log:
            log.write(f"{self.creditor.label}/{self.debtor.label}/{seed}\n")
        return super().play(scenario, seed)


class OpenLogging(OpenFake):
    def __call__(self, pair):
        return LoggingPairing(self.plan, pair, 0.01, self.trouble)


def test_with_a_model_no_finished_match_is_lost_or_played_again(tmp_path, monkeypatch, moments):
    """Every call was paid for: at a kill, each of three workers may lose its match and one that is being stored."""
    config = make_config({**AGENTS, "model": "openai:some-model", "workers": 3, "seed": 2})
    cases = scenarios(12)
    opened = OpenLogging(plan_matches(config, cases))
    folder, log, dice, before, kills = tmp_path / "run", tmp_path / "played", Dice(5), {}, 0
    monkeypatch.setenv("PLAYED", str(log))
    for _ in range(moments):
        run = lambda: run_tournament(config, folder, scenarios=cases, open_pairing=opened)  # noqa: E731
        kills += killed_after(0.02 + dice.unit() * 0.1, run)
        after = stored(folder)
        assert before.items() <= after.items()
        before = after
    result = run_tournament(config, folder, scenarios=cases, open_pairing=opened)
    assert result.complete
    begun = Counter(log.read_text().split())
    assert len(begun) == result.total == 48
    assert sum(begun.values()) <= 48 + 2 * 3 * kills


def until_some_are_finished(folder, process):
    while process.poll() is None:
        with suppress(Exception):  # not begun, or being begun
            if stored(folder):
                return
        time.sleep(0.05)


def test_ctrl_c_in_a_terminal_says_how_to_go_on_and_going_on_works(tmp_path):
    fields = {**AGENTS, "scenarios": "builtin:0-9", "seed": 11}
    run_tournament(make_config(fields), tmp_path / "whole")
    agents = [word for seat in ("creditor", "debtor") for name in AGENTS[f"{seat}s"] for word in (f"--{seat}", name)]
    folder = tmp_path / "run"
    slowly = ("--scenarios", "builtin:0-9", "--seed", "11", "--through", "langgraph", "--workers", "1")
    command = [sys.executable, "-m", "poise", "tournament", "run", *agents, *slowly, "--out", folder]
    process = subprocess.Popen(command, stdout=-1, stderr=-1, text=True)
    until_some_are_finished(folder, process)
    process.send_signal(signal.SIGINT)
    out, told = process.communicate(timeout=120)
    assert process.returncode == 130, told
    assert re.search(rf"Stopped after \d+ of 40 matches. Continue with:\s+poise tournament resume {folder}", told)
    assert "Traceback" not in told
    assert "Creditors" in out
    again = CliRunner().invoke(app, ["tournament", "resume", str(folder)])
    assert (again.exit_code, f"report: {folder}/report.html" in again.stdout) == (0, True), again.output
    assert stored(folder) == stored(tmp_path / "whole")
    assert standings(folder) == standings(tmp_path / "whole")
