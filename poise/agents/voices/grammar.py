"""A grammar for the words of a decided move (`--option wording=grammar`), so that the first reply makes that move.

GBNF, as llama.cpp holds a model to it token by token (https://github.com/ggml-org/llama.cpp/tree/master/grammars):

    root    ::= opening "I need the full payment in 27 days."     the sentence that the direction asks for
    opening ::= word (between word){0,24} [.!?] " "               in the model's own words; "" where no emotion is due
    word    ::= letters, apostrophes and hyphens, at most 16; the first begins with a capital letter
    between ::= a blank, with a comma or the like before it

The opening is one sentence, since a small model that may begin another never reaches the sentence that states the
offer. It has no digit. The words are checked like any others, since an opening may contradict the offer.
"""

from __future__ import annotations

import json
from typing import Final

from poise.agents.protocols import Request
from poise.agents.voices.prompts import plain_sentence

WORDS: Final = 25  # of an opening
_GRAMMAR: Final = rf"""opening ::= [A-Z] letter{{0,15}} (between word){{0,{WORDS - 1}}} [.!?] " "
word ::= [A-Za-z] letter{{0,15}}
letter ::= [A-Za-z'-]
between ::= [,;:]? " "
"""


def move_grammar(request: Request) -> str:
    """The grammar of the words of the request's move; "" where none is decided."""
    if request.move is None:
        return ""
    sentence = json.dumps(plain_sentence(request.move, request.view), ensure_ascii=False)
    return f"root ::= opening{'' if request.emotion else '?'} {sentence}\n{_GRAMMAR}"
