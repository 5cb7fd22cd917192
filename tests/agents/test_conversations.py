"""Every match in flight has conversations of its own, so that only the end of a prompt is evaluated."""

from __future__ import annotations

import itertools

import orjson
import pytest
from helpers.tournament_fakes import scenarios

from poise.agents.models.embedded import shared
from poise.agents.models.embedded.shared import shared_engine
from poise.agents.models.settings import ModelSettings
from poise.games.moves import SEATS
from poise.tournaments.config import make_config
from poise.tournaments.matchmaking import Pairings
from poise.tournaments.runner import run_tournament
from poise.tournaments.schedule import build_schedule, enter
from poise.tournaments.storage.store import Store

DIRECTION = 500  # bytes that a direction may have


class FakeEngine:
    calls = 0


def test_no_two_conversations_of_a_tournament_share_a_key():
    settings = make_config(
        {
            "creditors": ["vanilla", "vanilla@openai:x", "eq-negotiator"],
            "debtors": ["vanilla", "angry", "angry@openai:x"],
            "matches_per_pair": 4,  # two scenarios, two repeats
            "model_options": {"base_url": "http://127.0.0.1:1"},
        }
    )
    schedule = build_schedule(settings, *enter(settings), scenarios(2))
    open_pairing = Pairings(settings, schedule)
    keys = []
    for pair, matches in itertools.groupby(schedule.matches, key=lambda match: match.pair):
        pairing = open_pairing(pair)
        for match in matches:
            context = pairing.context(schedule.scenarios[match.scenario], match.seed)
            keys += [context.seat(seat).thread for seat in SEATS]
    assert len(keys) == 2 * 9 * 4
    assert len(set(keys)) == len(keys)


def test_in_a_tournament_with_four_in_flight_only_the_end_of_a_prompt_is_evaluated(tmp_path):
    """Read from the store: two messages, this turn's direction and 32, in bytes, which are this model's tokens."""
    pytest.importorskip("gguf")
    from helpers.tiny_gguf import write_tiny_model

    model = write_tiny_model(tmp_path / "tiny.gguf", context=8192)
    settings = make_config(
        {
            "creditors": ["vanilla", "eq-negotiator"],
            "debtors": ["vanilla", "angry"],
            "model": f"embedded:{model}",
            "max_messages": 8,
            "workers": 4,
            "model_options": {"context": 8192, "max_tokens": 16},
        }
    )
    run_tournament(settings, tmp_path / "out", scenarios=scenarios(1))
    with Store.read(tmp_path / "out") as store:
        talks = list(store.transcripts())
        usages = [orjson.loads(usage)["per_message"] for _, _, usage in store.documents()]
    assert len(talks) == 4
    for talk, usage in zip(talks, usages, strict=True):
        firsts = [message.get("tries", [message])[0] for message in usage]
        assert len(firsts) == len(talk.messages)
        for number, call in enumerate(firsts[2:], 2):  # after each seat's first message
            own, other = (talk.messages[number - back].text for back in (2, 1))
            assert call["evaluated_tokens"] <= len(own.encode()) + len(other.encode()) + DIRECTION + 32
            assert call["cached_tokens"] > call["evaluated_tokens"] or number < 4


def test_negotiations_in_flight_have_engines_of_their_own_and_both_seats_the_same(monkeypatch):
    started = []
    monkeypatch.setattr(shared, "Engine", lambda *given, **more: started.append(given) or FakeEngine())
    monkeypatch.setattr(shared, "playable", lambda model, _: model.path)
    monkeypatch.setattr(shared, "engine_cores", lambda: 4)
    monkeypatch.setattr(shared, "_pools", {})
    settings = ModelSettings(slots=8)
    engines = [
        [shared_engine(settings, conversation=f"{match}/{seat}") for seat in SEATS] for match in ("a", "b", "c", "d")
    ]
    assert all(creditor is debtor for creditor, debtor in engines)
    assert len({id(creditor) for creditor, _ in engines}) == 4
    assert [given[1:4] for given in started] == [(2, 4096, 1)] * 4  # slots, context, threads of each
    engines[0][0].calls = 1
    assert shared_engine(settings, conversation="e/creditor") is not engines[0][0]
    assert shared_engine(settings, conversation="a/debtor") is engines[0][0]  # a negotiation keeps its engine
    for given, count in ((ModelSettings(slots=8, threads=2), 1), (ModelSettings(slots=8, engines=3), 3)):
        shared._pools.clear()
        started.clear()
        shared_engine(given)
        assert len(started) == count
    shared._pools.clear()
