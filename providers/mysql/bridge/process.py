"""Starting a bridge as a process of its own, finding it again, and ending it."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from providers.mysql.bridge.lock import Place, living
from providers.mysql.bridge.orders import Lifetime, Orders

_START_S = 30.0
_END_S = 10.0
_POLL_S = 0.02


class BridgeFailed(Exception):
    """The bridge did not start, or does not end; the sentence quotes what it said."""


@dataclass(frozen=True)
class Started:
    """A bridge that serves. `process` must be kept, and its standard input open, where it ends with its starter."""

    process: subprocess.Popen[bytes]
    place: Place


def start(orders: Orders, log: Path) -> Started:
    """Start a bridge and wait until replicas can log in; what it says later goes to the end of `log`.

    Raises:
        BridgeFailed: it has ended, or is not ready in time.
    """
    # Unbuffered and in append mode: what is there from `begin` on is this bridge's.
    with log.open("ab", buffering=0) as output:
        begin = output.seek(0, os.SEEK_END)
        process = subprocess.Popen(
            [sys.executable, "-m", "providers.mysql.bridge"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=output,
            # A terminal that goes away, or an interrupt typed there, is not for the way back.
            start_new_session=True,
        )
    assert process.stdin is not None
    with contextlib.suppress(BrokenPipeError):
        process.stdin.write(orders.line().encode())
        process.stdin.flush()
        if orders.lifetime is Lifetime.OWN:
            process.stdin.close()
    words = _first_line(process).split()
    if len(words) != 3 or words[0] != "ready":
        process.kill()
        process.wait()
        with log.open("rb") as said:
            said.seek(begin)
            why = said.read(2000).decode(errors="replace").strip()
        raise BridgeFailed(f"The bridge to {orders.new.name} did not start: {why or 'it said nothing'} (see {log}).")
    return Started(process, Place(process.pid, words[1], int(words[2])))


def _first_line(process: subprocess.Popen[bytes]) -> str:
    assert process.stdout is not None
    with process.stdout:
        ready, _, _ = select.select([process.stdout], [], [], _START_S)
        return process.stdout.readline().decode(errors="replace") if ready else ""


def stop(lock: Path) -> bool:
    """End the bridge that holds this lock, whoever started it; False where there is none.

    Raises:
        BridgeFailed: it may not be ended by this user, or does not end in time.
    """
    place = living(lock)
    if place is None:
        return False
    try:
        os.kill(place.pid, signal.SIGTERM)
    except ProcessLookupError:
        return True
    except PermissionError as error:
        raise BridgeFailed(
            f"The bridge (process {place.pid}) belongs to another user; end it as that user: kill {place.pid}."
        ) from error
    deadline = time.monotonic() + _END_S
    while living(lock) is not None:
        if time.monotonic() > deadline:
            raise BridgeFailed(f"The bridge (process {place.pid}) does not end; end it by hand: kill -9 {place.pid}.")
        time.sleep(_POLL_S)
    return True
