"""`poise train` for the words, from the command line."""

from __future__ import annotations

import pytest
from helpers.words_fakes import pair, pairs, tiny_base, write_pairs
from typer.testing import CliRunner

from poise.cli.app import app
from poise.training.data.dataset import read_pairs
from poise.training.language.adapter import read_provenance
from poise.training.language.scores import read_reply_scores


def poise(*arguments: object) -> str:
    result = CliRunner().invoke(app, [str(each) for each in arguments])
    assert result.exit_code == 0, result.output
    return " ".join(result.output.split())


def test_a_tournaments_messages_are_scored_beside_it_and_enter_its_training_data(tmp_path):
    run, data = tmp_path / "run", tmp_path / "data"
    agents = ("--creditor", "fixed:anger", "--debtor", "vanilla", "--scenarios", "builtin:train")
    poise("tournament", "run", *agents, "--matches-per-pair", 2, "--model", "scripted", "--out", run)
    said = poise("train", "score", "--data", run)
    path = run / "scores-verifiable.jsonl"
    scores = read_reply_scores(path)
    assert f"{len(scores)} messages are scored" in said
    assert min(score.parts["number"] for score in scores.values()) == 1
    assert f"{len(scores)} messages are scored in {path}, 0 of them now" in poise("train", "score", "--data", run)
    poise("train", "dataset", "--from", run, "--scores", path, "--scripted", "--out", data)
    judged = [each.rewards["judge"] for each in read_pairs(data).pairs]
    assert sorted(judged) == sorted(score.total for score in scores.values())


def test_nothing_to_score_is_an_error(tmp_path):
    result = CliRunner().invoke(app, ["train", "score", "--data", str(tmp_path)])
    assert result.exit_code == 1
    assert "neither pairs.jsonl nor a tournament" in result.output


def test_from_pairs_to_a_preferred_adapter(tmp_path):
    pytest.importorskip("torch")
    base = tiny_base(tmp_path / "base")
    data, sft, samples, jpo = (tmp_path / name for name in ("data", "sft", "samples", "jpo"))
    write_pairs(data, [*pairs(3), pair(4, 0, reply="Zebra 12 days.")])
    small = ("--base", base, "--device", "cpu", "--precision", "float32")
    shown = poise("train", "sft", "--data", data, "--out", sft, *small, "--top", 1, "--held-out", 2, "--max-reply", 99)
    assert "loss_after" in shown
    poise("train", "sample", "--data", data, "--sft", sft, "--out", samples, *small, "--replies", 3, "--longest", 12)
    poise("train", "score", "--data", samples)
    scored = ("--data", samples, "--scores", samples / "scores-verifiable.jsonl", "--sft", sft, "--out", jpo)
    assert "ratio_better" in poise("train", "jpo", *scored, *small)
    assert read_provenance(jpo)["data"]["evaluation"] == "unknown"
    assert "is trained already" in poise("train", "jpo", *scored, *small)
