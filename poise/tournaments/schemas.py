"""JSON schemas of the files that users write as TOML, for editors: made from what reads each file.

An editor that knows TOML (Taplo, Even Better TOML) completes and checks a file that begins with `#:schema PATH`. What a
schema cannot say, such as numbers that have to add up, is refused when the file is read.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel

from poise.common.errors import BadInput
from poise.common.words import did_you_mean
from poise.tournaments.config import SINGULAR, TournamentConfig

DRAFT: Final = "http://json-schema.org/draft-07/schema#"  # what TOML's editors read

Schema = dict[str, Any]


def _tournament() -> Schema:
    schema = TournamentConfig.model_json_schema()
    fields = schema["properties"]
    for seat in ("creditors", "debtors"):
        fields[seat]["anyOf"] = [
            {key: fields[seat].pop(key) for key in ("type", "items", "minItems")},
            {"type": "string"},
        ]
    fields |= {one: fields[many] for one, many in SINGULAR.items()}
    fields |= {name.replace("_", "-"): field for name, field in fields.items() if "_" in name}
    del schema["required"]
    either = [[{"required": [one]}, {"required": [many]}] for one, many in SINGULAR.items() if many != "scenarios"]
    return {**schema, "allOf": [{"oneOf": ways} for ways in either]}


def _like(model: type[BaseModel], names: Iterable[str]) -> Schema:
    """Of a file that may say `like = NAME` and then only what is different."""
    schema = model.model_json_schema()
    needed = schema.pop("required")
    for part in schema["$defs"].values():
        part.pop("required", None)
    schema["properties"]["like"] = {
        "type": "string",
        "enum": list(names),
        "description": "One of Poise's own, from which everything comes that is not in this file.",
    }
    return {**schema, "if": {"required": ["like"]}, "else": {"required": needed}}


def _persona() -> Schema:
    from poise.agents.personas import persona_names
    from poise.agents.personas.files import PersonaFile

    return _like(PersonaFile, persona_names())


def _world() -> Schema:
    from poise.agents.simulated.files import WorldFile, world_names

    return _like(WorldFile, world_names())


def _read_by(place: str) -> Schema:
    """Of what the pydantic model at MODULE:CLASS reads, which is imported only here."""
    module, _, name = place.partition(":")
    model: type[BaseModel] = getattr(import_module(module), name)
    return model.model_json_schema()


def _lookup() -> Schema:
    from poise.agents.emotions.taxonomy import EMOTIONS7, EMOTIONS28

    shown = {"type": "string", "enum": list(EMOTIONS28)}
    return _closed(dict.fromkeys(EMOTIONS7, shown)) | {"title": "The emotion to show, by the emotion heard last"}


def _moves() -> Schema:
    from poise.agents.voices.scripted import GENERAL

    return _as_in(GENERAL)


def _prompt() -> Schema:
    from poise.agents.voices.prompts import FOLDER

    return _as_in(FOLDER / "debt.toml")


def _as_in(path: Path) -> Schema:
    """Of files with the keys of one of Poise's own."""

    def schema(value: Any) -> Schema:
        if isinstance(value, Mapping):
            return _closed({key: schema(inner) for key, inner in value.items()})
        texts = {"type": "array", "items": {"type": "string"}}
        return {"anyOf": [{"type": "string"}, texts]} if isinstance(value, list) else {"type": "string"}

    return schema(tomllib.loads(path.read_text(encoding="utf-8")))


def _closed(properties: Mapping[str, Schema]) -> Schema:
    return {"type": "object", "properties": dict(properties), "additionalProperties": False}


KINDS: Final[Mapping[str, tuple[str, Callable[[], Schema]]]] = {
    "tournament": ("the settings of a tournament: `poise tournament run FILE`", _tournament),
    "persona": ("a debtor with a character: `--debtor FILE`", _persona),
    "world": ("what simulated debtors are drawn from: `--debtor simulated:FILE`", _world),
    "prior": (
        "what worlds are drawn from: `poise worlds sample --prior FILE`",
        partial(_read_by, "poise.agents.simulated.prior:Prior"),
    ),
    "lookup": ("the emotion to show, by the emotion heard: `--creditor lookup:FILE`", _lookup),
    "model": (
        "notes on a model file: NAME.toml beside NAME.gguf",
        partial(_read_by, "poise.agents.models.embedded.folder:ModelNotes"),
    ),
    "conduct": (
        "rules that a creditor's words must keep: `Checker.from_files`",
        partial(_read_by, "poise.agents.conduct.rulebook:RuleFile"),
    ),
    "moves": ("what the scripted voice says in a domain: moves.toml", _moves),
    "prompt": ("what a model is told in a domain: prompt.toml", _prompt),
}


def schema_of(kind: str) -> Schema:
    """The JSON schema (draft 7) of the files of a kind, as plain data. BadInput where there is no such kind."""
    if kind not in KINDS:
        raise BadInput(f"{kind!r} is not a kind of file; {did_you_mean(kind, KINDS)}there are {', '.join(KINDS)}")
    about, make = KINDS[kind]
    return {"$schema": DRAFT, **make(), "description": about}
