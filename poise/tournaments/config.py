"""A tournament's settings: from a TOML file, the command line, or Python."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import ConfigDict, Field, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from poise.agents.protocols import Conduct, ReplyForm
from poise.agents.registry import EACH_WORLD
from poise.common.checked_toml import load_toml
from poise.common.errors import AgentError, BadInput, ConfigError
from poise.common.settings import CliOption, Scalar, SettingsModel
from poise.common.words import did_you_mean, division
from poise.games.rules import Rules

OWN_WORDS_LIMIT: Final = 0.5
Names = Annotated[tuple[str, ...], Field(min_length=1)]

# What may change between a run and its resumption: it decides how matches are played, not which, nor what they mean.
HOW = frozenset(
    {"name", "out", "workers", "part", "baseline", "message_seconds", "match_seconds", "through", "own_words_limit"}
)
HOW_CALLED = frozenset(
    {"keep_alive", "timeout", "patience", "slots", "threads", "engines", "cache"}
)  # the same of a model's options
_NUMBERS_OF_MATCHES = frozenset({"repeats", "matches_per_pair"})  # either says how many matches a pair plays
SINGULAR = {"creditor": "creditors", "debtor": "debtors", "scenario": "scenarios"}


class TournamentConfig(SettingsModel):
    """Everything that makes a tournament. A TOML file and the command line have the same fields.

    Raise `repeats` and run again into the same folder: finished matches are kept, and the missing ones are played. The
    same holds for more scenarios at the end, and for more agents.

    Each part says more about its own settings: `poise.games.rules.Rules`, `poise.agents.conduct.duties`,
    `poise.agents.judges`, `poise.agents.emotions.detectors`, `poise.games.openspiel.variants` (game) and
    `poise.agents.models.settings.ModelSettings` (model_options). Paths are relative to the working directory.
    """

    model_config = ConfigDict(str_strip_whitespace=True, allow_inf_nan=True)

    creditors: Annotated[Names, CliOption("--creditor", "NAME")] = Field(
        description="A creditor, as NAME or NAME@MODEL_URI; repeat."
    )
    debtors: Annotated[Names, CliOption("--debtor", "NAME")] = Field(
        description="A debtor, as NAME or NAME@MODEL_URI; worlds:DIR is one from each world there; repeat."
    )
    scenarios: Annotated[str, CliOption(metavar="SOURCE")] = Field(
        "builtin",
        description="builtin (debts), builtin:DOMAIN or a file; after a colon, some rows: builtin:medical:test.",
    )
    repeats: int | None = Field(
        None, ge=1, le=1_000_000, description="How often each pair plays each scenario, with new seeds. Default: once."
    )
    matches_per_pair: int | None = Field(
        None,
        ge=1,
        le=1_000_000,
        description="Instead of repeats, the matches of each pair: scenarios in order, then again with new seeds.",
    )
    model: Annotated[str, CliOption(metavar="URI")] = Field(
        "scripted",
        min_length=1,
        description="The model of agents that name none: ollama:NAME, embedded:smollm2, openai:NAME.",
    )
    model_options: Annotated[dict[str, Scalar], CliOption("--option")] = Field(
        default_factory=dict, description="An option of the model, such as temperature=0.7; repeat."
    )
    offers: Literal["policy", "model"] | None = Field(
        None, description="Who decides the number. Default: as each agent says."
    )
    reading: ReplyForm | None = Field(
        None, description="How a model that decides the number answers. Default: in words."
    )
    conduct: Conduct | None = Field(
        None, description="What happens when a creditor's model breaks a rule of conduct. Default: record."
    )
    seed: int = Field(0, ge=0, le=(1 << 63) - 1, description="The one seed; same seed, same matches.")
    draws: Literal["equal", "own"] = Field(
        "equal",
        description="Whether pairs are compared on equal draws, or each pair has its own, as data to learn from.",
    )
    baseline: Annotated[str | None, CliOption(metavar="NAME")] = Field(
        None, description="The agent that the others are compared with. Default: vanilla."
    )
    workers: Annotated[int | str | None, CliOption(metavar="N|ray[:HOST:PORT]")] = Field(
        None,
        description="Matches at a time, 1 to 256, or a Ray cluster to play on. Default: by machine.",
        json_schema_extra={"anyOf": [{"type": "integer", "minimum": 1, "maximum": 256}, {"type": "string"}]},
    )
    part: Annotated[str | None, CliOption(metavar="K/N")] = Field(
        None, description="Play the K-th of N parts, for job arrays; `poise tournament merge` joins them."
    )
    tolerance: int = Field(5, description="Offers that differ by no more than this are a deal.")
    max_messages: int = Field(31, description="After so many messages there is no deal.")
    discount: float = Field(1.0, description="The share of a deal's worth that each message of delay leaves.")
    grid: int = Field(1, description="The step between offers.")
    deal_value: Literal["midpoint", "last"] = Field("midpoint", description="What two close offers settle at.")
    game: Annotated[str, CliOption(metavar="FILE:CLASS")] = Field("", description="Your own game as the referee.")
    judge: Annotated[str | None, CliOption(metavar="URI")] = Field(
        None, description="Who is asked after each message whether the sides agree: rules, ollama:NAME, ..."
    )
    detector: Annotated[str, CliOption(metavar="URI")] = Field(
        "lexical", description="What reads emotions: lexical, or a model to ask."
    )
    message_seconds: float = Field(120.0, gt=0, description="The longest a message may take.")
    match_seconds: float = Field(1800.0, gt=0, description="The longest a match may take.")
    own_words_limit: float = Field(
        OWN_WORDS_LIMIT,
        ge=0,
        le=1,
        description="The share of an agent's messages that may be Poise's own words; more makes the result doubtful.",
    )
    through: Literal["auto", "fast", "langgraph"] = Field(
        "auto", description="How graphs are run; the outcome is the same."
    )
    name: Annotated[str | None, CliOption(metavar="NAME")] = Field(
        None, description="The name of the tournament and of its folder under runs/."
    )
    out: Annotated[str | None, CliOption(metavar="DIR")] = Field(
        None, description="The folder. Default: runs/ and the time."
    )

    @field_validator("creditors", "debtors", mode="before")
    @classmethod
    def _as_names(cls, value: Any) -> Any:
        return (value,) if isinstance(value, str) else tuple(value) if isinstance(value, list) else value

    @field_validator("creditors", "debtors")
    @classmethod
    def _different(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        for name in names:
            if not name:
                raise ValueError("an agent's name is empty")
            if names.count(name) > 1:
                raise ValueError(f"{name!r} is named twice; each agent plays once against each opponent")
        if len({name.startswith(EACH_WORLD) for name in names}) > 1:
            raise ValueError("a folder of worlds plays without other debtors; run a second tournament for those")
        return names

    @property
    def over_worlds(self) -> bool:
        """Whether the debtors are a sample of worlds: results are then to hold for worlds that were not played."""
        return self.debtors[0].startswith(EACH_WORLD)

    @field_validator("name")
    @classmethod
    def _fit_for_a_folder(cls, name: str | None) -> str | None:
        if name is not None and not re.fullmatch(r"\w[\w. -]*", name):
            raise ValueError("a name begins with a letter or digit and has letters, digits, spaces, '.', '-' and '_'")
        return name

    @field_validator("out")
    @classmethod
    def _names_a_folder(cls, out: str | None) -> str | None:
        if out is not None and not out.strip():
            raise ValueError("name a folder, such as runs/first")
        return out

    @field_validator("workers", mode="before")
    @classmethod
    def _here_or_on_a_cluster(cls, workers: Any) -> Any:
        number = isinstance(workers, int) and not isinstance(workers, bool) and 1 <= workers <= 256
        cluster = isinstance(workers, str) and re.fullmatch(r"ray(:[^\s/]+:\d{1,5})?", workers)
        if workers is None or number or cluster:
            return workers
        raise ValueError("a number from 1 to 256, or ray[:HOST:PORT], with the address that `ray start` shows")

    @field_validator("part")
    @classmethod
    def _is_one_of_its_parts(cls, part: str | None) -> str | None:
        try:
            return None if part is None else "{}/{}".format(*division(part, "part"))
        except BadInput as error:
            raise ValueError(str(error)) from None

    @field_validator("model_options")
    @classmethod
    def _known_and_not_secret(cls, options: dict[str, Scalar]) -> dict[str, Scalar]:
        from poise.agents.models.settings import ModelSettings, is_secret

        for name, value in options.items():
            if is_secret(name, value):
                raise PydanticCustomError(
                    "secret", f"{name} holds a secret, and settings are stored; set OPENAI_API_KEY"
                )
        try:
            ModelSettings.from_options(options)
        except AgentError as error:
            raise ValueError(str(error)) from None
        return options

    @field_validator("judge", "detector")
    @classmethod
    def _can_be_asked(cls, uri: str | None, field: ValidationInfo) -> str | None:
        from poise.agents.emotions.detectors import check_detector
        from poise.agents.judges import check_judge

        try:
            if uri is not None:
                (check_judge if field.field_name == "judge" else check_detector)(uri)
        except AgentError as error:
            raise ValueError(str(error)) from None
        return uri

    def model_post_init(self, _context: Any, /) -> None:
        """Refuse rules out of bounds, two numbers of matches and a missing game now, before the first match."""
        _ = self.rules
        if self.repeats and self.matches_per_pair:
            raise ConfigError(
                f"repeats = {self.repeats} and matches_per_pair = {self.matches_per_pair} both say how many matches a "
                "pair plays; give one of them"
            )
        if self.game:
            from poise.games.openspiel.variants import find_game

            find_game(self.game)

    @property
    def rules(self) -> Rules:
        """The rules of every match."""
        return Rules(self.tolerance, self.max_messages, self.discount, self.grid, self.deal_value, self.game)

    @property
    def part_of(self) -> tuple[int, int] | None:
        """The number of the part to play and how many there are; None for the whole tournament."""
        return None if self.part is None else division(self.part, "part")

    def what(self) -> dict[str, Any]:
        """The fields that decide which matches there are and how they come out, as JSON data."""
        fields = self.model_dump(mode="json", exclude=set(HOW))
        fields["model_options"] = {key: value for key, value in self.model_options.items() if key not in HOW_CALLED}
        return fields


def make_config(fields: Mapping[str, Any], source: str = "the settings") -> TournamentConfig:
    """A config from plain data; ConfigError names the field, the value, the bound and, for a typo, the near match."""
    named = {_field_name(key): value for key, value in fields.items()}
    _refuse_unknown(named, source)
    for seat in ("creditor", "debtor"):
        if not named.get(f"{seat}s"):
            raise ConfigError(
                f"{source} name no {seat}; add --{seat} vanilla, or {seat}s = [...] in the file "
                "(`poise agents list` shows them all)"
            )
    try:
        return TournamentConfig(**named)
    except ConfigError as error:
        raise ConfigError(f"{source}: {error}") from None


def load_config(path: Path | None, overrides: Mapping[str, Any] | None = None) -> TournamentConfig:
    """A config from a TOML file, or none, with the options of the command line laid over it (None: not given).

    `repeats` and `matches_per_pair` are one choice: an option for either replaces the file's for both.
    """
    fields = {
        _field_name(key): value
        for key, value in (load_toml(path, "settings file", ConfigError) if path else {}).items()
    }
    given = {key: value for key, value in (overrides or {}).items() if value not in (None, (), [], {})}
    if isinstance(given.get("model_options"), Mapping):
        given["model_options"] = {**fields.get("model_options", {}), **given["model_options"]}
    if given.keys() & _NUMBERS_OF_MATCHES:
        fields = {key: value for key, value in fields.items() if key not in _NUMBERS_OF_MATCHES}
    return make_config({**fields, **given}, str(path) if path else "the settings")


def _field_name(key: str) -> str:
    name = key.replace("-", "_")
    return SINGULAR.get(name, name)


def _refuse_unknown(fields: Mapping[str, Any], source: str) -> None:
    known = list(TournamentConfig.model_fields)
    for key in fields:
        if key not in known:
            raise ConfigError(
                f"{source}: {key!r} is not a field; {did_you_mean(key, known)}the fields are {', '.join(known)}"
            )
