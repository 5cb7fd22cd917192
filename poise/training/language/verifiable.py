"""The verifiable judge: scores one message from 1 to 10 by what can be checked, without a model.

Seven parts, each from 0 to 1:

    number      the decided number is stated and no other, by `poise.agents.voices.wording.check_wording`
    emotion     (p / max + p) / 2 with p what the detector gives the intended emotion and max what it gives the
                likeliest: how near it comes to that, and how sure it is; left out where no emotion was intended
    substance   half for each word or figure of the scenario, or of what the other side just said, that fits no other
                negotiation, up to 1; so a number alone, or with a feeling, has nothing of it
    conduct     no rule of conduct is broken
    length      5 to 40 words in at most three sentences, ending with a complete sentence
    repetition  1 minus the share of three-word runs that this or an earlier message of either seat already has
    topic       it stays on the subject: words of the scenario, the negotiation, of bargaining or feeling

The total is 1 + 9 times their weighted mean; the parts that nearly every message passes weigh least, so that scores
spread. Other parts cannot compensate for a grave fault: a wrong number caps the total at 4, a broken rule at 3, leaving
the negotiation ("as an AI ...") at 2, no words at 1. So an angrier word never compensates for a threat.

Differs from the reference: EmoDistill asks a language model (see `model_judge.py` for that).
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Final

from poise.agents.conduct import violations
from poise.agents.emotions.detector import Detection, EmotionReader, default_detector
from poise.agents.emotions.taxonomy import EMOTIONS28
from poise.agents.models.text import clean_reply, sentences
from poise.agents.protocols import View
from poise.agents.voices.prompts import BREAK, emotion_direction, plain_sentence
from poise.agents.voices.readout import offers_in
from poise.agents.voices.wording import WordingProblem, check_wording, read_move
from poise.common.errors import AgentError
from poise.games.domains import domain_words
from poise.games.moves import Move

WEIGHTS: Final[Mapping[str, float]] = {
    "number": 0.2,
    "emotion": 0.3,
    "substance": 0.2,
    "conduct": 0.05,
    "length": 0.05,
    "repetition": 0.1,
    "topic": 0.1,
}
TOP: Final = 3
_SPECIFIC: Final = 2  # words of the case for full marks
_WORDS: Final = (5, 40)
_SURE: Final = 0.75  # from this value on the emotion's part gives no reason
_FARTHEST: Final = 80
_SENTENCES: Final = 3
_KNOWN: Final = 0.65  # this share of known content words gets full marks
_WHOLE: Final = re.compile(r"[.!?\u2026][\"')\u201d\u2019]*$")
_WORD: Final = re.compile(r"[a-z]+")
_FIGURE: Final = re.compile(r"\d[\d,]+\d")
_TOKEN: Final = re.compile(r"[a-z']+|[0-9]+")


@dataclass(frozen=True, slots=True)
class JudgedMessage:
    """A message to judge, with what its speaker knew.

    text:    the words. view: what the seat saw. move: the decided one; None where the model decides.
    emotion: the intended one of the 28, or None. scenario_text: what the scenario says, for words of the subject.
    """

    text: str
    view: View
    move: Move | None
    emotion: str | None
    scenario_text: str = ""


@dataclass(frozen=True, slots=True)
class ReplyScore:
    """total: 1 to 10. parts: by name, 0 to 1 each. reasons: one sentence for each deduction."""

    total: float
    parts: Mapping[str, float] = field(default_factory=dict)
    reasons: tuple[str, ...] = ()


def judge(spoken: JudgedMessage, reader: EmotionReader | None = None) -> ReplyScore:
    """The score of a message; the same message always gets the same score. reader: None for the shipped detector."""
    said = clean_reply(spoken.text, () if spoken.emotion is None else (emotion_direction(spoken.emotion),))
    if not said:
        applicable = [name for name in WEIGHTS if name != "emotion" or spoken.emotion is not None]
        return ReplyScore(1.0, dict.fromkeys(applicable, 0.0), ("has no words",))
    found = {name: part(spoken, said) for name, part in _PARTS.items()}
    if spoken.emotion is not None:
        found["emotion"] = _emotion(spoken.emotion, (reader or default_detector()).read(said))
    parts = {name: round(value, 6) for name, (value, _) in found.items()}
    weight = sum(WEIGHTS[name] for name in parts)
    total = 1 + 9 * sum(WEIGHTS[name] * value for name, value in parts.items()) / weight
    caps = [cap for name, cap in (("number", 4.0), ("conduct", 3.0), ("topic", 2.0)) if parts[name] == 0]
    return ReplyScore(round(min(total, *caps, 10.0), 4), parts, tuple(reason for _, reason in found.values() if reason))


Part = tuple[float, str]


def _number(spoken: JudgedMessage, said: str) -> Part:
    if spoken.move is None:
        made = read_move(said, spoken.view)
        return (0.0, made.reason) if isinstance(made, WordingProblem) else (1.0, "")
    try:
        plain = plain_sentence(spoken.move, spoken.view)
    except AgentError:  # an acceptance of an offer that could not be read
        plain = ""
    problem = check_wording(said, spoken.move, spoken.view, plain)
    return (1.0, "") if problem is None else (0.0, problem.reason)


def emotion_rank(text: str, emotion: str, reader: EmotionReader | None = None) -> int:
    """The rank of `emotion` among the 28 in what `reader` (None: the shipped detector) reads in `text`.

    1 is the likeliest. What a model did not answer has rank 28: its other labels are all equally unlikely.
    """
    probabilities = (reader or default_detector()).read(text).twenty_eight
    intended = probabilities[EMOTIONS28.index(emotion)]
    return 1 + sum(probability > intended for probability in probabilities) if intended else len(EMOTIONS28)


def _emotion(intended: str, read: Detection) -> Part:
    probability, most = read.twenty_eight[EMOTIONS28.index(intended)], max(read.twenty_eight)
    value = (probability / most + probability) / 2
    if probability == most:
        return (
            value,
            "" if value > _SURE else f"{intended} is the likeliest in the reading, with {probability:.0%} only",
        )
    return value, f"{intended} has {probability:.0%} in the reading; it sounds like {read.label}"


def _conduct(spoken: JudgedMessage, said: str) -> Part:
    broken = violations(said, spoken.view.brief.seat, spoken.view.brief.domain)
    return (
        (1.0, "")
        if not broken
        else (0.0, "; ".join(f'{violation.rule}: "{violation.excerpt}"' for violation in broken))
    )


def _length(spoken: JudgedMessage, said: str) -> Part:
    words, parts = len(spoken.text.split()), len(sentences(said))
    low, high = _WORDS
    value = min(1.0, words / low, max(0.0, (_FARTHEST - words) / (_FARTHEST - high)))
    if value < 1:
        return value, f"has {words} words instead of {low} to {high}"
    if parts > _SENTENCES:
        return _SENTENCES / parts, f"has {parts} sentences instead of at most {_SENTENCES}"
    return (1.0, "") if _WHOLE.search(said) else (0.5, "ends in the middle of a sentence")


def _repetition(spoken: JudgedMessage, said: str) -> Part:
    """Sentences that state a number are left out: the same words about another number do not repeat anything."""
    unit = spoken.view.brief.unit
    runs = _runs(_without_numbers(said, unit))
    earlier = (_without_numbers(line.text, unit) for line in spoken.view.lines)
    before = {run for text in earlier for run in _runs(text)}
    again = [run for index, run in enumerate(runs) if run in before or run in runs[:index]]
    if not again:
        return 1.0, ""
    return 1 - len(again) / len(runs), f'repeats "{" ".join(again[0])}"'


def _without_numbers(text: str, unit: str) -> str:
    return " ".join(part for part in sentences(text) if not offers_in(part, unit))


def _runs(text: str) -> list[tuple[str, ...]]:
    words = _TOKEN.findall(text.lower())
    return list(zip(words, words[1:], words[2:], strict=False))


def _topic(spoken: JudgedMessage, said: str) -> Part:
    topics = _topics()
    if found := topics.leaves.search(spoken.text):
        return 0.0, f'leaves the negotiation: "{found[0].strip()[:40]}"'
    # A sentence with the number is on the subject in any case.
    content = topics.content(_without_numbers(said, spoken.view.brief.unit))
    subject = " ".join([spoken.scenario_text, domain_words(spoken.view.brief.domain).question, spoken.view.brief.unit])
    known = set(_WORD.findall(" ".join([subject, *(line.text for line in spoken.view.lines)]).lower()))
    foreign = [word for word in content if word not in known and not topics.known(word)]
    if not content or (share := 1 - len(foreign) / len(content)) >= _KNOWN:
        return 1.0, ""
    return max(0.05, share / _KNOWN), f"speaks of other things: {', '.join(dict.fromkeys(foreign[:5]))}"


def _substance(spoken: JudgedMessage, said: str) -> Part:
    """Words of bargaining, of feeling and of the domain's question fit any negotiation there and count for nothing."""
    topics, brief = _topics(), spoken.view.brief
    heard = [line.text for line in spoken.view.lines if line.seat != brief.seat][-1:]
    there = {word for text in (spoken.scenario_text, *heard) for word in _facts(text, brief.unit)}
    any_case = topics.content(f"{domain_words(brief.domain).question} {brief.unit}")
    specific = {word for word in _facts(said, brief.unit) if not topics.known(word)} & there - {*any_case}
    value = min(1.0, len(specific) / _SPECIFIC)
    return value, "" if value == 1 else "says little of the case, or of what was just said"


def _facts(text: str, unit: str) -> list[str]:
    """Words that mean something, and figures of three digits or more that are no offers."""
    offered = {str(each.value) for each in offers_in(text, unit)}
    figures = (figure.replace(",", "") for figure in _FIGURE.findall(text))
    return [*_topics().content(text), *(figure for figure in figures if figure not in offered)]


_PARTS: Final = {
    "number": _number,
    "substance": _substance,
    "conduct": _conduct,
    "length": _length,
    "repetition": _repetition,
    "topic": _topic,
}


@dataclass(frozen=True)
class _Topics:
    leaves: re.Pattern[str]
    beginnings: frozenset[str]
    empty: frozenset[str]

    def content(self, text: str) -> list[str]:
        """The words of `text` that mean something."""
        return [word for word in _WORD.findall(text.lower()) if len(word) > 2 and word not in self.empty]

    def known(self, word: str) -> bool:
        """Whether a word fits any negotiation, whatever it is about."""
        return any(word[:length] in self.beginnings for length in range(3, len(word) + 1))


@cache
def _topics() -> _Topics:
    data: dict[str, Any] = tomllib.loads(Path(__file__).with_name("topics.toml").read_text(encoding="utf-8"))
    beginnings = frozenset(data["talks"].split()) | frozenset(data["feelings"].split())
    leaves = re.compile("|".join(data["leaves"]), re.I)
    return _Topics(leaves, beginnings, frozenset(data["empty"].split()))


def split_direction(text: str) -> tuple[str, str]:
    """Split a prompt's last turn into what the other side said and the direction for this message."""
    heard, separator, direction = text.rpartition(BREAK)
    return (heard, direction) if separator else ("", text)


def mean_parts(scores: Sequence[ReplyScore]) -> dict[str, float]:
    """The mean of each part and of the total, over the scores that have it."""
    names = [name for name in WEIGHTS if any(name in each.parts for each in scores)]
    means = {name: [each.parts[name] for each in scores if name in each.parts] for name in names}
    found = {name: sum(values) / len(values) for name, values in means.items()}
    return found | {"total": sum(each.total for each in scores) / len(scores)} if scores else {}
