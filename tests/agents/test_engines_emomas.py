"""EmoMAS: the advisers advise as published, trust goes to those whose advice turns out well, a model can be asked."""

import json
import math

import pytest
from helpers.emotion_strategies import BRIEF, DICE, heard_view, one_hot, series, talk, views
from hypothesis import given, settings
from hypothesis import strategies as st

from poise.agents.emotions.tables import PAYOFF
from poise.agents.emotions.taxonomy import EMOTIONS7
from poise.agents.emotions.tracker import Tracker
from poise.agents.policies import policies
from poise.agents.policies.emomas import (
    ADVISERS,
    CONTEXTS,
    LEAST,
    EmoMas,
    context_of,
    macro_reward,
    make_emomas,
    updated,
)
from poise.agents.policies.emomas_advisers import (
    Q_STATES,
    Coherence,
    GameTheory,
    Reinforcement,
    adviser_softmax,
    emomas_state,
    rule_scores,
)
from poise.agents.policies.emomas_model import choose_by_model, scores_by_model
from poise.agents.policies.situations import Situation, now
from poise.agents.protocols import View
from poise.agents.registry import find_agent
from poise.common.errors import AgentError, BadInput, BadReply, ModelDown
from poise.common.seeds import Dice
from poise.games.scenarios.loaders import load_scenarios
from poise.graphs import Pairing, PlaySettings

situations = st.builds(Situation, st.integers(0, 6), st.integers(0, 6), st.integers(1, 16), st.booleans())
JOY, ANGER, SURPRISE, NEUTRAL = (EMOTIONS7.index(e) for e in ("joy", "anger", "surprise", "neutral"))


def at(own="neutral", heard="neutral", message=2, *, large=True):
    return Situation(EMOTIONS7.index(own), EMOTIONS7.index(heard), message, large)


# --- advisers


@given(situation=situations, row=st.lists(st.floats(-50, 50), min_size=7, max_size=7))
def test_every_adviser_gives_a_distribution(situation, row):
    taught = Reinforcement()
    taught.table.values[emomas_state(situation)] = row
    for adviser in (GameTheory(), Reinforcement(), taught, Coherence()):
        given = adviser.advise(situation)
        assert len(given) == 7
        assert sum(given) == pytest.approx(1.0)
        assert min(given) >= 0.0


def test_game_theory_by_hand():
    """Joy met with anger brought 1: lose. The best other reply, surprise, is worth 2 times 1.3, the rest at most 2."""
    assert GameTheory().advise(at("joy", "anger"))[SURPRISE] == pytest.approx(0.9 + 0.1 / 7)
    assert GameTheory().advise(at("anger", "joy"))[ANGER] == pytest.approx(0.1 / 7)  # 2 * 1.3 is below joy's 4
    assert GameTheory().advise(at(message=1))[JOY] == pytest.approx(0.9 + 0.1 / 7)


@given(situation=situations)
def test_game_theory_never_recommends_what_pays_less_than_the_favour_makes_up_for(situation):
    given = GameTheory().advise(situation)
    heard = NEUTRAL if situation.message == 1 else situation.heard
    assert PAYOFF[heard][given.index(max(given))] * 1.3 >= max(PAYOFF[heard])


def test_reinforcement_by_hand():
    """Softmax at temperature 0.1: a lead of 0.1 is a factor e."""
    adviser, situation = Reinforcement(), at()
    assert adviser.advise(situation) == pytest.approx([1 / 7] * 7)
    adviser.table.values[emomas_state(situation)] = [0.1, *[0.0] * 6]
    assert adviser.advise(situation)[0] == pytest.approx(math.e / (math.e + 6))


def test_states_and_contexts_are_numbered_without_gap_or_overlap():
    every = [Situation(c, d, n, g) for c in range(7) for d in range(7) for n in (1, 4, 9) for g in (False, True)]
    assert sorted(map(emomas_state, every)) == list(range(Q_STATES))
    assert set(map(context_of, every)) == set(range(CONTEXTS))


@given(situation=situations)
def test_coherence_is_the_weighted_mean_of_its_scores(situation):
    scores = [0.4 * p + 0.3 * a + 0.3 * s for p, a, s in rule_scores(situation)]
    assert all(0 <= value <= 1 for value in scores)
    given, rest = Coherence().advise(situation), adviser_softmax(scores, 1.0)
    best = scores.index(max(scores))
    for e in range(7):
        assert given[e] == pytest.approx(0.2 * rest[e] + 0.8 * (e == best))


# --- the orchestrator


trusts = st.lists(st.floats(1.0, 2.0), min_size=3, max_size=3).map(lambda row: [value / sum(row) for value in row])
shares = st.lists(st.floats(0.2, 0.8), min_size=3, max_size=3)


@given(weights=trusts, confidences=st.lists(shares, min_size=1, max_size=3), quality=st.floats(0.4, 0.6))
def test_an_update_is_bayes_rule(weights, confidences, quality):
    """The new trust is the posterior of which adviser was right, w_i L_i / sum; here no trust comes near its floor."""
    likelihood = [
        sum(quality * row[i] + (1 - quality) * (1 - row[i]) for row in confidences) / len(confidences) for i in range(3)
    ]
    evidence = sum(weight * value for weight, value in zip(weights, likelihood, strict=True))
    expected = [weight * value / evidence for weight, value in zip(weights, likelihood, strict=True)]
    assert min(expected) > LEAST
    assert updated(weights, confidences, quality) == pytest.approx(expected)


@given(weights=trusts, confidence=st.floats(0.1, 0.9), quality=st.floats(0, 1))
def test_advisers_of_one_mind_keep_their_shares(weights, confidence, quality):
    assert updated(weights, [[confidence] * 3], quality) == pytest.approx(weights)


def test_trust_goes_to_the_adviser_whose_advice_turned_out_well_and_from_the_one_whose_did_not():
    for quality, better, worse in ((0.8, 0, 2), (0.2, 2, 0)):
        weights = [1 / 3] * 3
        for _ in range(30):
            weights = updated(weights, [[0.9, 0.4, 0.05]], quality)
            assert sum(weights) == pytest.approx(1.0)
        assert weights[better] > 0.85
        assert 0.04 < weights[worse] < 0.06  # it can come back


def test_average_talks_teach_nothing_about_whom_to_trust():
    assert updated([0.5, 0.3, 0.2], [[0.9, 0.4, 0.05]], 0.5) == pytest.approx([0.5, 0.3, 0.2])


def test_the_choice_is_the_recommendation_with_the_greatest_trust_times_confidence():
    """With equal trust two advisers that agree outweigh the third; with all trust in one, it decides."""
    view = heard_view(("joy",), ("anger",))
    given = [adviser.advise(now(view)) for adviser in (GameTheory(), Reinforcement(), Coherence())]
    for number in range(200):
        policy, dice = EmoMas(), Dice(number)
        drawn = [Dice(number).weighted(given[0])]
        again = Dice(number)
        drawn = [again.weighted(each) for each in given]
        score = {e: sum(g[e] / 3 for e2, g in zip(drawn, given, strict=True) if e2 == e) for e in drawn}
        assert EMOTIONS7.index(policy.choose(view, dice)) in {e for e in score if score[e] == max(score.values())}
        policy.restore({**policy.memory(), "weights": [[0.0, 0.0, 1.0]] * CONTEXTS})
        assert EMOTIONS7.index(policy.choose(view, Dice(number))) == drawn[2]


def test_macro_reward_by_hand():
    assert macro_reward(0.6, 1, deal=True) == 0.6
    assert macro_reward(0.6, 9, deal=True) == pytest.approx(0.6 / (1 + math.log(9)))
    assert macro_reward(0.0, 9, deal=False) == -0.1


class Stubborn:
    """Advises one emotion, whatever the situation."""

    def __init__(self, emotion):
        self.given = tuple(0.9 if e == EMOTIONS7.index(emotion) else 0.1 / 6 for e in range(7))

    def advise(self, situation):
        return self.given


@pytest.mark.parametrize(("good", "trusted", "other"), [("surprise", 0, 2), ("neutral", 2, 0)])
def test_it_learns_whom_to_trust_against_a_simple_debtor(good, trusted, other):
    """A debtor who gives in as far as `good` was shown; one adviser swears by surprise, one by neutral."""
    policy = EmoMas()
    policy._advisers = (Stubborn("surprise"), policy._reinforcement, Stubborn("neutral"))
    policy.tracker = Tracker()
    for number in range(150):
        view, _ = talk(policy, [one_hot("anger")] * 6, number)
        policy.learn(view, view.shown.count(good) / len(view.shown), deal=True)
    weights = policy.weights(context_of(now(view)))
    assert weights[trusted] > 2 * weights[other]
    shown = [policy.choose(view, DICE.child("after", number)) for number in range(200)]
    assert shown.count(good) > 150


def test_only_the_contexts_that_occurred_are_learned():
    policy = EmoMas()
    policy.learn(heard_view(("joy",), ("anger",)), 0.2, deal=True)
    policy.learn(heard_view(("joy",), ("anger",)), 0.9, deal=True)
    untouched = [context for context in range(CONTEXTS) if policy.weights(context) == (1 / 3,) * 3]
    assert len(untouched) == CONTEXTS - 1


# --- as a learner


@given(past=series, view=views, seed=st.integers(0, 2**32))
@settings(max_examples=25, deadline=None)
def test_memory_through_json_is_the_whole_of_it(past, view, seed):
    one, two = EmoMas(), EmoMas()
    one.tracker = Tracker()
    for number, (evidence, utility, deal) in enumerate(past):
        one.learn(talk(one, evidence, number)[0], utility, deal)
    two.restore(json.loads(json.dumps(one.memory())))
    assert one.choose(view, Dice(seed)) == two.choose(view, Dice(seed))
    for policy in (one, two):
        policy.learn(view, 0.5, deal=True)
    assert one.memory() == two.memory()


@pytest.mark.parametrize(
    "change",
    [
        {"weights": [[0.0] * 3] * 6},
        {"weights": [[1 / 3] * 3] * 5},
        {"usual": "high"},
        {"usual": [0.1]},
        {"usual": [0.1, -1.0]},
        {"table": {"294": [[], []]}},
    ],
)
def test_foreign_memory_is_refused(change):
    with pytest.raises(BadInput):
        EmoMas().restore({**EmoMas().memory(), **change})


def test_talks_that_ended_at_once_are_harmless():
    policy = EmoMas()
    policy.learn(View(BRIEF), 0.0, deal=False)
    assert policy.choose(View(BRIEF), DICE) in EMOTIONS7


# --- with a model


class Model:
    """Answers with the given replies, the last one for ever, and keeps what it was asked."""

    def __init__(self, *replies):
        self.replies = list(replies)
        self.asked = []

    def __call__(self, prompt):
        self.asked.append(prompt)
        return self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]


def judged(**scores):
    return json.dumps({e: scores.get(e, [1, 1, 1]) for e in EMOTIONS7})


def test_coherence_goes_by_the_model_s_scores_and_asks_once_for_a_situation():
    model = Model(f"Here you are:\n```json\n{judged(fear=[10, 10, 10])}\n```")
    adviser = Coherence(scores_by_model(model))
    for message in (4, 5):
        given = adviser.advise(at("joy", "anger", message))
        assert EMOTIONS7[given.index(max(given))] == "fear"
    assert len(model.asked) == 1
    assert "last showed joy" in model.asked[0]
    assert "debtor last showed anger" in model.asked[0]
    assert "in the middle" in model.asked[0]


def test_a_reply_that_cannot_be_read_is_asked_for_again_and_then_an_error():
    model = Model("no idea", judged(fear=[2, 1, 1]))
    assert Coherence(scores_by_model(model)).advise(at())
    assert "not usable" in model.asked[1]
    for bad in (
        "no idea",
        judged(),
        "{}",
        "[1, 2]",
        judged(joy=[11, 0, 0]),
        judged(joy=[1, 2]),
        judged(joy="high"),
        '{"joy": ',
    ):
        with pytest.raises(BadReply, match="no usable answer in 2 tries"):
            Coherence(scores_by_model(Model(bad))).advise(at())


def test_the_model_orchestrates_among_the_recommendations():
    recommended = dict(zip(ADVISERS, (JOY, ANGER, JOY), strict=True))
    model = Model("I choose Anger.")
    assert choose_by_model(model, at(), recommended) == "anger"
    assert "game theory: joy; reinforcement: anger; coherence: joy" in model.asked[0]
    for bad in ("surprise", "joy or anger", ""):
        with pytest.raises(BadReply):
            choose_by_model(Model(bad), at(), recommended)


def test_an_orchestrated_policy_shows_what_its_model_says():
    policy = EmoMas(orchestrator=lambda prompt: prompt.rsplit(" ", 1)[1].rstrip("."))  # the last of the options
    shown = {policy.choose(View(BRIEF), Dice(number)) for number in range(50)}
    assert len(shown) > 1
    policy.learn(heard_view(("joy",), ("anger",)), 0.5, deal=True)


def test_the_model_is_called_within_the_limits_of_the_match(monkeypatch):
    opened = []

    def open_caller(uri, settings):
        opened.append((uri, settings.timeout, settings.patience))
        raise ModelDown("down")

    monkeypatch.setattr("poise.agents.models.calls.open_caller", open_caller)
    agents = find_agent("emomas:openai:down", "creditor"), find_agent("vanilla", "debtor")
    pairing = Pairing(*agents, PlaySettings(model_options={"timeout": 7, "patience": 0}))
    with pytest.raises(ModelDown):
        pairing.play(load_scenarios("builtin:0")[0], seed=1)
    assert opened == [("openai:down", 7, 0)]


def test_names_with_a_model_open_nothing_before_the_first_question():
    for argument in ("ollama:qwen2.5:7b", "orchestrator=openai:org/model"):
        assert isinstance(policies()["emomas"].make(argument), EmoMas)
    for wrong in ("llama", "orchestrator=", "scripted"):
        with pytest.raises(AgentError, match=r"emomas|none of"):
            make_emomas(wrong)
