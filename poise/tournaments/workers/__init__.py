"""Workers that play matches."""
