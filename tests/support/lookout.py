"""Somebody who looks for what nobody may see: in every process and file of a rehearsal, all the while it runs."""

from __future__ import annotations

import contextlib
import os
import re
import threading
from collections.abc import Callable, Collection, Iterator
from pathlib import Path

import psutil

from migration.journal import JournalError
from migration.sessions import SessionError, read_spec, sessions
from providers.sandbox import passwords
from providers.sandbox.client import SandboxFailed
from tui.opening import secrets_of_sandbox

_EVERY_S = 0.2
# A server's own directory, and its snapshot, have the password of its replication; the file of passwords has them all.
_NOT_OURS = re.compile(r"data|snapshot-.*|passwords\.json")


class Lookout:
    """Remembers the arguments and the environment of every process, and where a file had one of the words."""

    def __init__(self, directory: Path, learn: Callable[[], Collection[str]]) -> None:
        """Prepare to look.

        Args:
            directory: under which files are looked at.
            learn: the words, empty as long as they are not known; it is asked until they are.
        """
        self._directory = directory
        self._learn = learn
        self._shown: dict[str, str] = {}
        self._files: set[str] = set()
        self._stop = threading.Event()
        self._through = False
        self._thread = threading.Thread(target=self._run, name="lookout", daemon=True)
        self.words: Collection[str] = ()

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def stop(self) -> None:
        """Look once more, and no longer."""
        self._stop.set()
        self._thread.join()

    def found(self, received: str) -> list[str]:
        """Where a word was: in a process, in a file, or in what a terminal received."""
        assert self.words, "there was nothing to look for"
        assert self._through, "it has not looked to the end"
        assert self._shown, "no process was seen"
        places = sorted(self._files)
        places += [f"process {name}" for shown, name in self._shown.items() if self._in(shown.encode())]
        return places + (["the terminal"] if self._in(received.encode()) else [])

    def _in(self, content: bytes) -> bool:
        return any(word.encode() in content for word in self.words)

    def _run(self) -> None:
        going = True
        while going:
            going = not self._stop.wait(_EVERY_S)
            self.words = self.words or self._learn()
            self._look_at_processes()
            self._look_at_files()
        self._through = True

    def _look_at_processes(self) -> None:
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                shown = "\0".join([*process.cmdline(), *process.environ().values()])
                self._shown.setdefault(shown, process.name())

    def _look_at_files(self) -> None:
        for place, within, files in os.walk(self._directory):
            within[:] = [name for name in within if not _NOT_OURS.fullmatch(name)]
            for path in (Path(place, name) for name in files if not _NOT_OURS.fullmatch(name)):
                # A file that has gone meanwhile, or a socket.
                with contextlib.suppress(OSError):
                    if self._in(path.read_bytes()):
                        self._files.add(str(path.relative_to(self._directory)))


def passwords_of_a_rehearsal() -> tuple[str, ...]:
    """Those of the sandbox's accounts and of the newest migration; none until that is known."""
    for session in sessions():
        with contextlib.suppress(SandboxFailed, SessionError, JournalError):
            of_migration = secrets_of_sandbox(read_spec(session.journal))
            if of_migration is not None:
                clear = of_migration.reveal()
                accounts = passwords.load()
                of_all = (accounts.administrator, accounts.replication, accounts.application)
                words = {account.password.reveal() for account in of_all} | set(clear.pop("cloud").values())
                return tuple(filter(None, words | set(clear.values())))
    return ()


@contextlib.contextmanager
def lookout(directory: Path, learn: Callable[[], Collection[str]] = passwords_of_a_rehearsal) -> Iterator[Lookout]:
    """Somebody who looks while something runs."""
    one = Lookout(directory, learn)
    one.start()
    try:
        yield one
    finally:
        one.stop()
