"""The setting `conduct`: written after a creditor's name or in a tournament's settings, and played by."""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers.voice_fakes import FakeModel

from poise.agents import voices
from poise.agents.models import models
from poise.agents.registry import find_agent
from poise.agents.voices import open_voice
from poise.common.errors import AgentError, ConfigError
from poise.games.moves import FORFEIT
from poise.games.scenario import Scenario
from poise.graphs import Pairing, PlaySettings
from poise.tournaments.config import load_config, make_config
from poise.tournaments.matchmaking import TriedModels
from poise.tournaments.runner import run_tournament
from poise.tournaments.schedule import plan_matches
from poise.tournaments.storage.store import Store

CASE = Scenario("one", "debt", 12, 112)
MODEL = "ollama:fake"
THREAT = "Pay in 40 days or I will tell your boss."
RULE = "disclosure.told"


@pytest.fixture(autouse=True)
def rude(monkeypatch):
    """Any model only ever threatens."""
    monkeypatch.setattr(models, "open_chat_model", lambda *_: FakeModel(replies=[THREAT]))
    voices._model_voice.cache_clear()
    yield
    voices._model_voice.cache_clear()


def played(creditor, **more):
    settings = PlaySettings(model=MODEL, **more)
    pairing = Pairing(
        find_agent(creditor, "creditor"), find_agent("vanilla,offers=policy@scripted", "debtor"), settings
    )
    transcript = pairing.play(CASE, 1).transcript
    return transcript, [message for message in transcript.messages if message.seat == "creditor"]


# As part of a name.


@pytest.mark.parametrize("conduct", ["record", "reask", "refuse"])
def test_it_is_part_of_a_name(conduct):
    agent = find_agent(f"eq-negotiator,concession=tit-for-tat,conduct={conduct}@{MODEL}", "creditor")
    assert (agent.conduct, agent.model) == (conduct, MODEL)
    assert agent.settings["conduct"] == conduct
    assert agent.declared_in("scripted", None, None).get("conduct", "record") == conduct


@pytest.mark.parametrize(
    ("name", "seat", "words"),
    [
        ("vanilla,conduct=polite", "creditor", "use conduct=record, conduct=reask or conduct=refuse"),
        ("vanilla,conduct=", "creditor", "conduct=record|reask|refuse"),
        ("angry,conduct=refuse", "debtor", "rules of conduct bind creditors; leave it out"),
    ],
)
def test_what_cannot_be_is_refused(name, seat, words):
    with pytest.raises(AgentError) as refused:
        find_agent(name, seat)
    assert words in str(refused.value)


# As part of a match.


def test_the_agents_own_setting_goes_before_that_of_all():
    for own, of_all, held in [
        ("", None, 1),
        ("", "refuse", 2),
        (",conduct=record", "refuse", 1),
        (",conduct=reask", None, 2),
    ]:
        _, said = played(f"vanilla{own}", conduct=of_all, offers="model")
        assert said[0].wording.attempts == held


def test_recorded_asked_again_and_refused():
    _, said = played("vanilla,conduct=record", offers="model")
    assert {message.violations for message in said} == {(RULE,)}
    transcript, said = played("vanilla,conduct=reask", offers="model")
    assert all((message.violations, message.wording.attempts) == ((RULE,), 2) for message in said)
    assert transcript.creditor["conduct"] == "reask"
    _, said = played("vanilla,conduct=refuse", offers="model")
    assert all((message.move, message.violations) == (FORFEIT, ()) for message in said)
    _, said = played("vanilla,conduct=refuse")
    assert all(message.wording.repaired and message.violations == () for message in said)
    assert all(message.move == message.intended for message in said)


def test_a_scripted_creditor_plays_as_it_does_without():
    one, two = (
        Pairing(find_agent("eq-negotiator", "creditor"), find_agent("sad", "debtor"), PlaySettings(conduct=conduct))
        for conduct in (None, "refuse")
    )
    assert one.play(CASE, 3).transcript == two.play(CASE, 3).transcript
    assert open_voice("scripted", conduct="refuse") is open_voice("scripted")


# As part of a tournament.

FIELDS = {"creditors": ["vanilla"], "debtors": ["vanilla@scripted"], "model": MODEL, "scenarios": "builtin:0-1"}


def test_it_is_a_setting_of_a_tournament(tmp_path):
    path = Path(tmp_path / "t.toml")
    path.write_text('creditors = ["vanilla"]\ndebtors = ["sad"]\nconduct = "reask"\n')
    assert load_config(path).conduct == "reask"
    with pytest.raises(ConfigError, match=r"conduct = 'polite': input should be 'record', 'reask' or 'refuse'"):
        make_config({**FIELDS, "conduct": "polite"})


def test_what_changes_matches_changes_their_ids_and_nothing_else_does():
    def ids(**more):
        return [match.id for match in plan_matches(make_config({**FIELDS, **more})).matches]

    assert ids() == ids(conduct="record") != ids(conduct="refuse")
    assert ids(conduct="refuse") != ids(conduct="reask")
    scripted = {"model": "scripted", "debtors": ["vanilla"]}
    assert ids(**scripted) == ids(**scripted, conduct="refuse")


@pytest.mark.parametrize(
    ("conduct", "violations", "reasks"), [("record", True, 0), ("reask", True, 1), ("refuse", False, 1)]
)
def test_standings_count_violations_and_questions(tmp_path, monkeypatch, conduct, violations, reasks):
    monkeypatch.setattr("poise.tournaments.runner.try_models", lambda *_: TriedModels())
    settings = make_config({**FIELDS, "creditors": ["vanilla,offers=model"], "conduct": conduct, "workers": 1})
    result = run_tournament(settings, tmp_path / "run")
    (one,) = result.standings().seat("creditor")
    with Store.read(tmp_path / "run") as store:
        said = [message for each in store.transcripts() for message in each.messages if message.seat == "creditor"]
    assert one.violations == sum(len(message.violations) for message in said)
    assert bool(one.violations) == violations
    assert one.reasks == sum(message.wording.attempts - 1 for message in said)
    assert one.reasks == reasks * len(said)
