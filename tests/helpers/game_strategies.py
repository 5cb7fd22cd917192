"""What the tests of the referee draw: scenarios of both polarities, rules, and moves of any kind."""

from hypothesis import strategies as st

from poise.games.moves import ACCEPT, FORFEIT, WALK, offer
from poise.games.rules import Rules
from poise.games.scenario import Scenario


@st.composite
def scenarios(draw, most=40):
    """Scenarios with few offers, so that random talks often meet."""
    low = draw(st.integers(0, 5))
    high = draw(st.integers(low + 1, most))
    creditor, debtor = draw(st.lists(st.integers(low, high), min_size=2, max_size=2, unique=True))
    return Scenario("drawn", "debt", creditor, debtor, bounds=(low, high))


@st.composite
def rules(draw):
    return Rules(
        tolerance=draw(st.integers(0, 6)),
        max_messages=draw(st.integers(2, 9)),
        discount=draw(st.sampled_from([1.0, 0.9, 0.5, 1 / 3])),
        grid=draw(st.integers(1, 5)),
        deal_value=draw(st.sampled_from(["midpoint", "last"])),
    )


def moves(most=45):
    """Moves, legal or not: offers on and off the lattice, acceptances out of turn."""
    offers = st.builds(offer, st.integers(-2, most), firm=st.sampled_from([False, False, False, True]))
    return st.one_of(offers, offers, offers, offers, st.sampled_from([ACCEPT, FORFEIT, WALK]))


picks = st.lists(st.integers(0, 10**6), max_size=9)
"""Numbers that choose among the legal actions of one state after the other."""
