"""Every match in flight has conversations of its own, so that only the end of a prompt is evaluated."""

from __future__ import annotations

import itertools
from concurrent.futures import ThreadPoolExecutor
from statistics import mean

import pytest
from helpers.tournament_fakes import scenarios

from poise.agents.models.embedded.shared import close_engines
from poise.games.moves import SEATS
from poise.games.rules import Rules
from poise.graphs import Pairing, PlaySettings
from poise.tournaments.config import make_config
from poise.tournaments.matchmaking import Pairings
from poise.tournaments.schedule import build_schedule, enter


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


@pytest.mark.model
def test_one_creditor_against_three_debtors_at_a_time_evaluates_no_more_as_talks_grow(thorough):
    """With one key for all three, 67 tokens a call became 180."""
    from poise.agents.registry import find_agent

    settings = PlaySettings(
        model="embedded:smollm2",
        rules=Rules(max_messages=10 if thorough else 8),
        model_options={"slots": 6, "context": 2048, "max_tokens": 24 if thorough else 12, "timeout": 3600.0},
        message_seconds=3600.0,
        match_seconds=36_000.0,
    )
    (scenario,) = scenarios(1)

    def evaluated(debtor: str) -> list[float]:
        """Prompt tokens evaluated for each call after each seat's first message."""
        pairing = Pairing(find_agent("vanilla", "creditor"), find_agent(debtor, "debtor"), settings)
        messages = pairing.play(scenario, 5).usage.per_message[2:]
        calls = [call for message in messages for call in message.get("tries", [message])]
        return [call["evaluated_tokens"] for call in calls]

    close_engines()
    try:
        with ThreadPoolExecutor(3) as pool:
            for calls in pool.map(evaluated, ["vanilla", "angry", "sad"]):
                assert len(calls) >= 6
                third = len(calls) // 3
                assert mean(calls[-third:]) < 1.5 * mean(calls[:third]) + 32
    finally:
        close_engines()
