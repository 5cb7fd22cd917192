"""LangSmith's tracing, which would send every prompt away: it takes a word from the user of Poise."""

from __future__ import annotations

import os
from contextlib import AbstractContextManager, nullcontext
from typing import Final

ALLOWED_BY: Final = "POISE_TRACING"
_SWITCHES: Final = ("LANGSMITH_TRACING_V2", "LANGCHAIN_TRACING_V2", "LANGSMITH_TRACING", "LANGCHAIN_TRACING")


def tracing_remark() -> str:
    """What the user should know of tracing; "" where it is not switched on."""
    switch = _switched_on()
    if not switch:
        return ""
    if _allowed():
        return f"{switch} and {ALLOWED_BY} are set: prompts and replies go to LangSmith"
    return (
        f"{switch} is set and has no effect here: prompts stay on this machine ({ALLOWED_BY}=1 sends them to LangSmith)"
    )


def kept_here() -> AbstractContextManager[object]:
    """Within it LangChain and LangGraph trace nothing, unless the user allows it."""
    if not _switched_on() or _allowed():
        return nullcontext()
    from langsmith.run_helpers import tracing_context

    return tracing_context(enabled=False)


def _switched_on() -> str:
    return next((name for name in _SWITCHES if os.environ.get(name, "").strip().lower() == "true"), "")


def _allowed() -> bool:
    return os.environ.get(ALLOWED_BY, "") not in ("", "0")
