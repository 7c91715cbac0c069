"""The ways to move the writes that are compared: ours, the bare statements, and a published manual procedure."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

from migration.cutover import switch
from migration.cutover.ends import end_question, read_end
from migration.model import Direction
from providers.mysql import replication
from providers.mysql.connection import Connection
from providers.mysql.server import Server
from tests.support.moving import Moving

Method = Callable[[Moving, Direction], None]
_SIGNAL_S = 1.0


def sides(made: Moving, direction: Direction) -> tuple[Server, Server]:
    """Who has the writes, and who is to have them."""
    ends = (made.m.source, made.m.target)
    return ends if direction is Direction.CUTOVER else (ends[1], ends[0])


def ours(made: Moving, direction: Direction) -> None:
    """What this program does, with its journal, its locks and its watchdog."""
    switch(replace(made.m, armed=False), made.attempt(direction))


def ours_armed(made: Moving, direction: Direction) -> None:
    """The same with a new side that opens by itself."""
    switch(replace(made.m, armed=True), made.attempt(direction))


class Bare:
    """Nothing but the statements, in the right order, on sessions that are open: no journal, no second reading."""

    def __init__(self) -> None:
        self._sessions: dict[str, Connection] = {}

    def __call__(self, made: Moving, direction: Direction) -> None:
        old, new = sides(made, direction)
        first, second = self._session(old), self._session(new)
        rows = first.results((old.dialect.fence, end_question(made.m, old)))[1]
        assert new.wait_for(read_end(made.m, old, rows), 30.0, second)
        second.run(new.dialect.unfence)

    def _session(self, server: Server) -> Connection:
        key = f"{server.endpoint.address}"
        if key not in self._sessions:
            self._sessions[key] = server.connect()
        return self._sessions[key]


def manual(made: Moving, direction: Direction) -> None:
    """The signal database of the published procedure: writes suspended, a database created and waited for, promotion.

    A person looks once a second; here that is done by a loop, without the person's own time.
    """
    old, new = sides(made, direction)
    signal = f"migration_signal_{made.numbers}_{time.monotonic_ns()}"
    status = new.replica_status()
    while status is None or status.seconds_behind is None or status.seconds_behind > 0:
        time.sleep(_SIGNAL_S)
        status = new.replica_status()
    old.change("SET GLOBAL read_only = ON")
    old.change(f"CREATE DATABASE {signal}")
    while signal not in new.databases():
        time.sleep(_SIGNAL_S)
    new.change(new.dialect.stop_replica)
    new.change(new.dialect.unfence)
    # The procedure ends here; what follows makes the pair ready for the next run.
    new.change(new.dialect.start_replica)
    replication.wait_running(new, 10.0)
    new.change(f"DROP DATABASE {signal}")
    old.change(old.dialect.fence)


METHODS: dict[str, Callable[[], Method]] = {
    "bare": Bare,
    "cutover": lambda: ours,
    "armed": lambda: ours_armed,
    "manual": lambda: manual,
}
