"""A voice with a model: it puts moves into words, or reads the move out of the model's own words.

offers="policy": the concession has decided. The reply must state the decided number and no other as its offer; else
the model is told what was wrong and tries once more; else the words are repaired by a fixed rule (`wording.repair`).

offers="model": the model decides. Its number, acceptance or walking away is read out of the words; if they make no
legal move the model is told why and tries once more; else the message is a forfeit. With reading="structured" it
answers as JSON, message, move and value, and its words must make that move (see `poise.agents.voices.structured`).

A reply that breaks a rule of conduct may be sent back in the same way (see `poise.agents.conduct.duties`). With "reask"
it is sent if the second reply is no better. With "refuse" such words are never sent: a decided move is then
said in the plain sentence, and a move of the model's own is forfeited, as after any unusable reply.

Either way the record holds each reply, why it was rejected, what the model was told then, and whether the words were
repaired. A reply that was cut for length is not a message: it may be an unfinished thought. A reply that reveals the
seat's private number or its instructions is never sent either.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import chain
from typing import Final, get_args

from poise.agents.models.calls import Caller, CutReply, EmptyReply
from poise.agents.models.endpoint import Question
from poise.agents.models.settings import GRAMMAR
from poise.agents.models.text import clean_reply, sentences
from poise.agents.protocols import Conduct, ReplyForm, Request, Speech, View
from poise.agents.voices.grammar import move_grammar
from poise.agents.voices.leaks import read_aloud, secret_in
from poise.agents.voices.prompts import Offers, Prompt, complaint, echoes, plain_sentence, render, silence
from poise.agents.voices.readout import offers_in
from poise.agents.voices.structured import ROOM, Declared, declared_move, parse_reply, reply_schema
from poise.agents.voices.wording import WordingProblem, check_wording, misconduct, read_move, repair
from poise.common.errors import AgentError, BadReply, ModelTimeout
from poise.common.seeds import Dice
from poise.games.moves import FORFEIT, Move
from poise.games.transcript import REPLY_CHARACTERS, Wording, total_usage

ATTEMPTS: Final = 2
_SEEDS: Final = 1 << 31


@dataclass
class _Draft:
    """The result of the tries for one message."""

    attempts: int = 0
    text: str = ""
    declared: Declared | None = None  # the declared move of the last reply, where it is of fixed form
    problems: list[WordingProblem] = field(default_factory=list)
    sayable: tuple[str, Move] | None = None  # the last reply that makes its move, though it breaks a rule of conduct
    replies: list[str] = field(default_factory=list)  # raw replies
    complaints: list[str] = field(default_factory=list)
    tries: list[Mapping[str, float]] = field(default_factory=list)  # what each cost

    def heard(self, reply: str, usage: Mapping[str, float]) -> None:
        more = len(reply) - REPLY_CHARACTERS
        self.replies.append(reply if more <= 0 else f"{reply[:REPLY_CHARACTERS]}\n[{more:,} more characters]")
        self.tries.append(usage)

    def speech(self, text: str, move: Move, *, repaired: bool = False, own_words: bool = False) -> Speech:
        problems = tuple(problem.reason for problem in self.problems)
        wording = Wording(self.attempts, problems, repaired, tuple(self.replies), tuple(self.complaints), own_words)
        return Speech(text, move, wording, total_usage(self.tries), tuple(self.tries) if len(self.tries) > 1 else ())


class ModelVoice:
    """Speaks with the model that `caller` calls; threads may share it.

    Raises ModelDown and ModelMissing when the server is at fault; a bad or
    late reply is handled as described above.
    """

    def __init__(
        self,
        caller: Caller,
        offers: Offers = "policy",
        conduct: Conduct = "record",
        reading: ReplyForm = "words",
    ) -> None:
        if offers not in get_args(Offers):
            raise AgentError(f"offers {offers!r} is neither 'policy' nor 'model'")
        if reading not in get_args(ReplyForm):
            raise AgentError(f"reading {reading!r} is neither 'words' nor 'structured'")
        self.offers = offers
        self.reading: ReplyForm = reading if offers == "model" else "words"
        self.conduct = conduct
        self.caller = caller

    def speak(self, request: Request, dice: Dice) -> Speech:
        """The message for `request`; with `request.move` set, the speech makes exactly that move."""
        if (request.move is None) != (self.offers == "model"):
            raise AgentError(f"offers={self.offers!r} with the decided move {request.move}; leave one of them out")
        draft = _Draft()
        while draft.attempts < ATTEMPTS:
            reply = self._try(request, draft, dice)
            verdict = self._judge(request, draft) if isinstance(reply, str) else reply
            if isinstance(verdict, Move):
                bad = misconduct(draft.text, request.view) if self.conduct != "record" else None
                if bad is None:
                    return draft.speech(draft.text, verdict)
                draft.sayable, verdict = (draft.text, verdict), bad
            draft.problems.append(verdict)
        return self._last_resort(request, draft)

    def _try(self, request: Request, draft: _Draft, dice: Dice) -> str | WordingProblem:
        """One call: the reply as a message, or why there is none."""
        view = request.view
        last = draft.problems[-1] if draft.problems else None
        if last:
            draft.complaints.append(complaint(last.name, view, last.said))
        prompt = render(request, self.offers, draft.complaints[-1] if last else "", self.reading)
        seed = int(dice.child("call", draft.attempts).unit() * _SEEDS)
        draft.attempts += 1
        began = time.perf_counter()
        try:
            reply = self.caller.ask(self._question(prompt, seed, request))
        except CutReply as cut:
            draft.heard(cut.text, cut.usage)
            return WordingProblem("cut", str(cut))
        except EmptyReply as empty:
            draft.heard("", empty.usage)
            return WordingProblem("empty", str(empty))
        except (BadReply, ModelTimeout) as error:
            draft.heard("", {"calls": 1, "model_seconds": time.perf_counter() - began})
            return WordingProblem("late" if isinstance(error, ModelTimeout) else "empty", str(error))
        else:
            draft.heard(reply.text, reply.usage)
        return self._taken_in(reply.text, request, draft)

    def _question(self, prompt: Prompt, seed: int, request: Request) -> Question:
        if self.reading == "words":
            grammar = move_grammar(request) if self.caller.wording == GRAMMAR else ""
            return Question(prompt.messages(), seed, request.thread, grammar=grammar)
        return Question(prompt.messages(), seed, request.thread, reply_schema(request.view), ROOM)

    def _taken_in(self, reply: str, request: Request, draft: _Draft) -> str | WordingProblem:
        """The reply as a message, kept in the draft, or why there is none."""
        declared = parse_reply(reply) if self.reading == "structured" else None
        if isinstance(declared, WordingProblem):
            return declared
        text = self._sayable(reply if declared is None else declared.message, request)
        if isinstance(text, str):
            draft.text, draft.declared = text, declared
        return text

    def _sayable(self, reply: str, request: Request) -> str | WordingProblem:
        """The reply without what is not part of the message, or why nothing of it can be said."""
        text = clean_reply(reply, echoes(request), _said(request.view))
        if not text:
            if repeated := clean_reply(reply):
                return WordingProblem("repeats", f'only repeats what was said before: "{repeated[:60]}"')
            return WordingProblem("empty", "the reply holds no words to say")
        if aloud := read_aloud(text, request):
            return WordingProblem("aloud", f'reads its direction aloud: "{aloud[:60]}"')
        if secret := secret_in(text, request, self.offers):
            return WordingProblem("secret", f'says what it must keep to itself: "{secret[:60]}"')
        return text

    def _judge(self, request: Request, draft: _Draft) -> Move | WordingProblem:
        if draft.declared is not None:
            return declared_move(draft.text, draft.declared, request.view)
        if request.move is None:
            return read_move(draft.text, request.view)
        plain = plain_sentence(request.move, request.view)
        return check_wording(draft.text, request.move, request.view, plain) or request.move

    def _last_resort(self, request: Request, draft: _Draft) -> Speech:
        """The message when no reply was acceptable."""
        said = self._put_right(request, draft)
        if self.conduct != "reask" or draft.sayable is None:
            return said
        worse = said.move == FORFEIT or misconduct(said.text, request.view) is not None
        return draft.speech(*draft.sayable) if worse or draft.problems[-1].name == "conduct" else said

    def _put_right(self, request: Request, draft: _Draft) -> Speech:
        """The decided move in repaired words; a forfeit where none is decided."""
        if request.move is None:
            text = self._allowed(draft.text, request, silence())
            return draft.speech(text, FORFEIT, own_words=text == silence())
        plain = plain_sentence(request.move, request.view)
        repaired = repair(draft.text, request.move, request.view, plain)
        text = self._allowed(repaired, request, plain)
        return draft.speech(text, request.move, repaired=True, own_words=text == plain)

    def _allowed(self, text: str, request: Request, instead: str) -> str:
        """`text`, or `instead` where there is none or it must not be sent."""
        refused = self.conduct == "refuse" and misconduct(text, request.view) is not None
        return instead if refused or not text else text


def _said(view: View) -> frozenset[str]:
    """This seat's earlier sentences without a number, which small models tend to repeat."""
    own = (line.text for line in view.lines if line.seat == view.brief.seat)
    return frozenset(chain.from_iterable(_plain_sentences(text, view.brief.unit) for text in own))


@lru_cache(maxsize=4096)
def _plain_sentences(text: str, unit: str) -> tuple[str, ...]:
    return tuple(part for part in sentences(text) if not offers_in(part, unit))
