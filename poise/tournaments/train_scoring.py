"""What `poise train score` scores: the replies of a data set, or one seat's messages in a tournament."""

from __future__ import annotations

from pathlib import Path

from poise.agents.learning.artifact import digest_of
from poise.agents.learning.dataset import PAIRS, read_pairs
from poise.agents.learning.words.scores import Item
from poise.agents.learning.words.spoken import pair_key, spoken_in, spoken_of
from poise.games.errors import ConfigError
from poise.games.moves import SEATS, Seat
from poise.tournaments.store import Store, exists


def to_score(place: Path, seat: str) -> tuple[list[Item], str, Path]:
    """All that there is to score at `place`, the digest of it, and the folder it is in.

    Raises:
        ConfigError: there is nothing, or it is damaged.
        StoreError: the tournament cannot be read.
    """
    if (place / PAIRS).is_file() or place.is_file():
        read = read_pairs(place)
        items = [Item(pair_key(pair), pair.match, pair.index, spoken_of(pair)) for pair in read.pairs]
        found = items, read.digest, place if place.is_dir() else place.parent
    elif exists(place):
        chosen = next((each for each in SEATS if each == seat), None)
        if chosen is None:
            raise ConfigError(f"seat {seat!r} is neither creditor nor debtor")
        found = *_played(place, chosen), place
    else:
        raise ConfigError(f"{place} holds neither {PAIRS} nor a tournament; name the folder of one")
    if not found[0]:
        raise ConfigError(f"there is no message to score in {place}")
    return found


def _played(place: Path, seat: Seat) -> tuple[list[Item], str]:
    items = []
    with Store.read(place) as store:
        of = digest_of({"tournament": store.header().id, "seat": seat})
        ids = store.done()
        for position, transcript in zip(sorted(ids), store.transcripts(), strict=True):
            for index, spoken in spoken_in(transcript, seat):
                items.append(Item(f"{ids[position]}/{index}", ids[position], index, spoken))
    return items, of
