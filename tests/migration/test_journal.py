"""The journal: append-only, readable while written, and plain about what is wrong with its file or disk."""

from __future__ import annotations

import contextlib
import json
import multiprocessing
import os
import resource
import signal
import sqlite3
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from migration.decisions import Choice, Decision, decide
from migration.journal import SCHEMA_VERSION, Entry, Journal, JournalError, JournalFull, JournalReader, Kind, RunnerSeat
from migration.watch import Watch
from tests.support.waiting import until

CONTEXT = multiprocessing.get_context("spawn")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "one" / "journal.db"


@pytest.fixture
def journal(path: Path) -> Iterator[Journal]:
    with Journal.create(path) as journal:
        yield journal


def is_a_sentence(error: JournalError, path: Path) -> bool:
    text = str(error)
    return str(path) in text and "\n" not in text and text.endswith(".") and len(text) < 300 + len(str(path))


def test_what_is_written_is_read_in_order(journal: Journal, path: Path) -> None:
    first = journal.append(Kind.NOTE, "info", {"text": "ü😀\0\x1b[31m"})
    second = journal.append_synced(Kind.INTENT, "seed", {"statements": ["DROP TABLE `x`; --"]}, actor="me@here")
    assert second > first
    with JournalReader(path) as reader:
        records = reader.records()
        assert [(r.seq, r.kind, r.actor, r.subject) for r in records] == [
            (first, Kind.NOTE, "runner", "info"),
            (second, Kind.INTENT, "me@here", "seed"),
        ]
        assert records[0].body == {"text": "ü😀\0\x1b[31m"}
        assert records[0].at <= records[1].at
        assert reader.records(after=first) == records[1:]
        assert reader.records(after=second) == ()


def test_samples_are_read_by_kind_age_and_number(journal: Journal) -> None:
    for number in range(3):
        journal.sample("lag", {"n": number})
        journal.sample("clients", {"n": number})
    samples = journal.samples("lag")
    assert [sample.body["n"] for sample in samples] == [0, 1, 2]
    assert journal.samples("lag", after=samples[1].seq) == samples[2:]
    assert journal.samples("lag", since=samples[-1].at + 60) == ()
    assert journal.samples("conditions") == ()


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM meta",
        "DELETE FROM record",
        "DELETE FROM sample",
        "UPDATE meta SET value = '0'",
        "UPDATE record SET at = 0",
        "UPDATE sample SET at = 0",
        "REPLACE INTO meta SELECT key, '0' FROM meta",
        "REPLACE INTO record SELECT seq, 0, kind, actor, subject, body FROM record",
        "REPLACE INTO sample SELECT seq, 0, kind, body FROM sample",
        "INSERT OR REPLACE INTO record VALUES (1, 0, 'note', '', 'info', '{}')",
    ],
)
def test_nothing_is_changed_or_deleted(journal: Journal, path: Path, statement: str) -> None:
    journal.append(Kind.NOTE, "info", {"text": "kept"})
    journal.sample("lag", {})

    def content() -> list[list[tuple[object, ...]]]:
        return [list(stranger.execute(f"SELECT * FROM {table}")) for table in ("meta", "record", "sample")]

    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as stranger:
        before = content()
        with contextlib.suppress(sqlite3.IntegrityError):
            stranger.execute(statement)
        assert content() == before


@pytest.mark.parametrize("statement", ["DELETE FROM record", "UPDATE record SET body = '{}'"])
def test_the_refusal_says_why(journal: Journal, path: Path, statement: str) -> None:
    journal.append(Kind.NOTE, "info", {"text": "kept"})
    with (
        contextlib.closing(sqlite3.connect(path)) as stranger,
        pytest.raises(sqlite3.IntegrityError, match="append-only"),
    ):
        stranger.execute(statement)


def test_only_its_owner_may_read_it(journal: Journal, path: Path) -> None:
    journal.append(Kind.NOTE, "info", {"text": "private"})
    for file in path.parent.iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600, file
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_one_of_a_newer_program_is_refused(journal: Journal, path: Path) -> None:
    journal.close()
    with contextlib.closing(sqlite3.connect(path)) as newer:
        newer.execute("DROP TRIGGER meta_keeps_UPDATE")
        newer.execute("UPDATE meta SET value = ?", (str(SCHEMA_VERSION + 1),))
        newer.commit()
    for opening in (JournalReader, Journal, Watch):
        with pytest.raises(JournalError) as failure:
            opening(path)
        assert is_a_sentence(failure.value, path)
        assert f"version {SCHEMA_VERSION + 1}" in str(failure.value)
        assert "newer program" in str(failure.value)


def test_there_is_none(tmp_path: Path) -> None:
    with pytest.raises(JournalError, match="There is no journal"):
        JournalReader(tmp_path / "journal.db")


@pytest.mark.parametrize("content", [b"", b"not a database, " * 100, b"SQLite format 3\0" + b"\xff" * 600])
def test_a_file_that_is_no_journal_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "journal.db"
    path.write_bytes(content)
    for opening in (JournalReader, Journal):
        with pytest.raises(JournalError) as failure:
            opening(path)
        assert is_a_sentence(failure.value, path)
    assert path.read_bytes() == content


def test_one_that_exists_is_not_made_again(journal: Journal, path: Path) -> None:
    journal.append(Kind.NOTE, "info", {"text": "kept"})
    with pytest.raises(JournalError):
        Journal.create(path)
    assert len(journal.records()) == 1


def test_a_directory_that_cannot_be_made(tmp_path: Path) -> None:
    in_the_way = tmp_path / "file"
    in_the_way.write_text("")
    with pytest.raises(JournalError) as failure:
        Journal.create(in_the_way / "below" / "journal.db")
    assert is_a_sentence(failure.value, in_the_way)


def test_a_place_where_nobody_may_write() -> None:
    # Neither root nor anybody else can make a file here.
    place = Path("/proc/self/fdinfo/journal.db")
    with pytest.raises(JournalError) as failure:
        Journal.create(place)
    assert is_a_sentence(failure.value, place)


def test_watching_changes_nothing(journal: Journal, path: Path) -> None:
    journal.append(Kind.NOTE, "info", {"text": "x"})
    with JournalReader(path) as reader, pytest.raises(sqlite3.OperationalError, match="readonly"):
        reader._db.execute("INSERT INTO sample (at, kind, body) VALUES (0, 'lag', '{}')")


def _fill_until_full(path: str, limit: int, words: multiprocessing.Queue[str]) -> None:
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    journal = Journal(Path(path))
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    written = 0
    try:
        for number in range(10_000):
            journal.append_synced(Kind.NOTE, "info", {"text": "x" * 500, "n": number})
            written = number + 1
    except JournalFull as error:
        words.put(f"{written} {error}")
    except JournalError as error:
        words.put(f"{written} other: {error}")


def test_a_file_that_may_not_grow_keeps_what_it_has(journal: Journal, path: Path) -> None:
    journal.close()
    words: multiprocessing.Queue[str] = CONTEXT.Queue()
    filler = CONTEXT.Process(target=_fill_until_full, args=(str(path), 300_000, words))
    filler.start()
    written, _, sentence = words.get(timeout=30).partition(" ")
    filler.join(10)
    with JournalReader(path) as reader:
        assert [record.body["n"] for record in reader.records()] == list(range(int(written)))
    assert int(written) > 10
    assert "\n" not in sentence
    assert str(path) in sentence


def test_a_full_disk_is_said_to_be_full(journal: Journal, path: Path) -> None:
    def limit(pages: int) -> None:
        for db in (journal._soft, journal._hard):
            db.execute(f"PRAGMA max_page_count = {pages}")

    def fill_with_records() -> None:
        while True:
            journal.append_synced(Kind.NOTE, "info", {"text": "x" * 1000})

    def fill_with_samples() -> None:
        while True:
            journal.sample("lag", {"text": "x" * 1000})

    limit(40)
    for fill in (fill_with_records, fill_with_samples):
        with pytest.raises(JournalFull) as failure:
            fill()
        assert is_a_sentence(failure.value, path)
        assert "free some space" in str(failure.value)
    kept = len(journal.records())
    limit(4000)
    journal.append(Kind.NOTE, "info", {"text": "there is room again"})
    assert len(journal.records()) == kept + 1


def test_a_full_filesystem_is_said_to_be_full(tmp_path: Path) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("this system has no /dev/full")
    (tmp_path / "journal.db").symlink_to("/dev/full")
    with pytest.raises(JournalError) as failure:
        Journal.create(tmp_path / "journal.db")
    assert is_a_sentence(failure.value, tmp_path)


def _write(path: str, count: int) -> None:
    with Journal(Path(path)) as journal:
        for number in range(count):
            write = journal.append_synced if number % 10 == 0 else journal.append
            write(Kind.NOTE, "info", {"n": number})
            journal.sample("lag", {"n": number})


def test_it_is_read_while_another_process_writes(journal: Journal, path: Path) -> None:
    writer = CONTEXT.Process(target=_write, args=(str(path), 400))
    with JournalReader(path) as reader:
        before = reader.changes()
        writer.start()
        until(lambda: reader.changes() != before, "the change is noticed")
        seen: list[int] = []
        last = 0

        def read_on() -> bool:
            nonlocal last
            for record in reader.records(last):
                seen.append(record.body["n"])
                last = record.seq
            return len(seen) == 400

        until(read_on, "all is read", seconds=30, every=0.001)
        writer.join(10)
        assert seen == list(range(400))
        assert [sample.body["n"] for sample in reader.samples("lag")] == seen
        quiet = reader.changes()
        assert reader.changes() == quiet


def _decide(path: str, count: int) -> None:
    for number in range(count):
        decide(Path(path), Decision(Choice.CONFIRM, "plan", typed="source", shown=str(number)))


def test_decisions_and_records_are_written_at_the_same_time(journal: Journal, path: Path) -> None:
    deciders = [CONTEXT.Process(target=_decide, args=(str(path), 15)) for _ in range(2)]
    for decider in deciders:
        decider.start()
    number = 0
    while any(decider.is_alive() for decider in deciders) or number < 100:
        journal.append_synced(Kind.NOTE, "info", {"n": number})
        number += 1
        # A runner writes often, and not without a break: SQLite keeps no queue, so that who waits could wait for ever.
        deciders[0].join(0.002)
    for decider in deciders:
        decider.join(10)
        assert decider.exitcode == 0
    records = journal.records()
    decisions = [record for record in records if record.kind is Kind.DECISION]
    assert sorted(int(record.body["shown"]) for record in decisions) == sorted([*range(15), *range(15)])
    assert [record.body["n"] for record in records if record.kind is Kind.NOTE] == list(range(number))
    assert [record.seq for record in records] == list(range(1, len(records) + 1))
    assert all("@" in record.actor for record in decisions)


def test_a_journal_that_is_held_by_another_process_is_said_to_be(
    journal: Journal, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("migration.journal._BUSY_S", 0.1)
    holder = sqlite3.connect(path, isolation_level=None)
    with contextlib.closing(holder), Journal(path) as opened:
        holder.execute("BEGIN IMMEDIATE")
        with pytest.raises(
            JournalError, match=r"held the journal .* for more than 0.1 s .*nothing was written"
        ) as said:
            opened.append(Kind.NOTE, "one", {})
        assert is_a_sentence(said.value, path)
        holder.execute("ROLLBACK")
        opened.append(Kind.NOTE, "two", {})
        assert [record.subject for record in opened.records()] == ["two"]


def test_one_journal_is_written_by_several_threads(journal: Journal) -> None:
    def write() -> None:
        for _ in range(50):
            journal.append_synced(Kind.NOTE, "info", {})
            journal.sample("lag", {})

    threads = [threading.Thread(target=write) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(journal.records()) == len(journal.samples("lag")) == 200


def test_what_a_thread_has_written_it_reads_while_others_read(journal: Journal) -> None:
    for number in range(2000):
        journal.append(Kind.NOTE, "info", {"n": number})
    over = threading.Event()

    def reader() -> None:
        while not over.is_set():
            journal.records()

    readers = [threading.Thread(target=reader) for _ in range(3)]
    for one in readers:
        one.start()
    try:
        for number in range(200):
            written = journal.append(Kind.NOTE, "info", {"again": number})
            assert journal.last_seq() == written
    finally:
        over.set()
        for one in readers:
            one.join()


def test_of_two_records_that_rule_each_other_out_one_is_written(journal: Journal, path: Path) -> None:
    """The runner's and the watchdog's, over and over again at the same moment, each with a file of its own."""
    other = Journal(path)
    got: dict[str, list[bool]] = {"runner": [], "watchdog": []}
    start = threading.Barrier(2)

    def race(who: str, mine: Journal, kind: Kind, against: Kind) -> None:
        for number in range(40):
            start.wait()
            entries = [Entry(Kind.NOTE, who, {}, 1.0), Entry(kind, str(number), {}, 1.0)]
            got[who].append(mine.append_synced_unless(entries, (against, str(number))))

    racers = [
        threading.Thread(target=race, args=("runner", journal, Kind.NO_RETURN, Kind.LEASE_EXPIRED)),
        threading.Thread(target=race, args=("watchdog", other, Kind.LEASE_EXPIRED, Kind.NO_RETURN)),
    ]
    for racer in racers:
        racer.start()
    for racer in racers:
        racer.join()
    other.close()

    assert all(one != two for one, two in zip(got["runner"], got["watchdog"], strict=True))
    records = journal.records()
    assert sum(record.kind in (Kind.NO_RETURN, Kind.LEASE_EXPIRED) for record in records) == 40
    assert len(records) == 80


def test_what_was_taken_back_rules_nothing_out_any_more(journal: Journal) -> None:
    def expired() -> bool:
        return journal.append_synced_unless(
            (Entry(Kind.LEASE_EXPIRED, "1", {}, 1.0),), (Kind.NO_RETURN, "1"), taken_back=Kind.RETURN
        )

    journal.append_synced(Kind.NO_RETURN, "1", {})
    assert not expired()
    journal.append_synced(Kind.RETURN, "1", {})
    journal.append_synced(Kind.NO_RETURN, "2", {})
    assert expired()
    assert not journal.append_synced_unless((), (Kind.LEASE_EXPIRED, "1"))


KILLED = """
import json, os, signal, sys
from pathlib import Path
from migration.journal import Journal, Kind
journal = Journal(Path(sys.argv[1]))
for number in range(50):
    journal.append(Kind.NOTE, "info", {"n": number})
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_what_was_appended_survives_the_death_of_its_process(journal: Journal, path: Path) -> None:
    died = subprocess.run([sys.executable, "-c", KILLED, str(path)], cwd=Path.cwd(), check=False)
    assert died.returncode == -signal.SIGKILL
    assert [record.body["n"] for record in journal.records()] == list(range(50))


def test_a_damaged_record_is_said_to_be_damaged(journal: Journal, path: Path) -> None:
    with contextlib.closing(sqlite3.connect(path)) as stranger:
        stranger.execute(
            "INSERT INTO record (at, kind, actor, subject, body) VALUES (0, 'from the future', '', '', '{}')"
        )
        stranger.commit()
    with pytest.raises(JournalError):
        journal.records()


SEATED = """
import sys
from pathlib import Path
from migration.journal import RunnerSeat
seat = RunnerSeat(Path(sys.argv[1]))
print(seat.take(), flush=True)
sys.stdin.read()
"""


def test_there_is_one_seat_and_death_frees_it(path: Path, journal: Journal) -> None:
    seat = RunnerSeat(path)
    assert not seat.taken()
    with subprocess.Popen(
        [sys.executable, "-c", SEATED, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline().strip() == "True"
        assert seat.taken()
        assert not seat.take()
        other.kill()
    until(lambda: not seat.taken(), "the seat is free")
    assert seat.take()
    assert RunnerSeat(path).taken()
    seat.release()
    assert not RunnerSeat(path).taken()


def test_bodies_are_plain_json(journal: Journal, path: Path) -> None:
    journal.append(Kind.SERVERS, "", {"source": {"version": "x"}, "n": [1, 2.5, None, True]})
    with contextlib.closing(sqlite3.connect(path)) as stranger:
        (body,) = stranger.execute("SELECT body FROM record").fetchone()
    assert json.loads(body) == {"source": {"version": "x"}, "n": [1, 2.5, None, True]}
    assert os.path.exists(path)
