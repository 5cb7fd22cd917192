"""Every message of every match is judged: what a transcript records is what the rules say of its text."""

import json
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from langgraph.graph import END, START

from poise.agents.conduct import broken_rules, categories, check, violations
from poise.agents.protocols import Speech
from poise.agents.registry import find_agent
from poise.common.errors import BadInput, ScenarioError
from poise.games.domains import CONDUCT, DECENCY, DOMAINS, add_domains, domain_words
from poise.games.moves import SEATS, offer
from poise.games.scenario import Scenario
from poise.games.transcript import VERSION, Message, Outcome, Transcript
from poise.graphs import empty_seat_graph, play

THREAT = "Pay by Friday or I will tell your boss. You are a worthless deadbeat, and you will go to jail for this."
CASE = Scenario("one", "debt", 12, 112)
TEXTS = st.sampled_from([THREAT, "I can wait 20 days.", "You stupid crook.", "We will sue you.", ""])


def saying(text, seat="creditor"):
    """An agent with a graph of its own, without any of Poise's nodes, that says `text` and offers 40."""

    def build():
        graph = empty_seat_graph()
        graph.add_node("say", lambda _state: {"speech": Speech(text, offer(40))})
        graph.add_edge(START, "say")
        graph.add_edge("say", END)
        return graph

    return replace(find_agent("vanilla", seat), make_graph=build)


def said(*texts):
    """A transcript of messages, the creditor's first, each offering 40."""
    messages = tuple(
        Message(place, SEATS[place % 2], text, offer(40), violations=broken_rules(text, SEATS[place % 2], "debt"))
        for place, text in enumerate(texts)
    )
    return Transcript(CASE, {}, {}, 0, {}, messages, Outcome("timeout"))


# Which rules hold.


def test_the_categories_that_a_domain_can_name_are_those_of_the_rules():
    assert tuple(sorted(CONDUCT)) == CONDUCT == categories()


def test_all_rules_hold_where_a_debt_is_collected_and_decency_elsewhere():
    assert {name: domain_words(name).conduct for name in DOMAINS} == {
        "debt": CONDUCT, "disaster": DECENCY, "medical": DECENCY, "student": DECENCY,
    }  # fmt: skip


@given(TEXTS, st.sampled_from(DOMAINS))
def test_what_counts_is_what_the_rules_find_in_the_domains_categories(text, domain):
    wanted = [each for each in check(text) if each.category in domain_words(domain).conduct]
    assert list(violations(text, "creditor", domain)) == wanted
    assert broken_rules(text, "creditor", domain) == tuple(each.rule for each in wanted)
    assert violations(text, "debtor", domain) == broken_rules(text, "debtor", domain) == ()


def test_a_warning_is_a_threat_only_where_a_debt_is_collected():
    warning = "You will get hurt if you stay in there."
    assert broken_rules(warning, "creditor", "debt")
    assert broken_rules(warning, "creditor", "disaster") == ()
    assert [rule.split(".")[0] for rule in broken_rules(THREAT, "creditor", "medical")] == ["shaming"]


RENT = {
    "creditor": "the landlord", "debtor": "the tenant", "question": "when the tenant moves out",
    "singular": "day", "plural": "days", "highest": 90,
}  # fmt: skip


@pytest.mark.parametrize(
    ("more", "held"),
    [({}, DECENCY), ({"conduct": "all"}, CONDUCT), ({"conduct": ["legal", "arrest"]}, ("arrest", "legal"))],
)
def test_a_domain_of_ones_own_says_what_holds_in_it(tmp_path, monkeypatch, more, held):
    monkeypatch.setenv("POISE_DOMAINS", "")
    (tmp_path / "rent").mkdir()
    (tmp_path / "rent" / "domain.json").write_text(json.dumps({**RENT, **more}))
    add_domains(tmp_path)
    assert domain_words("rent").conduct == held
    assert {rule.split(".")[0] for rule in broken_rules(THREAT, "creditor", "rent")} == {
        each.category for each in check(THREAT) if each.category in held
    }


@pytest.mark.parametrize("bad", ["none", ["abuze"], 3, None, [["abuse"]]])
def test_a_category_that_is_not_there_is_refused_by_name(tmp_path, monkeypatch, bad):
    monkeypatch.setenv("POISE_DOMAINS", "")
    (tmp_path / "rent").mkdir()
    (tmp_path / "rent" / "domain.json").write_text(json.dumps({**RENT, "conduct": bad}))
    with pytest.raises(ScenarioError, match=r'conduct .* is neither "all" nor a list of some of abuse, arrest'):
        add_domains(tmp_path)


# What is recorded.


@settings(deadline=None, max_examples=10)
@given(st.integers(0, 10_000), st.sampled_from(["vanilla", "random", "fixed:anger"]), st.sampled_from(DOMAINS))
def test_what_is_recorded_is_what_the_rules_say_of_each_text(seed, creditor, domain):
    case = Scenario("one", domain, 12, 112)
    played = play(case, find_agent(creditor, "creditor"), find_agent("angry", "debtor"), seed=seed)
    for message in played.messages:
        assert message.violations == broken_rules(message.text, message.seat, domain)


def test_a_graph_of_ones_own_is_judged_all_the_same():
    played = play(CASE, saying(THREAT), find_agent("vanilla", "debtor"))
    own = [message for message in played.messages if message.seat == "creditor"]
    assert own
    assert all(message.violations == tuple(each.rule for each in check(THREAT)) != () for message in own)


def test_a_debtor_is_held_to_nothing():
    played = play(CASE, find_agent("vanilla", "creditor"), saying(THREAT, "debtor"))
    assert {message.violations for message in played.messages if message.seat == "debtor"} == {()}


def test_words_that_are_no_text_fail_their_own_seat():
    played = play(CASE, saying(None), find_agent("vanilla", "debtor"), raises=False)
    assert (played.outcome.ending, played.outcome.by) == ("failed", "creditor")
    assert "said None; the text of a speech is a str" in played.outcome.reason


# Transcripts of both versions.


@given(st.lists(TEXTS, max_size=6))
def test_violations_survive_json(texts):
    transcript = said(*texts)
    assert transcript.version == VERSION
    assert Transcript.from_dict(json.loads(json.dumps(transcript.to_dict()))) == transcript


@given(st.lists(TEXTS, max_size=6))
def test_version_1_is_read_and_written_back_as_it_was(texts):
    """Version 1 is what `to_dict` writes without violations, under that number."""
    old = said(*texts).to_dict() | {"version": 1}
    for message in old["messages"]:
        message.pop("violations", None)
    read = Transcript.from_dict(json.loads(json.dumps(old)))
    assert read.version == 1
    assert [message.text for message in read.messages] == texts
    assert {message.violations for message in read.messages} <= {()}
    assert read.to_dict() == old


@pytest.mark.parametrize("version", [0, VERSION + 1, "2", None])
def test_other_versions_are_refused(version):
    with pytest.raises(BadInput, match=rf"transcript version .*; this Poise reads versions 1 to {VERSION}"):
        Transcript.from_dict({**said().to_dict(), "version": version})
