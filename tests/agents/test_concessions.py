"""Concessions: offers that are legal, private, and shaped as the papers say."""

from dataclasses import replace
from itertools import pairwise

import pytest
from helpers.wordless import DICE, Says, bargain, reading, seat_view
from hypothesis import assume, given
from hypothesis import strategies as st

from poise.agents.concessions import (
    CONCESSIONS,
    REACH,
    ConcessionPosition,
    MoodConcession,
    TimeDependent,
    TitForTat,
    named_concession,
    opening,
    position,
)
from poise.agents.personas import load_persona, persona_names
from poise.common.errors import AgentError
from poise.games.moves import ACCEPT, FORFEIT, WALK, other
from poise.games.moves import offer as say
from poise.games.referee import Referee
from poise.games.rules import Rules
from poise.games.scenario import Scenario

CASE = Scenario("case", "debt", 12, 112)
MOODED = [MoodConcession(load_persona(name)) for name in persona_names()]
ALL = [*(named_concession(name) for name in CONCESSIONS), *MOODED]

targets = st.tuples(st.integers(0, 200), st.integers(0, 200)).filter(lambda pair: pair[0] != pair[1])
scenarios = targets.map(lambda pair: Scenario("case", "debt", *pair))
tight = targets.map(lambda pair: Scenario("case", "debt", *pair, bounds=(min(pair), max(pair) + 1)))
all_rules = st.builds(
    Rules, tolerance=st.integers(0, 10), max_messages=st.integers(2, 40), grid=st.sampled_from([1, 2, 5, 7, 30])
)
seats = st.sampled_from(["creditor", "debtor"])
moods = st.floats(-1.0, 1.0)


def offers(moves, seat):
    return [
        move.value
        for index, move in enumerate(moves)
        if move.value is not None and ("creditor", "debtor")[index % 2] == seat
    ]


# --- what holds for every concession


@st.composite
def positions(draw):
    """A seat to move after talks in which the other side said anything at all, and this one what it would say."""
    scenario, rules, seat = draw(st.one_of(scenarios, tight)), draw(all_rules), draw(seats)
    concession = draw(st.sampled_from(ALL))
    referee, moves = Referee(scenario, rules), []
    low, high = scenario.bounds
    steps = st.one_of(st.none(), st.integers(0, (high - low) // rules.grid))
    for _ in range(draw(st.integers(0, 12))):
        turn = "debtor" if len(moves) % 2 else "creditor"
        if turn == seat:
            move = concession.decide(seat_view(scenario, seat, moves, rules, mood=draw(moods)), DICE)
        else:
            step = draw(steps)
            move = FORFEIT if step is None else say(low + step * rules.grid)
        if referee.outcome([*moves, move]) is not None:
            break
        moves.append(move)
    assume(("debtor" if len(moves) % 2 else "creditor") == seat)
    return scenario, rules, seat, concession, moves, draw(moods)


@given(positions())
def test_every_move_is_legal_and_no_offer_says_the_target(position):
    scenario, rules, seat, concession, moves, mood = position
    move = concession.decide(seat_view(scenario, seat, moves, rules, mood=mood), DICE)
    Referee(scenario, rules).check(moves, move)
    assert move.value != scenario.target(seat)
    assert not move.firm


@given(positions())
def test_offers_only_ever_move_towards_agreement(position):
    scenario, rules, seat, concession, moves, mood = position
    assume(concession is not MOODED[persona_names().index("cheating")])
    view = seat_view(scenario, seat, moves, rules, mood=mood)
    before, move = view.own_offer, concession.decide(view, DICE)
    if before is not None and move.value is not None:
        assert view.brief.direction * (move.value - before) >= 0


@given(positions())
def test_acceptance_is_ac_next(position):
    """AC_next, Baarslag et al. 2013: accept exactly what is at least as good as one's own next offer."""
    scenario, rules, seat, concession, moves, mood = position
    view = seat_view(scenario, seat, moves, rules, mood=mood)
    move, theirs, ahead = concession.decide(view, DICE), view.other_offer, view.brief.direction
    if move.value is not None and theirs is not None:
        assert ahead * (theirs - move.value) > 0
    if move == ACCEPT and len(view.offers(other(seat))) > 1 and not isinstance(concession, TitForTat):
        # What would it have offered? Ask it with the last offer turned into the worst there is.
        last = max(index for index, each in enumerate(moves) if each.value is not None and index % 2 != len(moves) % 2)
        low, high = scenario.bounds
        moves[last] = say(low + (high - low) // rules.grid * rules.grid if ahead > 0 else low)
        due = concession.decide(seat_view(scenario, seat, moves, rules, mood=mood), DICE)
        assert due == ACCEPT or ahead * (due.value - theirs) >= 0


@given(scenarios, all_rules, st.sampled_from(sorted(CONCESSIONS)), st.sampled_from(sorted(CONCESSIONS)))
def test_talks_end_and_no_more_than_the_reach_is_conceded(scenario, rules, creditor, debtor):
    sides = {"creditor": named_concession(creditor), "debtor": named_concession(debtor)}
    _, moves = bargain(scenario, sides["creditor"], sides["debtor"], rules)
    for seat, side in sides.items():
        mine, theirs = offers(moves, seat), offers(moves, other(seat))
        if len(mine) > 1:
            assert abs(mine[-1] - mine[0]) <= side.reach * abs(theirs[0] - mine[0]) + 1e-6


@given(targets, all_rules, st.sampled_from(sorted(CONCESSIONS)))
def test_both_polarities_are_alike(pair, rules, name):
    """Mirrored cases give mirrored talks: whether more or fewer days are conceded makes no difference."""
    rules = replace(rules, grid=1)
    mirrored = [200 - value for value in pair]
    plain = Scenario("case", "debt", *pair, bounds=(0, 200))
    turned = Scenario("case", "debt", *mirrored, bounds=(0, 200))
    side = named_concession(name)
    values = [[move.value for move in bargain(case, side, side, rules)[1]] for case in (plain, turned)]
    assert values[0] == [None if value is None else 200 - value for value in values[1]]


@pytest.mark.parametrize(
    ("scenario", "grid", "creditor", "debtor"),
    [
        (Scenario("plain", "debt", 12, 112), 1, 13, 111),
        (Scenario("less is more for the debtor", "medical", 112, 12), 1, 111, 13),
        (Scenario("between two steps", "debt", 12, 112), 10, 20, 110),
        (Scenario("on a step", "debt", 20, 110), 10, 30, 100),
        (Scenario("at the bound", "debt", 10, 13, bounds=(0, 14)), 10, 0, 10),
        (Scenario("neighbours", "debt", 12, 13), 1, 13, 12),
        (Scenario("one offer alone, and it is private", "debt", 0, 3, bounds=(0, 5)), 10, None, 0),
    ],
    ids=lambda value: value.id if isinstance(value, Scenario) else str(value),
)
def test_the_opening_lies_beside_the_target(scenario, grid, creditor, debtor):
    rules = Rules(grid=grid)
    assert opening(seat_view(scenario, "creditor", [], rules).brief) == creditor
    assert opening(seat_view(scenario, "debtor", [], rules).brief) == debtor
    expected = FORFEIT if creditor is None else say(creditor)
    assert {side.decide(seat_view(scenario, "creditor", [], rules), DICE) for side in ALL} == {expected}


def test_without_an_offer_to_answer_a_seat_stands_still():
    for side in ALL:
        outcome, moves = bargain(CASE, side, Says(None))
        assert outcome.ending == "timeout"
        assert set(offers(moves, "creditor")) == {13}


@pytest.mark.parametrize(
    ("seat", "moves", "stands"),
    [
        ("creditor", [], ConcessionPosition(13, 1, 0, 0, None)),
        ("debtor", [FORFEIT], ConcessionPosition(111, -1, 0, 0, None)),
        ("creditor", [say(20), FORFEIT], ConcessionPosition(13, 1, 7, 0, None)),
        ("debtor", [say(20)], ConcessionPosition(111, -1, 0, 91, 20)),
        ("creditor", [say(20), say(14)], ConcessionPosition(13, 1, 7, 1, 14)),
        ("creditor", [say(20), say(13)], ConcessionPosition(13, 1, 7, 0, 13)),
        ("creditor", [say(20), say(5)], ConcessionPosition(13, 1, 7, 0, 5)),
        ("creditor", [say(20), say(110), say(21), say(90)], ConcessionPosition(13, 1, 8, 97, 90)),
    ],
)
def test_where_a_seat_stands(seat, moves, stands):
    """The way is measured to the other side's first offer, and is 0 without one and past it."""
    assert position(seat_view(CASE, seat, moves)) == stands


# --- by the clock


def test_the_clock_follows_faratins_formula():
    """Sec. 3.1 of Faratin et al. 1998: F(0) = kappa, F(T) = 1, and (t/T)^(1/beta) in between."""
    for beta, half in ((0.25, 1 / 16), (0.5, 1 / 4), (1.0, 1 / 2), (2.0, 2**-0.5)):
        clock = TimeDependent(beta)
        assert clock.fraction(0.0) == 0.0
        assert clock.fraction(1.0) == 1.0
        assert clock.fraction(0.5) == pytest.approx(half)
    assert TimeDependent(1.0, kappa=0.2).fraction(0.0) == 0.2
    assert TimeDependent(1.0, kappa=0.2).fraction(0.5) == pytest.approx(0.6)


@given(st.floats(0.05, 20.0), st.floats(0.05, 20.0), st.floats(0.0, 1.0))
def test_a_smaller_beta_holds_out_longer(beta, larger, share):
    assume(beta < larger)
    assert TimeDependent(beta).fraction(share) <= TimeDependent(larger).fraction(share) + 1e-12


def test_a_linear_side_concedes_in_equal_steps_up_to_its_reach():
    _, moves = bargain(CASE, named_concession("linear"), Says(112))
    mine = offers(moves, "creditor")
    assert (mine[0], mine[-1]) == (13, 13 + int(REACH * 99))
    steps = [later - earlier for earlier, later in pairwise(mine)]
    assert set(steps) == {4, 5}


def test_boulware_takes_more_and_meets_later_than_conceder():
    """Faratin et al. 1998, Sec. 5: boulware agents strike better deals and take longer."""
    hard, hard_moves = bargain(CASE, named_concession("boulware"), named_concession("linear"))
    soft, soft_moves = bargain(CASE, named_concession("conceder"), named_concession("linear"))
    assert hard.utilities[0] > 0.5 > soft.utilities[0]
    assert len(hard_moves) > len(soft_moves)


@pytest.mark.parametrize("name", ["boulware", "linear", "conceder", "tit-for-tat"])
def test_two_of_a_kind_meet_about_half_way(name):
    outcome, _ = bargain(CASE, named_concession(name), named_concession(name))
    assert outcome.value == pytest.approx(62, abs=8)


# --- in kind


def test_tit_for_tat_gives_what_it_is_given():
    given_offers = [112, 110, 100, 100, 97]
    _, moves = bargain(CASE, TitForTat(first_step=0.0), Says(*given_offers))
    assert offers(moves, "creditor")[:6] == [13, 13, 15, 25, 25, 28]


def test_tit_for_tat_is_not_exploited_by_a_side_that_never_moves():
    """Axelrod 1984: nice (it moves first, once) and provocable (then only in answer)."""
    _, moves = bargain(CASE, TitForTat(first_step=0.1), Says(112))
    assert set(offers(moves, "creditor")) == {13, 22}


def test_relative_tit_for_tat_answers_shares_of_the_gap():
    """They close half of the gap, then a quarter: so does it, of what is left."""
    _, moves = bargain(
        CASE, TitForTat(relative=True, reach=1.0, first_step=0.0), Says(113, 113, 63), Rules(tolerance=0)
    )
    assert offers(moves, "creditor")[:4] == [13, 13, 13, 38]


def test_a_forfeit_or_a_retreat_is_not_answered():
    for theirs in ([112, 102, None, None], [112, 102, 112, 102]):
        _, moves = bargain(CASE, TitForTat(first_step=0.0, reach=0.1), Says(*theirs))
        assert offers(moves, "creditor")[-1] <= 13 + 10


# --- by the mood


@given(st.sampled_from(persona_names()), moods, moods, st.integers(0, 14))
def test_a_better_mood_never_concedes_less(name, mood, better, turn):
    mood, better = sorted((mood, better))
    persona = load_persona(name)
    side = MoodConcession(replace(persona, renege=None, walk=None))
    moves = [say(13), say(111)] * turn + [say(13)]
    worse, best = (side.decide(seat_view(CASE, "debtor", moves, mood=m), DICE).value for m in (mood, better))
    if worse is not None and best is not None:
        assert best <= worse
    else:
        assert best is None  # the better mood accepts


def test_a_mood_that_turns_stops_the_concession_where_it_stands():
    side = MoodConcession(replace(load_persona("vanilla"), walk=None))
    moves = [say(13), say(111), say(13)]
    warm = side.decide(seat_view(CASE, "debtor", moves, mood=0.9), DICE)
    moves += [warm, say(13)]
    assert warm.value < 105
    assert side.decide(seat_view(CASE, "debtor", moves, mood=-1.0), DICE) == warm


def test_stonewalling_does_not_move_until_its_mood_opens_up():
    side = MoodConcession(load_persona("stonewalling"))
    moves = [say(13), say(111)] * 7 + [say(13)]
    persona = load_persona("stonewalling")
    plain = persona.moods([reading("neutral")] * 8)[-1]
    stirred = persona.moods([reading("sadness")] * 8)[-1]
    assert 111 - side.decide(seat_view(CASE, "debtor", moves, mood=plain), DICE).value <= 0.2 * 98
    assert side.decide(seat_view(CASE, "debtor", moves, mood=-1.0), DICE) == say(111)
    assert side.decide(seat_view(CASE, "debtor", moves, mood=stirred), DICE).value < 60


@pytest.mark.parametrize("name", [name for name in persona_names() if load_persona(name).walk])
def test_it_walks_away_after_so_many_messages_in_its_worst_mood_and_not_before(name):
    persona = load_persona(name)
    worst = min(persona.reactions, key=lambda reaction: reaction.bad)
    emotion = ("joy", "sadness", "anger", "fear", "surprise", "disgust", "neutral")[persona.reactions.index(worst)]
    side, moves, readings, low = MoodConcession(persona), [], (), 0
    for _ in range(15):
        moves.append(say(13))
        readings = (*readings, reading(emotion))
        mood = persona.moods(readings)[-1]
        low = low + 1 if mood <= persona.walk.mood else 0
        move = side.decide(seat_view(CASE, "debtor", moves, readings=readings, mood=mood), DICE)
        assert (move == WALK) == (low >= persona.walk.messages)
        if move == WALK:
            break
        moves.append(move)
    else:
        pytest.fail(f"{name} never walks away, though it is shown {emotion} all the time")


def retreats(values):
    return [(earlier, later) for earlier, later in pairwise(values) if later > earlier]


def test_cheating_takes_back_half_of_its_promise_once_and_only_when_believed():
    persona = load_persona("cheating")
    for emotion, count in (("joy", 1), ("surprise", 0)):
        moves, readings = [], ()
        for _ in range(15):
            moves.append(say(13))
            readings = (*readings, reading(emotion))
            view = seat_view(CASE, "debtor", moves, readings=readings, mood=persona.moods(readings)[-1])
            moves.append(MoodConcession(persona).decide(view, DICE))
            if moves[-1] == ACCEPT:
                break
            Referee(CASE, Rules()).check(moves[:-1], moves[-1])
        mine = offers(moves, "debtor")
        assert len(retreats(mine)) == count
        if count:
            (promised, kept), turn = retreats(mine)[0], persona.renege.message
            assert (promised, kept) == (mine[turn - 1], mine[turn])
            assert 111 - kept == (111 - promised) // 2
            assert min(mine[turn:]) >= promised  # it never betters its promise


@pytest.mark.parametrize(("above", "breaks"), [(-0.01, True), (0.0, False), (0.01, False)])
def test_a_promise_is_broken_below_the_mood_bound_and_not_at_it(above, breaks):
    persona = load_persona("cheating")
    moves = [say(13), say(111)] + [say(13), say(91)] * (persona.renege.message - 1) + [say(13)]
    mood = persona.renege.below + above
    kept = MoodConcession(persona).decide(seat_view(CASE, "debtor", moves, mood=mood), DICE).value
    assert kept == 101 if breaks else kept <= 91


# --- names and settings


def test_concessions_are_found_by_name():
    assert {"boulware", "linear", "conceder", "tit-for-tat"} <= set(CONCESSIONS)
    betas = [named_concession(name).beta for name in ("boulware", "linear", "conceder")]
    assert betas[0] < 1 == betas[1] < betas[2]
    with pytest.raises(AgentError, match="no concession is called 'boulwhare'; did you mean 'boulware'"):
        named_concession("boulwhare")


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: TimeDependent(beta=0.0), "beta 0.0 is not above 0"),
        (lambda: TimeDependent(reach=1.5), "reach 1.5 is outside 0 to 1"),
        (lambda: TimeDependent(kappa=float("nan")), "kappa nan is outside 0 to 1"),
        (lambda: TitForTat(reach=-0.1), "reach -0.1 is outside 0 to 1"),
        (lambda: TitForTat(first_step=2), "first_step 2 is outside 0 to 1"),
    ],
)
def test_settings_out_of_range_are_refused(make, said):
    with pytest.raises(AgentError, match=said):
        make()
