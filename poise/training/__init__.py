"""Training: by play (`online`), from data sets (`data`, `offline`), of words, and of the emotion detector."""
