"""Text that comes from models, made safe to read and to send on.

`clean_reply` turns a model's raw reply into a message. `neutralise` makes any text safe inside a prompt. Every text
that enters a prompt goes through it: the scenario's facts, a persona, both sides' messages.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Sequence
from functools import lru_cache
from itertools import pairwise
from typing import Final

MESSAGE_CHARACTERS: Final = 400
PROMPT_CHARACTERS: Final = 1000

# Every form in which models are known to write down thoughts that are not part of what they say.
_THOUGHT: Final = r"(?:(?:ant|seed:)?think(?:ing)?|thoughts?|reason(?:ing)?|reflection|scratchpad|analysis|monologue)"
_THOUGHT_MARK: Final = re.compile(
    # opening: <think> (also with \uff1c or \u25c1), [THINK], &lt;think&gt;, <|START_THINKING|>, Gemma's
    rf"(?P<opens>[<\uff1c\u25c1]\s*{_THOUGHT}\b[^<>\uff1e\u25b7/]{{0,40}}[>\uff1e\u25b7]|\[{_THOUGHT}\]"
    rf"|&lt;{_THOUGHT}&gt;|<\|(?:(?:start|begin)_(?:of_)?)?{_THOUGHT}\|>|<unused94>|<\|channel>\s*{_THOUGHT})"
    # closing
    rf"|[<\uff1c\u25c1]\s*/\s*{_THOUGHT}\s*[>\uff1e\u25b7]|\[/{_THOUGHT}\]"
    rf"|&lt;/{_THOUGHT}&gt;|<\|(?:/|end_(?:of_)?){_THOUGHT}\|>|<unused95>|<channel\|>",
    re.I,
)
_CHANNEL: Final = re.compile(r"<\|channel\|>", re.I)  # harmony; only the final channel is said
_FINAL: Final = re.compile(
    r"<\|channel\|>\s*final\b.*?<\|message\|>(.*?)(?=<\|(?:end|return|start|call|channel)\|>|\Z)", re.S | re.I
)
_BARE_CHANNEL: Final = re.compile(  # harmony whose tokens a server has taken out
    r"\A\s*analysis(?=[A-Z\s]).*?(?:assistant)?final(?=[A-Z\s:])|\A\s*analysis(?=[A-Z]).*", re.S
)
_HEADED: Final = re.compile(
    r"\A\W{0,4}(?:(?:my )?(?:thoughts?|thinking|reasoning|analysis)(?: process)?|here is my thought process)\W{0,4}:"
    r"(?:.*?\n\W{0,4}(?:(?:my )?(?:final )?(?:answer|message|response|reply|output)|here is my response)\W{0,4}:"
    r"[\s*_]*|.*)",
    re.S | re.I,
)
_TOKENS: Final = re.compile(
    r"<\s*[|\uff5c][^<>]{0,40}[|\uff5c]\s*>|</?s>|<(?:start|end)_of_turn>|\[/?INST\]|<</?SYS>>", re.I
)
_ROLES: Final = (
    "creditor|debtor|rescue team|survivor|hospital|patient|robot|student|user|assistant|system|human"  # of all domains
)
_PREFIX: Final = re.compile(rf"^\W{{0,4}}(?:{_ROLES}|ai|me|reply|response|answer|output)\W{{0,3}}:[\s*_]*", re.I)
_NEXT_SPEAKER: Final = re.compile(rf"(?:(?<=[.!?])[\"')*_]*\s+|\n\s*)\W{{0,3}}(?:{_ROLES})\W{{0,3}}:.*", re.S | re.I)
_SENTENCE_END: Final = re.compile(r"(?<=[.!?\u2026])(?<!\s[A-Z]\.)[\"')\u201d\u2019]*\s+")
_QUOTES: Final = "\"'`\u201c\u201d\u2018\u2019*_"
_CONTROLS: Final = dict.fromkeys((*range(32), 127), " ")
_BRACKETS: Final = str.maketrans({"<": "\u2039", ">": "\u203a", "[": "(", "]": ")", "{": "(", "}": ")"})


@lru_cache(maxsize=4096)
def neutralise(text: str) -> str:
    """`text` as it may stand inside a prompt: one line that cannot end its message or speak for somebody else.

    Angle, square and curly brackets become other characters, so that no control token of any chat template is left
    (`<|im_end|>`, `</s>`, `<start_of_turn>`, `[INST]`, `<<SYS>>`), full-width look-alikes included. Control characters,
    invisible ones and line breaks become spaces. At most PROMPT_CHARACTERS are kept. The same text always gives the
    same result, and applying it again changes nothing.
    """
    plain = _one_line(unicodedata.normalize("NFKC", plain_numbers(_one_line(text)[: 4 * PROMPT_CHARACTERS])))
    return plain.translate(_BRACKETS)[:PROMPT_CHARACTERS].rstrip()


def clean_reply(text: str, echoes: Sequence[str] = (), said: Collection[str] = ()) -> str:
    """A model's reply as a message: one line of at most MESSAGE_CHARACTERS; "" when nothing is left.

    Taken away: thoughts (see `without_thoughts`), control tokens and characters, quotation marks around a sentence, a
    speaker's name in front ("Creditor:"), everything from the next speaker's name on, the words of the direction itself
    (`echoes`), a sentence that comes twice, or that is among those `said` before. A text that is too long ends with its
    last whole sentence.
    """
    raw = plain_numbers(_TOKENS.sub(" ", without_thoughts(text[: 50 * MESSAGE_CHARACTERS])).strip())
    line = _one_line(_NEXT_SPEAKER.sub("", _PREFIX.sub("", raw)))
    for echo in echoes:
        line = _one_line(line.replace(echo, " "))
    before = None
    while line != before:
        before = line
        line = " ".join(map(_unquote, sentences(_TOKENS.sub(" ", line)))).strip()
        line = _NEXT_SPEAKER.sub("", _PREFIX.sub("", line)).strip()
    line = " ".join(part for part in dict.fromkeys(sentences(line)) if part not in said)
    return line if len(line) <= MESSAGE_CHARACTERS else cut_back(line[:MESSAGE_CHARACTERS]) or line[:MESSAGE_CHARACTERS]


def plain_numbers(text: str) -> str:
    """`text` with ASCII digits for those of other scripts and forms, and fractions in digits: `1 1/2` for `1½`.

    A seat's message is stored, shown and sent to the other seat in this form, so that all see the same number.
    """
    if text.isascii():
        return text
    plain = ""
    for character in text:
        part = _ascii_number(character)
        plain += f" {part}" if part != character and "/" in part and plain[-1:].isdigit() else part
    return plain


@lru_cache(maxsize=1024)
def _ascii_number(character: str) -> str:
    if (digit := unicodedata.decimal(character, None)) is not None:
        return str(digit)
    if unicodedata.category(character) not in ("No", "Nl"):
        return character
    return unicodedata.normalize("NFKC", character).replace("\u2044", "/")


def without_thoughts(text: str) -> str:
    """A model's reply without its thoughts, in all known forms; doubtful text counts as a thought.

    Tags and brackets (`<think>`, `[THINK]`, `<|START_THINKING|>`, ...), harmony's channels other than the final one,
    and a heading such as "Thoughts:". Everything before a closing mark without an opening one is a thought, since a
    chat template may have opened it; so is everything after an opening mark that is never closed.
    """
    if _CHANNEL.search(text):
        text = next(reversed(_FINAL.findall(text)), "")
    text = _HEADED.sub(" ", _BARE_CHANNEL.sub(" ", text))
    depth, start, said = 0, 0, ""
    for mark in _THOUGHT_MARK.finditer(text):
        if depth == 0:
            said = f"{said} {text[start : mark.start()]}" if mark["opens"] else ""
        depth = depth + 1 if mark["opens"] else max(0, depth - 1)
        start = mark.end()
    return said if depth else f"{said} {text[start:]}"


def cut_back(text: str) -> str:
    """`text` up to the end of its last whole sentence; "" without one."""
    parts = sentences(text)
    if parts and not re.search(r"[.!?\u2026][\"')\u201d\u2019]*$", parts[-1]):
        parts = parts[:-1]
    return " ".join(parts)


def sentences(text: str) -> list[str]:
    """The sentences of `text`, in order; joined by blanks they are the text again."""
    ends = [match.end() for match in _SENTENCE_END.finditer(text)]
    parts = (text[start:end].strip() for start, end in pairwise([0, *ends, len(text)]))
    return [part for part in parts if part]


def _one_line(text: str) -> str:
    """`text` without control and invisible characters; runs of white space become one blank."""
    if text.isascii():
        return " ".join(text.translate(_CONTROLS).split())
    kept = "".join(" " if unicodedata.category(character) == "Cc" else character for character in text)
    kept = "".join(character for character in kept if unicodedata.category(character) not in ("Cf", "Cs", "Co", "Cn"))
    return " ".join(kept.split())


def _unquote(text: str) -> str:
    stripped = text.strip()
    while len(stripped) > 1 and stripped[0] in _QUOTES and stripped[-1] in _QUOTES:
        stripped = stripped[1:-1].strip()
    return stripped if stripped.strip(_QUOTES) else ""
