"""A misspelt name of any kind is answered with the nearest one there is, by one function."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from poise.agents.emotions.detectors import check_detector
from poise.agents.emotions.taxonomy import EMOTIONS28, to_seven
from poise.agents.judges import check_judge
from poise.agents.models.embedded.folder import find_model
from poise.agents.models.models import parse_uri
from poise.agents.models.sampling import named_template
from poise.agents.personas import load_persona
from poise.agents.policies import make_policy
from poise.agents.registry import find_agent
from poise.agents.simulated.files import load_world
from poise.cli.app import app
from poise.common.errors import PoiseError
from poise.common.words import did_you_mean
from poise.games.domains import domain_words
from poise.games.openspiel.variants import find_game
from poise.games.scenarios.loaders import load_scenarios
from poise.tournaments.config import TournamentConfig, make_config
from poise.tournaments.export import frame
from poise.tournaments.judging.rescoring import rescore_tournament
from poise.tournaments.process.concession import as_scale
from poise.tournaments.schedule import check_baseline
from poise.tournaments.schemas import schema_of
from poise.tournaments.statistics.ratings import rate_tournament
from poise.training.offline.problem import OfflineSettings

COSTLY = str(Path(__file__).parents[2] / "examples" / "costly_talks.py")
FIELD = {"creditors": ["vanilla"], "debtors": ["angry"]}


@given(st.sampled_from([*EMOTIONS28, *TournamentConfig.model_fields]), st.data())
def test_a_name_with_one_letter_wrong_is_recognised(name, data):
    place = data.draw(st.integers(0, len(name) - 1))
    wrong = name[:place] + "x" + name[place + 1 :]
    known = [name, "something-else-entirely"]
    near = did_you_mean(wrong.upper(), known)
    assert near == ("" if len(name) < 4 and not near else f"did you mean {name!r}? ")


def test_what_is_like_nothing_has_no_suggestion_and_no_length_takes_long():
    assert not did_you_mean("zzz", ["vanilla"])
    assert not did_you_mean("", ["vanilla"])
    assert not did_you_mean(None, [])
    assert not did_you_mean("a" * 1_000_000, ["vanilla"] * 1_000)


@pytest.mark.parametrize(
    ("ask", "near"),
    [
        pytest.param(lambda: find_agent("vanila", "creditor"), "vanilla", id="creditor"),
        pytest.param(lambda: find_agent("angri", "debtor"), "angry", id="debtor"),
        pytest.param(lambda: find_agent("vanilla,concesion=linear", "creditor"), "concession", id="agent's setting"),
        pytest.param(lambda: find_agent("vanilla,concession=boulwre", "creditor"), "boulware", id="concession"),
        pytest.param(lambda: find_agent("vanilla,offers=modle", "creditor"), "model", id="setting's value"),
        pytest.param(lambda: find_agent("fixed:joyy", "creditor"), "joy", id="emotion"),
        pytest.param(lambda: find_agent("lookup:angr=joy", "creditor"), "anger", id="emotion read"),
        pytest.param(lambda: find_agent("lookup:anger=joi", "creditor"), "joy", id="emotion shown"),
        pytest.param(lambda: to_seven("anoyance"), "annoyance", id="emotion of the 28"),
        pytest.param(lambda: make_policy("vanila"), "vanilla", id="policy"),
        pytest.param(lambda: load_persona("angri"), "angry", id="persona"),
        pytest.param(lambda: load_world("responsve"), "responsive", id="world"),
        pytest.param(lambda: domain_words("medcal"), "medical", id="domain"),
        pytest.param(lambda: load_scenarios("biultin"), "builtin", id="scenarios"),
        pytest.param(lambda: load_scenarios("builtin:medcal"), "medical", id="domain of scenarios"),
        pytest.param(lambda: load_scenarios("builtin:tset"), "test", id="part of scenarios"),
        pytest.param(lambda: parse_uri("olama:qwen"), "ollama", id="provider"),
        pytest.param(lambda: find_model("smolm2"), "smollm2", id="embedded model"),
        pytest.param(lambda: named_template("chatmll"), "chatml", id="template"),
        pytest.param(lambda: check_judge("rulez"), "rules", id="judge"),
        pytest.param(lambda: check_detector("lexcal"), "lexical", id="detector"),
        pytest.param(lambda: make_config({**FIELD, "tolerence": 1}), "tolerance", id="setting of a tournament"),
        pytest.param(lambda: make_config({**FIELD, "through": "langraph"}), "langgraph", id="choice of a setting"),
        pytest.param(
            lambda: make_config({**FIELD, "model_options": {"temprature": 1}}), "temperature", id="model option"
        ),
        pytest.param(
            lambda: make_config({**FIELD, "model_options": {"sampling": "smal"}}), "small", id="model option's value"
        ),
        pytest.param(
            lambda: check_baseline("vanila", (["vanilla"], ["vanilla"]), (["sad"], ["sad"])), "vanilla", id="baseline"
        ),
        pytest.param(lambda: as_scale("ofers"), "offers", id="scale"),
        pytest.param(lambda: frame("none", "mesages"), "messages", id="table"),
        pytest.param(lambda: rescore_tournament("none", "faithfull"), "faithful", id="rule"),
        pytest.param(lambda: rate_tournament(None, "bradley-tery"), "bradley-terry", id="rating"),
        pytest.param(lambda: (find_game(COSTLY), find_game("costly-talk")), "costly-talks", id="game"),
        pytest.param(lambda: schema_of("tournamnt"), "tournament", id="kind of file"),
        pytest.param(lambda: OfflineSettings(method="iqll"), "iql", id="offline method"),
    ],
)
def test_a_misspelt_name_is_answered_with_the_nearest(ask, near):
    with pytest.raises(PoiseError, match=f"did you mean {near!r}"):
        ask()


@pytest.mark.parametrize(
    ("line", "near"),
    [
        ("turnament", "tournament"),
        ("tournament rn", "run"),
        ("tournament run --credtor vanilla", "--creditor"),
        ("train evolv", "evolve"),
        ("schema personna", "persona"),
        ("worlds check responsve", "responsive"),
        ("tournament run --creditor vanilla --debtor angry --option temprature=1", "temperature"),
    ],
)
def test_the_command_line_does_so_too(line, near):
    said = CliRunner().invoke(app, line.split())
    assert said.exit_code
    assert near in said.output


@pytest.mark.parametrize(
    ("line", "near"),
    [
        ("agents check agnt.py", "agent.py"),
        ("agents check agent", "agent.py"),
        ("graph draw agnt", "agent.py"),
        ("tournament run tournment.toml", "tournament.toml"),
        ("tournament run --creditor vanilla --debtor persna.toml", "persona.toml"),
        ("tournament run --creditor vanilla --debtor sad --scenarios mne.csv", "mine.csv"),
        ("tournament standings reslts", "results"),
        ("view reslts", "results"),
    ],
)
def test_a_file_that_is_not_there_is_answered_with_its_neighbour(tmp_path, monkeypatch, line, near):
    monkeypatch.chdir(tmp_path)
    for name in ("agent.py", "tournament.toml", "persona.toml", "mine.csv"):
        (tmp_path / name).touch()
    (tmp_path / "results").mkdir()
    said = CliRunner().invoke(app, line.split())
    assert said.exit_code == 1
    assert f"did you mean '{near}'?" in " ".join(said.output.split())


@pytest.mark.parametrize("kind", ["persona", "world"])
def test_a_key_of_a_file_is_answered_with_the_nearest(tmp_path, kind):
    file = tmp_path / "own.toml"
    load, base = (load_persona, "sad") if kind == "persona" else (load_world, "default")
    for text, near in (
        ("sumary = 'x'\n", "summary") if kind == "persona" else ("dynamcs = 1\n", "dynamics"),
        ("[reactions.joy]\nevn = 0.5\n", "even") if kind == "persona" else ("[pace]\nmedin = 0.5\n", "median"),
    ):
        file.write_text(f'like = "{base}"\n{text}')
        with pytest.raises(PoiseError, match=f"did you mean {near!r}"):
            load(str(file))
