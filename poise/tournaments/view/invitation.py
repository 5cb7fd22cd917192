"""The form in which a person asks for a seat; nothing in it can name a file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Final, TypeVar

from poise.agents.registry import find_agent, list_agents
from poise.common.errors import AgentError, BadInput, shorten
from poise.common.words import did_you_mean
from poise.games.domains import domain_names
from poise.games.moves import SEATS, Seat, other
from poise.games.scenario import Scenario
from poise.tournaments.config import TournamentConfig
from poise.tournaments.human.match import invite, some_seed

USUAL: Final = {"seat": "debtor", "creditor": "vanilla", "debtor": "angry", "domain": "debt"}
FIELDS: Final = ("seat", "creditor", "debtor", "domain", "case", "model", "name", "seed")
_LONGEST: Final = 200  # characters of a field
T = TypeVar("T", bound=str)


@cache
def opponents(own: tuple[str, ...] = ()) -> Mapping[Seat, tuple[str, ...]]:
    """The agents that can sit across, by their seat: `own`, and those of `poise agents list`.

    Raises AgentError where one of `own` is an agent of neither seat.
    """
    named = [(name, seat) for name in own for seat in _seats_of(name)]
    named += [(each.name, each.seat) for each in list_agents()]
    return {seat: tuple(dict.fromkeys(name for name, taken in named if taken == seat)) for seat in SEATS}


def _seats_of(name: str) -> list[Seat]:
    found: list[Seat] = []
    for seat in SEATS:
        try:
            find_agent(name, seat)
            found.append(seat)
        except AgentError as error:
            refused = error
    if not found:
        raise refused
    return found


def invitation(form: Mapping[str, str], own: tuple[str, ...] = ()) -> tuple[TournamentConfig, Scenario]:
    """The match that a form asks for, as `poise play` would start it; `own` as in `opponents`.

    Raises PoiseError for what cannot be.
    """
    for name in FIELDS:
        if len(form.get(name, "")) > _LONGEST:
            raise BadInput(f"{name} has more than {_LONGEST} characters; shorten it")
    given = {name: form.get(name, "").strip() for name in FIELDS}
    seat = _chosen("seat", given["seat"], SEATS)
    across = other(seat)
    opponent = _chosen(across, given[across], opponents(own)[across])
    seed = _whole("seed", given["seed"])
    settings = {
        "model": given["model"] or None,
        "seed": some_seed() if seed is None else seed,
        "name": _name(given["name"]),
    }
    domain, number = _chosen("domain", given["domain"], domain_names()), _whole("case", given["case"])
    source = "builtin" if domain == "debt" else f"builtin:{domain}"
    return invite(seat, opponent, source if number is None else f"{source}:{number}", settings)


def _chosen(what: str, given: str, known: Sequence[T]) -> T:
    for each in known:
        if each == given:
            return each
    hint = did_you_mean(given, map(str, known))
    raise BadInput(f"{what} {shorten(given)} is none of {', '.join(known)}{hint and f'; {hint.strip()}'}")


def _whole(what: str, given: str) -> int | None:
    if not given:
        return None
    if not (given.isascii() and given.isdigit() and len(given) <= 18):
        raise BadInput(f"{what} {shorten(given)} is not a whole number of 0 or more; leave it empty for any")
    return int(given)


def _name(given: str) -> str | None:
    if given and not all(letter.isalnum() or letter in " .-_" for letter in given):
        raise BadInput(
            f"your name {shorten(given)} may have only letters, digits, spaces, dots and hyphens; leave others out"
        )
    return given or None
