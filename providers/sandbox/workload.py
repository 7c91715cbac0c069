"""The workload's process: clients that write, under orders that come as JSON lines on standard input.

It belongs to the supervisor and ends with it.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pymysql

from providers.mysql.endpoint import Account, Endpoint, Secret
from providers.sandbox import shop
from providers.sandbox.figures import Recorder, WorkloadFigures
from providers.sandbox.launcher import connect
from providers.sandbox.workload_clients import Control, Follower, Pinned, Session, ShopSize, wait_parked

_PAUSE_S = 15.0
_BATCH = 5_000


class CommandRefused(Exception):
    """The workload cannot do this now; one sentence."""


class Workload:
    """The clients and what they have seen.

    `servers` are source and target; `rate` is the writes per second of all followers together.
    """

    def __init__(
        self, servers: tuple[Endpoint, Endpoint], account: Account, rate: int, clients: int, size: ShopSize
    ) -> None:
        self._servers = servers
        self._account = account
        self._control = Control()
        self._recorder = Recorder([server.name for server in servers], time.monotonic_ns())
        self._lost: list[int] | None = None
        self._followers = [
            Follower(number, servers, account, clients / rate, size, self._control, self._recorder)
            for number in range(1, clients + 1)
        ]
        self._pinned = [Pinned(0, servers[0], account, self._control, self._recorder)]

    def start(self) -> None:
        """Let the clients write on the source."""
        self._control.start()
        for client in (*self._followers, *self._pinned):
            client.start()

    def arm(self) -> None:
        """Let the clients know the target: followers may turn to it, and its own client begins to try.

        Raises:
            CommandRefused: the target is not fenced, so that a client could write to it too early.
        """
        if self._control.armed.is_set():
            return
        target = self._servers[1]
        try:
            if not _is_read_only(replace(target, account=self._account)):
                raise CommandRefused(f"{target.name} is not read_only yet: fence it before the clients learn of it.")
        except (pymysql.err.Error, OSError) as error:
            raise CommandRefused(f"{target.name} could not be asked whether it is read_only ({error}).") from error
        for follower in self._followers:
            follower.open_other()
        self._control.armed.set()
        self._pinned.append(Pinned(1, target, self._account, self._control, self._recorder))
        self._pinned[-1].start()

    def pause(self) -> int:
        """End what is begun and begin nothing new; how many clients could not end it."""
        self._control.pause(_PAUSE_S)
        return wait_parked((*self._followers, *self._pinned), time.monotonic() + _PAUSE_S + 1)

    def resume(self) -> None:
        """Go on after a pause."""
        self._lost = None
        self._control.start()

    def figures(self) -> WorkloadFigures:
        """All figures as of now."""
        followers = [follower.server for follower in self._followers]
        found = self._recorder.figures(time.monotonic_ns(), self._lost, followers)
        return replace(found, armed=self._control.armed.is_set(), paused=not self._control.running.is_set())

    def verify_lost(self, server: str | None = None) -> WorkloadFigures:
        """Look every acknowledged write up on `server`, by default the one that takes writes now.

        Raises:
            CommandRefused: the clients are not paused, or the server does not answer.
        """
        if self._control.running.is_set():
            raise CommandRefused("The clients are writing: pause them before looking for lost writes.")
        names = list(self._recorder.servers)
        if server is not None and server not in names:
            raise CommandRefused(f"There is no server {server!r}: use one of {', '.join(names)}.")
        place = self._servers[self._recorder.writer() if server is None else names.index(server)]
        session = Session(place, self._account)
        try:
            connection = session.open()
            self._lost = _absent(connection, list(self._recorder.acknowledged_ids()))
            # Looking settles the others too: they are there or they are not.
            self._recorder.resolved(self._recorder.unknown())
        except (pymysql.err.Error, OSError) as error:
            raise CommandRefused(f"{place.name} did not answer while lost writes were looked for ({error}).") from error
        finally:
            session.drop()
        return self.figures()

    def stop(self) -> None:
        """End all clients."""
        self._control.stopping.set()
        self._control.running.set()


def _is_read_only(endpoint: Endpoint) -> bool:
    connection = connect(endpoint)
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT @@GLOBAL.read_only")
            row = cursor.fetchone()
        return row is not None and int(row[0]) == 1
    finally:
        connection.close()


def _absent(connection: pymysql.Connection[pymysql.cursors.Cursor], ids: list[int]) -> list[int]:
    """Those of the sorted `ids` that the ledger does not have."""
    absent: list[int] = []
    with connection.cursor() as cursor:
        for first in range(0, len(ids), _BATCH):
            batch = ids[first : first + _BATCH]
            cursor.execute(f"SELECT id FROM {shop.DATABASE}.ledger WHERE id IN ({','.join(map(str, batch))})")
            present = {row[0] for row in cursor.fetchall()}
            absent += [write for write in batch if write not in present]
    return absent


class Commands:
    """The workload's side of the pipe: one JSON object a line, one answer a line."""

    def __init__(self) -> None:
        self._workload: Workload | None = None
        self._known: dict[str, Callable[[Workload, Mapping[str, Any]], Any]] = {
            "arm": lambda workload, _: workload.arm(),
            "pause": lambda workload, _: {"unfinished": workload.pause()},
            "resume": lambda workload, _: workload.resume(),
            "figures": lambda workload, _: workload.figures().as_json(),
            "switches": lambda workload, _: [dict(s.__dict__) for s in workload.figures().switches],
            "verify_lost": lambda workload, given: workload.verify_lost(given.get("server")).as_json(),
            "stop": lambda workload, _: workload.stop(),
        }

    def answer(self, line: str) -> str:
        """Carry one command out."""
        given: dict[str, Any] = json.loads(line)
        try:
            return json.dumps({"ok": True, "result": self._do(str(given.pop("do")), given)})
        except CommandRefused as refusal:
            return json.dumps({"ok": False, "error": str(refusal)})

    def _do(self, command: str, given: Mapping[str, Any]) -> Any:
        if command == "start":
            if self._workload is not None:
                raise CommandRefused("The workload has been started already.")
            self._workload = _from_json(given)
            self._workload.start()
            return None
        if self._workload is None:
            raise CommandRefused("The workload has not been started yet.")
        if command not in self._known:
            raise CommandRefused(f"The workload knows no command {command!r}.")
        return self._known[command](self._workload, given)


def _from_json(given: Mapping[str, Any]) -> Workload:
    account = Account(given["user"], Secret(given["password"]))
    source, target = (Endpoint(s["name"], s["host"], s["port"], account) for s in given["servers"])
    customers, products, _ = shop.sizes(given["rows"])
    return Workload((source, target), account, given["rate"], given["clients"], ShopSize(customers, products))


def main() -> None:
    """Serve commands until the pipe ends."""
    commands = Commands()
    for line in sys.stdin:
        sys.stdout.write(commands.answer(line) + "\n")
        sys.stdout.flush()
    # The supervisor is gone or wants no more: what the clients were doing does not matter.
    os._exit(0)


if __name__ == "__main__":
    main()
