"""CPU per message outside the model, through LangGraph, with a model that answers at once.

python benchmarks/overhead.py
"""

import time

from langchain_core.language_models.chat_models import BaseChatModel
from langchain_core.messages import AIMessage
from langchain_core.outputs import ChatGeneration, ChatResult

from poise import Pairing, PlaySettings, find_agent, load_scenarios
from poise.agents.models.calls import Caller
from poise.agents.models.settings import ModelSettings
from poise.agents.voices.voice import ModelVoice
from poise.graphs import pairing as module

MATCHES = 30


class Instant(BaseChatModel):
    """Says the sentence it is asked to repeat."""

    @property
    def _llm_type(self):
        return "instant"

    def _generate(self, messages, *_rest, **_options):
        text = str(messages[-1].content).rpartition(': "')[2].rstrip('"')
        return ChatResult(generations=[ChatGeneration(message=AIMessage(text))])


def main():
    """Print CPU milliseconds a message with the instant model, and without any model, both through LangGraph."""
    cases = load_scenarios("builtin")
    agents = find_agent("eq-negotiator", "creditor"), find_agent("angry", "debtor")
    real = module.open_voice
    for name, opened in (
        ("scripted", real),
        ("instant model", lambda *_: ModelVoice(Caller(Instant(), ModelSettings()))),
    ):
        module.open_voice = opened
        pair = Pairing(*agents, PlaySettings(through="langgraph"))
        pair.play(cases[0], 0)
        began, messages, asked = time.process_time(), 0, 0
        for number in range(MATCHES):
            played = pair.play(cases[number], number)
            messages += len(played.transcript.messages)
            asked += sum(message.wording.attempts for message in played.transcript.messages)
        each = (time.process_time() - began) / messages * 1000
        print(f"{name:14} {each:.2f} ms of CPU a message ({messages} messages, {asked} model calls; bound 5)")


if __name__ == "__main__":
    main()
