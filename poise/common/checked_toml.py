"""Settings that a user writes as TOML: read, checked against a pydantic model, refused in words."""

from __future__ import annotations

import codecs
import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

from pydantic import BaseModel, ConfigDict, GetCoreSchemaHandler, GetJsonSchemaHandler, ValidationError
from pydantic.json_schema import JsonSchemaValue
from pydantic_core.core_schema import CoreSchema, no_info_before_validator_function

from poise.common.errors import AgentError, PoiseError, shorten
from poise.common.files import near_file
from poise.common.words import did_you_mean

LARGEST: Final = 1 << 20
DEEPEST: Final = 64
_DEEP: Final = re.compile(rf"(?m)^[ \t\[{{]*(?:[\w\"'-]+[ \t]*\.[ \t]*){{{DEEPEST}}}")
_REMEDY: Final[Mapping[str, str]] = {
    "missing": "add it",
    "extra_forbidden": "remove it, or correct its spelling",
}


class Part(BaseModel):
    """A part of such a file: nothing unknown, no conversions, no infinities."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


@dataclass(frozen=True, slots=True)
class KeysAmong:
    """Annotates a table whose keys are among `names`, in the schema too; `required`: it needs all of them."""

    names: Sequence[str]
    required: bool = False

    def check(self, table: Any) -> Any:
        """The table; ValueError for an unknown or a missing key."""
        if not isinstance(table, Mapping):
            return table
        for key in table:
            if key not in self.names:
                hint = did_you_mean(key, self.names)
                raise ValueError(f"{key!r} is unknown; {hint}there are {', '.join(self.names)}")
        if self.required and (missing := [name for name in self.names if name not in table]):
            raise ValueError(f"{', '.join(missing)} is missing; it needs {', '.join(self.names)}")
        return table

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """The table's own schema, checked first."""
        return no_info_before_validator_function(self.check, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """The table's own JSON schema, with its keys."""
        return {**handler(schema), "propertyNames": {"enum": list(self.names)}}


Model = TypeVar("Model", bound=Part)


Prepare = Callable[[dict[str, Any]], dict[str, Any]]


def read_checked(
    path: Path, model: type[Model], kind: str, example: str, prepare: Prepare = lambda data: data
) -> Model:
    """The settings in the file at `path`.

    Args:
        path: the file.
        model: what may stand in it.
        kind: what the file is, for messages ("persona").
        example: the file that shows every setting, for messages.
        prepare: what is done with the data before they are checked; its AgentError is given the file's name.

    Raises:
        AgentError: the file cannot be read, is not TOML, or holds a setting that is refused; it names file, key, value
            and remedy.
    """
    data = load_toml(path, f"{kind} file", AgentError)
    try:
        return model.model_validate(prepare(data))
    except AgentError as error:
        raise AgentError(f"{kind} file {path}: {error}") from None
    except ValidationError as error:
        raise _refusal(f"{kind} file {path}", error, example, model) from None


def like_one_in(folder: Path) -> Prepare:
    """For `read_checked`: a file that says `like = NAME` leaves the rest to NAME.toml in `folder`.

    Tables are laid over those of that file, key by key; anything else is replaced as a whole.
    """

    def fill_in(data: dict[str, Any]) -> dict[str, Any]:
        like = data.pop("like", None)
        if like is None:
            return data
        names = sorted(path.stem for path in folder.glob("*.toml"))
        if like not in names:
            hint = did_you_mean(like, names)
            raise AgentError(f"like = {like!r} is refused; {hint}it can be {', '.join(names)}, or be left out")
        base = tomllib.loads((folder / f"{like}.toml").read_text(encoding="utf-8"))
        whole: dict[str, Any] = _laid_over(fill_in(base), data)
        return whole

    return fill_in


def _laid_over(base: Any, data: Any) -> Any:
    if not (isinstance(base, dict) and isinstance(data, dict)):
        return data
    return {**base, **{key: _laid_over(base.get(key), value) for key, value in data.items()}}


def load_toml(path: Path, kind: str, refuse: type[PoiseError]) -> dict[str, Any]:
    """The data in the TOML file at `path`, with or without a byte-order mark.

    kind: what it is, for messages ("settings file"). Raises `refuse` for anything else, and for more than `LARGEST`
    bytes or names of more than `DEEPEST` parts, which would keep a parser busy for minutes.
    """
    try:
        data = path.read_bytes()
        text = data.removeprefix(codecs.BOM_UTF8).decode()
    except IsADirectoryError:
        raise refuse(f"{kind} {path} is a folder; name a file in it") from None
    except FileNotFoundError:
        raise refuse(
            f"{kind} {path} does not exist (looked in {Path.cwd()}); {near_file(path)}check the path"
        ) from None
    except (OSError, ValueError) as error:
        if isinstance(error, UnicodeDecodeError):
            raise refuse(f"{kind} {path} is not UTF-8 (byte {error.start}); save it as UTF-8") from None
        raise refuse(f"{kind} {path} cannot be read: {getattr(error, 'strerror', None) or error}") from None
    if len(data) > LARGEST or _DEEP.search(text):
        raise refuse(
            f"{kind} {path} has more than {LARGEST >> 20} MiB or a name of more than {DEEPEST} parts; make it simpler"
        )
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise refuse(f"{kind} {path} is not TOML: {error}; correct that line") from None
    except (RecursionError, ValueError) as error:
        what = "brackets within brackets are too deep" if isinstance(error, RecursionError) else f"{error}"
        raise refuse(f"{kind} {path} cannot be read: {what}; make it simpler") from None


def _keys_beside(model: type[Part], place: Sequence[Any]) -> list[str]:
    """The keys that may stand where `place`, a path of keys and indices, has one."""
    schema = model.model_json_schema()
    node: Any = schema
    for step in (*place[:-1], ""):
        for choice in node.get("anyOf", [node]):
            node = schema["$defs"][choice["$ref"].rpartition("/")[2]] if "$ref" in choice else choice
            if node.get("type") != "null":
                break
        if step:
            node = node.get("properties", {}).get(step) or node.get("additionalProperties") or node.get("items") or {}
    return [*node.get("properties", {})]


def _refusal(file: str, error: ValidationError, example: str, model: type[Part]) -> AgentError:
    """The first thing wrong, in words for the user."""
    first = error.errors()[0]
    key = ".".join(map(str, first["loc"])) or "the file"
    value = "" if first["type"] == "missing" or not first["loc"] else f" = {shorten(first['input'])}"
    said = first["msg"].removeprefix("Value error, ")
    remedy = _REMEDY.get(first["type"], "correct the value")
    if first["type"] == "extra_forbidden":
        remedy = f"{did_you_mean(first['loc'][-1], _keys_beside(model, first['loc']))}{remedy}"
    return AgentError(f"{file}: {key}{value} is refused: {said}; {remedy}; {example} shows every setting")
