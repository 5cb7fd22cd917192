"""Reading a text file that a user hands over, and refusing it with its name, the line and the remedy."""

from __future__ import annotations

import codecs
import re
from pathlib import Path
from typing import Final

from poise.common.errors import ScenarioError, shorten
from poise.common.files import near_file

LARGEST_FILE: Final = 64 * 2**20
LINE_END: Final = re.compile(r"\r\n|\r|\n")  # what an editor starts a new line for
_OTHER_ENCODINGS: Final = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)  # UTF-32 little-endian begins like UTF-16


def refusal(path: Path, problem: str, *, line: int | None = None, column: str | None = None) -> ScenarioError:
    """The error that says where in `path` (1-based line, name of the column) what is wrong."""
    name = str(path)
    place = [name if name.isprintable() and len(name) <= 400 else shorten(name)]
    if line is not None:
        place.append(f"line {line}")
    if column is not None:
        place.append(f"column {column!r}")
    return ScenarioError(f"{', '.join(place)}: {problem}")


def read_text(path: Path) -> str:
    """The text of the UTF-8 file at `path` (with or without a byte-order mark), line ends as they are.

    Raises ScenarioError for anything else: a folder, a device, another encoding, NUL bytes, no content.
    """
    data = _read_bytes(path).removeprefix(codecs.BOM_UTF8)
    if data.startswith(_OTHER_ENCODINGS):
        raise refusal(path, "the file is in UTF-16 or UTF-32; save it as UTF-8", line=1)
    if (nul := data.find(b"\0")) >= 0:
        raise refusal(path, "a NUL byte; this is not text, or not UTF-8: save it as UTF-8", line=_line(data, nul))
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise refusal(
            path,
            f"byte 0x{data[error.start]:02x} is not UTF-8; save the file as UTF-8 (in Excel: CSV UTF-8)",
            line=_line(data, error.start),
        ) from None
    if not text.strip():
        raise refusal(path, "the file is empty; it needs a header and rows, or one JSON object a line")
    return text


def _read_bytes(path: Path) -> bytes:
    try:
        if path.is_dir():
            raise refusal(path, "this is a folder; name a file in it")
        if not path.is_file():
            missing = f"there is no such file; {near_file(path)}check the path, or use 'builtin', which needs none"
            special = "this is not an ordinary file; save the scenarios to one first"
            raise refusal(path, special if path.exists() else missing)
        with path.open("rb") as file:
            data = file.read(LARGEST_FILE + 1)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        reason = getattr(error, "strerror", None) or error
        raise refusal(path, f"the file cannot be read ({reason}); check its name and permissions") from None
    if len(data) > LARGEST_FILE:
        raise refusal(path, f"the file is larger than {LARGEST_FILE >> 20} MiB; split it")
    return data


def _line(data: bytes, offset: int) -> int:
    """The 1-based line of the byte at `offset`, in whatever encoding keeps ASCII."""
    return len(LINE_END.findall(data[:offset].decode("latin-1"))) + 1
