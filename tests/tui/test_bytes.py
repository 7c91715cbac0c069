"""What the screens may send, and hold: budgets that do not depend on the machine."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
from tui_stories import Clock, Teller

from benchmarks.pty_screen import PtyScreen

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = str(Path(__file__).with_name("pty_app.py"))
KEY_BYTES, LIVE_BYTES_S, MEMORY_MIB = 4096, 2048, 50
# As over SSH: the word for more colours is not carried over.
TERMINAL = {"TERM": "xterm-256color", "COLORTERM": "", "SSH_CONNECTION": "10.0.0.1 1 10.0.0.2 22"}
WAYS: dict[str, tuple[Callable[[Teller], object], tuple[str, ...]]] = {
    "checks": (Teller.checks, ("\x1b[B", "\x1b[A", "\r", "F", "l", "?", ":", "x")),
    "plan": (Teller.plan, ("\x1b[B", "\x1b[A", "s", "l", "?", ":", "x")),
    "lag": (Teller.lag, ("c", "1", "2", "3", "4", "6", "?", ":")),
    "after": (Teller.after, ("R", "C", "D", "1", "6", "?", ":")),
}


@contextmanager
def shown(teller: Teller) -> Iterator[PtyScreen]:
    env = {**os.environ, "PYTHONPATH": str(ROOT), **TERMINAL}
    screen = PtyScreen([sys.executable, PROGRAM, str(teller.path)], env)
    try:
        screen.until(rb"q Leave")
        # A live screen ticks once a second.
        screen.rest(0.6)
        yield screen
    finally:
        screen.close()


@pytest.fixture
def live() -> Iterator[Teller]:
    """A journal with true times; its runner is this process."""
    made = Teller(Clock(time.time()))
    yield made
    made.close()


def there_and_back(screen: PtyScreen, key: str, quiet: float) -> dict[str, int]:
    """Bytes for a key, and for leaving where it led; `quiet`: how long nothing comes when all has come, in seconds."""
    sizes = {key: screen.key(key.encode(), quiet)[2]}
    if not key.startswith("\x1b"):
        sizes[f"back from {key}"] = screen.key(b"\x1b", quiet)[2]
    return sizes


@pytest.mark.parametrize("name", WAYS)
def test_no_key_costs_more_than_its_budget(live, name):
    """At four kilobytes a second each of them is there within a second."""
    chapter, ways = WAYS[name]
    chapter(live)
    with shown(live) as screen:
        cost: dict[str, int] = {}
        for key in ways:
            sizes = there_and_back(screen, key, quiet=0.4)
            if max(sizes.values()) > KEY_BYTES:
                # What a machine that stalls sends late is counted for the next key.
                sizes = there_and_back(screen, key, quiet=2.0)
            cost |= sizes
    assert {key: size for key, size in cost.items() if size > KEY_BYTES} == {}


def test_a_live_lag_stays_within_its_budget(live):
    live.lag()
    with shown(live) as screen:
        began, size, seconds = time.monotonic(), 0, 6
        for second in range(1, seconds + 1):
            live.reading(1.0 + 0.4 * (second % 5), 0)
            live.conditions("cutover", held=True, before=0)
            while (left := began + second - time.monotonic()) > 0:
                size += screen.read(left)[0]
        assert 100 * seconds < size <= LIVE_BYTES_S * seconds
        memory = psutil.Process(screen.process.pid).memory_info().rss / 2**20
    assert memory <= MEMORY_MIB


def test_the_screens_do_not_load_what_connects_to_servers():
    program = "import sys, tui.app; print([m for m in ('pymysql', 'cryptography', 'boto3') if m in sys.modules])"
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    ran = subprocess.run([sys.executable, "-c", program], env=env, capture_output=True, text=True, timeout=60)
    assert ran.stdout == "[]\n", ran.stderr
