"""report.html: the whole tournament as one file that needs no network.

Everything that a model or a user wrote is escaped: HTML by Jinja2, data by escapes that no parser of HTML can mistake,
and the page's script only ever sets text. The page's policy (CSP) allows its own style and script, by their hashes, and
pictures within it; nothing can be fetched.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Final

import orjson
from markupsafe import Markup

from poise.agents.emotions.explaining import why
from poise.agents.emotions.tables import STATES
from poise.agents.emotions.taxonomy import EMOTIONS7
from poise.common.files import draft
from poise.common.words import visible
from poise.games.moves import Seat
from poise.games.transcript import Transcript
from poise.graphs.drawing.outline import GraphOutline
from poise.tournaments.charts.game import game_figures
from poise.tournaments.charts.outcomes import ending_bar, endings, histograms
from poise.tournaments.charts.pages import STYLES, page_environment
from poise.tournaments.charts.ratings import rated
from poise.tournaments.charts.small import axis, cells, domains, roles
from poise.tournaments.charts.turn_graph import match_graph
from poise.tournaments.report.process_section import section
from poise.tournaments.statistics.bootstrap import FEW
from poise.tournaments.statistics.standings import make_standings
from poise.tournaments.storage.errors import explained
from poise.tournaments.storage.rows import Row, from_json
from poise.tournaments.storage.snapshot import Documents, Snapshot, spread_evenly
from poise.tournaments.storage.store import Store

FILE: Final = "report.html"
TRANSCRIPTS: Final = 500
_INDEXED: Final = ("position", "creditor", "debtor", "scenario", "repeat", "ending", "value", "rounds")
_UTILITIES: Final = ("creditor_utility", "debtor_utility")
_DRAWN: Final = 6
_TEMPLATES: Final = Path(__file__).parent / "templates"
_STYLES: Final = (STYLES / "report.css", STYLES / "game.css", _TEMPLATES / "process.css")


def write_report(
    folder: Path | str, out: Path | None = None, transcripts: int = TRANSCRIPTS, baseline: str | None = None
) -> Path:
    """Write the report of the tournament in `folder`, as far as it is, and return its path.

    transcripts: the page holds at most so many, spread evenly over the schedule; its figures are always over all.
    baseline: any agent that played; default: the one that the tournament was run with.
    """
    folder = Path(folder)
    path = out or folder / FILE
    with Store.read(folder) as store:
        page = _page(store.snapshot().against(baseline), store.documents, transcripts)
    with explained(path.parent), draft(path, durable=False) as beside:
        beside.write_text(page, encoding="utf-8")
    return path


def _page(snapshot: Snapshot, documents: Documents, transcripts: int) -> str:
    standings = make_standings(snapshot)
    shown = spread_evenly(snapshot.rows, transcripts)
    style, script = "".join(map(_text, _STYLES)), _text(_TEMPLATES / "report.js")
    return (
        page_environment(_TEMPLATES)
        .get_template("report.html.j2")
        .render(
            standings=standings,
            header=snapshot.header,
            policy=_policy(style, script),
            style=Markup(style),  # noqa: S704 - a file of this package
            script=Markup(script),  # noqa: S704 - a file of this package
            index=_json(_index(snapshot, shown)),
            transcripts=[
                (position, _json(_compact(from_json(transcript, f"the transcript of match {position}"))))
                for position, transcript, _ in documents([row.position for row in shown])
            ],
            shown=len(shown),
            few=FEW,
            drawings=_drawings(snapshot),
            ends=[(one, ending_bar(one)) for one in endings(snapshot)],
            histograms=histograms(snapshot.rows),
            files="",
            axis=axis,
            cells=cells(standings),
            roles=roles(snapshot.scenarios),
            process=section(snapshot, documents),
            rated=rated(snapshot),
            game=game_figures(standings, snapshot.rows) if snapshot.rows else None,
        )
    )


def _index(snapshot: Snapshot, shown: Sequence[Row]) -> dict[str, Any]:
    """What the page's script needs: names, scenarios, and a line for every transcript in it."""
    return {
        "creditors": snapshot.creditors,
        "debtors": snapshot.debtors,
        "emotions": EMOTIONS7,
        "states": STATES,
        "scenarios": [scenario.to_dict() for scenario in snapshot.scenarios],
        "domains": domains(snapshot.scenarios),
        "matches": [
            [getattr(row, name) for name in _INDEXED] + [round(getattr(row, name), 3) for name in _UTILITIES]
            for row in shown
        ],
        "finished": len(snapshot.rows),
    }


def _compact(transcript: Mapping[str, Any]) -> dict[str, Any]:
    """A transcript without what the index already says, numbers rounded for reading."""
    return {
        "seed": str(transcript["seed"]),  # 64 bits are more than a script's number holds
        "outcome": transcript["outcome"],
        "messages": _compact_messages(transcript),
    }


def _compact_messages(transcript: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The messages, each with one sentence on why the belief of whoever spoke it moved."""
    told = Transcript.from_dict(transcript).messages
    reasons = [why(told, at) for at in range(len(told))]
    kept = [_compact_message(message) for message in transcript["messages"]]
    return [message | ({"why": reason} if reason else {}) for message, reason in zip(kept, reasons, strict=True)]


def _compact_message(message: Mapping[str, Any]) -> dict[str, Any]:
    kept = {key: value for key, value in message.items() if value is not None and key != "index"}
    if wording := message.get("wording"):  # raw replies are the viewer's: they would double the page
        kept["wording"] = {name: wording[name] for name in ("attempts", "problems", "repaired")}
    if reading := message.get("reading"):
        kept["reading"] = {
            "label": reading["label"],
            "emotions": [round(share, 2) for share in reading["emotions"]],
            "belief": [round(share, 2) for share in reading["belief"]],
        }
    if message.get("mood") is not None:
        kept["mood"] = round(message["mood"], 2)
    return kept


def _json(data: Any) -> Markup:
    """JSON that can stand in a <script> element, whatever is in it; what cannot be seen is escaped, too."""
    text = orjson.dumps(data).decode()
    for character in "<>&":
        text = text.replace(character, f"\\u{ord(character):04x}")
    for character in {character for character in set(text) if visible(character) != character}:
        text = text.replace(character, json.dumps(character)[1:-1])
    return Markup(text)  # noqa: S704 - every character that HTML could read is escaped above


def _policy(style: str, script: str) -> str:
    def digest(text: str) -> str:
        return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()

    return (
        f"default-src 'none'; style-src 'sha256-{digest(style)}'; script-src 'sha256-{digest(script)}'; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )


@cache
def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def _drawings(snapshot: Snapshot) -> list[tuple[str, Markup]]:
    """The graphs that matches ran on, each once, with whose they are; at most `_DRAWN` of them."""
    header, judged = snapshot.header, bool(snapshot.header.config.get("judge"))
    agents: dict[Seat, dict[GraphOutline, list[str]]] = {"creditor": {}, "debtor": {}}
    for seat, found in agents.items():
        for place, label in enumerate(snapshot.labels(seat)):
            found.setdefault(header.outline(seat, place), []).append(label)
    pairs = [(one, two) for one in agents["creditor"] for two in agents["debtor"]]
    drawn = []
    for one, two in pairs[:_DRAWN]:
        whose = f"{', '.join(agents['creditor'][one])} against {', '.join(agents['debtor'][two])}"
        words = "The graph of every match." if len(pairs) == 1 else f"The graph of {whose}."
        drawn.append((words, match_graph(one, two, judged=judged)))
    return drawn
