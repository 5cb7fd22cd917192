"""How negotiations went, and not only how they ended: process figures from transcripts alone.

`measure_process(DIR)` gives all of them; each topic has a module with its definitions, as pure functions: `concession`,
`anchoring`, `timing`, `transitions`, `calibration`, `speech`, `bargains`.
"""

from poise.tournaments.process.measure import Process, measure_process
from poise.tournaments.process.measures import Measures

__all__ = ["Measures", "Process", "measure_process"]
