"""Data frames and files say what the store says, and where they come from."""

import json

import pytest
from typer.testing import CliRunner

from poise.agents.emotions.tables import STATES
from poise.cli.app import app
from poise.common.errors import BadInput
from poise.tournaments.export import SCHEMA, TABLES, export_tournament, frame, matches_frame, messages_frame
from poise.tournaments.storage.store import Store

pandas = pytest.importorskip("pandas")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    out = tmp_path_factory.mktemp("runs") / "small"
    line = "tournament run --creditor vanilla --creditor wsls --debtor simulated --matches-per-pair 3 --workers 1"
    result = CliRunner().invoke(app, [*line.split(), "--out", str(out)])
    assert result.exit_code == 0, result.output
    return out


def test_matches_are_the_rows_with_names(folder):
    found = matches_frame(folder)
    with Store.read(folder) as store:
        rows = store.rows()
    assert list(found["id"]) == [row.id for row in rows]
    assert list(found["creditor_utility"]) == pytest.approx([row.creditor_utility for row in rows])
    assert set(found["creditor"]) == {"vanilla", "wsls"}


def test_messages_are_the_transcripts(folder):
    found = messages_frame(folder)
    with Store.read(folder) as store:
        said = [message.text for talk in store.transcripts() for message in talk.messages]
    assert list(found["text"]) == said
    assert found.groupby("position").size().tolist() == matches_frame(folder)["rounds"].tolist()
    belief = found[[f"belief_{state}" for state in STATES]].dropna()
    assert belief.sum(axis=1).astype(float).to_numpy() == pytest.approx(1, abs=1e-5)


def test_messages_name_the_agents_and_the_scenario_of_their_match(folder):
    names = ["creditor", "debtor", "scenario"]
    by_match = messages_frame(folder).groupby("position")[names].agg(["nunique", "first"])
    assert (by_match.xs("nunique", axis=1, level=1) == 1).all(axis=None)
    expected = matches_frame(folder).set_index("position")[names]
    assert by_match.xs("first", axis=1, level=1).to_numpy().tolist() == expected.to_numpy().tolist()


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("ending", ["parquet", "csv"])
def test_files_read_back_as_the_frame(folder, tmp_path, table, ending):
    path = export_tournament(folder, tmp_path / f"out.{ending}", table)
    found = pandas.read_parquet(path) if ending == "parquet" else pandas.read_csv(path)
    expected = frame(folder, table)
    assert list(found.columns) == list(expected.columns)
    assert len(found) == len(expected)
    assert not list(tmp_path.glob(".*"))
    if ending == "csv":
        told = json.loads((tmp_path / "out.csv.json").read_text())
    else:
        from pyarrow import parquet

        told = json.loads(parquet.read_schema(path).metadata[b"poise"])
    assert (told["schema"], told["table"]) == (SCHEMA, table)
    assert told["provenance"]["poise"]
    assert [one["label"] for one in told["creditors"]] == ["vanilla", "wsls"]


def test_mistakes_are_named(folder, tmp_path):
    with pytest.raises(BadInput, match=r"\.parquet or \.csv"):
        export_tournament(folder, tmp_path / "out.xls")
    with pytest.raises(BadInput, match="matches, messages, process, provenance"):
        frame(folder, "prompts")
    result = CliRunner().invoke(app, ["tournament", "export", str(folder), "--to", str(tmp_path / "m.parquet")])
    assert result.exit_code == 0, result.output
    assert (tmp_path / "m.parquet").exists()
