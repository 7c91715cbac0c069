"""A program in a terminal of 80 by 24, as a benchmark sees it: bytes with their times, at the speed of a line."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time
from collections.abc import Mapping, Sequence

import psutil

from tests.support import terminal_modes

_SEQUENCE = re.compile(rb"\x1b(\[[0-?]*[ -/]*[@-~]|\][^\x07]*\x07|[@-Z\\-_])")
_CHUNK = 65536
_RESTLESS_S = 30.0


class PtyScreen:
    """Starts a program and is its terminal. `rate`: bytes a second that the line carries, None for any."""

    def __init__(self, argv: Sequence[str], env: Mapping[str, str], rate: int | None = None) -> None:
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        self.rate = rate
        self.received = b""
        self._allowance = 0.0
        self._allowed_at = time.monotonic()
        self.began = time.monotonic()
        self.process = subprocess.Popen(
            argv, stdin=slave, stdout=slave, stderr=slave, env=dict(env), preexec_fn=_take_terminal
        )
        os.close(slave)

    def read(self, seconds: float) -> tuple[int, float | None]:
        """What comes next within that time: how many bytes, and when; (0, None) for nothing."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            room = self._room()
            if room < 1:
                time.sleep(min(left, 0.005))
                continue
            if not select.select([self.master], [], [], left)[0]:
                break
            try:
                new = os.read(self.master, min(_CHUNK, room))
            except OSError:
                return 0, None
            self._allowance -= len(new)
            self.received += new
            return len(new), time.monotonic()
        return 0, None

    def until(self, pattern: bytes, seconds: float = 60.0) -> float:
        """Read until the text without its sequences has a pattern; seconds since the start."""
        end = time.monotonic() + seconds
        while not re.search(pattern, plain(self.received)):
            if time.monotonic() > end or self.process.poll() is not None:
                raise SystemExit(f"{pattern!r} did not come: {plain(self.received)[-800:]!r}")
            self.read(0.5)
        return time.monotonic() - self.began

    def rest(self, seconds: float = 0.3) -> tuple[int, float | None]:
        """Read until nothing has come for that time: how many bytes, and when the last one came.

        Raises:
            SystemExit: it does not rest.
        """
        total, last, end = 0, None, time.monotonic() + _RESTLESS_S
        while (got := self.read(seconds))[1] is not None:
            total, last = total + got[0], got[1]
            if time.monotonic() > end:
                raise SystemExit(f"it has not rested for {seconds:g} s within {_RESTLESS_S:g} s")
        return total, last

    def key(self, keys: bytes, quiet: float = 0.1) -> tuple[float, float, int]:
        """Press a key: seconds to the first byte of its answer, to the last, and how many bytes there were.

        Raises:
            SystemExit: nothing came of it.
        """
        began = time.monotonic()
        os.write(self.master, keys)
        first, at = self.read(3.0)
        if at is None:
            raise SystemExit(f"{keys!r} did nothing")
        more, last = self.rest(quiet)
        return at - began, (last or at) - began, first + more

    def left_on(self) -> list[str]:
        """Modes that were turned on and not off again."""
        return terminal_modes.left_on(self.received)

    def gone(self, seconds: float = 30.0) -> float:
        """Read until the process has ended; how long that took."""
        began = time.monotonic()
        while self.process.poll() is None:
            if time.monotonic() - began > seconds:
                raise SystemExit("it does not end")
            self.read(0.01)
        took = time.monotonic() - began
        self.rest(0.05)
        return took

    def hang_up(self) -> float:
        """What a lost connection does; how long it took until the process had ended."""
        began = time.monotonic()
        os.close(self.master)
        self.master = -1
        self.process.wait(30)
        return time.monotonic() - began

    def memory_mib(self) -> float:
        """Resident memory."""
        return float(psutil.Process(self.process.pid).memory_info().rss) / 2**20

    def cpu_s(self) -> float:
        """Processor time so far."""
        times = psutil.Process(self.process.pid).cpu_times()
        return float(times.user + times.system)

    def close(self) -> None:
        """End what still runs."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        if self.master >= 0:
            os.close(self.master)

    def _room(self) -> int:
        if self.rate is None:
            return _CHUNK
        now = time.monotonic()
        # A tenth of a second is what such a line holds on its way.
        earned = self._allowance + (now - self._allowed_at) * self.rate
        self._allowance, self._allowed_at = min(earned, self.rate / 10), now
        return int(self._allowance)


def plain(text: bytes) -> bytes:
    """Text without the sequences that steer a terminal."""
    return _SEQUENCE.sub(b"", text)


def _take_terminal() -> None:
    os.setsid()
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
