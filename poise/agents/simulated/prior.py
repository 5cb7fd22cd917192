"""Worlds drawn from a prior: how an agent fares where the debtors are others than those it was made for.

A drawn world is the prior's `like` with its sizes drawn anew and some signs turned (`prior.toml` has the ranges, and
what they rest on). A permuted world deals the reactions to other emotions, which keeps every size and throws away every
sign that studies support: a stress test. In the null world no emotion moves anybody.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Self

import tomli_w
from pydantic import Field, model_validator

from poise.agents.emotions.taxonomy import EMOTIONS7
from poise.agents.simulated.files import RECORD, WORLDS, read_world, world_names
from poise.common.checked_toml import Part, like_one_in, read_checked
from poise.common.errors import BadInput
from poise.common.files import replace_file
from poise.common.seeds import Dice
from poise.common.words import did_you_mean

PRIOR: Final = Path(__file__).parent / "prior.toml"
MOST: Final = 100_000

_Share = Annotated[float, Field(ge=0, le=1)]


def _range(low: float, high: float) -> Any:
    return Annotated[list[Annotated[float, Field(ge=low, le=high)]], Field(min_length=2, max_length=2)]


class _Signs(Part):
    cited: _Share
    assumed: _Share


class _Factors(Part):
    pulls: _range(0, 10)  # type: ignore[valid-type]  # a range is a type with bounds
    gives: _range(0, 10)  # type: ignore[valid-type]
    leaves: _range(0, 10)  # type: ignore[valid-type]
    drift: _range(0, 10)  # type: ignore[valid-type]
    weights: _range(0.001, 1000) = Field([1.0, 1.0])  # type: ignore[valid-type]


class _Pace(Part):
    median: _range(0.001, 1)  # type: ignore[valid-type]
    spread: _range(0, 5)  # type: ignore[valid-type]


class _Answers(Part):
    reciprocity: _range(0, 1)  # type: ignore[valid-type]
    expected: _range(0.001, 1)  # type: ignore[valid-type]
    pull: _range(0, 1)  # type: ignore[valid-type]
    hazard: _range(0, 1)  # type: ignore[valid-type]
    patience: _range(0, 1000)  # type: ignore[valid-type]


class _Channel(Part):
    noise: _range(0, 1) = Field([0.0, 0.0])  # type: ignore[valid-type]


class Prior(Part):
    """What worlds are drawn from; every pair is the ends of a uniform range."""

    like: str
    signs: _Signs
    factors: _Factors
    pace: _Pace
    answers: _Answers
    channel: _Channel = _Channel()

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        for part in (self.factors, self.pace, self.answers, self.channel):
            for name, (low, high) in part.model_dump().items():
                if low > high:
                    raise ValueError(f"{name} = [{low}, {high}] runs backwards; write the smaller number first")
        if self.like not in world_names():
            hint = did_you_mean(self.like, world_names())
            raise ValueError(
                f"like = {self.like!r} is none of Poise's worlds; {hint}there are {', '.join(world_names())}"
            )
        return self


def read_prior(path: Path | None = None) -> Prior:
    """The prior in the file at `path`; Poise's own for None. Raises AgentError where the file is refused."""
    return read_checked(path or PRIOR, Prior, "prior", "Poise's own prior")


def sample_worlds(folder: Path, prior: Prior, *, worlds: int, seed: int, permuted: int = 0) -> list[Path]:
    """Write worlds drawn from `prior`, permuted ones and the null world, and what they were drawn from to sample.toml.

    worlds, permuted: how many of each, 0 to MOST.

    Of the drawn worlds every second one goes to `folder`/test, the others to `folder`/train; permuted ones go to
    `folder`/permuted. Those in test and permuted are marked as kept for evaluation.

    The same prior and seed give the same files, and more worlds leave the first ones as they are. Raises BadInput where
    the folder holds something else already, or a number is out of bounds.
    """
    for name, count in (("worlds", worlds), ("permuted worlds", permuted)):
        if not 0 <= count <= MOST:
            raise BadInput(f"{count} {name} are not to be had; ask for 0 to {MOST}")
    origin = tomli_w.dumps({"seed": seed, "prior": prior.model_dump(exclude_defaults=True)}).encode()
    record = folder / RECORD
    if folder.is_dir() and any(folder.iterdir()) and (not record.is_file() or record.read_bytes() != origin):
        raise BadInput(f"{folder} holds something else than worlds of this prior and seed; name another folder")
    folder.mkdir(parents=True, exist_ok=True)
    replace_file(record, origin)
    base = like_one_in(WORLDS)({"like": prior.like})
    drawn: dict[str, Mapping[str, Any]] = {}
    for number in range(worlds):
        world, kept = draw_world(prior, base, Dice(seed, f"world/{number}")), number % 2 == 1
        drawn[f"{'test' if kept else 'train'}/world-{number:04d}"] = _kept(world) if kept else world
    for number in range(permuted):
        drawn[f"permuted/permuted-{number:04d}"] = _kept(permute(base, Dice(seed, f"permuted/{number}")))
    drawn["null"] = null = _copy(base)
    for reaction in _reactions(null):
        reaction.update(pull=0.0, why="In this world no emotion moves anybody.")
    paths = []
    for name, data in drawn.items():
        paths.append(folder / f"{name}.toml")
        paths[-1].parent.mkdir(exist_ok=True)
        replace_file(paths[-1], tomli_w.dumps(data).encode(), durable=False)
        read_world(paths[-1])  # whatever a prior asks for, what is written can be played
    return paths


def draw_world(prior: Prior, base: Mapping[str, Any], dice: Dice) -> dict[str, Any]:
    """One world's data: `base` with its sizes drawn, and the signs of some reactions turned."""
    world, factors = _copy(base), prior.factors
    for reaction in _reactions(world):
        size = abs(reaction["pull"]) * _draw(factors.pulls, dice)
        wrong = prior.signs.assumed if re.search("assumption", reaction["why"], re.IGNORECASE) else prior.signs.cited
        turned = dice.unit() < wrong
        sign = -1 if (reaction["pull"] < 0) != turned else 1
        reaction["pull"] = sign * min(1.0, size)
        reaction["why"] += " The sign is turned in this world." if turned else ""
    for name, state in world["states"].items():
        state["leaves"] = min(1.0, state["leaves"] * _draw(factors.leaves, dice))
        if name != "cooperative":
            state["gives"] = min(10.0, state["gives"] * _draw(factors.gives, dice))
    for kind in world["dispositions"].values():
        kind["drift"] = min(1.0, kind["drift"] * _draw(factors.drift, dice))
    for part in ("pace", "answers"):
        ranges = getattr(prior, part).model_dump()
        world[part] = {**world.get(part, {}), **{name: _draw(ends, dice) for name, ends in ranges.items()}}
    # What is off by default has dice of its own, so that all else is drawn alike with and without it.
    if factors.weights != [1, 1]:
        weights = dice.child("weights")
        for kind in world["dispositions"].values():
            kind["weight"] *= _draw(factors.weights, weights)
    if any(prior.channel.noise):
        return with_noise(world, _draw(prior.channel.noise, dice.child("channel")))
    return world


def with_noise(world: Mapping[str, Any], noise: float) -> dict[str, Any]:
    """The world's data with a channel that misreads so many messages: its own channel, or that of the world `noisy`."""
    channel = world.get("channel") or like_one_in(WORLDS)({"like": "noisy"})["channel"]
    return {**world, "channel": {**channel, "noise": noise}}


def permute(base: Mapping[str, Any], dice: Dice) -> dict[str, Any]:
    """`base` with the reactions to each emotion dealt to another, alike in all states and for all kinds."""
    world = _copy(base)
    order = [EMOTIONS7[place] for place in dice.rng().permutation(len(EMOTIONS7))]
    dealt = dict(zip(EMOTIONS7, order, strict=True))
    for owner in (world, *world["dispositions"].values()):
        for state, row in owner.get("reactions", {}).items():
            owner["reactions"][state] = {
                dealt[emotion]: {**reaction, "why": f"Dealt from {emotion}: {reaction['why']}"}
                for emotion, reaction in row.items()
            }
    return world


def _kept(world: Mapping[str, Any]) -> dict[str, Any]:
    return {"evaluation": True, **world}


def _reactions(world: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Every reaction of the world, and those that its kinds have otherwise."""
    for owner in (world, *world["dispositions"].values()):
        for row in owner.get("reactions", {}).values():
            yield from row.values()


def _copy(base: Mapping[str, Any]) -> dict[str, Any]:
    return tomllib.loads(tomli_w.dumps(base))


def _draw(ends: list[float], dice: Dice) -> float:
    low, high = ends
    return low + (high - low) * dice.unit()
