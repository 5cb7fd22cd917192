"""The pages' templates. Jinja escapes all values; model text is cleaned first."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from poise.common.words import visible
from poise.tournaments.charts.pages import STYLES, page_environment

if TYPE_CHECKING:
    from jinja2 import Environment

_HERE: Final = Path(__file__).parent
LONGEST: Final = 20_000  # characters of one message that a page shows

STATIC: Final[Mapping[str, tuple[Path, str]]] = {
    "report.css": (STYLES / "report.css", "text/css"),
    "game.css": (STYLES / "game.css", "text/css"),
    "view.css": (_HERE / "static" / "view.css", "text/css"),
    "seat.css": (_HERE / "static" / "seat.css", "text/css"),
    "common.js": (_HERE / "static" / "common.js", "text/javascript"),
    "overview.js": (_HERE / "static" / "overview.js", "text/javascript"),
    "matches.js": (_HERE / "static" / "matches.js", "text/javascript"),
    "replay.js": (_HERE / "static" / "replay.js", "text/javascript"),
}
"""The only files that are served."""


ICON: Final = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><circle cx="5.5" cy="8" r="4.5" fill="#1d5fae"/>'
    '<circle cx="10.5" cy="8" r="4.5" fill="#c8651b" fill-opacity=".85"/></svg>'
)


def shown_words(text: str, longest: int = LONGEST) -> str:
    """A message as a page shows it: characters that are invisible or change the direction are written out."""
    shown = visible(text[:longest])
    more = len(text) - longest
    return shown if more <= 0 else f"{shown}\n[{more:,} more characters; the raw transcript has them]"


def url_part(name: str) -> str:
    """A name as one segment of an address."""
    return quote(name, safe="")


def page(template: str, **values: Any) -> str:
    """A page from one of the templates."""
    return _environment().get_template(template).render(values)


@cache
def _environment() -> Environment:
    environment = page_environment(_HERE / "templates")
    environment.filters |= {"spoken": shown_words, "part": url_part, "many": lambda count: f"{count:,}"}
    return environment
