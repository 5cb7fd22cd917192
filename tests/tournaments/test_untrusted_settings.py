"""Settings that hold secrets or ask for too much are refused in a sentence; nothing stored or exported has a secret."""

import json
import sys

import pytest
from helpers.view_fakes import fake_folder
from typer.testing import CliRunner

from poise.agents.models.settings import ModelSettings, is_secret
from poise.cli.app import app
from poise.common.errors import AgentError, BadInput, ConfigError
from poise.tournaments.config import load_config, make_config
from poise.tournaments.export import export_tournament, not_a_formula, provenance
from poise.tournaments.schedule import plan_matches
from poise.tournaments.storage.store import Store

NAMES = {"creditors": ["vanilla"], "debtors": ["angry"]}
SECRETS = {
    "api_key": "x",
    "base_url": "http://sk-SECRET@host",
    "base_url ": "http://user:SECRET@host",
    "base_url  ": "http://host/v1?api_key=SECRET",
    "base_url   ": "http://host/v1?a=1&token=SECRET",
    "extra.api_key": "SECRET",
    "extra.headers": "X-Key: SECRET",
    "extra.Authorization": "SECRET",
    "extra.access_token": "SECRET",
    "extra.password": "SECRET",
    "extra.user": "sk-proj-SECRET1234",
    "keep_alive": "Bearer SECRET",
}
OPTIONS = {
    "max_tokens": 48,
    "keep_alive": "10m",
    "base_url": "http://host:8000/v1?api-version=2024-10-21",
    "extra.num_thread": 2,
    "extra.max_tokens": 7,
    "extra.stop_token": "x",
    "extra.top_k": 40,
    "extra.keyword": "x",
    "cache": "keys.sqlite",
}


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def poise_says(*words, code=1):
    result = CliRunner().invoke(app, list(map(str, words)))
    assert result.exit_code == code, result.output
    assert "fault in Poise" not in result.output
    assert "Traceback" not in result.output
    return result.output


@pytest.mark.parametrize(("name", "value"), SECRETS.items(), ids=SECRETS)
def test_a_secret_is_refused_and_not_repeated(name, value):
    options = {name.strip(): value}
    with pytest.raises(ConfigError, match="holds a secret") as refused:
        make_config({**NAMES, "model_options": options})
    assert "SECRET" not in str(refused.value)
    with pytest.raises(AgentError, match="holds a secret"):
        ModelSettings.from_options(options)


def test_other_options_are_taken():
    assert not [name for name, value in OPTIONS.items() if is_secret(name, value)]
    make_config({**NAMES, "model_options": OPTIONS})


def test_a_secret_that_an_older_poise_stored_is_not_exported(tmp_path):
    folder = fake_folder(tmp_path / "run")
    with Store.open(folder) as store:
        options = {name.strip(): value for name, value in SECRETS.items()}
        store.set_config({**store.header().config, "model_options": options})
        assert "SECRET" not in json.dumps(provenance(store.header(), "matches"))
    for table in ("matches", "provenance"):
        path = export_tournament(folder, tmp_path / "x.csv", table)
        assert "SECRET" not in path.read_text() + (tmp_path / "x.csv.json").read_text()


@pytest.mark.parametrize("cell", ["=1+1", "+1 day", "-5 days", "@SUM(A1)", "\t=1", "=cmd|calc!A0", "\uff1d1"])
def test_no_cell_is_a_formula(cell):
    assert not_a_formula(cell) == f"'{cell}"


@pytest.mark.parametrize("cell", ["5 days", "-5.5", "+1e-3", "", "a=b", None, -3, 2.5, True])
def test_other_cells_stay(cell):
    assert not_a_formula(cell) == cell


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("creditors = " + "[" * 50_000, "too deep|not TOML"),
        ("a" + ".a" * 100_000 + " = 1", "a name of more than 64 parts"),
        ("[" + "a." * 100_000 + "a]", "a name of more than 64 parts"),
        ("x = '" + "a" * 2_000_000 + "'", "more than 1 MiB"),
        ("name = 'sch\u00f6n'".encode("latin-1"), "is not UTF-8 .*save it as UTF-8"),
        ("matches_per_pair = 10000000000", "less than or equal to 1000000"),
        ("seed = 99999999999999999999999999", "less than or equal to 9223372036854775807"),
        ("name = 'a/b'", "letters, digits, spaces"),
        ("out = ''", "name a folder"),
        ("x = 1" + "0" * 5000, "cannot be read|Exceeds|not a field"),
    ],
)
def test_a_settings_file_that_asks_too_much_is_refused_at_once(tmp_path, content, words):
    path = tmp_path / "settings.toml"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(ConfigError, match=words) as refused:
        load_config(path, NAMES)
    assert len(str(refused.value)) < 700


def test_a_settings_file_may_begin_with_a_byte_order_mark_and_a_folder_is_none(tmp_path):
    (tmp_path / "s.toml").write_bytes(b"\xef\xbb\xbfseed = 7\n")
    assert load_config(tmp_path / "s.toml", NAMES).seed == 7
    with pytest.raises(ConfigError, match="is a folder; name a file in it"):
        load_config(tmp_path, NAMES)


def test_a_long_value_is_not_repeated(tmp_path):
    (tmp_path / "p.toml").write_text("why = '" + "a" * 500_000 + "'")
    told = poise_says("tournament", "run", "--creditor", "vanilla", "--debtor", "p.toml")
    assert len(told) < 1000


def test_too_many_matches_are_refused_before_they_are_planned():
    config = make_config({"creditors": ["vanilla", "wsls"], "debtors": [f"fixed:{n}" for n in "abcdef"]})
    with pytest.raises(BadInput):
        plan_matches(config.model_copy(update={"debtors": ("angry", "sad") * 6, "matches_per_pair": 1_000_000}))


@pytest.mark.parametrize(
    ("words", "answer"),
    [
        ("tournament run --creditor angry --debtor sad", "'angry' is a debtor, not a creditor; give it to --debtor"),
        ("tournament run --creditor vanilla --debtor wsls", "'wsls' is a creditor, not a debtor; give it to --cred"),
        ("play --as creditor --against eq-negotiator", "'eq-negotiator' is a creditor, not a debtor; give it to"),
        ("play --as creditor --against eq-negotiator", "in `poise play` take the other seat yourself, --as debtor"),
        ("tournament run --creditor vanilla --debtor d.py --creditor d.py", "has no creditor: 'd' is a debtor; give"),
        ("tournament run --creditor bad.py --debtor sad", "has the seat 'buyer'"),
        ("tournament run --creditor vanilla --debtor sad --scenarios biultin", "did you mean 'builtin'"),
        ("tournament run --creditor vanilla --debtor sad --scenarios biultin:test", "did you mean 'builtin'"),
        ("tournament run --creditor vanilla --debtor sad --scenarios builtin:medcal", "did you mean 'medical'"),
        ("tournament run --creditor vanilla --debtor sad --scenarios builtin:tset", "did you mean 'test'"),
        ("tournament run --creditor vanilla --debtor sad --seed 99999999999999999999999999", "less than or equal"),
        ("tournament run --creditor vanilla --debtor sad --matches-per-pair 100000000000 --dry-run", "less than or eq"),
        ("tournament run --creditor vanilla --debtor sad --name a/b", "a name begins with a letter or digit"),
        ("tournament run --creditor vanilla --debtor sad --out ", "name a folder"),
        ("tournament run . --creditor vanilla --debtor sad", "is a folder; name a file in it"),
        ("tournament run --creditor vanilla --debtor happy.toml", "there are joy, sadness, anger"),
        ("tournament run --creditor vanilla --debtor sad --option temprature=1", "option 'temprature' is unknown"),
        ("train iql --data nope", "nope/dataset.json does not exist"),
        ("train iql --data nope --steps -3", "steps -3 is outside 1"),
    ],
)
def test_a_wrong_word_is_answered_with_the_right_one(tmp_path, words, answer):
    (tmp_path / "d.py").write_text('from poise import agent\n@agent("d", seat="debtor")\ndef d(view): return None\n')
    (tmp_path / "bad.py").write_text('from poise import agent\n@agent("d", seat="buyer")\ndef d(view): return None\n')
    (tmp_path / "happy.toml").write_text('like = "angry"\n[reactions.happiness]\nwhy = "x"\n')
    assert answer in " ".join(poise_says(*words.split(" ")).split())


def test_data_are_looked_at_before_torch_is_asked_for(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    for method in ("iql", "bc", "cql"):
        assert "nope/dataset.json does not exist" in poise_says("train", method, "--data", "nope")


@pytest.mark.parametrize("more", [["--dry-run"], []])
def test_an_option_of_a_model_that_nobody_asks_is_said_to_change_nothing(more):
    words = ["tournament", "run", "--creditor", "vanilla", "--debtor", "sad", "--matches-per-pair", "1", *more]
    told = "no model is asked, so these options change nothing: temperature"
    assert told in poise_says(*words, "--option", "temperature=1", "--out", "a", code=0)
    assert "change nothing" not in poise_says(*words, "--out", "b", code=0)


def test_a_drawing_s_format_is_that_of_its_name(tmp_path):
    poise_says("graph", "draw", "vanilla", "--out", "a.png", code=0)
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")
    poise_says("graph", "draw", "vanilla", "--out", "a.txt", code=0)
    assert (tmp_path / "a.txt").read_text().startswith("---")
