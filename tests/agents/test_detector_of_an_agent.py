"""A seat with a detector of its own: it reads with that and nobody else does, and every record says which it was."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from helpers.seats import case

from poise.agents.emotions.detector import ARTIFACT, default_detector
from poise.agents.emotions.detectors import detector_digest, fitted_detector
from poise.agents.emotions.taxonomy import EMOTIONS7, EMOTIONS28
from poise.agents.registry import find_agent
from poise.common.errors import BadInput
from poise.graphs import Pairing
from poise.tournaments.config import make_config
from poise.tournaments.runner import plan_matches


@pytest.fixture(scope="module")
def afraid(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A detector that hears fear in everything."""
    with np.load(ARTIFACT) as archive:
        arrays = {name: archive[name] for name in archive.files}
    arrays["bias"] = arrays["bias"].copy()
    arrays["bias"][EMOTIONS28.index("fear")] += 1000
    path = tmp_path_factory.mktemp("detectors") / "afraid.npz"
    np.savez_compressed(path, **arrays)
    return str(path)


def test_each_seat_reads_with_its_own(afraid: str) -> None:
    creditor, debtor = find_agent("fixed:joy", "creditor"), find_agent(f"angry,detector={afraid}", "debtor")
    transcript = Pairing(creditor, debtor).play(case(), 3).transcript
    read = {seat: [each for each in transcript.messages if each.seat == seat and each.reading]
            for seat in ("creditor", "debtor")}  # fmt: skip
    assert {each.reading.label for each in read["debtor"]} == {"fear"}
    for message in read["creditor"]:
        before = transcript.messages[message.index - 1]
        assert message.reading.label == default_detector().read(before.tone or before.text).label
    assert transcript.debtor["settings"]["detector"] == detector_digest(afraid)
    assert transcript.detector == ""


def test_what_is_heard_moves_the_debtor(afraid: str) -> None:
    creditor = find_agent("fixed:gratitude", "creditor")
    moods = {
        name: [each.mood for each in Pairing(creditor, find_agent(name, "debtor")).play(case(), 3).transcript.messages]
        for name in ("angry", f"angry,detector={afraid}")
    }
    usual, frightened = moods.values()
    assert usual != frightened


def test_the_detector_is_part_of_who_an_agent_is(afraid: str, tmp_path: Path) -> None:
    named = f"angry,detector={afraid}"
    settings = {"creditors": ["vanilla"], "matches_per_pair": 2}
    both = plan_matches(make_config({**settings, "debtors": ["angry", named]}))
    assert len({match.id for match in both.matches}) == 4
    assert EMOTIONS7.index("fear") == int(np.argmax(fitted_detector(afraid).read("Thank you!").seven))
    copy = tmp_path / "copy.npz"
    copy.write_bytes(Path(afraid).read_bytes())
    assert find_agent(named, "debtor").settings == find_agent(f"angry,detector={copy}", "debtor").settings


def test_a_file_that_is_no_detector_is_refused_before_the_first_match(tmp_path: Path) -> None:
    (tmp_path / "bad.npz").write_text("no archive")
    with pytest.raises(BadInput, match="no usable detector"):
        find_agent(f"angry,detector={tmp_path / 'bad.npz'}", "debtor")
    with pytest.raises(BadInput, match=r"none\.npz: no detector \(No such file"):
        find_agent(f"angry,detector={tmp_path / 'none.npz'}", "debtor")
    assert fitted_detector("") is default_detector()
