"""De-escalation: early negativity against late."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from poise.agents.conduct import de_escalation, negativity
from poise.agents.emotions.taxonomy import EMOTIONS7
from poise.common.errors import BadInput
from poise.games.transcript import Reading


def reading(level: float) -> Reading:
    """A reading whose negativity is `level`, all of it anger."""
    shares = {"anger": level, "neutral": 1 - level}
    return Reading(tuple(shares.get(emotion, 0.0) for emotion in EMOTIONS7), "anger", ())


SEVENS = st.lists(st.floats(0, 1), min_size=7, max_size=7).filter(lambda seven: sum(seven) > 0.01)
LEVELS = st.lists(st.floats(0, 1), max_size=20)


@given(SEVENS)
def test_negative_and_other_emotions_are_everything(raw):
    seven = [each / sum(raw) for each in raw]
    others = sum(seven[EMOTIONS7.index(name)] for name in ("joy", "surprise", "neutral"))
    assert negativity(seven) + others == pytest.approx(1)


@pytest.mark.parametrize(("emotion", "level"), list(zip(EMOTIONS7, (0, 1, 1, 1, 0, 1, 0), strict=True)))
def test_each_emotion_counts_or_not(emotion, level):
    assert negativity([float(each == emotion) for each in EMOTIONS7]) == level


def test_seven_numbers_are_due():
    with pytest.raises(BadInput, match="3 numbers where 7 are due"):
        negativity([0.1, 0.2, 0.7])


@pytest.mark.parametrize(
    ("levels", "expected"),
    [
        ([], None),
        ([0.5], None),
        ([1.0, 0.0], 1.0),
        ([0.8, 0.1, 0.2], 0.6),
        ([0.8, 0.6, 0.4, 0.2], (0.8 + 0.6) / 2 - (0.4 + 0.2) / 2),
        ([0.9, 0.7, 0.0, 0.0, 0.0, 0.3, 0.1], (0.9 + 0.7 + 0.0) / 3 - (0.0 + 0.3 + 0.1) / 3),
    ],
)
def test_thirds_by_hand(levels, expected):
    assert de_escalation([reading(level) for level in levels]) == (
        None if expected is None else pytest.approx(expected, abs=1e-12)
    )


@given(LEVELS)
def test_it_lies_between_minus_one_and_one_and_turns_with_the_talks(levels):
    readings = [reading(level) for level in levels]
    forth, back = de_escalation(readings), de_escalation(readings[::-1])
    if forth is None or back is None:
        assert len(levels) < 2
    else:
        assert -1 <= forth <= 1
        assert forth == pytest.approx(-back, abs=1e-12)


@given(st.floats(0, 1), st.integers(2, 20))
def test_nothing_changes_nothing(level, length):
    assert de_escalation([reading(level)] * length) == pytest.approx(0, abs=1e-12)


@given(LEVELS.filter(lambda levels: len(levels) >= 2))
def test_a_debtor_who_calms_down_step_by_step_counts_as_calmed(levels):
    value = de_escalation([reading(level) for level in sorted(levels, reverse=True)])
    assert value is not None
    assert value >= 0
