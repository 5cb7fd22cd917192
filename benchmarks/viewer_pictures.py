"""Makes the pictures of the viewer in README and docs: a real run without a model, in a real browser.

python benchmarks/viewer_pictures.py [FOLDER]        (needs chromium, and playwright of the dev extra)
"""

import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

from poise import TournamentConfig, run_tournament

CREDITORS = ("vanilla", "eq-negotiator", "wsls", "emomas", "fixed:caring", "oracle")
DEBTORS = ("simulated", "angry", "threatening", "sad")
WIDE, HIGH = 1280, 800


def play(folder: Path) -> None:
    """Two runs that differ in the limit on messages."""
    for name, messages in (("patient", 21), ("hurried", 11)):
        config = TournamentConfig(
            creditors=CREDITORS, debtors=DEBTORS, matches_per_pair=40, max_messages=messages, seed=3
        )
        run_tournament(config, folder / name)


def picture(page: Any, address: str, ready: str, out: Path, *, keys: str = "") -> None:
    """A picture of a page once `ready` is there, and some keys were pressed."""
    page.goto(address)
    page.wait_for_selector(ready)
    section = address.rpartition("/#")[2]
    if section != address:
        page.evaluate(f"document.getElementById('{section}').scrollIntoView({{ behavior: 'instant' }})")
    for key in keys.split():
        page.keyboard.press(key)
    page.wait_for_timeout(500)
    page.screenshot(path=out)
    print(f"{out}: {out.stat().st_size / 1024:.0f} kB")


def main(folder: Path) -> None:
    """Play, serve, and take the pictures."""
    with tempfile.TemporaryDirectory() as runs, sync_playwright() as browsers:
        play(Path(runs))
        command = [sys.executable, "-m", "poise", "view", runs, "--no-browser"]
        # Started there, so that a person's negotiation is stored there, too.
        viewer = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=runs)
        try:
            found = re.search(r"http://\S+/", viewer.stdout.readline() if viewer.stdout else "")
            assert found, "the viewer did not start"
            take(found[0], folder, browsers)
        finally:
            viewer.terminate()
            viewer.wait()


def take(home: str, folder: Path, browsers: Any) -> None:
    """Take all pictures, some in light and some in dark colours."""
    browser = browsers.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
    day, night = (
        browser.new_page(viewport={"width": WIDE, "height": HIGH}, color_scheme=scheme) for scheme in ("light", "dark")
    )
    run = f"{home}run/patient"
    told = day.request.get(f"{run}/matches.json?creditor=eq-negotiator&debtor=simulated&ending=deal").json()["rows"]
    shown = next(row[0] for row in told if 11 <= row[7] <= 14)
    picture(day, f"{run}/", "table.standings", folder / "viewer-standings.png")
    picture(day, f"{run}/#payoffs", ".heat", folder / "viewer-payoffs.png")
    picture(day, f"{run}/#game", ".network", folder / "viewer-game.png")
    picture(day, f"{run}/match/{shown}#m5", ".node.lit", folder / "viewer-replay.png", keys="ArrowRight")
    picture(night, f"{run}/matches?debtor=simulated", ".row:not(.waiting)", folder / "viewer-matches.png", keys="j j j")
    picture(night, f"{home}compare?a=patient&b=hurried", "table.plain", folder / "viewer-compare.png")
    picture(day, f"{home}beside?a=patient:40&b=patient:0", ".message.here", folder / "viewer-beside.png", keys="j j")
    sit_down(day, home, folder / "viewer-seat.png")
    browser.close()


def sit_down(page: Any, home: str, out: Path) -> None:
    """A picture of a person's negotiation, with words to be confirmed."""
    page.goto(f"{home}play")
    page.select_option("select[name=creditor]", "eq-negotiator")
    for name, value in (("case", "3"), ("seed", "5")):
        page.fill(f"input[name={name}]", value)
    page.click("text=Sit down")
    for words in ("3 months", "[anger] no way, 80"):
        page.fill("#words", words)
        page.click("text=Check it")
        page.wait_for_selector(".echo")
        if not words.startswith("["):
            page.click("button[value=yes]")
    page.evaluate("scrollTo({ top: document.body.scrollHeight, behavior: 'instant' })")
    page.screenshot(path=out)
    print(f"{out}: {out.stat().st_size / 1024:.0f} kB")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parents[1] / "docs" / "images")
