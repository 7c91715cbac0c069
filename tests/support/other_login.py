"""A second login of this machine that really is one: a process of its own, which only root can start."""

from __future__ import annotations

import contextlib
import grp
import multiprocessing
import os
import pwd
import tempfile
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, TypeVar

import pytest

_T = TypeVar("_T")
NOBODY = "nobody"
GROUP = "nogroup"

needed = pytest.mark.skipif(os.geteuid() != 0, reason="a second login's processes can be started by root only")


class OtherLogin:
    """Calls functions as `nobody`. Begun before a journal is opened: SQLite must not be taken over a fork."""

    def __init__(self) -> None:
        context = multiprocessing.get_context("fork")
        self._ours, theirs = context.Pipe()
        self.process = context.Process(target=_serve, args=(theirs, self._ours), daemon=True)
        self.process.start()
        theirs.close()

    def call(self, function: Callable[..., _T], *arguments: object) -> _T:
        """What a function of a module says there; what it raises is raised here."""
        self.begin(function, *arguments)
        return self.end()

    def begin(self, function: Callable[..., Any], *arguments: object) -> None:
        """Let it call a function and do not wait."""
        self._ours.send((function, arguments))

    def end(self) -> Any:
        """Wait for what was begun."""
        assert self._ours.poll(60), "the other login said nothing"
        fine, answer = self._ours.recv()
        if not fine:
            raise answer
        return answer

    def kill(self) -> None:
        """End it at once, as a terminal that is lost."""
        self.process.kill()
        self.process.join(10)


def _serve(connection: Connection, ours: Connection) -> None:
    ours.close()
    login = pwd.getpwnam(NOBODY)
    os.setgroups([])
    os.setgid(grp.getgrnam(GROUP).gr_gid)
    os.setuid(login.pw_uid)
    with contextlib.suppress(EOFError):
        while True:
            function, arguments = connection.recv()
            try:
                answer = (True, function(*arguments))
            except Exception as error:  # noqa: BLE001 - it is raised on the other side
                answer = (False, error)
            connection.send(answer)


@pytest.fixture
def other() -> Iterator[OtherLogin]:
    """The second login, ended after the test."""
    login = OtherLogin()
    yield login
    login.kill()


@pytest.fixture
def open_state(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A state directory to which every login of this machine has a way."""
    with tempfile.TemporaryDirectory(dir="/tmp") as made:
        state = Path(made)
        state.chmod(0o755)
        monkeypatch.setenv("CUTOVER_STATE", str(state))
        yield state
