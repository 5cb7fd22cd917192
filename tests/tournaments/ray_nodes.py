"""A tournament on two Ray nodes of this machine; `test_ray.py` runs this file where there is only loopback."""

import json
import os
import re
import signal
from functools import partial
from pathlib import Path

import pytest
import ray
from helpers.paths import ROOT
from helpers.tournament_fakes import OpenFake, Trouble
from helpers.tournament_fakes import scenarios as fake_scenarios
from ray.cluster_utils import Cluster
from typer.testing import CliRunner

from poise.agents.registry import agent
from poise.cli.app import app
from poise.common.errors import AgentError, PoiseError
from poise.common.progress import Unwatched
from poise.games.domains import SEARCH
from poise.games.scenario import Scenario
from poise.tournaments import runner
from poise.tournaments.config import make_config
from poise.tournaments.runner import resume_tournament, run_tournament
from poise.tournaments.schedule import plan_matches
from poise.tournaments.storage.contents import outcome_digest
from poise.tournaments.storage.store import Store
from poise.training.data.settings import SweepSettings
from poise.training.data.sweep import sweep

NODE = {"num_cpus": 1, "node_ip_address": "127.0.0.1", "object_store_memory": 80 * 2**20}
FIELDS = {
    "creditors": ["vanilla", "eq-negotiator", "q-learning"],
    "debtors": ["angry", "cheating"],
    "scenarios": "builtin:0-49",
    "matches_per_pair": 120,
    "seed": 11,
}


@pytest.fixture(scope="module")
def nodes():
    cluster = Cluster(initialize_head=True, head_node_args={**NODE, "include_dashboard": False})
    cluster.add_node(**NODE)
    yield cluster
    cluster.shutdown()


def on(nodes, **fields):
    return make_config({**FIELDS, **fields, "workers": f"ray:{nodes.address}"})


def digest(folder):
    with Store.read(folder) as store:
        return outcome_digest(store)


@pytest.fixture(scope="module")
def serial(tmp_path_factory):
    folder = tmp_path_factory.mktemp("serial") / "run"
    run_tournament(make_config({**FIELDS, "workers": 1}), folder)
    return digest(folder)


class After(Unwatched):
    """Does something once so many matches are finished, and keeps what was said."""

    def __init__(self, matches, deed):
        self.left, self.deed, self.remarks = matches, deed, []

    def advance(self, count, note=""):
        self.left -= count
        if self.left <= 0 and self.deed:
            deed, self.deed = self.deed, None
            deed()

    def remark(self, sentence):
        self.remarks.append(sentence)


def actors():
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if (process / "cmdline").read_bytes().startswith(b"ray::ClusterNode"):
                found.append(int(process.name))
        except OSError:
            continue
    return found


def test_a_killed_actor_costs_the_matches_in_flight_and_nothing_changes(nodes, tmp_path, serial):
    killed = []

    def kill():
        killed.extend(actors()[:1])
        os.kill(killed[0], signal.SIGKILL)

    watch = After(150, kill)
    result = run_tournament(on(nodes), tmp_path / "run", watch=watch)
    assert (result.complete, len(killed)) == (True, 1)
    assert "was lost" in watch.remarks[0]
    assert "played again, there too" in watch.remarks[0]
    assert digest(tmp_path / "run") == serial
    assert not ray.is_initialized()


def test_a_lost_node_is_left_out_and_its_matches_are_played_by_the_others(nodes, tmp_path, serial):
    third = nodes.add_node(**NODE)
    watch = After(150, lambda: nodes.remove_node(third, allow_graceful=False))
    result = run_tournament(on(nodes), tmp_path / "run", watch=watch)
    assert result.complete
    assert "played again elsewhere" in " ".join(watch.remarks)
    assert digest(tmp_path / "run") == serial


def test_ctrl_c_stops_and_the_run_is_resumed_on_the_cluster(nodes, tmp_path, serial):
    watch = After(150, lambda: signal.raise_signal(signal.SIGINT))
    stopped = run_tournament(on(nodes), tmp_path / "run", watch=watch)
    assert stopped.stopped
    assert 150 <= stopped.finished < stopped.total
    again = resume_tournament(tmp_path / "run")
    assert (again.complete, again.played) == (True, stopped.total - stopped.finished)
    assert digest(tmp_path / "run") == serial


def test_sigterm_is_heeded_as_on_one_machine(nodes, tmp_path, serial):
    watch = After(150, lambda: signal.raise_signal(signal.SIGTERM))
    with pytest.raises(KeyboardInterrupt) as stopped:
        run_tournament(on(nodes), tmp_path / "run", watch=watch)
    assert "Finished matches are kept" in stopped.value.__notes__[0]
    with Store.read(tmp_path / "run") as store:
        assert 150 <= store.count() < 720
    assert resume_tournament(tmp_path / "run").complete
    assert digest(tmp_path / "run") == serial


AGENT = """
from pathlib import Path
from poise.agents.registry import agent

@agent("own")
def own(view):
    return "joy" if len(view.lines) % 4 else "gratitude"
"""
DOMAIN = {
    "creditor": "the landlord",
    "debtor": "the tenant",
    "question": "in how many days the tenant moves out",
    "singular": "day",
    "plural": "days",
    "highest": 365,
}
GAME = """
from poise.games.openspiel.bargaining import BargainingState
from poise.games.openspiel.variants import game

@game("same")
class Same(BargainingState):
    pass
"""


def test_files_travel_with_the_job(nodes, tmp_path, monkeypatch):
    """An agent, a game and a domain of the user's: nodes work elsewhere, and find them by the same names."""
    here = tmp_path / "here"
    (here / "own").mkdir(parents=True)
    monkeypatch.chdir(here)
    (here / "own" / "agent.py").write_text(AGENT)
    (here / "game.py").write_text(GAME)
    (tmp_path / "domains" / "rent").mkdir(parents=True)
    (tmp_path / "domains" / "rent" / "domain.json").write_text(json.dumps(DOMAIN))
    monkeypatch.setenv(SEARCH, str(tmp_path / "domains"))
    cases = [Scenario(f"flat-{number}", "rent", 10 + number, 60 + number) for number in range(5)]
    fields = {
        "creditors": ["own/agent.py", "vanilla"],
        "debtors": ["angry"],
        "game": "game.py",
        "matches_per_pair": 20,
    }
    run_tournament(make_config({**FIELDS, **fields, "workers": 1}), "serial", scenarios=cases)
    assert run_tournament(on(nodes, **fields), "run", scenarios=cases).complete
    assert digest("run") == digest("serial")
    with Store.read("run") as store:
        assert "failed" not in {row.ending for row in store.rows()}


def test_a_file_that_a_node_lacks_is_an_error_with_the_node(nodes, tmp_path, monkeypatch):
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    (tmp_path / "outside.py").write_text(AGENT)
    config = on(nodes, creditors=["../outside.py"], matches_per_pair=2)
    with pytest.raises(AgentError, match=r"node 127.0.0.1 .*: agent file \.\./outside\.py does not exist"):
        run_tournament(config, "run")


def test_an_agent_of_this_program_alone_is_refused(nodes, tmp_path):
    from helpers.pages import clean_registries

    with clean_registries():
        agent("only-here")(lambda view: None)
        with pytest.raises(AgentError, match=r"registered by this program.*put it into a file"):
            run_tournament(on(nodes, creditors=["only-here"], matches_per_pair=2), tmp_path / "run")


def test_a_sweep_is_played_on_the_cluster(nodes, tmp_path):
    settings = SweepSettings(debtors=("angry",), scenarios="builtin:0-9", trajectories=3, seed=2)
    sweep(settings, tmp_path / "serial", workers=1)
    assert sweep(settings, tmp_path / "run", workers=f"ray:{nodes.address}").complete
    assert digest(tmp_path / "run") == digest(tmp_path / "serial")


def test_matches_with_and_without_a_model_have_workers_of_their_own(nodes, tmp_path):
    cases = fake_scenarios(6)
    fields = {"creditors": ["vanilla", "random@openai:m"], "debtors": ["angry", "sad"], "matches_per_pair": 6}
    config = on(nodes, **fields)
    opened = OpenFake(plan_matches(config, cases))
    assert run_tournament(config, tmp_path / "run", scenarios=cases, open_pairing=opened).complete
    run_tournament(
        make_config({**FIELDS, **fields, "workers": 1}), tmp_path / "here", scenarios=cases, open_pairing=opened
    )
    assert digest(tmp_path / "run") == digest(tmp_path / "here")


def test_a_match_without_an_end_is_given_up_as_on_one_machine(nodes, tmp_path, monkeypatch):
    monkeypatch.setattr(runner, "How", partial(runner.How, grace=0.5))
    cases = fake_scenarios(4)
    config = on(nodes, creditors=["vanilla"], matches_per_pair=4, match_seconds=0.5)
    plan = plan_matches(config, cases)
    hangs = OpenFake(plan, trouble=Trouble(hangs=(plan.matches[2].seed,)))
    run_tournament(config, tmp_path / "run", scenarios=cases, open_pairing=hangs)
    with Store.read(tmp_path / "run") as store:
        failed = {row.position % 4 for row in store.rows() if row.ending == "failed"}
    assert failed == {2}


def test_the_commands_of_the_page_play_and_resume(nodes, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "field.toml").write_text('creditors = ["vanilla"]\ndebtors = ["angry"]\nscenarios = "builtin:0-4"\n')
    page = (ROOT / "docs" / "ray.md").read_text().replace("HOST:6379", nodes.address)
    commands = re.findall(r"^    poise (.*(?:runs/|--workers 2).*)$", page, re.MULTILINE)
    assert len(commands) == 3
    for command in commands:
        done = CliRunner().invoke(app, command.split())
        assert done.exit_code == 0, done.output
    assert digest(tmp_path / "runs" / "spread")


def test_without_a_cluster_the_address_is_named(tmp_path):
    config = make_config({**FIELDS, "workers": "ray:127.0.0.1:9"})
    with pytest.raises(PoiseError, match=r"no Ray cluster can be used at 127.0.0.1:9 .*Connection refused.*ray status"):
        run_tournament(config, tmp_path / "run")
