"""The settings that may follow an agent's name, `NAME,SETTING=VALUE...`: one part of the agent instead of its own.

    concession=NAME    one of `poise.agents.concessions`
    offers=WHO         policy or model: who decides the number
    conduct=WHAT       record, reask or refuse: what is done when a creditor's model breaks a rule of conduct, beside
                       recording it (see `poise.agents.conduct.duties`)
    emotion=WHICH      which emotion is shown: none, one of the 28, a policy such as random or fixed:joy, a trained one
                       by its folder, or the agent's own engine by name (`emotion=iql` of an agent that IQL trained)
    adapter=WHICH      how a model is tuned that words the moves: none, or that of a trained agent by its folder

The ablations of a trained agent are settings: `adapter=none` leaves its policy alone, `emotion=none` its adapter alone,
`adapter=OTHER` puts another stage of training in its place.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, cast, get_args

from poise.agents.conduct.duties import Conduct
from poise.agents.emotions.taxonomy import EMOTIONS28
from poise.common.errors import AgentError

if TYPE_CHECKING:
    from poise.agents.agent import Agent

NONE: Final = "none"


def with_setting(agent: Agent, item: str) -> Agent:
    """`agent` with one setting, written NAME=VALUE.

    Raises:
        AgentError: there is no such setting, or its value is refused.
    """
    key, _, value = item.partition("=")
    if key not in SETTINGS or not value:
        listed = "concession=NAME, emotion=NAME, adapter=DIR, offers=policy|model or conduct=record|reask|refuse"
        raise AgentError(f"setting {item!r} of {agent.name!r}: use {listed}")
    found = SETTINGS[key](agent, value)
    return replace(found, settings={**agent.settings, **found.settings}, name=f"{agent.name},{item}")


def _concession(agent: Agent, value: str) -> Agent:
    from poise.agents.concessions import named_concession

    named_concession(value)  # refuses an unknown name here, not in the middle of a tournament
    return replace(agent, make_concession=partial(named_concession, value), settings={"concession": value})


def _offers(agent: Agent, value: str) -> Agent:
    if value not in ("policy", "model"):
        raise AgentError(f"setting 'offers={value}' of {agent.name!r}: use offers=policy or offers=model")
    return replace(agent, offers="policy" if value == "policy" else "model", settings={"offers": value})


def _conduct(agent: Agent, value: str) -> Agent:
    if value not in get_args(Conduct):
        ways = "conduct=record, conduct=reask or conduct=refuse"
        raise AgentError(f"setting 'conduct={value}' of {agent.name!r}: use {ways}")
    if agent.seat != "creditor":
        raise AgentError(f"setting 'conduct={value}' of {agent.name!r}: rules of conduct bind creditors; leave it out")
    return replace(agent, conduct=cast("Conduct", value), settings={"conduct": value})


def _emotion(agent: Agent, value: str) -> Agent:
    from poise.agents.policies import find_policy
    from poise.agents.trained import is_folder, loaded_policy

    if value == agent.settings.get("engine"):
        return replace(agent, settings={"emotion": value})
    if is_folder(value):
        make, digest = loaded_policy(value)
        return replace(agent, make_policy=make, settings={"emotion": digest}, privileged=False)
    name = {NONE: "vanilla"}.get(value, f"fixed:{value}" if value in EMOTIONS28 else value)
    base, _, argument = name.partition(":")
    policy = find_policy(base)
    if policy is None:
        own = f" or {agent.settings['engine']}," if "engine" in agent.settings else ""
        raise AgentError(
            f"setting 'emotion={value}' of {agent.name!r}: use none, one of the 28 emotions, a policy of `poise agents "
            f"list`,{own} or the folder of a trained agent"
        )
    make = partial(policy.make, argument)
    make()  # refuses a bad argument here
    return replace(agent, make_policy=make, settings={"emotion": value}, privileged=policy.privileged)


def _adapter(agent: Agent, value: str) -> Agent:
    from poise.agents.trained import loaded_adapter

    adapter = None if value == NONE else loaded_adapter(value)
    return replace(agent, adapter=adapter, settings={"adapter": adapter.key if adapter else NONE})


SETTINGS: Final[Mapping[str, Callable[[Agent, str], Agent]]] = MappingProxyType(
    {"concession": _concession, "offers": _offers, "conduct": _conduct, "emotion": _emotion, "adapter": _adapter}
)
