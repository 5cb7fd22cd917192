"""Whether a text gives a private number away."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

_SHORT: Final = {"minute": "min", "hour": "hr"}


def stated(text: str, value: int, unit: str, time_of_day: str = "") -> str:
    """Where `text` states `value` with its unit ("12 days", "90 min"), or as a time of day; "" where it does not.

    time_of_day: what the value is on the clock ("10:30 PM"), "" where that means nothing.
    """
    # Nearly always the digits are not there at all, and the patterns are slower than this look.
    if str(value) in text and (found := _number(value, unit).search(text)):
        return found[0]
    if time_of_day and (found := _time(time_of_day).search(text)):
        return found[0]
    return ""


@lru_cache(maxsize=1024)
def _number(value: int, unit: str) -> re.Pattern[str]:
    name = unit.removesuffix("s")
    names = "|".join(re.escape(each) for each in (name, _SHORT.get(name.lower(), name)))
    return re.compile(rf"(?<![\d.,]){value}[\s-]*(?:(?:{names})s?\b)", re.IGNORECASE)


@lru_cache(maxsize=1024)
def _time(time_of_day: str) -> re.Pattern[str]:
    hour, minute, half = re.split("[: ]", time_of_day)
    past = r"(?::00)?" if minute == "00" else f":{minute}"
    return re.compile(rf"(?<![\d:]){hour}{past}\s*{half[0]}\.?\s?m\b", re.IGNORECASE)
