"""Readings are stored with six digits: nothing that is told of a negotiation depends on the others."""

import sqlite3
from contextlib import closing
from dataclasses import replace

import pytest

from poise.agents.emotions.explaining import why
from poise.tournaments.config import TournamentConfig
from poise.tournaments.matchmaking import Pairings
from poise.tournaments.runner import run_tournament
from poise.tournaments.schedule import plan_matches
from poise.tournaments.storage.schema import FILE
from poise.tournaments.storage.store import Store


def test_readings_of_six_digits_say_what_all_their_digits_said(tmp_path):
    """What a page tells of a stored message is what it would tell of the played one."""
    settings = TournamentConfig(
        creditors=("eq-negotiator",), debtors=("simulated", "angry"), scenarios="builtin:0-2", workers=1
    )
    run_tournament(settings, tmp_path / "run")
    plan = plan_matches(settings)
    pairings = Pairings(settings, plan)
    with Store.read(tmp_path / "run") as store:
        stored = list(store.transcripts())
    told = 0
    for pair in range(2):
        pairing = pairings(pair)
        pairing.restore(None)
        for match in (match for match in plan.matches if match.pair == pair):
            whole = pairing.play(plan.scenarios[match.scenario], match.seed).transcript.messages
            short = stored[match.position].messages
            for at, (one, other) in enumerate(zip(whole, short, strict=True)):
                assert why(whole, at) == why(short, at)
                assert one == replace(other, reading=one.reading, mood=one.mood)
                if one.reading:
                    assert other.reading.belief == pytest.approx(one.reading.belief, rel=1e-5)
                told += bool(why(short, at))
    assert told > 50


def test_documents_take_less_than_two_fifths_of_their_text(tmp_path):
    settings = TournamentConfig(creditors=("eq-negotiator",), debtors=("angry",), matches_per_pair=20, workers=1)
    run_tournament(settings, tmp_path / "run")
    with Store.read(tmp_path / "run") as store:
        text = sum(len(transcript) for _, transcript, _ in store.documents())
    with closing(sqlite3.connect(tmp_path / "run" / FILE)) as db:
        (packed,) = db.execute("SELECT sum(length(transcript)) FROM documents").fetchone()
    assert packed < 0.4 * text
