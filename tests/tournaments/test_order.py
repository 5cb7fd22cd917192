"""The order inside tournaments: storage <- statistics <- game theory, process, judging <- charts <- report, view."""

import ast
from pathlib import Path

import poise.tournaments

ROOT = Path(poise.tournaments.__file__).parent
FLOORS = (
    {"config"},
    {"schedule", "schemas"},
    {"storage"},
    {"statistics", "workers"},
    {"game_theory", "process", "judging", "board", "matchmaking", "folder"},
    {"charts", "export", "estimate"},
    {"report", "results"},
    {"runner", "merging"},
    {"human"},
    {"view"},
)
FLOOR = {name: number for number, floor in enumerate(FLOORS) for name in floor}
PREFIX = "poise.tournaments."


def imported(path):
    """The parts of tournaments that a file imports, anywhere in it, TYPE_CHECKING or not."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        names += [f"{node.module}.{alias.name}" for alias in node.names] if isinstance(node, ast.ImportFrom) else []
        names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        yield from {name.removeprefix(PREFIX).split(".")[0] for name in names if name.startswith(PREFIX)}


def test_no_part_imports_from_its_own_floor_or_from_one_above():
    wrong = []
    for path in ROOT.rglob("*.py"):
        part = path.relative_to(ROOT).with_suffix("").parts[0]
        if part != "__init__":
            wrong += [f"{path.relative_to(ROOT)} imports {name}" for name in imported(path)
                      if name != part and FLOOR[name] >= FLOOR[part]]  # fmt: skip
    assert not wrong


def test_few_files_stand_beside_the_folders():
    assert len(list(ROOT.glob("*.py"))) <= 12
    assert len(list((ROOT / "view").glob("*.py"))) <= 20
