"""The store of a tournament."""
