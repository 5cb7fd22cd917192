"""Transcripts: what is stored is read back, whichever version wrote it, and what is no transcript is refused."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from poise.common.errors import BadInput
from poise.games.moves import SEATS, Move, offer
from poise.games.scenario import Scenario
from poise.games.transcript import Message, Outcome, Reading, Transcript, Wording

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
SHARES = st.floats(0, 1)
VALUES = st.integers(0, 365)
NOTES = st.dictionaries(TEXT, st.none() | st.booleans() | st.integers() | SHARES | TEXT | st.lists(VALUES), max_size=3)
MOVES = st.one_of(
    st.sampled_from([Move("accept"), Move("walk"), Move("forfeit")]),
    st.builds(offer, VALUES, firm=st.booleans()),
)


def texts(most=3):
    return st.lists(TEXT, max_size=most).map(tuple)


def numbers(size):
    return st.lists(SHARES, min_size=size, max_size=size).map(tuple)


MESSAGES = st.builds(
    Message,
    index=st.integers(0, 30),
    seat=st.sampled_from(SEATS),
    text=TEXT,
    move=MOVES,
    emotion=st.none() | TEXT,
    intended=st.none() | MOVES,
    reading=st.none() | st.builds(Reading, numbers(7), TEXT, numbers(4)),
    mood=st.none() | st.floats(-1, 1),
    wording=st.builds(Wording, st.integers(0, 5), texts(), st.booleans(), texts(), texts()),
    notes=NOTES,
    violations=texts(),
    verdict=st.none() | st.booleans(),
    unjudged=TEXT,
)
TRANSCRIPTS = st.builds(
    Transcript,
    scenario=st.just(Scenario("one", "debt", 30, 120, context={"Sector": "boats"})),
    creditor=NOTES,
    debtor=NOTES,
    seed=st.integers(0, 2**64 - 1),
    rules=NOTES,
    messages=st.lists(MESSAGES, max_size=3).map(tuple),
    outcome=st.builds(
        Outcome,
        st.sampled_from(["deal", "walked", "timeout", "failed"]),
        st.none() | VALUES,
        st.none() | st.sampled_from(SEATS),
        TEXT,
        numbers(2),
    ),
    version=st.sampled_from([1, 2, 3]),
    judge=TEXT,
    detector=TEXT,
)


@given(TRANSCRIPTS)
def test_a_transcript_comes_back_from_json_and_from_plain_data(transcript):
    text = json.dumps(transcript.to_dict())
    assert Transcript.from_json(text) == transcript
    assert Transcript.from_dict(json.loads(text)) == transcript
    assert json.dumps(Transcript.from_json(text.encode()).to_dict()) == text


STORED = {
    "version": 1,
    "scenario": {"id": "one", "domain": "debt", "creditor_target": 30, "debtor_target": 120},
    "creditor": {"name": "vanilla"},
    "debtor": {"name": "angry"},
    "seed": 2**64 - 1,
    "rules": {"tolerance": 5},
    "messages": [
        {"index": 0, "seat": "creditor", "text": "30?", "move": {"kind": "offer", "value": 30}, "emotion": None},
        {
            "index": 1,
            "seat": "debtor",
            "text": "no",
            "move": {"kind": "walk"},
            "emotion": "anger",
            "reading": {"emotions": [1, 0, 0, 0, 0, 0, 0], "label": "anger", "belief": [0.5, 0.5, 0, 0]},
            "wording": {"attempts": 1, "problems": ["late"], "repaired": False},
        },
    ],
    "outcome": {"ending": "walked", "value": None, "by": "debtor", "reason": "gone", "utilities": [0, 0]},
}


def test_a_transcript_of_the_first_version_is_read_with_what_it_lacks_at_its_default():
    transcript = Transcript.from_json(json.dumps(STORED))
    assert transcript.version == 1
    assert transcript.messages[0].wording == Wording()
    assert transcript.messages[1] == Message(
        index=1,
        seat="debtor",
        text="no",
        move=Move("walk"),
        emotion="anger",
        reading=Reading((1, 0, 0, 0, 0, 0, 0), "anger", (0.5, 0.5, 0, 0)),
        wording=Wording(1, ("late",)),
    )


def changed(*path, to):
    data = json.loads(json.dumps(STORED))
    place = data
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = to
    return data


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({**STORED, "version": 6}, r"transcript version 6; this Poise reads versions 1 to 5: use the Poise release"),
        ({}, "transcript version None"),
        ({"version": 3}, "missing required field `scenario`"),
        (changed("messages", 1, "seat", to="judge"), r"Invalid enum value 'judge' - at `\$\.messages\[1\]\.seat`"),
        (changed("messages", 0, "move", "kind", to="bid"), r"'bid' - at `\$\.messages\[0\]\.move\.kind`"),
        (changed("messages", 0, "index", to="first"), r"Expected `int`, got `str` - at `\$\.messages\[0\]\.index`"),
        (changed("messages", 0, "move", to={"kind": "offer"}), "only an offer has a value, and it must"),
        (changed("scenario", "debtor_target", to=30), "both targets are 30"),
        (changed("outcome", "ending", to="war"), r"'war' - at `\$\.outcome\.ending`"),
    ],
)
def test_what_is_no_transcript_is_refused_with_the_place(data, words):
    with pytest.raises(BadInput, match=words):
        Transcript.from_dict(data)
    with pytest.raises(BadInput, match=words):
        Transcript.from_json(json.dumps(data))


@pytest.mark.parametrize("text", ["", "{", "[]", '"text"', '{"version": 3'])
def test_text_that_holds_no_transcript_is_refused(text):
    with pytest.raises(BadInput):
        Transcript.from_json(text)
