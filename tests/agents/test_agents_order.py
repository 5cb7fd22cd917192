"""The folders of agents have an order, and the page of the room says it."""

import ast
import re

from helpers.paths import ROOT

import poise.agents

ROOM = ROOT / "poise" / "agents"
ORDER = re.findall(r"^    (\w+) {2,}", poise.agents.__doc__, re.MULTILINE)


def imported_folders(folder):
    """The folders of agents that the files of `folder` import from, lazily or not."""
    names = set()
    for path in (ROOM / folder).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom):
                names |= {f"{node.module}.{alias.name}" for alias in node.names}
            elif isinstance(node, ast.Import):
                names |= {alias.name for alias in node.names}
    return {found[1] for name in names if (found := re.match(r"poise\.agents\.(\w+)", name))} & set(ORDER)


def test_every_folder_is_named_and_imports_only_from_those_before_it():
    assert set(ORDER) == {path.parent.name for path in ROOM.glob("*/__init__.py")}
    for place, folder in enumerate(ORDER):
        assert imported_folders(folder) <= set(ORDER[: place + 1]), folder
