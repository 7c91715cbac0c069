"""The runner's end of the lease: a second process that lifts the fence if this one dies or oversleeps."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from types import TracebackType
from typing import Any, Self

from migration.cutover.attempt import Aborted, Switchover
from migration.runbook import Migration

_START_S = 20.0
READY = b"armed\n"


class Lease:
    """A watchdog for one attempt. Starts at once; `armed` waits until it watches.

    The watchdog sees this process die by the end of its standard input. Leaving the block tells it that the attempt
    has come to an end that needs no watching.
    """

    def __init__(self, m: Migration, s: Switchover) -> None:
        order: dict[str, Any] = {
            "secrets": m.secrets.reveal(),
            "number": s.number,
            "direction": s.direction.value,
            "positioning": m.positioning.value,
            "source": m.source.identity.uid,
            "target": m.target.identity.uid,
        }
        path = m.scribe.journal.path.absolute()
        with path.with_name("watchdog.log").open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "migration.cutover.watchdog", str(path)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                bufsize=0,
                start_new_session=True,
            )
        self._said = threading.Event()
        self._log = path.with_name("watchdog.log")
        self._listener = threading.Thread(target=self._listen, name="lease", daemon=True)
        self._listener.start()
        self._tell(order)

    def armed(self) -> None:
        """Wait until the watchdog has its own sessions on both servers.

        Raises:
            Aborted: it did not start, or has ended.
        """
        if not self._said.wait(_START_S) or self._process.poll() is not None:
            raise Aborted(f"The watchdog that would lift the fence is not at work; see {self._log}, then try again.")

    def fenced(self, deadline_s: float) -> None:
        """The fence is about to go up, for so many seconds at most.

        Raises:
            Aborted: the watchdog has ended.
        """
        self._tell({"fenced_s": deadline_s})

    def settled_by_runbook(self) -> None:
        """Past the point of no return it is the provider that opens the new side: the mover has to look how it ends.

        Raises:
            Aborted: the watchdog has ended.
        """
        self._tell({"settles": True})

    def lifted(self) -> None:
        """The fence is down again."""
        self._tell({"lifted": True})

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._tell({"over": True})
        except Aborted:
            pass
        finally:
            if self._process.stdin is not None:
                self._process.stdin.close()
            self._process.wait()
            self._listener.join()

    def _tell(self, order: dict[str, Any]) -> None:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(order).encode() + b"\n")
        except BrokenPipeError as error:
            raise Aborted(
                f"The watchdog that would lift the fence has ended; see {self._log}, then try again."
            ) from error

    def _listen(self) -> None:
        assert self._process.stdout is not None
        if self._process.stdout.readline() == READY:
            self._said.set()
        while self._process.stdout.readline():
            pass
