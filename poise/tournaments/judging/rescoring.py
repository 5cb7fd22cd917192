"""The result of a tournament under another rule for when negotiations end in a deal, from stored transcripts alone.

    referee    the moves, replayed: a deal once offers are within the tolerance, or on acceptance
    judge      the first message whose verdict is yes
    faithful   the words, as the released code of the papers reads them: the last number of each side within the
               tolerance and no refusal, or acceptance in so many words
    either     the earlier of `faithful` and `judge`, as EQ-Negotiator v2 does it

A deal that is no move's has the value of the last number said (EQ-Negotiator v2), or the rounded midpoint of each
side's last one (EmoMAS, EmoDistill). A number is the one that the words state, or the move's where they state none.

What was said stays said: a negotiation that the referee ended is over, whatever the rule says. Where the rule sees no
deal in it, it counts as none, and `Rescored.cut` counts it.

Differs from the reference: numbers are also read in words ("two weeks"); see `poise.agents.voices.readout`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, Final, Literal, get_args

from poise.agents.voices.intents import accepts, refuses
from poise.agents.voices.readout import read_offer
from poise.common.errors import BadInput
from poise.common.words import did_you_mean
from poise.games.metrics import score
from poise.games.moves import Seat, other
from poise.games.openspiel.terms import StandingOffer
from poise.games.openspiel.variants import load_variant
from poise.games.referee import Referee
from poise.games.rules import Rules
from poise.games.transcript import Message, Outcome, Transcript
from poise.tournaments.judging.asking import judged_transcripts
from poise.tournaments.statistics.bootstrap import DRAWS
from poise.tournaments.statistics.results import Standings
from poise.tournaments.statistics.standings import make_standings
from poise.tournaments.storage.rows import Row
from poise.tournaments.storage.store import read_snapshot

Rule = Literal["referee", "judge", "faithful", "either"]
Value = Literal["last", "midpoint"]
RULES: Final[tuple[str, ...]] = get_args(Rule)
VALUES: Final[tuple[str, ...]] = get_args(Value)
_Said = dict[Seat, StandingOffer]


@dataclass(frozen=True, slots=True)
class Rescored:
    """A tournament under another rule.

    judge:   whose verdicts they are; "" where the rule needs none.
    referee: deals as they were. deals: under the rule. earlier: of these, those that come before the referee's.
    added:   deals under the rule where the referee saw none.
    cut:     deals of the referee in which the rule sees none: the negotiation ended there, but might have continued.
    """

    rule: str
    value: str
    judge: str
    standings: Standings
    referee: int
    deals: int
    earlier: int
    added: int
    cut: int

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        counts = {field.name: getattr(self, field.name) for field in fields(self) if field.name != "standings"}
        return {**counts, "standings": self.standings.to_dict()}


def rescore_tournament(
    folder: Path | str, rule: str, value: str | None = None, judge: str | None = None, draws: int = DRAWS
) -> Rescored:
    """The standings of the tournament in `folder` under `rule`.

    value: "last" (default) or "midpoint"; for the referee's rule what its own close offers settle at, by default as in
    the tournament. judge: whose verdicts, asked for beforehand with `ask_judge`; None takes the tournament's own.
    Forfeits, repairs, usage and what else is counted by message stay as they were played.

    Raises BadInput for another rule or value, and where the rule needs verdicts and there are none.
    """
    _check(rule, value)
    snapshot = read_snapshot(folder)
    rows, config = {row.position: row for row in snapshot.rows}, snapshot.header.config
    asked = judge or config.get("judge")
    if rule in ("judge", "either") and not asked:
        raise BadInput(
            f"the rule {rule!r} needs verdicts, and {folder} was played without a judge; add --judge rules, or a model"
        )
    new: list[Row] = []
    for position, transcript in judged_transcripts(folder, judge if rule in ("judge", "either") else None):
        if position in rows:  # a run may have finished it since the rows were read
            new.append(_row(rows[position], rescore(transcript, rule, value)))
    return Rescored(
        rule=rule,
        value=value or ("last" if rule != "referee" else str(config.get("deal_value", "midpoint"))),
        judge=str(asked) if rule in ("judge", "either") else "",
        standings=make_standings(replace(snapshot, rows=new), draws),
        **_compare([rows[row.position] for row in new], new),
    )


def rescore(transcript: Transcript, rule: str, value: str | None = None) -> Transcript:
    """The negotiation as it would have ended under `rule`: up to the deal that the rule sees, and with its outcome.

    A failed negotiation stays failed where the rule sees no deal before that. A yes of the judge before any number was
    said is not a deal. Raises BadInput for another rule or value.
    """
    _check(rule, value)
    if rule == "referee":
        return _replayed(transcript, value)
    said: _Said = {}
    for message in transcript.messages:
        stated = read_offer(message.text, transcript.scenario.unit)
        number = message.move.value if stated is None else stated
        if number is not None:
            said[message.seat] = StandingOffer(number, message.index)
        if said and _SEES[rule](message, said, number, transcript):
            return _with_deal(transcript, message, _deal(message, said, number, value or "last"), rule)
    if transcript.outcome.ending != "deal":
        return transcript
    reason = f"Under the rule {rule!r} there is no deal in {len(transcript.messages)} messages; the referee saw one."
    return replace(transcript, outcome=Outcome("timeout", reason=reason))


def _check(rule: str, value: str | None) -> None:
    if rule not in RULES:
        raise BadInput(f"the rule {rule!r} does not exist; {did_you_mean(rule, RULES)}there are {', '.join(RULES)}")
    if value is not None and value not in VALUES:
        raise BadInput(f"the value {value!r} is neither {' nor '.join(map(repr, VALUES))}")


def _replayed(transcript: Transcript, value: str | None) -> Transcript:
    """The referee's outcome, from the moves; an agent that failed made none that could tell."""
    if transcript.outcome.ending == "failed":
        return transcript
    rules = _rules(transcript)
    rules = rules if value is None else replace(rules, deal_value=value)  # type: ignore[arg-type]  # checked before
    outcome = Referee(transcript.scenario, rules).outcome([message.move for message in transcript.messages])
    return transcript if outcome is None else replace(transcript, outcome=outcome)


def _rules(transcript: Transcript) -> Rules:
    known = {field.name for field in fields(Rules)}
    return Rules(**{name: value for name, value in transcript.rules.items() if name in known})


def _judge_sees(message: Message, _said: _Said, _number: int | None, _transcript: Transcript) -> bool:
    return message.verdict is True


def _words_say(message: Message, said: _Said, number: int | None, transcript: Transcript) -> bool:
    theirs = said.get(other(message.seat))
    if theirs is None:
        return False
    if number is None:
        return accepts(message.text)
    return abs(number - theirs.value) <= transcript.rules.get("tolerance", 0) and not refuses(message.text)


_SEES: Final[Mapping[str, Callable[[Message, _Said, int | None, Transcript], bool]]] = {
    "judge": _judge_sees,
    "faithful": _words_say,
    "either": lambda *about: _judge_sees(*about) or _words_say(*about),
}


def _deal(message: Message, said: _Said, number: int | None, value: str) -> StandingOffer:
    """What the negotiation settle at with `message`, and since which message that stands."""
    last = max(said.values(), key=lambda one: one.index)
    theirs = said.get(other(message.seat))
    if number is None or theirs is None or value == "last":
        return theirs if number is None and theirs is not None else last
    return StandingOffer((number + theirs.value + 1) // 2, message.index)


def _with_deal(transcript: Transcript, message: Message, deal: StandingOffer, rule: str) -> Transcript:
    game = load_variant(transcript.scenario, _rules(transcript))
    creditor, debtor = game.new_initial_state().worth(deal)
    amount = transcript.scenario.amount(deal.value)
    reason = f"Under the rule {rule!r} message {message.index + 1} is a deal at {amount}."
    return replace(
        transcript,
        messages=transcript.messages[: message.index + 1],
        outcome=Outcome("deal", deal.value, None, reason, (creditor, debtor)),
    )


def _row(row: Row, transcript: Transcript) -> Row:
    numbers = score(transcript)
    saved = numbers.savings if numbers.deal else (None, None)
    outcome = transcript.outcome
    return replace(
        row,
        ending=outcome.ending,
        by=outcome.by,
        value=outcome.value,
        rounds=numbers.rounds,
        creditor_utility=numbers.utilities[0],
        debtor_utility=numbers.utilities[1],
        creditor_savings=saved[0],
        debtor_savings=saved[1],
        collection=numbers.collection,
    )


def _compare(before: list[Row], after: list[Row]) -> dict[str, int]:
    pairs = list(zip(before, after, strict=True))
    deals = [(old.ending == "deal", new.ending == "deal") for old, new in pairs]
    shorter = [new.rounds < old.rounds for old, new in pairs]
    return {
        "referee": sum(old for old, _ in deals),
        "deals": sum(new for _, new in deals),
        "earlier": sum(old and new and short for (old, new), short in zip(deals, shorter, strict=True)),
        "added": sum(new and not old for old, new in deals),
        "cut": sum(old and not new for old, new in deals),
    }
