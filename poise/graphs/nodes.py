"""The nodes of a seat's turn: perceive, feel, decide, speak.

Each is a plain function of the seat's state and context, and can be used in a graph of your own.
"""

from __future__ import annotations

from msgspec.structs import replace

from poise.agents.emotions.taxonomy import TO_SEVEN
from poise.agents.protocols import Request
from poise.common.errors import AgentError
from poise.games.transcript import Reading
from poise.graphs.state import NodeRuntime, SeatState, Turn


def perceive(state: SeatState, runtime: NodeRuntime) -> Turn:
    """The shared tracker node: detect the emotion of the other side's last message and update the belief.

    It reads the words, of a scripted message those of its tone, and never the label the other side meant to show. The
    belief is conditioned on the emotion this seat showed last, because that is what the other side reacted to.
    """
    context = runtime.context
    if not state.lines or state.lines[-1].seat == context.brief.seat:
        return {}
    memory = state.memory
    last = state.lines[-1]
    detection = context.detector.read(last.tone or last.text)
    before = memory.readings[-1].belief if memory.readings else context.tracker.start()
    shown = memory.shown[-1] if memory.shown else None
    belief = context.tracker.step(before, detection.seven, TO_SEVEN[shown] if shown else None)
    reading = Reading(detection.seven, detection.label, belief)
    readings = (*memory.readings, reading)
    return {"memory": replace(memory, readings=readings)}


def feel(state: SeatState, runtime: NodeRuntime) -> Turn:
    """Let the mood follow what was read, let a noting policy take its notes, then choose the emotion to show."""
    context = runtime.context
    memory = state.memory
    if context.persona is not None:
        mood = context.persona.start_mood if memory.mood is None else memory.mood
        mood = context.persona.feel(mood, memory.readings[-1]) if memory.readings else mood
        memory = replace(memory, mood=mood)
    view = context.view_of(state.lines, memory)
    note = getattr(context.policy, "note", None)
    if note is not None:
        notes = note(view, context.dice.child(len(view.lines), "note"))
        if notes or memory.notes:
            memory = replace(memory, notes=notes)
            view = context.view_of(state.lines, memory)
    emotion = context.policy.choose(view, context.dice.child(len(state.lines), "feel"))
    if emotion is not None and emotion not in TO_SEVEN:
        raise AgentError(f"the policy chose the emotion {emotion!r}; it must be one of the 28 labels, or None")
    return {"memory": memory, "emotion": emotion}


def decide(state: SeatState, runtime: NodeRuntime) -> Turn:
    """Let the concession choose the move; with offers="model" the move is left to the model."""
    context = runtime.context
    if context.concession is None:
        return {}
    view = context.view(state)
    return {"move": context.concession.decide(view, context.dice.child(len(state.lines), "decide"))}


def speak(state: SeatState, runtime: NodeRuntime) -> Turn:
    """Let the voice put the move into words."""
    context = runtime.context
    view = context.view(state)
    persona, strategy = (context.persona.text, context.persona.strategy) if context.persona is not None else ("", "")
    request = Request(view, state.move, state.emotion, persona, context.thread, strategy)
    return {"speech": context.voice.speak(request, context.dice.child(len(state.lines), "speak"))}
