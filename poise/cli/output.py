"""What commands print. Whatever reaches a terminal goes through here, or through the console in `screens.console`.

A name may look like rich's markup, hold an escape sequence, or have characters that the terminal's encoding lacks. The
first is never read as markup, the second is written out (`poise.common.words.visible`), and the third is replaced by
what looks most like it in ASCII.
"""

from __future__ import annotations

import codecs
import io
import json
import sys
import unicodedata
from typing import Any, Final

import typer

from poise.common.words import visible

_REPLACING: Final = "poise-nearest"  # the name of the error handler
_NEAREST: Final = str.maketrans(
    {
        "\u2010": "-", "\u2011": "-", "\u2012": "-", "\u2013": "-", "\u2014": "-", "\u2212": "-", "\u2500": "-",
        "\u2501": "-", "\u2018": "'", "\u2019": "'", "\u201c": '"', "\u201d": '"', "\u2026": "...", "\u00d7": "x",
        "\u2022": "*", "\u00b7": "*", "\u2192": "->", "\u27e8": "<", "\u27e9": ">", "\u2502": "|", "\u2588": "#",
    }
)  # fmt: skip


def write_line(text: str, color: str | None = None, *, err: bool = False) -> None:
    """Print lines of any length without wrapping them."""
    stream, shown = sys.stderr if err else sys.stdout, visible(text)
    # Not typer.echo, which writes UTF-8 to a terminal that is said to be ASCII.
    print(typer.style(shown, fg=color) if color and stream.isatty() else shown, file=stream, flush=True)


def show_json(data: Any) -> None:
    """Print JSON for programs to standard output, escaped to ASCII so that it is the same in every encoding."""
    import orjson

    text = orjson.dumps(data, option=orjson.OPT_INDENT_2).decode()
    sys.stdout.write((text if text.isascii() else json.dumps(orjson.loads(text), indent=2)) + "\n")


def plain(text: str, most: int = 400) -> str:
    """Foreign text as one line of limited length."""
    line: str = visible(text[: most + 1].replace("\n", " ").replace("\t", " "))
    return line if len(line) <= most else line[:most] + "..."


def fit_streams() -> None:
    """Make standard output and error accept any text, and standard input any byte, whatever their encoding."""
    codecs.register_error(_REPLACING, _nearest)
    for stream, errors in ((sys.stdout, _REPLACING), (sys.stderr, _REPLACING), (sys.stdin, "replace")):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=errors)


def _nearest(error: UnicodeError) -> tuple[str, int]:
    """The nearest ASCII for characters that cannot be encoded, or else a numbered escape."""
    assert isinstance(error, UnicodeEncodeError)  # noqa: S101 - for the type checker: nothing decodes with this
    found = []
    for character in error.object[error.start : error.end]:
        near = unicodedata.normalize("NFKD", character.translate(_NEAREST)).encode("ascii", "ignore")
        found.append((near or character.encode("ascii", "backslashreplace")).decode())
    return "".join(found), error.end
