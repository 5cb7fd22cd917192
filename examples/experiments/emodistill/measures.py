"""Measures of each row of the page, from transcripts: outcomes, words, and effects on debtors.

The detector that reads emotions here had no part in selecting data, rewarding replies or moving debtors.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np
import orjson

from poise.agents.emotions.detector import EmotionReader
from poise.agents.models.text import sentences
from poise.agents.voices.readout import offers_in
from poise.games.transcript import Message, Transcript
from poise.tournaments.statistics.bootstrap import Estimate, Sums, estimate_all
from poise.tournaments.statistics.wilson import success
from poise.tournaments.storage.rows import conduct
from poise.tournaments.storage.store import Store
from poise.training.language.verifiable import TOP, emotion_rank

SHARES: Final = ("success", "first try", "repaired", "emotion", "feeling")  # of matches or messages: each is or is not
WITHIN: Final[Mapping[str, tuple[float, float]]] = {
    "tokens": (0.0, np.inf), "violations": (0.0, np.inf), "reversed": (0.0, np.inf), "aloud": (0.0, np.inf),
    "calmer": (-1.0, 1.0), "mood": (-2.0, 2.0),
}  # fmt: skip
TROUBLES: Final = {"reversed": "speaks for the other side", "aloud": "reads its direction aloud"}
"""How the record of a rejected reply begins, by what is counted of it (`poise.agents.voices`)."""


@dataclass(frozen=True)
class Match:
    """One match: its row and training, its cluster, its values by measure, and the weight of each.

    cluster: the scenario or the world, within which matches are dependent. asked: how often the creditor was to show
    each emotion, and in how many of these messages it is read.
    """

    row: str
    training: int
    debtor: str
    cluster: int
    repeat: int
    values: Mapping[str, float]
    counts: Mapping[str, float] = field(default_factory=dict)
    asked: Mapping[str, tuple[int, int]] = field(default_factory=dict)


class Played:
    """The matches of one tournament, by row."""

    def __init__(self, matches: Sequence[Match], seed: int = 0, failed: int = 0, seconds: float = 0.0) -> None:
        """seconds: wall-clock time of all matches together."""
        self.matches, self.seed, self.failed, self.seconds = list(matches), seed, failed, seconds
        self.rows = list(dict.fromkeys(match.row for match in matches))
        self.debtors = list(dict.fromkeys(match.debtor for match in matches))
        self._clusters = 1 + max((match.cluster for match in matches), default=0)

    @classmethod
    def read(
        cls,
        folder: Path,
        creditors: Sequence[tuple[str, int]],
        debtors: Sequence[str],
        reader: EmotionReader,
        seed: int,
    ) -> Played:
        """Read a store. creditors: row and training of each. debtors: the name of each; [] for worlds.

        Matches in worlds are clustered by world, others by scenario.
        """
        with Store.read(folder) as store:
            rows = list(store.rows())
            usages = [orjson.loads(document).get("per_message", ()) for _, _, document in store.documents()]
            measured = [
                measure(transcript, usage, reader)
                for transcript, usage in zip(store.transcripts(), usages, strict=True)
            ]
        matches = []
        for row, found in zip(rows, measured, strict=True):
            name = debtors[row.debtor] if debtors else f"world {row.debtor + 1}"
            place = (row.scenario, row.repeat) if debtors else (row.debtor, 1000 * row.scenario + row.repeat)
            matches.append(Match(*creditors[row.creditor], name, *place, *found))
        failed = sum(row.ending == "failed" for row in rows)
        return cls(matches, seed, failed, sum(row.seconds for row in rows))

    def of(self, debtors: Sequence[str]) -> Played:
        """The matches against some debtors."""
        return Played([match for match in self.matches if match.debtor in debtors], self.seed)

    def estimates(self, what: str) -> dict[str, Estimate | None]:
        """The mean of a measure with its 95 % interval, for each row over all its trainings; None if there is none."""
        if what in SHARES:
            return {name: self._share(what, name) for name in self.rows}
        sums = []
        for name in self.rows:
            own = [match for match in self.matches if match.row == name]
            counts = np.array([match.counts.get(what, 1.0) for match in own])
            values = np.array([match.values.get(what, 0.0) for match in own])
            sums.append(Sums(_places(own), values, self._clusters, counts, WITHIN.get(what, (0.0, 1.0))))
        return self._named(sums)

    def _named(self, sums: list[Sums]) -> dict[str, Estimate | None]:
        found = estimate_all(sums, self.seed)
        return {
            name: one if total.number.sum() else None for name, one, total in zip(self.rows, found, sums, strict=True)
        }

    def _share(self, what: str, name: str) -> Estimate | None:
        """With Wilson's interval at the effective sample size (`poise.tournaments.statistics.wilson`)."""
        ones, counts = np.zeros(self._clusters), np.zeros(self._clusters)
        for match in self.matches:
            if match.row == name:
                ones[match.cluster] += match.values[what]
                counts[match.cluster] += match.counts.get(what, 1.0)
        return success(ones, counts) if counts.any() else None

    def gains(self, than: str, what: str = "utility") -> dict[str, Estimate | None]:
        """The mean difference from the row `than`, paired by debtor, scenario, seed and, if both have it, training."""
        sums = []
        for name in self.rows:
            pairs = self._pairs(name, than, what)
            gained = np.array([gain for _, gain in pairs])
            sums.append(Sums.of_pairs(_places([match for match, _ in pairs]), gained, self._clusters))
        return self._named(sums)

    def trainings(self, name: str, than: str) -> list[float]:
        """The mean gain in utility of each training of a row."""
        gained: dict[int, list[float]] = {}
        for match, gain in self._pairs(name, than, "utility"):
            gained.setdefault(match.training, []).append(gain)
        return [float(np.mean(gains)) for gains in gained.values()]

    def _pairs(self, name: str, than: str, what: str) -> list[tuple[Match, float]]:
        """Each match of a row that has a counterpart, and the difference."""
        others: dict[tuple[object, ...], Match] = {}
        for match in self.matches:
            if match.row == than:
                others[match.training, match.debtor, match.cluster, match.repeat] = match
                others.setdefault((match.debtor, match.cluster, match.repeat), match)
        found = []
        for match in self.matches:
            key = match.debtor, match.cluster, match.repeat
            other = others.get((match.training, *key)) or others.get(key)
            if match.row == name and other and match.counts.get(what, 1.0) and other.counts.get(what, 1.0):
                found.append((match, match.values[what] - other.values[what]))
        return found

    def asked(self, name: str) -> dict[str, tuple[int, int]]:
        """How often a row was to show each emotion, and in how many of these messages it is read."""
        total: dict[str, tuple[int, int]] = {}
        for match in self.matches:
            for emotion, (times, heard) in match.asked.items() if match.row == name else ():
                before = total.get(emotion, (0, 0))
                total[emotion] = before[0] + times, before[1] + heard
        return total


def _places(matches: Sequence[Match]) -> np.ndarray:
    return np.array([match.cluster for match in matches], dtype=np.int64)


def measure(
    transcript: Transcript, spent: Sequence[Mapping[str, float]], reader: EmotionReader
) -> tuple[dict[str, float], dict[str, float], dict[str, tuple[int, int]]]:
    """Values, counts and `asked` of a `Match`; what is of words counts the creditor's messages that a model worded.

    success, utility: of the match. first try, repaired, tokens: see the page. emotion, feeling: the intended emotion
    (except neutral) is among the first TOP of `reader`, in any words. said again: sentences without a number that it
    said before. reversed, aloud: replies that were sent back for it, by the message. violations: by the creditor's
    messages. calmer: de-escalation as read. mood: the debtor's own, its last minus its first.
    """
    own = [message for message in transcript.messages if message.seat == "creditor"]
    worded = [message for message in own if message.wording.attempts]
    felt = [message for message in own if message.emotion is not None]
    heard = [message for message in felt if emotion_rank(message.text, str(message.emotion), reader) <= TOP]
    again, plain = _repeated(own, transcript.scenario.unit)
    moods = [message.mood for message in transcript.messages if message.seat == "debtor" and message.mood is not None]
    violations, _, _, calmer = conduct(transcript)
    per_message = {
        "first try": sum(message.wording.attempts == 1 and not message.wording.repaired for message in worded),
        "repaired": sum(message.wording.repaired for message in worded),
        "tokens": sum(spent[message.index].get("reply_tokens", 0) for message in worded if message.index < len(spent)),
        **{name: sum(problem.startswith(begin) for message in worded for problem in message.wording.problems)
           for name, begin in TROUBLES.items()},
    }  # fmt: skip
    of_others = {
        "emotion": (len(heard), len(felt)),
        "feeling": (_warm(heard), _warm(felt)),
        "said again": (again, plain),
        "violations": (violations, len(own)),
        "calmer": (calmer or 0.0, calmer is not None),
        "mood": (moods[-1] - moods[0] if moods else 0.0, bool(moods)),
    }
    values = {
        **per_message,
        **{name: value for name, (value, _) in of_others.items()},
        "utility": transcript.outcome.utilities[0],
        "success": transcript.outcome.ending == "deal",
    }
    counts = {**dict.fromkeys(per_message, len(worded)), **{name: count for name, (_, count) in of_others.items()}}
    times, hits = (Counter(str(message.emotion) for message in each) for each in (felt, heard))
    asked = {emotion: (times[emotion], hits[emotion]) for emotion in times}
    return _floats(values), _floats(counts), asked


def _floats(values: Mapping[str, float]) -> dict[str, float]:
    return {name: float(value) for name, value in values.items()}


def _warm(messages: Sequence[Message]) -> int:
    return sum(message.emotion != "neutral" for message in messages)


def _repeated(messages: Sequence[Message], unit: str) -> tuple[int, int]:
    """How many sentences without a number are repetitions, and how many there are."""
    before: set[str] = set()
    again = plain = 0
    for message in messages:
        said = [part.lower() for part in sentences(message.text) if not offers_in(part, unit)]
        plain, again = plain + len(said), again + sum(part in before for part in said)
        before.update(said)
    return again, plain
