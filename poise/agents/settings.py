"""The settings that may follow an agent's name, `NAME,SETTING=VALUE...`: each replaces one part of the agent.

SETTINGS declares each once, with its values and what it does. The ablations of a trained agent are settings:
`adapter=none` leaves its policy alone, `emotion=none` its adapter alone, `adapter=OTHER` puts another stage of training
in its place.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, get_args

from poise.agents.emotions.taxonomy import EMOTIONS28
from poise.agents.protocols import Conduct, ReplyForm
from poise.common.errors import AgentError
from poise.common.words import did_you_mean

if TYPE_CHECKING:
    from poise.agents.agent import Agent

NONE: Final = "none"


@dataclass(frozen=True, slots=True)
class AgentSetting:
    """A setting: what a value may be, in words or as the choices there are, what it does, and the agent that has it."""

    values: str | tuple[str, ...]
    help: str
    apply: Callable[[Agent, str], Agent]

    def written(self, name: str) -> str:
        """NAME=VALUES, as an error or a help text lists it."""
        return f"{name}={self.values if isinstance(self.values, str) else '|'.join(self.values)}"


def with_setting(agent: Agent, item: str) -> Agent:
    """`agent` with one setting, written NAME=VALUE.

    Raises:
        AgentError: there is no such setting, or its value is refused.
    """
    key, _, value = item.partition("=")
    setting = SETTINGS.get(key)
    if setting is None or not value:
        hint = did_you_mean(key, SETTINGS) if setting is None else ""
        ways = _listed(SETTINGS[name].written(name) for name in SETTINGS)
        raise AgentError(f"setting {item!r} of {agent.name!r}: {hint}use {ways}")
    if isinstance(setting.values, tuple) and value not in setting.values:
        hint = did_you_mean(value, setting.values)
        ways = _listed(f"{key}={each}" for each in setting.values)
        raise AgentError(f"setting '{item}' of {agent.name!r}: {hint}use {ways}")
    changed = setting.apply(agent, value)
    return replace(changed, settings={**agent.settings, **changed.settings}, name=f"{agent.name},{item}")


def _listed(options: Iterable[str]) -> str:
    *first, last = options
    return f"{', '.join(first)} or {last}"


def _concession(agent: Agent, value: str) -> Agent:
    from poise.agents.concessions import named_concession

    named_concession(value)  # refuses an unknown name here, not in the middle of a tournament
    return replace(agent, make_concession=partial(named_concession, value), settings={"concession": value})


def _set_field(name: str, agent: Agent, value: Any) -> Agent:
    changed: dict[str, Any] = {name: value}
    return replace(agent, **changed, settings={name: value})


def _conduct(agent: Agent, value: str) -> Agent:
    if agent.seat != "creditor":
        raise AgentError(f"setting 'conduct={value}' of {agent.name!r}: rules of conduct bind creditors; leave it out")
    return _set_field("conduct", agent, value)


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
    return replace(
        agent, make_policy=make, settings={"emotion": value, **policy.declared(argument)}, privileged=policy.privileged
    )


def _adapter(agent: Agent, value: str) -> Agent:
    from poise.agents.trained import loaded_adapter

    adapter = None if value == NONE else loaded_adapter(value)
    return replace(agent, adapter=adapter, settings={"adapter": adapter.key if adapter else NONE})


def _detector(agent: Agent, value: str) -> Agent:
    from poise.agents.emotions.detectors import detector_digest, fitted_detector

    fitted_detector(value)  # refuses a damaged file here, not in the middle of a tournament
    return replace(agent, detector=value, settings={"detector": detector_digest(value)})


SETTINGS: Final[Mapping[str, AgentSetting]] = MappingProxyType(
    {
        "concession": AgentSetting(
            "NAME", "how it bargains: one of `poise.agents.concessions`, or clock:BETA:REACH", _concession
        ),
        "emotion": AgentSetting(
            "NAME",
            "which emotion is shown: none, one of the 28, a policy such as random or fixed:joy, a trained one by its "
            "folder, or the agent's own engine by name (`emotion=iql` of an agent that IQL trained)",
            _emotion,
        ),
        "adapter": AgentSetting(
            "DIR", "how a model is tuned that words the moves: none, or that of a trained agent by its folder", _adapter
        ),
        "detector": AgentSetting(
            "FILE",
            "what reads the other side's emotions for this agent: a file of `python -m poise.training.detector.fit`",
            _detector,
        ),
        "offers": AgentSetting(("policy", "model"), "who decides the number", partial(_set_field, "offers")),
        "reading": AgentSetting(
            get_args(ReplyForm),
            "how a model that decides the number answers: in words, or as JSON with which its words must agree",
            partial(_set_field, "reading"),
        ),
        "conduct": AgentSetting(
            get_args(Conduct),
            "what is done, beside recording it, when a creditor's model breaks a rule of conduct (see "
            "`poise.agents.conduct.duties`)",
            _conduct,
        ),
    }
)
