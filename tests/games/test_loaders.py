"""Sources and their rows, Poise's own JSON Lines, saving, and that whatever is handed over is loaded or refused."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from helpers.scenario_files import GOOD, refusal
from hypothesis import given, settings
from hypothesis import strategies as st

from poise.common.errors import ScenarioError
from poise.games.scenario import Scenario
from poise.games.scenarios.generator import builtin, generate
from poise.games.scenarios.loaders import load_scenarios, save_scenarios


@pytest.fixture
def write(tmp_path: Path) -> Any:
    def write_file(content: str | bytes, name: str = "cases.csv") -> str:
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return str(path)

    return write_file


JSON_LINE = json.dumps(Scenario("a", "debt", 12, 113).to_dict())
JSON_REFUSED = [
    ("broken", f"{JSON_LINE}\n{JSON_LINE[:-3]}\n", ["line 2", "not JSON", "character"]),
    ("array", f"[{JSON_LINE}]", ["line 1", "not a JSON object", "no array"]),
    ("indented", json.dumps(json.loads(JSON_LINE), indent=1), ["line 1", "not JSON", "on one line"]),
    ("text", f"{JSON_LINE}\n\n7\n", ["line 3", "7 is not a JSON object"]),
    ("unknown field", JSON_LINE.replace('"unit"', '"units"'), ["line 1", "unknown field 'units'"]),
    ("field twice", JSON_LINE.replace('"id"', '"id": "b", "id"'), ["line 1", "field 'id' appears twice"]),
    ("missing field", JSON_LINE.replace('"id": "a", ', ""), ["line 1", "field 'id' is missing"]),
    ("id twice", f"{JSON_LINE}\n{JSON_LINE}\n", ["line 2", "the id 'a' is already that of line 1"]),
    ("equal", JSON_LINE.replace("113", "12"), ["line 1", "both targets are 12"]),
    ("float", JSON_LINE.replace("113", "113.5"), ["line 1", "debtor_target 113.5"]),
    ("not finite", JSON_LINE.replace("113", "NaN"), ["line 1", "debtor_target nan"]),
    ("huge number", JSON_LINE.replace("113", "9" * 5000), ["line 1", "not usable JSON"]),
    ("deep", "[" * 100_000, ["line 1", "not usable JSON"]),
    ("half a character", JSON_LINE.replace('"a"', '"\\ud800"'), ["line 1", "control character"]),
]


@pytest.mark.parametrize(
    ("content", "words"), [case[1:] for case in JSON_REFUSED], ids=[case[0] for case in JSON_REFUSED]
)
def test_json_refusal_says_where_what_and_how_to_mend(write: Any, content: str, words: list[str]) -> None:
    message = refusal(write(content, "cases.jsonl"))
    assert "cases.jsonl" in message
    for word in words:
        assert word in message


def test_places_that_hold_no_scenarios_are_refused(tmp_path: Path) -> None:
    assert "this is a folder; name a file" in refusal(str(tmp_path))
    assert "no such file" in refusal(str(tmp_path / "none.csv"))
    assert "the source is empty" in refusal("")
    assert "no such file" in refusal("a\0b")
    assert "cannot be read" in refusal("x" * 5000)
    assert "not an ordinary file" in refusal(os.devnull)


@pytest.mark.parametrize(
    ("rows", "expected"),
    [("train", range(8)), ("test", range(8, 10)), ("0-9", range(10)), ("3-3", range(3, 4)), ("7", range(7, 8))],
)
def test_rows_of_a_source(tmp_path: Path, rows: str, expected: range) -> None:
    cases = generate("debt", 10, 1)
    save_scenarios(tmp_path / "ten.jsonl", cases)
    assert load_scenarios(f"{tmp_path / 'ten.jsonl'}:{rows}") == [cases[place] for place in expected]


@pytest.mark.parametrize("rows", ["0-10", "10", "9-3", "tests", "1-", "-1", "1-2-3", ""])
def test_rows_that_are_not_there_are_refused(tmp_path: Path, rows: str) -> None:
    save_scenarios(tmp_path / "ten.jsonl", generate("debt", 10, 1))
    message = refusal(f"{tmp_path / 'ten.jsonl'}:{rows}")
    assert "ten.jsonl" in message
    assert "not exist; choose from 0 to 9, the lower end first" in message or "write train, test" in message


def test_an_empty_part_is_refused(tmp_path: Path) -> None:
    save_scenarios(tmp_path / "one.jsonl", generate("debt", 1))
    assert "none is left for train" in refusal(f"{tmp_path / 'one.jsonl'}:train")


def test_builtin_and_its_parts() -> None:
    assert load_scenarios() == load_scenarios("builtin") == builtin()
    assert load_scenarios("builtin:train") + load_scenarios("builtin:test") == builtin()
    assert [case.id for case in load_scenarios("builtin:8-9")] == ["debt-008", "debt-009"]


def test_a_file_whose_name_ends_like_rows_is_read_whole(tmp_path: Path) -> None:
    save_scenarios(tmp_path / "mine:test", generate("debt", 5))
    assert len(load_scenarios(str(tmp_path / "mine:test"))) == 5
    assert len(load_scenarios(f"{tmp_path / 'mine:test'}:0-1")) == 2


@given(n=st.integers(1, 20), seed=st.integers(0, 10))
@settings(deadline=None)
def test_saved_scenarios_load_again(tmp_path_factory: pytest.TempPathFactory, n: int, seed: int) -> None:
    path = tmp_path_factory.mktemp("kept") / "saved.jsonl"
    cases = generate("debt", n, seed)
    save_scenarios(path, cases)
    assert load_scenarios(path) == cases
    assert [path.name] == [name for name in os.listdir(path.parent) if "saved" in name]  # noqa: PTH208  # hidden ones too


def test_line_separators_inside_texts_do_not_split_a_line(tmp_path: Path) -> None:
    case = Scenario("a", "debt", 12, 113, context={"Note": "one\u2028two\nthree\r\nfour"})
    save_scenarios(tmp_path / "a.jsonl", [case])
    assert load_scenarios(tmp_path / "a.jsonl") == [case]


def test_saving_what_could_not_be_loaded_is_refused(tmp_path: Path) -> None:
    case = Scenario("a", "debt", 12, 113)
    for cases, words in (([], "no scenarios to save"), ([case, case], "two scenarios have the id 'a'")):
        with pytest.raises(ScenarioError, match=words):
            save_scenarios(tmp_path / "a.jsonl", cases)
    assert not list(tmp_path.iterdir())


def test_a_failed_save_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.jsonl"
    save_scenarios(path, generate("debt", 3))
    before = path.read_bytes()

    def disk_full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", disk_full)
    with pytest.raises(ScenarioError, match=r"a\.jsonl: the file cannot be written \(No space left on device\)"):
        save_scenarios(path, generate("debt", 4))
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_saving_where_nothing_can_be_written_is_refused(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "none" / "a.jsonl", "a\0b"):
        with pytest.raises(ScenarioError, match="cannot be written"):
            save_scenarios(path, generate("debt", 1))


def test_a_link_is_written_through(tmp_path: Path) -> None:
    (tmp_path / "link.jsonl").symlink_to(tmp_path / "real.jsonl")
    save_scenarios(tmp_path / "link.jsonl", generate("debt", 2))
    assert len(load_scenarios(tmp_path / "real.jsonl")) == 2
    assert (tmp_path / "link.jsonl").is_symlink()


def scenarios_or_refusal(source: str) -> None:
    try:
        cases = load_scenarios(source)
    except ScenarioError:
        return
    assert cases
    assert len({case.id for case in cases}) == len(cases)


SEEDS = st.sampled_from([GOOD.encode(), (JSON_LINE + "\n").encode(), GOOD.encode("utf-16"), b""])
BYTES = st.binary(max_size=40) | st.sampled_from(
    [b'"', b",", b"\n", b"\0", b"\xef\xbb\xbf", b"{", b"}", b"\xff", b"-", b"\r"]
)


@given(SEEDS, st.lists(st.tuples(st.integers(0, 600), st.integers(0, 20), BYTES), max_size=4), st.booleans())
@settings(deadline=None, max_examples=400)
def test_whatever_the_bytes_they_are_scenarios_or_refused(
    tmp_path_factory: pytest.TempPathFactory, data: bytes, edits: list[tuple[int, int, bytes]], is_json: bool
) -> None:
    for place, length, new in edits:
        data = data[:place] + new + data[place + length :]
    path = tmp_path_factory.getbasetemp() / ("fuzz.jsonl" if is_json else "fuzz.csv")
    path.write_bytes(data)
    scenarios_or_refusal(str(path))


@given(
    st.text(max_size=30).map(lambda text: f"builtin{text}")
    | st.text(max_size=30)
    | st.text(":-0189trainsbu", max_size=12)
)
@settings(deadline=None)
def test_whatever_the_source_it_is_scenarios_or_refused(source: str) -> None:
    scenarios_or_refusal(source)
