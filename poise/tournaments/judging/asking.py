"""Verdicts for stored negotiations that had no judge: asked for now, and kept in a file beside the store.

The store is not written. `DIR/verdicts-JUDGE.jsonl` begins with a line that says who judged and how, and has one line a
match after that, written as soon as the match is judged: the same command resumes what was stopped. A line that a crash
tore off is dropped, and negotiations that have changed since are judged again.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from poise.agents.judges import Exchange, Judge, Verdict, asks_model, check_judge, judge_settings, open_judge
from poise.common.errors import ModelError, StoreError
from poise.common.progress import Watch, usual_watch
from poise.games.transcript import Message, Transcript
from poise.tournaments.storage.errors import explained, only_run
from poise.tournaments.storage.rows import from_json, to_json, transcript_from
from poise.tournaments.storage.store import Store

_FORMAT: Final = 1
_KEEPS: Final = ("temperature", "seed", "max_tokens", "context", "base_url", "extra")  # options that change answers
_Verdicts = tuple[tuple[bool | None, str], ...]  # of each message: the verdict, and why there is none


def judged_transcripts(folder: Path | str, judge: str | None = None) -> Iterator[tuple[int, Transcript]]:
    """(position, transcript) of every finished match, with verdicts, in schedule order.

    judge: whose verdicts, from the file beside the store (see `ask_judge`); None takes the stored ones.
    Raises StoreError for a match that it has not judged.
    """
    folder = Path(folder)
    kept = _read_verdicts(verdicts_file(folder, judge), None) if judge else {}
    with Store.read(folder) as store:
        for position, document, _ in store.documents():
            transcript = transcript_from(position, document)
            if judge:
                judged = kept.get(_digest(transcript))
                if judged is None:
                    raise StoreError(
                        f"{judge} has not judged match {position} of {folder}; ask it with --judge {judge}"
                    )
                transcript = _with_verdicts(transcript, judge, judged)
            yield position, transcript


def verdicts_file(folder: Path, judge: str) -> Path:
    """Where the verdicts of `judge` are kept."""
    plain = re.sub(r"[^\w.-]+", "-", judge)
    mark = "" if plain == judge else f"-{hashlib.blake2b(judge.encode(), digest_size=3).hexdigest()}"
    return folder / f"verdicts-{plain}{mark}.jsonl"


def ask_judge(
    folder: Path | str,
    judge: str,
    options: Mapping[str, Any] | None = None,
    watch: Watch | None = None,
    opened: Judge | None = None,
) -> Path:
    """Ask `judge` about every finished match that it has not judged yet; the file of its verdicts.

    options: of its model, as in a tournament. watch: is shown the progress; default: a notebook
    shows it below the cell. opened: the judge itself, instead of the one that the URI names.

    Raises AgentError for a judge that there is not, StoreError where the file cannot be used or belongs to other
    settings, ModelDown and ModelMissing. What was judged by then is kept.
    """
    folder = Path(folder)
    check_judge(judge)
    Store.read(folder).close()
    path = verdicts_file(folder, judge)
    with only_run(folder), Store.read(folder) as store:
        head = _head(store, judge, options or {})
        asked, done = opened or open_judge(judge, options), _read_verdicts(path, head)
        positions = sorted(store.done())
        with explained(folder), path.open("ab") as file:
            if not file.tell():
                file.write(to_json(head) + b"\n")
            watch = watch or usual_watch()
            watch.begin("matches", len(positions), 0, f"asking {judge} about {len(positions):,} matches")
            for number, position in enumerate(positions):
                _, document, _ = next(store.documents([position]))
                transcript = transcript_from(position, document)
                if _digest(transcript) not in done:
                    file.write(_line(position, transcript, _judge_all(asked, transcript, (path, number))) + b"\n")
                    file.flush()
                watch.advance(1)
    return path


def _judge_all(judge: Judge, transcript: Transcript, where: tuple[Path, int]) -> list[Verdict]:
    """One verdict a message, the first of which has none before it and is not asked about."""
    path, number = where
    try:
        pairs = zip(transcript.messages, transcript.messages[1:], strict=False)
        return [Verdict(None)][: len(transcript.messages)] + [
            judge.judge(exchange_of(transcript, *pair)) for pair in pairs
        ]
    except (ModelError, KeyboardInterrupt) as error:
        error.add_note(f"The verdicts on {number} matches are kept in {path}; the same command resumes.")
        if isinstance(error, ModelError):
            raise type(error)("\n".join([str(error), *error.__notes__])) from error
        raise


def exchange_of(transcript: Transcript, before: Message, last: Message) -> Exchange:
    """Two messages of stored negotiations, as a judge sees them."""
    case = transcript.scenario
    said = (before.seat, before.text), (last.seat, last.text)
    return Exchange(said, case.domain, case.unit, transcript.rules.get("tolerance", 0))


def _with_verdicts(transcript: Transcript, judge: str, judged: _Verdicts) -> Transcript:
    messages = tuple(
        replace(message, verdict=verdict, unjudged=why)
        for message, (verdict, why) in zip(transcript.messages, judged, strict=True)
    )
    return replace(transcript, messages=messages, judge=judge)


def _head(store: Store, judge: str, options: Mapping[str, Any]) -> dict[str, Any]:
    settings = judge_settings(options).declared() if asks_model(judge) else {}
    about = {name: settings[name] for name in _KEEPS if name in settings}
    head = {"format": _FORMAT, "kind": "verdicts", "judge": judge, "options": about, "tournament": store.header().id}
    stored: dict[str, Any] = from_json(to_json(head), "the settings")
    return stored


def _read_verdicts(path: Path, head: Mapping[str, Any] | None) -> dict[str, _Verdicts]:
    """The file's verdicts by digest of the transcript; {} without a file. With a `head`, a torn last line is cut off.

    Not by position: a tournament that has grown gives its matches other positions.

    head: what the file has to begin with; None for whatever it begins with.
    """
    if not path.exists():
        return {}
    with explained(path.parent):
        content = path.read_bytes()
        whole = content[: content.rfind(b"\n") + 1]
        if head is not None and len(whole) < len(content):
            with path.open("r+b") as file:
                file.truncate(len(whole))
    lines = [from_json(line, f"{path.name}, line {number},") for number, line in enumerate(whole.splitlines(), 1)]
    if lines and head is not None and _changed(lines[0], head):
        raise StoreError(f"{path} holds verdicts under other settings ({_changed(lines[0], head)}); move it away first")
    try:
        return {str(one["talks"]): _verdicts(one) for one in lines[1:]}
    except (KeyError, TypeError, ValueError) as error:
        raise StoreError(f"{path} is not a file of verdicts ({type(error).__name__}: {error}); move it away") from None


def _changed(found: object, wanted: Mapping[str, Any]) -> str:
    if not isinstance(found, dict):
        return "it is not a file of verdicts"
    settings = [name for name in wanted if name != "tournament"]  # which has another name when it has grown
    return "; ".join(f"{name} was {found.get(name)!r}" for name in settings if found.get(name) != wanted[name])


def _verdicts(line: Mapping[str, Any]) -> _Verdicts:
    why = {int(index): str(reason) for index, reason in line.get("unjudged", {}).items()}
    return tuple((verdict, why.get(index, "")) for index, verdict in enumerate(line["verdicts"]))


def _line(position: int, transcript: Transcript, verdicts: Sequence[Verdict]) -> bytes:
    line: dict[str, Any] = {"position": position, "talks": _digest(transcript)}
    line["verdicts"] = [verdict.agreed for verdict in verdicts]
    if unjudged := {str(index): verdict.unjudged for index, verdict in enumerate(verdicts) if verdict.unjudged}:
        line["unjudged"] = unjudged
    usage: dict[str, float] = {}
    for verdict in verdicts:
        for name, value in verdict.usage.items():
            usage[name] = usage.get(name, 0) + value
    return to_json(line | ({"usage": usage} if usage else {}))


def _digest(transcript: Transcript) -> str:
    """What verdicts depend on: who said what, about what."""
    case = transcript.scenario
    said = [[message.seat, message.text] for message in transcript.messages]
    about = [case.domain, case.unit, transcript.rules.get("tolerance", 0), said]
    return hashlib.blake2b(to_json(about), digest_size=8).hexdigest()
