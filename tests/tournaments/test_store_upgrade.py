"""Stores of an older Poise: read as they are, brought up to date before anything is added, or left alone."""

import os
import sqlite3
import zlib
from contextlib import closing
from dataclasses import replace

import pytest
from helpers.old_stores import CONDUCT, as_version, texts_of, write_transcript

from poise import TournamentConfig, run_tournament
from poise.agents.conduct import check, de_escalation
from poise.agents.conduct.promises import promises
from poise.common.errors import StoreError
from poise.tournaments.runner import resume_tournament
from poise.tournaments.statistics.standings import read_standings
from poise.tournaments.storage import upgrade as store_upgrade
from poise.tournaments.storage.rows import COLUMNS
from poise.tournaments.storage.schema import FILE, SCHEMA
from poise.tournaments.storage.store import Store
from poise.tournaments.storage.upgrade import REMEMBERED
from poise.tournaments.storage.verify import verify_tournament

CONFIG = TournamentConfig(
    creditors=("vanilla", "fixed:anger"), debtors=("cheating", "sad"), scenarios="builtin:0-3", seed=3, workers=1
)
THREAT = "Pay, or I will tell your boss."


@pytest.fixture(scope="module")
def new(tmp_path_factory):
    """A finished tournament in which one creditor's message is a threat."""
    folder = tmp_path_factory.mktemp("new") / "run"
    run_tournament(CONFIG, folder)
    (violation,) = check(THREAT)
    with sqlite3.connect(folder / FILE) as db:
        write_transcript(
            db, 5, lambda told: told["messages"][2].update({"text": THREAT, "violations": [violation.rule]})
        )
        db.execute("UPDATE matches SET creditor_violations = 1 WHERE position = 5")
    db.close()
    return folder


def without_conduct(told):
    messages = [{key: value for key, value in one.items() if key != "violations"} for one in told["messages"]]
    return told | {"version": 1, "messages": messages}


def copy_of(new, folder):
    folder.mkdir()
    (folder / FILE).write_bytes((new / FILE).read_bytes())
    return folder


@pytest.fixture
def old(new, tmp_path):
    """`new` as the first Poise would have written it."""
    return as_version(copy_of(new, tmp_path / "run"), 1, without_conduct)


def shortened(data):
    """The numbers in four digits."""
    if isinstance(data, dict):
        return {key: shortened(value) for key, value in data.items()}
    if isinstance(data, list):
        return [shortened(value) for value in data]
    return round(data, 4) if isinstance(data, float) else data


def rows(folder):
    """The rows; those of an older store are computed from readings of six digits."""
    with Store.read(folder) as store:
        return [replace(row, de_escalation=row.de_escalation and round(row.de_escalation, 4)) for row in store.rows()]


def test_new_columns_stand_last(new):
    assert COLUMNS[-len(CONDUCT) :] == CONDUCT
    with sqlite3.connect(new / FILE) as db:
        assert tuple(name for _, name, *_ in db.execute("PRAGMA table_info(matches)")) == COLUMNS


def test_rows_are_what_the_transcripts_say(new):
    with Store.read(new) as store:
        for row, played in zip(store.rows(), store.transcripts(), strict=True):
            given = promises(played, "debtor")
            assert row.creditor_violations == sum(len(message.violations) for message in played.messages)
            assert (row.debtor_promises, row.debtor_broken) == (given.made, given.broken)
            read = [message.reading for message in played.messages[::2] if message.reading]
            assert row.de_escalation == pytest.approx(de_escalation(read), abs=1e-5)
        assert any(row.debtor_broken for row in store.rows())


def test_an_older_store_is_read_without_being_touched(new, old):
    before = (old / FILE).read_bytes()
    assert rows(old) == rows(new)
    assert shortened(read_standings(old).to_dict()) == shortened(read_standings(new).to_dict())
    assert (old / FILE).read_bytes() == before
    assert {path.name for path in old.iterdir()} == {FILE, REMEMBERED}


def test_what_an_older_store_lacks_is_computed_once(new, old, monkeypatch):
    computed = []
    conduct = store_upgrade.conduct
    monkeypatch.setattr(store_upgrade, "conduct", lambda talks: computed.append(1) or conduct(talks))
    assert rows(old) == rows(old) == rows(new)
    assert len(computed) == 16
    (old / REMEMBERED).write_bytes(b'{"state": 1, "rows')
    assert rows(old) == rows(new)
    assert len(computed) == 32  # what is damaged is computed again
    os.utime(old / FILE, ns=(1, 1))
    assert rows(old) == rows(new)
    assert len(computed) == 48  # and what belongs to another file
    with Store.open(old):
        assert not (old / REMEMBERED).exists()


def test_while_a_run_is_at_work_or_nothing_can_be_written_nothing_is_kept(new, old, monkeypatch):
    with sqlite3.connect(old / FILE, isolation_level=None) as db:
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("UPDATE header SET value = value || ' '")
        assert rows(old) == rows(new)
        assert not (old / REMEMBERED).exists()
        db.execute("PRAGMA journal_mode = DELETE")
    db.close()

    def refuses(*_, **__):
        raise StoreError("it cannot be written")

    monkeypatch.setattr("poise.common.files.replace_file", refuses)
    assert rows(old) == rows(new)
    assert not (old / REMEMBERED).exists()


def test_where_nothing_may_be_written_an_older_store_is_read_all_the_same(new, old):
    old.chmod(0o555)
    try:
        assert rows(old) == rows(new)
    finally:
        old.chmod(0o755)


def test_an_unfinished_older_tournament_goes_on(new, old):
    with sqlite3.connect(old / FILE) as db:
        for table in ("documents", "matches"):
            db.execute(f"DELETE FROM {table} WHERE position >= 10")
    db.close()
    assert resume_tournament(old).played == 6
    timeless = [
        (row.position, row.id, row.creditor_utility, row.creditor_violations, row.debtor_broken) for row in rows(new)
    ]
    assert timeless == [
        (row.position, row.id, row.creditor_utility, row.creditor_violations, row.debtor_broken) for row in rows(old)
    ]
    with sqlite3.connect(old / FILE) as db:
        assert db.execute("PRAGMA user_version").fetchone() == (SCHEMA,)
        assert tuple(name for _, name, *_ in db.execute("PRAGMA table_info(matches)")) == COLUMNS


def test_an_upgrade_that_fails_changes_nothing(old):
    with sqlite3.connect(old / FILE) as db:
        db.execute("UPDATE documents SET transcript = '{' WHERE position = 9")
    db.close()
    before = (old / FILE).read_bytes()
    for use in (Store.open, rows):
        with pytest.raises(StoreError, match="the transcript of match 9 in the store is damaged"):
            use(old)
    with sqlite3.connect(old / FILE) as db:
        assert db.execute("PRAGMA user_version").fetchone() == (1,)
        assert not set(CONDUCT) & {name for _, name, *_ in db.execute("PRAGMA table_info(matches)")}
    db.close()
    assert len((old / FILE).read_bytes()) == len(before)


def test_a_store_of_version_2_is_read_as_it_is_and_gets_digests_when_it_is_resumed(new, tmp_path):
    folder = as_version(copy_of(new, tmp_path / "run"), 2)
    before = (folder / FILE).read_bytes()
    assert read_standings(folder).to_dict() == read_standings(new).to_dict()
    with Store.read(folder) as older, Store.read(new) as newer:
        assert list(older.documents()) == list(newer.documents())
        assert [older.memory(at) for at in range(16)] == [newer.memory(at) for at in range(16)]
        assert older.header() == newer.header()
    assert not verify_tournament(folder).problems
    assert (folder / FILE).read_bytes() == before
    Store.open(folder).close()
    assert not verify_tournament(folder).problems
    with closing(sqlite3.connect(folder / FILE)) as db, db:
        (text,) = db.execute("SELECT transcript FROM documents WHERE position = 3").fetchone()
        assert texts_of(db, 3)[1].decode() == text, "its documents stay text"
        db.execute("UPDATE documents SET transcript = replace(transcript, 'days', 'dayz') WHERE position = 3")
    (problem,) = verify_tournament(folder).problems
    assert "match 3: it is not what was written: its digest differs" in problem


def test_a_store_of_version_3_is_read_as_it_is_and_its_documents_stay(new, tmp_path):
    folder = as_version(copy_of(new, tmp_path / "run"), 3)
    before = (folder / FILE).read_bytes()
    with Store.read(folder) as older, Store.read(new) as newer:
        assert list(older.documents()) == list(newer.documents())
    assert not verify_tournament(folder).problems
    assert (folder / FILE).read_bytes() == before
    Store.open(folder).close()
    assert not verify_tournament(folder).problems
    with closing(sqlite3.connect(folder / FILE)) as db:
        assert db.execute("PRAGMA user_version").fetchone() == (SCHEMA,)
        (stored,) = db.execute("SELECT transcript FROM documents WHERE position = 3").fetchone()
        assert zlib.decompress(stored) == texts_of(db, 3)[1]


@pytest.mark.parametrize("version", [2, 3])
def test_a_store_that_grew_through_an_upgrade_holds_both_kinds(new, tmp_path, version):
    folder = as_version(copy_of(new, tmp_path / "run"), version)
    run_tournament(CONFIG.model_copy(update={"matches_per_pair": 6}), folder)
    assert not verify_tournament(folder).problems
    assert len(rows(folder)) == 24
