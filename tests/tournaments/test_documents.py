"""Stored documents: what is packed comes back, and what is damaged is refused."""

import zlib
from contextlib import suppress

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from poise.tournaments.storage.documents import DICTIONARY, pack, unpack


@given(st.binary(max_size=5000))
@settings(max_examples=50, deadline=None)
def test_a_document_comes_back(text):
    assert unpack(pack(text)) == text


def test_older_documents_are_read():
    assert unpack(zlib.compress(b"{}")) == unpack("{}") == b"{}"
    assert unpack(None) is pack(None) is None


def test_frames_name_the_dictionary_that_they_need():
    frame = zstandard.get_frame_parameters(pack(b"{}"))
    assert frame.dict_id == zstandard.ZstdCompressionDict(DICTIONARY.read_bytes()).dict_id() == 1


@given(st.integers(0, 10_000), st.integers(0, 7))
@settings(max_examples=50, deadline=None)
def test_a_flipped_bit_raises_nothing_unforeseen(place, bit):
    text = b'{"seat": "creditor", "text": "I can offer 40 days."}' * 20
    stored = bytearray(pack(text))
    stored[place % len(stored)] ^= 1 << bit
    with suppress(ValueError):  # and nothing else; the digest tells where the frame still can be read
        assert isinstance(unpack(bytes(stored)), bytes)


@pytest.mark.parametrize("packed", [pack, zlib.compress])
@pytest.mark.parametrize("damage", [lambda stored: stored[:-3], lambda stored: stored + b"more", lambda _: b""])
def test_what_is_cut_or_followed_by_something_is_refused(packed, damage):
    with pytest.raises(ValueError, match="cannot be unpacked"):
        unpack(damage(packed(b"{}" * 100)))


def test_a_frame_that_promises_too_much_is_refused():
    packer = zstandard.ZstdCompressor().compressobj(size=1 << 40)
    huge = packer.compress(b"{}") + packer.flush(zstandard.COMPRESSOBJ_FLUSH_BLOCK)
    with pytest.raises(ValueError, match="length is damaged"):
        unpack(huge)
