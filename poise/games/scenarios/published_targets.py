"""From the figures of a published row to its two targets.

Targets (x_c creditor, x_d debtor; EmoMAS, arXiv 2604.07003):

    disaster   minutes           x_d = max(10, endurance)
                                 x_c = max(ETA, x_d + 30)
    medical    days              x_d = max(1, wait - reduction)
                                 x_c = max(wait, x_d + 7), with wait + 30 for the wait when urgency is low
    student    minutes past      x_c = the robot's bedtime
               9 PM              x_d = the wanted bedtime, or x_c + 3 h where that is no more than 2 h later

What a row leaves open ("Variable", "N/A") adds nothing, so that the rule's bound stands: an open endurance is 10
minutes, an open ETA x_d + 30, an open wait or reduction 0 days, an open wanted bedtime x_c + 3 h. A bedtime from noon
to 9 PM counts as 9 PM.

Differs from the reference: it counts bedtimes in hours past 9 PM. All published pairs of bedtimes are 2.25 to 5 hours
apart, so that with its tolerance of 5 the second message is always the last, and half hours are lost in rounding.
Poise counts the same times in minutes, which keeps them exact and the tolerance meaningful; `in_hours` gives the
reference's scenario.
"""

from __future__ import annotations

import math
from typing import Final

from poise.common.errors import ScenarioError, shorten
from poise.games.domains import domain_words
from poise.games.scenario import Scenario

SHORTEST_ENDURANCE, LEAST_DELAY = 10, 30  # disaster, minutes
SHORTEST_WAIT, LOW_URGENCY, LEAST_GAIN = 1, 30, 7  # medical, days
CLOSE, LIFTED = 120, 180  # student, minutes

Targets = tuple[int, int]

_NINE_PM: Final = 21 * 60
_NOON: Final = 12 * 60
_DAY: Final = 24 * 60


def disaster_targets(endurance: int | None, eta: int | None) -> Targets:
    """(x_c, x_d) in minutes; None is a figure left open, here and below."""
    x_d = max(SHORTEST_ENDURANCE, endurance or 0)
    return max(eta or 0, x_d + LEAST_DELAY), x_d


def medical_targets(wait: int | None, reduction: int | None, urgency: str) -> Targets:
    """(x_c, x_d) in days."""
    x_d = max(SHORTEST_WAIT, (wait or 0) - (reduction or 0))
    return max((wait or 0) + (LOW_URGENCY if urgency == "Low" else 0), x_d + LEAST_GAIN), x_d


def student_targets(robot: str, wanted: str | None) -> Targets:
    """(x_c, x_d) in minutes past 9 PM, from bedtimes such as "10:30 PM"."""
    x_c = minutes_past_nine(robot)
    x_d = x_c if wanted is None else minutes_past_nine(wanted)
    return x_c, x_d if x_d > x_c + CLOSE else x_c + LIFTED


def minutes_past_nine(time: str) -> int:
    """Minutes from 9 PM to a bedtime such as "1:30 AM"; 0 for one from noon to 9 PM."""
    hours, rest = time.split(":")
    hour, minute = int(hours) % 12, int(rest[:2])
    past_midnight = 60 * hour + minute + (_NOON if "p" in time.lower() else 0)
    return max(0, past_midnight - _NINE_PM) if past_midnight >= _NOON else past_midnight + _DAY - _NINE_PM


def in_hours(scenario: Scenario) -> Scenario:
    """A student scenario in whole hours past 9 PM, as the reference counts (half an hour is rounded up)."""
    if scenario.domain != "student" or scenario.unit != domain_words("student").plural:
        raise ScenarioError(f"{shorten(scenario.id)} is not a student scenario in minutes; only those turn into hours")
    creditor, debtor = (math.floor(one / 60 + 0.5) for one in (scenario.creditor_target, scenario.debtor_target))
    return Scenario(scenario.id, "student", creditor, debtor, "hours", scenario.context, (0, _DAY // 60))
