"""Trivial ways to hide words from a filter, for the tests of the conduct checker.

Each turns a text into one that a person still reads. Words of up to three letters stay as they are where only longer
ones are worth hiding; digits are never touched, so that an offer keeps its number.
"""

from __future__ import annotations

import re
from collections.abc import Callable

Disguise = Callable[[str], str]

LEET = str.maketrans("aeioAEIO", "43104310")
SIGNS = str.maketrans("astAST", "@$+@$+")
CYRILLIC = str.maketrans("aceiopsxyACEIOPSXY", "асеіорѕхуАСЕІОРЅХУ")  # noqa: RUF001 -- look-alikes on purpose
GREEK = str.maketrans("aiouvAIO", "αιουνΑΙΟ")  # noqa: RUF001


def shifted(first_lower: int, first_upper: int) -> Disguise:
    """Letters moved to another alphabetical run of Unicode."""

    def disguise(text: str) -> str:
        return "".join(
            chr(first_lower + ord(char) - 97)
            if "a" <= char <= "z"
            else chr(first_upper + ord(char) - 65)
            if "A" <= char <= "Z"
            else char
            for char in text
        )

    return disguise


def each_word(change: Callable[[str], str], shortest: int = 4) -> Disguise:
    """`change` applied to every word of at least `shortest` plain letters."""
    return lambda text: re.sub(rf"(?<![\w'])[A-Za-z]{{{shortest},}}(?![\w'])", lambda match: change(match[0]), text)


def parted(sign: str, shortest: int = 4) -> Disguise:
    """The letters of each word apart, by `sign`."""
    return each_word(sign.join, shortest)


def cut(sign: str) -> Disguise:
    """Each longer word in two, by `sign`."""
    return each_word(lambda word: word[: len(word) // 2] + sign + word[len(word) // 2 :], 5)


def stretched(word: str) -> str:
    """The first vowel three times: jaaail."""
    return re.sub("[aeiou]", lambda match: match[0] * 3, word, count=1)


def spelled_out(text: str) -> str:
    """Every letter apart, words wider apart."""
    return "   ".join(" ".join(word) if word.isalpha() else word for word in text.split())


def sprinkled(char: str) -> Disguise:
    """An invisible character after every letter."""
    return lambda text: "".join(each + char if each.isalpha() else each for each in text)


DISGUISES: dict[str, Disguise] = {
    "upper case": str.upper,
    "swapped case": lambda text: "".join(c.upper() if i % 2 else c.lower() for i, c in enumerate(text)),
    "spaced letters": parted(" "),
    "dotted letters": parted("."),
    "hyphened letters": parted("-"),
    "starred letters": parted("*"),
    "underscored letters": parted("_"),
    "slashed letters": parted("/"),
    "spelled out": spelled_out,
    "leet": each_word(lambda word: word.translate(LEET), 3),
    "leet signs": each_word(lambda word: word.translate(SIGNS), 3),
    "cyrillic": lambda text: text.translate(CYRILLIC),
    "greek": lambda text: text.translate(GREEK),
    "fullwidth": shifted(0xFF41, 0xFF21),
    "mathematical": shifted(0x1D41A, 0x1D400),
    "circled": shifted(0x24D0, 0x24B6),
    "squared": shifted(0x1F170, 0x1F170),
    "small capitals": lambda text: text.translate(str.maketrans("abcdefghijklmnoprtuvwyz", "ᴀʙᴄᴅᴇꜰɢʜɪᴊᴋʟᴍɴᴏᴘʀᴛᴜᴠᴡʏᴢ")),
    "zero-width spaces": sprinkled("\u200b"),
    "soft hyphens": sprinkled("\u00ad"),
    "zero-width joiners": sprinkled("\u200d"),
    "accents": sprinkled("\u0301"),
    "stretched": each_word(stretched, 3),
    "cut by a space": cut(" "),
    "cut by a hyphen": cut("-"),
    "cut by a stop": cut("."),
    "cut by an asterisk": cut("*"),
    "curly quotes": lambda text: text.replace("'", "\u2019").replace('"', "\u201d"),
    "capital I for l": each_word(lambda word: word.replace("l", "I"), 4),
    "wide spaces": lambda text: text.replace(" ", " \u3000 "),
}
