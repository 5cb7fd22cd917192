"""Which pairs are learned from, and in what form.

EmoDistill learns from the best tenth of the creditor's messages by `quality` (this step's reward + half of the
episode's); where one of them is too long, the next best takes its place. `by="judge"` takes the best by a judge's score
instead. Some scenarios are set aside, on which the loss is measured before and after.

The emotion sentences of a prompt's direction can be those of the `intended` emotion (as the prompt has them), those of
the emotion that the detector `read` in the reply (so that the model learns what words sound like what, whatever the
speaker had meant), or `none` (the emotion-free variant). In each case the prompt is byte for byte one that run time
makes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any, Final, Literal, get_args

from poise.agents.emotions.detector import default_detector
from poise.agents.voices.prompts import emotion_direction
from poise.common.errors import ConfigError
from poise.common.seeds import Dice
from poise.training.data.dataset import PromptReply
from poise.training.language.judged_message import not_empty, pair_key
from poise.training.language.tokens import Chat, TokenExample
from poise.training.language.verifiable import ReplyScore

Measure = Literal["quality", "judge"]
Emotions = Literal["intended", "read", "none"]
Who = Literal["creditor", "debtor", "both"]
_LARGEST_SHARE: Final = 0.2  # of the pairs, set aside for the loss


@dataclass(frozen=True, slots=True)
class PairSelection:
    """What is chosen.

    top: the share of the best, (0, 1]. by: the measure. seat: whose messages. emotions: see the module's head.
    limit: pairs at most, the best ones; 0 for all.
    held_out: pairs set aside at least (about a fifth at most), in whole scenarios.
    max_len: tokens of prompt and reply at most; max_reply: of the reply, its end included, as at run time. Longer ones
        are left out: a prompt that is cut is none of run time's.
    seed: of what is set aside.
    """

    top: float = 0.1
    by: Measure = "quality"
    seat: Who = "creditor"
    emotions: Emotions = "intended"
    limit: int = 0
    held_out: int = 32
    max_len: int = 1024
    max_reply: int = 48
    seed: int = 0

    def __post_init__(self) -> None:
        kinds = (("by", self.by, Measure), ("seat", self.seat, Who), ("emotions", self.emotions, Emotions))
        for name, given, kind in kinds:
            if given not in get_args(kind):
                raise ConfigError(f"{name} {given!r} is none of {', '.join(get_args(kind))}")
        if not 0 < self.top <= 1:
            raise ConfigError(f"top {self.top} is not a share above 0 and up to 1; 0.1 is the best tenth")
        if self.limit < 0 or self.held_out < 0 or self.max_len < 16 or self.max_reply < 2:
            raise ConfigError("limit and held_out are 0 or more, max_len 16 or more and max_reply 2 or more")


@dataclass(frozen=True)
class Chosen:
    """Pairs with their tokens.

    sources: the same pairs as they stand in the data, with the emotion that was intended.
    held_pairs, held: what was set aside. left_out: how many were left out, by reason.
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
    """The pairs to learn from.

    scores: by `pair_key`, for `by="judge"`; without them the pairs' own judge rewards count.

    Raises:
        ConfigError: nothing is left, a score is missing, or a prompt is not one of run time.
    """
    left_out: Counter[str] = Counter()
    own = [pair for pair in pairs if choice.seat in (pair.seat, "both")]
    not_empty(len(own), f"none of the {len(pairs)} pairs is the {choice.seat}'s")
    values = [_value(pair, choice.by, scores) for pair in own]
    order = sorted(range(len(own)), key=lambda index: (-values[index], index))
    most = max(1, round(choice.top * len(own)))
    fitting = _fitting((own[index] for index in order), choice, chat, left_out)
    best = list(islice(fitting, min(most, choice.limit or most)))
    not_empty(len(best), f"none of {len(own)} pairs can be learned from ({_reasons(left_out)})")
    aside = _aside([pair for pair, _, _ in best], choice)
    learned = [each for each in best if _scenario(each[0]) not in aside]
    held = [each for each in best if _scenario(each[0]) in aside]
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
    """(pair, as it is learned from, its tokens) of those that are not too long."""
    for pair in pairs:
        told = _told(pair, choice.emotions)
        example = chat.example(told.messages, told.reply)
        if _fits(example, choice, left_out):
            yield pair, told, example


def _fits(example: TokenExample, choice: PairSelection, left_out: Counter[str]) -> bool:
    if len(example.reply) > choice.max_reply:
        left_out[f"reply longer than {choice.max_reply} tokens"] += 1
        return False
    if len(example) > choice.max_len:
        left_out[f"longer than {choice.max_len} tokens"] += 1
        return False
    return True


def _reasons(left_out: Counter[str]) -> str:
    return ", ".join(f"{count} {reason}" for reason, count in left_out.items()) or "there are none"


def _value(pair: PromptReply, by: Measure, scores: Mapping[str, ReplyScore] | None) -> float:
    return pair.quality if by == "quality" else score_of(pair, scores)


def score_of(pair: PromptReply, scores: Mapping[str, ReplyScore] | None) -> float:
    """A judge's score of a pair's reply.

    Raises:
        ConfigError: there is none.
    """
    if scores is None:
        own = pair.rewards.get("judge")
    else:
        found = scores.get(pair_key(pair))
        own = None if found is None else found.total
    if own is None:
        raise ConfigError(
            f"message {pair.index} of match {pair.match!r} ({pair.source}) has no score, and a missing one counts for "
            "nothing; score the data first: `poise train score --data DIR --judge verifiable`"
        )
    return own


def _aside(best: Sequence[PromptReply], choice: PairSelection) -> set[tuple[str, str]]:
    """The scenarios whose pairs are held out; one at least stays to be learned from."""
    sizes = Counter(_scenario(pair) for pair in best)
    order = Dice(choice.seed, "held out").rng().permutation(len(sizes))
    most = min(choice.held_out, max(1, int(_LARGEST_SHARE * len(best))))
    aside: set[tuple[str, str]] = set()
    for place in order[:-1]:
        if sum(sizes[each] for each in aside) >= most:
            break
        aside.add(list(sizes)[place])
    return aside


def _scenario(pair: PromptReply) -> tuple[str, str]:
    return (pair.domain, pair.scenario)


def _told(pair: PromptReply, emotions: Emotions) -> PromptReply:
    """The pair with the emotion sentences that were asked for."""
    if emotions == "intended":
        return pair
    if emotions == "none":
        return with_emotion(pair, None)
    return with_emotion(pair, default_detector().read(pair.reply).label)


def with_emotion(pair: PromptReply, emotion: str | None) -> PromptReply:
    """The pair as if `emotion` had been asked for (None: no emotion): the very prompt that run time would make.

    Raises:
        ConfigError: its prompt does not hold the emotion sentences that it should.
    """
    before = "" if pair.emotion is None else f"{emotion_direction(pair.emotion)} "
    after = "" if emotion is None else f"{emotion_direction(emotion)} "
    last = pair.messages[-1]
    head, found, tail = last.content.rpartition("\n\n")
    if not tail.startswith(before):
        raise ConfigError(
            f"the prompt of message {pair.index} of match {pair.match!r} does not ask for {pair.emotion} as run time "
            "does; make the data again with `poise train dataset`"
        )
    told = last._replace(content=f"{head}{found}{after}{tail.removeprefix(before)}")
    return replace(pair, emotion=emotion, messages=(*pair.messages[:-1], told))
