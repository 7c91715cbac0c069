"""The workload's process: clients that write, under orders that come as JSON lines on standard input.

It belongs to the supervisor and ends with it.
"""

from __future__ import annotations

import itertools
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
from providers.sandbox.workload_clients import Connection, Control, Follower, Pinned, Session, ShopSize, wait_parked

_PAUSE_S = 15.0
_BATCH = 5_000
_TURN_S = 30.0
# Source and target; of further servers nobody is told whether they take writes.
_PAIR = 2
# What a locked account is refused with: MySQL, MariaDB.
_LOCKED = ((3118,), (4151,))


class CommandRefused(Exception):
    """The workload cannot do this now; one sentence."""


class Workload:
    """The clients and what they have seen.

    `servers` are source and target, and further ones that a cloud may lead an address to; `rate` is the writes per
    second of all followers together. With `application` the followers know that address only, whichever server it
    leads to. `suspended`: they were stopped by `suspend`, and `pause` and `resume` do not start them.
    """

    def __init__(
        self,
        servers: tuple[Endpoint, ...],
        account: Account,
        rate: int,
        clients: int,
        size: ShopSize,
        application: Endpoint | None = None,
    ) -> None:
        self._servers = servers
        self._account = account
        self._application = application
        self._control = Control()
        self._recorder = Recorder([server.name for server in servers], time.monotonic_ns())
        self._lost: list[int] | None = None
        self._followers = [
            Follower(number, self._sessions(number), clients / rate, size, self._control, self._recorder)
            for number in range(1, clients + 1)
        ]
        self._pinned: list[Pinned] = []
        self._pins = itertools.count()
        self.suspended = False

    def start(self) -> None:
        """Let the clients write on the source."""
        self._control.start()
        for follower in self._followers:
            follower.start()
        self._pin(0)

    def arm(self) -> None:
        """Let the clients know the target: followers may turn to it, and its own client begins to try.

        Followers of an application's address turn nowhere until `repoint`.

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
            if error.args[:1] not in _LOCKED:
                raise CommandRefused(f"{target.name} could not be asked whether it is read_only ({error}).") from error
        if self._application is None:
            for follower in self._followers:
                follower.open_other()
        self._control.armed.set()
        for server in range(len(self._pinned), _PAIR):
            self._pin(server)

    def disarm(self) -> None:
        """Let followers stay where they are, and nobody look any more whether both servers take writes."""
        self._control.armed.clear()
        for pinned in self._pinned:
            pinned.retired.set()
        self._pinned.clear()

    def repoint(self, host: str, port: int) -> None:
        """Let followers of an application's address know a second one, in place of what they were told before.

        Raises:
            CommandRefused: they have no such address, or the target is not known to them yet.
        """
        if self._application is None:
            raise CommandRefused("The clients know both servers: there is no other address to learn.")
        if not self._control.armed.is_set():
            raise CommandRefused("The clients do not know of the target yet: arm them before they learn its address.")
        for number, follower in enumerate(self._followers, 1):
            follower.learn(self._at(number, host, port))

    def move(self, host: str, port: int) -> None:
        """Give followers of an application's address another one instead, as one does to applications that are down.

        Raises:
            CommandRefused: they have no such address, or are not suspended.
        """
        if self._application is None or not self.suspended:
            raise CommandRefused("Only suspended clients of an application's address can be given another one.")
        self._application = Endpoint("application", host, port, self._account)
        for number, follower in enumerate(self._followers, 1):
            follower.move(self._at(number, host, port))

    def renew(self) -> None:
        """Let followers of an application's address open their sessions anew, one after the other.

        From then on nobody looks any more whether two servers take writes.

        Raises:
            CommandRefused: they have no such address, or one of them does not get its unit of work done.
        """
        self.disarm()
        for number in range(1, len(self._followers) + 1):
            self._turn(number, *self._followers[number - 1].place)

    def move_next(self, host: str, port: int) -> bool:
        """Give the first follower of an application's address that has it not yet another one; False: all have it.

        Raises:
            CommandRefused: as `renew`.
        """
        away = [number for number, one in enumerate(self._followers, 1) if one.place != (host, port)]
        if not away:
            return False
        was = self._followers[away[0] - 1].server
        self._turn(away[0], host, port)
        if all(one.server != was for one in self._followers):
            self._recorder.left(was, time.monotonic_ns())
        return True

    def _turn(self, number: int, host: str, port: int) -> None:
        if self._application is None:
            raise CommandRefused("The clients know both servers: there is no application's address to change.")
        if not self._followers[number - 1].turn(self._at(number, host, port), _TURN_S):
            raise CommandRefused(f"Client {number} has not come to the end of a try within {_TURN_S:.0f} s.")

    def _at(self, number: int, host: str, port: int) -> Session:
        """A session of a follower of an application's address: each is an application server with its own host."""
        address = Endpoint("application", host, port, self._account)
        return Session(address, self._account, 1, self._find, _host_of(number))

    def pause(self) -> int:
        """End what is begun and begin nothing new; how many clients could not end it."""
        self._control.pause(_PAUSE_S)
        return wait_parked((*self._followers, *self._pinned), time.monotonic() + _PAUSE_S + 1)

    def suspend(self) -> int:
        """Pause until `restart`. From then on only what is written tells which server takes writes: none is fenced."""
        self.disarm()
        self.suspended = True
        return self.pause()

    def restart(self) -> None:
        """Go on after `suspend`."""
        self.suspended = False
        self.resume()

    def resume(self) -> None:
        """Go on after a pause; who was suspended stays so."""
        if self.suspended:
            return
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

    def _sessions(self, number: int) -> list[Session]:
        if self._application is not None:
            return [Session(self._application, self._account, 0, self._find, _host_of(number))]
        return [Session(server, self._account, number) for number, server in enumerate(self._servers)]

    def _pin(self, server: int) -> None:
        session = Session(self._servers[server], self._account, server)
        silent = self._application is not None
        self._pinned.append(Pinned(next(self._pins), session, self._control, self._recorder, silent=silent))
        self._pinned[-1].start()

    def _find(self, connection: Connection) -> int:
        """The number of the server at the other end; raises what PyMySQL raises, and OSError at a strange one."""
        with connection.cursor() as cursor:
            cursor.execute("SELECT @@port")
            row = cursor.fetchone()
        ports = [server.port for server in self._servers]
        if row is None or row[0] not in ports:
            raise ConnectionError("the address leads to none of the servers")
        return ports.index(row[0])


def _host_of(client: int) -> str:
    """The loopback host of a client that is an application server; servers list their sessions by it."""
    return f"127.0.9.{client % 250 + 1}"


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
            "disarm": lambda workload, _: workload.disarm(),
            "repoint": lambda workload, given: workload.repoint(str(given["host"]), int(given["port"])),
            "move": lambda workload, given: workload.move(str(given["host"]), int(given["port"])),
            "renew": lambda workload, _: workload.renew(),
            "move_next": lambda workload, given: workload.move_next(str(given["host"]), int(given["port"])),
            "pause": lambda workload, _: {"unfinished": workload.pause()},
            "resume": lambda workload, _: workload.resume(),
            "suspend": lambda workload, _: {"unfinished": workload.suspend()},
            "suspended": lambda workload, _: workload.suspended,
            "restart": lambda workload, _: workload.restart(),
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
    servers = tuple(Endpoint(s["name"], s["host"], s["port"], account) for s in given["servers"])
    address = given.get("application")
    application = None if address is None else Endpoint("application", address[0], address[1], account)
    customers, products, _ = shop.sizes(given["rows"])
    size = ShopSize(customers, products, given["clients"])
    return Workload(servers, account, given["rate"], given["clients"], size, application)


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
