"""What a tournament's transcripts say of each creditor: how it ended, and how well the words did what was decided."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from poise.games.transcript import Transcript
from poise.tournaments.statistics.bootstrap import Estimate, Sums, estimate_all
from poise.tournaments.statistics.wilson import success
from poise.tournaments.storage.store import Store
from poise.training.language.judged_message import spoken_in
from poise.training.language.verifiable import TOP, emotion_rank, judge

PER_MESSAGE = ("first try", "repaired", "emotion", "feeling", "said again", "tokens", "score")
PER_MATCH = ("utility", "success", "messages", "violations")
SHARES = ("success", "first try", "repaired", "emotion", "feeling")  # of matches or messages: each is one or is not


@dataclass(frozen=True)
class Match:
    """One match: where it belongs, its values by measure, and what each counts for (messages, or 1).

    asked: how often each emotion was asked of the creditor's words, and in how many of them it is heard.
    """

    creditor: str
    debtor: str
    scenario: int
    repeat: int
    values: dict[str, float]
    counts: dict[str, float]
    asked: dict[str, tuple[int, int]]


class Played:
    """The matches of one tournament; creditors and debtors by their names on the page."""

    def __init__(self, folder: Path, creditors: list[str], debtors: list[str], seed: int) -> None:
        self.creditors, self.debtors, self.seed = creditors, debtors, seed
        with Store.read(folder) as store:
            rows = store.rows()
            told = list(store.transcripts())
            usages = [_usage(document) for _, _, document in store.documents()]
        self.failed = sum(row.ending == "failed" for row in rows)
        self.seconds = sum(row.seconds for row in rows)
        self.matches = [
            Match(creditors[row.creditor], debtors[row.debtor], row.scenario, row.repeat, *_measured(one, usage))
            for row, one, usage in zip(rows, told, usages, strict=True)
        ]
        self._scenarios = 1 + max(match.scenario for match in self.matches)

    def estimates(self, measure: str, debtors: list[str] | None = None) -> dict[str, Estimate | None]:
        """The mean of a measure with its 95 % interval over scenarios, for each creditor; None where nothing counts."""
        if measure in SHARES:
            return {name: self._share(measure, name, debtors) for name in self.creditors}
        within = {"utility": (0.0, 1.0), "tokens": (0.0, np.inf), "messages": (0.0, np.inf), "score": (1.0, 10.0)}
        sums = []
        for name in self.creditors:
            own = self._of(name, debtors)
            scenarios = np.array([each.scenario for each in own], dtype=np.int64)
            values = np.array([each.values[measure] for each in own])
            counts = np.array([each.counts.get(measure, 1.0) for each in own])
            sums.append(Sums(scenarios, values, self._scenarios, counts, within.get(measure, (0.0, 1.0))))
        found = estimate_all(sums, self.seed)
        return {
            name: one if total.number.sum() else None
            for name, one, total in zip(self.creditors, found, sums, strict=True)
        }

    def asked(self, name: str) -> dict[str, tuple[int, int]]:
        """How often each emotion was asked of a creditor's words, and in how many of them it is heard."""
        total: dict[str, tuple[int, int]] = {}
        for each in self._of(name, None):
            for emotion, (times, heard) in each.asked.items():
                before = total.get(emotion, (0, 0))
                total[emotion] = before[0] + times, before[1] + heard
        return total

    def _of(self, name: str, debtors: list[str] | None) -> list[Match]:
        return [each for each in self.matches if each.creditor == name and each.debtor in (debtors or self.debtors)]

    def _share(self, measure: str, name: str, debtors: list[str] | None) -> Estimate | None:
        """With Wilson's interval at the effective sample size (`poise.tournaments.statistics.wilson`)."""
        ones, counts = np.zeros(self._scenarios), np.zeros(self._scenarios)
        for each in self._of(name, debtors):
            ones[each.scenario] += each.values[measure]
            counts[each.scenario] += each.counts.get(measure, 1.0)
        return success(ones, counts) if counts.any() else None

    def gains(self, than: str, debtors: list[str] | None = None) -> dict[str, Estimate | None]:
        """The mean difference in utility from the creditor `than`, paired by debtor, scenario and seed."""
        place = {(each.creditor, each.debtor, each.scenario, each.repeat): each for each in self.matches}
        sums = []
        for name in self.creditors:
            pairs = [
                (each.scenario, each.values["utility"] - place[than, *key[1:]].values["utility"])
                for key, each in place.items()
                if key[0] == name and (than, *key[1:]) in place and key[1] in (debtors or self.debtors)
            ]
            scenarios = np.array([scenario for scenario, _ in pairs], dtype=np.int64)
            sums.append(Sums.of_pairs(scenarios, np.array([gain for _, gain in pairs]), self._scenarios))
        return dict(zip(self.creditors, estimate_all(sums, self.seed), strict=True))


def _usage(document: bytes) -> list[dict[str, float]]:
    import orjson

    return list(orjson.loads(document).get("per_message", ()))


def _measured(
    transcript: Transcript, spent: list[dict[str, float]]
) -> tuple[dict[str, float], dict[str, float], dict[str, tuple[int, int]]]:
    """Values of a `Match`: sums over the creditor's messages that a model worded, how many they are, and `asked`."""
    own = [message for message in transcript.messages if message.seat == "creditor" and message.wording.attempts]
    spoken = dict(spoken_in(transcript, "creditor"))
    scores = [judge(spoken[message.index]) for message in own]
    felt = [message for message in own if message.emotion is not None]
    warm = [message for message in felt if message.emotion != "neutral"]
    heard = [message for message in felt if emotion_rank(message.text, str(message.emotion)) <= TOP]
    values = {
        "first try": sum(message.wording.attempts == 1 and not message.wording.repaired for message in own),
        "repaired": sum(message.wording.repaired for message in own),
        "emotion": len(heard),
        "feeling": sum(message.emotion != "neutral" for message in heard),
        "said again": sum(1 - score.parts["repetition"] for score in scores if "repetition" in score.parts),
        "tokens": sum(spent[message.index].get("reply_tokens", 0) for message in own if message.index < len(spent)),
        "score": sum(score.total for score in scores),
        "utility": transcript.outcome.utilities[0],
        "success": float(transcript.outcome.ending == "deal"),
        "messages": float(len(transcript.messages)),
        "violations": float(sum(len(message.violations) for message in own)),
    }
    counts = {**dict.fromkeys(PER_MESSAGE, float(len(own))), "emotion": float(len(felt)), "feeling": float(len(warm))}
    times, hits = (Counter(str(message.emotion) for message in each) for each in (felt, heard))
    asked = {emotion: (times[emotion], hits[emotion]) for emotion in times}
    return {name: float(value) for name, value in values.items()}, counts, asked
