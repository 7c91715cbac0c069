"""The file by which a bridge is found: one process holds it, and it says where that one listens.

The words stay when the process is gone, so that the next bridge can take the same port; only the lock says that
it lives.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Self

# Who asks whether a bridge lives holds the lock himself for a moment.
_PATIENCE_S = 0.5
_POLL_S = 0.02


@dataclass(frozen=True)
class Place:
    """A bridge's process, and where it listens or, when it has ended, listened."""

    pid: int
    host: str
    port: int


class Taken(Exception):
    """Another bridge holds the lock; the sentence says which."""


class Lock:
    """Held from construction until `release` or the end of the process.

    Raises:
        Taken: by another process.
        OSError: the file cannot be made.
    """

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        deadline = time.monotonic() + _PATIENCE_S
        while not (taken := _take(self._file, fcntl.LOCK_EX)) and time.monotonic() < deadline:
            time.sleep(_POLL_S)
        if not taken:
            os.close(self._file)
            place = last(path)
            who = f"process {place.pid} on {place.host}:{place.port}" if place else "another process"
            raise Taken(f"A bridge is running already ({who}, {path}); use it, or stop it first.")

    def tell(self, place: Place) -> None:
        """Write where the bridge listens."""
        text = json.dumps({"pid": place.pid, "host": place.host, "port": place.port}).encode()
        os.pwrite(self._file, text.ljust(200) + b"\n", 0)

    def release(self) -> None:
        """Let another bridge have it."""
        os.close(self._file)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()


def last(path: Path) -> Place | None:
    """The bridge that held the lock last, whether it lives or not; None where there never was one."""
    try:
        content = json.loads(path.read_text())
        return Place(int(content["pid"]), str(content["host"]), int(content["port"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def living(path: Path) -> Place | None:
    """The bridge that holds the lock now; None where none does, or it does not listen yet."""
    with contextlib.suppress(FileNotFoundError):
        file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            return None if _take(file, fcntl.LOCK_SH) else last(path)
        finally:
            os.close(file)
    return None


def _take(file: int, kind: int) -> bool:
    try:
        fcntl.flock(file, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
