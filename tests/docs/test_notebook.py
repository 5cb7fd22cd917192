"""The notebook in examples/ is kept without outputs, and runs from its first cell to its last in a kernel."""

import json
import os
import shutil
import subprocess
import sys

import pytest
from helpers.paths import ROOT

NOTEBOOK = ROOT / "examples/compare.ipynb"
LESS = (("builtin:0-19", "builtin:0-3"), ("budget=1000", "budget=100"), ("    seed=1,", "    seed=1, workers=1,"))


def test_it_is_kept_without_outputs():
    cells = json.loads(NOTEBOOK.read_text())["cells"]
    assert [cell for cell in cells if cell.get("outputs") or cell.get("execution_count")] == []
    assert len({cell["id"] for cell in cells}) == len(cells)


@pytest.fixture(scope="module")
def outputs(tmp_path_factory, thorough):
    """By its source, what each cell showed; a kernel runs them, in a process of its own, and plays less."""
    pytest.importorskip("nbclient", reason="nbclient is not installed: pip install -e '.[dev]'")
    pytest.importorskip("pandas", reason="pandas is not installed: pip install -e '.[analysis]'")
    folder = tmp_path_factory.mktemp("notebook")
    for name in ("compare.ipynb", "listener.py"):
        shutil.copy(ROOT / "examples" / name, folder)
    for much, little in () if thorough else LESS:
        text = (folder / "compare.ipynb").read_text()
        assert much in text
        (folder / "compare.ipynb").write_text(text.replace(much, little))
    execute = "from nbclient.cli import main; main()"
    command = [sys.executable, "-c", execute, "--inplace", "--timeout=600", "compare.ipynb"]
    paths = {"PYTHONPATH": str(ROOT), "HOME": str(folder), "IPYTHONDIR": str(folder), "MPLCONFIGDIR": str(folder)}
    ran = subprocess.run(command, cwd=folder, env=os.environ | paths, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    cells = json.loads((folder / "compare.ipynb").read_text())["cells"]
    return [("".join(cell["source"]), cell["outputs"]) for cell in cells if cell["cell_type"] == "code"]


def shown(outputs, beginning):
    (found,) = [what for source, what in outputs if source.startswith(beginning)]
    return found


def data_of(outputs, beginning, kind):
    return ["".join(one["data"][kind]) for one in shown(outputs, beginning) if kind in one.get("data", {})]


def test_it_shows_progress_tables_and_pictures(outputs, thorough):
    (progress,) = data_of(outputs, "from poise import", "text/html")
    assert f'value="{120 if thorough else 24}"' in progress
    (printed,) = shown(outputs, "print(")
    assert "vs wsls" in "".join(printed["text"])
    assert "listener.py" in "".join(printed["text"])
    for cell in ("plots.plot_standings", "result.plot", "from poise.training"):
        assert len(data_of(outputs, cell, "image/png")) == 1, cell
    (comparison,) = data_of(outputs, "from poise.tournaments.statistics", "text/html")
    assert "listener less vanilla" in comparison
    assert "To find a difference of 0.02" in comparison
    (transcript,) = data_of(outputs, "from poise.tournaments.storage", "text/html")
    assert "<td>creditor</td>" in transcript
    (frame,) = data_of(outputs, "messages =", "text/plain")
    assert "listener" in frame
