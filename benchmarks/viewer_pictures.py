"""Makes the pictures of the viewer in README and docs: real runs without a model, in a real browser.

python benchmarks/viewer_pictures.py [FOLDER]        (needs chromium, and playwright of the dev extra)
"""

import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import sync_playwright

from poise import TournamentConfig, run_tournament

CREDITORS = ("vanilla", "eq-negotiator", "wsls", "emomas", "fixed:caring", "oracle")
DEBTORS = ("simulated", "angry", "threatening", "sad")
WIDE, HIGH = 1280, 800
SIZES = ((1440, 900), (1920, 1080), (1024, 768), (390, 844))  # of the replay of a custom agent
CUSTOM = Path(__file__).parents[1] / "examples" / "second_thoughts.py"


def play(folder: Path) -> None:
    """Two runs that differ in the limit on messages, and one of a custom agent."""
    for name, messages in (("patient", 21), ("hurried", 11)):
        config = TournamentConfig(
            creditors=CREDITORS, debtors=DEBTORS, matches_per_pair=40, max_messages=messages, seed=3
        )
        run_tournament(config, folder / name)
    own = TournamentConfig(creditors=(str(CUSTOM),), debtors=("threatening",), scenarios="builtin:0-9", seed=3)
    run_tournament(own, folder / "custom")


def picture(page: Any, address: str, ready: str, out: Path, *, keys: str = "") -> None:
    """A picture of a page once `ready` is there, and some keys were pressed."""
    page.goto(address)
    page.wait_for_selector(ready)
    for key in keys.split():
        page.keyboard.press(key)
    page.wait_for_timeout(500)
    keep(page, out)


def keep(page: Any, out: Path) -> None:
    """Keep what is seen, in as few bytes as can be."""
    page.screenshot(path=out)
    Image.open(out).convert("RGB").quantize(256, dither=Image.Dither.NONE).save(out, optimize=True)
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
        browser.new_page(viewport={"width": WIDE, "height": HIGH}, color_scheme=scheme, reduced_motion="reduce")
        for scheme in ("light", "dark")
    )
    run = f"{home}run/patient"
    told = day.request.get(f"{run}/matches.json?creditor=eq-negotiator&debtor=simulated&ending=deal").json()["rows"]
    shown = next(row[0] for row in told if 11 <= row[7] <= 14)
    picture(day, f"{run}/#game", ".network", folder / "viewer-game.png")
    picture(day, f"{run}/match/{shown}#m5", ".node.lit", folder / "viewer-replay.png", keys="ArrowRight")
    picture(night, f"{home}compare?a=patient&b=hurried", "table.plain", folder / "viewer-compare.png")
    sit_down(day, home, folder / "viewer-seat.png")
    for wide, high in SIZES:
        sized = browser.new_page(viewport={"width": wide, "height": high})
        out = folder / f"custom-{wide}x{high}.png"
        picture(sized, f"{home}run/custom/match/0#m5", ".node.lit", out, keys="ArrowLeft ArrowLeft")
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
    keep(page, out)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parents[1] / "docs" / "images")
