"""One match to step through, and two side by side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from poise.common.words import counted, duration
from poise.games.domains import domain_words
from poise.games.moves import SEATS
from poise.graphs.drawing.outline import UNRECORDED
from poise.tournaments.charts.small import domains
from poise.tournaments.storage.rows import Row
from poise.tournaments.storage.snapshot import Snapshot
from poise.tournaments.view.charts import belief_chart, offers_chart
from poise.tournaments.view.library import Library, Told, ViewedRun
from poise.tournaments.view.matches import MatchFilter, find
from poise.tournaments.view.turns import shown

_OFFERED: Final = 200  # matches of one tournament that can be compared with a match
ENDINGS: Final = {"deal": "Deal", "walked": "Walked away", "timeout": "No deal in time", "failed": "Failed"}


def match_page(library: Library, run: ViewedRun, position: int, choice: MatchFilter) -> dict[str, Any]:
    """The values of the replay's template."""
    told = run.told(position)
    return {
        **_match(run, told),
        **_neighbours(run, position, choice),
        "beside": _same_scenario(library, run, told),
    }


def beside_page(pair: Sequence[tuple[ViewedRun, int]]) -> dict[str, Any]:
    """The values of the template of two matches; their pictures share a scale."""
    sides = [(run, run.told(position)) for run, position in pair]
    scale = []
    for _, told in sides:
        scenario = told.transcript.scenario
        scale += [scenario.creditor_target, scenario.debtor_target]
        scale += [message.move.value for message in told.transcript.messages if message.move.value is not None]
    same = len({told.transcript.scenario.id for _, told in sides}) == 1
    listed = [
        {**_match(run, told, f"{side}-", scale), "of": run, "prefix": f"{side}-"}
        for side, (run, told) in zip("ab", sides, strict=True)
    ]
    return {"sides": listed, "same": same}


def _match(run: ViewedRun, told: Told, prefix: str = "", scale: Sequence[int] = ()) -> dict[str, Any]:
    transcript, snapshot, outlines = told.transcript, run.snapshot(), run.outlines(told.row.position)
    return {
        "row": told.row,
        "transcript": transcript,
        "names": (snapshot.creditors[told.row.creditor], snapshot.debtors[told.row.debtor]),
        "sides_called": domains([transcript.scenario])[transcript.scenario.domain],
        "result": _result(told),
        "facts": [*_files(snapshot, told.row), *_facts(told)],
        "messages": shown(transcript, told.usage, outlines),
        "offers": offers_chart(transcript, prefix, scale),
        "belief": belief_chart(transcript),
        "traceback": str(told.usage.get("traceback") or ""),
        "unrecorded": [seat for seat, outline in zip(SEATS, outlines, strict=True) if outline == UNRECORDED],
    }


def _result(told: Told) -> str:
    """The outcome in a sentence."""
    outcome, row = told.transcript.outcome, told.row
    words = ENDINGS.get(outcome.ending, outcome.ending)
    many = counted(row.rounds, "message")
    if outcome.value is None:
        return f"{words}{f' ({outcome.by})' if outcome.by else ''} after {many}."
    gains = f"creditor {row.creditor_utility:.3f}, debtor {row.debtor_utility:.3f}"
    return f"{words} at {outcome.value} {told.transcript.scenario.unit} after {many}: {gains}."


def _files(snapshot: Snapshot, row: Row) -> list[tuple[str, str]]:
    """The user's files that the agents come from."""
    labels = {"creditor": snapshot.creditors[row.creditor], "debtor": snapshot.debtors[row.debtor]}
    found = [(seat, snapshot.files.get((seat, labels[seat]), "")) for seat in SEATS]
    return [(f"{seat} from", file) for seat, file in found if file]


def _facts(told: Told) -> list[tuple[str, str]]:
    """Facts about the scenario and the match."""
    transcript, usage = told.transcript, told.usage
    scenario = transcript.scenario
    facts = [("scenario", scenario.id), ("about", f"{scenario.domain}: {domain_words(scenario.domain).question}")]
    facts += [(f"target of the {seat}", f"{scenario.target(seat)} {scenario.unit} (private)") for seat in SEATS]
    facts += [(str(key), str(value)) for key, value in scenario.context.items()]
    facts += [("seed", str(transcript.seed)), ("took", duration(usage.get("seconds", 0.0)))]
    if usage.get("calls"):
        counts = (usage[f"{kind}_tokens"] for kind in ("prompt", "cached", "reply"))
        prompt, cached, reply = ("unknown" if count is None else f"{count:,}" for count in counts)
        tokens = f"{prompt} prompt ({cached} cached), {reply} reply"
        facts += [("model calls", f"{usage['calls']:,}"), ("tokens", tokens)]
    return facts


def _neighbours(run: ViewedRun, position: int, choice: MatchFilter) -> dict[str, Any]:
    """The previous and next of the selected matches, and the place of this one."""
    rows = find(run, run.snapshot(), choice)
    positions = [row.position for row in rows]
    if position not in positions:
        return {"before": None, "after": None, "place": None, "chosen": len(rows)}
    at = positions.index(position)
    after = positions[at + 1] if at + 1 < len(positions) else None
    return {"before": positions[at - 1] if at else None, "after": after, "place": at + 1, "chosen": len(rows)}


def _same_scenario(library: Library, run: ViewedRun, told: Told) -> list[tuple[str, list[tuple[str, str]]]]:
    """By tournament, the other matches on the same scenario, as (address, words)."""
    scenario_id, found = told.transcript.scenario.id, []
    for one in sorted(library.known().values(), key=lambda other: other is not run):
        if one.problem:
            continue
        snapshot = one.snapshot()
        places = {place for place, scenario in enumerate(snapshot.scenarios) if scenario.id == scenario_id}
        rows = [row for row in snapshot.rows if row.scenario in places]
        rows = [row for row in rows if one is not run or row.position != told.row.position]
        if rows:
            listed = [(row.position, _told(row, snapshot.creditors, snapshot.debtors)) for row in rows[:_OFFERED]]
            found.append((one.name, [(f"{one.name}:{position}", words) for position, words in listed]))
    return found


def _told(row: Row, creditors: Sequence[str], debtors: Sequence[str]) -> str:
    end = str(row.value) if row.value is not None else row.ending
    repeat = f" \N{MIDDLE DOT} {row.repeat + 1}" if row.repeat else ""
    return f"#{row.position} {creditors[row.creditor]} \N{EN DASH} {debtors[row.debtor]}: {end}{repeat}"
