"""Starting processes that die with this one."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO

_PR_SET_PDEATHSIG = 1

# Linux sends the death signal when the *thread* that forked ends, so one thread that lives as long as the
# process does every fork.
_spawner = ThreadPoolExecutor(1, thread_name_prefix="spawner")
_libc = ctypes.CDLL(None, use_errno=True)


def spawn(
    command: Sequence[str],
    *,
    cwd: Path,
    output: IO[bytes],
    stdin: int = subprocess.DEVNULL,
    stdout: int | None = None,
    environment: Mapping[str, str] | None = None,
) -> subprocess.Popen[bytes]:
    """Start `command` so that it is killed when this process ends, however that comes about.

    It gets a process group of its own: an interrupt typed in a terminal is not for it.
    """
    die = _die_with(os.getpid())

    def fork() -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            command,
            cwd=cwd,
            stdin=stdin,
            stdout=output if stdout is None else stdout,
            stderr=output,
            env=environment,
            preexec_fn=die,
            process_group=0,
        )

    return _spawner.submit(fork).result()


def _die_with(parent: int) -> Callable[[], None]:
    def die() -> None:
        _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != parent:
            os._exit(1)

    return die
