"""What result objects look like in a notebook: small tables as HTML, all text escaped."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from markupsafe import Markup, escape

from poise.games.moves import SEATS, Seat
from poise.tournaments.stats import Estimate

if TYPE_CHECKING:
    from poise.tournaments.figures import Difference, Standing, Standings
    from poise.tournaments.rating_tables import Ratings
    from poise.tournaments.runner import Result


@dataclass(frozen=True, slots=True)
class PlainTable:
    """A table of text: heads are columns, the first of them names the row."""

    caption: str
    heads: Sequence[str]
    rows: Sequence[Sequence[str]]
    note: str = ""


def html_tables(tables: Iterable[PlainTable], note: str = "") -> str:
    """The tables one below the other, and a note; nothing in it runs or is fetched."""
    parts = [_table(one) for one in tables]
    if note:
        parts.append(_paragraph(note))
    return str(Markup("<div>{}</div>").format(Markup("").join(parts)))


def _table(one: PlainTable) -> Markup:
    head = _row("th", one.heads)
    body = Markup("").join(_row("td", row) for row in one.rows)
    drawn = Markup("<table><caption>{}</caption><thead>{}</thead><tbody>{}</tbody></table>")
    return drawn.format(one.caption, head, body) + (_paragraph(one.note) if one.note else Markup(""))


def _row(kind: str, cells: Sequence[str]) -> Markup:
    drawn = Markup("").join(Markup("<{0}>{1}</{0}>").format(Markup(kind), cell) for cell in cells)  # noqa: S704 - th or td
    return Markup("<tr>{}</tr>").format(drawn)


def _paragraph(words: str) -> Markup:
    return Markup("<p><small>{}</small></p>").format(escape(words))


def told(one: Estimate | None, form: str = "{:.3f}") -> str:
    """A mean with its interval, as in 0.412 [0.380, 0.445]."""
    if one is None:
        return ""
    if one.low is None or one.high is None:
        return form.format(one.mean)
    return f"{form.format(one.mean)} [{form.format(one.low)}, {form.format(one.high)}]"


def standings_html(standings: Standings) -> str:
    """Both seats' standings as tables."""
    note = (
        f"{standings.finished} of {standings.total} matches on {standings.scenarios} scenarios, seed {standings.seed}, "
        f"model {standings.model}. In brackets: 95 % intervals over scenarios."
    )
    return html_tables((_standings(standings, seat) for seat in SEATS), note)


def _standings(standings: Standings, seat: Seat) -> PlainTable:
    listed = standings.seat(seat)
    compared = next((one.baseline for one in standings.differences if one.seat == seat), None)
    heads = ["agent", "matches", "utility", "success", "savings", "rounds"]
    heads += [f"vs {compared}", "p"] if compared else []
    rows = []
    for one in listed:
        gained = standings.against_baseline(one.label, seat)
        rows.append([*_measures(one), *(_gain(gained) if compared else [])])
    return PlainTable(f"{standings.name}: {seat}s", heads, rows)


def _measures(one: Standing) -> list[str]:
    figures = told(one.utility), told(one.success, "{:.0%}"), told(one.savings), told(one.rounds, "{:.1f}")
    return [one.label, str(one.matches), *figures]


def _gain(one: Difference | None) -> list[str]:
    if one is None:
        return ["", ""]
    return [told(one.utility, "{:+.3f}"), "" if one.p_holm is None else f"{one.p_holm:.3f}"]


def ratings_html(ratings: Ratings) -> str:
    """The ratings as a table."""
    plain = ratings.to_dict()["ratings"]
    heads = list(plain[0]) if plain else ["label"]
    rows = [[f"{cell:.3f}" if isinstance(cell, float) else str(cell) for cell in one.values()] for one in plain]
    table = PlainTable(f"{ratings.name}: {ratings.method}", heads, rows)
    return html_tables([table], f"{ratings.games} matches")


def result_html(result: Result) -> str:
    """What a run left behind, with the standings where a match is finished."""
    facts = f"{result.finished} of {result.total} matches in {result.folder}"
    if not result.finished:
        return html_tables([], facts)
    return html_tables([], facts) + standings_html(result.standings())
