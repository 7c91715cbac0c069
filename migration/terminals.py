"""The terminals at which people look at a migration: who sits there, since when, and whether anybody still does.

Each screen keeps a file of its own beside the journal and touches it every few seconds. Whose it is, is what the file
system says, and nothing in the file.
"""

from __future__ import annotations

import contextlib
import json
import os
import pwd
import re
import secrets
import socket
import stat
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

BEAT_S = 5.0
"""How often a terminal says that it is there, in seconds."""
SILENT_S = 30.0
"""After how many seconds without a word a terminal counts as lost."""
_ID = re.compile(r"([1-9]\d{0,8})-(\d{1,20})-[0-9a-f]{8}")
_MOST_BYTES = 4096
_MOST = 100
_DEAD = ("Z", "X")


@dataclass(frozen=True)
class Terminal:
    """A screen of somebody: `who` as `login@host`, `since` in seconds since the epoch.

    `observer`: it was opened to watch.
    """

    id: str
    who: str
    pid: int
    since: float
    observer: bool


def person(uid: int) -> str:
    """`login@host` of a login of this machine; by its number where it has no name."""
    try:
        name = pwd.getpwuid(uid).pw_name
    except KeyError:
        name = f"uid{uid}"
    return f"{name}@{socket.gethostname()}"


def here(*, observer: bool) -> Terminal:
    """The terminal that this process is."""
    pid = os.getpid()
    own = f"{pid}-{_began(pid) or 0}-{secrets.token_hex(4)}"
    return Terminal(own, person(os.getuid()), pid, time.time(), observer)


def room(journal: Path) -> Path:
    """The directory in which the terminals of a migration are."""
    return journal.with_name("terminals")


def make_room(journal: Path) -> None:
    """Make that directory, for its owner alone, where it is not there yet.

    Raises:
        OSError: it cannot be made.
    """
    room(journal).mkdir(mode=0o700, exist_ok=True)


def arrive(journal: Path, terminal: Terminal) -> None:
    """Say that a terminal is there.

    Raises:
        OSError: this login may not.
    """
    if not terminal.observer:
        # Who only watches leaves it to those whose migration it is.
        make_room(journal)
    body = {"pid": terminal.pid, "since": terminal.since, "observer": terminal.observer}
    path = _file(journal, terminal.id)
    path.write_text(json.dumps(body))
    path.chmod(0o644)


def beat(journal: Path, terminal: Terminal) -> None:
    """Say that it still is."""
    with contextlib.suppress(OSError):
        os.utime(_file(journal, terminal.id))


def leave(journal: Path, terminal: Terminal) -> None:
    """Say that it is gone."""
    with contextlib.suppress(OSError):
        _file(journal, terminal.id).unlink(missing_ok=True)


def lost(journal: Path, terminal: str, now: float) -> str:
    """Why a terminal counts as lost, as in `its terminal …`; empty where somebody is there. `now`: as `time.time()`."""
    if _gone(terminal):
        return "has ended"
    try:
        silent = now - _file(journal, terminal).stat().st_mtime
    except OSError:
        return "has left"
    return f"has been silent for {silent:.0f} s" if silent > SILENT_S else ""


def present(journal: Path) -> tuple[Terminal, ...]:
    """The terminals that are there, those that came first before the others."""
    found = []
    with contextlib.suppress(OSError):
        names = sorted(one.name for one in room(journal).iterdir() if one.suffix == ".json")[:_MOST]
        for name in names:
            terminal = _read(room(journal) / name)
            if terminal is not None and not lost(journal, terminal.id, time.time()):
                found.append(terminal)
    return tuple(sorted(found, key=lambda one: one.since))


def sweep(journal: Path) -> None:
    """Take away what terminals left behind that have ended."""
    with contextlib.suppress(OSError):
        for path in room(journal).glob("*.json"):
            if _gone(path.stem):
                path.unlink(missing_ok=True)


def read_own(path: Path, most_bytes: int) -> tuple[int, dict[str, Any]] | None:
    """The login (its number) that a file belongs to, and the JSON object in it; None where there is no such thing.

    Anybody who may watch can have put it there: it must be a plain file with one name, and small.
    """
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return None
    with os.fdopen(fd, "rb") as file:
        about = os.fstat(fd)
        if not stat.S_ISREG(about.st_mode) or about.st_nlink != 1 or about.st_size > most_bytes:
            return None
        try:
            body = json.loads(file.read(most_bytes))
        except (ValueError, RecursionError):
            return None
    return (about.st_uid, body) if isinstance(body, dict) else None


def _file(journal: Path, terminal: str) -> Path:
    # An id comes from others as well: it must not lead out of the room.
    return room(journal) / f"{terminal if _ID.fullmatch(terminal) else 'none'}.json"


def _read(path: Path) -> Terminal | None:
    found = read_own(path, _MOST_BYTES)
    if found is None or not _ID.fullmatch(path.stem):
        return None
    uid, body = found
    try:
        return Terminal(path.stem, person(uid), int(body["pid"]), float(body["since"]), bool(body["observer"]))
    except (KeyError, TypeError, ValueError):
        return None


def _gone(terminal: str) -> bool:
    """Whether its process has ended; another one may have its number by now."""
    parts = _ID.fullmatch(terminal)
    if parts is None:
        return True
    pid = int(parts[1])
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        # It is there, and somebody else's.
        pass
    began = _began(pid)
    return began is not None and began != int(parts[2])


def _began(pid: int) -> int | None:
    """When a process began, in the kernel's ticks; 0 where it has ended, None where this machine does not say."""
    try:
        # The name in front may have blanks and brackets in it.
        fields = Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()
    except OSError:
        return None
    return 0 if fields[0] in _DEAD else int(fields[19])
