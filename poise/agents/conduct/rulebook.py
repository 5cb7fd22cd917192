"""Rules and the words they share, read from TOML files and refused with file, place and remedy where they are wrong."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from poise.agents.conduct.phrases import SUBJECTS, Groups, Phrase, expand, parse
from poise.common.errors import ConfigError

Clearing = Literal["denial", "report"]

RULES: Final = Path(__file__).parent / "rules"
WORDS: Final = Path(__file__).parent / "words.toml"

_Text = Annotated[str, Field(min_length=3, max_length=2000)]
_Texts = Annotated[list[_Text], Field(min_length=1)]
_Citation = Annotated[str, Field(pattern=r"15 U\.S\.C\. 1692|12 CFR 1006\.")]
_Id = Annotated[str, Field(pattern=r"^[a-z]+(-[a-z]+)*$")]


@dataclass(frozen=True, slots=True)
class Rule:
    """One kind of violation.

    id:          unique; it begins with its category: "arrest.police".
    citation:    the sections it is in the spirit of.
    explanation: what is wrong with it, in one or two sentences.
    phrases:     what is looked for. unless: what makes it right when it stands in the same sentence.
    cleared_by:  "denial" where a denial makes it right ("we will not ..."), "report" where it is right to say that
                 somebody else said it.
    caught, clean: examples; a file whose examples are not treated so is refused.
    """

    id: str
    category: str
    citation: str
    explanation: str
    phrases: tuple[Phrase, ...]
    unless: tuple[Phrase, ...]
    cleared_by: frozenset[Clearing]
    caught: tuple[str, ...]
    clean: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Shared:
    """What all rules share (words.toml): groups of words, and how denial and reported speech are worded.

    negators deny; bridges may stand between a negator and what it denies; thinking are verbs over which two negators
    make a threat ("do not think that we will not"); excused are phrases whose negator denies nothing ("not hesitate
    to"). reports introduce what somebody said or feared, doubts what somebody is asked to doubt; breaks end the reach
    of both. sayings tell whose words a quotation is.
    """

    groups: Groups
    common: frozenset[str]
    ordinary: frozenset[str]
    spelled: Mapping[str, tuple[str, ...]]
    negators: frozenset[str]
    prenegators: frozenset[str]
    bridges: frozenset[str]
    thinking: frozenset[str]
    excused: tuple[Phrase, ...]
    reports: tuple[Phrase, ...]
    doubts: tuple[Phrase, ...]
    breaks: tuple[Phrase, ...]
    sayings: tuple[Phrase, ...]

    def phrases(self) -> tuple[Phrase, ...]:
        """All phrases of denial and reported speech."""
        return self.excused + self.reports + self.doubts + self.breaks + self.sayings


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class _Rule(_Part):
    id: _Id
    citation: _Citation
    explanation: _Text
    phrases: _Texts
    unless: list[_Text] = []
    cleared_by: list[Clearing] = ["denial", "report"]
    caught: _Texts
    clean: _Texts


class RuleFile(_Part):
    """What a file of rules of conduct may say."""

    category: _Id
    about: _Text
    groups: dict[_Id, list[str]] = {}
    rule: Annotated[list[_Rule], Field(min_length=1)]


class _WordFile(_Part):
    common: _Text
    ordinary: _Text
    negators: _Text
    prenegators: _Text
    bridges: _Text
    thinking: _Text
    excused: _Texts
    reports: _Texts
    doubts: _Texts
    breaks: _Texts
    sayings: _Texts
    spelled: dict[str, str]
    groups: dict[_Id, str]


_File = TypeVar("_File", bound=_Part)


def read_shared(path: Path = WORDS) -> Shared:
    """The words that all rules share. Raises ConfigError where the file is refused."""
    file = _read(path, _WordFile)
    groups = _grouped({name: words.split() for name, words in file.groups.items()}, {}, path)

    def words(text: str) -> frozenset[str]:
        return expand(text.split(), groups)

    def phrases(texts: Sequence[str]) -> tuple[Phrase, ...]:
        return tuple(parse(text, groups) for text in texts)

    with _Place(path):
        return Shared(
            groups=groups,
            common=words(file.common) | frozenset(SUBJECTS),
            ordinary=words(file.ordinary),
            spelled={word: tuple(meant.split()) for word, meant in file.spelled.items()},
            negators=words(file.negators),
            prenegators=words(file.prenegators),
            bridges=words(file.bridges),
            thinking=words(file.thinking),
            excused=phrases(file.excused),
            reports=phrases(file.reports),
            doubts=phrases(file.doubts),
            breaks=phrases(file.breaks),
            sayings=phrases(file.sayings),
        )


def read_rules(paths: Iterable[Path], shared: Shared) -> tuple[Rule, ...]:
    """The rules of some files.

    Raises ConfigError for a file that cannot be read, a setting that is missing or unknown, a phrase that is wrong, an
    unknown group, or an id used twice.
    """
    rules: dict[str, Rule] = {}
    for path in paths:
        file = _read(path, RuleFile)
        groups = _grouped(file.groups, shared.groups, path)
        for each in file.rule:
            with _Place(path, each.id):
                rule = _rule(each, file.category, groups)
                if rule.id in rules:
                    raise ConfigError(f"the id {rule.id!r} is used twice; give it another")
                rules[rule.id] = rule
    return tuple(rules.values())


def shipped_rules() -> tuple[Path, ...]:
    """The rule files of this package."""
    return tuple(sorted(RULES.glob("*.toml")))


def _rule(each: _Rule, category: str, groups: Groups) -> Rule:
    return Rule(
        id=f"{category}.{each.id}",
        category=category,
        citation=each.citation,
        explanation=" ".join(each.explanation.split()),
        phrases=tuple(parse(text, groups) for text in each.phrases),
        unless=tuple(parse(text, groups) for text in each.unless),
        cleared_by=frozenset(each.cleared_by),
        caught=tuple(each.caught),
        clean=tuple(each.clean),
    )


def _grouped(written: Mapping[str, Sequence[str]], known: Groups, path: Path) -> dict[str, frozenset[str]]:
    """`known` with the groups as written, in order, so that a group may use those before it."""
    groups = dict(known)
    for name, items in written.items():
        with _Place(path, f"group {name}"):
            if name in groups:
                raise ConfigError("the group exists already; give it another name")
            groups[name] = expand(items, groups)
    return groups


def _read(path: Path, kind: type[_File]) -> _File:
    with _Place(path):
        try:
            data: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8-sig"))
            return kind.model_validate(data)
        except OSError as error:
            raise ConfigError(f"cannot be read: {error.strerror}; check the path") from None
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise ConfigError(f"is not TOML in UTF-8: {error}") from None
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(map(str, first["loc"]))
            value = str(first["input"])[:80]
            raise ConfigError(f"{place}: {first['msg']} (it is {value!r}); see docs/conduct.md") from None


class _Place:
    """Puts the file, and the place in it, before the text of an error."""

    def __init__(self, path: Path, part: str = "") -> None:
        self._where = f"{path.name}, {part}" if part else path.name

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if isinstance(error, ConfigError) and not str(error).startswith(self._where.split(",")[0]):
            raise ConfigError(f"{self._where}: {error}") from None
