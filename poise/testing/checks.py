"""A check and its result; and the functions that make a list of them and assert it."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import ParamSpec, TypeVar

from poise.common.errors import PoiseError
from poise.graphs.failures import place_of, traceback_of

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Check:
    """One check: its name, whether it holds, and what was seen where it does not.

    traceback: of the exception in the subject's code, where one was seen.
    """

    name: str
    ok: bool
    detail: str = ""
    traceback: str = ""


class Broken(PoiseError):
    """A check does not hold; the text says what was seen and the remedy, if there is one."""

    def __init__(self, text: str, traceback: str = "") -> None:
        super().__init__(text)
        self.traceback = traceback


class Hopeless(Broken):
    """A check does not hold, and the rest are left out, because they would only repeat it or take as long."""


def make_checks(checks: Iterable[tuple[str, Callable[[T], object]]], subject: T) -> list[Check]:
    """All checks of `subject`, also after failures, up to the first that is Hopeless."""
    return list(each_check(checks, subject))


def each_check(checks: Iterable[tuple[str, Callable[[T], object]]], subject: T) -> Iterator[Check]:
    """As `make_checks`, one by one."""
    for name, check in checks:
        try:
            check(subject)
        except Broken as error:
            yield Check(name, ok=False, detail=str(error), traceback=error.traceback)
            if isinstance(error, Hopeless):
                return
        except (Exception, SystemExit) as error:  # noqa: BLE001 - a check reports any fault of its subject
            detail = f"{type(error).__name__}: {error}{place_of(error)}"
            yield Check(name, ok=False, detail=detail, traceback=traceback_of(error))
        else:
            yield Check(name, ok=True)


def demand(checks: Iterable[Check]) -> None:
    """Raise AssertionError, one line for each check that does not hold."""
    made = list(checks)
    if failed := [f"  {check.name}: {check.detail}" for check in made if not check.ok]:
        raise AssertionError("\n".join([f"{len(failed)} of {len(made)} checks do not hold", *failed]))


def demanding(check: Callable[P, list[Check]]) -> Callable[P, None]:
    """The same check as an assertion."""

    @functools.wraps(check)
    def asserted(*args: P.args, **kwargs: P.kwargs) -> None:
        demand(check(*args, **kwargs))

    asserted.__doc__ = f"As `{check.__name__}`; AssertionError with a line for each check that does not hold."
    return asserted
