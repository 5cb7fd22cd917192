"""A persona's file: what may stand in it, and what is said when something else does."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Final, Literal, Self

from pydantic import Field, field_validator, model_validator

from poise.agents.emotions.taxonomy import EMOTIONS7, EMOTIONS28
from poise.agents.personas.persona import FOLDER, Band, MoodReach, Persona, Reaction, Renege, Walk
from poise.common.checked_toml import KeysAmong, Part, like_one_in, read_checked
from poise.common.errors import AgentError
from poise.common.words import did_you_mean

_OF_28: Final = KeysAmong(EMOTIONS28)
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
    emotions: Annotated[dict[str, Annotated[float, Field(gt=0)]], Field(min_length=1), _OF_28]


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
        _OF_28.check({promise: 1.0})
        return promise


class PersonaFile(Part):
    """What a persona's file may say; with `like`, only what is different."""

    summary: _Words
    text: _Words
    strategy: Literal["", "threats", "blame", "hardship", "silence"] = ""
    mood: _Mooded
    reactions: Annotated[dict[str, _Reaction], KeysAmong(EMOTIONS7, required=True)]
    shows: Annotated[list[_Band], Field(min_length=1)]
    concession: _Concession
    walk: _Walk | None = None
    renege: _Renege | None = None

    @model_validator(mode="after")
    def _whole(self) -> Self:
        edges = [band.below for band in self.shows]
        inner = [edge for edge in edges if edge is not None]
        if edges[-1] is not None or len(inner) != len(edges) - 1 or inner != sorted(set(inner)):
            raise ValueError(
                f"shows.below must rise from band to band and be left out in the last alone; it is {edges}"
            )
        return self


def read_persona(path: Path) -> Persona:
    """The persona in the file at `path`; with `like = NAME` in it, Poise's persona NAME with the file's changes.

    Raises:
        AgentError: the file cannot be read, is not TOML, or holds a setting that is refused; it names file, key, value
            and remedy.
    """
    return _persona(path.stem, read_checked(path, PersonaFile, "persona", "the file of vanilla", like_one_in(FOLDER)))


def unknown_persona(name: str, names: Sequence[str]) -> AgentError:
    """What to say when no persona has that name."""
    return AgentError(
        f"no persona is called {name!r}; {did_you_mean(name, names)}there are {', '.join(names)}, or give the path of "
        "a .toml file"
    )


def _persona(name: str, file: PersonaFile) -> Persona:
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
        strategy=file.strategy,
    )
