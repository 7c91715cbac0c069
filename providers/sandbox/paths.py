"""Where the sandbox keeps engines, templates and running sandboxes, and how two processes share them."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import platformdirs

APPLICATION = "mysql-cutover"


def cache_dir() -> Path:
    """The base of everything that can be fetched or made again; `CUTOVER_CACHE` overrides it."""
    override = os.environ.get("CUTOVER_CACHE")
    return Path(override).absolute() if override else platformdirs.user_cache_path(APPLICATION)


def engines_dir() -> Path:
    """One directory an installed engine."""
    return cache_dir() / "engines"


def downloads_dir() -> Path:
    """Package files as they came; a file put here by hand spares the network."""
    return cache_dir() / "downloads"


def templates_dir() -> Path:
    """Prepared data directories, and the file with their passwords."""
    return cache_dir() / "templates"


def state_dir() -> Path:
    """The base of running sandboxes and journals; `CUTOVER_STATE` overrides it."""
    override = os.environ.get("CUTOVER_STATE")
    return Path(override).absolute() if override else platformdirs.user_state_path(APPLICATION)


def sandboxes_dir(base: Path | None = None) -> Path:
    """One directory a running sandbox, under `base` or the usual state directory."""
    return (base or state_dir()) / "sandbox"


@contextmanager
def scratch(parent: Path, name: str) -> Iterator[Path]:
    """A temporary directory in `parent` for the holder of a lock on `name`.

    Nobody else can be using one of that name, so what a killed process left is removed.
    """
    for stale in parent.glob(f".{name}-*"):
        shutil.rmtree(stale, ignore_errors=True)
    with tempfile.TemporaryDirectory(dir=parent, prefix=f".{name}-") as directory:
        yield Path(directory)


@contextmanager
def exclusive(lock: Path, on_wait: Callable[[], None] | None = None) -> Iterator[None]:
    """Hold `lock` against other processes and threads; `on_wait` is called if somebody else has it."""
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("a") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if on_wait is not None:
                on_wait()
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
