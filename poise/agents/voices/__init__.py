"""Voices: what puts a chosen move into words, with a model or without one."""
