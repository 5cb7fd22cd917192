"""Poise: study and train emotional negotiators.

    from poise import find_agent, load_scenarios, play

    case = load_scenarios("builtin")[0]
    transcript = play(case, find_agent("eq-negotiator", "creditor"), find_agent("angry", "debtor"), seed=1)
    print(transcript.outcome)

The names below are the public surface; each is imported when it is first asked for, so that `import poise` is quick.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from poise import plots
    from poise.agents.agent import Agent
    from poise.agents.protocols import View
    from poise.agents.registry import agent, find_agent, graph_agent, list_agents
    from poise.common.errors import PoiseError
    from poise.games.rules import Rules
    from poise.games.scenario import Scenario
    from poise.games.scenarios.loaders import load_scenarios
    from poise.games.transcript import Transcript
    from poise.graphs.pairing import Pairing, PlaySettings, play
    from poise.graphs.trace import trace
    from poise.tournaments.config import TournamentConfig
    from poise.tournaments.runner import run_tournament

_HOMES = {
    "Agent": "poise.agents.registry",
    "Pairing": "poise.graphs.pairing",
    "PlaySettings": "poise.graphs.pairing",
    "PoiseError": "poise.common.errors",
    "Rules": "poise.games.rules",
    "Scenario": "poise.games.scenario",
    "TournamentConfig": "poise.tournaments.config",
    "Transcript": "poise.games.transcript",
    "View": "poise.agents.protocols",
    "agent": "poise.agents.registry",
    "find_agent": "poise.agents.registry",
    "graph_agent": "poise.agents.registry",
    "list_agents": "poise.agents.registry",
    "load_scenarios": "poise.games.scenarios.loaders",
    "play": "poise.graphs.pairing",
    "run_tournament": "poise.tournaments.runner",
    "trace": "poise.graphs.trace",
}

__all__ = [
    "Agent",
    "Pairing",
    "PlaySettings",
    "PoiseError",
    "Rules",
    "Scenario",
    "TournamentConfig",
    "Transcript",
    "View",
    "agent",
    "find_agent",
    "graph_agent",
    "list_agents",
    "load_scenarios",
    "play",
    "plots",
    "run_tournament",
    "trace",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    if name == "plots":
        return import_module("poise.plots")
    raise AttributeError(f"module 'poise' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
