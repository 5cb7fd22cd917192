"""Costs and benefits of a grammar for decided moves: python benchmarks/wording.py [--messages 300] [--model URI]

The same negotiations, seeds and moves, once in free words and once with `wording=grammar`, in turn: both seats move
steadily and show one emotion after another. Printed for each way:

    right at once    messages whose first reply made the move
    repaired         messages that Poise had to repair after two tries, and of them those in its own words alone
    emotion heard    messages in which the detector reads the intended emotion, of the seven and of the 28
    cut              messages with a reply that was cut: at max_tokens, or at the bound on an opening
    a message        tokens said and evaluated, calls, CPU seconds of this process
"""

from __future__ import annotations

import argparse
import re
import time
from dataclasses import dataclass, field, replace

from poise.agents.emotions.detector import default_detector
from poise.agents.emotions.taxonomy import EMOTIONS28, TO_SEVEN
from poise.agents.models.calls import open_caller
from poise.agents.models.settings import FREE, GRAMMAR, ModelSettings
from poise.agents.protocols import Brief, Line, Request, Speech, View
from poise.agents.voices.grammar import WORDS
from poise.agents.voices.voice import ModelVoice
from poise.common.seeds import Dice
from poise.games.moves import SEATS, Seat, offer
from poise.games.rules import Rules
from poise.games.scenario import Scenario
from poise.games.scenarios.loaders import load_scenarios

_MESSAGES = 10  # of a negotiation
_WAYS = (FREE, GRAMMAR)
_LAST_SENTENCE = re.compile(r"[^.!?]*[.!?]*\s*\Z")


@dataclass
class Spoken:
    """What was said in one way: emotions that were meant, and speeches."""

    meant: list[str] = field(default_factory=list)
    speeches: list[Speech] = field(default_factory=list)
    cpu: float = 0.0

    def share(self, flags: list[bool]) -> str:
        return f"{sum(flags):4} of {len(flags)} ({sum(flags) / len(flags):4.0%})"

    def show(self, way: str) -> None:
        wordings, count = [speech.wording for speech in self.speeches], len(self.speeches)
        read = default_detector().read_many([speech.text for speech in self.speeches])
        heard7 = [TO_SEVEN[found.label] == TO_SEVEN[meant] for found, meant in zip(read, self.meant, strict=True)]
        heard28 = [found.label == meant for found, meant in zip(read, self.meant, strict=True)]
        once = [wording.attempts == 1 and not wording.repaired for wording in wordings]
        cut = [
            any("was cut after" in problem for problem in wording.problems)
            or (way == GRAMMAR and any(len(opening_of(reply).split()) == WORDS for reply in wording.replies))
            for wording in wordings
        ]
        print(f"\n{way} words")
        print(f"  right at once   {self.share(once)}")
        print(f"  repaired        {self.share([wording.repaired for wording in wordings])}")
        print(f"  own words alone {self.share([wording.own_words for wording in wordings])}")
        print(f"  heard, of 7     {self.share(heard7)}")
        print(f"  heard, of 28    {self.share(heard28)}")
        print(f"  cut             {self.share(cut)}")
        names = ("reply_tokens", "evaluated_tokens", "calls")
        said, evaluated, calls = (sum(speech.usage.get(name, 0) for speech in self.speeches) / count for name in names)
        print(f"  a message       {said:.1f} tokens said, {evaluated:.0f} evaluated, {calls:.2f} calls, ", end="")
        print(f"{self.cpu / count:.2f} s of CPU")


def opening_of(reply: str) -> str:
    """The part of a reply before its last sentence."""
    return _LAST_SENTENCE.sub("", reply)


def negotiate(voice: ModelVoice, case: Scenario, number: int, spoken: Spoken) -> None:
    """One negotiation."""
    lines: list[Line] = []
    for index in range(_MESSAGES):
        seat: Seat = SEATS[index % 2]
        step = (case.debtor_target - case.creditor_target) * index // (3 * _MESSAGES)
        move = offer(case.creditor_target + 1 + step if seat == "creditor" else case.debtor_target - 1 - step)
        emotion = EMOTIONS28[(number * _MESSAGES + index) % len(EMOTIONS28)]
        facts = case.domain, case.unit, case.polarity, case.bounds, case.context, Rules()
        view = View(Brief(seat, case.target(seat), *facts), tuple(lines))
        speech = voice.speak(Request(view, move, emotion, thread=f"{number}/{seat}"), Dice(index, f"match {number}"))
        lines.append(Line(seat, speech.text, speech.move))
        spoken.meant.append(emotion)
        spoken.speeches.append(speech)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=300)
    parser.add_argument("--model", default="embedded:smollm2")
    chosen = parser.parse_args()
    settings = ModelSettings(slots=4, timeout=600)
    voices = {way: ModelVoice(open_caller(chosen.model, replace(settings, wording=way)), "policy") for way in _WAYS}
    found = {way: Spoken() for way in _WAYS}
    cases = load_scenarios("builtin")
    for number in range(-(-chosen.messages // _MESSAGES)):
        for way, voice in voices.items():
            began = time.process_time()
            negotiate(voice, cases[number % len(cases)], number, found[way])
            found[way].cpu += time.process_time() - began
    for way, spoken in found.items():
        spoken.show(way)


if __name__ == "__main__":
    main()
