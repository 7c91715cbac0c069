"""How long `cutover rehearse` takes to paint its first screen, beside the smallest program of the same toolkit.

python benchmarks/paint.py [--runs N] [--json FILE]

Both run in a terminal of 80 by 24. A program that is stopped here leaves no rehearsal behind.
"""

from __future__ import annotations

import argparse
import fcntl
import json
import os
import pty
import select
import signal
import statistics
import struct
import subprocess
import sys
import tempfile
import termios
import time
from pathlib import Path

SMALLEST = """
from textual.app import App
from textual.widgets import Static
class Smallest(App):
    def compose(self):
        yield Static("Starting")
Smallest().run()
"""
WIZARD = "from tui.command_line import app; app()"
# The first words of either program.
PAINTED = b"Starting"
LIMIT_S = 30.0


def first_paint_s(code: str, *arguments: str) -> float:
    """Seconds from the start of the process until its first words arrive at the terminal."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    began = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, "-c", code, *arguments],
        stdin=slave, stdout=slave, stderr=slave, start_new_session=True,
        env={**os.environ, "TERM": "xterm-256color"},
    )  # fmt: skip
    os.close(slave)
    received = b""
    try:
        while PAINTED not in received:
            if time.monotonic() - began > LIMIT_S:
                raise SystemExit(f"nothing was painted within {LIMIT_S:.0f} s: {received[-500:]!r}")
            if select.select([master], [], [], LIMIT_S)[0]:
                received += os.read(master, 65536)
        return time.monotonic() - began
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
        os.close(master)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=9)
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    smallest, wizard = [], []
    with tempfile.TemporaryDirectory() as state:
        os.environ["CUTOVER_STATE"] = state
        for _ in range(asked.runs):
            smallest.append(first_paint_s(SMALLEST))
            wizard.append(first_paint_s(WIZARD, "rehearse"))
            subprocess.run([sys.executable, "-c", WIZARD, "rehearse", "--stop"], check=True, stdout=subprocess.DEVNULL)
    figures = {
        "runs": asked.runs,
        "smallest_median_s": statistics.median(smallest),
        "wizard_median_s": statistics.median(wizard),
        "wizard_worst_s": max(wizard),
        "ratio": statistics.median(wizard) / statistics.median(smallest),
    }
    for name, value in figures.items():
        print(f"{name:20} {value:.2f}" if isinstance(value, float) else f"{name:20} {value}")
    if asked.json is not None:
        asked.json.write_text(json.dumps(figures, indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
