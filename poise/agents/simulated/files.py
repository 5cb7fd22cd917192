"""A world's file: what may stand in it, and how it becomes a world."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import cache, lru_cache
from pathlib import Path
from typing import Annotated, Final, Self

from pydantic import Field, model_validator

from poise.agents.emotions.tables import STATES, Row, stochastic
from poise.agents.emotions.taxonomy import EMOTIONS7, TO_SEVEN
from poise.agents.simulated.channel import Channel
from poise.agents.simulated.world import Answers, Disposition, Dynamics, Pace, State, World
from poise.common.checked_toml import KeysAmong, Part, like_one_in, read_checked
from poise.common.errors import AgentError
from poise.common.words import did_you_mean

WORLDS: Final = Path(__file__).parent / "worlds"
DEFAULT: Final = WORLDS / "default.toml"
RECORD: Final = "sample.toml"  # beside worlds that were drawn: from what, with which seed

_ALL_STATES: Final = KeysAmong(STATES, required=True)
_ALL_EMOTIONS: Final = KeysAmong(EMOTIONS7, required=True)
_Share = Annotated[float, Field(ge=0, le=1)]
_Weight = Annotated[float, Field(ge=0, le=1e6)]
_Words = Annotated[str, Field(min_length=10, max_length=2000)]
_Seven = Annotated[list[_Weight], Field(min_length=7, max_length=7)]
_Positive7 = Annotated[list[Annotated[float, Field(gt=0, le=1)]], Field(min_length=7, max_length=7)]
_Table7 = Annotated[list[_Positive7], Field(min_length=7, max_length=7)]


class _Dynamics(Part):
    own: _Table7
    reply: _Table7
    marginal: _Positive7

    @model_validator(mode="after")
    def _adds_up(self) -> Self:
        for row in (*self.own, *self.reply, self.marginal):
            if not math.isclose(sum(row), 1.0, abs_tol=0.01):
                raise ValueError(f"the row {row} adds up to {sum(row):.4f}, not to 1")
        return self


class _Pace(Part):
    median: Annotated[float, Field(gt=0, le=1)]
    spread: Annotated[float, Field(ge=0, le=5)]
    stays: Annotated[int, Field(ge=0)]


class _Answers(Part):
    reciprocity: _Share = 0.0
    expected: Annotated[float, Field(gt=0, le=1)] = 0.04
    window: Annotated[int, Field(ge=1, le=100)] = 3
    pull: _Share = 0.0
    hazard: _Share = 0.0
    patience: Annotated[float, Field(ge=0, le=1000)] = 6.0
    heal: Annotated[float, Field(ge=0, le=10)] = 0.5
    temper: Annotated[dict[str, Annotated[float, Field(ge=0, le=100)]], KeysAmong(STATES)] = Field(default_factory=dict)

    def answers(self) -> Answers:
        temper = tuple(self.temper.get(state, usual) for state, usual in zip(STATES, Answers().temper, strict=True))
        return Answers(**{**self.model_dump(), "temper": temper})


class _Channel(Part):
    noise: _Share
    taken: Annotated[
        list[Annotated[list[_Share], Field(min_length=7, max_length=7)]], Field(min_length=7, max_length=7)
    ]

    @model_validator(mode="after")
    def _are_misreadings(self) -> Self:
        for place, (emotion, row) in enumerate(zip(EMOTIONS7, self.taken, strict=True)):
            if row[place] or not math.isclose(sum(row), 1.0, abs_tol=0.01):
                raise ValueError(
                    f"the row of {emotion} has {row[place]:g} for {emotion} itself and adds up to {sum(row):.4f}; what "
                    "it is taken for needs 0 there and 1 in all, and `noise` says how often"
                )
        return self


class _State(Part):
    gives: Annotated[float, Field(ge=0, le=10)]
    leaves: _Share
    shows: _Seven


class _Reaction(Part):
    pull: Annotated[float, Field(ge=-1, le=1)]
    why: _Words


_ByState = Annotated[dict[str, _Weight], KeysAmong(STATES)]


class _Disposition(Part):
    summary: _Words
    weight: Annotated[float, Field(gt=0, le=1e6)]
    start: _ByState
    rest: _ByState
    drift: _Share
    resort: _ByState
    shows: Annotated[dict[str, _Weight], KeysAmong(EMOTIONS7)] = Field(default_factory=dict)
    reactions: Annotated[dict[str, Annotated[dict[str, _Reaction], KeysAmong(EMOTIONS7)]], KeysAmong(STATES)] = Field(
        default_factory=dict
    )

    @model_validator(mode="after")
    def _known(self) -> Self:
        for row in (self.start, self.rest, self.resort):
            if sum(row.values()) <= 0:
                raise ValueError("start, rest and resort need a state with a weight above 0 each")
        return self


class WorldFile(Part):
    """What a world's file may say; with `like`, only what is different."""

    evaluation: bool = False
    dynamics: _Dynamics
    pace: _Pace
    answers: _Answers = Field(default_factory=_Answers)
    channel: _Channel | None = None
    states: Annotated[dict[str, _State], _ALL_STATES]
    labels: Annotated[dict[str, dict[str, Annotated[float, Field(gt=0, le=1e6)]]], _ALL_EMOTIONS]
    reactions: Annotated[dict[str, Annotated[dict[str, _Reaction], _ALL_EMOTIONS]], _ALL_STATES]
    dispositions: Annotated[dict[str, _Disposition], Field(min_length=1)]

    @model_validator(mode="after")
    def _whole(self) -> Self:
        for emotion, labels in self.labels.items():
            wrong = [label for label in labels if TO_SEVEN.get(label) != emotion]
            if wrong or not labels:
                raise ValueError(f"labels.{emotion} must name labels of the 28 that belong to it; see to {wrong}")
        for state, numbers in self.states.items():
            if not any(numbers.shows):
                raise ValueError(f"states.{state}.shows is all zeros; give it an emotion to show")
        return self


def load_world(path: str | Path = "") -> World:
    """Poise's world of that name, or the world in the file at `path`; the default one for "".

    A file is read again only when it changes. Raises AgentError with file, key, value and remedy where it is refused.
    """
    file = WORLDS / f"{path or 'default'}.toml" if not path or str(path) in world_names() else Path(path)
    if file.name == str(path) and not file.suffix and not file.exists():
        hint, known = did_you_mean(path, world_names()), ", ".join(world_names())
        raise AgentError(f"no world is called {str(path)!r}; {hint}there are {known}, or give the path of a .toml file")
    return _read_unchanged(file, file.stat().st_mtime_ns if file.is_file() else 0)


@cache
def world_names() -> tuple[str, ...]:
    """The names of the worlds that come with Poise."""
    return tuple(sorted(path.stem for path in WORLDS.glob("*.toml")))


def world_files(folder: Path) -> list[Path]:
    """The files of the worlds in `folder`, by name; folders in it are not looked into.

    Raises AgentError where it has none, or is the folder of a whole sample.
    """
    files = sorted(folder.glob("*.toml"))
    if not files or folder / RECORD in files:
        raise AgentError(
            f"worlds:{folder} is no folder of worlds; name one with a file for each, such as DIR/train, DIR/test or "
            "DIR/permuted after `poise worlds sample --out DIR`"
        )
    return files


@lru_cache(maxsize=512)
def _read_unchanged(path: Path, _stamp: int) -> World:
    return read_world(path)


def read_world(path: Path) -> World:
    """The world in the file at `path`, read again at every call."""
    file = read_checked(path, WorldFile, "world", "the default world's file", like_one_in(WORLDS))
    pulls = _pulls(file.reactions)
    return World(
        name=path.stem,
        dynamics=Dynamics(
            stochastic(file.dynamics.own), stochastic(file.dynamics.reply), stochastic([file.dynamics.marginal])[0]
        ),
        states=tuple(
            State(read.gives, read.leaves, tuple(read.shows)) for read in map(file.states.__getitem__, STATES)
        ),
        dispositions=tuple(_disposition(name, read, pulls) for name, read in file.dispositions.items()),
        pace=Pace(**file.pace.model_dump()),
        answers=file.answers.answers(),
        channel=Channel(file.channel.noise, stochastic(file.channel.taken)) if file.channel else Channel(),
        labels={emotion: file.labels[emotion] for emotion in EMOTIONS7},
        evaluation=file.evaluation,
    )


def _disposition(name: str, read: _Disposition, usual: Mapping[tuple[str, str], float]) -> Disposition:
    pulls = {**usual, **_pulls(read.reactions)}
    return Disposition(
        name=name,
        summary=read.summary,
        weight=read.weight,
        start=_over_states(read.start),
        rest=_over_states(read.rest),
        drift=read.drift,
        resort=_over_states(read.resort),
        shows=tuple(read.shows.get(emotion, 1.0) for emotion in EMOTIONS7),
        pulls=tuple(tuple(pulls[state, emotion] for emotion in EMOTIONS7) for state in STATES),
    )


def _pulls(reactions: Mapping[str, Mapping[str, _Reaction]]) -> dict[tuple[str, str], float]:
    return {(state, emotion): reaction.pull for state, row in reactions.items() for emotion, reaction in row.items()}


def _over_states(weights: Mapping[str, float]) -> Row:
    return stochastic([[weights.get(state, 0.0) for state in STATES]])[0]
