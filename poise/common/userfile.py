"""A user's Python file, imported once: custom agents and games live in such files."""

from __future__ import annotations

import hashlib
import importlib.util
import multiprocessing
import os
import sys
import traceback
from functools import cache
from multiprocessing import connection
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from poise.common.errors import PoiseError
from poise.common.files import near_file
from poise.common.processes import begin_worker, how_it_ended, worker_context


def load_file(path: Path, kind: str, error: type[PoiseError]) -> ModuleType:
    """The module in `path`; whatever goes wrong in it, `sys.exit` too, is raised as an `error` that names the file.

    kind: what the file is used for, for the message ("agent", "game"). A process runs each file only once; the `poise`
    program runs it in a child first, so that one that ends its process, crashes it or never ends is an `error`, too.
    """
    if not path.is_file():
        raise error(f"{kind} file {path} does not exist; {near_file(path)}check the path")
    in_child = _TRIED_FIRST and multiprocessing.parent_process() is None
    if in_child and (trouble := _problem_in_child(path.resolve())):
        raise error(f"{kind} file {path} {trouble}")
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


_IMPORT_SECONDS: Final = 60.0
_TRIED_FIRST: Final[list[bool]] = []  # not empty in the `poise` program


def try_imports_first() -> None:
    """Have each file run in a child first, from now on, for a program that nothing in a file may end."""
    _TRIED_FIRST.append(True)


@cache
def _problem_in_child(path: Path) -> str:
    """What `path` does to a process that imports it; "" where that comes to its end, if only by an error."""
    context: Any = worker_context(str(path), registered=False)
    ours, theirs = context.Pipe(duplex=False)
    child = context.Process(target=_import_in_child, args=(theirs, path), daemon=True, name="poise-import")
    child.start()
    theirs.close()
    try:
        ready = connection.wait([ours, child.sentinel], _IMPORT_SECONDS)
        if ready and ours.poll():
            return str(ours.recv())
        if not ready:
            return f"is not imported within {_IMPORT_SECONDS:g} s; look for a loop without an end"
        child.join()
    except EOFError:
        child.join()
    finally:
        child.kill()
        child.join()
        ours.close()
    return f"ends the process that imports it ({how_it_ended(child.exitcode)})"


def _import_in_child(pipe: connection.Connection, path: Path) -> None:
    begin_worker()
    problem = ""
    with Path(os.devnull).open("w") as nowhere:  # what the file prints is seen when it is imported for good
        sys.stdout = sys.stderr = nowhere
        for output in (1, 2):
            os.dup2(nowhere.fileno(), output)
        try:
            _imported(path)
        except KeyboardInterrupt as error:
            problem = f"fails on import: KeyboardInterrupt: {error}"
        except BaseException:  # noqa: BLE001, S110 - the parent meets it as well, and tells where it comes from
            pass
    pipe.send(problem)
    sys.stdout = sys.stderr = None  # closed, and flushed at the end of the process


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
