"""Where an exception in a user's code was raised: the node, the file, the line, and the traceback."""

from __future__ import annotations

import sysconfig
import traceback
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Final

import poise
from poise.common.errors import DeadlineExceeded, PoiseError, shorten

_NODE: Final = "__poise_node__"
_REASON_LENGTH: Final = 500
_TRACEBACK_LENGTH: Final = 8000


def blame(error: BaseException, node: str) -> None:
    """Remember that `error` was raised in `node`; around an inner graph's node, that becomes "node:inner"."""
    inner = blamed(error)
    with suppress(AttributeError):  # an exception with slots takes no further attribute
        setattr(error, _NODE, f"{node}:{inner}" if inner else node)


def blamed(error: BaseException) -> str:
    """The node that `error` was raised in, as far as it is known; "" where it is not."""
    return str(getattr(error, _NODE, ""))


def failure_reason(seat: str, error: BaseException) -> str:
    """One sentence for the transcript: what was raised, and in which node, file and line of the user's code.

    The file is named without its folder, so that the same match gives the same sentence everywhere.
    """
    where = place_of(error)
    text = f"the {seat} failed: {type(error).__name__}: {error}"
    return text[: _REASON_LENGTH - len(where)] + where


def place_of(error: BaseException) -> str:
    """The place, such as " (node 'consult', ledger.py line 12)"; "" where the error is not the user's code's."""
    if isinstance(error, DeadlineExceeded):  # it strikes at a line that differs from run to run
        return ""
    node = blamed(error)
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if _is_users(frame.filename)]
    if not frames:
        return ""
    line = f"{Path(frames[-1].filename).name} line {frames[-1].lineno}"
    return f" (node {shorten(node)}, {line})" if node else f" ({line})"


def traceback_of(error: BaseException) -> str:
    """The traceback from the first line of the user's code on, or the whole of it; its last 8,000 characters.

    "" where Poise refused what the user's code returned: the sentence says it, and no line of theirs was at work.
    """
    own = error.__traceback__
    while own is not None and not _is_users(own.tb_frame.f_code.co_filename):
        own = own.tb_next
    if own is None and isinstance(error, PoiseError):
        return ""
    lines = traceback.format_exception(type(error), error, own or error.__traceback__)
    return "".join(lines)[-_TRACEBACK_LENGTH:]


@cache
def _is_users(filename: str) -> bool:
    """Whether code in this file is neither Poise's, nor an installed library's, nor Python's own."""
    paths = sysconfig.get_paths()
    folders = {
        str(Path(poise.__file__).parent),
        *(paths[name] for name in ("stdlib", "platstdlib", "purelib", "platlib")),
    }
    inside = any(filename.startswith(folder + "/") for folder in folders)
    return not inside and not filename.startswith("<frozen ")
