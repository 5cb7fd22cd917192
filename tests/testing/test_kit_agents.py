"""Each check of an agent catches what it is there to catch, and nothing else does."""

from __future__ import annotations

import itertools
import sys
from dataclasses import replace
from types import MappingProxyType

import pytest
from helpers.bad_learners import Forgetful, NeverDoneLearning
from helpers.seats import pair

from poise.agents.registry import find_agent
from poise.games.moves import ACCEPT, offer
from poise.graphs import PlaySettings, decide, empty_seat_graph, feel, perceive, speak
from poise.testing import assert_agent, check_agent

PATIENT = PlaySettings(message_seconds=60.0)
HURRIED = PlaySettings(message_seconds=0.2)  # for those that hang; a busy machine may keep others as long


def failures(agent, settings=PATIENT, **more):
    return {check.name: check.detail for check in check_agent(agent, settings, **more) if not check.ok}


def creditor(**parts):
    return replace(pair()[0], **parts)


def shows(choose, **more):
    """A creditor that shows what `choose` makes of the view."""
    methods = {name: staticmethod(method) for name, method in {"choose": choose, **more}.items()}
    return creditor(make_policy=type("Own", (), methods))


def offers(make):
    return creditor(make_concession=type("Own", (), {"decide": staticmethod(lambda view, dice: make(view))}))


def loops(*_):
    while True:
        pass


def raises(*_):
    raise ValueError("no idea")


def scribbles(view, dice):
    view.notes["seen"] = True


def up_the_stack(name, part):
    """What an outer function calls `name`, where it has `part`: how a cheat gets at what it is not handed."""
    frame = sys._getframe()
    while frame := frame.f_back:
        if hasattr(frame.f_locals.get(name), part):
            return frame.f_locals[name]
    raise LookupError(name)


def own_offer(view):
    return ACCEPT if view.own_offer is not None and view.other_offer is None else offer(20)


def reads_the_target(view, dice):
    return "joy" if up_the_stack("context", "referee").referee.scenario.debtor_target % 2 else "anger"


def reads_the_notes(view, dice):
    return "joy" if up_the_stack("state", "outcome").debtor.notes.get("secret") == 2 else "anger"


class Shared:
    """Counts its messages, for all matches together."""

    count = 0

    def choose(self, view, dice):
        Shared.count = Shared.count + 1 if view.index else 0
        return "joy" if Shared.count < 3 else "anger"


def happy_graph(update=MappingProxyType({"emotion": "happy"})):
    """Sets an emotion in a node of its own, past the node that would refuse it."""
    graph = empty_seat_graph()
    for name, node in {"perceive": perceive, "feel": feel, "decide": decide, "speak": speak}.items():
        graph.add_node(name, node)
    graph.add_node("cheer", lambda state: dict(update))
    path = ("__start__", "perceive", "feel", "decide", "speak", "cheer", "__end__")
    for step in itertools.pairwise(path):
        graph.add_edge(*step)
    return graph


COUNT = itertools.count(20)
IN_TIME = "answers within 0.2 s a message"
BAD = [
    (IN_TIME, shows(loops), "no message within 0.2 s"),
    (IN_TIME, creditor(make_policy=loops), "no message within 0.2 s"),
    (IN_TIME, creditor(make_policy=NeverDoneLearning), "look for a loop without an end"),
    ("plays whole negotiations", shows(raises), "scenario 'longer': ValueError: no idea"),
    ("plays whole negotiations", creditor(make_policy=raises), "ValueError: no idea"),
    ("plays whole negotiations", creditor(make_graph=empty_seat_graph), "at least one edge from START"),
    ("makes legal moves", offers(lambda view: offer(10**7)), "outside 0 to 365 days"),
    ("never accepts its own offer", offers(own_offer), "the other side has no offer standing"),
    ("shows emotions among the 28", shows(lambda *_: "happy"), "chose the emotion 'happy'"),
    ("shows emotions among the 28", creditor(make_graph=happy_graph), "set the emotion 'happy'"),
    (
        "its nodes return only fields of its state",
        creditor(make_graph=lambda: happy_graph({"count": 1})),
        "node 'cheer' returned the key 'count'",
    ),
    ("does not change its input", shows(scribbles), "choose changes what it is shown; make a copy"),
    ("transcripts survive JSON", shows(lambda *_: None, note=lambda *_: {"pair": (1, 2)}), "only JSON data"),
    ("same seed, same play", offers(lambda view: offer(next(COUNT) % 300)), "draw only from `dice`"),
    ("does not know the other side's target", shows(reads_the_target), "change with the other side's debtor_target"),
    ("does not know the other side's notes", shows(reads_the_notes), "the other side's private notes"),
    ("two matches at once are independent", creditor(make_policy=Shared), "in `self`, not in the class"),
    ("what it learned survives JSON", creditor(make_policy=Forgetful), "put all that it learned into memory()"),
]


@pytest.mark.parametrize(("check", "agent", "words"), BAD, ids=[f"{bad[0]}-{n}" for n, bad in enumerate(BAD)])
def test_each_check_catches_what_it_is_there_for(check, agent, words):
    found = failures(agent, HURRIED if check == IN_TIME else PATIENT)
    assert list(found) == [check]
    assert words in found[check]


def test_an_agent_that_is_said_to_draw_must_draw():
    assert "declare that it draws" in failures(find_agent("vanilla", "creditor"), draws=True)["other seeds, other play"]
    assert not failures(find_agent("random", "creditor"), draws=True)


def test_no_check_goes_without_an_agent_that_fails_it():
    made = [check.name for check in check_agent("random", PATIENT, draws=True)]
    assert made[0] == IN_TIME.replace("0.2", "60")
    assert set(made[1:]) == {bad[0] for bad in BAD} - {IN_TIME} | {"other seeds, other play"}


def test_a_privileged_agent_may_read_notes_and_nothing_else():
    agent = replace(shows(reads_the_notes), privileged=True)
    assert not failures(agent)
    assert "debtor_target" in str(failures(replace(shows(reads_the_target), privileged=True)))


def test_the_other_sides_failure_is_not_blamed_on_it():
    debtor = replace(find_agent("vanilla", "debtor"), make_policy=lambda: raises)
    from poise.agents import registry

    registry._registered()["debtor", "lost"] = replace(debtor, name="lost")
    try:
        found = failures(find_agent("vanilla", "creditor"), opponents=("lost",))
    finally:
        del registry._registered()["debtor", "lost"]
    assert "the debtor failed" in str(found)


def test_it_is_tried_where_one_says():
    from poise.games.scenario import Scenario

    case = Scenario("own", "student", 100, 300)
    assert_agent("wsls", PATIENT, scenarios=[case], opponents=["angry"])
    with pytest.raises(AssertionError) as refused:
        assert_agent(offers(lambda view: offer(10**7)), PATIENT, scenarios=[case], opponents=["angry"])
    assert str(refused.value).splitlines()[0] == "1 of 13 checks do not hold"
    assert "  makes legal moves: scenario 'own': IllegalMove" in str(refused.value)
