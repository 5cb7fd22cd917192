"""Judge and referee over a whole tournament: how far they agree, and what the standings are under another rule."""

from poise.tournaments.judging.agreement import Agreement, measure_agreement
from poise.tournaments.judging.asking import ask_judge, judged_transcripts
from poise.tournaments.judging.counts import Counts
from poise.tournaments.judging.rescoring import RULES, Rescored, rescore, rescore_tournament

__all__ = [
    "RULES",
    "Agreement",
    "Counts",
    "Rescored",
    "ask_judge",
    "judged_transcripts",
    "measure_agreement",
    "rescore",
    "rescore_tournament",
]
