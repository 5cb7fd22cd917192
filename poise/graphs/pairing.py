"""Plays negotiations between two agents."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from poise.agents.agent import Agent, Offers
from poise.agents.emotions.detectors import LEXICAL, detector_asks, fitted_detector, open_detector
from poise.agents.emotions.tracker import Tracker
from poise.agents.judges import Verdict, asks_model, open_judge
from poise.agents.models.settings import SCRIPTED, ModelSettings
from poise.agents.protocols import Conduct, Learner, Policy, ReplyForm, Voice
from poise.agents.replay import brief_of
from poise.agents.voices import open_voice
from poise.common.seeds import Dice, child_seed
from poise.common.tracing import kept_here
from poise.games.moves import SEATS, Seat
from poise.games.referee import Referee
from poise.games.rules import Rules
from poise.games.scenario import Scenario
from poise.games.transcript import Transcript, Usage, total_usage
from poise.graphs.deadline import guard, one_alarm
from poise.graphs.judging import with_verdicts
from poise.graphs.messages import Runner
from poise.graphs.plain import PlainNegotiation, UsualTurn
from poise.graphs.state import SECONDS, NegotiationContext, NegotiationState, SeatContext, SeatMemory, SeatState


@dataclass(frozen=True, slots=True)
class PlaySettings:
    """How matches are played, for both seats.

    model:           the model URI of agents that name none; "scripted" plays without a model.
    offers:          who decides the number where an agent does not say: "policy" (default) or "model".
    reading:         how a model that decides the number answers, where an agent does not say: in "words" (default), or
                     "structured", as JSON with which the words must agree.
    conduct:         what creditors' models hear about words that break a rule of conduct, where an agent does not say:
                     "record" (default), "reask" or "refuse".
    through:         "langgraph" runs the compiled graphs, "fast" the same nodes in a plain loop; "auto" takes the fast
                     way where no model is called and the graph allows it. Transcripts are the same.
    message_seconds: wall-clock time a message may take. match_seconds: and a whole match.
    model_options:   fields of `poise.agents.voices.ModelSettings`.
    rules:           the rules of every match.
    judge:           who says after each message whether the last two are an agreement: a model URI, or "rules" for the
                     judge without a model; None for nobody. It is recorded and decides nothing.
    detector:        what reads emotions, for agents that have no detector of their own: "lexical" (default), or a model
                     URI to ask that model (see `poise.agents.emotions.detectors`).
    """

    model: str = SCRIPTED
    offers: Offers | None = None
    reading: ReplyForm | None = None
    conduct: Conduct | None = None
    through: Literal["auto", "fast", "langgraph"] = "auto"
    message_seconds: float = 120.0
    match_seconds: float = 1800.0
    model_options: Mapping[str, Any] = field(default_factory=dict)
    rules: Rules = Rules()
    judge: str | None = None
    detector: str = LEXICAL


@dataclass(frozen=True, slots=True)
class Played:
    """A finished match: its transcript, what it cost, and what learners remember after it (JSON data, or None)."""

    transcript: Transcript
    usage: Usage
    memory: dict[str, Any] | None


class Pairing:
    """One creditor against one debtor, match after match.

    A learner keeps what it learns from one `play` to the next; any other agent starts each match afresh. Not for use by
    several threads at once: give each its own.
    """

    def __init__(self, creditor: Agent, debtor: Agent, settings: PlaySettings | None = None) -> None:
        self.settings = settings or PlaySettings()
        self.rules = self.settings.rules
        self._rules = self.rules.to_dict()
        self.agents: dict[Seat, Agent] = {"creditor": creditor, "debtor": debtor}
        options = self.settings.model_options
        self._voices: dict[Seat, Voice] = {}
        for seat, agent in self.agents.items():
            conduct, offers = agent.conduct_in(self.settings.conduct), self._offers(agent)
            reading = agent.reading_in(offers, self.settings.reading)
            self._voices[seat] = open_voice(self._uri(agent), offers, options, agent.adapter, conduct, reading)
        self._judge = open_judge(self.settings.judge, options) if self.settings.judge else None
        self._learners = {seat: agent.make_policy() for seat, agent in self.agents.items() if agent.learns}
        self._declared: dict[Seat, dict[str, Any]] = {}
        self._graph = self._runner()
        self._detector = open_detector(self.settings.detector, options)
        self._own = {seat: fitted_detector(agent.detector) for seat, agent in self.agents.items() if agent.detector}
        # With seed, scenario and seat they tell a negotiation from all others in flight.
        self._names = [f"{agent.name}@{self._uri(agent)}" for agent in self.agents.values()]

    @property
    def learns(self) -> bool:
        """Whether the order of matches matters."""
        return bool(self._learners)

    @property
    def calls_model(self) -> bool:
        """Whether any seat's words, the judge's verdicts or the readings come from a model."""
        aside = asks_model(self.settings.judge) or detector_asks(self.settings.detector)
        return aside or any(self._uri(agent) != SCRIPTED for agent in self.agents.values())

    def restore(self, memory: Mapping[str, Any] | None) -> None:
        """Resume from the memory that an earlier match left behind; None is the state before the first."""
        for seat in list(self._learners):
            policy = self.agents[seat].make_policy()
            if memory is not None and memory.get(seat) is not None:
                _learner(policy).restore(memory[seat])
            self._learners[seat] = policy

    def play(self, scenario: Scenario, seed: int, *, raises: bool = False) -> Played:
        """One match. An agent's failure is its outcome, or raised if asked; ModelDown and ModelMissing always are."""
        began = time.perf_counter()
        context = replace(self.context(scenario, seed), raises=raises)
        with one_alarm():
            state = self._invoke(NegotiationState(), context)
        return self.record(scenario, seed, state, context, time.perf_counter() - began)

    def record(
        self, scenario: Scenario, seed: int, state: Mapping[str, Any], context: NegotiationContext, seconds: float
    ) -> Played:
        """A finished match from the state its graph ended with; learners learn from it.

        seconds: wall-clock time it took.
        """
        transcript = self._transcript(scenario, seed, state)
        self._learn(state, context, transcript)
        usage = _usage(state["usage"], state["verdicts"], self._detector.spent(), seconds)
        usage = replace(usage, traceback=state.get("traceback", ""))
        memory: dict[str, Any] = {seat: _learner(policy).memory() for seat, policy in self._learners.items()}
        return Played(transcript, usage, memory or None)

    def context(self, scenario: Scenario, seed: int) -> NegotiationContext:
        """Everything one match needs beside its state; its deadline starts now."""
        creditor, debtor = (self._context(seat, scenario, seed) for seat in SEATS)
        limits = guard(self.settings.message_seconds, self.settings.match_seconds, calls_model=self.calls_model)
        return NegotiationContext(Referee(scenario, self.rules), creditor, debtor, limits, self._judge)

    def _invoke(self, start: NegotiationState, context: NegotiationContext) -> Mapping[str, Any]:
        if isinstance(self._graph, PlainNegotiation):
            return self._graph.invoke(start, context=context)
        config = {"recursion_limit": 2 * self.rules.max_messages + 10}  # a message, and its verdict
        with kept_here():
            result: Mapping[str, Any] = self._graph.invoke(start, config=config, context=context)  # type: ignore[call-arg]  # a compiled graph takes a config
        return result

    def _uri(self, agent: Agent) -> str:
        return agent.model_in(self.settings.model)

    def _offers(self, agent: Agent) -> Offers:
        return agent.offers or self.settings.offers or "policy"

    def _runner(self) -> Runner:
        judged = self._judge is not None
        through = self.settings.through
        if through == "auto" and self.calls_model:
            through = "langgraph"
        custom = any(agent.make_graph is not None for agent in self.agents.values())
        if through != "langgraph" and not custom:
            return PlainNegotiation(UsualTurn, UsualTurn, judged=judged)
        from poise.graphs.negotiation import negotiation_graph
        from poise.graphs.seat import graph_of
        from poise.graphs.turns import SeatRunner

        creditor, debtor = (
            # Custom graphs record which nodes they visit; of the usual turn they are known.
            SeatRunner(graph_of(agent), agent.name, through, records=agent.make_graph is not None)
            for agent in self.agents.values()
        )
        if through != "langgraph":
            return PlainNegotiation(creditor, debtor, judged=judged)
        compiled: Runner = negotiation_graph(creditor, debtor, judged=judged).compile()
        return compiled

    def _context(self, seat: Seat, scenario: Scenario, seed: int) -> SeatContext:
        agent = self.agents[seat]
        policy = self._learners.get(seat) or agent.make_policy()
        concession = agent.make_concession() if self._offers(agent) == "policy" else None
        if (plan_for := getattr(policy, "plan_for", None)) is not None:
            plan_for(concession)
        if (ask_within := getattr(policy, "ask_within", None)) is not None:
            limits = ModelSettings.from_options(self.settings.model_options)
            ask_within(limits.timeout, limits.patience)
        tracker = getattr(policy, "tracker", None)
        return SeatContext(
            brief=brief_of(scenario, seat, self.rules),
            policy=policy,
            concession=concession,
            persona=agent.persona,
            voice=self._voices[seat],
            tracker=tracker if isinstance(tracker, Tracker) else Tracker(),
            detector=self._own.get(seat, self._detector),
            dice=Dice(child_seed(seed, seat)),
            thread="/".join((str(seed), scenario.id, *self._names, seat)),
            privileged=agent.privileged,
            caller=getattr(self._voices[seat], "caller", None),
        )

    def _transcript(self, scenario: Scenario, seed: int, state: Mapping[str, Any]) -> Transcript:
        if not self._declared or self.calls_model:  # what is known of a model may change
            asked = self.settings.model, self.settings.offers, self.settings.conduct, self.settings.reading
            options = self.settings.model_options
            self._declared = {seat: agent.declared_in(*asked, options) for seat, agent in self.agents.items()}
        return Transcript(
            scenario,
            self._declared["creditor"],
            self._declared["debtor"],
            seed,
            self._rules,
            with_verdicts(state["messages"], state["verdicts"]),
            state["outcome"],
            judge=self.settings.judge or "",
            detector=self.settings.detector if detector_asks(self.settings.detector) else "",
        )

    def _learn(self, state: Mapping[str, Any], context: NegotiationContext, transcript: Transcript) -> None:
        if transcript.outcome.ending == "failed":
            return
        for seat, policy in self._learners.items():
            memory: SeatMemory = state[seat]
            view = context.seat(seat).view(SeatState(state["lines"], memory))
            utility = transcript.outcome.utilities[SEATS.index(seat)]
            _learner(policy).learn(view, utility, transcript.outcome.ending == "deal")


def _learner(policy: Policy) -> Learner:
    assert isinstance(policy, Learner)  # noqa: S101 - for the type checker: only learners are kept
    return policy


def _usage(
    messages: Sequence[Mapping[str, Any]], verdicts: Sequence[Verdict], reading: Mapping[str, float], seconds: float
) -> Usage:
    nodes = tuple(tuple(message.get(SECONDS, ())) for message in messages)
    messages = [{name: value for name, value in message.items() if name != SECONDS} for message in messages]
    total = total_usage(messages)
    calls = int(total.get("calls", 0))
    prompt, cached, reply = (
        int(total[name]) if name in total else None if calls else 0
        for name in ("prompt_tokens", "cached_tokens", "reply_tokens")
    )
    return Usage(
        seconds=seconds,
        calls=calls,
        prompt_tokens=prompt,
        cached_tokens=cached,
        reply_tokens=reply,
        per_message=tuple(messages) if any(messages) else (),
        judge=total_usage(verdict.usage for verdict in verdicts),
        detector=dict(reading),
        nodes=nodes if any(nodes) else (),
    )


def play(  # noqa: PLR0913 - three of them by name only
    scenario: Scenario,
    creditor: Agent,
    debtor: Agent,
    *,
    seed: int = 0,
    settings: PlaySettings | None = None,
    raises: bool = True,
) -> Transcript:
    """Play one negotiation and return its transcript.

    raises: what an agent raises is raised here, with a note that says where; else it is how the negotiation ended, as
    in a tournament.
    """
    return Pairing(creditor, debtor, settings).play(scenario, seed, raises=raises).transcript
