"""What the screens cost at a terminal of 80 by 24: start, keys, rest, a live lag, memory, a slow line, leaving.

python benchmarks/terminal.py [--runs N] [--json FILE]

Without a server: a journal is told a migration, as a runner tells it, and `cutover` shows it. What is measured is the
process of the screen. Times are those of the machine it runs on; bytes are the same everywhere.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import signal
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests/tui")]

from tui_stories import Clock, Teller  # noqa: E402

from benchmarks.pty_screen import PtyScreen, plain  # noqa: E402

COMMAND = (sys.executable, "-c", "from tui.command_line import main; main()")
CRASHING = str(ROOT / "tests/tui/pty_app.py")
PLANTED = b"planted-secret"
SLOW = 4096
# The last word of the key line: the whole screen is there.
USABLE = rb"q Leave"
DOWN, UP, ESCAPE = b"\x1b[B", b"\x1b[A", b"\x1b"
# Where a key leads: from the list of checks, and from the lag.
CHECKS_WAYS = {"a finding": b"\r", "all fixes": b"F", "the log": b"l", "help": b"?", "cancel": b"x", "palette": b":"}
LAG_WAYS = {"cut over": b"c", "checks": b"2", "plan": b"3", "copy": b"4", "servers": b"1", "attempts": b"6"}


def environment() -> dict[str, str]:
    """As over SSH: 256 colours, since the word for more is not carried over."""
    kept = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "TEXTUAL_THEME", "COLORTERM", "TMUX")}
    return kept | {"TERM": "xterm-256color", "PYTHONPATH": str(ROOT), "SSH_CONNECTION": "10.0.0.1 1 10.0.0.2 22"}


@contextmanager
def told(chapter: Callable[[Teller], object]) -> Iterator[Teller]:
    """A journal with a migration in it up to a chapter; this process is its runner."""
    teller = Teller(Clock(time.time()), name=f"bench-{time.monotonic_ns()}")
    try:
        chapter(teller)
        yield teller
    finally:
        teller.close()


@contextmanager
def opened(teller: Teller, rate: int | None = None, observer: bool = True) -> Iterator[PtyScreen]:
    """The screen of a migration, once it is all there and rests."""
    command = ("watch",) if observer else ("resume",)
    screen = PtyScreen((*COMMAND, *command, teller.name), environment(), rate)
    try:
        screen.until(USABLE)
        # A live screen ticks once a second.
        screen.rest(0.6)
        if not observer:
            screen.key(b"\r", quiet=0.6)
        yield screen
    finally:
        screen.close()


def start(runs: int) -> dict[str, float]:
    """Seconds from the start of the process to the first drawn character, and to the whole screen."""
    first, usable = [], []
    with told(Teller.checks) as teller:
        for _ in range(runs):
            screen = PtyScreen((*COMMAND, "watch", teller.name), environment())
            first.append(screen.until(rb"[A-Za-z]"))
            usable.append(screen.until(USABLE))
            screen.close()
    return {
        "first_cell_median_s": statistics.median(first),
        "first_cell_worst_s": max(first),
        "usable_median_s": statistics.median(usable),
        "usable_worst_s": max(usable),
    }


def keys(presses: int) -> dict[str, float]:
    """Milliseconds from a key to the first byte of its answer, and bytes: moving, and opening and leaving screens."""
    answered, escaped, sizes, widest = [], [], [], (0, "")
    with told(Teller.checks) as teller, opened(teller) as screen:
        for number in range(presses):
            took, _, size = screen.key(DOWN if number % 16 < 8 else UP, quiet=0.05)
            answered.append(took * 1000)
            sizes.append(size)
    for chapter, ways in ((Teller.checks, CHECKS_WAYS), (Teller.lag, LAG_WAYS)):
        with told(chapter) as teller, opened(teller, observer=False) as screen:
            for name, key in ways.items():
                for each, what in ((key, name), (ESCAPE, f"back from {name}")):
                    took, _, size = screen.key(each, quiet=0.25)
                    (escaped if each == ESCAPE else answered).append(took * 1000)
                    sizes.append(size)
                    widest = max(widest, (size, what))
    answered.sort()
    return {
        "keys": len(answered),
        "key_p50_ms": statistics.median(answered),
        "key_p99_ms": answered[int(len(answered) * 0.99)],
        # Alone it could be the beginning of another key: the program has to wait whether more comes.
        "escape_p50_ms": statistics.median(escaped),
        "key_median_bytes": statistics.median(sizes),
        "key_worst_bytes": widest[0],
        "key_worst": widest[1],
    }


def resting(seconds: float) -> dict[str, float]:
    """Bytes a second of a screen that rests. Once a minute the clock changes: that minute is waited for."""
    with told(Teller.plan) as teller, opened(teller) as screen:
        while not 3 < time.time() % 60 < 55 - seconds:
            screen.read(0.5)
        cpu, began, size = screen.cpu_s(), time.monotonic(), 0
        while (left := seconds - (time.monotonic() - began)) > 0:
            size += screen.read(left)[0]
        return {"resting_bytes_s": size / seconds, "resting_cpu_percent": 100 * (screen.cpu_s() - cpu) / seconds}


def live(seconds: int) -> dict[str, float]:
    """Bytes and processor time of a lag that is told once a second, and memory after it."""
    with told(Teller.lag) as teller, opened(teller) as screen:
        cpu, began, size = screen.cpu_s(), time.monotonic(), 0
        for second in range(1, seconds + 1):
            teller.reading(1.0 + 0.4 * (second % 5), 0)
            teller.conditions("cutover", held=True, before=0)
            while (left := began + second - time.monotonic()) > 0:
                size += screen.read(left)[0]
        return {
            "live_bytes_s": size / seconds,
            "live_cpu_percent": 100 * (screen.cpu_s() - cpu) / seconds,
            "memory_mib": screen.memory_mib(),
        }


def slow_line() -> dict[str, Any]:
    """Seconds until a screen is all there on a line of 4 kB a second, after the key that opens it or leaves it."""
    settled: dict[str, float] = {}
    for chapter, ways in ((Teller.checks, CHECKS_WAYS), (Teller.lag, LAG_WAYS)):
        with told(chapter) as teller, opened(teller, rate=SLOW, observer=False) as screen:
            for name, key in ways.items():
                settled[name] = screen.key(key, quiet=0.3)[1]
                settled[f"back from {name}"] = screen.key(ESCAPE, quiet=0.3)[1]
    worst = max(settled, key=lambda name: settled[name])
    return {"slow_line_median_s": statistics.median(settled.values()), "slow_line_worst_s": settled[worst],
            "slow_line_worst": worst}  # fmt: skip


def leaving(runs: int) -> dict[str, Any]:
    """Seconds from a signal, a lost connection or a crash to the end of the process, and what was left on."""
    took: dict[str, list[float]] = {"TERM": [], "HUP": [], "hangup": [], "crash": []}
    left: set[str] = set()
    with told(Teller.checks) as teller:
        for _ in range(runs):
            for number in (signal.SIGTERM, signal.SIGHUP):
                with opened(teller) as screen:
                    screen.process.send_signal(number)
                    took[number.name.removeprefix("SIG")].append(screen.gone())
                    left.update(screen.left_on())
            with opened(teller) as screen:
                took["hangup"].append(screen.hang_up())
            crashing = PtyScreen((sys.executable, CRASHING, str(teller.path), "--crash"), environment())
            crashing.until(rb"ZeroDivisionError")
            took["crash"].append(crashing.gone())
            left.update(crashing.left_on())
            if PLANTED in re.sub(rb'password = "[^"]*"', b"", plain(crashing.received)):
                left.add("a local variable was printed")
            crashing.close()
    worst = {f"leaving_{name}_worst_s": max(times) for name, times in took.items()}
    return {**worst, "left_on": ", ".join(sorted(left)) or "nothing"}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=9)
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    figures: dict[str, Any] = {"runs": asked.runs, "load_before": os.getloadavg()[0]}
    with tempfile.TemporaryDirectory() as state:
        os.environ["CUTOVER_STATE"] = state
        os.environ["CUTOVER_CONFIG"] = state
        for measure in (
            lambda: start(asked.runs),
            lambda: keys(25 * asked.runs),
            lambda: resting(20.0),
            lambda: live(20),
            slow_line,
            lambda: leaving(max(1, asked.runs // 3)),
        ):
            found = measure()
            figures |= found
            for name, value in found.items():
                print(f"{name:24} {value:.3f}" if isinstance(value, float) else f"{name:24} {value}", flush=True)
    figures["load_after"] = os.getloadavg()[0]
    print(f"load of the machine: {figures['load_before']:.1f} before, {figures['load_after']:.1f} after")
    if asked.json is not None:
        asked.json.write_text(json.dumps(figures, indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
