"""Loopback ports for servers, never handed out twice on one machine."""

from __future__ import annotations

import fcntl
import os
import random
import socket
from pathlib import Path
from types import TracebackType
from typing import IO

from providers.sandbox.paths import cache_dir

LOOPBACK = "127.0.0.1"
# Below the range from which Linux takes the ports of outgoing connections.
_FIRST, _LAST = 21_000, 29_000
_TRIES = 400


class NoFreePort(Exception):
    """Every port that was tried is taken."""


class Port:
    """A port that is reserved until `release` or the end of this process."""

    def __init__(self, number: int, path: Path, lock: IO[str]) -> None:
        self.number = number
        self._path = path
        self._lock = lock

    def release(self) -> None:
        """Let others have the port."""
        if not self._lock.closed:
            self._path.unlink(missing_ok=True)
            self._lock.close()

    def __enter__(self) -> Port:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


def reserve() -> Port:
    """A port on which nobody listens and which no other sandbox has reserved.

    Raises:
        NoFreePort: none was found.
    """
    directory = cache_dir() / "ports"
    directory.mkdir(parents=True, exist_ok=True)
    for _ in range(_TRIES):
        number = random.randint(_FIRST, _LAST)  # noqa: S311
        path = directory / str(number)
        lock = _try_lock(path)
        if lock is None:
            continue
        port = Port(number, path, lock)
        if _is_free(number):
            return port
        port.release()
    raise NoFreePort(f"No free port between {_FIRST} and {_LAST} was found on {LOOPBACK}: stop what listens there.")


def _try_lock(path: Path) -> IO[str] | None:
    handle = path.open("a")
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # A file that was removed between opening and locking locks nobody else out.
        if path.stat().st_ino == os.fstat(handle.fileno()).st_ino:
            return handle
    except (BlockingIOError, FileNotFoundError):
        pass
    handle.close()
    return None


def _is_free(number: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, number))
        except OSError:
            return False
    return True
