"""Evidence, views and talks for the tests of the tracker and of the policies that read emotions."""

from __future__ import annotations

from hypothesis import strategies as st

from poise.agents.emotions.taxonomy import EMOTIONS7, EMOTIONS28
from poise.agents.emotions.tracker import Evidence
from poise.agents.protocols import Brief, Line, View
from poise.common.seeds import Dice
from poise.games.moves import offer
from poise.games.rules import Rules
from poise.games.transcript import Reading

BRIEF = Brief("creditor", 10, "debt", "days", 1, (0, 200), {}, Rules())
DICE = Dice(1, "policies")
EVEN = (0.25, 0.25, 0.25, 0.25)

# Evidence that under- or overflows, says nothing, or leaves no doubt.
NASTY = [
    (0.0,) * 7,
    (5e-324,) * 7,
    (1e-320, 0.0, 0.0, 0.0, 0.0, 0.0, 1e-310),
    (1e300,) * 7,
    (1.7e308,) * 7,
    (1e-300, 1e300, 0.0, 0.0, 0.0, 0.0, 0.0),
    *(tuple(float(each == emotion) for each in EMOTIONS7) for emotion in EMOTIONS7),
    (1 / 7,) * 7,
]


# Of each emotion read, in the order of EMOTIONS7, the best answers by the published payoff table.
GOLDEN_TIES = [
    {"joy"},
    {"sadness", "neutral"},
    {"surprise", "neutral"},
    {"neutral"},
    {"surprise"},
    {"joy", "disgust", "neutral"},
    {"joy", "sadness", "surprise", "neutral"},
]


def one_hot(emotion):
    return tuple(float(each == emotion) for each in EMOTIONS7)


def a_view(shown, readings):
    """What a creditor sees before its next message, having shown `shown` and read `readings` in turn."""
    lines = []
    for turn, _ in enumerate(shown):
        lines.append(Line("creditor", "...", offer(20 + turn)))
        if turn < len(readings):
            lines.append(Line("debtor", "...", offer(100 - turn)))
    return View(BRIEF, tuple(lines), tuple(readings), tuple(shown))


def heard_view(shown, heard, belief=EVEN):
    """As `a_view`, with certain readings and one belief throughout."""
    return a_view(shown, [Reading(one_hot(emotion), emotion, belief) for emotion in heard])


def talk(policy, evidence, number=0):
    """One negotiation: the debtor's messages read as `evidence`; gives what the policy showed and believed."""
    tracker, shown, readings = policy.tracker, [], []
    for turn, seven in enumerate([*evidence, None]):
        shown.append(policy.choose(a_view(shown, readings), DICE.child(number, turn)))
        if seven is not None:
            before = readings[-1].belief if readings else tracker.start()
            readings.append(Reading(seven, "neutral", tracker.step(before, seven, shown[-1])))
    return a_view(shown, readings), [reading.belief for reading in readings]


def distributions(length):
    """Distributions of any sharpness, certain ones among them."""
    weights = st.lists(st.floats(0.0, 1.0), min_size=length, max_size=length).filter(lambda row: sum(row) > 1e-3)
    return weights.map(lambda row: tuple(value / sum(row) for value in row))


labels = st.sampled_from([*EMOTIONS28, None])
evidences = st.builds(Evidence, distributions(7), labels, labels, st.booleans())
talks = st.lists(evidences, max_size=5)

soft_or_certain = distributions(7) | st.sampled_from(EMOTIONS7).map(one_hot)
readings = st.builds(Reading, soft_or_certain, st.just("neutral"), distributions(4))
views = st.lists(st.tuples(labels, readings), max_size=8).map(
    lambda turns: a_view([shown for shown, _ in turns], [reading for _, reading in turns])
)
# Negotiations as (what is read in the debtor's messages, the creditor's utility, whether there was a deal).
series = st.lists(st.tuples(st.lists(soft_or_certain, max_size=7), st.floats(0.0, 1.0), st.booleans()), max_size=4)
