"""Opens the pairings of a tournament, checks that its models are available, and says how matches are played."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from poise.agents.models.settings import ModelSettings
from poise.tournaments.config import TournamentConfig
from poise.tournaments.schedule import Schedule
from poise.tournaments.workers.play import How, workers_of

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


def check_models(config: TournamentConfig, schedule: Schedule) -> tuple[str, ...]:
    """Raise before the first match what every match would: AgentError for options, ModelMissing, ModelDown.

    Returns what the user should know about how the models are set up, in sentences.
    """
    if not schedule.asked:
        return ()
    from poise.agents.models.models import check_model

    settings = ModelSettings.from_options(model_options(config, schedule))
    asked = sorted({(model.uri, model.adapter) for model in schedule.asked}, key=str)
    return tuple(dict.fromkeys(remark for uri, adapter in asked for remark in check_model(uri, settings, adapter)))


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
    workers = workers_of(How(config.workers, config.match_seconds), schedule)
    return {"slots": _SEATS * workers + schedule.listeners, **config.model_options}
