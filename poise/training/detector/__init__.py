"""Training of the emotion detector."""
