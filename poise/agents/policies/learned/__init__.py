"""Policies that were trained, and what they play from."""
