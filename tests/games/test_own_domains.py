"""A user's own domain: a folder of files, found by an environment variable, refused with the remedy."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys

import pytest
from helpers.paths import ROOT

from poise.agents.protocols import Request, View
from poise.agents.registry import find_agent
from poise.agents.replay import brief_of
from poise.agents.voices.prompts import plain_sentence, render
from poise.agents.voices.scripted import phrases
from poise.common.errors import AgentError, ScenarioError
from poise.common.words import with_unit
from poise.games.domains import DOMAINS, SEARCH, add_domains, domain_names, domain_words
from poise.games.moves import SEATS, offer
from poise.games.rules import Rules
from poise.games.scenario import Scenario
from poise.games.scenarios.generator import generate
from poise.games.scenarios.loaders import load_scenarios, save_scenarios
from poise.graphs import Pairing

EXAMPLES = ROOT / "examples" / "domains"
RENT = json.loads((EXAMPLES / "rent" / "domain.json").read_text())
CASES = json.loads((EXAMPLES / "rent" / "cases.json").read_text())


@pytest.fixture
def rent(tmp_path, monkeypatch):
    """The example domain, in a folder that a test may spoil."""
    monkeypatch.setenv(SEARCH, "")
    folder = shutil.copytree(EXAMPLES / "rent", tmp_path / "rent")
    assert add_domains(tmp_path) == ["rent"]
    return folder


def test_a_folder_of_files_is_a_domain(rent):
    assert domain_names() == [*DOMAINS, "rent"]
    case = Scenario("a", "rent", 4, 30)
    assert (case.unit, case.bounds, case.party("debtor")) == ("weeks", (0, 104), "the tenant")
    played = Pairing(find_agent("vanilla", "creditor"), find_agent("angry", "debtor")).play(case, 3).transcript
    assert played.outcome.ending != "failed"
    for message in played.messages:
        if message.move.kind == "offer":
            assert with_unit(message.move.value, "weeks") in message.text
    assert re.search(r"(out|keys|ends) in \d+ weeks\.$", played.messages[0].text)
    assert re.search(r"(move|place|keys)", played.messages[1].text)


def test_a_domain_has_a_built_in_set_if_it_says_what_of(rent, tmp_path):
    found = load_scenarios("builtin:rent:test")
    assert [case.id for case in found] == [f"rent-{row:03d}" for row in range(80, 100)]
    for case in found:
        assert re.fullmatch(r"\w+ \w+", case.party("debtor"))
        assert case.party("debtor") in case.context["Situation"]
        assert case.polarity == 1
    save_scenarios(tmp_path / "rent.jsonl", found)
    assert load_scenarios(tmp_path / "rent.jsonl") == found
    (rent / "cases.json").unlink()
    with pytest.raises(ScenarioError, match=r"'rent' has no cases\.json"):
        generate("rent")


def test_a_domain_has_prompts_of_its_own(rent):
    case = generate("rent", 1, 1)[0]
    for seat, asks in zip(SEATS, ("the keys", "move out"), strict=True):
        view = View(brief_of(case, seat, Rules()))
        assert case.party("creditor") in render(Request(view, None, None), "model").messages()[0][1]
        assert asks in plain_sentence(offer(9), view)


def test_processes_that_are_started_know_it_too(rent):
    code = "from poise.games.domains import domain_words; print(domain_words('rent').question)"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=os.environ)
    assert told.stdout.strip() == RENT["question"]


def test_a_domain_that_is_gone_is_refused_with_the_remedy(rent, monkeypatch):
    data = Scenario("a", "rent", 4, 30).to_dict()
    monkeypatch.setenv(SEARCH, "")
    with pytest.raises(ScenarioError, match=r"domain 'rent' is not one of debt, .* set POISE_DOMAINS to the folder"):
        Scenario.from_dict(data)


def test_poises_own_domains_cannot_be_replaced(tmp_path, monkeypatch):
    monkeypatch.setenv(SEARCH, str(tmp_path))
    (tmp_path / "debt").mkdir()
    (tmp_path / "debt" / "domain.json").write_text(json.dumps(RENT))
    assert domain_words("debt").plural == "days"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"highest": 0}, "highest 0 is not an integer from 1 to 1,000,000"),
        ({"highest": "104"}, "highest '104' is not an integer"),
        ({"creditor": ""}, "creditor '' is not a text"),
        ({"plural": 7}, "plural 7 is not a text"),
        ({"clock": "25:00"}, "clock '25:00' is not a time of day"),
        ({"color": "red"}, "unknown field 'color'"),
        ({"question": None}, "question None is not a text"),
    ],
)
def test_a_domain_file_is_refused_with_the_remedy(tmp_path, monkeypatch, change, words):
    monkeypatch.setenv(SEARCH, "")
    (tmp_path / "rent").mkdir()
    (tmp_path / "rent" / "domain.json").write_text(json.dumps(RENT | change))
    with pytest.raises(ScenarioError, match=re.escape(words)) as refused:
        add_domains(tmp_path)
    assert os.path.join("rent", "domain.json") in str(refused.value)  # noqa: PTH118
    assert os.environ[SEARCH] == ""


@pytest.mark.parametrize(
    ("content", "words"),
    [("{", "not a usable JSON"), ("[]", "a domain is an object"), ("{}", "field 'creditor' is missing")],
)
def test_a_file_that_is_no_domain_is_refused(tmp_path, monkeypatch, content, words):
    monkeypatch.setenv(SEARCH, "")
    (tmp_path / "rent").mkdir()
    (tmp_path / "rent" / "domain.json").write_text(content)
    with pytest.raises(ScenarioError, match=words):
        add_domains(tmp_path)


@pytest.mark.parametrize("name", ["Rent", "train", "re nt"])
def test_names_that_cannot_be_a_domains_are_refused(tmp_path, monkeypatch, name):
    monkeypatch.setenv(SEARCH, "")
    (tmp_path / name).mkdir()
    (tmp_path / name / "domain.json").write_text(json.dumps(RENT))
    with pytest.raises(ScenarioError, match="a domain cannot be called"):
        add_domains(tmp_path)


def test_a_folder_without_domains_is_refused(tmp_path):
    with pytest.raises(ScenarioError, match="no domain in this folder"):
        add_domains(tmp_path)


@pytest.mark.parametrize(
    ("moves", "words"),
    [
        ('[creditor]\noffer = ["In {offer} or {price}."]', "each with {offer} once"),
        ('[creditor]\noffer = ["Out with you."]', "each with {offer} once"),
        ("[debtor]\noffer = []", "[debtor] offer has to be a list"),
        ("[debtor]\nwalk = [7]", "[debtor] walk has to be a list of texts, without braces"),
        ('[debtor]\nshout = ["Hey."]', "[debtor] has 'shout', which is not a move; there are accept, back, firm"),
        ("[debtor]\nfacts = []", "[debtor.facts] facts has to be a list of texts"),
        ('[debtor.answers]\ngave = ["{you}"]', "gave holds {you}; it can hold {theirs}, {too}"),
        ('[debtor.words]\nfear = ["x"]', "[debtor.words] has 'fear'; there are"),
        ('[debtor]\nwords = ["x"]', "[debtor] words has to be a table"),
        ("[debtor", "this file of moves cannot be used"),
    ],
)
def test_moves_are_refused_with_the_remedy(rent, moves, words):
    (rent / "moves.toml").write_text(moves)
    with pytest.raises(AgentError, match=re.escape(words)):
        uncached_phrases("rent")


def uncached_phrases(domain):
    from poise.agents.voices import scripted

    scripted._phrases.cache_clear()
    return phrases(domain)


def without(*path):
    data = json.loads(json.dumps(CASES))
    inner = data
    for step in path[:-1]:
        inner = inner[step]
    del inner[path[-1]]
    return data


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (without("groups"), "'groups' is missing"),
        (without("groups", "flat", "gap"), "'gap' is missing"),
        (without("scenes", 1, "words", "home"), "'home' is missing"),
        (without("words", "creditor"), "'creditor' is missing"),
        (CASES | {"scenes": []}, "docs/domains.md shows"),
        (
            CASES | {"groups": {"flat": {"share": 1, "target": [2, 8, 9], "gap": [10, 40, 20]}}},
            "has to be between them",
        ),
        (
            CASES | {"context": {"Note": "{age} weeks", "Tenant": "Out in 4 weeks and 5 weeks and 6 weeks"}},
            "private target",
        ),
        ([1], "docs/domains.md shows"),
    ],
)
def test_cases_are_refused_with_what_is_missing(rent, data, words):
    (rent / "cases.json").write_text(json.dumps(data))
    with pytest.raises(ScenarioError, match=re.escape(words)) as refused:
        generate("rent", 50, 1)
    assert "cases.json" in str(refused.value)
