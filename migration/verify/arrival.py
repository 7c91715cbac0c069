"""Waiting until the target has what the source has now, however the two are connected."""

from __future__ import annotations

import time
from collections.abc import Callable

from providers.mysql import replication
from providers.mysql.endpoint import Endpoint
from providers.mysql.errors import ServerError
from providers.mysql.server import Server

_POLL_S = 0.05


class Arrival:
    """Two sessions that ask where the source is, and wait on the target. Not for use by two threads at once."""

    def __init__(self, source: Endpoint, target: Endpoint, lag_s: Callable[[], float | None] | None) -> None:
        """Connect.

        Args:
            source: what is followed.
            target: what follows it, or does not.
            lag_s: the target's lag where the caller measures it, for a target that follows by other means.

        Raises:
            ServerError: see `Server`.
        """
        self._source = Server(source)
        try:
            self._target = Server(target)
        except ServerError:
            self._source.close()
            raise
        self._lag_s = lag_s

    def wait(self, seconds: float) -> bool:
        """Wait until the target has everything that the source had when this was called.

        Where nothing is on its way, since the target follows nobody, it has all that it will ever have. False where
        it took longer, replication has stopped, or nobody can tell.

        Raises:
            ServerError: a server does not answer.
        """
        status = self._target.replica_status()
        if status is None:
            return self._by_lag(seconds)
        if replication.comes_from(status, self._target, self._source):
            return self._target.wait_for(self._source.end_of_log(), seconds)
        if self._source.version.mariadb == self._target.version.mariadb and status.using_gtid:
            return self._target.wait_for(self._source.gtid_end(), seconds)
        return False

    def _by_lag(self, seconds: float) -> bool:
        if self._lag_s is None:
            return True
        asked = time.monotonic()
        while time.monotonic() < asked + seconds:
            lag = self._lag_s()
            if lag is not None and time.monotonic() - lag > asked:
                return True
            time.sleep(_POLL_S)
        return False

    def close(self) -> None:
        """Close both sessions."""
        self._source.close()
        self._target.close()
