"""The agents that come with Poise, by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache, partial
from typing import TYPE_CHECKING, Final

from poise.agents.agent import Agent, default_concession
from poise.agents.concessions import MoodConcession, named_concession
from poise.agents.game_players import GAME_PLAYERS, game_player
from poise.agents.personas import load_persona, persona_names, persona_summary
from poise.agents.personas.persona import Persona, PersonaPolicy
from poise.agents.policies import NamedPolicy, policies
from poise.agents.policies.vanilla import Vanilla
from poise.agents.trained import packaged, packaged_summary
from poise.common.errors import AgentError
from poise.games.moves import Seat

if TYPE_CHECKING:
    from poise.agents.simulated import World

Maker = Callable[[str], Agent]
_SIMULATED: Final = "a debtor drawn from a simulated world, with a hidden state that reacts to what it reads"


@cache
def built_in(seat: Seat) -> Mapping[str, Maker]:
    """Makers of this seat's agents by name; a maker takes what stands after the colon ("" for nothing)."""
    if seat == "creditor":
        return {
            **{name: partial(policy_agent, named) for name, named in policies().items()},
            **{name: partial(_game_player, name) for name in GAME_PLAYERS},
            **packaged(seat),
        }
    return {
        **{name: partial(_debtor, name) for name in persona_names()},
        "simulated": _simulated,
        **packaged(seat),
    }


def summaries(seat: Seat) -> Mapping[str, str]:
    """What this seat's agents do, by name, known without making them."""
    own = {name: packaged_summary(name) for name in packaged(seat)}
    if seat == "creditor":
        return {**{name: named.summary for name, named in policies().items()}, **GAME_PLAYERS, **own}
    return {**{name: persona_summary(name) for name in persona_names()}, "simulated": _SIMULATED, **own}


def policy_agent(policy: NamedPolicy, argument: str) -> Agent:
    """The creditor that a policy makes; AgentError where the policy refuses the argument."""
    kind = default_concession("creditor")
    policy.make(argument)  # refuses a bad argument here, not in the middle of a tournament
    return Agent(
        name=f"{policy.name}:{argument}" if argument else policy.name,
        seat="creditor",
        make_policy=partial(policy.make, argument),
        make_concession=lambda: named_concession(kind),
        settings=policy.declared(argument),
        summary=policy.summary,
        privileged=policy.privileged,
        policy_model=policy.asks(argument) if policy.asks else "",
    )


def _game_player(name: str, argument: str) -> Agent:
    game_player(name, argument)  # refuses a bad argument here, not in the middle of a tournament
    return Agent(
        name=f"{name}:{argument}" if argument else name,
        seat="creditor",
        make_policy=Vanilla,
        make_concession=partial(game_player, name, argument),
        summary=GAME_PLAYERS[name],
    )


def _debtor(name: str, argument: str) -> Agent:
    if argument:
        raise AgentError(f"debtor {name!r} takes no argument, not {argument!r}")
    return debtor_of(load_persona(name))


def _simulated(argument: str) -> Agent:
    from poise.agents.simulated import load_world

    return simulated_debtor(load_world(argument), f"simulated:{argument}" if argument else "simulated")


def simulated_debtor(world: World, name: str = "simulated") -> Agent:
    """The debtor that is drawn from `world`, a new one in each match."""
    from poise.agents.simulated import SimulatedConcession, SimulatedPolicy

    return Agent(
        name=name,
        seat="debtor",
        make_policy=lambda: SimulatedPolicy(world),
        make_concession=lambda: SimulatedConcession(world),
        settings=world.declared(),
        summary=_SIMULATED,
    )


def debtor_of(persona: Persona) -> Agent:
    """The debtor that a persona makes."""
    return Agent(
        name=persona.name,
        seat="debtor",
        make_policy=lambda: PersonaPolicy(persona),
        make_concession=lambda: MoodConcession(persona),
        persona=persona,
        settings={"persona": persona.settings()},
        summary=persona.summary,
    )
