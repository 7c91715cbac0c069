"""Ending a statement that takes too long from a second session.

`lock_wait_timeout` knows whole seconds only, and a wait for a replica has no bound in milliseconds on every server;
`KILL QUERY` from another session ends both (MySQL manual, "KILL Statement").
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from typing import TypeVar

from providers.mysql.connection import Connection
from providers.mysql.errors import ConnectionLost, ServerError, StatementFailed

_T = TypeVar("_T")
_LOOK_S = 0.004
_ABSORB = 20


class Overdue(StatementFailed):
    """The statement was ended because it took longer than it may."""


class Bounded:
    """A session whose statements end at a bound given in fractions of a second.

    Attributes:
        session: the session that is watched; one thread at a time uses it.
        killed: whether the newest `within` sent a KILL QUERY.
    """

    def __init__(self, session: Connection, killer: Connection) -> None:
        """Watch `session`; `killer` is another session of the same account on the same server."""
        self.session = session
        self.killed = False
        self._killer = killer
        self._lock = threading.Lock()
        self._until: float | None = None
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, name=f"bound-{session.server}", daemon=True)
        self._thread.start()

    @contextlib.contextmanager
    def within(self, seconds: float) -> Iterator[None]:
        """Bound what runs on the session inside the block.

        Raises:
            Overdue: it was ended and failed because of that. What came before it in one packet may have been done.
        """
        self._arm(seconds)
        with self._ending(seconds):
            yield

    def sending(self, send: Callable[[], Callable[[], _T]], seconds: float) -> Callable[[], _T]:
        """As `within`, in two halves: `send` is called now, and what it gives back when the answer is to be taken.

        The bound runs from now on. Nothing else may use the session until the answer has been taken.
        """
        self._arm(seconds)
        with self._sent():
            take = send()

        def answer() -> _T:
            with self._ending(seconds):
                return take()

        return answer

    def _arm(self, seconds: float) -> None:
        with self._lock:
            self.killed = False
            self._until = time.monotonic() + seconds

    @contextlib.contextmanager
    def _sent(self) -> Iterator[None]:
        try:
            yield
        except ServerError:
            with self._lock:
                self._until = None
            raise

    @contextlib.contextmanager
    def _ending(self, seconds: float) -> Iterator[None]:
        try:
            yield
        except ConnectionLost:
            self._disarm()
            raise
        except ServerError as error:
            if not self._disarm():
                raise
            raise Overdue(
                self.session.server,
                f"A statement on {self.session.server} was ended because it took longer than {seconds * 1000:.0f} ms "
                f"({error.code}); see which session is in its way and try again.",
                error.code,
            ) from error
        else:
            self._disarm()

    def close(self) -> None:
        """Close both sessions."""
        self._over.set()
        self._thread.join()
        self.session.close()
        self._killer.close()

    def _disarm(self) -> bool:
        with self._lock:
            self._until = None
            killed = self.killed
        if killed:
            self._absorb()
        return killed

    def _absorb(self) -> None:
        """A KILL that came late hits the next statement: let it hit one that does nothing."""
        for _ in range(_ABSORB):
            try:
                self.session.run("DO 0")
            except ConnectionLost:
                raise
            except ServerError:
                continue
            return

    def _watch(self) -> None:
        while not self._over.wait(_LOOK_S):
            with self._lock:
                if self._until is None or time.monotonic() < self._until:
                    continue
                self._until = None
                self.killed = True
                # A session that is gone already needs no killing; that its statement is lost is seen there.
                with contextlib.suppress(ServerError):
                    self._killer.run(f"KILL QUERY {self.session.thread_id}")
