"""Transcripts into training data: transitions of one seat, and prompt-reply pairs.

Unusable data are left out and counted by reason, never guessed: failed negotiations, messages without an
emotion (for transitions), words that no model produced (for pairs, unless asked for).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

import numpy as np

from poise.agents.emotions.taxonomy import EMOTIONS28
from poise.agents.policies.learned.states import EXTENDED, PUBLISHED, extended_state, published_state
from poise.agents.replay import Seen
from poise.games.moves import SEATS, Seat
from poise.games.transcript import Message, Transcript
from poise.training.data.dataset import REWARDS, PromptReply, Transitions
from poise.training.data.rewards import episode_rewards, qualities

_INDEX: Final = {label: place for place, label in enumerate(EMOTIONS28)}


@dataclass(frozen=True, slots=True)
class TrainingNegotiation:
    """One finished negotiation to learn from.

    match: its id in its source. source: "tournament DIR" or "dialogues FILE".
    judged: scores of its messages by index, 1 to 10. fitted: indices of messages whose words would be accepted from a
    model in a match; None for all.
    """

    transcript: Transcript
    match: str
    source: str
    judged: Mapping[int, float] = field(default_factory=dict)
    fitted: frozenset[int] | None = None


class Gatherer:
    """Collects negotiations one by one into `Transitions`.

    seat: whose messages.
    """

    def __init__(self, seat: Seat = "creditor") -> None:
        self.seat: Seat = seat
        self.left_out: Counter[str] = Counter()
        self.scenarios: dict[str, int] = {}
        self.matches: list[str] = []
        self._rows: dict[str, list[Any]] = {}
        self._episodes: dict[str, list[Any]] = {"scenario": [], "utility": []}

    def add(self, talk: TrainingNegotiation) -> None:
        """Add one negotiation; a failed one is counted and left out."""
        if talk.transcript.outcome.ending == "failed":
            self.left_out["negotiations that failed"] += 1
            return
        seen = Seen(talk.transcript, self.seat)
        usable = [number for number, each in enumerate(seen.messages) if each.emotion in _INDEX]
        self.left_out["messages without an emotion"] += len(seen.messages) - len(usable)
        if not usable:
            self.left_out["negotiations in which the seat showed no emotion"] += 1
            return
        self._add(talk, seen, usable)

    def _add(self, talk: TrainingNegotiation, seen: Seen, usable: Sequence[int]) -> None:
        case = talk.transcript.scenario
        rewards = episode_rewards(talk.transcript, self.seat)
        views = [seen.view(number) for number in range(len(seen.messages) + 1)]
        ordinary = [published_state(view) for view in views]
        extended = [extended_state(view) for view in views]
        chance = propensity(seen.declared)
        for number in usable:
            message = seen.messages[number]
            row = {
                "state": ordinary[number],
                "next_state": ordinary[number + 1],
                "extended": extended[number],
                "next_extended": extended[number + 1],
                "action": _INDEX[message.emotion or ""],
                "judge": talk.judged.get(message.index, float("nan")),
                "done": number == len(seen.messages) - 1,
                "propensity": chance,
                "episode": len(self.matches),
                "step": number,
                **{f"reward_{name}": rewards[number][name] for name in REWARDS},
            }
            for name, value in row.items():
                self._rows.setdefault(name, []).append(value)
        name = f"{case.domain} {case.id}"
        self._episodes["scenario"].append(self.scenarios.setdefault(name, len(self.scenarios)))
        self._episodes["utility"].append(talk.transcript.outcome.utilities[SEATS.index(self.seat)])
        self.matches.append(talk.match)

    def transitions(self) -> Transitions:
        """Everything added so far."""
        rows, width = self._rows, {"state": PUBLISHED, "extended": EXTENDED}
        count = len(rows.get("action", ()))

        def numbers(name: str) -> Any:
            return np.asarray(rows.get(name, ()), np.float32)

        states = {
            name: numbers(name).reshape(count, width[name.removeprefix("next_")])
            for name in ("state", "next_state", "extended", "next_extended")
        }
        return Transitions(
            **states,
            action=np.asarray(rows.get("action", ()), np.int64),
            rewards={name: numbers(f"reward_{name}") for name in REWARDS},
            judge=numbers("judge"),
            done=np.asarray(rows.get("done", ()), np.bool_),
            propensity=numbers("propensity"),
            episode=np.asarray(rows.get("episode", ()), np.int64),
            step=np.asarray(rows.get("step", ()), np.int64),
            scenario=np.asarray(self._episodes["scenario"], np.int64),
            utility=np.asarray(self._episodes["utility"], np.float32),
        )


def propensity(declared: Mapping[str, Any]) -> float:
    """The probability with which the declared agent chose each emotion that it showed; nan if unknown.

    It is known for `random` (1/28, random:7: 1/7) and of `fixed` (1).
    """
    name = str(declared.get("name", "")).split(",")[0].split("@")[0]
    base, _, argument = name.partition(":")
    if base == "random" and argument in ("", "28", "7"):
        return 1 / 7 if argument == "7" else 1 / len(EMOTIONS28)
    return 1.0 if base == "fixed" else float("nan")


def pairs_of(
    talk: TrainingNegotiation, seat: Seat, *, scripted: bool = False, left_out: Counter[str] | None = None
) -> list[PromptReply]:
    """The prompt-reply pairs of one seat.

    scripted: also pairs of words that no model produced. left_out: counts what was left out.
    """
    left_out = Counter() if left_out is None else left_out
    transcript, seen = talk.transcript, Seen(talk.transcript, seat)
    if transcript.outcome.ending == "failed":
        left_out["negotiations that failed"] += 1
        return []
    if not (seen.voiced or scripted):
        left_out["messages that no model worded"] += len(seen.messages)
        return []
    rewards = episode_rewards(transcript, seat)
    quality = qualities(rewards)
    found = []
    for number, message in enumerate(seen.messages):
        if reason := _unfit(talk, message):
            left_out[reason] += 1
            continue
        scored = {**rewards[number], "judge": talk.judged.get(message.index)}
        found.append(_pair(talk, seen, number, Worth(scored, quality[number])))
    return found


class Worth(NamedTuple):
    """Rewards of a message by name, and its quality."""

    rewards: Mapping[str, float | None]
    quality: float


def _pair(talk: TrainingNegotiation, seen: Seen, number: int, worth: Worth) -> PromptReply:
    case, message = talk.transcript.scenario, seen.messages[number]
    return PromptReply(
        domain=case.domain,
        scenario=case.id,
        match=talk.match,
        index=message.index,
        seat=seen.seat,
        emotion=message.emotion,
        messages=seen.prompt(number, "words"),  # since the reply to learn is only the words
        reply=message.text,
        move=message.move,
        rewards=worth.rewards,
        quality=worth.quality,
        source=talk.source,
        repaired=message.wording.repaired,
    )


def _unfit(talk: TrainingNegotiation, message: Message) -> str:
    if not message.text.strip():
        return "messages without words"
    if message.move.kind == "forfeit":
        return "messages without a usable move"
    if talk.fitted is not None and message.index not in talk.fitted:
        return "messages whose words do not state their number"
    return ""
