"""EmoDebt's Bayesian optimisation of an emotion chain, by ask and tell; see `poise.agents.policies.emodebt`.

    EI(p) = E[max(0, g(p) - g+ - xi)] = (mu - g+ - xi) Phi(z) + sigma phi(z),      z = (mu - g+ - xi) / sigma

with mu, sigma the Gaussian process's mean and deviation at p = vec(P), Phi and phi those of the standard normal
distribution (D. Jones, M. Schonlau & W. Welch 1998, https://doi.org/10.1023/A:1008306431147). The process is
scikit-learn's `GaussianProcessRegressor` with a constant times a Matern kernel and, unless `faithful`, white noise.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

from poise.agents.emotions.parameters import EMOTION_COUNT
from poise.agents.emotions.tables import Table, stochastic
from poise.agents.policies.chains import Chain
from poise.common.errors import BadInput
from poise.common.seeds import Dice, child_seed
from poise.training.online.episodes import Episode, emodebt_released_reward, emodebt_reward, mean
from poise.training.online.matrices import scattered

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Mode = Literal["corrected", "faithful"]


@dataclass(frozen=True, slots=True)
class BayesSettings:
    """The published numbers.

    candidates: drawn an iteration. xi: the smallest improvement that counts. nu: smoothness of the Matern kernel.
    warm_up:    random matrices with a made-up reward of 0, as released; none unless `mode` is faithful.
    restarts:   of the search for the kernel's parameters.
    """

    mode: Mode = "corrected"
    candidates: int = 20
    xi: float = 0.01
    nu: float = 1.5
    warm_up: int = 5
    restarts: int = 2

    def __post_init__(self) -> None:
        if self.mode not in ("corrected", "faithful"):
            raise BadInput(f"mode {self.mode!r} is neither 'corrected' nor 'faithful'")
        if self.candidates < 1:
            raise BadInput(f"candidates {self.candidates}: at least 1 for each iteration; the paper draws 20")


def expected_improvement(mu: float, sigma: float, best: float, xi: float) -> float:
    """E[max(0, g - best - xi)] for g ~ N(mu, sigma^2), sigma >= 0; never negative."""
    gain = mu - best - xi
    if sigma <= 0.0:
        return max(0.0, gain)
    z = gain / sigma
    density = math.exp(-0.5 * z * z) / math.sqrt(2.0 * math.pi)
    # erfc keeps the digits that 1 - erf loses far below the best.
    return max(0.0, gain * 0.5 * math.erfc(-z / math.sqrt(2.0)) + sigma * density)


@dataclass
class BayesianSearch:
    """Tries one matrix after the other.

    `ask` gives the matrix to play next, `tell` takes its results; `best` is the best so far. Everything follows from
    (start, settings, seed) and the results.
    """

    start: Chain
    settings: BayesSettings = field(default_factory=BayesSettings)
    seed: int = 0
    tried: list[Table] = field(default_factory=list)
    rewards: list[float] = field(default_factory=list)
    best: Chain = field(init=False)
    _next: Table = field(init=False)

    def __post_init__(self) -> None:
        self.best, self._next = self.start, self.start.matrix
        if self.settings.mode == "faithful":
            rng = Dice(child_seed(self.seed, "warm-up")).rng()
            for _ in range(self.settings.warm_up):
                drawn = rng.dirichlet([1.0] * EMOTION_COUNT, size=EMOTION_COUNT)
                self.tried.append(stochastic(drawn.tolist()))
                self.rewards.append(0.0)

    @property
    def measured(self) -> int:
        """Matrices with a reward from play; in the faithful mode not all of them were played themselves."""
        return len(self.tried) - (self.settings.warm_up if self.settings.mode == "faithful" else 0)

    def ask(self) -> list[Chain]:
        """The matrix to play next."""
        return [replace(self.start, matrix=self._next)]

    def tell(self, played: Sequence[Sequence[Episode]]) -> None:
        """Record the negotiations of the current matrix, and choose the next.

        Faithful: each negotiation's reward is recorded separately, under the matrix that is next by then, as released.
        With several negotiations an iteration, all but the first are thus recorded under matrices that were never
        played.
        """
        if self.settings.mode == "corrected":
            self._file(mean(map(emodebt_reward, played[0])))
        else:
            for episode in played[0]:
                self._file(emodebt_released_reward(episode))

    def _file(self, reward: float) -> None:
        """Record `reward` for the matrix that is next, and choose another."""
        self.tried.append(self._next)
        self.rewards.append(reward)
        rng = Dice(child_seed(self.seed, "bayes", self.measured)).rng()
        model = self._fitted()
        centre, level = self._incumbent(model)
        candidates = [scattered(centre, rng) for _ in range(self.settings.candidates)]
        gains = [expected_improvement(*each, level, self.settings.xi) for each in model.predict(candidates)]
        self._next = candidates[max(range(len(gains)), key=gains.__getitem__)]

    def _incumbent(self, model: Surrogate) -> tuple[Table, float]:
        """The centre of the candidates, and the level to improve on; sets `best`."""
        if self.settings.mode == "faithful":
            first = self.settings.warm_up
            place = max(range(first, len(self.rewards)), key=self.rewards.__getitem__)
            self.best = replace(self.start, matrix=self.tried[place])
            return self._next, max(self.rewards)
        mus = [mu for mu, _ in model.predict(self.tried)]
        place = max(range(len(mus)), key=mus.__getitem__)
        self.best = replace(self.start, matrix=self.tried[place])
        return self.tried[place], mus[place]

    def _fitted(self) -> Surrogate:
        return Surrogate(
            self.tried,
            self.rewards,
            self.settings,
            child_seed(self.seed, "kernel", self.measured) % 2**32,
        )

    def memory(self) -> dict[str, Any]:
        """The state of the search, as JSON data."""
        return {
            "tried": [[list(row) for row in matrix] for matrix in self.tried],
            "rewards": list(self.rewards),
            "next": [list(row) for row in self._next],
            "best": self.best.parameters(),
        }

    def restore(self, memory: Mapping[str, Any]) -> None:
        """Continue from `memory`."""
        self.tried = [tuple(map(tuple, matrix)) for matrix in memory["tried"]]
        self.rewards = list(memory["rewards"])
        self._next = tuple(map(tuple, memory["next"]))
        self.best = Chain.from_parameters(memory["best"])


class Surrogate:
    """The Gaussian process over vec(P), fitted to rewards that are standardised inside."""

    def __init__(self, tried: Sequence[Table], rewards: Sequence[float], settings: BayesSettings, seed: int) -> None:
        from sklearn.exceptions import ConvergenceWarning
        from sklearn.gaussian_process import GaussianProcessRegressor
        from sklearn.gaussian_process.kernels import ConstantKernel, Matern, WhiteKernel
        from threadpoolctl import threadpool_limits

        self._centre = mean(rewards)
        self._scale = math.sqrt(mean((reward - self._centre) ** 2 for reward in rewards)) or 1.0
        kernel = ConstantKernel(1.0, (1e-3, 1e3)) * Matern(1.0, (1e-2, 1e2), nu=settings.nu)
        if settings.mode == "corrected":
            kernel += WhiteKernel(0.1, (1e-6, 1e1))
        process = GaussianProcessRegressor(
            kernel, alpha=1e-6, n_restarts_optimizer=settings.restarts, random_state=seed
        )
        # One thread: these matrices are small, and sums then come in one order on every machine.
        with threadpool_limits(1), warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # a kernel parameter at its bound is an answer too
            self._process = process.fit(_flat(tried), [(reward - self._centre) / self._scale for reward in rewards])

    @property
    def noise(self) -> float:
        """Variance of one reward around its matrix's expected reward, standardised."""
        found = self._process.kernel_.get_params()
        return float(sum(value for name, value in found.items() if name.endswith("noise_level")))

    def predict(self, matrices: Sequence[Table]) -> list[tuple[float, float]]:
        """(mean, deviation) of each matrix's expected reward, without measurement noise."""
        mu, sigma = self._process.predict(_flat(matrices), return_std=True)
        return [
            (self._centre + self._scale * m, self._scale * math.sqrt(max(0.0, s * s - self.noise)))
            for m, s in zip(mu.tolist(), sigma.tolist(), strict=True)
        ]


def _flat(matrices: Sequence[Table]) -> NDArray[np.float64]:
    """vec(P) of each, shape (matrices, 49)."""
    import numpy as np

    return np.array(matrices).reshape(len(matrices), EMOTION_COUNT * EMOTION_COUNT)
