"""A debtor that needs no model: a hidden state that the creditor's words move, what it shows, and what it concedes.

The parts: `world` is the probabilities, `channel` how emotions are misread, `files` reads them from a file, `debtor`
plays one debtor drawn from them, `marginals` measures what such debtors did beside the data they were fitted to.
`worlds/default.toml` explains every number and what it rests on.
"""

from poise.agents.simulated.channel import Channel
from poise.agents.simulated.debtor import Mind, SimulatedConcession, SimulatedPolicy
from poise.agents.simulated.files import load_world
from poise.agents.simulated.world import Disposition, Dynamics, Pace, State, World

__all__ = [
    "Channel",
    "Disposition",
    "Dynamics",
    "Mind",
    "Pace",
    "SimulatedConcession",
    "SimulatedPolicy",
    "State",
    "World",
    "load_world",
]
