"""Conduct in the report: tables where there is something to tell, violations and private notes with every message."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import pytest
from helpers.tournament_fakes import OpenFake, Pairing, config, schedule
from test_report import HOSTILE, Page

from poise import TournamentConfig, run_tournament
from poise.tournaments.report.page import write_report
from poise.tournaments.statistics.numbers import signed
from poise.tournaments.statistics.standings import read_standings


class Rude(Pairing):
    """A creditor that breaks a rule with its first message, and a debtor with hostile notes."""

    def play(self, scenario, seed):
        played = super().play(scenario, seed)
        first, second = played.transcript.messages
        messages = replace(first, violations=("abuse.insult", "legal.suit")), replace(second, notes={HOSTILE: HOSTILE})
        played.transcript = replace(played.transcript, messages=messages)
        return played


class OpenRude(OpenFake):
    def __call__(self, pair):
        return (Rude if pair == 0 else Pairing)(self.plan, pair, 0.0, self.trouble)


def words(page):
    return " ".join(" ".join(page.text).split())


def talks(page):
    return [json.loads(text) for _, attrs, text in page.scripts if attrs.get("id", "").startswith("match-")]


@pytest.fixture(scope="module")
def rude(tmp_path_factory):
    settings = config(workers=1)
    folder = tmp_path_factory.mktemp("rude") / "run"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("poise.tournaments.runner.plan_matches", lambda *_: schedule(settings, 3))
        run_tournament(settings, folder, open_pairing=OpenRude(schedule(settings, 3)))
    return folder, Page(write_report(folder).read_text())


def test_violations_are_told_by_agent_and_by_100_messages(rude):
    folder, page = rude
    one, other = sorted(read_standings(folder).seat("creditor"), key=lambda each: each.label)
    assert (one.violations, other.violations) == (6, 0)
    told = words(page)
    assert re.search(r"Conduct of creditors Agent Violations per 100 messages .*c0 6 100\.0", told)
    assert "Promises" not in told
    assert "De-escalation" not in told


def test_every_message_keeps_its_violations_and_notes_as_data(rude):
    said = [message for talk in talks(rude[1]) for message in talk["messages"]]
    assert sum(len(message.get("violations", ())) for message in said) == 6
    assert [message["notes"] for message in said if message.get("notes")] == [{HOSTILE: HOSTILE}] * 3
    assert not [attrs for tag, attrs in rude[1].tags if tag == "img" and "onerror" in attrs]


def test_promises_and_de_escalation_are_told_with_the_domains_names(tmp_path):
    settings = TournamentConfig(
        creditors=("vanilla", "fixed:anger"),
        debtors=("cheating", "simulated"),
        scenarios="builtin:medical:0-5",
        workers=1,
    )
    run_tournament(settings, tmp_path / "run")
    page = Page(write_report(tmp_path / "run").read_text())
    told = words(page)
    assert re.search(r"Conduct of creditors \(hospital\) Agent De-escalation Against vanilla", told)
    assert re.search(r"Conduct of debtors \(patient\) Agent Promises Kept", told)
    assert "Violations" not in told.partition("Utility is")[0]
    calmer = read_standings(tmp_path / "run").against_baseline("fixed:anger", "creditor").de_escalation
    assert signed(calmer.mean) in told
    states = {message.get("notes", {}).get("state") for talk in talks(page) for message in talk["messages"]}
    assert len(states - {None}) > 1, "what a simulated debtor really felt is there to be looked at"
