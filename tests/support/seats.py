"""Terminals in processes of their own, for tests of the operator's seat."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from migration import terminals
from migration.decisions import operator
from migration.terminals import Terminal


@contextlib.contextmanager
def sitting(journal: Path, *, observer: bool = False) -> Iterator[Terminal]:
    """A terminal of this login in a process of its own, which ends with the block."""
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"]) as process:
        began = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()[19]
        own = f"{process.pid}-{began}-{os.urandom(4).hex()}"
        terminal = Terminal(own, operator(), process.pid, time.time(), observer)
        terminals.arrive(journal, terminal)
        try:
            yield terminal
        finally:
            process.kill()


def silence(journal: Path, terminal: Terminal, seconds: float) -> None:
    """The screen of a terminal has said nothing for so long."""
    then = time.time() - seconds
    os.utime(terminals.room(journal) / f"{terminal.id}.json", (then, then))
