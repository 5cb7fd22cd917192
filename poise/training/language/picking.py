"""Picks pairs to learn words from: whole negotiations in which the number is right and the emotion can be read.

The intended emotion often cannot be read in the words: nine tenths of the published dialogues read as neutral. So each
reply is paired with the emotion that it does show: the likeliest one that is not neutral, if the detector ranks it
first or second and it is the intended one or likely enough; neutral if that was intended and ranks first. The
verifiable judge then decides which replies are good enough.

Negotiations are taken whole, because messages of one negotiation share the beginnings of their prompts, which are
computed once (`prefix_tree.py`). Negotiations in which the speaker accepts come first: an acceptance is said once in a
negotiation and would hardly be learned otherwise. Then come those with the least to compute for each good reply.

Differs from the reference: EmoDistill takes the best tenth of all messages by reward, with the intended emotion
(`choose.py`).
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from poise.agents.emotions.detector import EmotionReader, default_detector
from poise.agents.emotions.detectors import fitted_detector
from poise.agents.emotions.taxonomy import EMOTIONS28
from poise.common.errors import ConfigError, StoreError
from poise.common.files import replace_file
from poise.common.seeds import Dice
from poise.tournaments.storage.errors import only_run
from poise.training.data.dataset import PAIRS, PromptReplies, PromptReply, read_pairs
from poise.training.language.choose import with_emotion
from poise.training.language.judged_message import spoken_of
from poise.training.language.settings import Picking
from poise.training.language.verifiable import judge

NEUTRAL: Final = "neutral"


@dataclass(frozen=True)
class Picked:
    """pairs: one negotiation after the other. emotions, left_out: the number of pairs by emotion and by reason."""

    pairs: Sequence[PromptReply]
    emotions: Mapping[str, int]
    left_out: Mapping[str, int]


def pick(pairs: Sequence[PromptReply], how: Picking) -> Picked:
    """The pairs of the negotiations in which the speaker accepts, then of those that cost the least computing.

    Replies that were repaired are left out: their words are not the model's. Where no negotiation has enough good
    pairs, nothing is picked.
    """
    left_out: Counter[str] = Counter()
    by_match: dict[tuple[str, str, str], list[PromptReply]] = {}
    reader = fitted_detector(how.detector)
    for pair in pairs:
        if how.seat in (pair.seat, "both") and (good := _if_good(pair, how, reader, left_out)) is not None:
            by_match.setdefault((pair.source, pair.match, pair.seat), []).append(good)
    order = Dice(how.seed, "picking").rng().permutation(len(by_match))
    negotiations = list(by_match.values())
    picked: list[PromptReply] = []
    neutral = 0
    for index in sorted(order, key=lambda index: _cost(negotiations[index])):
        good_pairs = list(_limit_neutral(negotiations[index], neutral, how.neutral * how.pairs))
        if len(good_pairs) < how.talk:
            left_out["in negotiations with too few good replies"] += len(negotiations[index])
            continue
        if len(picked) >= how.pairs:
            break
        picked += good_pairs
        neutral += sum(pair.emotion == NEUTRAL for pair in good_pairs)
    emotions = Counter(str(pair.emotion) for pair in picked)
    return Picked(picked, dict(emotions.most_common()), dict(left_out))


def _cost(negotiation: Sequence[PromptReply]) -> tuple[bool, int]:
    """Lower is better: (nothing is accepted, hundreds of characters to compute for each pair)."""
    longest = max(sum(len(turn.content) for turn in pair.messages) for pair in negotiation)
    return all(pair.move.kind != "accept" for pair in negotiation), round(longest / len(negotiation) / 100)


def _limit_neutral(negotiation: Sequence[PromptReply], neutral: int, most: float) -> Iterator[PromptReply]:
    """The pairs, but for neutral ones beyond `most`; neutral: how many were picked before."""
    for pair in negotiation:
        if pair.emotion == NEUTRAL:
            neutral += 1
            if neutral > most:
                continue
        yield pair


def _if_good(pair: PromptReply, how: Picking, reader: EmotionReader, left_out: Counter[str]) -> PromptReply | None:
    """The pair with the emotion that can be read in its reply; None if it is not good enough."""
    if pair.repaired:
        left_out["repaired replies"] += 1
        return None
    if len(pair.reply.split()) > how.words or len(pair.messages) > how.turns:
        left_out["long replies or prompts"] += 1
        return None
    emotion = heard(pair.reply, pair.emotion, how.likely, reader)
    if emotion is None:
        left_out["without an emotion that can be read"] += 1
        return None
    learned = with_emotion(pair, emotion)
    if judge(spoken_of(learned), reader).total < how.least:
        left_out[f"score below {how.least:g}"] += 1
        return None
    return learned


def heard(reply: str, intended: str | None, likely: float, reader: EmotionReader | None = None) -> str | None:
    """The emotion that can be read in a reply, see the module's docstring; None if there is none."""
    probabilities = (reader or default_detector()).read(reply).twenty_eight
    first, second = sorted(range(len(EMOTIONS28)), key=lambda index: (-probabilities[index], index))[:2]
    if intended == EMOTIONS28[first]:
        return intended
    best = second if EMOTIONS28[first] == NEUTRAL else first
    return EMOTIONS28[best] if EMOTIONS28[best] == intended or probabilities[best] >= likely else None


def write_picked(sources: Sequence[tuple[Path, Picking]], out: Path) -> PromptReplies:
    """Pick from each source and write the pairs as `out`/pairs.jsonl; the same picks from before are kept.

    Raises:
        BadInput: a source is damaged, or none of its pairs is good enough.
        StoreError: the folder holds other pairs, or cannot be written.
    """
    read = [(read_pairs(source), how) for source, how in sources]
    asked = [{"sha256": data.digest, **how.to_dict()} for data, how in read]
    with only_run(out):
        if (path := out / PAIRS).exists():
            earlier = read_pairs(path)
            if earlier.header.get("picked", {}).get("sources") != asked:
                raise StoreError(f"{path} holds other pairs and is not overwritten; name another folder with --out")
            return earlier
        picks = _pick_all([(data.pairs, how) for data, how in read])
        pairs = [pair for picked in picks for pair in picked.pairs]
        evaluation = {str(data.header.get("evaluation", "unknown")) for data, _ in read}
        header = {
            "format": 1,
            "kind": "pairs",
            "pairs": len(pairs),
            "evaluation": evaluation.pop() if len(evaluation) == 1 else "let in",
            "picked": {
                "sources": asked,
                "emotions": _add_counts(picked.emotions for picked in picks),
                "left_out": _add_counts(picked.left_out for picked in picks),
            },
        }
        try:
            out.mkdir(parents=True, exist_ok=True)
            lines = [json.dumps(header), *(json.dumps(pair.to_dict()) for pair in pairs)]
            replace_file(path, ("\n".join(lines) + "\n").encode())
        except OSError as error:
            raise StoreError(
                f"{path} cannot be written ({error.strerror or error}); free some space, and repeat"
            ) from None
        return read_pairs(path)


def _pick_all(sources: Sequence[tuple[Sequence[PromptReply], Picking]]) -> list[Picked]:
    """From each source in order; those with a share get it of all that is picked, or what there is of it.

    Raises:
        ConfigError: the shares leave nothing for others, there are no others, or no pair of these is good enough.
    """
    shares = sum(how.share for _, how in sources)
    counted = {place: pick(pairs, how) for place, (pairs, how) in enumerate(sources) if not how.share}
    if not counted or shares >= 1:
        raise ConfigError(
            f"shares of {shares:.0%} leave nothing to be a share of; give a number of pairs to one source"
        )
    total = sum(len(picked.pairs) for picked in counted.values()) / (1 - shares)
    if not total:
        left_out = _add_counts(picked.left_out for picked in counted.values())
        reasons = ", ".join(f"{count} {reason}" for reason, count in left_out.items())
        raise ConfigError(f"no pair is good enough ({reasons}); lower --least or --talk")
    picks = []
    for place, (pairs, how) in enumerate(sources):
        most = int(how.share * total)
        picks.append(counted[place] if place in counted else _cut(pick(pairs, replace(how, pairs=max(1, most))), most))
    return picks


def _cut(picked: Picked, most: int) -> Picked:
    """Its first `most` pairs."""
    pairs = picked.pairs[:most]
    return replace(picked, pairs=pairs, emotions=dict(Counter(str(pair.emotion) for pair in pairs).most_common()))


def _add_counts(counts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    total: Counter[str] = Counter()
    for part in counts:
        total.update(part)
    return dict(total)
