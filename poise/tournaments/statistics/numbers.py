"""How numbers are written in notebooks, text tables, the report and the viewer."""

from __future__ import annotations

from poise.tournaments.statistics.bootstrap import Estimate

_MINUS = "\N{MINUS SIGN}"


def fixed(value: float | None, digits: int = 3) -> str:
    """A number with so many decimals, a zero without a sign; a dash for None."""
    return "\N{EN DASH}" if value is None else f"{round(value, digits) + 0.0:.{digits}f}"


def signed(value: float, digits: int = 3) -> str:
    """A difference with so many decimals and its sign."""
    return f"{round(value, digits) + 0.0:+.{digits}f}".replace("-", _MINUS)


def p_value(p: float | None) -> str:
    """A p-value to three decimals, <.001 for a smaller one; a hyphen for None."""
    return "-" if p is None else "<.001" if p < 0.001 else f"{p:.3f}".removeprefix("0")


def percent(share: float) -> str:
    """A share in whole percent."""
    return f"{share:.0%}"


def mean_of(estimate: Estimate | None, form: str = "{:.2f}") -> str:
    """The mean alone; a hyphen for None."""
    return "-" if estimate is None else form.format(estimate.mean)


def with_interval(estimate: Estimate | None, form: str = "{:.2f}", *, below: bool = False) -> str:
    """The mean and its interval, as in 0.42 (0.37 to 0.47), or `below` it on a line of its own; a hyphen for None."""
    if estimate is None or estimate.low is None or estimate.high is None:
        return mean_of(estimate, form)
    mean, low, high = (form.format(value) for value in (estimate.mean, estimate.low, estimate.high))
    return (f"{mean}\n{low} to {high}" if below else f"{mean} ({low} to {high})").replace("-", _MINUS)
