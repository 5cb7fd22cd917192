"""Tokens that a server does not count are unknown: in a match's totals, its row, its pages and its tables, never 0."""

from __future__ import annotations

import csv
import sqlite3
from contextlib import closing

import numpy as np
import pytest
from helpers.ollama_server import MODEL, Answer, StandIn, said
from helpers.process_talks import talk, traces
from helpers.view_fakes import client
from hypothesis import given
from hypothesis import strategies as st

from poise.games.transcript import TOKENS, Usage, total_usage
from poise.tournaments.config import TournamentConfig
from poise.tournaments.export import export_tournament
from poise.tournaments.process.group import Group
from poise.tournaments.process.speech import speech
from poise.tournaments.runner import run_tournament
from poise.tournaments.storage.rows import COLUMNS, SQL_TYPES, usage_from
from poise.tournaments.storage.schema import FILE
from poise.tournaments.storage.store import Store
from poise.tournaments.storage.verify import verify_tournament

CALLS = st.fixed_dictionaries({"calls": st.just(1)}, optional=dict.fromkeys(TOKENS, st.integers(0, 9)))


@given(st.lists(CALLS | st.just({"cache_hits": 1}), max_size=5))
def test_a_total_is_known_where_every_call_was_counted(usages):
    total = total_usage(usages)
    calls = [usage for usage in usages if "calls" in usage]
    for name in TOKENS:
        known = bool(calls) and all(name in usage for usage in calls)
        assert total.get(name) == (sum(usage[name] for usage in calls) if known else None)


@pytest.fixture(scope="module")
def played(tmp_path_factory):
    """A match with an Ollama server, which never says what it had cached."""
    folder = tmp_path_factory.mktemp("ollama") / "run"
    with StandIn([Answer([said("I hear you. Let us talk about it.", model_info={}, details={})])]) as server:
        settings = {"base_url": server.address, "patience": 1}
        config = TournamentConfig(
            creditors=[f"vanilla@ollama:{MODEL}"], debtors=["angry"], matches_per_pair=1, max_messages=5,
            model_options=settings, workers=1,
        )  # fmt: skip
        run_tournament(config, folder)
    return folder


def test_what_ollama_does_not_tell_is_missing_everywhere(played, tmp_path):
    with Store.read(played) as store:
        (row,) = store.rows()
        _, _, document = next(store.documents())
    usage = usage_from(row.position, document)
    assert row.calls > 0
    assert (row.prompt_tokens, row.cached_tokens, row.reply_tokens) == (30 * row.calls, None, 6 * row.calls)
    assert usage.cached_tokens is None
    assert not verify_tournament(played).problems
    (line,) = csv.DictReader(
        export_tournament(played, tmp_path / "matches.csv").read_text(encoding="utf-8").splitlines()
    )
    assert (line["cached_tokens"], line["calls"]) == ("", str(row.calls))
    page = client(played).get("/run/run/match/0").text
    assert "(unknown cached)" in page


def test_a_process_figure_counts_only_the_messages_that_tell_it():
    spent = {"calls": 1, "prompt_tokens": 100, "reply_tokens": 12, "model_seconds": 0.5}
    usage = Usage(per_message=(spent, {}, {**spent, "cached_tokens": 80}, {}))
    told = traces(talk([20, 100, 30, 90]), usage=usage).spoken
    costs = speech(Group(np.zeros(1, dtype=int), 1), told).costs["creditor"]
    assert costs["cached_tokens"].mean == pytest.approx(80)
    assert costs["prompt_tokens"].mean == pytest.approx(100)
    untold = traces(talk([20, 100]), usage=Usage(per_message=(spent, {}))).spoken
    none = speech(Group(np.zeros(1, dtype=int), 1), untold).costs["creditor"]
    assert none["cached_tokens"] is None
    assert none["reply_tokens"].mean == pytest.approx(12)


def test_a_store_whose_columns_took_numbers_alone_is_brought_up_to_date(played, tmp_path):
    (tmp_path / FILE).write_bytes((played / FILE).read_bytes())
    columns = ", ".join(f"{name} {SQL_TYPES[name]}" for name in COLUMNS).replace(
        "cached_tokens INTEGER", "cached_tokens INTEGER NOT NULL"
    )
    with closing(sqlite3.connect(tmp_path / FILE)) as db, db:
        values = db.execute("SELECT * FROM matches").fetchone()
        db.execute("DROP TABLE matches")
        db.execute(f"CREATE TABLE matches ({columns}, PRIMARY KEY (position), UNIQUE (id))")
        db.execute(
            f"INSERT INTO matches VALUES ({', '.join('?' * len(values))})",
            [0 if one is None else one for one in values],
        )
    with Store.open(tmp_path) as store:
        (before,) = store.rows()
        assert before.cached_tokens == 0
    with closing(sqlite3.connect(tmp_path / FILE)) as db, db:
        db.execute("UPDATE matches SET cached_tokens = NULL")
    assert not verify_tournament(tmp_path).problems
    with Store.open(tmp_path) as store:  # nothing is left to do
        assert store.rows()[0].cached_tokens is None
