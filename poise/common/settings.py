"""Settings that are declared once: Python, a TOML file, the command line and the reference page read the same fields.

    class Pace(SettingsModel):
        creditors: Annotated[tuple[str, ...], CliOption("--creditor", "NAME")] = Field(description="Who plays.")
        seed: int = Field(0, ge=0, description="The one seed.")

A field's description is its help, and its bounds and default are shown beside it. A dataclass can declare its fields in
the same way: `seed: Annotated[int, Field(ge=0, description="The one seed.")] = 0`.
"""

from __future__ import annotations

import dataclasses
import math
import operator
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args, get_origin, get_type_hints

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic.fields import FieldInfo

from poise.common.errors import ConfigError, shorten
from poise.common.words import did_you_mean

Scalar = str | int | float | bool


@dataclass(frozen=True, slots=True)
class CliOption:
    """How a field is written on the command line, where that does not follow from its name and type.

    flag:    such as "--creditor"; default: the field's name with hyphens. metavar: what stands for the value in help.
    commas:  a tuple is written as one text, its parts separated by commas, instead of repeating the option.
    """

    flag: str = ""
    metavar: str = ""
    commas: bool = False


class SettingsModel(BaseModel):
    """A group of settings: nothing unknown, no conversions, never changed. Raises ConfigError for what is refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)

    def __init__(self, **fields: Any) -> None:
        try:
            super().__init__(**fields)
        except ValidationError as error:
            raise ConfigError("; ".join(map(explain_refusal, error.errors()))) from None


def setting_fields(settings: type[Any]) -> Mapping[str, FieldInfo]:
    """The fields that a model or a dataclass declares, by name."""
    if issubclass(settings, BaseModel):
        return settings.model_fields
    hints = get_type_hints(settings, include_extras=True)
    declared = {}
    for field in dataclasses.fields(settings):
        info = FieldInfo.from_annotation(hints[field.name])
        if field.default_factory is not dataclasses.MISSING:
            info.default_factory = field.default_factory
        else:
            info.default = ... if field.default is dataclasses.MISSING else field.default
        declared[field.name] = info
    return declared


def bounds_of(field: FieldInfo) -> str:
    """The bounds of a number in words: "1 to 256", "0 or more", "above 0, at most 1"; "" for none."""
    bounds = {
        name: getattr(bound, name)
        for bound in field.metadata
        for name in ("ge", "gt", "le", "lt")
        if hasattr(bound, name)
    }
    if "ge" in bounds and "le" in bounds:
        return f"{bounds['ge']:g} to {bounds['le']:g}"
    forms = {"ge": "{:g} or more", "gt": "above {:g}", "le": "at most {:g}", "lt": "below {:g}"}
    return ", ".join(form.format(bounds[name]) for name, form in forms.items() if name in bounds)


def check_settings(settings: Any) -> None:
    """ConfigError for the first field of a dataclass that is not one of its choices, or outside its declared bounds."""
    for name, field in setting_fields(type(settings)).items():
        value, annotation = getattr(settings, name), field.annotation
        choices = get_args(annotation) if get_origin(annotation) is Literal else ()
        if choices and value not in choices:
            raise ConfigError(
                f"{name} {value!r} is refused; {did_you_mean(value, choices)}it can be {', '.join(choices)}"
            )
        if value is not None and not _within(field, value):
            bounds = bounds_of(field)
            raise ConfigError(f"{name} {value} is {'outside' if ' to ' in bounds else 'not'} {bounds}")


def _within(field: FieldInfo, value: Any) -> bool:
    tests = {"ge": operator.ge, "gt": operator.gt, "le": operator.le, "lt": operator.lt}
    return all(
        math.isfinite(value) and test(value, getattr(bound, name))
        for bound in field.metadata
        for name, test in tests.items()
        if hasattr(bound, name)
    )


def explain_refusal(error: Any) -> str:
    """One of pydantic's errors as `field = value: what is wrong`."""
    path = ".".join(str(part) for part in error["loc"] if not str(part).startswith(("str", "int", "float", "bool")))
    message = error["msg"].removeprefix("Value error, ")
    if error["type"] == "literal_error":
        hint = did_you_mean(error["input"], re.findall(r"'([^']*)'", error["ctx"]["expected"]))
        message = f"{message}{hint and f'; {hint.strip()}'}"
    message = f"{message[0].lower()}{message[1:]}"
    return (
        f"{path}: {message}"
        if error["type"] in ("missing", "secret")
        else f"{path} = {shorten(error['input'])}: {message}"
    )


def parse_options(items: Sequence[str]) -> dict[str, Scalar]:
    """`["temperature=0.7", "keep_alive=5m"]` as a mapping; numbers and true/false as in TOML, else text."""
    return dict(_parse_option(item) for item in items)


def _parse_option(item: str) -> tuple[str, Scalar]:
    key, equals, text = item.partition("=")
    if not equals or not key.strip():
        raise ConfigError(f"option {item!r} is not NAME=VALUE; write for example --option temperature=0.7")
    try:
        value = tomllib.loads(f"value = {text}")["value"]
    except (tomllib.TOMLDecodeError, RecursionError, ValueError):
        return key.strip(), text
    return key.strip(), value if isinstance(value, str | int | float | bool) else text
