r"""The simulated world: how a debtor's hidden state moves, what it shows and what it gives, as probabilities.

A debtor has a disposition h, drawn once a match, and a hidden state s, one of the tracker's four. The creditor's
message is read, by the debtor's own detector, as probabilities p(c) of the seven emotions. Then, in this order:

    state     T(s'|s,c) = (1 - |v|) [(1 - d) 1(s'=s) + d rest(s')] + max(v, 0) 1(s'=cooperative) + max(-v, 0) resort(s')
              s' ~ (1 - q(1-R)) sum_c p(c) T(s'|s,c) + q(1-R) resort(s')     v = v_h(s, c), the pull; d, rest, resort
                                                                             those of h
    giving    given' = min(1, given + g k(s') (1 - r + r R))     of the way to the creditor's first offer; g drawn once
    leaving   with probability min(1, leave(s') + a(s') h max(0, I - m)), once the negotiation is under way
    showing   P(e | s', e-, p) ~ own(e|e-) [sum_c p(c) reply(e|c) / m(e)] shows(s', e) shows_h(e)

e- is the emotion it showed last (m, the marginal of `reply`, before the first). own and reply are how human emotions
follow each other, in the next message of the same and of the other speaker; that they are independent given e is an
assumption. In a world with noise, p is what the debtor takes for what was read, and words show e as the channel has it
(`poise.agents.simulated.channel`); e- is what was shown.

A pull of 1 brings the debtor round for certain, one of -1 drives it to where its disposition takes refuge.

R and I are how the debtor answers what the creditor concedes (`Answers`); a world whose r, q and h are 0 answers words
alone, and then R and I play no part.

T is linear in p: an emotion read half as surely pulls half as often, so being readable pays, and the expected
transition under a noisy reading is that of the mean reading.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from operator import mul
from typing import Any, Final

from poise.agents.emotions.tables import STATES, Row, Table
from poise.agents.emotions.taxonomy import EMOTIONS7
from poise.agents.simulated.channel import Channel
from poise.common.errors import AgentError
from poise.common.words import did_you_mean

COOPERATIVE: Final = STATES.index("cooperative")


@dataclass(frozen=True, slots=True)
class State:
    """One hidden state.

    gives:  k, how fast it concedes; 1 is the debtor's own pace.
    leaves: probability of walking away with a message made in it.
    shows:  7 weights that multiply what human dynamics would show.
    """

    gives: float
    leaves: float
    shows: Row


@dataclass(frozen=True, slots=True)
class Disposition:
    """One kind of debtor; rows over states are in the order of STATES, those over emotions in that of EMOTIONS7.

    weight: its share of the world's debtors. start: where it begins. rest, drift: where it drifts and how fast.
    resort: where a negative pull drives it. shows: 7 weights on top of the state's. pulls: v, 4 x 7, in [-1, 1].
    """

    name: str
    summary: str
    weight: float
    start: Row
    rest: Row
    drift: float
    resort: Row
    shows: Row
    pulls: Table

    def transition(self, state: int, emotion: int) -> Row:
        """T(. | state, emotion read with certainty), 4 probabilities."""
        pull, drift = self.pulls[state][emotion], self.drift
        free, round_, away = 1 - abs(pull), max(pull, 0.0), max(-pull, 0.0)
        return tuple(
            free * ((1 - drift) * (new == state) + drift * rest) + round_ * (new == COOPERATIVE) + away * resort
            for new, (rest, resort) in enumerate(zip(self.rest, self.resort, strict=True))
        )


@dataclass(frozen=True, slots=True)
class Dynamics:
    """How human emotions follow each other: P(e | own emotion before) and P(e | the other's emotion), 7 x 7 each.

    marginal: how often each comes as a reply, 7 probabilities.
    """

    own: Table
    reply: Table
    marginal: Row


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast debtors concede: g = median * exp(spread * z), z a standard normal; g is a share of the way a message.

    stays: own messages before a debtor may leave.
    """

    median: float
    spread: float
    stays: int


@dataclass(frozen=True, slots=True)
class Answers:
    """How debtors answer what the creditor concedes.

    With C_j the share of the way between the two openings that the creditor has conceded with its message j, from 0:

        R_j = clip((C_j - C_{j-w}) / (w x), 0, 1)            1 for j = 0; over j messages where j < w
        I_j = max(0, I_{j-1} + (1 - R_j) - heal R_j)         I_{-1} = 0

    reciprocity: r, how much of its giving hangs on R. expected: x, the share of the way expected with each message.
    window: w, messages that it looks back over. pull: q, how strongly standing still drives it to its refuge.
    hazard: h, the probability of leaving for each message of impatience beyond `patience`, m. heal: how much impatience
    a message of full movement takes away. temper: a, 4 factors on the hazard, in the order of STATES.
    """

    reciprocity: float = 0.0
    expected: float = 0.04
    window: int = 3
    pull: float = 0.0
    hazard: float = 0.0
    patience: float = 6.0
    heal: float = 0.5
    temper: Row = (0.5, 1.5, 1.0, 1.0)

    @property
    def silent(self) -> bool:
        """Whether the debtor answers words alone: then nothing of this is a setting of the world."""
        return self.reciprocity == self.pull == self.hazard == 0

    def movement(self, conceded: Sequence[float]) -> float:
        """R_j in [0, 1], from C_0 to C_j."""
        back = min(len(conceded) - 1, self.window)
        if back < 1:
            return 1.0
        return min(1.0, max(0.0, (conceded[-1] - conceded[-1 - back]) / (back * self.expected)))

    def impatience(self, before: float, movement: float) -> float:
        """I_j >= 0, from I_{j-1} and R_j."""
        return max(0.0, before + (1 - movement) - self.heal * movement)

    def giving(self, movement: float) -> float:
        """1 - r + r R, the factor on what the debtor gives."""
        return 1 - self.reciprocity + self.reciprocity * movement

    def leaving(self, state: int, impatience: float) -> float:
        """The probability that impatience adds to that of leaving, a h max(0, I - m)."""
        return self.temper[state] * self.hazard * max(0.0, impatience - self.patience)


@dataclass(frozen=True, slots=True, eq=False)
class World:
    """A population of debtors. labels: for each of the seven, the labels of the 28 to show it by, with weights.

    digest: twelve letters that identify its `settings`. evaluation: it is kept for evaluation, and training refuses it.
    """

    name: str
    dynamics: Dynamics
    states: tuple[State, ...]
    dispositions: tuple[Disposition, ...]
    pace: Pace
    labels: Mapping[str, Mapping[str, float]]
    answers: Answers = Answers()
    channel: Channel = field(default_factory=Channel)
    evaluation: bool = False
    digest: str = field(init=False)
    _into: Mapping[str, tuple[tuple[Row, ...], ...]] = field(init=False, repr=False)
    _own: Mapping[str, tuple[tuple[Row, ...], ...]] = field(init=False, repr=False)
    _echo: tuple[Row, ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        after = (*self.dynamics.own, self.dynamics.marginal)  # the last row stands for "nothing shown yet"
        into: dict[str, tuple[tuple[Row, ...], ...]] = {}
        shown: dict[str, tuple[tuple[Row, ...], ...]] = {}
        for kind in self.dispositions:
            into[kind.name] = _into(kind)
            shown[kind.name] = tuple(
                tuple(tuple(map(mul, map(mul, row, state.shows), kind.shows)) for state in self.states) for row in after
            )
        set_ = object.__setattr__
        set_(self, "_into", into)
        set_(self, "_own", shown)
        set_(self, "_echo", _ratios(self.dynamics))
        text = json.dumps(self.settings(), sort_keys=True)
        set_(self, "digest", hashlib.sha256(text.encode()).hexdigest()[:12])

    def disposition(self, name: str) -> Disposition:
        """The disposition of that name."""
        by_name = {disposition.name: disposition for disposition in self.dispositions}
        if name not in by_name:
            hint = did_you_mean(name, by_name)
            raise AgentError(f"world {self.name!r} has no disposition {name!r}; {hint}it has {', '.join(by_name)}")
        return by_name[name]

    def moves(self, disposition: str, state: int, seven: Sequence[float]) -> list[float]:
        """Probabilities of the next state, 4, after reading `seven`."""
        return [sum(map(mul, seven, column)) for column in self._into[disposition][state]]

    def moves_when(self, disposition: str, state: int, seven: Sequence[float], movement: float) -> list[float]:
        """The same where the creditor moves by `movement`, R: standing still drives the debtor to its refuge."""
        moves, stuck = self.moves(disposition, state, seven), self.answers.pull * (1 - movement)
        if not stuck:
            return moves
        resort = self.disposition(disposition).resort
        return [(1 - stuck) * move + stuck * refuge for move, refuge in zip(moves, resort, strict=True)]

    def shown(self, disposition: str, state: int, last: int | None, seven: Sequence[float]) -> list[float]:
        """Weights of the emotion to show, 7 (not normalised), after `last` (None: the first) and reading `seven`."""
        weights = self._own[disposition][-1 if last is None else last][state]
        return [weight * sum(map(mul, seven, column)) for weight, column in zip(weights, self._echo, strict=True)]

    def declared(self) -> dict[str, Any]:
        """The settings of an agent that plays in this world."""
        kept = {"evaluation": True} if self.evaluation else {}
        noise = {"channel": asdict(self.channel)} if self.channel.noise else {}
        return {"world": {"name": self.name, "digest": self.digest, **kept, **noise}}

    def settings(self) -> dict[str, Any]:
        """JSON data that identifies the world: two that behave alike are equal, whatever their comments say."""
        kinds = [asdict(disposition) for disposition in self.dispositions]
        for kind in kinds:
            del kind["summary"]
        data = {
            "dynamics": asdict(self.dynamics),
            "states": [asdict(state) for state in self.states],
            "dispositions": kinds,
            "pace": asdict(self.pace),
            "labels": {emotion: dict(weights) for emotion, weights in self.labels.items()},
        }
        if not self.answers.silent:
            data["answers"] = asdict(self.answers)
        if self.channel.noise:
            data["channel"] = asdict(self.channel)
        plain: dict[str, Any] = json.loads(json.dumps(data))
        return plain


def _into(kind: Disposition) -> tuple[tuple[Row, ...], ...]:
    """For each state and next state, the probabilities of that move by emotion read, 7."""
    rows = [[kind.transition(state, emotion) for emotion in range(len(EMOTIONS7))] for state in range(len(STATES))]
    return tuple(tuple(zip(*by_emotion, strict=True)) for by_emotion in rows)


def _ratios(dynamics: Dynamics) -> tuple[Row, ...]:
    """For each emotion e to show, reply(e|c) / m(e) by emotion c read, 7."""
    columns = zip(*dynamics.reply, strict=True)
    return tuple(
        tuple(value / share for value in column) for column, share in zip(columns, dynamics.marginal, strict=True)
    )
