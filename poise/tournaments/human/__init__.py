"""A person in a match."""
