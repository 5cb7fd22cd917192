"""Your own creditor in a dozen lines: it mirrors the debtor's joy and meets everything else with care.

Check and play it:

    poise agents check examples/mirror.py
    poise tournament run --creditor examples/mirror.py:mirror --creditor vanilla --debtor angry --out runs/mirror
"""

from poise import View, agent


@agent("mirror", seat="creditor")
def mirror(view: View) -> str:
    """Show gratitude to a glad debtor and caring to any other."""
    glad = view.reading is not None and view.reading.emotions[0] > 0.5  # joy comes first of the seven
    return "gratitude" if glad else "caring"
