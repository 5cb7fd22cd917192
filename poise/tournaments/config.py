"""A tournament's settings: from a TOML file, the command line, or Python."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from poise.agents.conduct.duties import Conduct
from poise.common.errors import AgentError, ConfigError
from poise.games.rules import Rules

Scalar = str | int | float | bool
Names = Annotated[tuple[str, ...], Field(min_length=1)]

# What may change between a run and its resumption: it decides how matches are played, not which, nor what they mean.
HOW = frozenset({"name", "out", "workers", "baseline", "message_seconds", "match_seconds", "through"})
HOW_CALLED = frozenset(
    {"keep_alive", "timeout", "patience", "slots", "threads", "cache"}
)  # the same of a model's options
_SINGULAR = {"creditor": "creditors", "debtor": "debtors", "scenario": "scenarios"}


class TournamentConfig(BaseModel):
    """Everything that makes a tournament. The command line and a TOML file have the same fields.

    creditors, debtors: agents by name, each against each; `NAME@MODEL_URI` gives one a model of its own.
    scenarios:        "builtin" (debts), "builtin:DOMAIN" or a file; after a colon some rows ("builtin:medical:test").
    matches_per_pair: how many matches each pair plays. The scenarios are taken in order; after the last one they
                      begin again with a new seed. Default: one match on each scenario. A smaller number plays the
                      first so many. Raise it and run again into the same folder: what is there is kept, and the
                      missing matches are played; so it is with more scenarios at the end, and with more agents.
    model:            the model of agents that name none of their own; "scripted" plays without a model.
    model_options:    temperature, max_tokens, ...: fields of `poise.agents.voices.ModelSettings`.
    offers:           who decides the number, "policy" or "model", where an agent does not say.
    conduct:          what creditors' models hear about words that break a rule of conduct, where an agent does not say:
                      "record" (default), "reask" or "refuse" (see `poise.agents.conduct.duties`).
    seed:             the one seed (>= 0); every match, seat and draw has a child seed of it.
    baseline:         the agent that the others are compared with, in each seat where it plays; default "vanilla".
    workers:          matches at a time: processes without a model, conversations with one. Default: by machine.
    tolerance, max_messages, discount, grid, deal_value: see `poise.games.rules.Rules`.
    judge:            who says after each message whether the last two are an agreement: "rules" or a model URI (see
                      `poise.agents.judges`). It is recorded beside the referee's outcome and decides nothing.
    detector:         what reads emotions: "lexical" (default), or a model URI to ask that model, as the papers do (see
                      `poise.agents.emotions.detectors`).
    game:             a game of one's own, such as file.py:ClassName (see `poise.games.openspiel.variants`).
    message_seconds, match_seconds: wall-clock time that a message and a match may take.
    through:          "auto", "fast" or "langgraph"; transcripts are the same.
    name:             the folder's name under `runs/` where `out` names none. out: the folder.

    Paths are relative to the working directory.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, str_strip_whitespace=True)

    creditors: Names
    debtors: Names
    scenarios: str = "builtin"
    matches_per_pair: int | None = Field(None, ge=1)
    model: str = Field("scripted", min_length=1)
    model_options: dict[str, Scalar] = Field(default_factory=dict)
    offers: Literal["policy", "model"] | None = None
    conduct: Conduct | None = None
    seed: int = Field(0, ge=0)
    baseline: str | None = None
    workers: int | None = Field(None, ge=1, le=256)
    tolerance: int = 5
    max_messages: int = 31
    discount: float = 1.0
    grid: int = 1
    deal_value: Literal["midpoint", "last"] = "midpoint"
    game: str = ""
    judge: str | None = None
    detector: str = "lexical"
    message_seconds: float = Field(120.0, gt=0)
    match_seconds: float = Field(1800.0, gt=0)
    through: Literal["auto", "fast", "langgraph"] = "auto"
    name: str | None = Field(None, pattern=r"^[\w][\w. -]*$")
    out: str | None = None

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
        return names

    @field_validator("judge")
    @classmethod
    def _there_is_such_a_judge(cls, uri: str | None) -> str | None:
        from poise.agents.judges import check_judge

        try:
            if uri is not None:
                check_judge(uri)
        except AgentError as error:
            raise ValueError(str(error)) from None
        return uri

    @field_validator("detector")
    @classmethod
    def _there_is_such_a_detector(cls, uri: str) -> str:
        from poise.agents.emotions.detectors import check_detector

        try:
            check_detector(uri)
        except AgentError as error:
            raise ValueError(str(error)) from None
        return uri

    def model_post_init(self, _context: Any, /) -> None:
        """Refuse rules out of their bounds, and a game that is not there, now and not in the first match."""
        _ = self.rules
        if self.game:
            from poise.games.openspiel.variants import find_game

            find_game(self.game)

    @property
    def rules(self) -> Rules:
        """The rules of every match."""
        return Rules(self.tolerance, self.max_messages, self.discount, self.grid, self.deal_value, self.game)

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
    except ValidationError as error:
        raise ConfigError(f"{source}: " + "; ".join(map(_explain, error.errors()))) from None


def load_config(path: Path | None, overrides: Mapping[str, Any] | None = None) -> TournamentConfig:
    """A config from a TOML file, or none, with the options of the command line laid over it (None: not given)."""
    fields = {_field_name(key): value for key, value in (_read_toml(path) if path else {}).items()}
    given = {key: value for key, value in (overrides or {}).items() if value not in (None, (), [], {})}
    if isinstance(given.get("model_options"), Mapping):
        given["model_options"] = {**fields.get("model_options", {}), **given["model_options"]}
    return make_config({**fields, **given}, str(path) if path else "the settings")


def parse_options(items: Sequence[str]) -> dict[str, Scalar]:
    """`["temperature=0.7", "keep_alive=5m"]` as a mapping; numbers and true/false as in TOML, else text."""
    return dict(_parse_option(item) for item in items)


def _parse_option(item: str) -> tuple[str, Scalar]:
    key, equals, text = item.partition("=")
    if not equals or not key.strip():
        raise ConfigError(f"option {item!r} is not NAME=VALUE; write for example --option temperature=0.7")
    try:
        value = tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return key.strip(), text
    return key.strip(), value if isinstance(value, str | int | float | bool) else text


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigError(f"settings file {path} does not exist (looked in {Path.cwd()})") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"settings file {path} cannot be read: {error}") from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"settings file {path} is not TOML: {error}") from None


def _field_name(key: str) -> str:
    name = key.replace("-", "_")
    return _SINGULAR.get(name, name)


def _refuse_unknown(fields: Mapping[str, Any], source: str) -> None:
    known = list(TournamentConfig.model_fields)
    for key in fields:
        if key not in known:
            near = difflib.get_close_matches(key, known, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"the fields are {', '.join(known)}"
            raise ConfigError(f"{source}: {key!r} is not a field; {hint}")


def _explain(error: Any) -> str:
    place = ".".join(str(part) for part in error["loc"] if not str(part).startswith(("str", "int", "float", "bool")))
    message = error["msg"].removeprefix("Value error, ")
    return f"{place} = {error['input']!r}: {message[0].lower()}{message[1:]}"
