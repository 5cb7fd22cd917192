"""Parts of a tournament, for job arrays: how it is divided, and that joined they are what one run plays."""

import os
import re
import signal
import subprocess
import sys
import time
from contextlib import suppress

import pytest
from helpers.tournament_fakes import OpenFake, Trouble, schedule
from helpers.tournament_fakes import config as fake_config
from helpers.tournament_fakes import scenarios as fake_scenarios
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from poise.cli.app import app
from poise.common.errors import ConfigError, StoreError
from poise.common.seeds import Dice
from poise.tournaments import runner
from poise.tournaments.config import make_config
from poise.tournaments.merging import merge_tournaments
from poise.tournaments.runner import resume_tournament, run_tournament
from poise.tournaments.schedule import plan_matches
from poise.tournaments.storage.contents import outcome_digest
from poise.tournaments.storage.store import Store, exists
from poise.tournaments.storage.verify import verify_tournament

FIELDS = {
    "creditors": ["vanilla", "eq-negotiator", "q-learning"],
    "debtors": ["angry", "cheating"],
    "scenarios": "builtin:0-9",
    "seed": 11,
    "workers": 1,
}


def digest(folder):
    with Store.read(folder) as store:
        return outcome_digest(store)


def part(which, **fields):
    return make_config({**FIELDS, "part": which, **fields})


@given(
    parts=st.integers(1, 12),
    creditors=st.integers(1, 4),
    debtors=st.integers(1, 3),
    cases=st.integers(1, 9),
    learners=st.sets(st.integers(0, 3)),
)
def test_parts_hold_every_match_once_keep_series_whole_and_are_even(parts, creditors, debtors, cases, learners):
    names = tuple(f"c{number}" for number in learners)
    whole = schedule(fake_config(creditors, debtors), cases, names)
    played = []
    for number in range(1, parts + 1):
        one = schedule(fake_config(creditors, debtors, part=f"{number}/{parts}"), cases, names)
        assert one.id == whole.id, "a part is of the same tournament"
        played.append(one.played)
    assert sorted(match.position for matches in played for match in matches) == list(range(len(whole.matches)))
    for pair in filter(whole.learns, range(whole.pairs)):
        assert sum(any(match.pair == pair for match in matches) for matches in played) == 1
    sizes = [len(matches) for matches in played]
    longest_series = cases if any(map(whole.learns, range(whole.pairs))) else 1
    assert max(sizes) - min(sizes) <= longest_series


@pytest.mark.parametrize("written", ["0/4", "5/4", "3", "3/0", "a/b", "-1/4", "1/4/2", ""])
def test_what_is_no_part_is_refused_with_the_form(written):
    with pytest.raises(ConfigError, match=r"part = .* is not K/N, the K-th of N parts with K from 1 to N"):
        part(written)


def test_a_part_needs_a_folder_of_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match=r"part 2/4 needs a folder of its own; add --out runs/2, or --name"):
        run_tournament(part("2/4"))
    for number in (1, 2):
        assert run_tournament(part(f"{number}/2", name="both", scenarios="builtin:0-1")).complete
    assert merge_tournaments("whole", ["runs/both/1-of-2", "runs/both/2-of-2"]).complete


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole") / "whole"
    run_tournament(make_config(FIELDS), folder)
    return folder


@pytest.mark.parametrize("parts", [1, 4, 7])
def test_merged_parts_are_byte_for_byte_what_one_run_plays(tmp_path, whole, parts):
    folders = [tmp_path / str(number) for number in range(parts)]
    for number, folder in enumerate(folders, 1):
        assert run_tournament(part(f"{number}/{parts}"), folder).complete
    result = merge_tournaments(tmp_path / "all", folders[::-1])
    assert (result.complete, result.total) == (True, 60)
    assert digest(tmp_path / "all") == digest(whole)
    assert not verify_tournament(tmp_path / "all").problems
    with Store.read(tmp_path / "all") as store, Store.read(whole) as other:
        assert store.done() == other.done()
        assert [one[1] for one in store.documents()] == [one[1] for one in other.documents()]
        assert [store.memory(position) for position in range(60)] == [other.memory(position) for position in range(60)]
        assert store.header().config["part"] is None
        assert [one["part"] for one in store.header().provenance["parts"]] == [
            f"{number}/{parts}" for number in range(parts, 0, -1)
        ]


def test_the_whole_tournament_goes_on_growing_after_a_merge(tmp_path):
    folders = [tmp_path / "1", tmp_path / "2"]
    for number, folder in enumerate(folders, 1):
        run_tournament(part(f"{number}/2", scenarios="builtin:0-4"), folder)
    merge_tournaments(tmp_path / "all", folders)
    grown = run_tournament(make_config({**FIELDS, "scenarios": "builtin:0-9"}), tmp_path / "all")
    assert (grown.complete, grown.played) == (True, 30)


def test_killed_parts_resume_and_a_killed_merge_is_done_again(tmp_path, whole, monkeypatch):
    monkeypatch.setattr(runner, "_COMMIT_SECONDS", 0.01)
    folders, dice, kills = [tmp_path / "1", tmp_path / "2", tmp_path / "3"], Dice(3), 0
    for number, folder in enumerate(folders, 1):
        config = part(f"{number}/3")
        for _ in range(3):
            kills += killed_after(dice.unit() * 0.1, lambda: run_tournament(config, folder))  # noqa: B023
        assert (resume_tournament(folder) if exists(folder) else run_tournament(config, folder)).complete
    assert kills
    for moment in range(4):
        killed_after(0.005 + 0.01 * moment, lambda: merge_tournaments(tmp_path / "all", folders))
    if not exists(tmp_path / "all"):
        merge_tournaments(tmp_path / "all", folders)
    assert digest(tmp_path / "all") == digest(whole)


def killed_after(seconds, run):
    """Run in a process of its own and kill it after so long; whether it was still at work."""
    child = os.fork()
    if not child:
        with suppress(BaseException):
            run()
        os._exit(0)
    time.sleep(seconds)
    done, _ = os.waitpid(child, os.WNOHANG)
    if not done:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    return not done


class TestWhatIsNotMerged:
    @pytest.fixture
    def two(self, tmp_path):
        folders = [tmp_path / "one", tmp_path / "two"]
        for number, folder in enumerate(folders, 1):
            run_tournament(part(f"{number}/2", scenarios="builtin:0-1"), folder)
        return folders

    def refused(self, out, folders, words):
        with pytest.raises(StoreError, match=words):
            merge_tournaments(out, folders)
        assert not exists(out)

    def test_overlaps(self, tmp_path, two):
        self.refused(tmp_path / "all", [*two, two[0]], r"match \d+ is in both \S*one and \S*one; name each part once")
        run_tournament(part("1/3", scenarios="builtin:0-1"), tmp_path / "other")
        self.refused(tmp_path / "all", [*two, tmp_path / "other"], r"match \d+ is in both .* all of one division")

    def test_missing_parts(self, tmp_path, two):
        self.refused(tmp_path / "all", two[1:], r"6 of 12 matches are missing: no folder holds part 1/2")
        self.refused(tmp_path / "all", [], r"nothing to merge")

    def test_unfinished_parts(self, tmp_path):
        cases, fields = fake_scenarios(4), {"model": "openai:m", "workers": 1}
        whole = plan_matches(make_config({**FIELDS, **fields}), cases)
        down = OpenFake(whole, trouble=Trouble(down=(whole.matches[-1].seed,)))
        for number in (1, 2):
            config = part(f"{number}/2", **fields)
            run_tournament(config, tmp_path / str(number), scenarios=cases, open_pairing=down)
        held = r"\d+ of 24 matches are missing: \S*/1 has \d+ of 12; continue it with: poise tournament resume \S*/1"
        self.refused(tmp_path / "all", [tmp_path / "1", tmp_path / "2"], held)

    def test_parts_of_another_tournament(self, tmp_path, two):
        run_tournament(part("2/2", scenarios="builtin:0-1", seed=12), tmp_path / "foreign")
        words = r"foreign holds a part of another tournament than \S*one \(seed was 11, now 12\)"
        self.refused(tmp_path / "all", [two[0], tmp_path / "foreign"], words)

    def test_into_a_folder_that_holds_one(self, tmp_path, two):
        before = digest(two[0])
        with pytest.raises(StoreError, match=r"one already holds a tournament; name another folder to write"):
            merge_tournaments(two[0], two)
        assert digest(two[0]) == before


def test_a_folder_keeps_its_part(tmp_path):
    run_tournament(part("1/2", scenarios="builtin:0-1"), tmp_path / "run")
    for other, words in [
        (part("2/2", scenarios="builtin:0-1"), r"holds part 1/2, and part 2/2 is asked for"),
        (make_config({**FIELDS, "scenarios": "builtin:0-1"}), r"holds part 1/2, and a whole tournament is asked for"),
        (part("1/2"), r"holds part 1/2 of another tournament, and a part cannot grow; .* merge the parts"),
    ]:
        with pytest.raises(StoreError, match=words):
            run_tournament(other, tmp_path / "run")


SLOW = """
import time
from pathlib import Path
from poise.agents.registry import agent

@agent("slow")
def slow(view):
    if not Path("stopped").exists():
        time.sleep(0.05)
    return "neutral"
"""


def test_sigterm_ends_a_part_within_its_grace_time_and_says_how_to_go_on(tmp_path, monkeypatch):
    """A batch system sends it before the end: what is in flight is finished or dropped, what was finished is kept."""
    (tmp_path / "slow.py").write_text(SLOW)
    agents = ("--creditor", "slow.py", "--creditor", "vanilla", "--debtor", "angry", "--scenarios", "builtin:0-9")
    command = [sys.executable, "-m", "poise", "tournament"]
    run = [*command, "run", *agents, "--part", "1/2", "--out", "one", "--workers", "1"]
    job = subprocess.Popen(run, cwd=tmp_path, stdout=-1, stderr=-1, text=True)
    while job.poll() is None and not (exists(tmp_path / "one") and Store.read(tmp_path / "one").count()):
        time.sleep(0.05)
    job.send_signal(signal.SIGTERM)
    _, told = job.communicate(timeout=120)
    assert job.returncode == 130, told
    assert re.search(r"(Stopped after \d+ of 10 matches\. C|c)ontinue with:\s+poise tournament resume one", told), told
    (tmp_path / "stopped").touch()
    monkeypatch.chdir(tmp_path)
    again = CliRunner().invoke(app, ["tournament", "resume", "one"])
    assert again.exit_code == 0, again.output
    assert "part 1/2: 10 matches in one; join all parts with: poise tournament merge OUT DIR..." in again.output
