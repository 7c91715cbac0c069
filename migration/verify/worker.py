"""A thread that does one thing again and again, on new connections where its own break."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from migration.journal import JournalError
from migration.verify.readers import Readers
from providers.mysql.errors import ConnectionLost, ServerError, Unreachable

_PATIENCE_S = 120.0
_PAUSE_S = 0.5
_LEAVE_S = 2.0
_CUT_S = 5.0


class Worker:
    """Goes on until it is closed, a server refuses or cannot be reached for two minutes, or nothing can be kept."""

    def __init__(
        self, name: str, readers: Readers, act: Callable[[], None], failed: Callable[[Exception], None]
    ) -> None:
        """The readers, for this thread only, are closed with it. `failed`: told once, where it cannot go on."""
        self._readers = readers
        self._act = act
        self._failed = failed
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self.stopping = threading.Event()

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def close(self) -> None:
        """End, and close the readers."""
        self.stopping.set()
        if self._thread.ident is not None:
            self._thread.join(_LEAVE_S)
        if self._thread.is_alive():
            self._readers.cut()
            self._thread.join(_CUT_S)
        self._readers.close()

    def _run(self) -> None:
        lost_at: float | None = None
        while not self.stopping.is_set():
            try:
                if lost_at is not None:
                    self._readers.reopen()
                self._act()
                lost_at = None
            except (ConnectionLost, Unreachable) as error:
                lost_at = lost_at or time.monotonic()
                if time.monotonic() - lost_at > _PATIENCE_S:
                    self._failed(error)
                    return
                self.stopping.wait(_PAUSE_S)
            except (ServerError, JournalError) as error:
                self._failed(error)
                return
