"""A journal that another login may read, and not write: it is followed live, at rest, and when it goes on."""

from __future__ import annotations

import contextlib
import sqlite3
import stat
from pathlib import Path

import pytest

from migration.decisions import Choice, Decision, decide
from migration.journal import Journal, JournalError, JournalReader, Kind, RunnerSeat
from migration.model import MigrationSpec, Secrets, ServerSpec
from migration.sessions import SessionError, create, launch, sessions
from migration.sharing import let_decide, let_watch
from migration.watch import Watch
from providers.mysql.endpoint import Secret
from tests.support.other_login import GROUP, OtherLogin, needed, open_state, other
from tests.support.waiting import until

__all__ = ["open_state", "other"]
END = ServerSpec("source", "127.0.0.1", 3306, "admin", "repl")
_watches: dict[Path, Watch] = {}


def made() -> Path:
    return create(MigrationSpec("m", "mysql_replication", "TEST", END, END))


def note(path: Path, text: str) -> None:
    """What a process that ends afterwards writes; nobody has the journal open then."""
    with Journal(path) as journal:
        journal.append(Kind.NOTE, "info", {"text": text})
    rest(path)


def rest(path: Path) -> None:
    """Whoever can write closes last, and SQLite takes away the files that following a journal needs."""
    last = sqlite3.connect(path)
    last.execute("SELECT count(*) FROM meta").fetchall()
    last.close()
    assert not path.with_name("journal.db-wal").exists()


def seen(path: Path) -> str:
    """The newest line of a log that is followed all the while."""
    watch = _watches.setdefault(path, Watch(path))
    return watch.view().log[-1].text


def changed(path: Path) -> bool:
    return _watches[path].changed()


def alive(path: Path) -> bool:
    return _watches[path].view().runner_alive


def read(path: Path) -> int:
    with JournalReader(path) as reader:
        return reader.last_seq()


def listed() -> list[tuple[str, bool]]:
    return [(one.id, one.view is not None) for one in sessions()]


@needed
def test_it_is_followed_live_at_rest_and_when_it_goes_on(open_state: Path, other: OtherLogin) -> None:
    path = made()
    assert let_watch(path, GROUP) == ()
    rest(path)
    assert "created" in other.call(seen, path)
    assert not other.call(changed, path)
    seat = RunnerSeat(path)
    assert seat.take()
    with Journal(path) as journal:
        journal.append(Kind.NOTE, "info", {"text": "one"})
        assert other.call(changed, path)
        assert other.call(seen, path) == "one"
        assert other.call(alive, path)
        journal.append(Kind.NOTE, "info", {"text": "two"})
        assert other.call(changed, path)
        assert other.call(seen, path) == "two"
    seat.release()
    assert not other.call(alive, path)
    with Journal(path) as journal:
        journal.append(Kind.NOTE, "info", {"text": "three"})
    assert other.call(seen, path) == "three"
    assert other.call(listed) == [("m", True)]


@needed
def test_a_file_at_rest_that_goes_on_is_followed_by_who_began_at_rest(open_state: Path, other: OtherLogin) -> None:
    path = made()
    let_watch(path, GROUP)
    for text in ("one", "two", "three"):
        note(path, text)
        assert other.call(seen, path) == text
        assert not other.call(changed, path)
    with Journal(path) as journal:
        for number in range(3):
            journal.append(Kind.NOTE, "info", {"text": f"live {number}"})
            assert until(lambda: other.call(changed, path), "the change")
            assert other.call(seen, path) == f"live {number}"


@needed
def test_who_may_watch_may_not_decide(open_state: Path, other: OtherLogin) -> None:
    path = made()
    let_watch(path, GROUP)
    with Journal(path), pytest.raises(JournalError, match="cannot be written"):
        other.call(decide, path, Decision(Choice.PAUSE))
    for file in (one for one in path.parent.iterdir() if one.is_file()):
        with contextlib.suppress(PermissionError):
            other.call(file.write_text, "")
            pytest.fail(f"{file} can be written")


def started(path: Path) -> None:
    launch(path, Secrets(*(Secret("") for _ in range(4))))


@needed
def test_who_may_watch_starts_no_runner(open_state: Path, other: OtherLogin) -> None:
    path = made()
    let_watch(path, GROUP)
    with pytest.raises(SessionError, match="may not write the journal of m, and start no runner"):
        other.call(started, path)


@needed
def test_what_was_not_shared_is_not_read_and_says_how_it_could_be(open_state: Path, other: OtherLogin) -> None:
    path = made()
    with pytest.raises(JournalError, match=r"may not be read by this login; .*`cutover share m`"):
        other.call(read, path)


@needed
def test_directories_through_which_the_group_cannot_come_are_named(tmp_path: Path, other: OtherLogin) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    path = closed / "m" / "journal.db"
    Journal.create(path).close()
    assert closed in let_watch(path, GROUP)


def test_a_group_that_is_none_is_named(tmp_path: Path) -> None:
    path = tmp_path / "m" / "journal.db"
    Journal.create(path).close()
    with pytest.raises(JournalError, match="There is no group 'no such group'"):
        let_decide(path, "no such group")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
