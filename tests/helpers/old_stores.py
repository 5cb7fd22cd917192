"""The store's file from inside: documents as text, changed as a run would write them, or as an older Poise had them."""

import json
import sqlite3
import zlib
from contextlib import closing

from poise.tournaments.storage.documents import digest_of_texts, pack, unpack
from poise.tournaments.storage.schema import FILE

CONDUCT = ("creditor_violations", "debtor_promises", "debtor_broken", "de_escalation")


def texts_of(db, position):
    """The match's id, transcript, usage and memory."""
    query = "SELECT id, transcript, usage, memory FROM documents JOIN matches USING (position) WHERE position = ?"
    identity, *stored = db.execute(query, (position,)).fetchone()
    return [identity, *map(unpack, stored)]


def write_transcript(db, position, change):
    """Change a transcript's data as if the run had written it so."""
    identity, transcript, usage, memory = texts_of(db, position)
    told = json.loads(transcript)
    text = json.dumps(change(told) or told).encode()
    digest = digest_of_texts(identity, text, usage, memory)
    db.execute("UPDATE documents SET transcript = ?, digest = ? WHERE position = ?", (pack(text), digest, position))


def as_version(folder, version, change=None):
    """Make a store one of version 1 to 3. change: done to each transcript.

    Documents are text without digests in versions 1 and 2, and compressed with zlib in version 3.
    """
    with closing(sqlite3.connect(folder / FILE)) as db, db:
        if version == 3:
            for (position,) in db.execute("SELECT position FROM documents").fetchall():
                zipped = [None if text is None else zlib.compress(text, 3) for text in texts_of(db, position)[1:]]
                values = (*zipped, position)
                db.execute("UPDATE documents SET transcript = ?, usage = ?, memory = ? WHERE position = ?", values)
            db.execute("PRAGMA user_version = 3")
            return folder
        for (position,) in db.execute("SELECT position FROM documents").fetchall():
            _, *texts = texts_of(db, position)
            if change:
                texts[0] = json.dumps(change(json.loads(texts[0]))).encode()
            told = [text.decode() if text is not None else None for text in texts]
            values = (*told, position)
            db.execute("UPDATE documents SET transcript = ?, usage = ?, memory = ? WHERE position = ?", values)
        for table in ("header", "scenarios", "documents"):
            db.execute(f"ALTER TABLE {table} DROP COLUMN digest")
        if version == 1:
            for name in CONDUCT:
                db.execute(f"ALTER TABLE matches DROP COLUMN {name}")
        db.execute(f"PRAGMA user_version = {version}")
    return folder
