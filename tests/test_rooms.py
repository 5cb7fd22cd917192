"""The house rule: common <- games <- agents <- graphs <- tournaments <- training <- cli, one arrow, `testing` beside.

Every import counts: those within functions and those for type checkers, too.
"""

import ast
import subprocess
import sys
from collections import defaultdict
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import networkx as nx
import pytest

import poise

PACKAGE = Path(poise.__file__).parent
ROOMS = ("common", "games", "agents", "graphs", "tournaments", "training", "cli")
SHOWN = ("games", "agents", "graphs", "tournaments")  # by links beside the package
TRAINING = ["torch", "transformers", "peft", "safetensors", "gymnasium"]


@dataclass(frozen=True)
class Source:
    """Of a file: every module that it imports, at any depth, and the public names that it defines."""

    imports: frozenset[str]
    public: frozenset[str]


@cache
def source(path: Path) -> Source:
    imports: set[str] = set()
    tree = ast.parse(path.read_text())  # not kept: the trees of all files slow the garbage collector in later tests
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            imports |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports relatively"
            imports.add(node.module or "")
            imports |= {f"{node.module}.{alias.name}" for alias in node.names}
    defined = (
        node.name for node in tree.body if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
    )
    return Source(frozenset(imports), frozenset(name for name in defined if not name.startswith("_")))


@cache
def modules() -> dict[str, Path]:
    """The file of every module by its dotted name, without the root, which shows names of all rooms."""
    named = {".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts): path for path in PACKAGE.rglob("*.py")}
    return {name.removesuffix(".__init__"): path for name, path in named.items() if name != "poise.__init__"}


@cache
def imports() -> nx.DiGraph:
    """An arrow from each module to those that it imports."""
    arrows = nx.DiGraph()
    for name, path in modules().items():
        arrows.add_edges_from((name, other) for other in source(path).imports & modules().keys() - {name})
    return arrows


def circles(arrows: nx.DiGraph) -> list[list[str]]:
    return [sorted(part) for part in nx.strongly_connected_components(arrows) if len(part) > 1]


def folder_of(name: str) -> str:
    """The folder within a room that a module lies in; for a file beside the folders, itself."""
    _, room, *rest = name.split(".")
    path = modules()[name]
    return f"{room}/{rest[0]}" if len(rest) > 1 or (rest and path.name == "__init__.py") else name


def test_no_modules_import_each_other_in_a_circle():
    assert circles(imports()) == []


@pytest.mark.parametrize("room", ["agents", "tournaments", "training"])
def test_no_folders_of_a_room_import_each_other_in_a_circle(room):
    arrows = nx.DiGraph()
    for name, other in imports().edges:
        if name.split(".")[1] == other.split(".")[1] == room and folder_of(name) != folder_of(other):
            arrows.add_edge(folder_of(name), folder_of(other))
    assert circles(arrows) == []


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_imports_only_from_rooms_to_its_left(room):
    right = {*ROOMS[ROOMS.index(room) + 1 :], "testing"}
    if room == "cli":
        right.remove("testing")  # its checks are a command
    inside = [(name, other) for name, other in imports().edges if name.split(".")[1] == room]
    assert inside or room == "common"
    assert [f"{name} imports {other}" for name, other in inside if other.split(".")[1] in right] == []


def test_no_public_name_is_defined_in_two_modules():
    homes = defaultdict(set)
    for name, path in modules().items():
        for defined in source(path).public:
            homes[defined].add(name)
    assert {name: sorted(where) for name, where in homes.items() if len(where) > 1} == {}


def test_the_root_shows_the_four_rooms():
    root = PACKAGE.parent
    for room in SHOWN:
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
        if any(name == one or name.startswith(one + ".") for name in source(path).imports for one in libraries)
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
