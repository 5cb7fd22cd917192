"""The house rule: games <- agents <- graphs <- tournaments, one arrow."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import poise

PACKAGE = Path(poise.__file__).parent
ROOMS = ("games", "agents", "graphs", "tournaments")


def imported(path: Path) -> set[str]:
    """Every module that a file imports, at any depth of it."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports relatively"
            names.add(node.module or "")
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_imports_only_from_rooms_to_its_left(room):
    files = sorted((PACKAGE / room).rglob("*.py"))
    assert files
    forbidden = {f"poise.{other}" for other in ROOMS[ROOMS.index(room) + 1 :]} | {"poise.cli", "poise.testing"}
    for path in files:
        wrong = {name for name in imported(path) for bad in forbidden if name == bad or name.startswith(bad + ".")}
        assert not wrong, f"{path.relative_to(PACKAGE)} imports {sorted(wrong)}"


def test_the_root_shows_the_four_rooms():
    root = PACKAGE.parent
    for room in ROOMS:
        assert (root / room).resolve() == PACKAGE / room


@pytest.mark.parametrize(
    ("library", "homes"),
    [
        ("pyspiel", {"games/openspiel.py"}),
        ("langchain_community", {"agents/voices/cache.py"}),
        ("xllamacpp", {"agents/voices/llama.py"}),
        ("torch", {"agents/learning/deep_q_torch.py"}),
    ],
)
def test_a_library_with_a_seam_is_imported_from_one_file(library, homes):
    users = {
        str(path.relative_to(PACKAGE))
        for path in PACKAGE.rglob("*.py")
        if any(name == library or name.startswith(library + ".") for name in imported(path))
    }
    assert users == homes


def test_the_command_line_imports_nothing_heavy():
    heavy = ("numpy", "langgraph", "langchain_core", "pyspiel", "sklearn", "matplotlib", "xllamacpp")
    code = f"import sys, poise.cli; print([name for name in {heavy!r} if name in sys.modules])"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"
