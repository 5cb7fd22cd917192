"""The judge's node: after each message, whether it and the one before are an agreement.

Its verdict is recorded and changes nothing: no seat is told, and how the negotiation ends is the referee's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from poise.agents.judges.types import Exchange, Verdict
from poise.common.errors import ModelDown, ModelMissing
from poise.games.transcript import Message
from poise.graphs.state import NegotiationContext, NegotiationState, NegotiationUpdate

_NOT_ASKED: Final = Verdict(None)
_REASON_LENGTH: Final = 500


def give_verdict(state: NegotiationState, context: NegotiationContext) -> NegotiationUpdate:
    """The verdict on the last message, one for each; an agent that failed has said nothing to judge.

    Whatever goes wrong is the reason for no verdict, and never the end of the match, but for a server that is down.
    """
    if context.judge is None or len(state.verdicts) == len(state.messages):
        return {}
    if len(state.lines) < 2:
        return {"verdicts": (_NOT_ASKED,)}
    judge, brief = context.judge, context.creditor.brief
    said = tuple((line.seat, line.text) for line in state.lines[-2:])
    exchange = Exchange((said[0], said[1]), brief.domain, brief.unit, context.referee.rules.tolerance)
    try:
        verdict: Verdict = context.guard(lambda: {"verdict": judge.judge(exchange)})["verdict"]
    except (ModelDown, ModelMissing):
        raise
    except Exception as error:  # noqa: BLE001 - a judge that fails spoils no match
        verdict = Verdict(None, f"{type(error).__name__}: {error}")
    return {"verdicts": (replace(verdict, unjudged=verdict.unjudged[:_REASON_LENGTH]),)}


def with_verdicts(messages: Sequence[Message], verdicts: Sequence[Verdict]) -> tuple[Message, ...]:
    """The messages, each with its verdict; as they are where no judge was there."""
    if not verdicts:
        return tuple(messages)
    return tuple(
        replace(message, verdict=verdict.agreed, unjudged=verdict.unjudged)
        for message, verdict in zip(messages, verdicts, strict=True)
    )
