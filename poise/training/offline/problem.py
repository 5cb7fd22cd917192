"""Learning from a fixed data set: the settings of IQL, behaviour cloning and discrete CQL, and what they learn from."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Annotated, Any, Final, Literal, get_args

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from poise.agents.policies.learned.states import STATES, network_input
from poise.common.errors import ConfigError
from poise.common.processes import usable_cores
from poise.common.settings import CliOption, check_settings
from poise.common.words import did_you_mean
from poise.training.data.dataset import REWARDS, Floats, Transitions

Method = Literal["iql", "bc", "cql"]
METHODS: Final = get_args(Method)
SCALES: Final = ("returns", "largest", "none")
_MOST_THREADS: Final = 8


@dataclass(frozen=True, slots=True)
class OfflineSettings:
    """The settings of a training on a fixed data set; they and the data decide the artifact.

    method:    iql, bc (behaviour cloning) or cql (discrete CQL).
    reward:    v1 to v4, utility or judge; see `poise.training.data.rewards`. bc needs none.
    state:     published or extended; see `poise.agents.policies.learned.states`.
    faithful:  the published state as ten numbers, its last emotion a scalar.
    scale:     rewards are divided by the standard deviation of the returns, by the largest absolute reward (as
               released), or by nothing. It matters only relative to beta and alpha.
    steps:     gradient steps. batch: rows of each. rate: Adam's.
    gamma:     discount. tau: expectile of V, in (0.5, 1). beta: inverse temperature of the policy's weights, which are
               cut off at `cap`. polyak: share of the network that the target takes over with each step.
    alpha:     weight of CQL's conservative term. hidden: width of the two hidden layers.
    kept:      share of the scenarios whose negotiations are kept for the offline evaluation, in [0, 0.5].
    seed:      of the first weights and of the batches.
    threads:   torch's, whose number changes the last digits; None: the number of usable cores, at most 8, since the
               matrices are small. The artifact records it.
    """

    method: Method = "iql"
    reward: Annotated[str, CliOption(metavar="NAME"), Field(description="v1 to v4, utility or judge.")] = "v4"
    state: Annotated[
        str, CliOption(metavar="published|extended"), Field(description="The state that the network sees.")
    ] = "extended"
    faithful: Annotated[bool, Field(description="The published state as ten numbers, as released.")] = False
    scale: Annotated[
        str, CliOption(metavar="returns|largest|none"), Field(description="What rewards are divided by.")
    ] = "returns"
    steps: Annotated[int, Field(ge=1, le=100_000_000, description="Gradient steps.")] = 20_000
    batch: Annotated[int, Field(ge=1, le=65_536, description="Rows of a gradient step.")] = 256
    rate: Annotated[float, Field(ge=1e-8, le=1.0, description="Adam's learning rate.")] = 3e-4
    gamma: Annotated[float, Field(ge=0.0, le=1.0, description="Discount.")] = 0.99
    tau: Annotated[float, Field(ge=0.5, le=0.9999, description="Expectile of the value.")] = 0.7
    beta: Annotated[float, Field(ge=0.0, le=1e4, description="Inverse temperature of the policy's weights.")] = 3.0
    cap: Annotated[float, Field(ge=1e-6, le=1e9)] = 100.0
    polyak: Annotated[float, Field(ge=1e-6, le=1.0)] = 0.005
    alpha: Annotated[float, Field(ge=0.0, le=1e4, description="Weight of the conservative term.")] = 1.0
    hidden: Annotated[int, Field(ge=1, le=8192, description="Width of the two hidden layers.")] = 256
    kept: Annotated[
        float, Field(ge=0.0, le=0.5, description="Share of the scenarios kept for the offline evaluation.")
    ] = 0.1
    seed: Annotated[int, Field(ge=0, le=2**63 - 1, description="The one seed; same seed, same result.")] = 0
    threads: Annotated[
        int | None, Field(ge=1, le=256, description="Threads of torch. Default: the number of cores, at most 8.")
    ] = None

    def __post_init__(self) -> None:
        choices = {
            "method": METHODS,
            "reward": (*REWARDS, "judge"),
            "state": STATES,
            "scale": SCALES,
        }
        for name, allowed in choices.items():
            if getattr(self, name) not in allowed:
                value = getattr(self, name)
                hint = did_you_mean(value, allowed)
                raise ConfigError(f"{name} {value!r} is refused; {hint}it can be {', '.join(allowed)}")
        if self.faithful and self.state != "published":
            raise ConfigError("faithful belongs to the published state; add --state published")
        check_settings(self)

    def to_dict(self) -> dict[str, Any]:
        """JSON data."""
        return asdict(self)

    def with_threads(self) -> OfflineSettings:
        """The same with the number of threads filled in for this machine."""
        return replace(self, threads=self.threads or min(usable_cores(), _MOST_THREADS))


@dataclass(frozen=True)
class OfflineProblem:
    """The training data, N rows as a network takes them.

    states, following: [N, width]. actions: [N]. rewards: [N], scaled.
    goes_on: [N], 0 where the negotiation ended, else 1.
    mask: [A], the actions that the data hold. unit: what rewards were divided by.
    rows: [N], which of the data set's rows these are.
    """

    states: Floats
    following: Floats
    actions: NDArray[np.int64]
    rewards: Floats
    goes_on: Floats
    mask: NDArray[np.bool_]
    unit: float
    rows: NDArray[np.int64]

    @property
    def width(self) -> int:
        """Numbers of a state."""
        return int(self.states.shape[1])


def problem_of(data: Transitions, settings: OfflineSettings) -> OfflineProblem:
    """The data as `settings` select and scale them.

    Raises:
        ConfigError: there is nothing to learn from: no rows, only one emotion, rewards missing or all equal.
    """
    if not len(data):
        raise ConfigError(
            "the data hold no transition; let a creditor that shows emotions play, as `poise train sweep`"
        )
    rewards = data.rewards[settings.reward] if settings.reward != "judge" else ((data.judge - 1) / 9).astype(np.float32)
    rows = np.flatnonzero(np.isfinite(rewards))
    if not len(rows):
        raise ConfigError(
            f"no message of the data has the reward {settings.reward!r}; name scores with `poise train dataset "
            "--scores FILE`, or train with another --reward"
        )
    mask = np.bincount(data.action[rows], minlength=len(data.mask)) > 0
    if mask.sum() < 2:
        raise ConfigError(
            "the data show only one emotion, so there is nothing to choose; add negotiations that show others, as "
            "`poise train sweep` makes them"
        )
    if settings.method != "bc" and np.ptp(rewards[rows]) == 0:
        raise ConfigError(
            f"all {len(rows)} rewards are {rewards[rows][0]:g}, so no emotion is better than another; train with "
            "another --reward, or add negotiations that end differently"
        )
    unit = _unit(data, rewards, settings)
    kind = settings.state
    states, following = (data.state, data.next_state) if kind == "published" else (data.extended, data.next_extended)
    return OfflineProblem(
        states=network_input(states[rows], kind, faithful=settings.faithful),
        following=network_input(following[rows], kind, faithful=settings.faithful),
        actions=data.action[rows],
        rewards=(rewards[rows] / unit).astype(np.float32),
        goes_on=(~data.done[rows]).astype(np.float32),
        mask=mask,
        unit=unit,
        rows=rows,
    )


def _unit(data: Transitions, rewards: Floats, settings: OfflineSettings) -> float:
    known = np.where(np.isfinite(rewards), rewards, 0.0)
    if settings.scale == "largest":
        return float(np.abs(known).max()) or 1.0
    if settings.scale == "returns":
        return float(np.bincount(data.episode, weights=known).std()) or 1.0
    return 1.0
