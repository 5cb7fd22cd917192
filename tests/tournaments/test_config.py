"""A tournament's settings: one set of fields, from a file, from options, from Python."""

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from poise.common.errors import ConfigError
from poise.common.settings import parse_options
from poise.games.rules import Rules
from poise.tournaments.config import HOW, TournamentConfig, load_config, make_config

LEAST = {"creditors": ["vanilla"], "debtors": ["angry"]}


def write(path, text):
    path.write_text(text, encoding="utf-8")
    return path


def test_a_file_and_options_say_the_same_things(tmp_path):
    file = write(
        tmp_path / "t.toml",
        'creditor = ["vanilla", "random"]\ndebtors = "angry"\nmatches-per-pair = 3\nseed = 7\n'
        "[model_options]\ncontext = 2048\n",
    )
    config = load_config(file, {"seed": 8, "debtor": [], "model_options": {"temperature": 0.5}, "workers": None})
    assert config.creditors == ("vanilla", "random")
    assert config.debtors == ("angry",)
    assert (config.matches_per_pair, config.seed) == (3, 8)
    assert config.model_options == {"context": 2048, "temperature": 0.5}


def test_a_pair_has_one_number_of_matches(tmp_path):
    with pytest.raises(ConfigError, match=r"repeats = 2 and matches_per_pair = 3 both say .* give one of them"):
        make_config({**LEAST, "repeats": 2, "matches_per_pair": 3})
    file = write(tmp_path / "t.toml", 'creditor = ["vanilla"]\ndebtors = "angry"\nmatches-per-pair = 3\n')
    config = load_config(file, {"repeats": 2})
    assert (config.repeats, config.matches_per_pair) == (2, None), "an option replaces either"


@pytest.mark.parametrize("fields", [{}, {"creditors": ["vanilla"]}, {"debtors": ["angry"], "creditors": []}])
def test_both_seats_must_be_taken(fields):
    with pytest.raises(ConfigError, match=r"name no (creditor|debtor); add --\1 vanilla"):
        make_config(fields)


@pytest.mark.parametrize(
    ("field", "near"),
    [
        ("matches_per_par", "matches_per_pair"),
        ("tolerence", "tolerance"),
        ("sceneries", "scenarios"),
        ("modl", "model"),
    ],
)
def test_a_typo_is_answered_with_the_near_field(field, near):
    with pytest.raises(ConfigError, match=f"'{field}' is not a field; did you mean '{near}'"):
        make_config({**LEAST, field: 1})


def test_a_field_like_no_other_is_answered_with_all_of_them():
    with pytest.raises(ConfigError, match=r"'zzz' is not a field; the fields are creditors, debtors, "):
        make_config({**LEAST, "zzz": 1})


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"matches_per_pair": 0}, r"matches_per_pair = 0: input should be greater than or equal to 1"),
        ({"seed": -1}, r"seed = -1"),
        ({"seed": "7"}, r"seed = '7': input should be a valid integer"),
        ({"workers": 0}, r"workers = 0"),
        ({"offers": "polcy"}, r"offers = 'polcy': input should be 'policy' or 'model'"),
        ({"creditors": ["vanilla", "vanilla"]}, r"'vanilla' is named twice"),
        ({"name": "../up"}, r"name = '../up'"),
        ({"discount": 1.5}, r"discount 1.5 is outside"),
        ({"max_messages": 1}, r"max_messages 1 is outside"),
        ({"model_options": {"temperature": [1]}}, r"model_options.temperature"),
    ],
)
def test_a_refusal_names_field_value_and_bound(fields, words):
    with pytest.raises(ConfigError, match=words):
        make_config({**LEAST, **fields})


@pytest.mark.parametrize(("text", "words"), [("seed = ", "is not TOML"), ("creditors = ['a'", "is not TOML")])
def test_a_broken_file_is_named(tmp_path, text, words):
    with pytest.raises(ConfigError, match=f"t.toml {words}"):
        load_config(write(tmp_path / "t.toml", text))


def test_a_missing_or_unreadable_file_is_named(tmp_path):
    with pytest.raises(ConfigError, match=r"none.toml does not exist \(looked in "):
        load_config(tmp_path / "none.toml")
    (tmp_path / "latin.toml").write_bytes(b'name = "caf\xe9"')
    with pytest.raises(ConfigError, match=r"latin\.toml is not UTF-8 .*; save it as UTF-8"):
        load_config(tmp_path / "latin.toml")


def test_rules_are_those_of_the_referee():
    config = make_config(
        {**LEAST, "tolerance": 2, "max_messages": 10, "discount": 0.9, "grid": 5, "deal_value": "last"}
    )
    assert config.rules == Rules(2, 10, 0.9, 5, "last")
    assert make_config(LEAST).rules == Rules()


@given(
    st.dictionaries(
        st.from_regex(r"[a-z_]{1,12}", fullmatch=True),
        st.one_of(st.integers(), st.floats(allow_nan=False), st.booleans()),
    )
)
def test_options_keep_their_type(options):
    written = [f"{key}={str(value).lower() if isinstance(value, bool) else value}" for key, value in options.items()]
    assert parse_options(written) == {
        key: tomllib.loads(f"v = {text.partition('=')[2]}")["v"] for key, text in zip(options, written, strict=True)
    }


def test_options_may_be_text():
    assert parse_options(["keep_alive=5m", "base_url=http://x/?a=b"]) == {
        "keep_alive": "5m",
        "base_url": "http://x/?a=b",
    }
    with pytest.raises(ConfigError, match="'temperature' is not NAME=VALUE"):
        parse_options(["temperature"])


def test_what_decides_the_matches_leaves_out_how_they_are_played():
    one = make_config({**LEAST, "workers": 1, "name": "a", "out": "x", "match_seconds": 5, "baseline": "vanilla"})
    two = make_config({**LEAST, "workers": 2, "through": "fast"})
    assert one.what() == two.what()
    assert set(one.what()) | HOW == set(TournamentConfig.model_fields)


def test_settings_survive_json():
    config = make_config({**LEAST, "model_options": {"temperature": 0.5}, "discount": 0.95})
    assert make_config(config.model_dump(mode="json")) == config
