"""What the site needs beside the Markdown: links that leave docs/ become text, as the site stands alone."""

import re
from pathlib import Path, PurePosixPath
from typing import Any

DOCS = Path(__file__).parent
_LINK = re.compile(r"(?<!!)\[(?P<text>[^\]]*)\]\((?P<target>[^)\s#:]+)(?P<anchor>#[^)]*)?\)")


def on_page_markdown(markdown: str, *, page: Any, **_: Any) -> str:
    """The page with each link to a file outside docs/ replaced by its text, and the file's name where it says more."""

    def without_outside(link: re.Match[str]) -> str:
        place = (DOCS / PurePosixPath(page.file.src_uri).parent / link["target"]).resolve()
        if place.is_relative_to(DOCS) and place.is_file() and place.suffix != ".py":
            return link[0]
        return link["text"]

    return _LINK.sub(without_outside, markdown)
