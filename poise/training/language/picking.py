"""Pairs worth learning words from: whole talks in which the number is right and the emotion can be heard.

What a speaker was meant to feel is often not to be heard in what it said: nine tenths of the published dialogues read
as neutral. So each reply is told with the emotion that it does show: the likeliest that is not neutral, if it comes
first or second in the detector's reading and is the intended one or likely enough; neutral where that was intended and
comes first. The verifiable judge then says which replies are good enough.

Talks are taken whole, as messages of one talk share the beginnings of their prompts, which are computed once
(`forest.py`). Those come first in which the speaker accepts, as that is said once in a talk and would hardly be learned
otherwise; then those with the least to compute for each good reply.

Differs from the reference: EmoDistill takes the best tenth of all messages by reward, with the emotion that was meant
(`choose.py`).
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from poise.agents.emotions.detector import default_detector
from poise.agents.emotions.taxonomy import EMOTIONS28
from poise.common.errors import ConfigError, StoreError
from poise.common.files import replace_file
from poise.common.seeds import Dice
from poise.training.data.dataset import PAIRS, PromptReplies, PromptReply, read_pairs
from poise.training.language.choose import Who, with_emotion
from poise.training.language.judged_message import spoken_of
from poise.training.language.verifiable import judge

NEUTRAL: Final = "neutral"


@dataclass(frozen=True, slots=True)
class Picking:
    """What is picked from one set of data.

    pairs: at most; the last talk may go beyond it. seat: whose words.
    least: the lowest score of the verifiable judge (1 to 10). likely: how likely the detector must find an emotion that
    a reply is told with (0 to 1). neutral: the largest share of neutral replies. talk: pairs that a talk must have.
    words: of a reply at most. turns: of a prompt at most; later messages of a talk are left out.
    """

    pairs: int = 1000
    seat: Who = "creditor"
    least: float = 8.0
    likely: float = 0.15
    neutral: float = 0.15
    talk: int = 2
    words: int = 34
    turns: int = 15
    seed: int = 0

    def __post_init__(self) -> None:
        if self.pairs < 1 or self.talk < 1 or self.words < 1 or self.turns < 1:
            raise ConfigError("pairs, the pairs of a talk, words and turns are 1 or more")
        if not (1 <= self.least <= 10 and 0 <= self.likely <= 1 and 0 <= self.neutral <= 1):
            raise ConfigError("the lowest score is from 1 to 10; likely and neutral are shares from 0 to 1")

    def to_dict(self) -> dict[str, Any]:
        """JSON data."""
        return asdict(self)


@dataclass(frozen=True)
class Picked:
    """pairs: talk after talk. emotions: how many pairs are told with each. left_out: how many were, by reason."""

    pairs: Sequence[PromptReply]
    emotions: Mapping[str, int]
    left_out: Mapping[str, int]


def pick(pairs: Sequence[PromptReply], how: Picking) -> Picked:
    """The pairs of the talks in which an offer is accepted, then of those that cost the least computing.

    Raises:
        ConfigError: no talk has enough of them.
    """
    left_out: Counter[str] = Counter()
    talks: dict[tuple[str, str, str], list[PromptReply]] = {}
    for pair in pairs:
        if how.seat in (pair.seat, "both") and (good := _good(pair, how, left_out)) is not None:
            talks.setdefault((pair.source, pair.match, pair.seat), []).append(good)
    order = Dice(how.seed, "picking").rng().permutation(len(talks))
    listed = list(talks.values())
    found: list[PromptReply] = []
    calm = 0
    for place in sorted(order, key=lambda place: _rank(listed[place])):
        talk = list(_with_few_neutral(listed[place], calm, how.neutral * how.pairs))
        if len(talk) < how.talk:
            left_out["in talks with too few good replies"] += len(listed[place])
            continue
        if len(found) >= how.pairs:
            break
        found += talk
        calm += sum(pair.emotion == NEUTRAL for pair in talk)
    if not found:
        reasons = ", ".join(f"{count} {reason}" for reason, count in left_out.items())
        raise ConfigError(f"none of {len(pairs)} pairs is good enough ({reasons}); lower --least or --talk")
    emotions = Counter(str(pair.emotion) for pair in found)
    return Picked(found, dict(emotions.most_common()), dict(left_out))


def _rank(talk: Sequence[PromptReply]) -> tuple[bool, int]:
    """The less the better: whether nothing is accepted; letters to compute for each pair, in hundreds."""
    longest = max(sum(len(turn.content) for turn in pair.messages) for pair in talk)
    return all(pair.move.kind != "accept" for pair in talk), round(longest / len(talk) / 100)


def _with_few_neutral(talk: Sequence[PromptReply], calm: int, most: float) -> Iterator[PromptReply]:
    for pair in talk:
        if pair.emotion == NEUTRAL:
            calm += 1
            if calm > most:
                continue
        yield pair


def _good(pair: PromptReply, how: Picking, left_out: Counter[str]) -> PromptReply | None:
    """The pair, told with an emotion that can be heard; None where it is not good enough."""
    if len(pair.reply.split()) > how.words or len(pair.messages) > how.turns:
        left_out["long replies or talks"] += 1
        return None
    emotion = heard(pair.reply, pair.emotion, how.likely)
    if emotion is None:
        left_out["no emotion to be heard"] += 1
        return None
    told = with_emotion(pair, emotion)
    if judge(spoken_of(told)).total < how.least:
        left_out[f"score below {how.least:g}"] += 1
        return None
    return told


def heard(reply: str, intended: str | None, likely: float) -> str | None:
    """The emotion that a reply can be said to show, see the module's head; None where none can be heard."""
    found = default_detector().read(reply).twenty_eight
    first, second = sorted(range(len(EMOTIONS28)), key=lambda place: (-found[place], place))[:2]
    if intended == EMOTIONS28[first]:
        return intended
    best = second if EMOTIONS28[first] == NEUTRAL else first
    return EMOTIONS28[best] if EMOTIONS28[best] == intended or found[best] >= likely else None


def write_picked(sources: Sequence[tuple[Path, Picking]], out: Path) -> PromptReplies:
    """Pick from each source and write the pairs as `out`/pairs.jsonl; what was picked so before is kept.

    Raises:
        BadInput: a source is damaged, or nothing in it is good enough.
        StoreError: the folder holds other pairs, or cannot be written.
    """
    read = [(read_pairs(source), how) for source, how in sources]
    asked = [{"sha256": each.digest, **how.to_dict()} for each, how in read]
    if (path := out / PAIRS).exists():
        earlier = read_pairs(path)
        if earlier.header.get("picked", {}).get("sources") != asked:
            raise StoreError(f"{path} holds other pairs, and is not written over; name another folder with --out")
        return earlier
    found = [pick(each.pairs, how) for each, how in read]
    pairs = [pair for each in found for pair in each.pairs]
    evaluation = {str(each.header.get("evaluation", "unknown")) for each, _ in read}
    header = {
        "format": 1,
        "kind": "pairs",
        "pairs": len(pairs),
        "evaluation": evaluation.pop() if len(evaluation) == 1 else "let in",
        "picked": {
            "sources": asked,
            "emotions": _added(each.emotions for each in found),
            "left_out": _added(each.left_out for each in found),
        },
    }
    try:
        out.mkdir(parents=True, exist_ok=True)
        lines = [json.dumps(header), *(json.dumps(pair.to_dict()) for pair in pairs)]
        replace_file(path, ("\n".join(lines) + "\n").encode())
    except OSError as error:
        raise StoreError(f"{path} cannot be written ({error.strerror or error}); free some space, and repeat") from None
    return read_pairs(path)


def _added(counts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    total: Counter[str] = Counter()
    for each in counts:
        total.update(each)
    return dict(total)
