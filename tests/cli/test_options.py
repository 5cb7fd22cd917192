"""Options made from the fields of a settings model: help, bounds and defaults are the field's."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

import pytest
from pydantic import Field
from typer.testing import CliRunner

from poise.cli.app import _SUMMARIES, PoiseGroup, app
from poise.cli.groups import command_group
from poise.cli.options import takes
from poise.common.errors import ConfigError
from poise.common.settings import CliOption, SettingsModel, check_settings


class Steps(SettingsModel):
    rate: float = Field(0.5, gt=0, description="How far.")
    seed: int = Field(0, ge=0, description="The one seed.")


class Recipe(SettingsModel):
    names: Annotated[tuple[str, ...], CliOption("--name", "NAME")] = Field(description="Who; repeat.")
    taste: Literal["sweet", "sour"] | None = Field(None, description="How it tastes.")
    options: Annotated[dict[str, Any], CliOption("--option")] = Field(default_factory=dict, description="More.")
    count: int = Field(3, ge=1, le=9, description="How many.")
    seed: int = Field(0, description="The one seed.")
    steps: Steps = Field(default_factory=lambda: Steps(rate=0.25))


@dataclass(frozen=True)
class Plain:
    size: Annotated[int, Field(ge=1, le=8, description="How large.")] = 2
    deep: Annotated[bool, Field(description="Deep, too.")] = False

    def __post_init__(self) -> None:
        check_settings(self)


def run(model, *words, code=0, **how):
    """What the command was given, and what it printed."""
    given: list[dict[str, Any]] = []
    group = command_group()

    @group.command("cook")
    @takes(model, **how)
    def cook(fields: dict[str, Any]) -> None:
        given.append(fields)

    group.command("other")(lambda: None)
    result = CliRunner().invoke(group, ["cook", *words])
    assert result.exit_code == code, result.output
    return (given[0] if given else None), " ".join(result.output.split())


def test_help_shows_what_the_fields_declare():
    _, shown = run(Recipe, "--help")
    for expected in (
        "--name NAME Who; repeat. [required]",
        "--taste sweet|sour",
        "--option NAME=VALUE",
        "How many. [1 to 9] [default: 3]",
        "How far. [above 0] [default: 0.25]",
    ):
        assert expected in shown


def test_only_what_was_written_is_given_and_it_makes_the_model():
    given, _ = run(Recipe, "--name", "a", "--name", "b", "--option", "x=1", "--taste", "sour")
    assert given == {"names": ("a", "b"), "options": {"x": 1}, "taste": "sour"}
    assert Recipe(**given).steps == Steps(rate=0.25)


def test_nested_fields_keep_the_outer_default_and_share_an_option_of_one_name():
    given, _ = run(Recipe, "--name", "a", "--seed", "7")
    assert given["seed"] == 7
    assert given["steps"] == Steps(rate=0.25, seed=7)


def test_options_can_be_left_out_chosen_and_given_another_default():
    assert "--count" not in run(Recipe, "--help", leave_out=("count",))[1]
    shown = run(Recipe, "--help", only=("count",))[1]
    assert "--count" in shown
    assert "--name" not in shown
    assert run(Recipe, only=("count",), defaults={"count": 5})[0] == {"count": 5}
    assert run(Recipe, required=False)[0] == {}
    assert "Missing option" in run(Recipe, code=2)[1]


def test_a_dataclass_declares_in_the_same_way():
    given, _ = run(Plain, "--size", "4", "--deep")
    assert Plain(**given) == Plain(4, True)
    assert "How large. [1 to 8] [default: 2]" in run(Plain, "--help")[1]
    with pytest.raises(ConfigError, match="size 9 is outside 1 to 8"):
        Plain(9)


@dataclass(frozen=True)
class Deep:
    places: Annotated[tuple[str, ...], CliOption("--from", "DIR"), Field(description="Where; repeat.")]
    words: Annotated[tuple[str, ...], CliOption(metavar="A,B", commas=True)] = ("x", "y")
    plain: Plain = field(default_factory=lambda: Plain(size=5))
    share: Annotated[float | None, Field(gt=0, lt=1)] = None
    taste: Literal["sweet", "sour"] = "sour"

    def __post_init__(self) -> None:
        check_settings(self)


def test_a_dataclass_in_a_dataclass_keeps_the_outer_default_too():
    given, _ = run(Deep, "--from", "a", "--from", "b", "--deep", "--words", "u, v")
    assert given == {"places": ("a", "b"), "plain": Plain(5, True), "words": ("u", "v")}
    shown = run(Deep, "--help")[1]
    assert "--words A,B [default: x,y]" in shown
    assert "How large. [1 to 8] [default: 5]" in shown


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"share": 1.0}, "share 1.0 is not above 0, below 1"),
        ({"share": float("nan")}, "share nan is not above 0, below 1"),
        ({"taste": "salty"}, "taste 'salty' is refused; it can be sweet, sour"),
    ],
)
def test_what_a_dataclass_declares_is_what_it_takes(fields, message):
    assert Deep(("a",), share=0.5).taste == "sour"
    with pytest.raises(ConfigError, match=message):
        Deep(("a",), **fields)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({}, "names: field required"),
        ({"names": ("a",), "count": 10}, "count = 10: input should be less than or equal to 9"),
        ({"names": ("a",), "size": 1}, "size = 1: extra inputs are not permitted"),
    ],
)
def test_a_model_refuses_in_words(fields, message):
    with pytest.raises(ConfigError, match=message):
        Recipe(**fields)


@pytest.mark.parametrize("name", _SUMMARIES)
def test_the_summary_of_a_command_is_the_beginning_of_its_own_help(name):
    """The summary is written in `app`, so that no module is imported for it."""
    shown = CliRunner().invoke(app, [name, "--help"]).output
    subject = _SUMMARIES[name].rstrip(".").partition(",")[0]
    assert subject in " ".join(shown.split())


def test_help_imports_no_group_of_commands():
    group = PoiseGroup(name="poise")
    shown = CliRunner().invoke(app, ["--help"]).output
    assert all(summary.split()[0] in shown for summary in _SUMMARIES.values())
    assert set(group.commands.values()) == {None}
