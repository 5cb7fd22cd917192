"""How long the viewer takes to open 10,000 matches in headless Chromium, and how smoothly its list scrolls.

python benchmarks/viewer.py [FOLDER]        (FOLDER: a tournament; without it, 10,000 matches are played first)
"""

import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

from poise import TournamentConfig, run_tournament

FIRST_ROW = ".row[data-place='0']:not(.waiting)"
SCROLL = """() => new Promise((done) => {
  const pane = document.getElementById("window"), frames = [];
  let last = performance.now();
  const step = (now) => {
    frames.push(now - last);
    last = now;
    pane.scrollTop += 180;
    if (frames.length < 300) requestAnimationFrame(step); else done(frames.slice(1));
  };
  requestAnimationFrame(step);
})"""


def play(folder: Path) -> None:
    """10,000 matches without a model."""
    config = TournamentConfig(
        creditors=("vanilla", "eq-negotiator", "wsls", "random", "fixed:gratitude"),
        debtors=("angry", "simulated"),
        matches_per_pair=1000,
        max_messages=21,
    )
    run_tournament(config, folder)


def seconds(page: Any, address: str, ready: str) -> float:
    """Until `ready` can be seen."""
    began = time.perf_counter()
    page.goto(address)
    page.wait_for_selector(ready)
    return time.perf_counter() - began


def measure(folder: Path) -> None:
    """Print the figures."""
    command = [sys.executable, "-m", "poise", "view", str(folder), "--no-browser"]
    began = time.perf_counter()
    viewer = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert viewer.stdout is not None
    found = re.search(r"http://\S+/", viewer.stdout.readline())
    assert found, "the viewer did not start"
    print(f"address printed after        {time.perf_counter() - began:.2f} s")
    run = f"{found[0]}run/{folder.resolve().name}"
    with sync_playwright() as browsers:
        browser = browsers.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1300, "height": 900})
        print(f"list of matches, first time  {seconds(page, f'{run}/matches', FIRST_ROW):.2f} s (bound 2)")
        print(f"list of matches, again       {seconds(page, f'{run}/matches', FIRST_ROW):.2f} s")
        frames = sorted(page.evaluate(SCROLL))
        late = sum(frame > 50 for frame in frames)
        print(
            f"scrolling, ms a frame        median {statistics.median(frames):.1f}, "
            f"95 % {frames[len(frames) * 95 // 100]:.1f}, longest {frames[-1]:.1f}; {late} of {len(frames)} over 50"
        )
        print(f"overview, first time         {seconds(page, f'{run}/', 'table.standings'):.2f} s")
        print(f"overview, again              {seconds(page, f'{run}/', 'table.standings'):.2f} s")
        print(f"a replay                     {seconds(page, f'{run}/match/7', '.node.lit'):.2f} s")
        print(f"words looked for             {seconds(page, f'{run}/matches?words=furious', FIRST_ROW):.2f} s")
        browser.close()
    viewer.terminate()
    viewer.wait()


if __name__ == "__main__":
    if len(sys.argv) > 1:
        measure(Path(sys.argv[1]))
    else:
        with tempfile.TemporaryDirectory() as made:
            play(Path(made) / "ten-thousand")
            measure(Path(made) / "ten-thousand")
