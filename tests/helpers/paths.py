"""Where things are."""

from __future__ import annotations

from pathlib import Path

TESTS = Path(__file__).parents[1]
DATA = TESTS / "data"
GOLDEN = TESTS / "golden"
ROOT = TESTS.parent
SHARED = ROOT.parent / "shared"  # reference data beside the checkout; tests that need it are marked `data`
