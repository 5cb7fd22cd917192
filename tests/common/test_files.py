"""Files that are written whole or not at all."""

from __future__ import annotations

import hashlib
import signal
import subprocess
import sys
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from poise.common.errors import StoreError
from poise.common.files import canonical, digest_of, draft, replace_file, sha256_of

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=9), inner, max_size=4),
    max_leaves=12,
)


def names(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("durable", [True, False])
def test_a_file_takes_the_place_of_another_and_nothing_else_is_left(tmp_path, durable):
    path = tmp_path / "deep" / "file"
    for content in (b"first", b"", b"third"):
        replace_file(path, content, durable=durable)
        assert path.read_bytes() == content
    assert names(path.parent) == ["file"]
    assert sha256_of(path) == hashlib.sha256(b"third").hexdigest()


def test_a_folder_is_there_whole_or_not_at_all(tmp_path):
    with draft(tmp_path / "out") as folder:
        folder.mkdir()
        (folder / "a").write_text("1")
        assert not (tmp_path / "out").exists()
    assert (tmp_path / "out" / "a").read_text() == "1"
    with pytest.raises(OSError, match="not empty"), draft(tmp_path / "out") as folder:
        folder.mkdir()
    assert names(tmp_path) == ["out"]
    assert names(tmp_path / "out") == ["a"]


def test_after_an_error_the_old_file_is_there_and_the_draft_is_gone(tmp_path):
    path = tmp_path / "file"
    path.write_text("old")
    with suppress(RuntimeError), draft(path) as beside:
        beside.write_text("half")
        raise RuntimeError
    assert path.read_text() == "old"
    assert names(tmp_path) == ["file"]


def test_a_killed_writer_leaves_the_old_file(tmp_path):
    path = tmp_path / "file"
    path.write_text("old")
    code = (
        "import os, signal, sys; from pathlib import Path; from poise.common.files import draft\n"
        "with draft(Path(sys.argv[1])) as beside:\n"
        "    beside.write_text('half'); os.kill(os.getpid(), signal.SIGKILL)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(path)], check=False)
    assert done.returncode == -signal.SIGKILL
    assert path.read_text() == "old"


def test_what_the_disk_refuses_is_said_with_the_file_and_a_remedy(tmp_path):
    (tmp_path / "taken").write_text("a file, not a folder")
    with pytest.raises(StoreError, match=r"taken.file cannot be written .*--out"):
        replace_file(tmp_path / "taken" / "file", b"x")


@given(st.dictionaries(st.text(max_size=9), JSON, max_size=6))
def test_the_digest_depends_on_the_data_and_not_on_their_order(data):
    turned = dict(reversed(data.items()))
    assert canonical(turned) == canonical(data)
    assert digest_of(turned) == digest_of(data)
    assert digest_of({**data, "one more": [data.get("one more")]}) != digest_of(data)
