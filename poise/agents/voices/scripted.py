"""A voice without a model: it words moves by a grammar of sentences, and speaks in LLM-free tournaments.

A message is made of at most four parts: a *tone*, the sentence that shows the emotion; an *answer* to what was just
said; a *fact* of the scenario, or what the speaker's strategy makes of it; and the move. The phrases are in
`phrases/`: tones in tones.toml, the rest of a domain in domains/, and what serves every domain in general.toml.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from functools import cache, lru_cache
from itertools import product
from pathlib import Path
from typing import Any, Final, NamedTuple

from poise.agents.protocols import Brief, Request, Speech, View
from poise.common.errors import AgentError
from poise.common.seeds import Dice
from poise.common.words import did_you_mean, with_unit
from poise.games.domains import domain_file
from poise.games.moves import SEATS, Move, Seat

FOLDER: Final = Path(__file__).parent / "phrases"
GENERAL: Final = FOLDER / "general.toml"
STRATEGIES: Final = ("threats", "blame", "hardship", "silence")
OFFERING: Final = ("offer", "open", "give", "hold", "back", "last", "firm", "promise")  # kinds that make an offer
_PLAIN: Final = "plain"
_LIKE_OFFER: Final = OFFERING[1:6]  # where a file has none of these, they are worded as any offer
_PARTS: Final = ("facts", "answers", "strategies", "words")
_CHOICE: Final = re.compile(r"(\([^()]*\|[^()]*\)|\{\w+\})")
_FILLED: Final = re.compile(r"\{([^{}]+)\}")

# A fact is said where its value is a few plain words, or dollars, none of which could be read as a move.
_SAYABLE: Final = re.compile(r"\$[0-9][0-9,]*|[^\W\d_](?:[^\W\d_]|[ ,'&-]){1,69}")
_TELLING: Final = frozenset(
    re.findall(
        r"\w+",
        "accept accepted agree agreed deal offer propose walk leave leaving refuse reject decline end ending over done "
        "none promise word minute minutes hour hours day days week weeks month months year years no not never",
    )
)

_ANSWERED: Final = 55  # percent of the messages that could have one
_PLEADED: Final = 95  # percent of the messages of a seat with a strategy
_FACTUAL: Final = 85  # percent of those without an answer or a strategy
_ANSWER_FIRST: Final = 35  # percent of those with both
_NEAR_THE_END: Final = 4  # messages that are left
_LITTLE: Final = 0.12  # share of the gap between the sides, below which a step is a small one

Table = dict[tuple[Seat, str], tuple[str, ...]]


class Phrases(NamedTuple):
    """The phrases of one domain; "plain" stands for no emotion.

    feelings:   tones by seat and emotion. moves: by seat and kind, with {offer} for the number.
    answers:    by seat and by what was said, with {theirs} for the other side's number and {too} for what is wrong
                with it. facts: templates by seat, with labels of the context.
    strategies: of the debtor, by name. hears: by seat, words and what is heard by them.
    too:        what is wrong with an offer that is too low, and with one that is too high.
    """

    feelings: Table
    moves: Table
    answers: Table
    facts: Mapping[Seat, tuple[str, ...]]
    strategies: Mapping[str, tuple[str, ...]]
    hears: Mapping[Seat, tuple[tuple[str, str], ...]]
    too: tuple[tuple[str, ...], tuple[str, ...]]


def phrases(domain: str = "debt") -> Phrases:
    """The phrases of `domain`: those in `phrases/`, or the `moves.toml` in the domain's own folder.

    Where a domain has no words of its own, those of general.toml are used.

    Raises AgentError for a file that cannot be used.
    """
    return _phrases(domain, domain_file(domain, "moves.toml"))


@cache
def _phrases(domain: str, own: Path | None) -> Phrases:
    general = _read(GENERAL)
    built_in = FOLDER / "domains" / f"{domain}.toml"
    file = _checked(own, general) if own else _read(built_in) if built_in.exists() else {}
    said = {seat: file.get(seat, {}) for seat in SEATS}
    words = {seat: {**general[seat]["words"], **said[seat].get("words", {})} for seat in SEATS}
    too = {**general["too"], **file.get("too", {})}
    return Phrases(
        feelings=_tones(words),
        moves={
            (seat, kind): _every(said[seat].get(kind) or (kind in _LIKE_OFFER and said[seat].get("offer")) or texts)
            for seat in SEATS
            for kind, texts in general[seat].items()
            if kind not in _PARTS
        },
        answers={
            (seat, heard): _every([*said[seat].get("answers", {}).get(heard, ()), *texts])
            for seat in SEATS
            for heard, texts in general[seat]["answers"].items()
        },
        facts={seat: _every(said[seat].get("facts", ())) for seat in SEATS},
        strategies={
            name: _every(said["debtor"].get("strategies", {}).get(name, texts))
            for name, texts in general["debtor"]["strategies"].items()
        },
        hears={
            seat: tuple(
                (word, heard)
                for heard, texts in {**general["hears"], **file.get("hears", {})}.items()
                for word in texts
                if heard in general[seat]["answers"]
            )
            for seat in SEATS
        },
        too=(tuple(too["low"]), tuple(too["high"])),
    )


def _tones(words: Mapping[Seat, Mapping[str, Sequence[str]]]) -> Table:
    """All tones of each seat; those that fit both seats are distributed between them in turn."""
    tones: Table = {}
    for emotion, lists in _read(FOLDER / "tones.toml").items():
        for place, seat in enumerate(SEATS):
            named = [text for text in lists.get("both", ()) if _FILLED.search(text)]
            shared = [text for text in lists.get("both", ()) if not _FILLED.search(text)]
            own = _every([*named, *lists.get(seat, ())], words[seat])
            tones[seat, emotion] = tuple(dict.fromkeys([*own, *_every(shared)[place::2]]))
    return tones


def _every(templates: Iterable[str], words: Mapping[str, Sequence[str]] | None = None) -> tuple[str, ...]:
    """All texts that the templates stand for: (a|b) is either, and with `words`, {name} is any of that name."""
    made: list[str] = []
    for template in templates:
        choices = []
        for part in _CHOICE.split(template):
            if part.startswith("(") and "|" in part:
                choices.append(part[1:-1].split("|"))
            elif words is not None and part.startswith("{"):
                named = words[part[1:-1].lower()]
                choices.append([_capital(each) for each in named] if part[1].isupper() else list(named))
            else:
                choices.append([part])
        made += map("".join, product(*choices))
    return tuple(dict.fromkeys(made))


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _checked(path: Path, general: Mapping[str, Any]) -> dict[str, Any]:
    """A user's file; each list needs at least one text, those of moves with {offer} once where they state a number."""
    try:
        file = _read(path)
        seats = {seat: dict(file.get(seat, {})) for seat in SEATS}
    except (OSError, ValueError, TypeError) as error:
        raise AgentError(f"{path}: this file of moves cannot be used ({error}); see docs/domains.md") from None
    for seat, table in seats.items():
        for kind, texts in table.items():
            if kind in _PARTS:
                _check_part(path, seat, kind, texts, general)
                continue
            if kind not in general[seat]:
                known = ", ".join(sorted(kind for kind in general[seat] if kind not in _PARTS))
                hint = did_you_mean(kind, general[seat])
                raise AgentError(f"{path}: [{seat}] has {kind!r}, which is not a move; {hint}there are {known}")
            table[kind] = [texts] if isinstance(texts, str) else texts
            wanted = _holes(general[seat][kind][0])
            if not table[kind] or any(_holes(text) != wanted for text in table[kind]):
                holds = "each with {offer} once and no other brace" if wanted else "without braces"
                raise AgentError(f"{path}: [{seat}] {kind} has to be a list of texts, {holds}")
    return {**file, "creditor": seats["creditor"], "debtor": seats["debtor"]}


def _check_part(path: Path, seat: Seat, part: str, given: Any, general: Mapping[str, Any]) -> None:
    """Whether facts are texts, and answers, strategies and words tables of lists of them under known names."""
    lists = {"facts": given} if part == "facts" else given
    known = ("facts",) if part == "facts" else tuple(general[seat].get(part, ()))
    if not isinstance(lists, dict):
        raise AgentError(f"{path}: [{seat}] {part} has to be a table; see docs/domains.md")
    for name, texts in lists.items():
        if name not in known:
            raise AgentError(f"{path}: [{seat}.{part}] has {name!r}; there are {', '.join(known)}")
        if not isinstance(texts, list) or not texts or not all(isinstance(text, str) for text in texts):
            raise AgentError(f"{path}: [{seat}.{part}] {name} has to be a list of texts, at least one")
        allowed = {"answers": {"theirs", "too"}, "facts": None}.get(part, set())
        odd = [hole for text in texts for hole in _FILLED.findall(text) if allowed is not None and hole not in allowed]
        if odd:
            holds = ", ".join(f"{{{each}}}" for each in sorted(allowed or ())) or "no braces"
            raise AgentError(f"{path}: [{seat}.{part}] {name} holds {{{odd[0]}}}; it can hold {holds}")


def _holes(text: object) -> list[str]:
    """The names in braces; any other brace counts as one without a name, and what is no text as one more."""
    if not isinstance(text, str):
        return ["", ""]
    return [found[1] or "" for found in re.finditer(r"\{(offer)\}|[{}]", text)]


def _read(path: Path) -> dict[str, Any]:
    return tomllib.loads(path.read_text(encoding="utf-8-sig"))


def stated_facts(templates: Iterable[str], context: Mapping[str, str]) -> tuple[str, ...]:
    """The facts of a scenario as sentences: those whose every name is a label of it with a value that can be said."""
    values: dict[str, str] = {}
    for label, text in context.items():
        words = set(re.findall(r"[a-z']+", text.lower()))
        if _SAYABLE.fullmatch(text) and words.isdisjoint(_TELLING):
            values[label] = text
            small = label[:1].lower() + label[1:]
            values.setdefault(small, text if text[1:2].isupper() else text[:1].lower() + text[1:])
    found = []
    for template in templates:
        if all(name in values for name in _FILLED.findall(template)):
            fact = _FILLED.sub(lambda name: values[name[1]], template)
            found.append(_capital(fact).replace("..", "."))
    return tuple(found)


class ScriptedVoice:
    """Says any move with any of the 28 emotions, or plainly without one.

    An offer, firm or not, and an acceptance state their number once, with its unit; the only other number of that unit
    that is ever said is the other side's, as theirs. The same request and dice give the same words. A seat says no
    sentence in two consecutive messages, and repeats none in a negotiation while it has others left.
    """

    def __init__(self) -> None:
        self._told: dict[str, Phrases] = {}  # finding a domain's files costs more than wording a message
        self._latest: dict[Seat, tuple[Brief, tuple[str, ...]]] = {}  # of each seat, with what facts it can state

    def speak(self, request: Request, dice: Dice) -> Speech:
        """The words for `request.move`.

        Raises AgentError when no move is decided (offers="model"): there is no model here to decide it.
        """
        view, move = request.view, request.move
        if move is None:
            raise AgentError(
                'offers="model" needs a model to decide the number, and the scripted voice has none; '
                'name a model, such as embedded:smollm2, or use offers="policy"'
            )
        brief = view.brief
        told = self._told.get(brief.domain) or self._told.setdefault(brief.domain, phrases(brief.domain))
        tones = told.feelings.get((brief.seat, request.emotion or _PLAIN))
        if tones is None:
            raise AgentError(f"emotion {request.emotion!r} is none of the 28; see `poise.agents.emotions.EMOTIONS28`")
        silent = request.strategy == "silence"
        if silent and request.emotion in (None, "neutral"):
            tones = told.strategies["silence"]
        choice = _Choice(view, dice)
        tone = choice.fresh(tones)
        parts = [tone]
        if not silent and move.kind != "forfeit":
            parts += self._between(request, move, told, choice)
            if len(parts) > 1 and view.lines and choice.chance(_ANSWER_FIRST):
                parts[0], parts[1] = parts[1], parts[0]
        moved = choice.fresh(told.moves[brief.seat, _kind(view, move)])
        parts.append(moved.replace("{offer}", _amount(view, move)))
        return Speech(" ".join(parts), move, tone=tone)

    def _between(self, request: Request, move: Move, told: Phrases, choice: _Choice) -> list[str]:
        """The part between the tone and the move: an answer, and a fact or the strategy's use of it."""
        view, seat = request.view, request.view.brief.seat
        said = []
        answered = bool(view.lines) and choice.chance(_ANSWERED)
        if answered:
            heard = {"accept": "accepted", "walk": "left"}.get(move.kind) or _heard(view, told)
            answer = choice.fresh(told.answers[seat, heard])
            if "{" in answer:
                wrong = told.too[view.brief.direction > 0]
                answer = answer.replace("{too}", wrong[choice.place(len(wrong))])
                answer = answer.replace("{theirs}", with_unit(view.other_offer or 0, view.brief.unit))
            said.append(answer)
        if request.strategy:
            if choice.chance(_PLEADED):
                said.append(choice.fresh(told.strategies[request.strategy]))
        elif not answered and choice.chance(_FACTUAL):
            facts = self._facts(told, view.brief)
            if facts:
                said.append(choice.fresh(facts))
        return said

    def _facts(self, told: Phrases, brief: Brief) -> tuple[str, ...]:
        """The facts that a seat can state; found once a match, which has one brief."""
        latest = self._latest.get(brief.seat)
        if latest is None or latest[0] is not brief:
            latest = brief, _facts(told.facts[brief.seat], tuple(brief.context.items()))
            self._latest[brief.seat] = latest
        return latest[1]


@lru_cache(maxsize=4096)
def _facts(templates: tuple[str, ...], context: tuple[tuple[str, str], ...]) -> tuple[str, ...]:
    return stated_facts(templates, dict(context))


class _Choice:
    """The choices for one message, all from one draw: each uses the part that the earlier ones left."""

    __slots__ = ("_last", "_left", "_said")

    def __init__(self, view: View, dice: Dice) -> None:
        seat = view.brief.seat
        own = [line.text for line in view.lines if line.seat == seat]
        self._said, self._last = "\n".join(own), own[-1] if own else ""
        self._left = dice.unit()

    def place(self, count: int) -> int:
        """A whole number from 0 to count - 1."""
        scaled = self._left * count
        place = int(scaled)
        self._left = scaled - place
        return place

    def chance(self, percent: int) -> bool:
        """Whether an event of this percentage happens."""
        return self.place(100) < percent

    def fresh(self, texts: Sequence[str]) -> str:
        """A text that this seat has not said; where it has said all, one that its last message does not hold."""
        count = len(texts)
        start = self.place(count)
        for said in (self._said, self._last):
            for place in range(start, start + count):
                text = texts[place % count]
                if text.partition("{")[0] not in said:
                    return text
        return texts[start]


def _kind(view: View, move: Move) -> str:
    """How the move is worded: offers by how they stand to this seat's last one."""
    if move.kind != "offer":
        return move.kind
    if move.firm:
        return "firm"
    if view.notes.get("promise"):
        return "promise"
    mine, value = view.own_offer, move.value
    if mine is None or value is None:
        return "open"
    if view.brief.rules.max_messages - view.index <= _NEAR_THE_END:
        return "last"
    step = (value - mine) * view.brief.direction
    return "give" if step > 0 else "back" if step < 0 else "hold"


def _heard(view: View, told: Phrases) -> str:
    """What the other side's last message did: by its words where they show it, else by its offer."""
    seat, last = view.brief.seat, view.lines[-1]
    text = last.text.lower()
    for word, heard in told.hears[seat]:
        if word in text:
            return heard
    if last.move.value is None or last.move.firm or "?" in text:
        return "silent" if last.move.value is None else "question" if "?" in text else "firm"
    offers = view.offers(last.seat)
    if len(offers) < 2:
        return "opened"
    nearer = (offers[-2] - offers[-1]) * view.brief.direction
    if nearer <= 0:
        return "back" if nearer < 0 else "still"
    mine = view.own_offer
    between = abs(offers[-2] - mine) if mine is not None else nearer
    return "gave" if nearer > _LITTLE * between else "little"


def _amount(view: View, move: Move) -> str:
    """The number that the move is about; "" for one without."""
    if move.kind == "accept":
        value = view.other_offer
        if value is None:
            raise AgentError("an acceptance where the other side has no offer standing; make an offer instead")
    else:
        value = move.value
    return "" if value is None else with_unit(value, view.brief.unit)
