"""Figures of finished tournaments, with intervals."""
