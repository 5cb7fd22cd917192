"""A grammar for the words of a decided move (`--option wording=grammar`), so that the first reply makes that move.

GBNF, as llama.cpp holds a model to it token by token (https://github.com/ggml-org/llama.cpp/tree/master/grammars):

    root    ::= opening "I need the full payment in 27 days."     the sentence that the direction asks for
    opening ::= [A-Z] part{0,60} [.!?] " "                        in the model's own words; "" where no emotion is due
    part    ::= plain | [.!?] " "
    plain   ::= letters, blanks, commas and the like: no digit, no end of a sentence, no mark-up

Without the bound on the opening's length a small model never reaches the sentence. The words are checked like any
others, since an opening may contradict the sentence.
"""

from __future__ import annotations

import json
from typing import Final

from poise.agents.protocols import Request
from poise.agents.voices.prompts import plain_sentence

OPENING: Final = 60  # characters
_GRAMMAR: Final = rf"""opening ::= [A-Z] part{{0,{OPENING}}} [.!?] " "
part ::= plain | [.!?] " "
plain ::= [A-Za-z ,;:'()-]
"""


def move_grammar(request: Request) -> str:
    """The grammar of the words of the request's move; "" where none is decided."""
    if request.move is None:
        return ""
    sentence = json.dumps(plain_sentence(request.move, request.view), ensure_ascii=False)
    return f"root ::= opening{'' if request.emotion else '?'} {sentence}\n{_GRAMMAR}"
