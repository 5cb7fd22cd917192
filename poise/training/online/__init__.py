"""Training by play."""
