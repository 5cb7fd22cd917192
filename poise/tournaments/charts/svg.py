"""Pictures as SVG, with classes and numbers alone.

The pages' policies forbid style attributes, and classes follow the reader's light or dark scheme. `standalone` makes a
file of one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from markupsafe import Markup, escape


def tag(name: str, *inside: Markup, text: object = None, **attributes: object) -> Markup:
    """An element; every attribute and text is escaped. `class_` is written class, and _ within a name as -."""
    listed = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(str(value))}"' for key, value in attributes.items()
    )
    content = Markup("").join(inside) + ("" if text is None else escape(str(text)))
    return Markup(f"<{name}{listed}>{content}</{name}>")  # noqa: S704 - names are ours, the rest is escaped above


def chart(kind: str, size: tuple[int, int], label: str, parts: Iterable[Markup], **more: object) -> Markup:
    """A picture of `size` pixels with what is in it; `label` is read to those who cannot see it."""
    given = {"class_": f"chart {kind}", "viewBox": f"0 0 {size[0]} {size[1]}", "role": "img", "aria_label": label}
    return tag("svg", *parts, **{**given, **more})


def standalone(picture: Markup, style: str) -> str:
    """A picture as a file of its own. style: the style sheet of the classes in it."""
    size = re.search(r'viewBox="0 0 (\d+) (\d+)"', picture)
    assert size is not None  # noqa: S101 - for the type checker: `chart` writes it
    room = f'xmlns="http://www.w3.org/2000/svg" width="{size[1]}" height="{size[2]}" '
    head, inside = str(picture).split(">", 1)
    return f"<svg {room}{head.removeprefix('<svg ')}><style>{style}</style>{inside}\n"
