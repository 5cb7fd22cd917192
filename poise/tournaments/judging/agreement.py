"""How far a judge agrees with the referee, message by message and match by match."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

from poise.common.errors import BadInput
from poise.games.transcript import Message, Transcript
from poise.tournaments.judging.asking import judged_transcripts
from poise.tournaments.judging.counts import Counts
from poise.tournaments.storage.store import Store

EXAMPLES: Final = 6
_REASON: Final = 120  # characters of a reason by which like ones are counted together


@dataclass(frozen=True, slots=True)
class Disagreement:
    """A message on which judge and referee differ, with the one before; `agreed` is the judge's word."""

    position: int
    index: int
    scenario: str
    creditor: str
    debtor: str
    said: tuple[tuple[str, str], ...]
    agreed: bool


@dataclass(frozen=True, slots=True)
class Agreement:
    """A judge beside the referee.

    messages: every message with a verdict; the referee's yes is the message that ends the negotiation in a deal.
    matches:  every match; the judge's yes is a yes anywhere in it.
    together: matches in which both see a deal, with the very same message. unjudged: messages without a verdict, by
              reason. examples: one a match at most, each kind of disagreement in turn.
    """

    judge: str
    messages: Counts
    matches: Counts
    together: int
    unjudged: Mapping[str, int]
    examples: tuple[Disagreement, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "judge": self.judge,
            "messages": _plain(self.messages),
            "matches": _plain(self.matches) | {"same_message": self.together},
            "unjudged": dict(self.unjudged),
            "examples": [asdict(one) for one in self.examples],
        }


def _plain(counts: Counts) -> dict[str, Any]:
    share = counts.agreed / counts.total if counts.total else None
    return {**asdict(counts), "share": share, "interval": list(counts.interval), "kappa": counts.kappa}


def measure_agreement(folder: Path | str, judge: str | None = None, examples: int = EXAMPLES) -> Agreement:
    """Judge against referee over every finished match of the tournament in `folder`.

    judge: whose verdicts, asked for beforehand with `ask_judge`; None takes the tournament's own. examples: how many
    disagreements to show at most.

    Raises BadInput where there is no judge, StoreError where the folder cannot be used.
    """
    with Store.read(folder) as store:
        asked = judge or store.header().config.get("judge")
    if not asked:
        raise BadInput(f"{folder} was played without a judge; add --judge rules, or a model")
    tally = _Tally(examples)
    for position, transcript in judged_transcripts(folder, judge):
        tally.add(position, transcript)
    return Agreement(
        str(asked), tally.messages, tally.matches, tally.together, dict(tally.unjudged.most_common()), tally.examples()
    )


@dataclass
class _Tally:
    """Counts, transcript by transcript."""

    wanted: int
    messages: Counts = field(default_factory=Counts)
    matches: Counts = field(default_factory=Counts)
    together: int = 0
    unjudged: Counter[str] = field(default_factory=Counter)
    _differ: dict[bool, list[Disagreement]] = field(default_factory=lambda: {True: [], False: []})

    def add(self, position: int, transcript: Transcript) -> None:
        deal = transcript.outcome.ending == "deal"
        last = len(transcript.messages) - 1
        answers = [
            (message, deal and message.index == last, message.verdict)
            for message in transcript.messages
            if message.verdict is not None
        ]
        for _, referee, judge in answers:
            self.messages += Counts.one(referee, judge)
        self.matches += Counts.one(deal, any(judge for *_, judge in answers))
        first = next((message.index for message, _, judge in answers if judge), None)
        self.together += deal and first == last
        self.unjudged.update(one.unjudged[:_REASON] for one in transcript.messages if one.unjudged)
        self._keep(position, transcript, (message for message, referee, judge in answers if referee != judge))

    def _keep(self, position: int, transcript: Transcript, differing: Iterable[Message]) -> None:
        message = next(iter(differing), None)
        if message is None or message.verdict is None or len(self._differ[message.verdict]) >= self.wanted:
            return
        said = tuple((one.seat, one.text) for one in transcript.messages[max(0, message.index - 1) : message.index + 1])
        creditor, debtor = (str(each.get("name", "")) for each in (transcript.creditor, transcript.debtor))
        case = transcript.scenario.id
        example = Disagreement(position, message.index, case, creditor, debtor, said, message.verdict)
        self._differ[message.verdict].append(example)

    def examples(self) -> tuple[Disagreement, ...]:
        """Up to `wanted` of them, the two kinds in turn as far as there are both."""
        yes, no = self._differ[True], self._differ[False]
        half = self.wanted // 2
        few = max(half, self.wanted - len(no)), max(self.wanted - half, self.wanted - len(yes))
        return (*yes[: few[0]], *no[: few[1]])[: self.wanted]
