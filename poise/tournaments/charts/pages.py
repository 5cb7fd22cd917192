"""What the report's and the viewer's pages have in common: templates, filters and style sheets."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from poise.common.words import plural, visible
from poise.tournaments.charts.small import breakable, forest, troubles
from poise.tournaments.statistics.numbers import fixed, percent, signed

_HERE: Final = Path(__file__).parent
STYLES: Final = _HERE / "styles"


def page_environment(templates: Path) -> Environment:
    """Jinja for the pages in `templates` and the shared ones; every text is escaped, and what is invisible written out.

    An agent's name or a model's words may hold control characters, or turn the line around.
    """
    environment = Environment(
        loader=FileSystemLoader((templates, _HERE / "templates")),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=visible,
    )
    environment.filters |= {
        "percent": percent,
        "fixed": fixed,
        "signed": signed,
        "breakable": lambda label: breakable(visible(label)),
        "troubles": troubles,
        "plural": plural,
    }
    environment.globals |= {"forest": forest}
    return environment
