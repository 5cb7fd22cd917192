"""Chooses the pairs to learn from, and the emotion that each prompt asks for.

EmoDistill learns from the best tenth of the creditor's messages by `quality` (the reward of this step + half of the
episode's); a message that is too long is replaced by the next best. `by="judge"` ranks by a judge's score instead. Some
scenarios are held out; the loss on them is measured before and after training.

The emotion sentences of a prompt's direction can be those of the `intended` emotion (as the prompt has them), those of
the emotion that the detector `read` in the reply (so that the model learns which words express which emotion, whatever
the speaker intended), or `none` (the emotion-free variant). Each prompt is byte for byte one that run time makes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any, Final

from poise.agents.emotions.detector import default_detector
from poise.agents.voices.prompts import emotion_direction
from poise.common.errors import ConfigError
from poise.common.seeds import Dice
from poise.training.data.dataset import PromptReply
from poise.training.language.judged_message import not_empty, pair_key
from poise.training.language.settings import Emotions, PairSelection
from poise.training.language.tokens import Chat, TokenExample
from poise.training.language.verifiable import ReplyScore

_LARGEST_SHARE: Final = 0.2  # of the pairs are held out for the loss


@dataclass(frozen=True)
class Chosen:
    """Pairs with their tokens.

    sources: the same pairs as in the data, with the intended emotion.
    held_pairs, held: what was held out. left_out: the number of pairs left out, by reason.
    """

    pairs: tuple[PromptReply, ...]
    examples: tuple[TokenExample, ...]
    sources: tuple[PromptReply, ...] = ()
    held_pairs: tuple[PromptReply, ...] = ()
    held: tuple[TokenExample, ...] = ()
    left_out: Mapping[str, int] | None = None

    def summary(self) -> dict[str, Any]:
        """JSON data for the provenance."""
        return {"pairs": len(self.pairs), "held_out": len(self.held_pairs), "left_out": dict(self.left_out or {})}


def choose(
    pairs: Sequence[PromptReply], choice: PairSelection, chat: Chat, scores: Mapping[str, ReplyScore] | None = None
) -> Chosen:
    """Choose the pairs to learn from.

    scores: by `pair_key`, for `by="judge"`; None uses the pairs' own judge rewards.

    Raises:
        ConfigError: no pair is left, a score is missing, or a prompt is not one that run time makes.
    """
    left_out: Counter[str] = Counter()
    candidates = [pair for pair in pairs if choice.seat in (pair.seat, "both")]
    not_empty(len(candidates), f"none of the {len(pairs)} pairs is the {choice.seat}'s")
    values = [pair.quality if choice.by == "quality" else score_of(pair, scores) for pair in candidates]
    order = sorted(range(len(candidates)), key=lambda index: (-values[index], index))
    most = max(1, round(choice.top * len(candidates)))
    fitting = _fitting((candidates[index] for index in order), choice, chat, left_out)
    best = list(islice(fitting, min(most, choice.limit or most)))
    reasons = ", ".join(f"{count} {reason}" for reason, count in left_out.items()) or "there are none"
    not_empty(len(best), f"none of {len(candidates)} pairs can be learned from ({reasons})")
    aside = _held_out_scenarios([pair for pair, _, _ in best], choice)
    learned = [row for row in best if _scenario(row[0]) not in aside]
    held = [row for row in best if _scenario(row[0]) in aside]
    return Chosen(
        pairs=tuple(pair for _, pair, _ in learned),
        examples=tuple(example for _, _, example in learned),
        sources=tuple(pair for pair, _, _ in learned),
        held_pairs=tuple(pair for _, pair, _ in held),
        held=tuple(example for _, _, example in held),
        left_out=dict(left_out),
    )


def _fitting(
    pairs: Iterable[PromptReply], choice: PairSelection, chat: Chat, left_out: Counter[str]
) -> Iterator[tuple[PromptReply, PromptReply, TokenExample]]:
    """(the pair, the pair with the emotion to learn, its tokens) of each pair that is short enough."""
    for pair in pairs:
        learned = _with_emotion_to_learn(pair, choice.emotions)
        example = chat.example(learned.messages, learned.reply)
        if _fits(example, choice, left_out):
            yield pair, learned, example


def _fits(example: TokenExample, choice: PairSelection, left_out: Counter[str]) -> bool:
    if len(example.reply) > choice.max_reply:
        left_out[f"reply longer than {choice.max_reply} tokens"] += 1
        return False
    if len(example) > choice.max_len:
        left_out[f"longer than {choice.max_len} tokens"] += 1
        return False
    return True


def score_of(pair: PromptReply, scores: Mapping[str, ReplyScore] | None) -> float:
    """A judge's score of a pair's reply.

    Raises:
        ConfigError: there is none.
    """
    if scores is None:
        score = pair.rewards.get("judge")
    else:
        given = scores.get(pair_key(pair))
        score = None if given is None else given.total
    if score is None:
        raise ConfigError(
            f"message {pair.index} of match {pair.match!r} ({pair.source}) has no score; "
            "score the data first: `poise train score --data DIR --judge verifiable`"
        )
    return score


def _held_out_scenarios(best: Sequence[PromptReply], choice: PairSelection) -> set[tuple[str, str]]:
    """The scenarios whose pairs are held out; at least one scenario is not."""
    sizes = Counter(_scenario(pair) for pair in best)
    order = Dice(choice.seed, "held out").rng().permutation(len(sizes))
    most = min(choice.held_out, max(1, int(_LARGEST_SHARE * len(best))))
    aside: set[tuple[str, str]] = set()
    for index in order[:-1]:
        if sum(sizes[scenario] for scenario in aside) >= most:
            break
        aside.add(list(sizes)[index])
    return aside


def _scenario(pair: PromptReply) -> tuple[str, str]:
    return (pair.domain, pair.scenario)


def _with_emotion_to_learn(pair: PromptReply, emotions: Emotions) -> PromptReply:
    """The pair with the emotion sentences that `emotions` asks for."""
    if emotions == "intended":
        return pair
    if emotions == "none":
        return with_emotion(pair, None)
    return with_emotion(pair, default_detector().read(pair.reply).label)


def with_emotion(pair: PromptReply, emotion: str | None) -> PromptReply:
    """The pair with the prompt that run time would make for `emotion` (None: for no emotion).

    Raises:
        ConfigError: its prompt does not contain the emotion sentences of its own emotion.
    """
    before = "" if pair.emotion is None else f"{emotion_direction(pair.emotion)} "
    after = "" if emotion is None else f"{emotion_direction(emotion)} "
    last = pair.messages[-1]
    head, separator, tail = last.content.rpartition("\n\n")
    if not tail.startswith(before):
        raise ConfigError(
            f"the prompt of message {pair.index} of match {pair.match!r} does not ask for {pair.emotion} as run time "
            "does; make the data again with `poise train dataset`"
        )
    changed = last._replace(content=f"{head}{separator}{after}{tail.removeprefix(before)}")
    return replace(pair, emotion=emotion, messages=(*pair.messages[:-1], changed))
