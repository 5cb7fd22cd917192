"""JSON schemas for editors: whatever Poise reads is valid, and what it refuses by its name is not."""

import copy
import json
import tomllib

import jsonschema
import pytest
from helpers.paths import ROOT
from typer.testing import CliRunner

from poise.agents.emotions.taxonomy import EMOTIONS7
from poise.cli.app import app
from poise.cli.init import write_starter
from poise.common.errors import BadInput
from poise.tournaments.config import TournamentConfig
from poise.tournaments.schemas import KINDS, schema_of

POISE = ROOT / "poise"
SHIPPED = POISE / "cli" / "schemas"
AGENTS = POISE / "agents"
EXAMPLES = {
    "tournament": sorted((ROOT / "examples").glob("*t.toml")),
    "persona": [ROOT / "examples" / "weary.toml", *sorted((AGENTS / "personas").glob("*.toml"))],
    "world": sorted((AGENTS / "simulated" / "worlds").glob("*.toml")),
    "prior": [AGENTS / "simulated" / "prior.toml"],
    "conduct": sorted((AGENTS / "conduct" / "rules").glob("*.toml")),
    "moves": [ROOT / "examples" / "domains" / "rent" / "moves.toml", AGENTS / "voices" / "phrases" / "general.toml"],
    "prompt": [
        ROOT / "examples" / "domains" / "rent" / "prompt.toml",
        *(AGENTS / "voices" / "prompts" / f"{name}.toml" for name in ("debt", "disaster", "medical", "student")),
    ],
}
TEXTS = {
    "lookup": 'anger = "caring"\nsadness = "sadness"\n',
    "model": 'template = "chatml"\n[sampling]\ntop_k = 20\nstop = ["<end>"]\n',
}
FILES = [(kind, path.read_text(encoding="utf-8")) for kind, paths in EXAMPLES.items() for path in paths]
FILES += TEXTS.items()


def valid(kind, data):
    return jsonschema.Draft7Validator(schema_of(kind)).is_valid(data)


def tables(data, path=()):
    """The paths of every table whose keys are fixed or known, the file itself first."""
    yield path
    for key, value in data.items() if isinstance(data, dict) else enumerate(data):
        if isinstance(value, dict) or (isinstance(value, list) and value and isinstance(value[0], dict)):
            yield from tables(value, (*path, key))


@pytest.mark.parametrize("kind", KINDS)
def test_the_file_in_the_package_is_the_schema(kind, request):
    """`poise schema KIND --out FILE` writes it, and so does --regenerate-goldens."""
    file = SHIPPED / f"{kind}.json"
    if request.config.getoption("--regenerate-goldens"):
        CliRunner().invoke(app, ["schema", kind, "--out", str(file)])
    jsonschema.Draft7Validator.check_schema(schema_of(kind))
    assert json.loads(file.read_text()) == json.loads(json.dumps(schema_of(kind)))
    assert json.loads(CliRunner().invoke(app, ["schema", kind]).stdout) == json.loads(file.read_text())


def test_no_other_file_is_beside_them_and_each_kind_has_an_example():
    assert {path.stem for path in SHIPPED.iterdir()} == set(KINDS) == {kind for kind, _ in FILES}


@pytest.mark.parametrize(("kind", "text"), FILES)
def test_what_there_is_is_valid_and_no_misspelt_key_is(kind, text):
    data = tomllib.loads(text)
    jsonschema.validate(data, schema_of(kind), cls=jsonschema.Draft7Validator)
    free = {"model": ("sampling",), "conduct": ("groups",)}.get(kind, ())
    for path in tables(data):
        wrong = copy.deepcopy(data)
        table = wrong
        for step in path:
            table = table[step]
        if not isinstance(table, dict) or not table or path[:1] == free or path == ("dispositions",):
            continue
        if kind == "world" and path[:1] == ("labels",) and len(path) == 2:
            continue  # which labels belong to which emotion is the reader's to say
        key = next(iter(table))
        table[f"{key}x"] = table.pop(key)
        assert not valid(kind, wrong), f"{key}x in {path} is taken"


def test_the_files_of_a_new_agent_name_their_schema_and_fit_it(tmp_path):
    folder = write_starter("mine", tmp_path / "mine")
    for kind in ("tournament", "persona"):
        text = (folder / f"{kind}.toml").read_text()
        named = folder / text.splitlines()[0].removeprefix("#:schema ")
        jsonschema.validate(tomllib.loads(text), json.loads(named.read_text()), cls=jsonschema.Draft7Validator)


@pytest.mark.parametrize("path", [path for paths in EXAMPLES.values() for path in paths if "examples" in path.parts])
def test_an_example_names_its_schema(path):
    first = path.read_text().splitlines()[0]
    kind = next(kind for kind, paths in EXAMPLES.items() if path in paths)
    assert (path.parent / first.removeprefix("#:schema ")).resolve() == SHIPPED / f"{kind}.json"


@pytest.mark.parametrize(
    "text",
    [
        'creditors = ["vanilla"]\ndebtors = "angry"',
        'creditor = "vanilla"\ndebtor = ["angry"]\nmatches-per-pair = 3',
        'creditor = "vanilla"\ndebtor = ["angry"]\nscenario = "builtin"\n[model_options]\ntemperature = 1.0',
    ],
)
def test_a_tournament_is_written_as_freely_as_it_is_read(text):
    assert valid("tournament", tomllib.loads(text))


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("tournament", 'creditors = ["vanilla"]'),
        ("tournament", 'creditors = ["vanilla"]\ndebtors = ["sad"]\nworkers = 0'),
        ("tournament", 'creditors = ["vanilla"]\ndebtors = ["sad"]\nthrough = "slow"'),
        ("tournament", 'creditors = ["vanilla"]\ndebtors = ["sad"]\nseed = "7"'),
        ("persona", 'like = "angri"'),
        ("persona", 'summary = "Without a like, all is needed."'),
        ("lookup", 'anger = "joyous"'),
    ],
)
def test_what_poise_refuses_is_not_valid(kind, text):
    assert not valid(kind, tomllib.loads(text))


def test_every_setting_has_its_description_and_bounds():
    fields = schema_of("tournament")["properties"]
    assert set(TournamentConfig.model_fields) <= fields.keys()
    assert all(fields[name]["description"] for name in TournamentConfig.model_fields)
    assert schema_of("persona")["properties"]["reactions"]["propertyNames"]["enum"] == list(EMOTIONS7)


def test_an_unknown_kind_is_refused_with_those_there_are():
    with pytest.raises(BadInput, match=r"did you mean 'persona'. there are tournament, persona"):
        schema_of("personal")
    listed = CliRunner().invoke(app, ["schema"]).output
    assert all(kind in listed for kind in KINDS)
