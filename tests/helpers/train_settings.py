"""Trainings small enough for tests."""

from __future__ import annotations

from dataclasses import replace

from poise.training.online.settings import TrainSettings

TINY = {"debtors": ("vanilla", "angry"), "scenarios": "builtin:0-9", "seed": 5}
SHORT = {
    "evolve": TrainSettings("evolve", budget=72, talks=1, **TINY),
    "bayes": TrainSettings("bayes", budget=9, talks=3, **TINY),
    "q": TrainSettings("q", budget=20, talks=4, **TINY),
    "learn": TrainSettings("learn", budget=20, talks=4, policy="eq-negotiator", **TINY),
}
LONGER = {**SHORT, "faithful": replace(SHORT["evolve"], mode="faithful", talks=10)}


def files(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.suffix != ".lock"}
