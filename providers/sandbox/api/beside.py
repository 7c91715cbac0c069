"""What a simulated cloud does beside its calls."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import TypeVar

from providers.mysql.errors import ServerError
from providers.sandbox.catalogue import EngineMissing
from providers.sandbox.launcher import ServerFailed

T = TypeVar("T")
_AGAIN_S = 0.2
_END_S = 30.0
_FAILURES = (ServerError, ServerFailed, EngineMissing)

log = logging.getLogger(__name__)


class Beside:
    """Work in threads of its own. `closing` is set when the simulation ends."""

    def __init__(self) -> None:
        self.closing = threading.Event()
        self._threads: list[threading.Thread] = []
        self._lock = threading.Lock()

    def spawn(self, work: Callable[[], object], name: str) -> None:
        """Let something go on."""
        thread = threading.Thread(target=work, name=name, daemon=True)
        with self._lock:
            self._threads = [one for one in self._threads if one.is_alive()] + [thread]
        thread.start()

    def persist(self, what: str, action: Callable[[], T]) -> T | None:
        """Do something, again and again while a server does not answer; None when the simulation ends meanwhile."""
        while not self.closing.is_set():
            try:
                return action()
            except _FAILURES as error:
                log.warning("%s is tried again: %s", what, error)
                self.closing.wait(_AGAIN_S)
        return None

    def join(self) -> None:
        """Wait for what is under way, for half a minute at the most each."""
        with self._lock:
            threads = tuple(self._threads)
        for thread in threads:
            thread.join(_END_S)
