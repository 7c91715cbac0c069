"""Holding the reading of rows back: while the target lags, while a server is busy, and at the operator's rate."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

from migration.verify.model import Request
from providers.mysql import status
from providers.mysql.connection import Connection, Timeouts
from providers.mysql.dialect import Dialect
from providers.mysql.endpoint import Endpoint
from providers.mysql.errors import PrivilegeMissing, ServerError, StatementFailed
from providers.mysql.server import read_version
from providers.mysql.status import ReplicaStatus

_POLL_S = 0.2
_MIB = 1 << 20
# So much of a second's rate may be read at once after a pause.
_BURST_S = 0.25
# While clients write: how long the servers are left alone after each reading, against how long that took.
_REST, _MOST_REST_S = 1.0, 1.0


class Rate:
    """So many MiB a second, on average; what was not used is not saved up for long."""

    def __init__(self, mib_s: float) -> None:
        """`mib_s`: 0 for no bound."""
        self._bytes_s = mib_s * _MIB
        self._lock = threading.Lock()
        self._free_at = 0.0

    def spend(self, size: int, now: float) -> None:
        """So many bytes were read. `now`: monotonic seconds."""
        if self._bytes_s:
            with self._lock:
                self._free_at = max(self._free_at, now - _BURST_S) + size / self._bytes_s

    def delay(self, now: float) -> float:
        """Seconds until more may be read."""
        with self._lock:
            return max(0.0, self._free_at - now)


def too_much(request: Request, running: dict[str, int], lag_s: float | None) -> str:
    """Why reading is to be held back, empty where it is not.

    `running`: by server the number of its threads that run; `lag_s`: the target's, None where it is not known.
    """
    if request.most_lag_s is not None and lag_s is not None and lag_s > request.most_lag_s:
        return f"the target is {lag_s:.0f} s behind"
    for server, threads in running.items():
        if request.most_running is not None and threads > request.most_running:
            return f"{threads} threads run on {server}"
    return ""


class Gauge:
    """Looks at both servers five times a second, over sessions of its own, and says whether reading may go on.

    What it is not allowed to see holds nothing back. A replica whose applier stopped with an error is reported.
    """

    def __init__(
        self,
        source: Endpoint,
        target: Endpoint,
        request: Request,
        lag_s: Callable[[], float | None] | None,
        broken: Callable[[ServerError], None],
        changed: Callable[[], int] = lambda: 0,
    ) -> None:
        """Nothing is asked before `start`.

        `lag_s`: the target's lag, where the caller measures it. `broken`: told, each time, why replication stopped.
        `changed`: how many rows were changed on the source, ever more.
        """
        self._endpoints = (source, target)
        self._request = request
        self._lag_asked = lag_s
        self._broken = broken
        self._rate = Rate(request.rate_mib_s)
        self._changed, self._changes = changed, (time.monotonic(), 0)
        self._crowded = False
        self._one = threading.Lock()
        self._stop = threading.Event()
        self._free = threading.Event()
        self._free.set()
        self._eyes = tuple(_Eye(endpoint) for endpoint in self._endpoints)
        self.held = ""
        self._lag: float | None = None
        self._thread = threading.Thread(target=self._run, name="verify-gauge", daemon=True)

    def start(self) -> None:
        """Look once, and go on looking."""
        self._look()
        self._thread.start()

    def close(self) -> None:
        """Look no longer, and let everybody go on."""
        self._stop.set()
        self._free.set()
        if self._thread.ident is not None:
            self._thread.join(5.0)

    @property
    def lag_s(self) -> float | None:
        """The target's lag in seconds when it was last looked at, None where it is not known."""
        return self._lag

    def spent(self, size: int) -> None:
        """So many bytes were read from each server."""
        self._rate.spend(size, time.monotonic())

    def turn(self) -> AbstractContextManager[object]:
        """To be held while both servers are read: by one reader at a time while clients write, and with rests."""
        return self._alone() if self._crowded else contextlib.nullcontext()

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        with self._one:
            began = time.monotonic()
            yield
            # The servers' cores are the clients' for as long again: who waited for them has them now.
            self._stop.wait(min(_MOST_REST_S, _REST * (time.monotonic() - began)))

    def permit(self) -> bool:
        """Wait until more may be read; False once it was closed."""
        while not self._stop.is_set():
            self._free.wait()
            delay = self._rate.delay(time.monotonic())
            if not delay:
                break
            self._stop.wait(delay)
        return not self._stop.is_set()

    def _run(self) -> None:
        try:
            while not self._stop.wait(_POLL_S):
                self._look()
        finally:
            for eye in self._eyes:
                eye.close()

    def _look(self) -> None:
        channel = self._eyes[1].channel()
        if channel is not None and channel.applier != "Yes" and channel.applier_error:
            server = self._endpoints[1].name
            self._broken(
                StatementFailed(
                    server,
                    f"Replication on {server} has stopped ({channel.trouble}); cure what it names and start it again.",
                    int(channel.applier_error.partition(":")[0] or 0),
                )
            )
        self._lag = self._measured(channel)
        self._crowded = self._written()
        running = {endpoint.name: eye.running() for endpoint, eye in zip(self._endpoints, self._eyes, strict=True)}
        self.held = too_much(self._request, running, self._lag)
        if self.held:
            self._free.clear()
        else:
            self._free.set()

    def _written(self) -> bool:
        """Whether clients of the source change more rows than they may while it is read at full speed."""
        (then, before), (now, count) = self._changes, (time.monotonic(), self._changed())
        self._changes = now, count
        most = self._request.most_changes_s
        return most is not None and count - before > most * (now - then)

    def _measured(self, channel: ReplicaStatus | None) -> float | None:
        if self._lag_asked is not None:
            return self._lag_asked()
        if channel is None or channel.seconds_behind is None:
            return None
        return float(channel.seconds_behind)


class _Eye:
    """A session that looks at one server, and is opened again where it broke."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._session: Connection | None = None
        self._asks = ""
        self._blind = False

    def running(self) -> int:
        """How many threads run there; 0 where it does not say."""
        with contextlib.suppress(ServerError):
            row = self._opened().row("SHOW GLOBAL STATUS LIKE 'Threads_running'")
            return int(row[1]) if row else 0
        self.close()
        return 0

    def channel(self) -> ReplicaStatus | None:
        """Its channel to a source; None where there is none, or it may not be seen."""
        if self._blind:
            return None
        try:
            rows = self._opened().named(self._asks)
            return status.parse_status(rows[0]) if rows else None
        except PrivilegeMissing:
            self._blind = True
        except ServerError:
            self.close()
        return None

    def close(self) -> None:
        """Close the session."""
        session, self._session = self._session, None
        if session is not None:
            session.close()

    def _opened(self) -> Connection:
        if self._session is None:
            self._session = Connection(self._endpoint, Timeouts(connect=2.0, answer=5.0))
            self._asks = Dialect(read_version(self._session)).replica_status
        return self._session
