"""Scenarios of a domain made up from its `cases.json`.

    {
      "lower": "debtor",                 the seat with the smaller target
      "step": 5,                         targets and the gap between them are multiples of it, counted from their least
      "groups": {                        scenarios that are alike in their numbers
        "short": {"share": 42, "ages": [16, 78], "target": [10, 60, 37], "gap": [30, 140, 57], "largest": 200}, ...
      },
      "context": {"Survivor": "{debtor}", "Situation": "{story}", ...},
      "plans": [["where", "hurt", "link"], ...],
      "words": {"link": ["The line holds so far.", ...], ...},
      "choices": [[{"NAME": "text", ...}, ...], ...],
      "scenes": [{"groups": ["short"], "words": {...}, "choices": [...]}, ...]
    }

`target` (of the lower seat) and `gap` are [smallest, largest, mean] in the domain's unit. A value is drawn as
smallest + step * floor(n u^k) with n the number of steps, u stratified over the group and k chosen so that the mean is
as given; the published margins are kept in that way. The two are drawn apart from each other and from all that is told,
but that a gap is cut where the other target would be above `largest` (which may be left out).

A context entry is a text with placeholders. {story} is the sentences of a plan, {age} an age. Any other is a *word*: a
text, or a list of which one is dealt (every one is used before one comes again). A choice is a list of which one is
dealt: words that belong together. A scene's words and choices add to those of the file. {first}, {they}, {them} and
{their} are a person's, {surname}, {second}, {place} and {coast} names of people and towns, unless the file has its own.
After its first use in a story a word gives way to the word "NAME again", if there is one.

No number in a scenario is a target: ages that would be are not drawn, and a text may hold no other digits.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from poise.common.errors import ScenarioError
from poise.common.seeds import Dice
from poise.games.scenario import Scenario
from poise.games.scenarios.storytelling import Decks, Teller, names, shuffled, strata

_PRONOUNS: Final = {
    "she": {"they": "she", "them": "her", "their": "her"},
    "he": {"they": "he", "them": "him", "their": "his"},
}
_NAMES: Final = {"surname": "surname", "second": "surname", "place": "inland", "coast": "coast"}


@dataclass(frozen=True, slots=True)
class _Draw:
    """The numbers of one scenario."""

    group: str
    target: int
    gap: int


def generate_from_file(path: Path, domain: str, n: int, seed: int) -> list[Scenario]:
    """`n` scenarios of `domain` from the file at `path`.

    Raises ScenarioError when the file is not made as it has to be.
    """
    try:
        data = json.loads(path.read_text(encoding="utf-8-sig"))
        dice = Dice(seed, f"scenarios/{domain}")
        decks = Decks(dice.child("decks"))
        draws = _draws(data, n, dice)
        return [_scenario(f"{domain}-{place:03d}", domain, data, draw, decks) for place, draw in enumerate(draws)]
    except KeyError as error:
        raise ScenarioError(f"{path}: {error} is missing; docs/domains.md shows what the file holds") from None
    except (OSError, ValueError, TypeError, AttributeError, IndexError, RecursionError) as error:
        raise ScenarioError(f"{path}: {error}; docs/domains.md shows what the file holds") from None
    except ScenarioError as error:
        raise ScenarioError(f"{path}: {error}") from None


def _draws(data: Mapping[str, Any], n: int, dice: Dice) -> Iterator[_Draw]:
    step: int = data["step"]
    sizes = _sizes({name: group["share"] for name, group in data["groups"].items()}, n)
    numbers = {name: _numbers(data["groups"][name], size, step, dice.child(name)) for name, size in sizes.items()}
    for name in shuffled([name for name, size in sizes.items() for _ in range(size)], dice.child("groups")):
        yield _Draw(name, *next(numbers[name]))


def _numbers(group: Mapping[str, Any], size: int, step: int, dice: Dice) -> Iterator[tuple[int, int]]:
    """(target of the lower seat, gap) of each scenario of a group."""
    target, gap = ([_value(u, group[what], step) for u in strata(size, dice.child(what))] for what in ("target", "gap"))
    for lower, apart in zip(target, gap, strict=True):
        most = group.get("largest", lower + apart) - lower
        yield lower, max(min(apart, most), group["gap"][0])


def _sizes(shares: Mapping[str, float], n: int) -> dict[str, int]:
    """`n` divided in proportion to `shares`; what is left over goes to the largest remainders."""
    exact = {name: n * share / sum(shares.values()) for name, share in shares.items()}
    sizes = {name: int(size) for name, size in exact.items()}
    for name in sorted(exact, key=lambda name: sizes[name] - exact[name])[: n - sum(sizes.values())]:
        sizes[name] += 1
    return sizes


def _value(u: float, margin: Sequence[float], step: int) -> int:
    low, high, mean = int(margin[0]), int(margin[1]), margin[2]
    steps = (high - low) // step + 1
    return low + step * int(steps * u ** _exponent(steps, (mean - low) / step))


@lru_cache(maxsize=256)
def _exponent(steps: int, mean: float) -> float:
    """The k for which floor(steps u^k) has that mean, 0 < mean < steps - 1; 1 where there is but one value.

    The mean is the sum over j = 1 .. steps - 1 of P(steps u^k >= j) = 1 - (j / steps)^(1/k), which falls with k.
    """
    if steps == 1:
        return 1.0
    if not 0 < mean < steps - 1:
        raise ScenarioError(f"a mean {mean:g} steps above the smallest of {steps} values; it has to be between them")
    low, high = 1e-3, 1e3
    for _ in range(80):
        middle = (low * high) ** 0.5
        too_large = sum(1 - (j / steps) ** (1 / middle) for j in range(1, steps)) > mean
        low, high = (middle, high) if too_large else (low, middle)
    return low


def _scenario(name: str, domain: str, data: Mapping[str, Any], draw: _Draw, decks: Decks) -> Scenario:
    lower: int = draw.target
    targets = (lower, lower + draw.gap) if data["lower"] == "creditor" else (lower + draw.gap, lower)
    scenes = [scene for scene in data["scenes"] if draw.group in scene["groups"]]
    scene = decks.deal(f"scenes/{draw.group}", scenes)
    words = _Words(data, scene, f"scene {data['scenes'].index(scene)}", decks)
    low, high = data["groups"][draw.group].get("ages", (18, 80))
    low, high = scene.get("ages", (low, high))
    ages = [str(age) for age in range(low, high + 1) if age not in targets]
    words.settle("age", decks.deal(f"ages {low}-{high} but {targets}", ages))
    story = Teller(words.get)
    plan: Sequence[str] = decks.deal("plans", scene.get("plans") or data["plans"])
    words.settle("story", " ".join(story.tell(f"{{{part}}}") for part in plan))
    context = {label: Teller(words.get).tell(text) for label, text in data["context"].items()}
    return Scenario(name, domain, *targets, context=context)


class _Words:
    """The words of one scenario, each dealt when first asked for and kept."""

    def __init__(self, data: Mapping[str, Any], scene: Mapping[str, Any], key: str, decks: Decks) -> None:
        self._decks = decks
        self._lists = {"": data.get("words", {}), key: scene.get("words", {})}
        self._settled: dict[str, str] = {}
        for place, source in (("", data), (key, scene)):
            for number, choices in enumerate(source.get("choices", [])):
                chosen = decks.deal(f"{place}/choice {number}", list(enumerate(choices)))
                self._lists[f"{place}/choice {number}/{chosen[0]}"] = chosen[1]

    def settle(self, name: str, text: str) -> None:
        """Say what a word is."""
        self._settled[name] = text

    def get(self, name: str) -> str | None:
        """The word, None where there is none."""
        if name not in self._settled and not self._deal(name):
            return None
        return self._settled[name]

    def _deal(self, name: str) -> bool:
        for place, lists in reversed(self._lists.items()):
            if name in lists:
                value = lists[name]
                self._settled[name] = value if isinstance(value, str) else self._decks.deal(f"{place}/{name}", value)
                return True
        if name in ("first", "they", "them", "their"):
            pronoun = self._decks.deal("people", sorted(_PRONOUNS))
            first = self._decks.deal(pronoun, names()[pronoun])
            self._settled = {"first": first} | _PRONOUNS[pronoun] | self._settled
            return True
        if name in _NAMES:
            self._settled[name] = self._decks.deal(_NAMES[name], names()[_NAMES[name]])
            return True
        return False
