"""Emotions: their names and the maps between them, the detector (text -> probabilities), the tracker (belief)."""

from poise.agents.emotions.taxonomy import EMOTIONS7, EMOTIONS28, NEGATIVE7, TO_SEVEN

__all__ = ["EMOTIONS7", "EMOTIONS28", "NEGATIVE7", "TO_SEVEN"]
