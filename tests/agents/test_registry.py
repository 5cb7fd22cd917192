"""Agents by name, by file and by decorator."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from helpers.paths import ROOT
from helpers.seats import CREDITORS, DEBTORS
from hypothesis import given
from hypothesis import strategies as st

from poise.agents.emotions.taxonomy import EMOTIONS28
from poise.agents.protocols import Policy
from poise.agents.registry import agent, agent_summaries, find_agent, list_agents
from poise.common.errors import AgentError

EXAMPLES = ROOT / "examples"
DEBTOR = """from poise import agent
@agent("grumbler", seat="debtor")
def grumble(view):
    return "annoyance"
"""
TWO = DEBTOR.replace("debtor", "creditor") + DEBTOR.replace("debtor", "creditor").replace("grumble", "smile")
GRAPH = """from poise import graph_agent
@graph_agent("thinker")
def think({}):
    return None
"""


@pytest.mark.parametrize(("name", "seat"), [*((n, "creditor") for n in CREDITORS), *((n, "debtor") for n in DEBTORS)])
def test_every_promised_agent_is_found_by_name(name, seat):
    found = find_agent(name, seat)
    assert (found.name, found.seat) == (name, seat)
    assert isinstance(found.make_policy(), Policy)
    assert found.summary


@given(st.sampled_from(EMOTIONS28))
def test_fixed_takes_any_of_the_28(emotion):
    assert find_agent(f"fixed:{emotion}", "creditor").name == f"fixed:{emotion}"


def test_what_is_declared_is_json_and_tells_agents_apart():
    declared = [json.dumps(each.declared(), sort_keys=True) for each in list_agents()]
    assert len(set(declared)) == len(declared)


@pytest.mark.parametrize(
    ("spec", "model", "name"),
    [
        ("eq-negotiator@ollama:qwen2.5:7b", "ollama:qwen2.5:7b", "eq-negotiator"),
        ("vanilla@openai:org/model@latest", "openai:org/model@latest", "vanilla"),
        ("fixed:joy,offers=model@embedded:smollm2", "embedded:smollm2", "fixed:joy,offers=model"),
        ("vanilla,concession=tit-for-tat", None, "vanilla,concession=tit-for-tat"),
    ],
)
def test_a_name_carries_settings_and_a_model(spec, model, name):
    found = find_agent(spec, "creditor")
    assert (found.model, found.name) == (model, name)


def test_settings_change_the_agent_and_its_identity():
    plain, changed = find_agent("vanilla", "creditor"), find_agent("vanilla,concession=boulware", "creditor")
    assert plain.make_concession() != changed.make_concession()
    assert plain.declared() != changed.declared()
    assert find_agent("vanilla,offers=model", "creditor").offers == "model"


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ("eq-negotiater", "did you mean 'eq-negotiator'"),
        ("", "poise agents list"),
        ("fixed:happy", "fixed:EMOTION with one of"),
        ("vanilla,speed=9", "use concession=NAME"),
        ("vanilla,offers=nobody", "offers=policy or offers=model"),
        ("vanilla,concession=linaer", "linear"),
        ("vanilla@", "name a model after it"),
        ("nowhere.py:me", "does not exist"),
        ("my.toml", "give it to --debtor"),
        ("angry", "'angry' is a debtor, not a creditor; give it to --debtor"),
    ],
)
def test_a_name_that_cannot_be_is_refused_with_the_remedy(spec, words):
    with pytest.raises(AgentError, match=r".") as refused:
        find_agent(spec, "creditor")
    assert words in str(refused.value)


def test_a_persona_file_is_a_debtor(tmp_path):
    source = Path(find_agent.__code__.co_filename).parent / "personas" / "sad.toml"
    mine = tmp_path / "gloomy.toml"
    mine.write_text(source.read_text())
    found = find_agent(str(mine), "debtor")
    assert found.name == "gloomy"
    changed = source.read_text().replace("inertia = 0.5", "inertia = 0.6")
    assert changed != source.read_text()
    (tmp_path / "other.toml").write_text(changed)
    assert find_agent(str(tmp_path / "other.toml"), "debtor").settings != found.settings


class TestFiles:
    @pytest.mark.parametrize("spec", ["mirror.py", "mirror.py:mirror", "second_thoughts.py", "mirror.py@ollama:tiny"])
    def test_the_examples_are_found(self, spec):
        found = find_agent(str(EXAMPLES / spec), "creditor")
        assert found.name in {"mirror", "second-thoughts"}
        assert found.summary

    def test_by_the_name_that_its_decorator_gives_it_and_under_two_names(self, tmp_path):
        (tmp_path / "mine.py").write_text(DEBTOR + "again = grumble\n")
        for spec in ("mine.py", "mine.py:grumbler", "mine.py:grumble", "mine.py:again,concession=linear@ollama:tiny"):
            found = find_agent(f"{tmp_path}/{spec}", "debtor")
            assert found.name.startswith("grumbler")
            assert found.file == f"{tmp_path}/mine.py"

    def test_an_undecorated_function_will_do(self, tmp_path):
        (tmp_path / "mine.py").write_text("def calm(view):\n    return 'caring'\n")
        found = find_agent(f"{tmp_path}/mine.py:calm", "creditor")
        assert found.name == "calm"
        assert found.make_policy().choose(None, None) == "caring"

    def test_other_code_is_another_agent(self, tmp_path):
        for folder, emotion in (("a", "joy"), ("b", "anger")):
            (tmp_path / folder).mkdir()
            (tmp_path / folder / "mine.py").write_text(f"def me(view):\n    return {emotion!r}\n")
        one, two = (find_agent(f"{tmp_path}/{folder}/mine.py:me", "creditor") for folder in "ab")
        assert one.name == two.name
        assert one.declared() != two.declared()

    @pytest.mark.parametrize(
        ("source", "spec", "words"),
        [
            ("import nothing_of_this_name", ":me", "fails on import: ModuleNotFoundError"),
            ("def (", ":me", "fails on import: SyntaxError"),
            ("x = 1", ":me", "has no agent 'me'; it has none"),
            ("x = 1", "", "has no agents; put @agent(NAME, seat='creditor')"),
            (DEBTOR, "", "has no creditor: 'grumbler' is a debtor; give it to --debtor, or in `poise play` take"),
            (DEBTOR, ":grumbler", "mine.py:grumbler' is a debtor, not a creditor; give it to --debtor"),
            (DEBTOR, ":grumblr", "has no agent 'grumblr'; did you mean 'grumbler'? it has grumble, grumbler"),
            (DEBTOR.replace("debtor", "debtr"), "", "has the seat 'debtr'; did you mean 'debtor'? the seats are"),
            (DEBTOR.replace("debtor", "debtr"), "", "did you mean 'debtor'?"),
            (DEBTOR.replace("debtor", "debtr"), "", "(line 2)"),
            (DEBTOR.replace("grumbler", "a/b"), "", "was given the name 'a/b'; letters"),
            (DEBTOR.replace('("grumbler", seat="debtor")', ""), "", 'write @agent("NAME") above it'),
            (GRAPH.format("state"), "", "this needs state"),
            (TWO, "", "has 2 agents for the creditor; write"),
            ("def me(a, b, c):\n    return 'joy'", ":me", "takes 3 parameters"),
            ("class me:\n    pass", ":me", "has no method choose"),
        ],
    )
    def test_a_file_that_cannot_be_used_says_why(self, tmp_path, source, spec, words):
        path = tmp_path / "mine.py"
        path.write_text(source)
        with pytest.raises(AgentError) as refused:
            find_agent(f"{path}{spec}", "creditor")
        assert words in str(refused.value)
        assert "mine.py" in str(refused.value) or "'me'" in str(refused.value) or "class me" in str(refused.value)


def test_a_decorated_agent_is_found_by_name_in_the_same_process():
    @agent("only-for-this-test", seat="debtor")
    def grumble(view):
        """Grumbles."""
        return "annoyance"

    found = find_agent("only-for-this-test", "debtor")
    assert found.summary == "Grumbles."
    assert found.make_policy().choose(None, None) == grumble(None)
    with pytest.raises(AgentError):
        find_agent("only-for-this-test", "creditor")


def test_summaries_are_those_of_the_agents_that_are_made():
    made = {(each.seat, each.name.replace("fixed:neutral", "fixed:EMOTION")): each.summary for each in list_agents()}
    assert agent_summaries() == made
