"""The checks that every policy must pass: it is asked which emotion to show in recorded negotiations."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from itertools import zip_longest
from typing import Any, Final, cast

from poise.agents.emotions.taxonomy import EMOTIONS28
from poise.agents.protocols import Brief, Learner, Line, Policy, View
from poise.agents.registry import find_agent, policy_maker
from poise.agents.replay import brief_of
from poise.common.errors import DeadlineExceeded
from poise.common.seeds import Dice, child_seed
from poise.games.moves import SEATS, Seat, other
from poise.games.rules import Rules
from poise.games.scenario import Scenario
from poise.games.transcript import Transcript
from poise.graphs.pairing import Pairing
from poise.testing.bench import OPPONENTS, SCENARIOS, SEED, within
from poise.testing.checks import Broken, Check, Hopeless, make_checks

_SEEDS: Final = 10
Choices = list[str | None]


def check_policy(
    policy: str | Callable[..., Any],
    seat: Seat = "creditor",
    *,
    scenarios: Sequence[Scenario] = SCENARIOS,
    seconds: float = 5.0,
    draws: bool = False,
) -> list[Check]:
    """Ask `policy` which emotion to show in recorded negotiations and check its answers; nothing is negotiated.

    policy:    a name, as `poise agents list` shows it; a function (view) or (view, dice); a class with `choose`; or a
               function without parameters that makes a policy.
    scenarios: what is negotiated. seconds: wall-clock time that an answer may take.
    draws:     the policy is declared to draw at random: its answers must then differ between seeds.

    A policy that hangs, fails to answer, or does not answer the same twice fails that check, and the checks that depend
    on it are left out.
    """
    subject = _Subject(*_maker(policy, seat), _recorded(seat, tuple(scenarios)), seconds)
    return make_checks(_checks(subject, draws), subject)


def _maker(policy: str | Callable[..., Any], seat: Seat) -> tuple[Callable[[], Policy], bool]:
    """(makes a fresh policy, whether it is shown the other side's notes)."""
    if isinstance(policy, str):
        found = find_agent(policy, seat)
        return found.make_policy, found.privileged
    if not isinstance(policy, type) and not inspect.signature(policy).parameters:
        return cast("Callable[[], Policy]", policy), False
    return policy_maker(policy, getattr(policy, "__name__", "policy")), False


@dataclass(frozen=True)
class _Recorded:
    """One negotiation from one seat's side: its views, and the transcript."""

    brief: Brief
    transcript: Transcript

    def turns(self) -> Iterator[tuple[View, dict[str, Any]]]:
        """(view without the policy's own contributions, the other side's notes) before each message of the seat."""
        messages = self.transcript.messages
        lines = tuple(Line(message.seat, message.text, message.move, message.tone) for message in messages)
        own = [message for message in messages if message.seat == self.brief.seat]
        readings = tuple(message.reading for message in own if message.reading is not None)
        for place, message in enumerate(own):
            before = messages[message.index - 1] if message.index else None
            read = readings[: place if self.brief.seat == "creditor" else place + 1]
            yield View(self.brief, lines[: message.index], read), dict(before.notes) if before else {}


@cache
def _recorded(seat: Seat, scenarios: tuple[Scenario, ...]) -> tuple[_Recorded, ...]:
    """Negotiations in which `vanilla` played the seat."""
    found = []
    for name in OPPONENTS[seat]:
        played = (find_agent("vanilla", seat), find_agent(name, other(seat)))
        pairing = Pairing(*(played if seat == SEATS[0] else played[::-1]))
        found += [_Recorded(brief_of(each, seat, Rules()), pairing.play(each, SEED).transcript) for each in scenarios]
    return tuple(found)


@dataclass
class _Subject:
    """Asks fresh policies; `first` and `notes` are the first one's answers, `changed` whether it changed its input."""

    make: Callable[[], Policy]
    privileged: bool
    negotiations: tuple[_Recorded, ...]
    seconds: float
    first: list[Choices] = field(default_factory=list)
    notes: list[Any] = field(default_factory=list)
    changed: bool = False

    def ask(self, policy: Policy, negotiation: _Recorded, seed: int = SEED) -> Iterator[str | None]:
        """The policy's choice for each message of the negotiation; at the end it learns, if it can."""
        shown: tuple[str | None, ...] = ()
        notes: Any = {}
        view = View(negotiation.brief)
        for bare, hidden in negotiation.turns():
            dice = Dice(child_seed(seed, negotiation.brief.seat))
            seen = {**notes, "other": hidden} if self.privileged else notes
            view = replace(bare, shown=shown, notes=seen)
            if callable(note := getattr(policy, "note", None)):
                notes = self._watch(note, view, dice.child(view.index, "note"))
                self.notes.append(notes)
                view = replace(view, notes=notes)
            emotion = self._watch(policy.choose, view, dice.child(view.index, "feel"))
            shown = (*shown, emotion)
            yield emotion
        if isinstance(policy, Learner):
            outcome = negotiation.transcript.outcome
            utility = outcome.utilities[SEATS.index(negotiation.brief.seat)]
            self._watch(policy.learn, view, utility, outcome.ending == "deal")

    def _watch(self, method: Callable[..., Any], view: View, *more: Any) -> Any:
        before = repr(view)
        result = within(self.seconds, lambda: method(view, *more))
        self.changed |= repr(view) != before
        return result

    def series(self, seed: int = SEED) -> list[Choices]:
        """The answers of one fresh policy in all the negotiations, one after the other."""
        policy = self.make()
        return [list(self.ask(policy, negotiation, seed)) for negotiation in self.negotiations]


def _checks(subject: _Subject, draws: bool) -> Iterator[tuple[str, Callable[[_Subject], None]]]:
    yield f"answers within {subject.seconds:g} s", _quick
    yield "always answers", _answers
    yield "shows emotions among the 28", _among_the_28
    yield "does not change the view", _unchanging
    yield "its notes are JSON data", _notes
    yield "same view and dice, same answer", _repeats
    if draws:
        yield "other seeds, other answers", _draws
    yield "two at once are independent", _apart
    yield "what it learned survives JSON", _remembers


def _quick(subject: _Subject) -> None:
    try:
        within(subject.seconds, subject.make)
        subject.first = subject.series()
    except DeadlineExceeded:
        raise Hopeless(
            f"no answer within {subject.seconds:g} s; look for a loop without an end, or for work that belongs before "
            "the match"
        ) from None
    except Exception:  # noqa: BLE001, S110 - the next check reports it
        pass


def _answers(subject: _Subject) -> None:
    if not subject.first:
        try:
            subject.series()
        except Exception as error:
            raise Hopeless(f"{type(error).__name__}: {error}") from error


def _among_the_28(subject: _Subject) -> None:
    for choices in subject.first:
        for emotion in choices:
            if emotion is not None and emotion not in EMOTIONS28:
                raise Broken(f"it shows {emotion!r}; name one of the 28, or None")


def _repeats(subject: _Subject) -> None:
    if subject.series() != subject.first:
        raise Hopeless("a fresh policy answers the same questions differently; draw only from `dice`")


def _draws(subject: _Subject) -> None:
    if all(subject.series(seed) == subject.first for seed in range(SEED + 1, SEED + _SEEDS)):
        raise Broken(f"{_SEEDS} seeds give the same answers; draw from `dice`, or do not declare that it draws")


def _apart(subject: _Subject) -> None:
    """Two policies asked in turn, in two negotiations, must answer as they do alone."""
    recorded = subject.negotiations[0], subject.negotiations[-1]
    alone = [list(subject.ask(subject.make(), negotiation)) for negotiation in recorded]
    asked = [subject.ask(subject.make(), negotiation) for negotiation in recorded]
    beside = list(zip_longest(*asked))  # one answer of each in turn
    if beside != list(zip_longest(*alone)):
        raise Broken("two of them asked in turn answer differently; keep what it remembers in `self`, not in the class")


def _unchanging(subject: _Subject) -> None:
    if subject.changed:
        raise Broken("it changes the view it is shown; make a copy and change that")


def _notes(subject: _Subject) -> None:
    for notes in subject.notes:
        if json.loads(json.dumps(notes)) != notes:
            raise Broken(f"the notes {notes!r} come back from JSON as something else; write text keys and lists")


def _remembers(subject: _Subject) -> None:
    """A fresh policy with the memory must continue like the one that learned it, after one negotiation and all."""
    if not isinstance(subject.make(), Learner):
        return
    for recorded in (subject.negotiations[:1], subject.negotiations):
        learner, again = (cast("Any", subject.make()) for _ in range(2))
        for negotiation in recorded:
            list(subject.ask(learner, negotiation))
        again.restore(json.loads(json.dumps(learner.memory())))
        continued = [
            [list(subject.ask(policy, negotiation, SEED + 1)) for negotiation in subject.negotiations]
            for policy in (learner, again)
        ]
        if continued[0] != continued[1] or learner.memory() != again.memory():
            raise Broken("after restore(memory()) it answers differently; put all that it learned into memory()")
