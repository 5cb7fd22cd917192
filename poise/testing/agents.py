"""The checks that every agent must pass, built in or custom."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from itertools import cycle
from typing import Any, Final

from poise.agents.agent import Agent
from poise.common.errors import DeadlineExceeded
from poise.games.referee import Referee
from poise.games.scenario import Scenario
from poise.games.transcript import Transcript
from poise.graphs.custom import UNKNOWN_KEY
from poise.graphs.failures import place_of, traceback_of
from poise.graphs.pairing import PlaySettings
from poise.testing.bench import SCENARIOS, SEED, Bench, find_in_either_seat, insister, watched, within
from poise.testing.checks import Broken, Check, Hopeless, each_check

_SECONDS_A_MESSAGE: Final = 5.0
_SEEDS: Final = 10
_OWN_OFFER: Final = "has no offer standing"
_EMOTION: Final = "it must be one of the 28 labels, or None"


def check_agent(
    agent: Agent | str,
    settings: PlaySettings | None = None,
    *,
    scenarios: Sequence[Scenario] = SCENARIOS,
    opponents: Sequence[str] = (),
    draws: bool = False,
) -> list[Check]:
    """Play `agent` against plain opponents and check what it does.

    agent:     an Agent, or its name, as `poise tournament run` takes it.
    settings:  how it is played; without a model unless they name one, which an agent that leaves the number to its
               model (offers="model") needs. message_seconds (5 unless said) is the time limit that is checked.
    scenarios: what is negotiated. opponents: names of the other seat's agents; default vanilla, and simulated.
    draws:     the agent is declared to act at random: its moves or emotions must then differ between seeds.

    An agent that hangs, cannot be played, or does not play the same twice fails that check, and the checks that depend
    on it are left out. A privileged agent may see the other side's notes.
    """
    agent = find_in_either_seat(agent) if isinstance(agent, str) else agent
    settings = settings or PlaySettings(message_seconds=_SECONDS_A_MESSAGE, match_seconds=60.0)
    return list(each_agent_check(Bench(agent, settings, scenarios, opponents, draws)))


def each_agent_check(bench: Bench) -> Iterator[Check]:
    """The checks of `check_agent`, one by one."""
    return each_check(_checks(bench.settings, privileged=bench.agent.privileged, draws=bench.draws), bench)


def check_names(settings: PlaySettings, *, privileged: bool) -> list[str]:
    """The names of the checks of an agent that is not declared to act at random."""
    return [name for name, _ in _checks(settings, privileged=privileged, draws=False)]


def _checks(settings: PlaySettings, *, privileged: bool, draws: bool) -> Iterator[tuple[str, Callable[[Bench], None]]]:
    yield f"answers within {settings.message_seconds:g} s a message", _quick
    yield "plays whole negotiations", _plays
    yield "makes legal moves", _legal
    yield "never accepts its own offer", lambda bench: _refuse(bench, lambda failure: _OWN_OFFER in failure)
    yield "shows emotions among the 28", lambda bench: _refuse(bench, lambda failure: _EMOTION in failure)
    yield (
        "its nodes return only fields of its state",
        lambda bench: _refuse(bench, lambda failure: UNKNOWN_KEY in failure),
    )
    yield "does not change its input", _unchanging
    yield "transcripts survive JSON", _survives_json
    yield "same seed, same play", _repeats
    if draws:
        yield "other seeds, other play", _draws
    yield "does not know the other side's target", _blind_to_target
    if not privileged:
        yield "does not know the other side's notes", _blind_to_notes
    yield "two matches at once are independent", _apart
    # Asking whether it learns makes a policy; one that cannot be made fails only one check.
    yield "what it learned survives JSON", _remembers


def _quick(bench: Bench) -> None:
    """Play the openings that the next checks look at; they report whatever else is wrong."""
    seconds = bench.settings.message_seconds
    try:
        within(seconds, lambda: (bench.agent.make_policy(), bench.agent.make_concession()))
        for played in bench.play_all(watched(bench.agent, bench.changed, seconds)):
            if (failure := _failure(bench, played.transcript)).startswith("DeadlineExceeded: "):
                raise Hopeless(failure.removeprefix("DeadlineExceeded: "), played.usage.traceback)
            bench.tracebacks[len(bench.openings)] = played.usage.traceback
            bench.openings.append(played.transcript)
    except (DeadlineExceeded, Hopeless) as error:
        remedy = "look for a loop without an end, or for work that belongs before the match"
        raise Hopeless(f"{error}; {remedy}", getattr(error, "traceback", "")) from None
    except (Exception, SystemExit) as error:  # noqa: BLE001 - the next check reports it
        bench.trouble = error


def _failure(bench: Bench, transcript: Transcript) -> str:
    """Why the agent failed its match ("IllegalMove: ..."); "" where it did not."""
    outcome = transcript.outcome
    if outcome.ending != "failed":
        return ""
    if outcome.by != bench.agent.seat:
        raise Broken(f"scenario {transcript.scenario.id!r}: {outcome.reason}")
    return outcome.reason.removeprefix(f"the {outcome.by} failed: ")


def _refuse(bench: Bench, concerns: Callable[[str], bool]) -> None:
    """Raise for the first failed opening that concerns the check."""
    for place, transcript in enumerate(bench.openings):
        if (failure := _failure(bench, transcript)) and concerns(failure):
            raise Broken(f"scenario {transcript.scenario.id!r}: {failure}", bench.tracebacks[place])


def _plays(bench: Bench) -> None:
    if bench.trouble is not None:
        where = place_of(bench.trouble)
        raise Hopeless(f"{type(bench.trouble).__name__}: {bench.trouble}{where}", traceback_of(bench.trouble))
    said_by_other_checks = "IllegalMove: ", _EMOTION, _OWN_OFFER, UNKNOWN_KEY
    _refuse(bench, lambda failure: not any(words in failure for words in said_by_other_checks))


def _legal(bench: Bench) -> None:
    _refuse(bench, lambda failure: failure.startswith("IllegalMove: ") and _OWN_OFFER not in failure)
    for transcript in bench.openings:
        referee = Referee(transcript.scenario, bench.settings.rules)
        moves = [message.move for message in transcript.messages]
        for index in bench.own(transcript):
            referee.check(moves[:index], moves[index])


def _repeats(bench: Bench) -> None:
    for before, again in zip(bench.openings, bench.play_all(), strict=True):
        if before != again.transcript:
            raise Hopeless(
                f"scenario {before.scenario.id!r}: two matches with seed {SEED} differ; draw only from `dice`"
            )


def _draws(bench: Bench) -> None:
    """Plays against an opponent that is the same under every seed."""
    scenario = bench.scenarios[0]
    seen = set()
    for seed in range(SEED, SEED + _SEEDS):
        played = bench.pairing(insister(bench, scenario, 1.0)).play(scenario, seed).transcript
        own = [played.messages[index] for index in bench.own(played)]
        seen.add(tuple((message.emotion, message.move) for message in own))
    if len(seen) < 2:
        raise Broken(
            f"{_SEEDS} seeds give the same emotions and moves; draw from `dice`, or do not declare that it draws"
        )


def _survives_json(bench: Bench) -> None:
    for transcript in bench.openings:
        if Transcript.from_dict(_through_json(transcript.to_dict())) != transcript:
            raise Broken("a transcript read back from JSON differs; put only JSON data into settings and notes")


def _through_json(data: Any) -> Any:
    return json.loads(json.dumps(data))


def _blind_to_target(bench: Bench) -> None:
    """Against an opponent that does not act on its own target, a change of that target must change nothing."""
    for scenario, share in zip(bench.scenarios, cycle((1.0, 0.5)), strict=False):
        opponent = insister(bench, scenario, share)
        first, *others = (
            bench.pairing(opponent).play(each, SEED).transcript for each in _with_other_targets(bench, scenario)
        )
        if any(each.messages != first.messages for each in others):
            raise Broken(f"scenario {scenario.id!r}: its messages change with the other side's {bench.theirs}_target")


def _with_other_targets(bench: Bench, scenario: Scenario) -> Iterator[Scenario]:
    """The scenario, and the same with the other side's target a little and far from where it was."""
    yield scenario
    own, theirs = scenario.target(bench.agent.seat), scenario.target(bench.theirs)
    low, high = scenario.bounds
    away = 1 if theirs > own else -1
    for target in (theirs + away, theirs - away * (scenario.gap // 2)):
        if low <= target <= high and target not in (own, theirs):
            yield Scenario.from_dict({**scenario.to_dict(), f"{bench.theirs}_target": target})


def _blind_to_notes(bench: Bench) -> None:
    scenario = bench.scenarios[0]
    opponents = [insister(bench, scenario, 1.0, notes={"secret": secret}) for secret in (1, 2)]
    first, second = (bench.pairing(opponent).play(scenario, SEED).transcript for opponent in opponents)
    for index in bench.own(first):
        if first.messages[index] != second.messages[index]:
            raise Broken("its messages change with the other side's private notes")


def _apart(bench: Bench) -> None:
    """A match must go as it does alone while another pairing of the same agent plays another match."""
    scenario, another = bench.scenarios[0], bench.scenarios[-1]

    def aside() -> None:
        bench.pairing(insister(bench, another)).play(another, SEED + 1)

    alone, beside = (bench.pairing(insister(bench, scenario, 1.0, aside=each)) for each in (lambda: None, aside))
    first, second = alone.play(scenario, SEED), beside.play(scenario, SEED)
    if (first.transcript, first.memory) != (second.transcript, second.memory):
        raise Broken("its match differs while it plays another one; keep what it remembers in `self`, not in the class")


def _unchanging(bench: Bench) -> None:
    if bench.changed:
        raise Broken(f"{bench.changed[0]} changes what it is shown; make a copy and change that")


def _remembers(bench: Bench) -> None:
    """A series resumed from the memory after the first or last match must continue as without the interruption."""
    if not bench.agent.learns:
        return
    for scenarios in (bench.scenarios[:1], bench.scenarios):
        for first, second in zip(bench.pairings(), bench.pairings(), strict=True):
            memory = [first.play(scenario, SEED).memory for scenario in scenarios][-1]
            second.restore(_through_json(memory))
            played = [[pairing.play(each, SEED + 1) for each in bench.scenarios] for pairing in (first, second)]
            resumed = [[(match.transcript, match.memory) for match in matches] for matches in played]
            if resumed[0] != resumed[1]:
                raise Broken("after restore(memory()) it plays differently; put all that it learned into memory()")
