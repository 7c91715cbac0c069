"""A real terminal for a program under test: a pty of a given size, its screen kept by an emulator."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pyte

_POLL_S = 0.02
_STILL_S = 0.4


class Terminal:
    """The user's side of a pty: reads what arrives, types keys, hangs up."""

    def __init__(self, argv: Sequence[str], columns: int = 80, rows: int = 24, env: Mapping[str, str] | None = None):
        master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.process = subprocess.Popen(
            argv,
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env={**os.environ, "TERM": "xterm-256color", **(env or {})},
            preexec_fn=_take_terminal,
        )
        os.close(slave)
        self._master: int | None = master
        self._wake, self._waker = os.pipe()
        self._screen = pyte.Screen(columns, rows)
        self._stream = pyte.ByteStream(self._screen)
        self._lock = threading.Lock()
        self.received = bytearray()
        self._reader = threading.Thread(target=self._read, args=(master,), daemon=True)
        self._reader.start()

    def _read(self, master: int) -> None:
        with contextlib.suppress(OSError):
            while self._wake not in select.select([master, self._wake], [], [])[0]:
                chunk = os.read(master, 65536)
                with self._lock:
                    self.received += chunk
                    # The emulator does not know the keyboard protocol of kitty and would print its letters.
                    self._stream.feed(re.sub(rb"\x1b\[[<>=?][0-9;]*u", b"", chunk))

    def text(self) -> str:
        """What is on the screen."""
        with self._lock:
            return "\n".join(self._screen.display)

    def press(self, *keys: str) -> None:
        """Type keys, as the bytes that a terminal sends."""
        assert self._master is not None
        for key in keys:
            os.write(self._master, key.encode())

    def wait_for(self, pattern: str, seconds: float = 30.0) -> str:
        """Wait until the screen shows a pattern and return the screen."""
        deadline = time.monotonic() + seconds
        while True:
            shown = self.text()
            if re.search(pattern, shown):
                return shown
            assert time.monotonic() < deadline, f"{pattern!r} did not appear within {seconds} s:\n{shown}"
            time.sleep(_POLL_S)

    def wait_until_gone(self, pattern: str, seconds: float = 30.0) -> None:
        """Wait until the screen does not show a pattern any more."""
        self.wait_for(rf"\A(?![\s\S]*{pattern})", seconds)

    def settle(self, seconds: float = 60.0) -> None:
        """Wait until nothing has come for a while from a program that has nothing to do."""
        deadline = time.monotonic() + seconds
        size, since = -1, time.monotonic()
        while time.monotonic() - since < _STILL_S:
            if len(self.received) != size or self._works():
                size, since = len(self.received), time.monotonic()
            assert time.monotonic() < deadline, f"it did not come to rest within {seconds} s:\n{self.text()}"
            time.sleep(_POLL_S)

    def _works(self) -> bool:
        """Whether one of its threads has something to do, also where the machine does not let it."""
        for thread in Path(f"/proc/{self.process.pid}/task").glob("*/stat"):
            # A thread may end between two looks.
            with contextlib.suppress(OSError):
                if thread.read_text().rpartition(") ")[2][0] in "RD":
                    return True
        return False

    def hang_up(self) -> None:
        """What a lost connection does: the terminal is gone and the session gets SIGHUP."""
        assert self._master is not None
        # A terminal is gone only when nobody reads from it any more.
        os.close(self._waker)
        self._reader.join()
        os.close(self._wake)
        os.close(self._master)
        self._master = None

    def close(self) -> None:
        """End whatever still runs."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
        self.process.wait(10)
        if self._master is not None:
            self.hang_up()


def _take_terminal() -> None:
    os.setsid()
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


@contextlib.contextmanager
def terminal(argv: Sequence[str], columns: int = 80, rows: int = 24) -> Iterator[Terminal]:
    """A program in a terminal, ended afterwards."""
    opened = Terminal(argv, columns, rows)
    try:
        yield opened
    finally:
        opened.close()
