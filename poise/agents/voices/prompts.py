"""The prompts of a model. Their texts are files in `prompts/`; this file reads them and fills them in.

A prompt grows only at its end: the system text and the messages so far are byte for byte those of the turn before, and
this turn's direction comes last and is absent in the next turn. A server's prefix cache therefore serves all of it but
the last two messages and the direction.

    system       roles, case, rules                        the same all through a match
    user         a constant opening line                   the creditor's conversation only
    assistant    this seat's first message
    user         the other side's first message
    ...
    user         the other side's last message + blank line + direction

A seat's prompt holds its own target where the model decides the number, and never the other's. Texts that are not
Poise's own (the case, a persona, messages) go through `neutralise`; they are filled into `string.Template`, which does
not look for names in what it fills in.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from string import Template
from typing import Any, Final, Literal

from poise.agents.models.text import neutralise
from poise.agents.protocols import Brief, ReplyForm, Request, View
from poise.common.errors import AgentError
from poise.common.words import with_unit
from poise.games.domains import domain_file, domain_words
from poise.games.moves import SEATS, Move, MoveKind, Seat, other

FOLDER: Final = Path(__file__).parent / "prompts"
BREAK: Final = "\n\n"  # between the other side's words and the direction; neutralised text has no line breaks
_SEAT_TEXTS: Final = ("system", "goal", "rules", "opening")
_FILLED: Final = frozenset({"facts", "unit", "target", "low", "high", "tolerance", "messages"})
_WITH_OFFER: Final = ("offer", "firm", "accept")
_KINDS: Final = (*_WITH_OFFER, "walk", "forfeit")
Role = Literal["system", "user", "assistant"]
Offers = Literal["policy", "model"]


@dataclass(frozen=True, slots=True)
class Prompt:
    """One call's prompt: turns that stay in later prompts (role, text), and the direction for this message only."""

    turns: tuple[tuple[Role, str], ...]
    direction: str

    def messages(self) -> list[tuple[Role, str]]:
        """The turns with the direction at the end of the last one."""
        role, text = self.turns[-1]
        if role != "user":
            return [*self.turns, ("user", self.direction)]
        return [*self.turns[:-1], (role, f"{text}{BREAK}{self.direction}")]


def render(request: Request, offers: Offers, again: str = "", reading: ReplyForm = "words") -> Prompt:
    """The prompt for one message; `again` is what was wrong with the last try (see `complaint`)."""
    view = request.view
    turns: list[tuple[Role, str]] = [("system", system_text(view.brief, character(request), offers))]
    if view.brief.seat == "creditor":
        turns.append(("user", _domain(view.brief.domain)["creditor"]["opening"].strip()))
    turns += [
        ("assistant" if line.seat == view.brief.seat else "user", neutralise(line.text) or silence())
        for line in view.lines
    ]
    return Prompt(tuple(turns), " ".join(filter(None, [again, direction(request, reading)])))


def system_text(brief: Brief, persona: str, offers: Offers) -> str:
    """The first message of a conversation: roles, case and, where the model decides the number, goal and rules."""
    facts = _facts(brief.context, _domain(brief.domain)["facts"])
    return _instructions(brief, persona, offers, facts)


def character(request: Request) -> str:
    """A seat's own description: its persona, how it bargains, and for whom it speaks."""
    directions, words = _table("directions"), domain_words(request.view.brief.domain)
    seat = request.view.brief.seat
    strategy = directions["strategies"].get(request.strategy, "")
    role = _fill(directions["role"], role=words.role(seat), other=words.role(other(seat)))
    return " ".join(filter(None, [request.persona, strategy, role]))


def private_text(brief: Brief, persona: str, offers: Offers) -> str:
    """The same without the facts of the scenario: instructions that a seat has no reason to say."""
    return _instructions(brief, persona, offers, facts="")


def _instructions(brief: Brief, persona: str, offers: Offers, facts: str) -> str:
    words = _domain(brief.domain)[brief.seat]
    parts = [words["system"]]
    if offers == "model":
        parts += [words["goal"], words["rules"]]
    values = {
        "facts": facts,
        "unit": brief.unit,
        "target": with_unit(brief.target, brief.unit),
        "low": brief.bounds[0],
        "high": with_unit(brief.bounds[1], brief.unit),
        "tolerance": with_unit(brief.rules.tolerance, brief.unit),
        "messages": brief.rules.max_messages,
    }
    texts = [Template(part).substitute(values).strip() for part in parts]
    return "\n".join([*texts, *filter(None, [neutralise(persona)])])


def direction(request: Request, reading: ReplyForm = "words") -> str:
    """The direction for this message: the emotion, then the move with its number last."""
    feeling = "" if request.emotion is None else emotion_direction(request.emotion)
    if request.move is None:
        brief = request.view.brief
        form = str(_table("directions")["form"]) if reading == "structured" else ""
        asked = " ".join(filter(None, [form, _choice(brief)]))
    else:
        asked = _fill(_table("directions")["say"], sentence=plain_sentence(request.move, request.view))
    return " ".join(filter(None, [feeling, asked]))


def _choice(brief: Brief) -> str:
    """The direction that asks for the model's own number."""
    begin = _domain(brief.domain)[brief.seat]["says"]["offer"].split("$offer")[0].strip()
    if not begin:
        return _fill(_table("directions")["choose_plain"], unit=brief.unit)
    return _fill(_table("directions")["choose"], begin=_fill(begin))


def emotion_direction(emotion: str) -> str:
    """The three sentences that ask for one of the 28 emotions."""
    emotions = _table("emotions")
    if emotion not in emotions or emotion == "shape":
        raise AgentError(f"emotion {emotion!r} is none of the 28; see `poise.agents.emotions.EMOTIONS28`")
    return _fill(emotions["shape"], **emotions[emotion])


def plain_sentence(move: Move, view: View) -> str:
    """The move in the plainest words, which a direction asks for and a repair adds.

    Raises AgentError for an acceptance where nothing is on the table.
    """
    value = view.other_offer if move.kind == "accept" else move.value
    if move.kind == "accept" and value is None:
        raise AgentError("an acceptance where the other side has no offer standing; make an offer instead")
    kind: MoveKind | Literal["firm"] = "firm" if move.firm and view.other_offer is not None else move.kind
    says = _domain(view.brief.domain)[view.brief.seat]["says"][kind]
    sentence = _fill(says, **({} if value is None else {"offer": with_unit(value, view.brief.unit)}))
    return _fill(_table("directions")["promise"], sentence=sentence) if promised(move, view) else sentence


def plain_templates(domain: str, seat: Seat) -> dict[str, str]:
    """By kind of move, the sentence that a direction asks for, with $offer for the number.

    Raises AgentError where the domain has no prompt.
    """
    return dict(_domain(domain)[seat]["says"])


def promised(move: Move, view: View) -> bool:
    """Whether the seat has to give its word on this offer (a persona that will break it says so in its notes)."""
    return move.kind == "offer" and not move.firm and bool(view.notes.get("promise"))


def complaint(reason: str, view: View, said: str = "") -> str:
    """What the model is told about a reply that could not be used; `reason` is a name in [again]."""
    brief = view.brief
    return _fill(
        _table("directions")["again"][reason],
        said=neutralise(said),
        unit=brief.unit,
        low=brief.bounds[0],
        high=with_unit(brief.bounds[1], brief.unit),
        grid=brief.rules.grid,
        role=domain_words(brief.domain).role(brief.seat),
    )


def silence() -> str:
    """What the other side sees instead of a message without words."""
    return str(_table("directions")["silence"]["text"])


def echoes(request: Request) -> list[str]:
    """The words of the direction that small models repeat along with the sentence they are asked for."""
    lead = _table("directions")["say"].split('"$sentence"')[0].strip()
    return [lead, *([emotion_direction(request.emotion)] if request.emotion else [])]


def _facts(context: Mapping[str, str], wanted: Sequence[str]) -> str:
    names = [name for name in wanted if name in context] or list(context)
    facts = ((neutralise(name), neutralise(str(context[name]))) for name in names)
    return " ".join(f"{name}: {text}" if text.endswith((".", "!", "?")) else f"{name}: {text}." for name, text in facts)


def _fill(template: str, **values: object) -> str:
    return Template(template).substitute(values)


def _domain(domain: str) -> dict[str, Any]:
    """The domain's words: `prompt.toml` in its own folder, or a file of its name among Poise's."""
    path = domain_file(domain, "prompt.toml") or FOLDER / f"{domain}.toml"
    words = _domain_words(path)
    if words is None:
        raise AgentError(
            f"there is no prompt for the domain {domain!r}; add prompt.toml to its folder (Poise's own are in "
            f"{FOLDER.name}/), or play it with the scripted voice"
        )
    return words


@cache
def _domain_words(path: Path) -> dict[str, Any] | None:
    if not path.is_file():
        return None
    try:
        words = _read(path)
        problem = next(filter(None, (_seat_problem(words[seat]) for seat in SEATS)), None)
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        raise AgentError(f"{path}: this prompt cannot be used ({type(error).__name__}: {error})") from None
    if problem:
        raise AgentError(f"{path}: {problem}")
    return {"facts": [], **words}


def _seat_problem(words: Mapping[str, Any]) -> str | None:
    """The problem of a seat's part of a domain's file; "" or None where there is none."""
    texts = {name: (words[name], _FILLED) for name in _SEAT_TEXTS}
    for kind in _KINDS:
        texts[f"says.{kind}"] = words["says"][kind], frozenset({"offer"} if kind in _WITH_OFFER else ())
    for name, (text, fillable) in texts.items():
        template = Template(text)
        if not template.is_valid() or not set(template.get_identifiers()) <= fillable:
            return f"{name} can hold {', '.join(f'${each}' for each in sorted(fillable)) or 'no name'}; write $$ for $"
        if name.startswith("says.") and fillable and "offer" not in template.get_identifiers():
            return f"{name} has to state $offer"
    return None


@cache
def _table(name: str) -> dict[str, Any]:
    return _read(FOLDER / f"{name}.toml")


def _read(path: Path) -> dict[str, Any]:
    return tomllib.loads(path.read_text(encoding="utf-8-sig"))
