"""How talks went, and not only how they ended: process figures from transcripts alone.

`measure_process(DIR)` gives all of them; each topic has a module with its definitions, as pure functions: `concession`,
`anchoring`, `timing`, `transitions`, `calibration`, `speech`, `bargains`.
"""

from poise.tournaments.process.measure import Measures, Process, measure_process

__all__ = ["Measures", "Process", "measure_process"]
