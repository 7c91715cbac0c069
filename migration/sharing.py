"""Letting other logins of this machine watch a migration, and hand decisions in where they have the operator's seat."""

from __future__ import annotations

import grp
import os
import stat
from pathlib import Path

from migration.journal import JournalError
from migration.terminals import make_room, room

_FOLDER = 0o2750
_READ = 0o640
# Everybody of the group leaves files there, and nobody but its owner and the runner takes one away.
_HANDS_IN = 0o3770


def let_watch(journal: Path, group: str) -> tuple[Path, ...]:
    """Let the logins of a group read a migration; the directories above it through which they cannot come.

    Raises:
        JournalError: there is no such group, or this login may not give it anything.
    """
    return _share(journal, group, _FOLDER)


def let_decide(journal: Path, group: str) -> tuple[Path, ...]:
    """Let them ask for the operator's seat as well, and decide while they have it; as `let_watch`.

    Raises:
        JournalError: as `let_watch`.
    """
    return _share(journal, group, _HANDS_IN)


def _share(journal: Path, group: str, of_room: int) -> tuple[Path, ...]:
    try:
        number = grp.getgrnam(group).gr_gid
    except KeyError as error:
        raise JournalError(f"There is no group {group!r} on this machine.") from error
    folder = journal.parent
    try:
        make_room(journal)
        _give(room(journal), number, of_room)
        for suffix in ("", "-wal", "-shm"):
            _give(journal.with_name(journal.name + suffix), number, _READ)
        _give(journal.with_suffix(".runner"), number, _READ)
        _give(folder, number, _FOLDER)
    except OSError as error:
        raise JournalError(f"{error.filename} cannot be shared with {group} ({error.strerror}).") from error
    return tuple(one for one in folder.parents if not _lets_through(one, number))


def _give(path: Path, group: int, mode: int) -> None:
    if not path.exists():
        return
    os.chown(path, -1, group)
    path.chmod(mode)
    # Without the right to give it to the group, a system may leave a bit out and say nothing.
    if stat.S_IMODE(path.stat().st_mode) != mode:
        raise PermissionError(1, "the system kept a permission back", str(path))


def _lets_through(folder: Path, group: int) -> bool:
    about = folder.stat()
    return bool(about.st_mode & stat.S_IXOTH or (about.st_gid == group and about.st_mode & stat.S_IXGRP))
