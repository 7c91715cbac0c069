"""How long the endpoint lets nobody in, as this program sees it: it logs in again and again, as clients do."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace

from migration.runbook import Migration
from providers.mysql.connection import Timeouts
from providers.mysql.errors import ServerError
from providers.mysql.position import Position, within
from providers.mysql.server import Server

_PAUSE_S = 0.1
# A machine that fails leaves its connections silent.
_TIMEOUTS = Timeouts(connect=2.0, answer=2.0)


@dataclass(frozen=True)
class Seen:
    """What was seen so far; times in seconds since the epoch.

    `last`: when clients could write for the last time before the endpoint went away, and `first` when again; None while
    that has not happened. `had`: where the binary log ended when that was asked for the last time before, `has`
    afterwards. `trouble`: why nobody gets in now; empty while one does. `longest`: of several outages, in seconds; None
    where none was seen from its beginning to its end. `looked`: whether one look was made,
    without which nothing is known.
    """

    last: float | None = None
    first: float | None = None
    had: Position | None = None
    has: Position | None = None
    trouble: str = ""
    longest: float | None = None
    looked: bool = False

    @property
    def there(self) -> bool:
        """Whether the newest look got in, and found that clients can write."""
        return self.looked and not self.away

    @property
    def away(self) -> bool:
        """Whether nobody gets in now."""
        return bool(self.trouble)

    @property
    def seconds(self) -> float | None:
        """How long nobody could write; None where that was not seen, or lasts."""
        return None if self.last is None or self.first is None else self.first - self.last

    @property
    def kept(self) -> bool | None:
        """Whether everything is there that was before; None where that was not seen."""
        return None if self.had is None or self.has is None else within(self.had, self.has)


class Watching:
    """A thread that looks ten times a second, from when it is made until `close`."""

    def __init__(self, m: Migration) -> None:
        self._m = m
        self._seen = Seen()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="outage", daemon=True)
        self._thread.start()

    @property
    def seen(self) -> Seen:
        """What was seen so far."""
        return self._seen

    def close(self) -> None:
        """End looking."""
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        open_at, end = None, None
        while not self._stop.is_set():
            asked = time.time()
            try:
                end = self._look()
            except ServerError as error:
                before = self._seen if self._seen.away else replace(self._seen, last=open_at, had=end)
                self._seen = replace(before, first=None, has=None, trouble=str(error), looked=True)
            else:
                seen = replace(self._seen, looked=True)
                self._seen = _back(replace(seen, first=time.time(), has=end, trouble="")) if seen.away else seen
                open_at = asked
            self._stop.wait(_PAUSE_S)

    def _look(self) -> Position:
        """Where its binary log ends.

        Raises:
            ServerError: nobody gets in, another server answers, or it takes no writes.
        """
        known = self._m.source
        with contextlib.closing(Server(known.endpoint, known.identity.uid, _TIMEOUTS)) as server:
            if server.read_only().clients:
                raise ServerError(server.name, f"{server.name} is read-only.")
            return self._m.end_position(server)


def _back(seen: Seen) -> Seen:
    """What was seen once somebody gets in again."""
    known = [one for one in (seen.longest, seen.seconds) if one is not None]
    return replace(seen, longest=max(known, default=None))


@contextlib.contextmanager
def watching(m: Migration) -> Iterator[Watching]:
    """Look for as long as the block lasts."""
    opened = Watching(m)
    try:
        yield opened
    finally:
        opened.close()
