"""Your own creditor in a dozen lines: it answers the emotion that it reads in the debtor's last words.

Check and play it:

    poise agents check examples/listener.py
    poise tournament run --creditor examples/listener.py --creditor vanilla --debtor angry --debtor sad
"""

from poise import View, agent
from poise.agents.emotions import EMOTIONS7

ANSWERS = {"joy": "gratitude", "sadness": "caring", "fear": "caring", "anger": "curiosity", "disgust": "remorse"}


@agent("listener", seat="creditor")
def listener(view: View) -> str | None:
    """Ask the angry, comfort the sad and the afraid, regret what disgusts, thank the glad."""
    if view.reading is None:  # the opening: the debtor has said nothing yet
        return "optimism"
    seven = view.reading.emotions  # seven probabilities, in the order of EMOTIONS7
    return ANSWERS.get(EMOTIONS7[seven.index(max(seven))])
