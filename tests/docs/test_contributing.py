"""The tree in CONTRIBUTING names every folder of the package, once, and none that is not there."""

import re

from helpers.paths import ROOT


def test_the_tree_is_the_package():
    tree = re.search(r"^```\npoise/\n(.*?)^```", (ROOT / "CONTRIBUTING.md").read_text(), re.MULTILINE | re.DOTALL)[1]
    drawn, room = [], ""
    for indent, name in re.findall(r"^( +)(\w+)/ ", tree, re.MULTILINE):
        room = name if len(indent) == 2 else room
        drawn.append(name if len(indent) == 2 else f"{room}/{name}")
    package = ROOT / "poise"
    there = {
        path.relative_to(package) for path in package.rglob("*.*") if path.is_file() and "__pycache__" not in path.parts
    }
    folders = {"/".join(path.parts[: min(2, len(path.parts) - 1)]) for path in there} - {""}
    assert len(drawn) == len(set(drawn))
    assert set(drawn) == folders | {folder.split("/")[0] for folder in folders}
