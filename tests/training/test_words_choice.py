"""Which pairs are learned from, and that every prompt learned from is one that run time makes."""

from __future__ import annotations

from dataclasses import replace

import pytest
from helpers.words_fakes import brief, pair, pairs
from hypothesis import given
from hypothesis import strategies as st

from poise.agents.emotions.taxonomy import EMOTIONS28
from poise.agents.protocols import ChatMessage, Line, Request, View
from poise.agents.voices.prompts import render
from poise.common.errors import ConfigError
from poise.games.moves import offer
from poise.training.language.choose import choose, with_emotion
from poise.training.language.judged_message import pair_key
from poise.training.language.settings import PairSelection
from poise.training.language.tokens import TokenExample
from poise.training.language.verifiable import ReplyScore


class Letters:
    """A chat whose tokens are the lengths of words."""

    def example(self, messages, reply):
        return TokenExample(
            tuple(len(word) for turn in messages for word in turn.content.split()), (len(reply.split()), 0)
        )


CHAT = Letters()
emotions = st.none() | st.sampled_from(EMOTIONS28)


@given(emotions, emotions, st.sampled_from([0, 2]))
def test_another_emotion_gives_the_very_prompt_that_run_time_makes(before, after, index):
    lines = [Line("debtor" if n % 2 else "creditor", f"I say {20 + n} days.", offer(20 + n)) for n in range(index)]
    request = Request(View(brief(), tuple(lines)), offer(30 + 2 * index), after)
    wanted = tuple(ChatMessage(*turn) for turn in render(request, "policy").messages())
    found = with_emotion(pair(0, index, before), after)
    assert found.messages == wanted
    assert found.emotion == after


def test_a_prompt_that_is_none_of_run_times_is_refused():
    made = pair(0, 0)
    with pytest.raises(ConfigError, match="poise train dataset"):
        with_emotion(replace(made, messages=(*made.messages[:-1], ChatMessage("user", "Say something."))), None)


def test_the_best_are_taken_and_whole_scenarios_set_aside():
    made = pairs(10)
    chosen = choose(made, PairSelection(top=0.6, held_out=2), CHAT)
    every = [*chosen.pairs, *chosen.held_pairs]
    assert len(every) == 12
    assert min(each.quality for each in every) >= sorted(each.quality for each in made)[-12]
    assert not {each.scenario for each in chosen.pairs} & {each.scenario for each in chosen.held_pairs}
    assert len(chosen.held_pairs) == len(chosen.held) >= 2


def test_best_by_a_judge_needs_every_score():
    made = pairs(3)
    scores = {pair_key(each): ReplyScore(1.0 + number) for number, each in enumerate(made)}
    chosen = choose(made, PairSelection(top=0.5, by="judge", held_out=0), CHAT, scores)
    assert list(chosen.sources) == made[:2:-1]
    del scores[pair_key(made[0])]
    with pytest.raises(ConfigError, match="has no score"):
        choose(made, PairSelection(by="judge"), CHAT, scores)


def test_the_datas_own_scores_count_where_no_file_is_given():
    made = [pair(0, 0, judge=3.0), pair(1, 0, judge=9.0)]
    assert choose(made, PairSelection(by="judge", top=0.5, held_out=0), CHAT).sources == (made[1],)


def test_what_is_read_in_a_reply_can_stand_for_what_was_intended():
    made = pair(0, 0, "fear", reply="I love this, thank you so much! I need the full payment in 30 days.")
    chosen = choose([made], PairSelection(top=1.0, emotions="read", held_out=0), CHAT)
    assert chosen.pairs[0].emotion in ("love", "gratitude")
    assert (
        "You feel love" in chosen.pairs[0].messages[-1].content or "gratitude" in chosen.pairs[0].messages[-1].content
    )
    assert chosen.sources == (made,)


@pytest.mark.parametrize(
    "wrong", [{"top": 0.0}, {"top": 1.1}, {"by": "luck"}, {"seat": "judge"}, {"emotions": "all"}, {"limit": -1}]
)
def test_a_choice_that_is_none_is_refused(wrong):
    with pytest.raises(ConfigError):
        PairSelection(**wrong)
