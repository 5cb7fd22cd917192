"""Learning policies that the checks of the kit have to catch."""

from __future__ import annotations


class Forgetful:
    """Learns, and keeps nothing of it in its memory."""

    def __init__(self):
        self.seen = 0

    def choose(self, view, dice):
        return ("joy", "anger")[self.seen % 2]

    def learn(self, view, utility, deal):
        self.seen += 1

    def memory(self):
        return {}

    def restore(self, memory):
        pass


class NeverDoneLearning(Forgetful):
    """Never returns from `learn`."""

    def learn(self, view, utility, deal):
        while True:
            pass
