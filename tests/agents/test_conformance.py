"""All that comes with Poise passes the checks that it asks of what users add."""

from __future__ import annotations

import pytest
from helpers.paths import ROOT
from typer.testing import CliRunner

from poise.agents.builtin import built_in
from poise.agents.policies import policies
from poise.cli.app import app
from poise.games.domains import DOMAINS, SEARCH
from poise.games.moves import SEATS
from poise.games.scenarios.generator import builtin
from poise.testing import assert_agent, assert_game, assert_policy, assert_scenarios, check_scenarios

EXAMPLES = ROOT / "examples"
SHARED = ROOT.parent / "shared" / "data" / "scenarios"
OPPONENTS = {"creditor": ("vanilla", "simulated"), "debtor": ("vanilla", "eq-negotiator")}
WITH_ARGUMENTS = {
    "fixed": "fixed:caring",
    "mcts": "mcts:20",
    "emodistill": "emodistill,adapter=none",
}  # few simulations: skill is not checked; what its adapter says is checked with a model (test_emodistill.py)
DRAW = {"random", "emodebt", "evoemo", "simulated", "angry", "cheating"}

AGENTS = [(WITH_ARGUMENTS.get(name, name), seat) for seat in SEATS for name in built_in(seat)]
CASES = [next(case for case in builtin(domain) if case.gap > 30) for domain in DOMAINS]


def ids(pairs):
    return ["-".join(pair[::-1]) for pair in pairs]


@pytest.mark.parametrize(("name", "seat"), AGENTS, ids=ids(AGENTS))
def test_every_agent_passes_in_every_domain(name, seat):
    from poise.agents.registry import find_agent

    assert_agent(find_agent(name, seat), scenarios=CASES, opponents=OPPONENTS[seat])


@pytest.mark.parametrize("path", [*EXAMPLES.glob("*.py"), EXAMPLES / "weary.toml"], ids=lambda path: path.name)
def test_every_example_passes(path):
    if "@game" in path.read_text():
        assert_game(str(path))
    else:
        assert_agent(str(path), scenarios=CASES)


@pytest.mark.parametrize("name", [*policies(), *(f"debtor {name}" for name in built_in("debtor"))])
def test_every_policy_passes(name):
    seat, _, debtor = name.rpartition(" ")
    name = WITH_ARGUMENTS.get(debtor, debtor)
    assert_policy(name, "debtor" if seat else "creditor", scenarios=CASES, draws=name in DRAW)


def test_poises_own_game_passes():
    assert_game()


@pytest.mark.parametrize("domain", DOMAINS)
def test_every_built_in_set_passes(domain):
    assert_scenarios(f"builtin:{domain}")
    assert_scenarios(f"builtin:{domain}:test", apart_from=f"builtin:{domain}:train")


def test_the_example_of_a_domain_passes(monkeypatch):
    monkeypatch.setenv(SEARCH, str(EXAMPLES / "domains"))
    assert_scenarios("builtin:rent")
    assert_agent("eq-negotiator", scenarios=builtin("rent")[:2])


@pytest.mark.data
@pytest.mark.skipif(not SHARED.is_dir(), reason="the reference data is not beside the checkout")
@pytest.mark.parametrize("name", ["credit_recovery", "disaster_survivor", "education_sleep", "hospital_surgery"])
def test_every_published_file_passes(name):
    source = str(SHARED / f"{name}_scenarios.csv")
    assert_scenarios(source)
    assert_scenarios(f"{source}:test", apart_from=f"{source}:train")


@pytest.mark.data
@pytest.mark.skipif(not SHARED.is_dir(), reason="the reference data is not beside the checkout")
@pytest.mark.parametrize("domain", DOMAINS)
def test_no_published_case_is_in_a_built_in_set(domain):
    """What is trained on generated cases can be tried on the published ones."""
    named = {"debt": "credit_recovery", "disaster": "disaster_survivor", "medical": "hospital_surgery"}
    source = SHARED / f"{named.get(domain, 'education_sleep')}_scenarios.csv"
    assert all(check.ok for check in check_scenarios(source, apart_from=f"builtin:{domain}"))


def test_how_long_a_message_may_take_is_the_users_to_say(tmp_path):
    slow = tmp_path / "slow.py"
    slow.write_text(
        "import time\n\nimport poise\n\n\n"
        '@poise.agent("slow", seat="creditor")\ndef slow(view):\n    time.sleep(0.05)\n    return "joy"\n'
    )
    told = CliRunner().invoke(app, ["agents", "check", str(slow), "--message-seconds", "0.02"])
    assert told.exit_code == 1
    assert "FAILED  answers within 0.02 s a message" in told.output
