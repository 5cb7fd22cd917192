"""Steps of reading a message, counted and not timed: Python's instructions, and what regular expressions are handed."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from types import FrameType
from typing import Any
from unittest.mock import patch

from poise.agents.models import text as cleaning
from poise.agents.voices import intents, readout
from poise.agents.voices.reading import clauses, grammar, normal, roles

_MODULES = (clauses, normal, roles, readout, intents, cleaning)


class _CountedPattern:
    """A compiled pattern that counts the characters of every text it is handed."""

    def __init__(self, pattern: re.Pattern[str], steps: list[int]) -> None:
        self._pattern, self._steps = pattern, steps

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._pattern, name)

        def counted(*given: Any) -> Any:
            bounds = [each for each in given if isinstance(each, int)]
            text = max((each for each in given if isinstance(each, str)), key=len)
            self._steps[0] += bounds[1] - bounds[0] if len(bounds) == 2 else len(text)
            return method(*given)

        return counted


@contextmanager
def counting_steps() -> Iterator[list[int]]:
    """The steps inside the block, as the one number of a list."""
    steps = [0]

    def trace(frame: FrameType, event: str, _argument: object) -> Any:
        frame.f_trace_opcodes, frame.f_trace_lines = True, False
        steps[0] += event == "opcode"
        return trace

    rules = grammar.grammar()
    known = rules.patterns
    with ExitStack() as patches:
        for module in _MODULES:
            for name, value in list(vars(module).items()):
                if isinstance(value, re.Pattern):
                    patches.enter_context(patch.object(module, name, _CountedPattern(value, steps)))
        before = sys.gettrace()
        object.__setattr__(rules, "patterns", {name: _CountedPattern(each, steps) for name, each in known.items()})
        sys.settrace(trace)
        try:
            yield steps
        finally:
            sys.settrace(before)
            object.__setattr__(rules, "patterns", known)
