"""Which agents play each other on which scenarios, decided before the first match."""

from __future__ import annotations

import hashlib
import heapq
from bisect import bisect_right
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from operator import itemgetter
from typing import Any, Final, Literal

import orjson

from poise.agents.agent import Agent
from poise.agents.emotions.detectors import detector_asks, detector_model
from poise.agents.identity import identities
from poise.agents.judges import asks_model
from poise.agents.models.adapters import Adapter
from poise.agents.models.models import runs_here
from poise.agents.models.settings import SCRIPTED
from poise.agents.names import shown_names, without_model
from poise.agents.registry import each_debtor, find_agent
from poise.common.errors import ConfigError
from poise.common.processes import usable_cores
from poise.common.seeds import child_seed
from poise.common.words import counted, did_you_mean
from poise.games.moves import SEATS, Seat
from poise.games.scenario import Scenario
from poise.tournaments.config import HOW_CALLED, TournamentConfig

_DEFAULT_BASELINE: Final = "vanilla"
_CONVERSATIONS: Final = 4  # at a time with a model's server, where nothing is said
_EMBEDDED_CONVERSATIONS: Final = 2  # at a time in this process: more of them only wait for its cores
LARGEST: Final = 10_000_000  # matches, each of about 300 bytes while it is planned


@dataclass(frozen=True, slots=True)
class Entrant:
    """An agent as it enters a tournament.

    label:    as the user wrote it, with its model; unique among its seat. `Schedule.names` has what it is called.
    declared: JSON data that identifies it, with the model and the offers it plays with.
    learns:   carries memory along a series.
    own_code: comes from a user's file, or plays a user's game.
    adapter:  how its model is tuned, or None.
    policy_model: the URI of the model that its policy asks; "" for none.
    agent:    the agent itself, where this process looked it up; it is not sent to other processes.
    """

    label: str
    seat: Seat
    declared: Mapping[str, Any]
    learns: bool = False
    own_code: bool = False
    adapter: Adapter | None = None
    policy_model: str = ""
    agent: Agent | None = field(default=None, repr=False, compare=False)

    @property
    def model(self) -> str:
        """Its model URI."""
        return str(self.declared.get("model", SCRIPTED))

    def look_up(self) -> Agent:
        """The agent. Raises AgentError where another process no longer finds it."""
        return self.agent or find_agent(self.label, self.seat)

    def __reduce__(self) -> tuple[Any, ...]:
        shown = self.label, self.seat, self.declared
        return Entrant, (*shown, self.learns, self.own_code, self.adapter, self.policy_model)


@dataclass(frozen=True, slots=True)
class AskedModel:
    """A model that a tournament asks: for words, for what a policy wants to know, for verdicts or for readings."""

    uri: str
    role: Literal["voice", "policy", "judge", "detector"]
    adapter: Adapter | None = None


@dataclass(frozen=True, slots=True)
class Match:
    """One pairing on one scenario with one seed.

    position: its place in the schedule, from 0. pair, scenario: indices into the schedule's own lists.
    id:       a hash of all that was declared; the same match has the same id in every tournament.
    """

    position: int
    pair: int
    scenario: int
    repeat: int
    seed: int
    id: str


_Draw = tuple[int, int, int, bytes]  # scenario, repeat, seed, and the bytes that identify them


@dataclass(frozen=True)
class Schedule:
    """Every match of a tournament, pair by pair; within a pair in the order a learner sees them.

    They are counted at once, and listed when they are first asked for.

    config:   the settings that it follows from.
    size:     the matches of each pair.
    left_out: how many scenarios at the end of the source are not played.
    """

    config: TournamentConfig = field(repr=False)
    creditors: tuple[Entrant, ...]
    debtors: tuple[Entrant, ...]
    scenarios: tuple[Scenario, ...]
    size: int
    left_out: int = 0

    @cached_property
    def matches(self) -> tuple[Match, ...]:
        """Every match, by position."""
        identities = [_canonical(scenario.to_dict()) for scenario in self.scenarios]
        draws: dict[str | None, list[_Draw]] = {}
        matches: list[Match] = []
        for pair in range(self.pairs):
            pair_hash = _pair_hash(*self.pair(pair), self.config)
            owner = self._owner(pair, pair_hash)
            if owner not in draws:
                draws[owner] = list(self._draws(owner, identities))
            for scenario, repeat, seed, identity in draws[owner]:
                match_hash = pair_hash.copy()
                match_hash.update(identity)
                matches.append(Match(len(matches), pair, scenario, repeat, seed, match_hash.hexdigest()))
        return tuple(matches)

    def _owner(self, pair: int, pair_hash: Any) -> str | None:
        """What the seeds of a pair belong to: itself, its world, or None, the tournament."""
        if self.config.draws == "own":
            return str(pair_hash.hexdigest())
        debtor = self.debtors[pair % len(self.debtors)]
        return debtor.declared["settings"]["world"]["digest"] if self.config.over_worlds else None

    def _draws(self, owner: str | None, identities: Sequence[bytes]) -> Iterator[_Draw]:
        """What all pairs with seeds of the same owner play alike; identities: of the scenarios."""
        own = () if owner is None else (owner,)
        for number in range(self.size):
            repeat, index = divmod(number, len(self.scenarios))
            seed = child_seed(self.config.seed, "match", self.scenarios[index].id, repeat, *own)
            yield index, repeat, seed, identities[index] + f"|{seed}|{repeat}".encode()

    @property
    def total(self) -> int:
        """The number of matches."""
        return self.size * self.pairs

    @cached_property
    def played(self) -> Sequence[Match]:
        """The matches that are played here, in order: all of them, or those of the part."""
        if self.config.part is None:
            return self.matches
        return [self.matches[position] for positions in self.played_positions for position in positions]

    @cached_property
    def played_positions(self) -> tuple[range, ...]:
        """Of each pair, the positions of its matches that are played here.

        The series of a pair that learns stays whole. The others are cut so that parts are as even as that allows: by no
        more than one match where no series is longer than a part.
        """
        series = [range(pair * self.size, (pair + 1) * self.size) for pair in range(self.pairs)]
        if self.config.part_of is None:
            return tuple(series)
        number, parts = self.config.part_of
        loads = [(0, part) for part in range(parts)]  # a heap
        for pair in filter(self.learns, range(self.pairs)):
            load, part = loads[0]
            heapq.heapreplace(loads, (load + self.size, part))
            if part != number - 1:
                series[pair] = range(0)
        free = [pair for pair in range(self.pairs) if not self.learns(pair)]
        shares = _even_shares([load for load, _ in sorted(loads, key=itemgetter(1))], len(free) * self.size)
        end = sum(shares[:number])
        begin = end - shares[number - 1]
        for before, pair in enumerate(free):
            first = before * self.size
            series[pair] = series[pair][max(0, begin - first) : max(0, end - first)]
        return tuple(series)

    @property
    def played_pairs(self) -> list[int]:
        """The pairs of which a match is played here."""
        return [pair for pair, positions in enumerate(self.played_positions) if positions]

    @property
    def played_total(self) -> int:
        """The number of matches that are played here."""
        return sum(map(len, self.played_positions))

    def pair(self, index: int) -> tuple[Entrant, Entrant]:
        """The creditor and the debtor of pair `index`."""
        creditor, debtor = divmod(index, len(self.debtors))
        return self.creditors[creditor], self.debtors[debtor]

    def names(self, seat: Seat) -> list[str]:
        """What the agents of a seat are called where they are shown."""
        entrants = self.creditors if seat == "creditor" else self.debtors
        return [name for name, _ in shown_names((one.label, one.declared) for one in entrants)]

    @property
    def pairs(self) -> int:
        """The number of pairs: each creditor against each debtor."""
        return len(self.creditors) * len(self.debtors)

    def learns(self, pair: int) -> bool:
        """Whether the order of this pair's matches matters."""
        return any(entrant.learns for entrant in self.pair(pair))

    @cached_property
    def asked(self) -> tuple[AskedModel, ...]:
        """Every model that is asked for anything, each once in each role."""
        entrants = (*self.creditors, *self.debtors)
        voices = [AskedModel(of.model, "voice", of.adapter) for of in entrants if of.model != SCRIPTED]
        policies = [AskedModel(of.policy_model, "policy") for of in entrants if of.policy_model]
        return (*dict.fromkeys(voices + policies), *_listeners(self.config))

    def needs(self, pair: int) -> frozenset[str]:
        """The URIs of the models without which no match of this pair can be played."""
        own = {uri for entrant in self.pair(pair) for uri in (entrant.model, entrant.policy_model)} - {SCRIPTED, ""}
        return frozenset(own).union(model.uri for model in _listeners(self.config))

    @property
    def listeners(self) -> int:
        """How many models listen to every match: the judge's and the detector's."""
        return len(_listeners(self.config))

    @property
    def calls_model(self) -> bool:
        """Whether any agent's words, the judge's verdicts or the readings come from a model."""
        return bool(self.asked)

    @property
    def embedded(self) -> bool:
        """Whether a model runs in this process."""
        return any(runs_here(model.uri) for model in self.asked)

    def at_once(self, workers: int | str | None) -> int:
        """How many matches are played at a time, on each node of a cluster, where `workers` was asked for."""
        if isinstance(workers, int):
            return workers
        if self.calls_model:
            return _EMBEDDED_CONVERSATIONS if self.embedded else _CONVERSATIONS
        return usable_cores()

    def tuned(self, pair: int) -> tuple[str, ...]:
        """The servers' models and the embedded models' adapters that this pair needs; equal pairs are played together.

        A server that holds one model at a time then changes it once for each group, and not at every message.
        """
        return tuple(_tuning(entrant) for entrant in self.pair(pair))

    @property
    def own_code(self) -> bool:
        """Whether any agent comes from a user's file."""
        return any(entrant.own_code for entrant in (*self.creditors, *self.debtors))

    @property
    def summary(self) -> str:
        """How many agents and matches there are, in a line."""
        sides = f"{counted(len(self.creditors), 'creditor')} x {counted(len(self.debtors), 'debtor')}"
        line = f"{sides} x {counted(self.size, 'match')} = {counted(self.total, 'match')}"
        return line if self.config.part is None else f"{line}; part {self.config.part}: {self.played_total:,} of them"

    @property
    def coverage(self) -> str:
        """How often each pair plays which scenarios, in a sentence."""
        whole, more = divmod(self.size, len(self.scenarios))
        often = "once" if whole == 1 else "twice" if whole == 2 else f"{whole} times"
        names = f"{self.scenarios[0].id} to {self.scenarios[-1].id}" if self.scenarios[1:] else self.scenarios[0].id
        sentence = f"each pair plays {counted(len(self.scenarios), 'scenario')} ({names}) {often}"
        if more:
            sentence += f", and the first {f'{more} of them' if more > 1 else 'of them'} once more"
        if self.left_out:
            all_of_them = self.left_out + len(self.scenarios)
            sentence += f"; {self.left_out} of {all_of_them} are left out, --matches-per-pair {all_of_them} plays all"
        return sentence

    @property
    def id(self) -> str:
        """A hash of every match in order: two tournaments with the same id are the same tournament."""
        return schedule_id(match.id for match in self.matches)


def schedule_id(matches: Iterable[str]) -> str:
    """The id of the schedule whose matches have these ids, in order."""
    return hashlib.blake2b("".join(matches).encode(), digest_size=16).hexdigest()


def _even_shares(loads: Sequence[int], count: int) -> list[int]:
    """How many of `count` each gets, so that together with its load all have the same, as far as that can be."""
    level = bisect_right(
        range(max(loads) + count), count, key=lambda level: sum(max(0, level - load) for load in loads)
    )
    shares = [max(0, level - 1 - load) for load in loads]
    left = count - sum(shares)
    for place, load in enumerate(loads):
        if left and load < level:
            shares[place], left = shares[place] + 1, left - 1
    return shares


def _tuning(entrant: Entrant) -> str:
    if runs_here(entrant.model):
        return entrant.adapter.key if entrant.adapter else ""
    return "" if entrant.model == SCRIPTED else entrant.model


def _listeners(config: TournamentConfig) -> list[AskedModel]:
    judge, detector = config.judge, config.detector
    listeners = [AskedModel(judge, "judge")] if judge and asks_model(judge) else []
    return [*listeners, AskedModel(detector_model(detector), "detector")] if detector_asks(detector) else listeners


def plan_matches(config: TournamentConfig, scenarios: Sequence[Scenario] | None = None) -> Schedule:
    """Every match that `config` asks for; none is played.

    Raises ConfigError, AgentError or ScenarioError for invalid settings, AgentError for a graph that is none.
    """
    if scenarios is None:
        from poise.games.scenarios.loaders import load_scenarios

        scenarios = load_scenarios(config.scenarios)
    creditors, debtors = enter(config)
    for one in (*creditors, *debtors):
        _refuse_other_than_graph(one)
    return build_schedule(config, creditors, debtors, scenarios)


def _refuse_other_than_graph(entrant: Entrant) -> None:
    """AgentError where the function of a graph returns something else; one that raises fails its matches."""
    agent = entrant.agent
    if agent is None or agent.make_graph is None or agent.human:
        return
    from poise.graphs.custom import state_graph_of

    try:
        graph = agent.make_graph()
    except Exception:  # noqa: BLE001 - a user's own code
        return
    state_graph_of(graph, entrant.label)


def enter(config: TournamentConfig) -> tuple[tuple[Entrant, ...], tuple[Entrant, ...]]:
    """The creditors and the debtors that the config names; AgentError when there is no such agent."""
    creditors = tuple(entrant(find_agent(label, "creditor"), label, config) for label in config.creditors)
    debtors = tuple(entrant(find_agent(label, "debtor"), label, config) for label in each_debtor(config.debtors))
    if config.reading == "structured" and all(
        each.declared.get("reading") != "structured" for each in creditors + debtors
    ):
        raise ConfigError(
            "reading = structured is for models that decide the number, and no agent here has one; add --offers model, "
            "or leave reading out"
        )
    return creditors, debtors


def entrant(agent: Agent, label: str, config: TournamentConfig) -> Entrant:
    """An agent as it enters a tournament with these settings."""
    declared = agent.declared_in(config.model, config.offers, config.conduct, config.reading, config.model_options)
    as_stored = orjson.loads(_canonical(declared))  # a tuple comes back as a list
    own_code = "source" in agent.settings or bool(config.game)
    return Entrant(label, agent.seat, as_stored, agent.learns, own_code, agent.adapter, agent.policy_model, agent)


def refuse_same_agents(schedule: Schedule, before: Collection[str] = ()) -> None:
    """ConfigError where an agent plays under two names: its matches would count twice, as those of two agents.

    before: labels that may be such names, because an older Poise began the tournament with them.
    """
    for entrants in (schedule.creditors, schedule.debtors):
        labels: dict[str, str] = {}
        for one in entrants:
            for identity in identities(one.agent, one.declared):
                other = labels.setdefault(identity, one.label)
                if other != one.label and not {other, one.label} <= set(before):
                    raise _same_agent(other, one)


def _refuse_same_matches(entrants: Sequence[Entrant]) -> None:
    """ConfigError where two agents declare the same: their matches would have the same ids."""
    labels: dict[bytes, str] = {}
    for one in entrants:
        other = labels.setdefault(_canonical(one.declared), one.label)
        if other != one.label:
            raise _same_agent(other, one)


def _same_agent(other: str, one: Entrant) -> ConfigError:
    return ConfigError(f"{other!r} and {one.label!r} are the same {one.seat} under two names; leave one of them out")


def build_schedule(
    config: TournamentConfig,
    creditors: Sequence[Entrant],
    debtors: Sequence[Entrant],
    scenarios: Sequence[Scenario],
) -> Schedule:
    """Each creditor against each debtor on the scenarios in order.

    A match's seed depends on the scenario and the repeat and not on the pair, so that agents are compared on equal
    draws, unless the settings give each pair its own. Each world of a folder has seeds of its own: worlds are then
    independent samples. Scenarios beyond `matches_per_pair` are left out.
    """
    count = config.matches_per_pair or len(scenarios) * (config.repeats or 1)
    used = tuple(scenarios[:count])
    _refuse_doubles(used)
    _refuse_same_matches(creditors)
    _refuse_same_matches(debtors)
    if len(creditors) * len(debtors) * count > LARGEST:
        raise ConfigError(
            f"{len(creditors)} x {len(debtors)} x {count} are more than {LARGEST:,} matches, the most of a "
            "tournament; take fewer --repeats or --matches-per-pair, or several tournaments"
        )
    return Schedule(config, tuple(creditors), tuple(debtors), used, count, left_out=len(scenarios) - len(used))


def _refuse_doubles(scenarios: Sequence[Scenario]) -> None:
    if not scenarios:
        raise ConfigError("there is no scenario to play; name a file that has at least one")
    seen: set[str] = set()
    for scenario in scenarios:
        if scenario.id in seen:
            raise ConfigError(f"two scenarios have the id {scenario.id!r}; an id is unique in its source")
        seen.add(scenario.id)


def _pair_hash(creditor: Entrant, debtor: Entrant, config: TournamentConfig) -> Any:
    """The hash of what is the same in all matches of a pair.

    Model options count only where a model is asked, and only those that decide what it says.
    """
    declared: dict[str, Any] = {seat: of.declared for seat, of in zip(SEATS, (creditor, debtor), strict=True)}
    declared["rules"] = config.rules.to_dict()
    if config.game:
        from poise.games.openspiel.variants import source

        declared["game"] = source(config.game)
    if config.judge:
        declared["judge"] = config.judge
    if detector_asks(config.detector):
        declared["detector"] = config.detector
    spoken = any(entrant.model != SCRIPTED for entrant in (creditor, debtor))
    if spoken or _listeners(config):
        declared["model_options"] = {key: value for key, value in config.model_options.items() if key not in HOW_CALLED}
    return hashlib.blake2b(_canonical(declared), digest_size=16)


def _canonical(data: Any) -> bytes:
    return orjson.dumps(data, option=orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS)


def find_baseline(wanted: str | None, labels: Sequence[str], entered: Sequence[str] = ()) -> str | None:
    """The label of a seat's agent that `wanted` names: as shown, as entered, or the only agent of that name or file.

    entered: how the agents were entered, in the order of `labels`. None where it does not play.
    """
    name = wanted or _DEFAULT_BASELINE
    for names in (labels, entered, *([without_model(one) for one in listed] for listed in (labels, entered))):
        places = [place for place, one in enumerate(names) if one == name]
        if len(places) == 1:
            return labels[places[0]]
    return None


def check_baseline(wanted: str | None, *seats: tuple[Sequence[str], Sequence[str]]) -> None:
    """ConfigError when the named baseline plays in no seat. seats: of each its labels, and how they were entered."""
    if wanted is None or any(find_baseline(wanted, *seat) for seat in seats):
        return
    labels = list(dict.fromkeys(label for shown, _ in seats for label in shown))
    raise ConfigError(
        f"the baseline {wanted!r} is not one of the agents ({', '.join(labels)}); {did_you_mean(wanted, labels)}"
        "name one of them, with its model where the name alone fits several"
    )
