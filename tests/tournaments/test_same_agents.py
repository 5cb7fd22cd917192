"""One agent under two names is refused before anything is played; two agents never are."""

import itertools
from pathlib import Path

import pytest

from poise.agents.registry import list_agents
from poise.common.errors import ConfigError
from poise.tournaments.config import make_config
from poise.tournaments.runner import run_tournament
from poise.tournaments.schedule import plan_matches, refuse_same_agents

OWN = '''from poise import agent


class Calm:
    def choose(self, view, dice):
        return "joy"


@agent("mine", seat="creditor")
def mine(view):
    """Shows joy."""
    return "joy"
'''
SAME = [
    ("vanilla", "vanilla@scripted"),
    ("vanilla", "vanilla,concession=linear"),
    ("vanilla", "vanilla,offers=policy"),
    ("vanilla", "vanilla,emotion=none"),
    ("wsls", "vanilla,emotion=wsls"),
    ("fixed:joy", "vanilla,emotion=joy"),
    ("vanilla,offers=policy,concession=linear", "vanilla,concession=linear,offers=policy"),
    ("vanilla@ollama:tiny", "vanilla@ollama:tiny:latest"),
    ("mine.py", "./mine.py"),
    ("mine.py", "mine.py:mine"),
    ("mine.py", "mine.py,concession=linear"),
    ("mine.py", "copy.py"),
    ("mine.py:Calm", "mine.py:Calm,offers=policy"),
]
OTHER = [
    ("vanilla", "vanilla,concession=boulware"),
    ("vanilla", "vanilla,offers=model"),
    ("fixed:joy", "fixed:anger"),
    ("vanilla@ollama:tiny", "vanilla@ollama:small"),
    ("vanilla@ollama:tiny", "vanilla@ollama:tiny,conduct=refuse"),
    ("mine.py", "mine.py:Calm"),
    ("mine.py", "vanilla"),
]


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("mine.py", "copy.py"):
        Path(name).write_text(OWN)


def settings(*creditors, **more):
    return make_config({"creditors": creditors, "debtors": ["angry"], "scenarios": "builtin:0-1", "workers": 1, **more})


@pytest.mark.parametrize("names", SAME)
@pytest.mark.parametrize("turned", [False, True])
def test_one_agent_under_two_names_is_refused(names, turned):
    with pytest.raises(ConfigError, match="are the same creditor under two names; leave one of them out"):
        run_tournament(settings(*(names[::-1] if turned else names)), "run")
    assert not Path("run").exists(), "nothing was played"


@pytest.mark.parametrize("names", OTHER)
def test_two_agents_are_two(names):
    refuse_same_agents(plan_matches(settings(*names)))


def test_all_agents_that_there_are_differ():
    names = {seat: [one.name for one in list_agents() if one.seat == seat] for seat in ("creditor", "debtor")}
    refuse_same_agents(plan_matches(settings(*names["creditor"], debtors=names["debtor"])))


def test_a_name_comes_to_a_tournament_later(monkeypatch):
    run_tournament(settings("vanilla"), "run")
    with pytest.raises(ConfigError, match="under two names"):
        run_tournament(settings("vanilla", "vanilla,concession=linear"), "run")
    twice = settings("vanilla", "vanilla,concession=linear")
    with monkeypatch.context() as older:
        older.setattr("poise.tournaments.runner.refuse_same_agents", lambda *_: None)
        assert run_tournament(twice, "older").complete, "as an older Poise would begin it"
    assert run_tournament(twice.model_copy(update={"matches_per_pair": 4}), "older").complete, "it can be extended"


def test_the_default_model_is_a_name_too():
    named = settings("vanilla", "vanilla@ollama:tiny", model="ollama:tiny")
    with pytest.raises(ConfigError, match="under two names"):
        plan_matches(named)


def test_the_order_of_a_seat_does_not_matter():
    for names in itertools.permutations(["wsls", "vanilla", "vanilla,emotion=wsls"]):
        with pytest.raises(ConfigError, match="under two names"):
            refuse_same_agents(plan_matches(settings(*names)))
