"""The cost of Poise on top of the embedded model: python benchmarks/embedded.py

Plays negotiations on the embedded model, two seats each, all at once, and records every request that reaches the
engine. Then sends the same requests directly to the engine, at the same concurrency and from the same cold slots;
several rounds of each, in turn. Prints both in reply tokens a second and their ratio (the aim is 0.97 or more), and for
each message of a seat the prompt tokens that the engine had to evaluate, by its own counters: after a seat's first
message they stay flat, at no more than the last two messages, the direction and 32.

--tournament reads the same from the store of a real tournament with four negotiations in flight, two creditors against
two debtors on one scenario, whose seats must not share a slot.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from itertools import chain
from tempfile import TemporaryDirectory
from threading import Lock
from typing import Any

from poise.agents.emotions.taxonomy import EMOTIONS28
from poise.agents.models.calls import Caller
from poise.agents.models.embedded.embedded import ChatEmbedded
from poise.agents.models.embedded.engine import Completion, Engine
from poise.agents.models.embedded.folder import find_model
from poise.agents.models.embedded.requantise import playable
from poise.agents.models.embedded.weights import SMOLLM2, find_weights
from poise.agents.models.settings import FREE, GRAMMAR, ModelSettings
from poise.agents.protocols import Brief, Line, Request, View
from poise.agents.replay import Seen
from poise.agents.voices.prompts import BREAK, render
from poise.agents.voices.voice import ModelVoice
from poise.common.seeds import Dice
from poise.games.moves import SEATS, Seat, offer
from poise.games.rules import Rules
from poise.games.scenario import Scenario
from poise.games.scenarios.loaders import load_scenarios
from poise.tournaments.config import make_config
from poise.tournaments.runner import run_tournament
from poise.tournaments.storage.rows import transcript_from, usage_from
from poise.tournaments.storage.store import Store

SLACK = 32


@dataclass
class Recorder:
    """An engine that records every request and its counters, by thread."""

    engine: Engine
    calls: dict[str, list[tuple[Mapping[str, Any], Completion]]] = field(default_factory=dict)
    lock: Any = field(default_factory=Lock)

    def chat(self, body: Mapping[str, Any], conversation: str, deadline: float, _enough: Any) -> Completion:
        done = self.engine.chat(body, conversation, deadline)  # without ending loops early, which bare calls do not
        with self.lock:
            self.calls.setdefault(conversation, []).append((body, done))
        return done


def play(voice: ModelVoice, case: Scenario, messages: int, name: str) -> None:
    """One negotiation in which both seats move steadily and show one emotion after another."""
    lines: list[Line] = []
    for index in range(messages):
        seat: Seat = SEATS[index % 2]
        step = (case.debtor_target - case.creditor_target) * index // (3 * messages)
        move = offer(case.creditor_target + 1 + step if seat == "creditor" else case.debtor_target - 1 - step)
        brief = Brief(
            seat, case.target(seat), case.domain, case.unit, case.polarity, case.bounds, case.context, Rules()
        )
        request = Request(View(brief, tuple(lines)), move, EMOTIONS28[index % 28], thread=f"{name}/{seat}")
        speech = voice.speak(request, Dice(index, name))
        lines.append(Line(seat, speech.text, speech.move))


@dataclass
class Work:
    """What was done: tokens of replies, prompt tokens evaluated, seconds, and CPU seconds of this process."""

    replied: float = 0
    prompted: float = 0
    seconds: float = 0
    cpu: float = 0

    def add(self, timings: Mapping[str, float]) -> None:
        self.replied += timings["predicted_n"]
        self.prompted += timings["prompt_n"]

    def __str__(self) -> str:
        return (
            f"{self.replied / self.seconds:6.1f} tokens/s ({self.replied:.0f} tokens in {self.seconds:.1f} s, "
            f"{self.prompted:.0f} prompt tokens evaluated, {self.cpu:.1f} s of CPU)"
        )


@contextmanager
def measured(work: Work) -> Iterator[None]:
    """Add the time of what is inside to `work`."""
    began, cpu = time.perf_counter(), time.process_time()
    yield
    work.seconds += time.perf_counter() - began
    work.cpu += time.process_time() - cpu


def cool(engine: Engine) -> None:
    """Empty every slot's cache."""
    for slot in range(engine.slots):
        body = {"messages": [{"role": "user", "content": f"{slot}"}], "max_tokens": 1}
        engine._server.handle_chat_completions({**body, "id_slot": slot})


def evaluated(recorder: Recorder, count: Any) -> None:
    """Print, for each message of a seat, the tokens evaluated and their bound."""
    print("\nprompt tokens evaluated (bound), first call of each message")
    worst = -SLACK
    for name, calls in sorted(recorder.calls.items()):
        firsts = {len(body["messages"]): (body, done) for body, done in reversed(calls)}
        cells = []
        for number, (body, done) in enumerate(firsts[key] for key in sorted(firsts)):
            used = int(done.timings["prompt_n"])
            if number == 0:
                cells.append(f"{used}")
                continue
            other, direction = body["messages"][-1]["content"].split(BREAK)
            bound = sum(map(count, (body["messages"][-2]["content"], other, direction))) + SLACK
            worst = max(worst, used - bound)
            cells.append(f"{used} ({bound})")
        print(f"  {name:26} {', '.join(cells)}")
    print(f"  largest excess over the bound: {worst} (at most 0 is the aim)")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=16)
    parser.add_argument("--matches", type=int, default=2, help="played at once")
    parser.add_argument("--rounds", type=int, default=2, help="of each kind, in turn")
    parser.add_argument("--wording", choices=(GRAMMAR, FREE), default=GRAMMAR, help="of the messages")
    parser.add_argument("--tournament", action="store_true", help="what a tournament's store says instead")
    parser.add_argument("--model", default=f"embedded:{SMOLLM2}", help="of --tournament")
    parser.add_argument("--variants", action="store_true", help="weights and engines instead of what Poise costs")
    chosen = parser.parse_args()
    if chosen.tournament:
        from_store(chosen.model, chosen.messages)
        return
    if chosen.variants:
        compare(chosen.messages, chosen.rounds)
        return
    slots = 2 * chosen.matches
    settings = ModelSettings(slots=slots + 1, context=4096, timeout=600, wording=chosen.wording)
    engine = Engine(playable(find_model(SMOLLM2), settings), settings.slots, settings.context)
    recorder = Recorder(engine)
    model = ChatEmbedded(settings=settings, engine=lambda *_: recorder)
    voice = ModelVoice(Caller(model, settings), "policy")
    through, bare = Work(), Work()
    for turn in range(chosen.rounds):
        cases = load_scenarios("builtin")[turn * chosen.matches : (turn + 1) * chosen.matches]
        talk(voice, recorder, Round(f"round {turn}", cases, chosen.messages), through)
        replay(recorder, f"round {turn}", chosen.matches, bare)
    print(f"through Poise  {through}\nbare engine    {bare}")
    print(f"ratio          {through.replied / through.seconds * bare.seconds / bare.replied:6.2f}")
    print(f"messages/s     {chosen.rounds * chosen.matches * chosen.messages / through.seconds:6.2f}")
    evaluated(recorder, lambda text: _count(engine, text, slots))


@dataclass(frozen=True)
class Round:
    """Negotiations played at once: a name, the cases, and messages in each."""

    name: str
    cases: Sequence[Scenario]
    messages: int


def talk(voice: ModelVoice, recorder: Recorder, round_: Round, work: Work) -> None:
    """Play all negotiations of a round at once."""
    cool(recorder.engine)
    with measured(work), ThreadPoolExecutor(len(round_.cases)) as pool:
        numbered = enumerate(round_.cases)
        list(pool.map(lambda pair: play(voice, pair[1], round_.messages, f"{round_.name}, match {pair[0]}"), numbered))
    for conversation, calls in recorder.calls.items():
        for _, done in calls if conversation.startswith(round_.name) else ():
            work.add(done.timings)


def replay(recorder: Recorder, name: str, matches: int, work: Work) -> None:
    """Send the requests of a round directly, at the same concurrency, each match's in order."""
    conversations = sorted(each for each in recorder.calls if each.startswith(name))
    slots = {each: index for index, each in enumerate(conversations)}

    def match(number: int) -> list[Mapping[str, float]]:
        names = conversations[2 * number : 2 * number + 2]
        requests = [(len(body["messages"]), slots[each], body) for each in names for body, _ in recorder.calls[each]]
        return [send(recorder.engine, body, slot) for _, slot, body in sorted(requests, key=lambda each: each[0])]

    cool(recorder.engine)
    with measured(work), ThreadPoolExecutor(matches) as pool:
        done = list(pool.map(match, range(matches)))
    for timings in chain.from_iterable(done):
        work.add(timings)


def from_store(model: str, messages: int) -> None:
    """Play a tournament, and print for each message what its first call evaluated, and the bound, from its store."""
    agents = {"creditors": ["vanilla", "eq-negotiator"], "debtors": ["vanilla", "angry"]}
    fields = {"scenarios": "builtin:0", "model": model, "workers": 4, "max_messages": messages, "match_seconds": 36_000}
    config = make_config({**agents, **fields, "message_seconds": 3600, "model_options": {"timeout": 3600}})
    with TemporaryDirectory() as folder:
        run_tournament(config, folder)
        with Store.read(folder) as store:
            found = [
                (transcript_from(place, talk), usage_from(place, spent)) for place, talk, spent in store.documents()
            ]
    file = find_model(config.model.partition(":")[2])
    engine, worst = Engine(playable(file, ModelSettings()), 1, 2048, template=""), -SLACK
    for talk, usage in found:
        cells = []
        for index, message in enumerate(talk.messages):
            call = usage.per_message[index].get("tries", [usage.per_message[index]])[0]
            used = int(call["evaluated_tokens"])
            if index < len(SEATS):
                cells.append(f"{used}")
                continue
            seen = Seen(talk, message.seat)
            turn = [own.index for own in seen.messages].index(index)
            turns = render(seen.request(turn), seen.offers, "", seen.reading).messages()
            other, direction = turns[-1][1].split(BREAK)
            bound = sum(_count(engine, text, 0) for text in (turns[-2][1], other, direction)) + SLACK
            worst = max(worst, used - bound)
            cells.append(f"{used} ({bound})")
        print(f"  {talk.creditor['name']:14} {talk.debtor['name']:8} {', '.join(cells)}")
    print(f"  largest excess over the bound: {worst} (at most 0 is the aim)")


def compare(messages: int, rounds: int) -> None:
    """Replay two recorded negotiations with both weights and both ways to share two cores, in turn."""
    settings = ModelSettings(slots=5, context=2048, timeout=600)
    recorder = Recorder(Engine(find_weights(), 5, 2048, 2))
    voice = ModelVoice(Caller(ChatEmbedded(settings=settings, engine=lambda *_: recorder), settings), "policy")
    for number, case in enumerate(load_scenarios("builtin")[:2]):
        play(voice, case, messages, f"match {number}")
    recorder.engine.close()
    files = {"Q4_1": find_weights(), "Q8_0": playable(find_model(SMOLLM2), ModelSettings())}
    variants = [(name, engines) for engines in (1, 2) for name in files]
    works = {variant: Work() for variant in variants}
    for name, count in variants * rounds:
        engines = [Engine(files[name], 4 // count, 2048, 2 // count) for _ in range(count)]
        for engine in engines:
            engine.chat({"messages": [{"role": "user", "content": "x"}], "max_tokens": 1}, "", float("inf"))
        work = works[name, count]
        with measured(work), ThreadPoolExecutor(2) as pool:
            done = list(pool.map(partial(again, recorder, engines), range(2)))
        for timings in chain.from_iterable(done):
            work.add(timings)
        for engine in engines:
            engine.close()
    calls = rounds * sum(map(len, recorder.calls.values()))
    for (name, count), work in works.items():
        print(
            f"{name} {count} x {2 // count}: {work.cpu / calls:.2f} CPU s, {work.seconds / calls:.2f} s a call; {work}"
        )


def again(recorder: Recorder, engines: Sequence[Engine], match: int) -> list[Mapping[str, float]]:
    """Repeat the recorded calls of a match in order, on its engine; return the counters."""
    names = sorted(recorder.calls)[2 * match : 2 * match + 2]
    calls = [(len(body["messages"]), name, body) for name in names for body, _ in recorder.calls[name]]
    engine = engines[match % len(engines)]
    in_order = sorted(calls, key=lambda call: call[0])
    return [engine.chat(body, name, float("inf")).timings for _, name, body in in_order]


def send(engine: Engine, body: Mapping[str, Any], slot: int) -> Mapping[str, float]:
    """Send one request directly; return the engine's counters."""
    answer = engine._server.handle_chat_completions({**body, "id_slot": slot, "cache_prompt": True})
    timings: Mapping[str, float] = answer["timings"]
    return timings


def _count(engine: Engine, text: str, slot: int) -> int:
    body = {"prompt": text, "max_tokens": 1, "id_slot": slot, "cache_prompt": False}
    return int(engine._server.handle_completions(body)["usage"]["prompt_tokens"])


if __name__ == "__main__":
    main()
