"""OpenSpiel behind one file: this is the only one that imports it.

Python games are serialised by OpenSpiel with pickle: read such text back only where you wrote it yourself. Transcripts
are what Poise stores.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any, Final

import pyspiel

Game: Final = pyspiel.Game
State: Final = pyspiel.State
TERMINAL: Final = int(pyspiel.PlayerId.TERMINAL)


def register(short_name: str, long_name: str, defaults: Mapping[str, Any], game: type) -> Any:
    """Declare a game of two seats who see everything, and make it known by its short name; the declaration.

    A name that is taken stays what it was, since OpenSpiel would replace it silently.
    """
    declared = pyspiel.GameType(
        short_name=short_name,
        long_name=long_name,
        dynamics=pyspiel.GameType.Dynamics.SEQUENTIAL,
        chance_mode=pyspiel.GameType.ChanceMode.DETERMINISTIC,
        information=pyspiel.GameType.Information.PERFECT_INFORMATION,
        utility=pyspiel.GameType.Utility.GENERAL_SUM,
        reward_model=pyspiel.GameType.RewardModel.TERMINAL,
        max_num_players=2,
        min_num_players=2,
        provides_information_state_string=True,
        provides_information_state_tensor=True,
        provides_observation_string=True,
        provides_observation_tensor=True,
        parameter_specification=dict(defaults),
    )
    if short_name not in pyspiel.registered_names():
        pyspiel.register_game(declared, game)
    return declared


def game_info(num_actions: int, max_messages: int) -> Any:
    """The bounds of a game: utilities in [0, 1], and how long it lasts at most."""
    return pyspiel.GameInfo(
        num_distinct_actions=num_actions,
        max_chance_outcomes=0,
        num_players=2,
        min_utility=0.0,
        max_utility=1.0,
        utility_sum=None,
        max_game_length=max_messages,
    )


def load_game(name: str, parameters: Mapping[str, Any]) -> Any:
    """The game of that name with those parameters."""
    return pyspiel.load_game(name, dict(parameters))


def simulate(game: Any, plays: int) -> None:
    """OpenSpiel's own test of a game by random plays: players, actions, strings, tensors, bounds.

    Raises what it finds wrong, as OpenSpiel or Python says it.
    """
    pyspiel.random_sim_test(game, num_sims=plays, serialize=False, verbose=False)


def read_back(game: Any, state: Any) -> Any:
    """The state, written out as text and read again."""
    return pyspiel.deserialize_game_and_state(pyspiel.serialize_game_and_state(game, state))[1]


def algorithm(name: str) -> Any:
    """A module of OpenSpiel's Python library by its name below `open_spiel.python`, such as "algorithms.cfr"."""
    return importlib.import_module(f"open_spiel.python.{name}")
