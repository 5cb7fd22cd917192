"""A user's Python file, imported once: custom agents and games live in such files."""

from __future__ import annotations

import hashlib
import importlib.util
import sys
import traceback
from functools import cache
from pathlib import Path
from types import ModuleType

from poise.common.errors import PoiseError


def load_file(path: Path, kind: str, error: type[PoiseError]) -> ModuleType:
    """The module in `path`; whatever goes wrong in it, `sys.exit` too, is raised as an `error` that names the file.

    kind: what the file is used for, for the message ("agent", "game"). A process runs each file only once.
    """
    if not path.is_file():
        raise error(f"{kind} file {path} does not exist")
    try:
        return _imported(path.resolve())
    except PoiseError as problem:
        raise error(f"{kind} file {path}: {problem}{_line_in(path, problem)}") from problem
    except (Exception, SystemExit) as problem:
        what = f"{type(problem).__name__}: {problem}{_line_in(path, problem)}"
        raise error(f"{kind} file {path} fails on import: {what}") from problem


def _line_in(path: Path, problem: BaseException) -> str:
    """Such as " (line 3)", where the problem came up in this file."""
    own = str(path.resolve())
    lines = [frame.lineno for frame in traceback.extract_tb(problem.__traceback__) if frame.filename == own]
    return f" (line {lines[-1]})" if lines else ""


def digest(path: Path) -> str:
    """What identifies the file's present content: 16 hexadecimal digits."""
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16]


@cache
def _imported(path: Path) -> ModuleType:
    name = f"poise_file_{hashlib.sha256(str(path).encode()).hexdigest()[:12]}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ImportError("this is not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module
