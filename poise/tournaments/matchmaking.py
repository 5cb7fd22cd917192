"""Opens the pairings of a tournament, checks that its models are available, and says how matches are played."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from poise.agents.models.settings import ModelSettings
from poise.common.errors import AgentError, ModelDown, Unanswered
from poise.tournaments.config import TournamentConfig
from poise.tournaments.schedule import Schedule, entrant

if TYPE_CHECKING:
    from poise.graphs import Pairing, PlaySettings

_SEATS: Final = 2


@dataclass(frozen=True, slots=True)
class Pairings:
    """Opens the pairings of a tournament by their index."""

    config: TournamentConfig
    schedule: Schedule

    def __call__(self, pair: int) -> Pairing:
        """Pair `pair`, creditor by creditor and within one debtor by debtor."""
        from poise.graphs import Pairing

        creditor, debtor = self.schedule.pair(pair)
        return Pairing(creditor.look_up(), debtor.look_up(), play_settings(self.config, self.schedule))


def vain_options(config: TournamentConfig, schedule: Schedule) -> tuple[str, ...]:
    """A sentence about model options where no model is asked."""
    if not config.model_options or schedule.asked:
        return ()
    return (f"no model is asked, so these options change nothing: {', '.join(config.model_options)}",)


def check_models(config: TournamentConfig, schedule: Schedule) -> tuple[str, ...]:
    """Raise before the first message what every one would: AgentError for options, ModelMissing, ModelDown.

    Returns what the user should know about how the models are set up, in sentences.
    """
    if not schedule.asked:
        return vain_options(config, schedule)
    from poise.agents.models.models import check_model

    settings = ModelSettings.from_options(model_options(config, schedule))
    asked = sorted({(model.uri, model.adapter) for model in schedule.asked}, key=str)
    return tuple(dict.fromkeys(remark for uri, adapter in asked for remark in check_model(uri, settings, adapter)))


@dataclass(frozen=True, slots=True)
class TriedModels:
    """How the models of a tournament did. remarks: sentences for the user. down: why models cannot be asked, by URI."""

    remarks: Sequence[str] = ()
    down: Mapping[str, ModelDown] = field(default_factory=dict)


def try_models(config: TournamentConfig, schedule: Schedule, pairs: Collection[int]) -> TriedModels:
    """Ask for each model that matches of `pairs` need whether it is there, and then for a sentence.

    A server that is down is told of, as it keeps nobody from playing who does not need it. Raises AgentError for
    options; ModelMissing; Unanswered, ModelTimeout and BadReply for a model that is there and of no use.
    """
    needed = frozenset[str]().union(*(schedule.needs(pair) for pair in pairs))
    if not needed:
        return TriedModels(vain_options(config, schedule))
    from poise.agents.models.models import check_model
    from poise.agents.models.trial import try_model

    settings = ModelSettings.from_options(model_options(config, schedule))
    asked = [model for model in schedule.asked if model.uri in needed]
    remarks, tried = list[str](), set[tuple[str, bool]]()
    down: dict[str, ModelDown] = {}
    for model in asked:
        if model.uri in down:
            continue
        how = settings
        if model.role == "policy":  # it is told these limits, and calls its model as it likes
            how = ModelSettings(timeout=settings.timeout, patience=settings.patience)
        try:
            remarks += check_model(model.uri, how, model.adapter)
            kind = model.uri, model.role in ("judge", "detector")
            if kind not in tried:
                tried.add(kind)
                remarks.append(try_model(model.uri, how, model.adapter, json=kind[1]))
        except Unanswered:
            raise
        except ModelDown as error:
            down[model.uri] = error
    return TriedModels(tuple(dict.fromkeys(remarks)), down)


def check_node(config: TournamentConfig, schedule: Schedule) -> Sequence[str]:
    """On another machine: that its agents are those of the schedule, and that its models answer; remarks for the user.

    Raises AgentError for an agent that is missing or another one, and what `try_models` does; a model that is down is
    an error here.
    """
    for planned in (*schedule.creditors, *schedule.debtors):
        here = entrant(planned.look_up(), planned.label, config)
        if here.declared != planned.declared:
            raise AgentError(
                f"{planned.label!r} is another {planned.seat} there than here; let its file lie below the folder in "
                "which the tournament is run, so that it travels, and install the same packages"
            )
    tried = try_models(config, schedule, schedule.played_pairs)
    for error in tried.down.values():
        raise error
    return tried.remarks


def play_settings(config: TournamentConfig, schedule: Schedule) -> PlaySettings:
    """How every match is played."""
    from poise.graphs import PlaySettings

    return PlaySettings(
        model=config.model,
        offers=config.offers,
        reading=config.reading,
        conduct=config.conduct,
        through=config.through,
        message_seconds=config.message_seconds,
        match_seconds=config.match_seconds,
        model_options=model_options(config, schedule),
        rules=config.rules,
        judge=config.judge,
        detector=config.detector,
    )


def model_options(config: TournamentConfig, schedule: Schedule) -> dict[str, Any]:
    """The config's options; the embedded model keeps every negotiation in flight warm.

    That is one slot for each seat, and one each for the judge and the detector, whose questions all begin with the
    same words.
    """
    workers = schedule.at_once(config.workers)
    return {"slots": _SEATS * workers + schedule.listeners, **config.model_options}
