"""Poise: study and train emotional negotiators."""

__version__ = "0.1.0"
