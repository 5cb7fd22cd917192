"""One alarm for the turns of a match: every turn that hangs is ended, and nothing is left behind."""

import math
import signal

import pytest

from poise.common.errors import DeadlineExceeded
from poise.graphs.deadline import guard, one_alarm

SOON, LATE = 0.05, 600.0


def hang():
    while True:
        pass


@pytest.fixture(autouse=True)
def handler():
    """A program's own handler, which is there again afterwards, with no timer set."""

    def own(_signal, _frame):
        pytest.fail("the program's own handler was called")

    before = signal.signal(signal.SIGALRM, own)
    yield
    assert signal.getsignal(signal.SIGALRM) is own
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)
    signal.signal(signal.SIGALRM, before)


def guarded(message, match=math.inf):
    return guard(message, match, calls_model=False)


@pytest.mark.parametrize("turns_before", [0, 1, 30])
def test_a_turn_that_hangs_is_ended_whichever_it_is(turns_before):
    turn = guarded(SOON)
    with one_alarm():
        for _ in range(turns_before):
            assert turn(lambda: {"said": 1}) == {"said": 1}
        with pytest.raises(DeadlineExceeded, match="no message within"):
            turn(hang)
        assert turn(dict) == {}, "the next turn has its own time"


def test_a_hanging_turn_is_ended_outside_a_match_too():
    with pytest.raises(DeadlineExceeded):
        guarded(SOON)(hang)


def test_the_matchs_time_ends_a_turn():
    with one_alarm(), pytest.raises(DeadlineExceeded, match="the match took longer"):
        guarded(LATE, SOON)(hang)


def test_a_later_deadline_does_not_hide_an_earlier_one():
    with one_alarm():
        guarded(LATE)(dict)
        with pytest.raises(DeadlineExceeded):
            guarded(SOON)(hang)


def test_a_turn_within_a_turn_does_not_give_it_more_time():
    with one_alarm(), pytest.raises(DeadlineExceeded):
        guarded(SOON)(lambda: guarded(LATE)(hang))


def test_after_a_turn_within_it_a_turn_still_has_its_deadline():
    def turn():
        guarded(LATE)(dict)
        hang()

    with one_alarm(), pytest.raises(DeadlineExceeded):
        guarded(SOON)(turn)


def test_a_turn_that_swallows_the_first_interruption_is_interrupted_again():
    def stubborn():
        try:
            hang()
        except DeadlineExceeded:
            hang()

    with one_alarm(), pytest.raises(DeadlineExceeded):
        guarded(SOON)(stubborn)


def test_an_agent_that_uses_the_timer_itself_takes_no_deadline_from_later_turns():
    def clears():
        signal.setitimer(signal.ITIMER_REAL, 0)
        return {}

    turn = guarded(SOON)
    with one_alarm():
        turn(clears)
        with pytest.raises(DeadlineExceeded):
            turn(hang)
