"""Commands whose options are the fields of a settings model, so that each setting is declared once.

    @app.command("run")
    @takes(TournamentConfig, required=False)
    def run_tournament_command(given: dict[str, Any], dry_run: Annotated[bool, typer.Option("--dry-run")] = False): ...

`given` holds the options that the user wrote, as keyword arguments of the model. A field that is itself a model is
replaced by its own fields; two fields of the same name are one option.
"""

from __future__ import annotations

import dataclasses
import functools
import inspect
import keyword
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, get_args, get_origin

import typer
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from poise.common.settings import CliOption, bounds_of, parse_options, setting_fields


def number_or_text(written: Any) -> Any:
    """The text as an integer if it is one, else unchanged."""
    return int(written) if isinstance(written, str) and written.isdecimal() else written


@dataclass(frozen=True, slots=True)
class _Setting:
    """A field that is an option. path: the names of the fields that lead to it, through nested models."""

    path: tuple[str, ...]
    field: FieldInfo
    default: Any

    @property
    def name(self) -> str:
        """The option's name in Python, derived from the flag."""
        name = self.flag.removeprefix("--").replace("-", "_")
        return f"{name}_" if keyword.iskeyword(name) else name

    @property
    def flag(self) -> str:
        return self._written.flag or f"--{self.path[-1].replace('_', '-')}"

    @property
    def _written(self) -> CliOption:
        return next((extra for extra in self.field.metadata if isinstance(extra, CliOption)), CliOption())

    @property
    def type(self) -> Any:
        """The field's type without None."""
        kinds = [kind for kind in get_args(self.field.annotation) if kind is not type(None)]
        if set(kinds) == {int, str}:
            return str
        return kinds[0] if type(None) in get_args(self.field.annotation) else self.field.annotation

    def parameter(self, *, required: bool) -> inspect.Parameter:
        """The option as typer reads it."""
        kind, metavar, default = self.type, self._written.metavar or None, self.default
        flags = [self.flag]
        if get_origin(kind) is Literal:
            metavar = metavar or "|".join(map(str, get_args(kind)))
            kind = type(get_args(kind)[0])
        elif get_origin(kind) is tuple and self._written.commas:
            kind, default = str, ",".join(default)
        elif get_origin(kind) is tuple:
            kind, default = list[str], list(default) if isinstance(default, tuple) else default
        elif get_origin(kind) is dict:
            kind, metavar, default = list[str], metavar or "NAME=VALUE", None
        needed = required and default is ...
        default = None if default is ... else default
        bounds = bounds_of(self.field)
        shown = typer.Option(*flags, metavar=metavar, help=f"{self.field.description or ''}{bounds and f' [{bounds}]'}")
        return inspect.Parameter(
            self.name,
            inspect.Parameter.KEYWORD_ONLY,
            default=inspect.Parameter.empty if needed else default,
            annotation=Annotated[kind if needed or default is not None else kind | None, shown],
        )

    def value(self, written: Any) -> Any:
        """The value in the form that the model expects."""
        if get_origin(self.type) is tuple:
            parts = written.split(",") if self._written.commas else written
            return tuple(part.strip() for part in parts if part.strip())
        if get_origin(self.type) is dict:
            return parse_options(written)
        return number_or_text(written) if int in get_args(self.field.annotation) else written


def takes(
    model: type[Any],
    *,
    only: Collection[str] = (),
    leave_out: Collection[str] = (),
    required: bool = True,
    defaults: Mapping[str, Any] | None = None,
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """A command whose options are fields of `model`, a SettingsModel or a dataclass, given as its first argument.

    only, leave_out: options by their names in Python. required: whether fields without a default have to be given.
    defaults: by name, instead of the model's; they are passed on even if the user does not write the option.
    """
    settings = [
        setting for setting in _flatten(model) if setting.name not in leave_out and (not only or setting.name in only)
    ]

    def declare(command: Callable[..., None]) -> Callable[..., None]:
        own = list(inspect.signature(command, eval_str=True).parameters.values())[1:]
        other = defaults or {}
        options: dict[str, inspect.Parameter] = {}
        for setting in settings:
            option = setting.parameter(required=required)
            options.setdefault(
                setting.name, option.replace(default=other[setting.name]) if setting.name in other else option
            )

        @functools.wraps(command)
        def run(context: typer.Context, **written: Any) -> None:
            given: dict[str, Any] = {}
            for setting in settings:
                source = context.get_parameter_source(setting.name)
                if setting.name in other or (source is not None and source.name == "COMMANDLINE"):
                    *parents, name = setting.path
                    fields = functools.reduce(lambda fields, parent: fields.setdefault(parent, {}), parents, given)
                    fields[name] = setting.value(written[setting.name])
            for path, part in _parts(model):
                if path in given:
                    given[path] = _changed(part, given[path])
            command(given, **{parameter.name: written[parameter.name] for parameter in own})

        context = inspect.Parameter("context", inspect.Parameter.KEYWORD_ONLY, annotation=typer.Context)
        of_command = [parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in own]
        run.__signature__ = inspect.Signature(  # type: ignore[attr-defined]  # typer reads the signature from here
            [context, *sorted([*options.values(), *of_command], key=lambda one: not _is_argument(one))]
        )
        run.__annotations__ = {}
        return run

    return declare


def _parts(model: type[Any]) -> list[tuple[str, Any]]:
    """The fields that are models or dataclasses themselves, with their defaults."""
    return [
        (name, field.get_default(call_default_factory=True, validated_data={}))
        for name, field in setting_fields(model).items()
        if isinstance(field.annotation, type)
        and (issubclass(field.annotation, BaseModel) or dataclasses.is_dataclass(field.annotation))
    ]


def _changed(part: Any, fields: Mapping[str, Any]) -> Any:
    """A copy with new values in some fields, validated like any other instance."""
    if isinstance(part, BaseModel):
        return type(part)(**{**dict(part), **fields})
    return dataclasses.replace(part, **fields)


def _flatten(model: type[Any]) -> list[_Setting]:
    parts = dict(_parts(model))
    settings = []
    for name, field in setting_fields(model).items():
        if name in parts:
            part = parts[name]
            settings += [
                _Setting((name, inner), of, getattr(part, inner)) for inner, of in setting_fields(type(part)).items()
            ]
        else:
            default = ... if field.is_required() else field.get_default(call_default_factory=True, validated_data={})
            settings.append(_Setting((name,), field, default))
    return settings


def _is_argument(parameter: inspect.Parameter) -> bool:
    return any(isinstance(extra, type(typer.Argument())) for extra in getattr(parameter.annotation, "__metadata__", ()))
