"""Stored values that no run writes: reading them is a StoreError that says what and where, and `verify` finds them."""

import json
import sqlite3
from contextlib import closing

import pytest
from helpers.old_stores import texts_of, write_transcript
from helpers.view_fakes import fake_folder
from typer.testing import CliRunner

from poise.cli import app as cli
from poise.common.errors import StoreError
from poise.tournaments.export import export_tournament
from poise.tournaments.process.measure import measure_process
from poise.tournaments.report.page import write_report
from poise.tournaments.statistics.standings import read_standings
from poise.tournaments.storage.contents import outcome_digest
from poise.tournaments.storage.schema import FILE
from poise.tournaments.storage.store import Store, read_snapshot
from poise.tournaments.storage.verify import verify_tournament

ROWS = {
    "text in a number": ("UPDATE matches SET rounds = 'many' WHERE position = 3", "rows of its matches"),
    "a huge number": ("UPDATE matches SET creditor_utility = 1e308 WHERE position = 3", "match 3 is beyond 1e"),
    "an agent it lacks": ("UPDATE matches SET creditor = 99 WHERE position = 3", "match 3 has an agent or scenario"),
    "an empty header": ("DELETE FROM header", "its header lacks id, config"),
    "a header of another kind": ("UPDATE header SET value = '5' WHERE key = 'config'", "its header"),
    "agents without labels": ("UPDATE header SET value = '[{}]' WHERE key = 'debtors'", "its header"),
    "another setting": (
        "UPDATE header SET value = replace(value, '\"seed\":0', '\"seed\":1') WHERE key = 'config'",
        "its header: .*'config' is not what was written",
    ),
    "another target": (
        "UPDATE scenarios SET scenario = replace(scenario, '\"creditor_target\":10', '\"creditor_target\":11') "
        "WHERE place = 0",
        "its scenarios: .*0 is not what was written",
    ),
    "a scenario of another kind": ("UPDATE scenarios SET scenario = '[]' WHERE place = 0", "its scenarios"),
}
DOCUMENTS = {
    "a transcript of tomorrow": (
        lambda db: write_transcript(db, 3, lambda told: told.update(version=99)),
        "match 3.*transcript version 99",
    ),
    "half a transcript": (lambda db: write_transcript(db, 3, lambda _: {"version": 2}), "match 3"),
    "no transcript": ("DELETE FROM documents WHERE position = 3", "match 3.* no transcript"),
    "another word in a message": (
        "UPDATE documents SET transcript = CAST(replace(hex(transcript), '00', '01') AS BLOB) WHERE position = 3",
        "match 3: it cannot be unpacked",
    ),
    "half a document": ("UPDATE documents SET transcript = substr(transcript, 1, 40) WHERE position = 3", "match 3"),
    "another usage": (
        "UPDATE documents SET usage = (SELECT CAST(usage || x'00' AS BLOB) FROM documents "
        "WHERE position = 1) WHERE position = 3",
        "match 3",
    ),
    "another match's documents": (
        "UPDATE documents SET (transcript, usage, digest) = (SELECT transcript, usage, digest FROM documents WHERE "
        "position = 1) WHERE position = 3",
        "match 3: it is not what was written: its digest differs",
    ),
    "a usage of another kind": ("UPDATE documents SET usage = '[5]' WHERE position = 3", "match 3"),
}


def damaged_folder(path, statement):
    folder = fake_folder(path / "run")
    with closing(sqlite3.connect(folder / FILE)) as db, db:
        if callable(statement):
            statement(db)
        else:
            assert db.execute(statement).rowcount
    return folder


@pytest.mark.parametrize(("statement", "words"), ROWS.values(), ids=ROWS)
def test_a_damaged_row_or_header_is_named(tmp_path, statement, words):
    folder = damaged_folder(tmp_path, statement)
    for read in (read_snapshot, read_standings, verify_tournament, write_report):
        with pytest.raises(StoreError, match=rf"is damaged.*{words}"):
            read(folder)


@pytest.mark.parametrize(("statement", "words"), DOCUMENTS.values(), ids=DOCUMENTS)
def test_a_damaged_document_is_named(tmp_path, statement, words):
    folder = damaged_folder(tmp_path, statement)
    for read in (measure_process, lambda folder: export_tournament(folder, tmp_path / "out.csv", "messages")):
        with pytest.raises(StoreError, match=words):
            read(folder)
    (problem,) = verify_tournament(folder).problems
    assert problem.startswith("match 3: ")


@pytest.mark.parametrize("column", ["ending", "creditor_utility", "rounds", "calls", "debtor_promises"])
def test_a_row_that_its_transcript_contradicts_is_found(tmp_path, column):
    value = "'walkaway'" if column == "ending" else "7"
    folder = damaged_folder(tmp_path, f"UPDATE matches SET {column} = {value} WHERE position = 2")
    (problem,) = verify_tournament(folder).problems
    assert problem.startswith(f"match 2: {column} is {value if column == 'ending' else '7'}")
    run = CliRunner().invoke(cli.app, ["tournament", "verify", str(folder)])
    assert run.exit_code == 1
    assert "matches checked, 1 problem\n" in run.stdout


def test_documents_are_read_once(tmp_path, monkeypatch):
    folder, read = fake_folder(tmp_path / "run"), []
    with Store.read(folder) as store:
        digest = outcome_digest(store)
    examined = Store.examined
    monkeypatch.setattr(Store, "examined", lambda store: read.append(store) or examined(store))
    assert verify_tournament(folder).digest == digest
    assert len(read) == 1


def test_a_sound_store_has_no_problem(tmp_path):
    folder = fake_folder(tmp_path / "run")
    run = CliRunner().invoke(cli.app, ["tournament", "verify", str(folder)])
    sound = verify_tournament(folder)
    checked = f"{folder}: {sound.matches} matches checked, no problems\ndigest of what was played: {sound.digest}\n"
    assert (run.exit_code, run.stdout) == (0, checked)


def test_a_transcript_of_another_scenario_is_found(tmp_path):
    def copy(db):
        other = json.loads(texts_of(db, 0)[1])
        write_transcript(db, 1, lambda _: other)

    problems = verify_tournament(damaged_folder(tmp_path, copy)).problems
    assert "match 1: its transcript is of another scenario" in problems[0]
