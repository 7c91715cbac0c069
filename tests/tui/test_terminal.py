"""On a real pseudo-terminal: what it sends, and what it leaves behind when it goes."""

from __future__ import annotations

import fcntl
import os
import re
import resource
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from tui_stories import FOUND_AT, Clock, Teller

from migration.journal import RunnerSeat
from tests.support import terminal_modes

_GONE_S = 15.0


class Terminal:
    """The app in a child process, on a pty of 80x24."""

    def __init__(self, *arguments: str, env: dict[str, str] | None = None) -> None:
        self.master, slave = os.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        root = Path(__file__).resolve().parents[2]
        keep = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "SSH_CONNECTION", "TEXTUAL_THEME")}
        keep |= {"TERM": "xterm-256color", "COLORTERM": "truecolor", "PYTHONPATH": str(root), **(env or {})}
        self.before = termios.tcgetattr(slave)
        self.process = subprocess.Popen(
            [sys.executable, str(root / "tests/tui/pty_app.py"), *arguments],
            stdin=slave, stdout=slave, stderr=slave, env=keep, start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )  # fmt: skip
        self.slave = slave
        self.output = b""

    def read(self, seconds: float) -> bytes:
        """Everything that comes within that time."""
        new = b""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            if select.select([self.master], [], [], left)[0]:
                try:
                    new += os.read(self.master, 65536)
                except OSError:
                    break
        self.output += new
        return new

    def until(self, text: str) -> None:
        """Read until a text was drawn."""
        end = time.monotonic() + 20
        while text not in self.plain:
            assert time.monotonic() < end, self.plain[-3000:]
            self.read(0.02)

    @property
    def plain(self) -> str:
        return re.sub(rb"\x1b\[[0-9;?<>=$]*[a-zA-Z]", b"", self.output).decode(errors="replace")

    def quiet(self) -> None:
        """Read until nothing has come for a second: a busy machine paints its first screens late."""
        while self.read(1.0):
            pass

    def left_on(self) -> list[str]:
        """Modes that were switched on and not off again."""
        return terminal_modes.left_on(self.output)

    def gone(self) -> float:
        """Wait for the end of the process; how long it took."""
        began = time.monotonic()
        while self.process.poll() is None:
            assert time.monotonic() - began < _GONE_S, "it is still there"
            self.read(0.01)
        took = time.monotonic() - began
        self.read(0.05)
        return took

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        os.close(self.slave)
        os.close(self.master)


@pytest.fixture
def teller() -> Iterator[Teller]:
    """A journal with true times; its runner is this process."""
    clock = Clock(time.time())
    made = Teller(clock)
    made.checks()
    yield made
    made.close()


@pytest.fixture
def terminal() -> Iterator[list[Terminal]]:
    made: list[Terminal] = []
    yield made
    for each in made:
        each.close()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP], ids=lambda n: n.name)
def test_a_signal_ends_it_at_once_with_the_terminal_as_it_was(teller, terminal, number):
    screen = Terminal(str(teller.path))
    terminal.append(screen)
    screen.until("Prerequisite checks")
    screen.quiet()
    assert "1049" in screen.left_on()
    cpu = psutil.Process(screen.process.pid).cpu_times()
    reaped = resource.getrusage(resource.RUSAGE_CHILDREN)
    screen.process.send_signal(number)
    screen.gone()
    whole = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = whole.ru_utime + whole.ru_stime - reaped.ru_utime - reaped.ru_stime - cpu.user - cpu.system
    # Processor time, not time on the wall: a busy machine must not decide this.
    assert spent < 0.3
    assert screen.process.returncode == 128 + number
    assert screen.left_on() == []
    assert termios.tcgetattr(screen.slave) == screen.before
    assert RunnerSeat(teller.path).taken()


def test_a_lost_connection_ends_it_and_leaves_the_runner_alone(teller, terminal):
    screen = Terminal(str(teller.path))
    terminal.append(screen)
    screen.until("Prerequisite checks")
    os.close(screen.master)
    screen.master = os.open(os.devnull, os.O_RDONLY)
    assert screen.process.wait(_GONE_S) == 128 + signal.SIGHUP
    assert RunnerSeat(teller.path).taken()


def test_q_leaves_with_success(teller, terminal):
    screen = Terminal(str(teller.path), env={"SSH_CONNECTION": "10.0.0.1 1 10.0.0.2 22"})
    terminal.append(screen)
    screen.until("Prerequisite checks")
    os.write(screen.master, b"q")
    screen.gone()
    assert screen.process.returncode == 0
    assert screen.left_on() == []
    assert b"\x1b[?1003h" not in screen.output
    assert not re.search(rb"\x1b\[>[0-9]+u", screen.output)


def test_a_resting_screen_sends_nothing(teller, terminal):
    screen = Terminal(str(teller.path))
    terminal.append(screen)
    screen.until("Prerequisite checks")
    screen.quiet()
    # Two things change once a minute: the clock, and the age of the findings.
    while not all(3 < (time.time() - changes) % 60 < 50 for changes in (0, FOUND_AT)):
        screen.read(0.2)
    assert screen.read(3.0) == b""


def test_a_live_lag_stays_below_three_kilobytes_a_second(teller, terminal):
    teller.clock.now = time.time()
    teller.lag()
    screen = Terminal(str(teller.path))
    terminal.append(screen)
    screen.until("Replicate")
    screen.read(1.5)
    total = 0
    for second in range(4):
        teller.reading(1.0 + 0.7 * second, 0)
        teller.conditions("cutover", held=second % 2 == 0, before=0)
        total += len(screen.read(1.0))
    assert 200 < total / 4 <= 3000
    assert "worst in 15 m" in screen.plain


def test_a_crash_shows_no_local_variables_and_names_the_journal(teller, terminal):
    screen = Terminal(str(teller.path), "--crash")
    terminal.append(screen)
    screen.gone()
    assert screen.process.returncode == 1
    assert "ZeroDivisionError" in screen.plain
    assert "the migration goes on" in screen.plain
    assert "journal.db" in screen.plain
    assert "planted-secret" not in screen.plain.replace('password = "planted-secret"', "")
    assert screen.left_on() == []


def test_no_color_sends_no_colour(teller, terminal):
    screen = Terminal(str(teller.path), env={"NO_COLOR": "1"})
    terminal.append(screen)
    screen.until("Prerequisite checks")
    screen.quiet()
    colours = re.findall(rb"\x1b\[[0-9;]*m", screen.output)
    assert colours
    codes = {code for found in colours for code in found[2:-1].split(b";") if code}
    assert codes <= {b"0", b"1", b"2", b"3", b"4", b"7", b"39", b"49"}, codes
