"""`poise train dataset`: tournaments and dialogues into a folder of training data."""

from __future__ import annotations

import hashlib
import io
import json
import platform
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, Any, Final

import numpy as np

from poise.agents.emotions.detector import default_detector
from poise.agents.emotions.taxonomy import EMOTIONS28
from poise.agents.policies.learned.states import EXTENDED, PUBLISHED, STATES
from poise.common.errors import ConfigError
from poise.common.files import draft, replace_file, sha256_of
from poise.games.scenarios.loaders import BUILTIN, load_scenarios
from poise.tournaments.storage.rows import transcript_from
from poise.tournaments.storage.store import Store
from poise.training.data.dataset import FORMAT, MANIFEST, PAIRS, TRANSITIONS, Transitions
from poise.training.data.dialogues import Dialogues, cases_by_row
from poise.training.data.files import digest_of_file, folder_errors_explained, read_message_scores
from poise.training.data.gathering import Gatherer, TrainingNegotiation, pairs_of
from poise.training.data.held_out import EXACT, FIRST_ROW, held_out, world_kept
from poise.training.data.settings import DatasetSettings

EVALUATION: Final = "negotiations on scenarios that are kept for evaluation"


@dataclass
class _Source:
    """A source of negotiations, its entry in the manifest, and the digests of its worlds."""

    kind: str
    path: str
    talks: Callable[[], Iterator[TrainingNegotiation]]
    told: dict[str, Any] = field(default_factory=dict)
    worlds: set[str] = field(default_factory=set)


def make_dataset(
    settings: DatasetSettings, out: Path | str, watch: Callable[[int], None] = lambda _talks: None
) -> Path:
    """Write the data set into the folder `out`, whole or not at all; one that was there is replaced.

    watch: receives the number of negotiations from time to time.

    Raises:
        ConfigError: a source is refused, or nothing in it can be learned from.
        StoreError: a tournament cannot be read, or the folder cannot be written.
    """
    maker = _Maker(settings, Path(out), watch)
    with folder_errors_explained(maker.folder):
        maker.folder.mkdir(parents=True, exist_ok=True)
        (maker.folder / MANIFEST).unlink(missing_ok=True)
        return maker.make()


class _Maker:
    def __init__(self, settings: DatasetSettings, folder: Path, watch: Callable[[int], None]) -> None:
        self.settings = settings
        self.folder = folder
        self.left_out: Counter[str] = Counter()
        self._watch = watch
        self._gatherer = Gatherer()
        self._judged = read_message_scores(settings.scores)
        self._sources = [self._tournament(each) for each in settings.runs]
        self._sources += [self._dialogues(each) for each in settings.dialogues]
        self._pairs = self._talks = 0

    def make(self) -> Path:
        with tempfile.TemporaryFile(dir=self.folder) as body:
            for source in self._sources:
                self._take(source, body)
            data = self._gatherer.transitions()
            self._check(data)
            files = self._write(data, body)
        replace_file(self.folder / MANIFEST, json.dumps(self._manifest(data, files), indent=1).encode() + b"\n")
        return self.folder

    def _take(self, source: _Source, body: IO[bytes]) -> None:
        taken = 0
        for talk in source.talks():
            taken += 1
            if self.settings.parts != "pairs":
                self._gatherer.add(talk)
            if self.settings.parts != "transitions":
                for seat in self.settings.seats:
                    for pair in pairs_of(talk, seat, scripted=self.settings.scripted, left_out=self.left_out):
                        body.write(json.dumps(pair.to_dict(), allow_nan=False).encode() + b"\n")
                        self._pairs += 1
            self._talks += 1
            if self._talks % 200 == 0:
                self._watch(self._talks)
        source.told["talks"] = taken
        if source.worlds:
            source.told["worlds"] = sorted(source.worlds)

    def _check(self, data: Transitions) -> None:
        if not len(data) and not self._pairs:
            reasons = "; ".join(f"{count} {what}" for what, count in self._all_left_out().items())
            raise ConfigError(
                f"nothing can be learned from these {self._talks} negotiations ({reasons or 'there are none'}); let a "
                "creditor that shows emotions play other scenarios, as `poise train sweep` does"
            )

    def _leave_out(self, reason: str) -> None:
        """Count a negotiation on an evaluation scenario or, with the reason, on a copy of one."""
        self.left_out[EVALUATION if reason == EXACT else f"{EVALUATION} ({reason})"] += 1

    def _all_left_out(self) -> dict[str, int]:
        total = self.left_out + self._gatherer.left_out
        return {what: count for what, count in sorted(total.items()) if count}

    def _write(self, data: Transitions, body: IO[bytes]) -> dict[str, str]:
        files = {}
        if self.settings.parts != "transitions":
            files[PAIRS] = self._write_pairs(body)
        if self.settings.parts != "pairs":
            packed = io.BytesIO()
            np.savez_compressed(packed, **data.arrays())  # type: ignore[arg-type]  # the stubs take the names for other parameters
            replace_file(self.folder / TRANSITIONS, packed.getvalue())
            files[TRANSITIONS] = hashlib.sha256(packed.getvalue()).hexdigest()
        for name in {PAIRS, TRANSITIONS} - set(files):
            (self.folder / name).unlink(missing_ok=True)
        return files

    def _write_pairs(self, body: IO[bytes]) -> str:
        """Write the header, which needs the number of pairs, and the pairs."""
        header = {"format": FORMAT, "kind": "pairs", "pairs": self._pairs, **self._provenance()}
        body.seek(0)
        with draft(self.folder / PAIRS) as beside:
            with beside.open("xb") as whole:
                whole.write(json.dumps(header).encode() + b"\n")
                shutil.copyfileobj(body, whole, 1 << 20)
            return sha256_of(beside)

    def _provenance(self) -> dict[str, Any]:
        from poise import __version__

        return {
            "evaluation": "let in by --allow-test" if self.settings.allow_test else "left out",
            "sources": [{"kind": each.kind, "path": each.path, **each.told} for each in self._sources],
            "poise": __version__,
        }

    def _manifest(self, data: Transitions, files: Mapping[str, str]) -> dict[str, Any]:
        return {
            "format": FORMAT,
            "kind": "dataset",
            **self._provenance(),
            "settings": asdict(self.settings),
            "talks": self._talks,
            "transitions": len(data),
            "pairs": self._pairs,
            "left_out": self._all_left_out(),
            "scenarios": list(self._gatherer.scenarios),
            "emotions": list(EMOTIONS28),
            "states": dict(zip(STATES, (PUBLISHED, EXTENDED), strict=True)),
            "files": dict(files),
            "python": platform.python_version(),
            "numpy": np.__version__,
        }

    def _tournament(self, path: str) -> _Source:
        with Store.read(path) as store:
            header = store.header()
        kept = None if self.settings.allow_test else held_out(str(header.config.get("scenarios", BUILTIN)))

        worlds: set[str] = set()

        def talks() -> Iterator[TrainingNegotiation]:
            with Store.read(path) as store:
                ids = store.done()
                for position, document, _usage in store.documents():
                    transcript = transcript_from(position, document)
                    if kept is not None and world_kept(transcript.debtor):
                        self.left_out["negotiations in worlds that are kept for evaluation"] += 1
                        continue
                    if kept is not None and (reason := kept.reason(transcript.scenario)):
                        self._leave_out(reason)
                        continue
                    if digest := transcript.debtor.get("settings", {}).get("world", {}).get("digest"):
                        worlds.add(digest)
                    match = ids[position]
                    yield TrainingNegotiation(transcript, match, f"tournament {path}", self._judged.get(match, {}))

        return _Source("tournament", path, talks, {"id": header.id, "matches": header.total}, worlds)

    def _dialogues(self, path: str) -> _Source:
        cases = cases_by_row(load_scenarios(self.settings.cases), self.settings.cases) if self.settings.cases else {}
        kept = None if self.settings.allow_test else held_out(self.settings.cases or BUILTIN)
        read = None if self.settings.parts == "pairs" else default_detector().read_many
        dialogues = Dialogues(Path(path), cases, read, self.left_out)

        def talks() -> Iterator[TrainingNegotiation]:
            for row, talk in dialogues.talks():
                known = EXACT if row >= FIRST_ROW else None
                if kept is not None and (reason := known or kept.reason(talk.transcript.scenario)):
                    self._leave_out(reason)
                    continue
                yield TrainingNegotiation(
                    talk.transcript, talk.match, talk.source, self._judged.get(talk.match, {}), talk.fitted
                )

        return _Source("dialogues", path, talks, {"sha256": digest_of_file(Path(path))})
