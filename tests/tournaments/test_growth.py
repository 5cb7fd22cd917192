"""A tournament that is given more matches, scenarios or agents becomes the one that had them from the start."""

from __future__ import annotations

import sqlite3

import pytest
from typer.testing import CliRunner

from poise import TournamentConfig, run_tournament
from poise.cli.app import app
from poise.common.errors import StoreError
from poise.games.scenarios.loaders import load_scenarios
from poise.tournaments.judging import ask_judge, judged_transcripts
from poise.tournaments.runner import resume_tournament
from poise.tournaments.statistics.standings import read_standings
from poise.tournaments.storage.schema import FILE
from poise.tournaments.storage.store import Store

SMALL = {
    "creditors": ("vanilla", "q-learning"),
    "debtors": ("angry", "simulated"),
    "scenarios": "builtin:0-3",
    "matches_per_pair": 2,
    "seed": 4,
    "workers": 1,
}
MORE = {
    "a raised number": {"matches_per_pair": 3},
    "beyond the scenarios": {"matches_per_pair": 6},
    "scenarios that follow": {"scenarios": "builtin:0-4", "matches_per_pair": None},
    "a creditor in front": {"creditors": ("fixed:joy", "vanilla", "q-learning")},
    "debtors around": {"debtors": ("sad", "simulated", "angry", "fear")},
    "everything": {
        "creditors": ("q-learning", "fixed:joy", "vanilla"),
        "debtors": ("sad", "angry", "simulated"),
        "matches_per_pair": 5,
    },
}


def settings(**changed):
    return TournamentConfig(**{**SMALL, **changed})


def kept(folder):
    """Everything in a store but when and how long."""
    with Store.read(folder) as store:
        header, rows = store.header(), store.rows()
        told = header.id, header.total, header.creditors, header.debtors, store.scenarios()
        timeless = [tuple(getattr(row, name) for name in row.__slots__ if name != "seconds") for row in rows]
        documents = [(position, transcript) for position, transcript, _ in store.documents()]
        return told, timeless, documents, [store.memory(row.position) for row in rows]


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    folder = tmp_path_factory.mktemp("small") / "run"
    run_tournament(settings(), folder)
    return folder


@pytest.fixture
def grown(small, tmp_path):
    """A copy of the small one, to be given more."""
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / FILE).write_bytes((small / FILE).read_bytes())
    return tmp_path / "run"


@pytest.mark.parametrize("name", MORE)
def test_it_is_the_tournament_that_asked_for_all_at_once(name, grown, tmp_path):
    more = settings(**MORE[name])
    result = run_tournament(more, grown)
    whole = run_tournament(more, tmp_path / "whole" / "run")
    assert (result.complete, result.played) == (True, whole.played - 8)
    assert kept(grown) == kept(whole.folder)
    assert read_standings(grown).to_dict() == read_standings(whole.folder).to_dict()


def test_one_that_was_stopped_can_be_given_more_and_resumed(grown, tmp_path):
    with sqlite3.connect(grown / FILE) as db:
        for table in ("documents", "matches"):
            db.execute(f"DELETE FROM {table} WHERE position IN (0, 3, 5)")
    db.close()
    more = settings(matches_per_pair=3, creditors=("q-learning", "vanilla"))
    schedule = run_tournament(more, tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        run_tournament(more, grown, open_pairing=stop_at_once)
    assert resume_tournament(grown).played == schedule.total - 5
    assert kept(grown) == kept(tmp_path / "whole")


def stop_at_once(pair):
    raise KeyboardInterrupt


def test_what_it_was_is_remembered(grown):
    run_tournament(settings(matches_per_pair=3), grown)
    run_tournament(settings(matches_per_pair=4), grown)
    with Store.read(grown) as store:
        provenance = store.header().provenance
        assert store.header().config["matches_per_pair"] == 4
    assert [one["matches_before"] for one in provenance["grown"]] == [8, 12]
    assert provenance["began"] <= provenance["grown"][0]["began"]


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"matches_per_pair": 1}, "matches_per_pair was 2, now 1.*4 of its 8 finished matches"),
        ({"seed": 5}, "seed was 4, now 5.*8 of its 8 finished matches"),
        ({"debtors": ("angry",), "matches_per_pair": 9}, "4 of its 8 finished matches"),
        ({"tolerance": 6}, "choose another folder with --out, or continue that one with: poise tournament resume"),
    ],
)
def test_nothing_that_was_played_is_dropped(grown, changed, told):
    before = kept(grown)
    with pytest.raises(StoreError, match=told):
        run_tournament(settings(**changed), grown)
    assert kept(grown) == before


def test_what_a_learner_has_learned_is_not_put_in_another_order(grown, tmp_path):
    cases = load_scenarios("builtin:0-2")
    cases = [cases[2], *cases[:2]]
    with pytest.raises(StoreError, match=r"q-learning against angry .* put new scenarios after the earlier ones"):
        run_tournament(settings(matches_per_pair=3), grown, scenarios=cases)
    calm = settings(creditors=("vanilla",))
    run_tournament(calm, tmp_path / "calm")
    result = run_tournament(calm.model_copy(update={"matches_per_pair": 3}), tmp_path / "calm", scenarios=cases)
    assert (result.complete, result.played) == (True, 2)


def test_growing_that_fails_changes_nothing(grown, monkeypatch):
    before = kept(grown)
    monkeypatch.setattr(Store, "_write", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        run_tournament(settings(matches_per_pair=3, creditors=("fixed:joy", "vanilla", "q-learning")), grown)
    monkeypatch.undo()
    assert kept(grown) == before


def test_verdicts_that_were_asked_for_stay_with_their_talks(grown):
    ask_judge(grown, "rules")
    before = [said_and_judged(talks) for _, talks in judged_transcripts(grown, "rules")]
    lines = len((grown / "verdicts-rules.jsonl").read_text().splitlines())
    run_tournament(settings(creditors=("fixed:joy", "vanilla", "q-learning")), grown)
    with pytest.raises(StoreError, match="rules has not judged match 0"):
        list(judged_transcripts(grown, "rules"))
    ask_judge(grown, "rules")
    assert len((grown / "verdicts-rules.jsonl").read_text().splitlines()) == lines + 4
    found = [said_and_judged(talks) for _, talks in judged_transcripts(grown, "rules")]
    assert found[4:] == before


def said_and_judged(talks):
    return [(message.text, message.verdict) for message in talks.messages]


def test_the_command_is_the_same_with_a_larger_number(tmp_path):
    words = ["tournament", "run", "--creditor", "vanilla", "--debtor", "angry", "--workers", "1", "--out"]
    for number, played in (("2", 2), ("5", 3), ("5", 0)):
        ran = CliRunner().invoke(app, [*words, str(tmp_path / "run"), "--matches-per-pair", number])
        assert ran.exit_code == 0, ran.output
        assert (f"{played} matches in" if played else "nothing was played") in ran.output
