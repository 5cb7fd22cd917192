"""A lookup table from the last emotion read to the emotion to show: the trivial rival that an engine has to beat.

    read       joy        sadness   anger        fear      surprise   disgust      neutral
    shown      gratitude  remorse   realization  neutral   gratitude  realization  annoyance

Before the debtor has said anything, it counts as neutral. No hidden state, no learning, no dice.

Where the table comes from: it was written by hand from the table of kinds in `docs/simulated-debtor.md`, which says
what each kind of simulated debtor answers to. It is informed about that world, as an engine trained there is, and
knows nothing about any other. What seven entries reach is no achievement of hidden states or learning: compare with
them before claiming one (`docs/results/worlds.md` does).

`lookup:joy=gratitude+anger=neutral` and `lookup:FILE` play another table, where READ is one of the seven emotions and
SHOWN one of the 28; an emotion that is left out keeps its entry above. FILE is TOML with lines READ = "SHOWN".
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final

from poise.agents.emotions.taxonomy import EMOTIONS7, EMOTIONS28, NEUTRAL
from poise.agents.policies import policy
from poise.agents.policies.eq_negotiator import likeliest
from poise.agents.protocols import View
from poise.common.errors import AgentError
from poise.common.seeds import Dice
from poise.common.words import did_you_mean

TABLE: Final[Mapping[str, str]] = MappingProxyType(
    {
        "joy": "gratitude",
        "sadness": "remorse",
        "anger": "realization",
        "fear": "neutral",
        "surprise": "gratitude",
        "disgust": "realization",
        "neutral": "annoyance",
    }
)


class Lookup:
    """Shows what its table has for the emotion read last; `entries` replace those of TABLE.

    Raises:
        AgentError: an entry is not from one of the seven emotions to one of the 28.
    """

    def __init__(self, entries: Mapping[str, str] = TABLE) -> None:
        for read, shown in entries.items():
            if read not in EMOTIONS7:
                hint = did_you_mean(read, EMOTIONS7)
                raise AgentError(f"lookup: {read!r} is not an emotion that is read; {hint}use {', '.join(EMOTIONS7)}")
            if shown not in EMOTIONS28:
                hint = did_you_mean(shown, EMOTIONS28)
                raise AgentError(f"lookup: {read}={shown} shows no emotion; {hint}use one of {', '.join(EMOTIONS28)}")
        self._table = {**TABLE, **entries}

    def choose(self, view: View, dice: Dice) -> str:  # noqa: ARG002 - nothing is left to chance
        """The entry for the likeliest emotion of the last reading."""
        return self._table[EMOTIONS7[likeliest(view.readings[-1].emotions)] if view.readings else NEUTRAL]


@policy(
    "lookup",
    "shows what a table of seven entries has for the emotion heard last; a trivial rival (lookup:READ=SHOWN+..., FILE)",
    argument="READ=SHOWN+...|FILE",
    declare=lambda argument: {} if "=" in argument else {"table": _entries_of(Path(argument))},
)
def named_lookup(argument: str) -> Lookup:
    """What `lookup`, `lookup:READ=SHOWN+...` and `lookup:FILE` stand for."""
    if "=" not in argument:
        return Lookup(_entries_of(Path(argument)) if argument else TABLE)
    entries = [entry.partition("=") for entry in argument.split("+")]
    return Lookup({read.strip(): shown.strip() for read, _, shown in entries})


def _entries_of(path: Path) -> dict[str, str]:
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise AgentError(
            f"lookup:{path} cannot be read ({error.strerror}); say lookup:FILE with a TOML file, or entries such as "
            "lookup:joy=gratitude+anger=neutral"
        ) from None
    except ValueError as error:
        raise AgentError(f'lookup:{path} is not TOML ({error}); write lines such as joy = "gratitude"') from None
    return {read: str(shown) for read, shown in data.items()}
