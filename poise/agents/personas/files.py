"""A persona's file: what may stand in it, and what is said when something else does."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import Field, field_validator, model_validator

from poise.agents.emotions.taxonomy import EMOTIONS7, EMOTIONS28
from poise.agents.personas.persona import FOLDER, Band, MoodReach, Persona, Reaction, Renege, Walk
from poise.common.checked_toml import Part, like_one_in, read_checked
from poise.common.errors import AgentError

_Mood = Annotated[float, Field(ge=-1, le=1)]
_Share = Annotated[float, Field(ge=0, le=1)]
_Words = Annotated[str, Field(min_length=10, max_length=2000)]


class _Mooded(Part):
    start: _Mood
    rest: _Mood
    inertia: Annotated[float, Field(ge=0, lt=1)]


class _Reaction(Part):
    bad: _Mood
    even: _Mood
    good: _Mood
    why: _Words


class _Band(Part):
    below: _Mood | None = None
    emotions: dict[str, Annotated[float, Field(gt=0)]]

    @field_validator("emotions")
    @classmethod
    def _known(cls, emotions: dict[str, float]) -> dict[str, float]:
        return _of_28(emotions)


class _Reach(Part):
    bad: _Share
    even: _Share
    good: _Share


class _Concession(Part):
    beta: Annotated[float, Field(gt=0, le=100)]
    patience: Annotated[float, Field(gt=0, le=1)]
    reach: _Reach


class _Walk(Part):
    mood: _Mood
    messages: Annotated[int, Field(ge=1)]


class _Renege(Part):
    message: Annotated[int, Field(ge=1)]
    share: Annotated[float, Field(gt=0, le=1)]
    below: _Mood
    promise: str

    @field_validator("promise")
    @classmethod
    def _known(cls, promise: str) -> str:
        return next(iter(_of_28({promise: 1.0})))


class _File(Part):
    summary: _Words
    text: _Words
    mood: _Mooded
    reactions: dict[str, _Reaction]
    shows: Annotated[list[_Band], Field(min_length=1)]
    concession: _Concession
    walk: _Walk | None = None
    renege: _Renege | None = None

    @field_validator("reactions", mode="before")
    @classmethod
    def _to_each_emotion(cls, reactions: Any) -> Any:
        if isinstance(reactions, dict) and (odd := sorted(set(reactions) ^ set(EMOTIONS7))):
            raise AgentError(f"reactions are due for exactly {', '.join(EMOTIONS7)}; see to {', '.join(odd)}")
        return reactions

    @model_validator(mode="after")
    def _whole(self) -> Self:
        edges = [band.below for band in self.shows]
        inner = [edge for edge in edges if edge is not None]
        if edges[-1] is not None or len(inner) != len(edges) - 1 or inner != sorted(set(inner)):
            raise ValueError(
                f"shows.below must rise from band to band and be left out in the last alone; it is {edges}"
            )
        return self


def _of_28(emotions: dict[str, float]) -> dict[str, float]:
    if not emotions:
        raise ValueError("no emotion is named; name at least one of the 28")
    for label in emotions:
        if label not in EMOTIONS28:
            near = difflib.get_close_matches(label, EMOTIONS28, n=1)
            raise ValueError(f"{label!r} is none of the 28 emotions" + (f"; did you mean {near[0]!r}?" if near else ""))
    return emotions


def read_persona(path: Path) -> Persona:
    """The persona in the file at `path`; with `like = NAME` in it, Poise's persona NAME with the file's changes.

    Raises:
        AgentError: the file cannot be read, is not TOML, or holds a setting that is refused; it names file, key, value
            and remedy.
    """
    return _persona(path.stem, read_checked(path, _File, "persona", "the file of vanilla", like_one_in(FOLDER)))


def unknown_persona(name: str, names: Sequence[str]) -> AgentError:
    """What to say when no persona has that name."""
    near = difflib.get_close_matches(name, names, n=1)
    hint = f"did you mean {near[0]!r}? " if near else ""
    return AgentError(
        f"no persona is called {name!r}; {hint}there are {', '.join(names)}, or give the path of a .toml file"
    )


def _persona(name: str, file: _File) -> Persona:
    reach = file.concession.reach
    return Persona(
        name=name,
        summary=file.summary,
        text=" ".join(file.text.split()),
        start_mood=file.mood.start,
        rest_mood=file.mood.rest,
        inertia=file.mood.inertia,
        reactions=tuple(Reaction(**file.reactions[emotion].model_dump()) for emotion in EMOTIONS7),
        bands=tuple(
            Band(1.0 if band.below is None else band.below, tuple(band.emotions), tuple(band.emotions.values()))
            for band in file.shows
        ),
        concession=MoodReach(file.concession.beta, file.concession.patience, reach.bad, reach.even, reach.good),
        walk=Walk(**file.walk.model_dump()) if file.walk else None,
        renege=Renege(**file.renege.model_dump()) if file.renege else None,
    )
