"""The journal: the durable, append-only record of one migration, in one SQLite file.

It is the only thing that screens and the runner share. The runner writes what it intends and what it
saw; screens write decisions; anybody who may read the file can watch. Records are never changed or
deleted: triggers in the file refuse it.

Two ways to append: `append` survives the death of the process (the row is in the file's write-ahead
log, in the operating system's hands); `append_synced` survives the loss of power too (fsync before it
returns) and is used for everything that a later step relies on.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import sqlite3
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from types import TracebackType
from typing import Any, Self

SCHEMA_VERSION = 1
_BUSY_S = 5.0
# What SQLite says where following a journal would take files that this login cannot make.
_NEEDS_WRITING = (sqlite3.SQLITE_READONLY_DIRECTORY, sqlite3.SQLITE_CANTOPEN)
_SEAT_TRIES = 25
_SEAT_POLL_S = 0.01

_SCHEMA = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE record (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    at REAL NOT NULL,
    kind TEXT NOT NULL,
    actor TEXT NOT NULL,
    subject TEXT NOT NULL,
    body TEXT NOT NULL
);
CREATE TABLE sample (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    at REAL NOT NULL,
    kind TEXT NOT NULL,
    body TEXT NOT NULL
);
CREATE INDEX sample_by_kind ON sample (kind, seq);
CREATE INDEX record_by_subject ON record (kind, subject);
"""
_APPEND = "INSERT INTO record (at, kind, actor, subject, body) VALUES (?, ?, ?, ?, ?)"
_NEWEST = "SELECT kind FROM record WHERE kind IN (?, ?) AND subject = ? ORDER BY seq DESC LIMIT 1"
_GUARDS = "".join(
    f"""
CREATE TRIGGER {table}_keeps_{verb} BEFORE {verb} ON {table}
BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;"""
    for table in ("meta", "record", "sample")
    for verb in ("UPDATE", "DELETE")
) + "".join(
    # REPLACE takes a row away without firing a delete trigger.
    f"""
CREATE TRIGGER {table}_keeps_REPLACE BEFORE INSERT ON {table}
WHEN EXISTS (SELECT 1 FROM {table} WHERE {key} = NEW.{key})
BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;"""
    for table, key in (("meta", "key"), ("record", "seq"), ("sample", "seq"))
)


class JournalError(Exception):
    """The journal cannot be used; the message says why, which file, and what to do."""


class JournalFull(JournalError):
    """The disk or the quota under the journal is full."""


class Kind(StrEnum):
    """What a record is about."""

    CREATED = "created"
    RUNNER = "runner"
    SERVERS = "servers"
    PLACED = "placed"
    STAGE = "stage"
    FINDING = "finding"
    PLAN = "plan"
    GATE_OPENED = "gate_opened"
    GATE_PASSED = "gate_passed"
    GATE_LOCKED = "gate_locked"
    DECISION = "decision"
    REFUSED = "refused"
    SEAT_ASKED = "seat_asked"
    SEAT = "seat"
    INTENT = "intent"
    STATEMENT = "statement"
    OUTCOME = "outcome"
    ATTEMPT = "attempt"
    NO_RETURN = "no_return"
    RETURN = "return"
    LEASE_EXPIRED = "lease_expired"
    ATTEMPT_ENDED = "attempt_ended"
    FIX = "fix"
    MEASURED = "measured"
    NOTE = "note"
    ENDED = "ended"


@dataclass(frozen=True)
class Record:
    """One row of the journal. `at` is seconds since the epoch, UTC."""

    seq: int
    at: float
    kind: Kind
    actor: str
    subject: str
    body: Mapping[str, Any]


@dataclass(frozen=True)
class Entry:
    """A record that is still to be written: `at` is when it happened, seconds since the epoch."""

    kind: Kind
    subject: str
    body: Mapping[str, Any]
    at: float


@dataclass(frozen=True)
class Sample:
    """One measurement: `kind` is `lag`, `progress` or `conditions`. `at` as in `Record`."""

    seq: int
    at: float
    kind: str
    body: Mapping[str, Any]


def _explain(path: Path, error: sqlite3.Error | OSError) -> JournalError:
    text = str(error)
    if isinstance(error, OSError) and error.strerror:
        text = error.strerror
    if "full" in text or "No space left" in text or "quota" in text.lower():
        return JournalFull(
            f"The disk under the journal {path} is full ({text}); free some space and run `cutover resume`, "
            "nothing further was done to the servers."
        )
    if "readonly" in text or "unable to open" in text or "ermission" in text or "Read-only" in text:
        return JournalError(
            f"The journal {path} cannot be written ({text}); make its directory writable "
            "or name another one in CUTOVER_STATE."
        )
    if getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_BUSY:
        return JournalError(
            f"Another process held the journal {path} for more than {_BUSY_S:g} s ({text}); nothing was written: "
            "try again, and if it goes on, see what has the file open."
        )
    return JournalError(f"The journal {path} cannot be used ({text}); keep the file and see `cutover doctor`.")


@contextlib.contextmanager
def _explained(path: Path) -> Iterator[None]:
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        raise _explain(path, error) from error


def _check_version(path: Path, connection: sqlite3.Connection) -> None:
    row = connection.execute("SELECT value FROM meta WHERE key = 'schema_version'").fetchone()
    version = int(row[0]) if row else 0
    if version > SCHEMA_VERSION:
        raise JournalError(
            f"The journal {path} has version {version} and this program reads up to {SCHEMA_VERSION}; "
            "use the newer program that wrote it."
        )


class JournalReader:
    """Reads a journal, also while it is written. Opens the file read-only and changes nothing."""

    def __init__(self, path: Path) -> None:
        """Open `path`.

        Raises:
            JournalError: no such file, not a journal, or written by a newer program.
        """
        self.path = path
        # One statement at a time: while a statement of one thread is under way, SQLite answers every other one on the
        # same connection from the state in which that began, which lacks what a thread has written itself since.
        self._reading = threading.Lock()
        self._opened = 0
        self._at_rest: tuple[int, int] | None = None
        with _explained(path):
            try:
                is_there = path.is_file()
            except PermissionError:
                is_there = True
            if not is_there:
                raise JournalError(f"There is no journal at {path}; `cutover` lists the migrations on this machine.")
            if not os.access(path, os.R_OK):
                raise JournalError(
                    f"The journal {path} may not be read by this login; its owner lets a group watch with "
                    f"`cutover share {path.parent.name}`."
                )
            self._open()

    def _open(self) -> None:
        self._opened += 1
        self._at_rest = None
        try:
            self._db = self._connect("mode=ro")
            _check_version(self.path, self._db)
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode not in _NEEDS_WRITING:
                raise
            self._at_rest = self._stamp()
            if self._at_rest is None:
                raise
            self._db = self._connect("immutable=1")
            _check_version(self.path, self._db)

    def _connect(self, how: str) -> sqlite3.Connection:
        uri = f"{self.path.absolute().as_uri()}?{how}"
        return sqlite3.connect(uri, uri=True, timeout=_BUSY_S, check_same_thread=False)

    def _stamp(self) -> tuple[int, int] | None:
        """What tells whether a journal at rest is still the same; None where somebody has it open for writing."""
        if self.path.with_name(self.path.name + "-wal").exists():
            return None
        about = self.path.stat()
        return about.st_mtime_ns, about.st_size

    def _rows(self, sql: str, values: Sequence[object] = ()) -> list[Any]:
        """What a query gives.

        To follow a journal that nobody has open takes two files beside it, which a login that may only read cannot
        make. It is read as a file at rest then: for as long as it is one.
        """
        with self._reading:
            while True:
                if self._at_rest is not None and self._stamp() != self._at_rest:
                    self._db.close()
                    self._open()
                rows: list[Any] = self._db.execute(sql, values).fetchall()
                if self._at_rest is None or self._stamp() == self._at_rest:
                    return rows

    def close(self) -> None:
        """Close the file."""
        with self._reading:
            self._db.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def changes(self) -> int:
        """A number that differs whenever another process has written: cheap to poll (SQLite data_version)."""
        with _explained(self.path):
            version = int(self._rows("PRAGMA data_version")[0][0])
            # Each opening counts them anew.
            return (self._opened << 32) + version

    def last_seq(self) -> int:
        """The sequence number of the newest record, 0 in a journal without any."""
        with _explained(self.path):
            return int(self._rows("SELECT coalesce(max(seq), 0) FROM record")[0][0])

    def records(self, after: int = 0) -> tuple[Record, ...]:
        """All records with a sequence number above `after`, in order."""
        with _explained(self.path):
            rows = self._rows(
                "SELECT seq, at, kind, actor, subject, body FROM record WHERE seq > ? ORDER BY seq", (after,)
            )
        return tuple(self._record(row) for row in rows)

    def _record(self, row: tuple[int, float, str, str, str, str]) -> Record:
        seq, at, kind, actor, subject, body = row
        try:
            return Record(seq, at, Kind(kind), actor, subject, json.loads(body))
        except ValueError as error:
            raise JournalError(
                f"Record {seq} of the journal {self.path} cannot be read ({error}); keep the file, it is damaged or "
                "was written by another program."
            ) from error

    def samples(self, kind: str, after: int = 0, since: float = 0.0) -> tuple[Sample, ...]:
        """Samples of one kind above sequence number `after` and not older than `since`, in order."""
        with _explained(self.path):
            rows = self._rows(
                "SELECT seq, at, kind, body FROM sample WHERE kind = ? AND seq > ? AND at >= ? ORDER BY seq",
                (kind, after, since),
            )
        return tuple(Sample(seq, at, name, json.loads(body)) for seq, at, name, body in rows)

    def newest(self, kind: str, after: int = 0) -> Sample | None:
        """The newest sample of one kind, where it has a sequence number above `after`."""
        with _explained(self.path):
            rows = self._rows(
                "SELECT seq, at, kind, body FROM sample WHERE kind = ? AND seq > ? ORDER BY seq DESC LIMIT 1",
                (kind, after),
            )
        return next((Sample(seq, at, name, json.loads(body)) for seq, at, name, body in rows), None)


class Journal(JournalReader):
    """A journal opened for writing."""

    def __init__(self, path: Path) -> None:
        """Open an existing journal for appending.

        Raises:
            JournalError: as `JournalReader`, or the file cannot be written.
        """
        super().__init__(path)
        self._writing = threading.Lock()
        with _explained(path):
            if not os.access(path, os.W_OK):
                raise PermissionError(13, "Permission denied", str(path))
            self._soft = _writer(path, "NORMAL")
            self._hard = _writer(path, "FULL")

    @classmethod
    def create(cls, path: Path) -> Self:
        """Make a new, empty journal. The file and its directory are readable by their owner only.

        Raises:
            JournalError: the directory cannot be written, or the file exists.
        """
        with _explained(path):
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
            db = sqlite3.connect(path)
            try:
                db.execute("PRAGMA journal_mode = WAL")
                db.executescript(_SCHEMA)
                db.execute("INSERT INTO meta VALUES ('schema_version', ?)", (str(SCHEMA_VERSION),))
                db.commit()
                db.executescript(_GUARDS)
            finally:
                db.close()
        return cls(path)

    def close(self) -> None:
        """Close the file."""
        self._soft.close()
        self._hard.close()
        super().close()

    def append(self, kind: Kind, subject: str, body: Mapping[str, Any], *, actor: str = "runner") -> int:
        """Append one record and return its sequence number."""
        return self._insert(self._soft, Entry(kind, subject, body, time.time()), actor)

    def append_entry(self, entry: Entry, *, actor: str = "runner") -> int:
        """Append a record of something that happened a moment ago and return its sequence number."""
        return self._insert(self._soft, entry, actor)

    def append_synced(self, kind: Kind, subject: str, body: Mapping[str, Any], *, actor: str = "runner") -> int:
        """Append one record and return its sequence number once it is on stable storage."""
        return self._insert(self._hard, Entry(kind, subject, body, time.time()), actor)

    def append_synced_unless(
        self,
        entries: Sequence[Entry],
        unless: tuple[Kind, str],
        *,
        taken_back: Kind | None = None,
        actor: str = "runner",
    ) -> bool:
        """Append records all at once and synced, unless there is one of this kind and subject already.

        A record of the kind `taken_back` and the same subject makes those before it count as not there.
        Returns False, with nothing written, where there is one. Two processes that each rule the other's record out
        are kept apart by the file itself: only one of them gets True.
        """
        with self._writing, _explained(self.path):
            self._hard.execute("BEGIN IMMEDIATE")
            try:
                kind, subject = unless
                newest = self._hard.execute(_NEWEST, (kind, taken_back or kind, subject)).fetchone()
                free = newest is None or newest[0] != kind
                if free:
                    self._hard.executemany(_APPEND, [_row(entry, actor) for entry in entries])
                self._hard.execute("COMMIT")
            except sqlite3.Error:
                with contextlib.suppress(sqlite3.Error):
                    self._hard.execute("ROLLBACK")
                raise
        return free

    def sample(self, kind: str, body: Mapping[str, Any]) -> None:
        """Append one measurement."""
        with self._writing, _explained(self.path):
            self._soft.execute(
                "INSERT INTO sample (at, kind, body) VALUES (?, ?, ?)", (time.time(), kind, json.dumps(body))
            )

    def _insert(self, db: sqlite3.Connection, entry: Entry, actor: str) -> int:
        with self._writing, _explained(self.path):
            cursor = db.execute(_APPEND, _row(entry, actor))
        return int(cursor.lastrowid or 0)


def _row(entry: Entry, actor: str) -> tuple[float, str, str, str, str]:
    return (entry.at, entry.kind.value, actor, entry.subject, json.dumps(entry.body))


def _writer(path: Path, synchronous: str) -> sqlite3.Connection:
    db = sqlite3.connect(path, timeout=_BUSY_S, isolation_level=None, check_same_thread=False)
    db.execute(f"PRAGMA synchronous = {synchronous}")
    return db


class RunnerSeat:
    """The lock that says which process is the runner of a journal: held while it lives, freed by its death."""

    def __init__(self, journal: Path) -> None:
        self._journal = journal
        self._path = journal.with_suffix(".runner")
        self._fd: int | None = None

    def take(self) -> bool:
        """Take the seat; False where another process has it."""
        fd = os.open(self._path, os.O_CREAT | os.O_RDWR, 0o600)
        if self._journal.exists():
            # Whoever may read the journal may see whether its runner is at work.
            os.fchmod(fd, self._journal.stat().st_mode & 0o640)
        for _ in range(_SEAT_TRIES):
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                # It may be a watcher that looks this very moment (`taken`), which holds a lock for an instant.
                time.sleep(_SEAT_POLL_S)
            else:
                self._fd = fd
                return True
        os.close(fd)
        return False

    def taken(self) -> bool:
        """Whether a living process holds the seat.

        Raises:
            JournalError: this login may not look.
        """
        try:
            fd = os.open(self._path, os.O_RDONLY)
        except FileNotFoundError:
            return False
        except PermissionError as error:
            raise JournalError(
                f"This login may not see whether a runner is at work ({self._path}); "
                f"its owner runs `cutover share {self._path.parent.name}`."
            ) from error
        try:
            fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(fd)
        return False

    def release(self) -> None:
        """Give the seat back."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None
