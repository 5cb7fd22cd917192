"""The models of a tournament: whether they are there, and how they are asked to play."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from poise.agents.emotions.detectors import detector_asks, detector_model
from poise.agents.judges import asks_model
from poise.agents.models.settings import ModelSettings
from poise.tournaments.config import TournamentConfig
from poise.tournaments.schedule import SCRIPTED, Schedule
from poise.tournaments.workers.play import How, workers_of

if TYPE_CHECKING:
    from poise.graphs import PlaySettings

from dataclasses import dataclass
from typing import TYPE_CHECKING

from poise.agents.registry import find_agent

if TYPE_CHECKING:
    from poise.graphs import Pairing


@dataclass(frozen=True, slots=True)
class Pairings:
    """Opens the pairings of a tournament by their index."""

    config: TournamentConfig
    schedule: Schedule

    def __call__(self, pair: int) -> Pairing:
        """Pair `pair`, creditor by creditor and within one debtor by debtor."""
        from poise.graphs import Pairing

        config = self.config
        creditor, debtor = divmod(pair, len(config.debtors))
        return Pairing(
            find_agent(config.creditors[creditor], "creditor"),
            find_agent(config.debtors[debtor], "debtor"),
            play_settings(config, self.schedule),
        )


_SEATS: Final = 2


def check_models(config: TournamentConfig, schedule: Schedule) -> None:
    """Raise before the first match what every match would: AgentError for options, ModelMissing, ModelDown."""
    voices = {(entrant.model, entrant.adapter) for entrant in (*schedule.creditors, *schedule.debtors)}
    voices = {(uri, adapter) for uri, adapter in voices if uri != SCRIPTED}
    if schedule.judge and asks_model(schedule.judge):
        voices.add((schedule.judge, None))
    if detector_asks(schedule.detector):
        voices.add((detector_model(schedule.detector), None))
    if not voices:
        return
    from poise.agents.models.health import check_model

    settings = ModelSettings.from_options(model_options(config, schedule))
    for uri, adapter in sorted(voices, key=str):
        check_model(uri, settings, adapter)


def play_settings(config: TournamentConfig, schedule: Schedule) -> PlaySettings:
    """How every match is played."""
    from poise.graphs import PlaySettings

    return PlaySettings(
        model=config.model,
        offers=config.offers,
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
    """The config's options; the embedded model keeps every conversation in flight warm.

    That is one slot for each seat, and one each for the judge and the detector, whose questions all begin with the
    same words.
    """
    workers = workers_of(How(config.workers, config.match_seconds), schedule)
    slots = _SEATS * workers + asks_model(schedule.judge) + detector_asks(schedule.detector)
    return {"slots": slots, **config.model_options}
