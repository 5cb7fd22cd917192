"""The referee against a second, tiny implementation of the rules, and everything that it must refuse."""

import subprocess
import sys
from fractions import Fraction

import pytest
from helpers.game_strategies import moves, rules, scenarios
from hypothesis import given, settings
from hypothesis import strategies as st

from poise.common.errors import IllegalMove
from poise.games.moves import ACCEPT, FORFEIT, SEATS, WALK, Move, offer, other
from poise.games.referee import Legal, Referee
from poise.games.rules import Rules
from poise.games.scenario import Scenario
from poise.games.transcript import Outcome

DEBT = Scenario("debt", "debt", 30, 120)
MEDICAL = Scenario("medical", "medical", 120, 30, bounds=(0, 200))


# --- a second implementation of the rules, written from their description and in exact arithmetic ---


def legal_by_the_book(case, rule, table, move, seat):
    if move.kind == "accept":
        return other(seat) in table
    if move.kind == "offer":
        low, high = case.bounds
        return low <= move.value <= high and (move.value - low) % rule.grid == 0
    return True


def settled_by_the_book(rule, theirs, mine):
    if rule.deal_value == "last":
        return mine
    return int(Fraction(theirs + mine, 2) + Fraction(1, 2))  # half rounds up; values are not negative


def worth_by_the_book(case, rule, value, index):
    share = Fraction(case.debtor_target - value, case.debtor_target - case.creditor_target)
    share = max(Fraction(0), min(Fraction(1), share))
    worth = Fraction(rule.discount) ** index
    return share * worth, (1 - share) * worth


def by_the_book(case, rule, history):
    """None while the talks go on, "illegal", or (ending, value, by, utilities); `history` ends with the move judged."""
    table = {}
    for index, move in enumerate(history):
        seat = SEATS[index % 2]
        if not legal_by_the_book(case, rule, table, move, seat):
            return "illegal"
        if move.kind == "walk":
            return "walked", None, seat, (0, 0)
        if move.kind == "accept":
            value, since = table[other(seat)]
            return "deal", value, seat, worth_by_the_book(case, rule, value, since)
        if move.kind == "offer":
            table[seat] = move.value, index
            theirs = table.get(other(seat))
            if theirs and not move.firm and abs(theirs[0] - move.value) <= rule.tolerance:
                value = settled_by_the_book(rule, theirs[0], move.value)
                return "deal", value, None, worth_by_the_book(case, rule, value, index)
        if index + 1 == rule.max_messages:
            return "timeout", None, None, (0, 0)
    return None


def judged(referee, history, move):
    try:
        outcome = referee.judge(history, move)
    except IllegalMove:
        return "illegal"
    return outcome and (outcome.ending, outcome.value, outcome.by, outcome.utilities)


def assert_same(found, expected):
    if not isinstance(expected, tuple):
        assert found == expected
        return
    assert found[:3] == expected[:3]
    assert found[3] == pytest.approx([float(utility) for utility in expected[3]])


@settings(max_examples=400)
@given(scenarios(), rules(), st.lists(moves(), max_size=14))
def test_the_referee_judges_by_the_book(case, rule, tries):
    referee, history = Referee(case, rule), []
    for move in tries:
        expected = by_the_book(case, rule, [*history, move])
        assert_same(judged(referee, history, move), expected)
        if expected == "illegal":
            continue
        history.append(move)
        if expected:
            break


@given(scenarios(), rules(), st.lists(moves(), max_size=12))
def test_what_holds_of_every_outcome(case, rule, tries):
    referee, history, outcome = Referee(case, rule), [], None
    for move in tries:
        if outcome is None and judged(Referee(case, rule), history, move) != "illegal":
            outcome = referee.judge(history, move)
            history.append(move)
    assert len(history) <= rule.max_messages
    assert (outcome is None) <= (len(history) < rule.max_messages)
    if outcome is None:
        return
    assert all(0 <= utility <= 1 for utility in outcome.utilities)
    assert (outcome.value is None) == (outcome.ending != "deal")
    assert outcome.reason.endswith(".")
    possible = [0.0] if outcome.value is None else [rule.discount**index for index in range(len(history))]
    assert any(sum(outcome.utilities) == pytest.approx(total) for total in possible)
    if outcome.value is not None:
        said = [move.value for move in history if move.value is not None]
        assert min(said) <= outcome.value <= max(said)


def legal_part(case, rule, tries):
    """The history that is left of `tries` without illegal moves and without what follows the end."""
    history = []
    for move in tries:
        found = by_the_book(case, rule, [*history, move])
        if found is None or isinstance(found, tuple):
            history.append(move)
        if isinstance(found, tuple):
            break
    return history


@given(
    scenarios(),
    rules(),
    st.tuples(*[st.lists(moves(), min_size=3, max_size=10)] * 2),
    st.lists(st.tuples(st.booleans(), st.integers(0, 9), st.one_of(st.none(), moves())), max_size=10),
)
def test_judging_depends_on_the_history_alone(case, rule, both, questions):
    # One referee, asked about two talks at any point and in any order, also about illegal moves.
    histories, referee = [legal_part(case, rule, tries) for tries in both], Referee(case, rule)
    for which, end, other_move in questions:
        history, rest = histories[which][:end], histories[which][end:]
        move = other_move or (rest[0] if rest else FORFEIT)
        over = isinstance(by_the_book(case, rule, history), tuple)
        expected = "illegal" if over else by_the_book(case, rule, [*history, move])
        assert_same(judged(referee, history, move), expected)


@given(scenarios(), rules(), st.lists(moves(), max_size=8), moves())
def test_legal_check_and_judge_agree(case, rule, tries, move):
    referee, history = Referee(case, rule), []
    for one in tries:
        if judged(referee, history, one) != "illegal":
            history.append(one)
    legal = referee.legal(history)
    assert (legal is None) == (referee.outcome(history) is not None)
    fine = legal is not None and move.kind in legal.kinds
    if legal and move.value is not None:
        fine = move.value in range(legal.low, legal.high + 1, legal.step)
    if fine:
        referee.check(history, move)
    else:
        with pytest.raises(IllegalMove):
            referee.check(history, move)
    assert fine == (judged(referee, history, move) != "illegal")


@given(scenarios(), rules(), st.lists(moves(), max_size=9))
def test_turning_the_unit_round_changes_nothing_but_the_sign(case, rule, tries):
    # u is signed: mirror every value at the bounds, and each seat gets what it got ("last" has no rounding to mirror).
    rule = Rules(rule.tolerance, rule.max_messages, rule.discount, 1, "last")
    total = sum(case.bounds)
    mirror = Scenario("m", "debt", total - case.creditor_target, total - case.debtor_target, bounds=case.bounds)
    assert mirror.polarity == -case.polarity
    history, mirrored = [], []
    for move in tries:
        image = move if move.value is None else offer(total - move.value, firm=move.firm)
        here = judged(Referee(case, rule), history, move)
        there = judged(Referee(mirror, rule), mirrored, image)
        assert (here is None, here == "illegal") == (there is None, there == "illegal")
        if isinstance(here, tuple):
            assert there[3] == pytest.approx(here[3])
            assert (here[0], here[2]) == (there[0], there[2])
        if here is None:
            history.append(move)
            mirrored.append(image)


# --- outcomes, by example ---

EXAMPLES = [
    (
        "an acceptance settles at the accepted offer, worth what it was when it was made",
        (DEBT, Rules(discount=0.5)),
        ([offer(30), offer(75)], ACCEPT),
        Outcome("deal", 75, "creditor", "The creditor accepted the debtor's offer of 75 days.", (0.25, 0.25)),
    ),
    (
        "a forfeit leaves the older offer standing, and its worth",
        (DEBT, Rules(discount=0.5)),
        ([offer(75), FORFEIT, FORFEIT], ACCEPT),
        Outcome("deal", 75, "debtor", "The debtor accepted the creditor's offer of 75 days.", (0.5, 0.5)),
    ),
    (
        "two offers within 5 meet in the middle, half rounded up",
        (DEBT, Rules()),
        ([offer(70)], offer(75)),
        Outcome(
            "deal", 73, None, "The offers 70 and 75 are within 5 of each other: a deal at 73 days.", (47 / 90, 43 / 90)
        ),
    ),
    (
        "equal offers",
        (DEBT, Rules(tolerance=0)),
        ([offer(75)], offer(75)),
        Outcome("deal", 75, None, "Both sides offered 75 days.", (0.5, 0.5)),
    ),
    (
        "beyond the creditor's target there is no more to get; here the creditor wants more of the unit",
        (MEDICAL, Rules()),
        ([offer(150)], ACCEPT),
        Outcome("deal", 150, "debtor", "The patient accepted the hospital's offer of 150 days.", (1.0, 0.0)),
    ),
    (
        "walking away",
        (DEBT, Rules()),
        ([offer(75)], WALK),
        Outcome("walked", None, "debtor", "The debtor walked away with message 2."),
    ),
    (
        "the last message",
        (DEBT, Rules(max_messages=2)),
        ([offer(75)], offer(75, firm=True)),
        Outcome("timeout", None, None, "No deal in 2 messages, the most that the rules allow."),
    ),
]


@pytest.mark.parametrize(
    ("given_", "talks", "expected"), [one[1:] for one in EXAMPLES], ids=[one[0] for one in EXAMPLES]
)
def test_outcomes(given_, talks, expected):
    found = Referee(*given_).judge(*talks)
    assert found.utilities == pytest.approx(expected.utilities)
    assert (found.ending, found.value, found.by, found.reason) == (
        *(expected.ending, expected.value, expected.by, expected.reason),
    )


def test_one_of_a_unit_is_said_in_the_singular():
    outcome = Referee(Scenario("s", "student", 1, 4), Rules()).judge([offer(1)], ACCEPT)
    assert outcome.reason == "The student accepted the robot's offer of 1 minute (9:01 PM)."


def test_a_firm_offer_is_no_deal_by_itself_but_can_be_met_and_accepted():
    referee = Referee(DEBT, Rules())
    firm = offer(75, firm=True)
    assert referee.judge([offer(75)], firm) is None
    assert referee.judge([offer(75), firm], ACCEPT).value == 75
    assert referee.judge([offer(75), firm], offer(73)).value == 74


# --- refusals, in words ---

REFUSED = [
    ([], ACCEPT, "the creditor accepts, but the debtor has no offer standing; make an offer first"),
    ([FORFEIT], ACCEPT, "the debtor accepts, but the creditor has no offer standing"),
    ([offer(50), FORFEIT], ACCEPT, "the debtor has no offer standing"),  # never its own offer
    ([], offer(366), "the creditor offers 366, outside 0 to 365 days; offer 365 or less"),
    ([offer(50)], offer(-1), "the debtor offers -1, outside 0 to 365 days; offer 0 or more"),
    ([], offer(10**25), "a number of 84 bits, outside 0 to 365 days"),
    ([], offer(10**5000), "a number of 16610 bits"),
    ([], offer(-(10**5000)), "offer 0 or more"),
    ([], offer(True), "True, which is not an integer; offer 0 to 365 days"),
    ([], offer(30.0), "30.0, which is not an integer"),
    ([], offer(float("nan")), "nan, which is not an integer"),
    ([], offer("30"), "'30', which is not an integer"),
    ([], offer("9" * 10**6), "9...9"),
    ([], Move("bribe"), "of kind 'bribe'; it can be offer, accept, walk or forfeit"),
    ([], Move(["walk"]), "of kind"),
    ([], "walk", "the creditor's move is 'walk', not a Move"),
    ([], None, "not a Move; use offer(value), ACCEPT, WALK or FORFEIT"),
    ([offer(50), ACCEPT], FORFEIT, "the negotiation ended with message 2 (deal), so no move can follow"),
    ([WALK], "whatever", "the negotiation ended with message 1 (walked)"),
    ([WALK, offer(3)], offer(3), "the negotiation ended with message 1 (walked)"),
    (["walk"], WALK, "the creditor's move is 'walk', not a Move"),
]


@pytest.mark.parametrize(("history", "move", "words"), REFUSED, ids=range(len(REFUSED)))
def test_refusals_are_in_poises_own_words(history, move, words, capfd):
    referee = Referee(DEBT, Rules())
    for refuse in (referee.check, referee.judge):
        with pytest.raises(IllegalMove) as refusal:
            refuse(history, move)
        assert words in str(refusal.value)
        assert len(str(refusal.value)) < 200
    assert capfd.readouterr() == ("", "")  # OpenSpiel's own errors are printed before they are raised


def test_an_offer_between_the_steps_names_its_neighbours():
    referee = Referee(MEDICAL, Rules(grid=7))
    with pytest.raises(IllegalMove, match="offers 20, between the steps of 7 days from 0; offer 14 or 21"):
        referee.check([], offer(20))
    with pytest.raises(IllegalMove, match="offers 199, outside 0 to 196 days; offer 196 or less"):
        referee.check([], offer(199))


@given(st.one_of(st.integers(), st.floats(), st.booleans(), st.text(), st.binary(), st.none(), st.lists(st.integers())))
def test_no_value_gets_past_as_an_offer_unless_it_is_one(value):
    referee = Referee(DEBT, Rules())
    if type(value) is int and 0 <= value <= 365:
        referee.check([], offer(value))
    elif value is not None:
        with pytest.raises(IllegalMove):
            referee.check([], offer(value))


def test_a_refusal_leaves_the_talks_where_they_were():
    referee = Referee(DEBT, Rules())
    referee.judge([], offer(50))
    with pytest.raises(IllegalMove):
        referee.judge([offer(50)], offer(999))
    assert referee.judge([offer(50)], ACCEPT).value == 50


# --- what is legal, in words ---


def test_legal_moves_in_words():
    referee = Referee(DEBT, Rules(grid=7))
    assert referee.legal([]) == Legal("creditor", 0, 364, 7, None, "days")
    assert str(referee.legal([])) == "the creditor may offer 0 to 364 days in steps of 7, walk or forfeit"
    assert str(referee.legal([offer(7)])) == (
        "the debtor may offer 0 to 364 days in steps of 7, accept 7 days, walk or forfeit"
    )
    assert str(Referee(DEBT, Rules()).legal([FORFEIT])) == "the debtor may offer 0 to 365 days, walk or forfeit"
    assert referee.legal([WALK]) is None


def test_importing_the_room_does_not_load_openspiel():
    heavy = "print(*{'pyspiel', 'numpy'} & set(sys.modules))"
    code = f"import sys, poise.games; {heavy}; poise.games.Referee; {heavy}"
    said = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    first, later = said.splitlines()
    assert first == ""
    assert "pyspiel" in later
