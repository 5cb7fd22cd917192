"""The folder of a tournament: nothing half written, nothing lost, and a clear word for everything that is wrong."""

import os
import resource
import sqlite3
import subprocess
import sys
from contextlib import contextmanager, suppress

import orjson
import pytest
from helpers.tournament_fakes import OpenFake, config, scenarios, schedule
from hypothesis import given, settings
from hypothesis import strategies as st

from poise.common.errors import StoreError
from poise.games.rules import Rules
from poise.games.transcript import Transcript
from poise.tournaments.storage.errors import only_run
from poise.tournaments.storage.rows import Finished, Row, failed, to_json
from poise.tournaments.storage.schema import FILE, SCHEMA
from poise.tournaments.storage.snapshot import Header
from poise.tournaments.storage.store import Store, exists
from poise.tournaments.workers.queue import Task, TaskPlayer, WorkerPlan

PLAN = schedule(config(), 3)
HEADER = Header(
    id=PLAN.id,
    config=config().model_dump(mode="json"),
    creditors=[{"label": entrant.label, "declared": dict(entrant.declared)} for entrant in PLAN.creditors],
    debtors=[{"label": entrant.label, "declared": dict(entrant.declared)} for entrant in PLAN.debtors],
    total=len(PLAN.matches),
    provenance={"poise": "0.1.0"},
)


def play(*positions):
    player = TaskPlayer(WorkerPlan(PLAN, Rules(), OpenFake(PLAN)))
    return [one for position in positions for one in player.play(Task(PLAN.matches[position].pair, (position,)))]


@pytest.fixture
def store(tmp_path):
    with Store.create(tmp_path / "run", HEADER, PLAN.scenarios) as store:
        yield store


def test_what_goes_in_comes_out_in_the_order_of_the_schedule(store):
    store.add(play(5, 0, 11))
    store.add(play(3))
    with Store.read(store.folder) as reader:
        assert reader.header() == HEADER
        assert reader.scenarios() == PLAN.scenarios
        assert [row.position for row in reader.rows()] == [0, 3, 5, 11]
        assert reader.done() == {position: PLAN.matches[position].id for position in (0, 3, 5, 11)}
        for row, transcript in zip(reader.rows(), reader.transcripts(), strict=True):
            match = PLAN.matches[row.position]
            assert (row.id, transcript.seed) == (match.id, match.seed)
            assert (row.ending, row.value) == (transcript.outcome.ending, transcript.outcome.value)
            assert (row.creditor_utility, row.debtor_utility) == transcript.outcome.utilities
        positions = [position for position, _, _ in reader.documents([11, 3])]
        assert positions == [3, 11]
        sums = {key: (tally.matches, tally.creditor_utility) for key, tally in reader.tally().items()}
    assert sum(matches for matches, _ in sums.values()) == 4


def test_a_batch_is_written_whole_or_not_at_all(store):
    store.add(play(0, 1))
    with pytest.raises(StoreError):
        store.add([*play(2, 3), *play(1)])  # the last of them is there already
    assert sorted(store.done()) == [0, 1]
    store.add(play(2))
    assert [position for position, _, _ in store.documents()] == [0, 1, 2]


@pytest.mark.parametrize("at", range(8))
def test_a_process_that_ends_between_any_two_statements_leaves_whole_matches(tmp_path, at):
    """The statements of one `add`: whatever the last one was, another process sees both tables alike."""
    child = os.fork()
    if not child:
        with suppress(BaseException):
            _end_in_the_middle(tmp_path / "run", at)
        os._exit(1)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert code in (0, 9)
    with Store.open(tmp_path / "run") as store:
        done = sorted(store.done())
        assert done == [position for position, _, _ in store.documents()]
        assert done in ([0], [0, 1, 2, 3])
        assert (done == [0, 1, 2, 3]) or code == 9
        store.add(play(*sorted({1, 2, 3} - set(done))))
        assert store.count() == 4


def _end_in_the_middle(folder, statements):
    """End this process after so many statements of an `add`, or after it."""
    left = iter(range(statements))
    store = Store.create(folder, HEADER, PLAN.scenarios)
    store.add(play(0))
    store._db.set_trace_callback(lambda _statement: os._exit(9) if next(left, None) is None else None)
    store.add(play(1, 2, 3))
    os._exit(0)


def test_reading_goes_on_while_a_run_writes(store):
    with Store.read(store.folder) as reader:
        assert reader.count() == 0
        store.add(play(0))
        assert reader.count() == 1
        rows = reader.documents()
        next(rows)
        store.add(play(1))  # with a read in the middle
        assert [position for position, _, _ in rows] == []
        assert reader.count() == 2


def test_a_finished_folder_holds_one_tidy_file(tmp_path):
    with Store.create(tmp_path, HEADER, PLAN.scenarios) as store:
        store.add(play(0))
    with Store.read(tmp_path) as reader:
        assert reader.count() == 1
    assert [path.name for path in tmp_path.iterdir()] == [FILE]


def test_a_run_killed_at_its_very_start_is_no_tournament(tmp_path):
    sqlite3.connect(tmp_path / FILE).close()
    assert not exists(tmp_path)
    with pytest.raises(StoreError, match="there is no tournament in"):
        Store.read(tmp_path)
    Store.create(tmp_path, HEADER, PLAN.scenarios).close()
    assert exists(tmp_path)


def test_a_second_tournament_is_not_written_over_the_first(store):
    with pytest.raises(StoreError, match=r"already holds a tournament.*--out.*poise tournament resume"):
        Store.create(store.folder, HEADER, PLAN.scenarios)
    assert store.header() == HEADER


def read_all(folder):
    with Store.read(folder) as reader:
        return reader.rows(), list(reader.documents())


@pytest.mark.parametrize("damage", ["text", "cut", "scrambled"])
def test_a_damaged_store_is_left_alone_and_named(tmp_path, damage):
    with Store.create(tmp_path, HEADER, PLAN.scenarios) as store:
        store.add(play(*range(12)))
    path = tmp_path / FILE
    whole = path.read_bytes()
    bad = {
        "text": b"not a database at all" * 99,
        "cut": whole[: len(whole) // 2],
        "scrambled": whole[:100] + b"\xa5" * (len(whole) - 100),
    }
    path.write_bytes(bad[damage])
    with pytest.raises(StoreError, match=r"is damaged or is not a tournament.*left as it is.*copy"):
        read_all(tmp_path)
    assert path.read_bytes() == bad[damage]


def test_a_store_of_another_poise_and_a_file_of_another_program_are_refused(tmp_path):
    with Store.create(tmp_path, HEADER, PLAN.scenarios):
        pass
    for version, word in ((0, "an older"), (SCHEMA + 1, "a newer")):
        with sqlite3.connect(tmp_path / FILE) as db:
            db.execute(f"PRAGMA user_version = {version}")
        with pytest.raises(
            StoreError, match=f"written by {word} Poise.*store version {version}.*Use the Poise that wrote it"
        ):
            Store.open(tmp_path)
    other = tmp_path / "other"
    other.mkdir()
    with sqlite3.connect(other / FILE) as db:
        db.execute("CREATE TABLE mine (x)")
    with pytest.raises(StoreError, match="was not written by Poise"):
        Store.read(other)


@contextmanager
def file_size_at_most(size):
    """The disk is full, as far as this process can tell."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_full_disk_loses_nothing_that_was_finished(tmp_path):
    store = Store.create(tmp_path, HEADER, PLAN.scenarios)
    store.add(play(0, 1))
    size = max(path.stat().st_size for path in tmp_path.iterdir())
    told = r"full or fails.*finished matches are safe.*poise tournament resume"
    with pytest.raises(StoreError, match=told), file_size_at_most(size + 100):
        store.add(play(*range(2, 12)))
    store.close()
    with Store.open(tmp_path) as again:
        assert sorted(again.done()) == [0, 1]
        again.add(play(*range(2, 12)))
        assert again.count() == 12


@contextmanager
def as_nobody():
    """Root may write anywhere; for these tests it gives that up."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.fixture
def open_folder(tmp_path):
    """A folder that everybody may reach."""
    for path in (tmp_path, *tmp_path.parents):
        if path.stat().st_uid == os.geteuid() and path.stat().st_mode & 0o005 != 0o005:
            path.chmod(0o755)
    return tmp_path


def test_a_read_only_folder_can_be_read_and_writing_is_refused_in_words(open_folder):
    folder = open_folder / "run"
    with Store.create(folder, HEADER, PLAN.scenarios) as store:
        store.add(play(0))
    (folder / FILE).chmod(0o444)
    folder.chmod(0o555)
    with as_nobody():
        with Store.read(folder) as reader:
            assert reader.count() == 1
        told = r"cannot be written.*allow writing to it, or choose another folder"
        with pytest.raises(StoreError, match=told), only_run(folder), Store.open(folder) as store:
            store.add(play(1))
        with pytest.raises(StoreError, match=r"cannot be written.*--out"):
            Store.create(folder / "below", HEADER, PLAN.scenarios)
    folder.chmod(0o755)


def test_a_file_where_the_folder_should_be_is_refused_in_words(tmp_path):
    (tmp_path / "run").write_text("mine")
    with pytest.raises(StoreError, match="choose another with --out"):
        Store.create(tmp_path / "run", HEADER, PLAN.scenarios)


def test_one_run_at_a_time_in_a_folder_and_a_dead_run_holds_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr("poise.tournaments.storage.errors._PATIENCE", 0.0)
    code = "import sys, time; from pathlib import Path; from poise.tournaments.storage.errors import only_run\n"
    code += "with only_run(Path(sys.argv[1])): print('held', flush=True); time.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", code, tmp_path], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "held\n"
        with pytest.raises(StoreError, match=f"another run is at work in {tmp_path}"), only_run(tmp_path):
            pass
        process.kill()
    with only_run(tmp_path):
        pass


@settings(max_examples=50)
@given(st.text(alphabet=st.characters(), max_size=40))
def test_any_text_a_model_can_send_is_stored(text):
    data = orjson.loads(to_json({"text": text, "list": [text]}))
    assert data["list"] == [data["text"]]
    try:
        text.encode()
    except UnicodeEncodeError:
        assert "\ufffd" in data["text"]
    else:
        assert data["text"] == text


def test_a_match_that_was_given_up_is_a_whole_record():
    one = failed(PLAN, PLAN.matches[4], Rules(), "no reply within 5 s", b'{"seen":1}')
    assert isinstance(one, Finished)
    row = Row(*one.row)
    assert (row.position, row.id, row.ending, row.by, row.creditor_utility) == (
        4,
        PLAN.matches[4].id,
        "failed",
        None,
        0.0,
    )
    transcript = Transcript.from_dict(orjson.loads(one.transcript))
    assert transcript.outcome.reason == "no reply within 5 s"
    assert transcript.scenario == scenarios(3)[PLAN.matches[4].scenario]
    assert one.memory == b'{"seen":1}'


def test_a_snapshot_is_of_one_moment_while_a_run_writes(store, monkeypatch):
    """Rows name agents by index: rows of one moment beside the agents of another would be somebody else's."""
    store.add(play(0, 1))
    header = Store.header

    def interrupted(reader):
        found = header(reader)
        if 5 not in store.done():
            store.add(play(5))
        return found

    with Store.read(store.folder) as reader:
        monkeypatch.setattr(Store, "header", interrupted)
        first, second = reader.snapshot(), reader.snapshot()
    assert [row.position for row in first.rows] == [0, 1]
    assert [row.position for row in second.rows] == [0, 1, 5]
    assert (first.header, first.scenarios, first.name) == (HEADER, PLAN.scenarios, "run")
    assert [first.labels(seat) for seat in ("creditor", "debtor")] == [
        [entrant.label for entrant in side] for side in (PLAN.creditors, PLAN.debtors)
    ]


def test_documents_of_many_positions_come_in_order(store, monkeypatch):
    monkeypatch.setattr("poise.tournaments.storage.store._AT_ONCE", 2)
    store.add(play(0, 1, 2, 3, 4))
    assert [position for position, *_ in store.documents([4, 0, 3, 1])] == [0, 1, 3, 4]
    assert list(store.documents([4, 0, 3, 1, 2])) == list(store.documents())
    assert list(store.documents([])) == []
