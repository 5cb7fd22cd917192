"""The house rule: games <- agents <- graphs <- tournaments, one arrow."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import poise

PACKAGE = Path(poise.__file__).parent
ROOMS = ("games", "agents", "graphs", "tournaments")
TRAINING = ["torch", "transformers", "peft", "trl", "gguf", "safetensors", "datasets"]


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
    forbidden = {f"poise.{other}" for other in ROOMS[ROOMS.index(room) + 1 :]} | {"poise.cli.app", "poise.testing"}
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
        ("pyspiel", {"games/openspiel/pyspiel.py"}),
        ("langchain_community", {"agents/models/cache.py"}),
        ("xllamacpp", {"agents/models/embedded/llama.py"}),
    ],
)
def test_a_library_with_a_seam_is_imported_from_one_file(library, homes):
    assert users_of([library]) == homes


def users_of(libraries: list[str]) -> set[str]:
    """The files that import one of `libraries`."""
    return {
        str(path.relative_to(PACKAGE))
        for path in PACKAGE.rglob("*.py")
        if any(name == one or name.startswith(one + ".") for name in imported(path) for one in libraries)
    }


def test_only_learning_needs_the_libraries_of_training():
    assert {Path(user).parts[:1] for user in users_of(TRAINING)} == {("training",)}


BARE = """
import importlib, pkgutil, sys

class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in missing:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Missing())
import poise
for module in pkgutil.walk_packages(poise.__path__, "poise."):
    if not module.name.startswith("poise.training.") and not module.name.endswith("__main__"):
        importlib.import_module(module.name)
for engine in ("vanilla", "dqn", "eq-negotiator"):
    creditor, debtor = poise.find_agent(engine, "creditor"), poise.find_agent("angry", "debtor")
    poise.play(poise.load_scenarios("builtin")[0], creditor, debtor, seed=1)
print("played")
"""


def test_everything_but_training_and_data_frames_works_without_the_extras():
    code = f"missing = {[*TRAINING, 'pandas', 'pyarrow', 'openskill', 'ray']!r}\n{BARE}"
    result = subprocess.run([sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, check=False)
    assert result.stdout == "played\n", result.stderr


def test_the_command_line_imports_nothing_heavy():
    heavy = ("numpy", "langgraph", "langchain_core", "pyspiel", "sklearn", "matplotlib", "xllamacpp")
    code = f"import sys, poise.cli.app; print([name for name in {heavy!r} if name in sys.modules])"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"
