"""What a task of the migration service does: a copy between real servers, and replication after it."""

from __future__ import annotations

import json
import logging
import re
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from providers.mysql import replication, seed
from providers.mysql.endpoint import Account, Endpoint, Secret, TlsMode
from providers.mysql.errors import ServerError
from providers.mysql.gtid import GtidSet
from providers.mysql.literals import quote_name
from providers.mysql.position import FilePosition
from providers.mysql.server import Server
from providers.sandbox.azure_api.cloud import Cloud
from providers.sandbox.azure_api.gateway import Json

CONNECT_SOURCE = "ConnectToSource.MySql"
CONNECT_TARGET = "ConnectToTarget.AzureDbForMySql"
GET_TABLES = "GetUserTablesMySql"
OFFLINE = "Migrate.MySql.AzureDbForMySql"
ONLINE = "Migrate.MySql.AzureDbForMySql.Sync"
ENDED = ("Canceled", "Succeeded", "Failed", "FailedInputValidation", "Faulted")
_TICK_S = 0.05
_RUNNING_S = 15.0
_DRAIN_S = 60
_NEEDED = ("REPLICATION SLAVE", "REPLICATION CLIENT")

log = logging.getLogger(__name__)


class Invalid(Exception):
    """What a task was given does not do: the code and words of its error."""

    def __init__(self, code: str, words: str) -> None:
        super().__init__(words)
        self.code = code


@dataclass
class Task:
    """A task as it is now; changed by its own thread, and by commands."""

    name: str
    kind: str
    given: Json
    state: str = "Queued"
    errors: list[Json] = field(default_factory=list)
    commands: list[Json] = field(default_factory=list)
    outputs: list[Json] = field(default_factory=list)
    databases: dict[str, str] = field(default_factory=dict)
    tables: dict[str, int] = field(default_factory=dict)
    counters: dict[str, int] = field(default_factory=dict)
    ordered: dict[str, float] = field(default_factory=dict)
    canceled: threading.Event = field(default_factory=threading.Event)
    lock: threading.RLock = field(default_factory=threading.RLock)

    def fail(self, code: str, message: str) -> None:
        """End it as failed."""
        with self.lock:
            self.errors.append({"code": code, "message": message})
            self.state = "Failed"

    def complete(self, database: str, at: float) -> bool:
        """Have a database completed, from this moment of the cloud's clock on; False where it is not ready for it."""
        with self.lock:
            if self.databases.get(database) != "READY_TO_COMPLETE":
                return False
            self.databases[database] = "COMPLETING"
            self.ordered[database] = at
            return True


class Runner:
    """Carries a task out, in the thread that calls `run`."""

    def __init__(self, cloud: Cloud, task: Task, account: Account, stopped: threading.Event, *, by_file: bool) -> None:
        """`stopped` is set while the migration service is stopped; `account` is what replicas log in with."""
        self._cloud = cloud
        self._task = task
        self._account = account
        self._stopped = stopped
        self._by_file = by_file

    def run(self) -> None:
        """Carry it out; its state says how it ended."""
        task = self._task
        if self._ended():
            return
        task.state = "Running"
        works = {
            CONNECT_SOURCE: self._connect_source,
            CONNECT_TARGET: self._connect_target,
            GET_TABLES: self._list_tables,
            OFFLINE: self._copy_once,
            ONLINE: self._copy_and_follow,
        }
        try:
            works[task.kind]()
        except Invalid as error:
            self._end("FailedInputValidation", {"code": error.code, "message": str(error)})
        except seed.Stopped:
            self._end("Canceled")
        except ServerError as error:
            task.fail("MigrationFailed", str(error))
        except Exception as error:
            # The boundary of a thread: the task's state is all that tells of it.
            log.exception("the task %s failed", task.name)
            self._end("Faulted", {"code": "Faulted", "message": f"{type(error).__name__}: {error}"})
        else:
            self._end("Canceled" if task.canceled.is_set() else "Succeeded")

    def _end(self, state: str, error: Json | None = None) -> None:
        with self._task.lock:
            if error:
                self._task.errors.append(error)
            self._task.state = state

    def _connect_source(self) -> None:
        info = self._task.given["sourceConnectionInfo"]
        server = self._open(info)
        try:
            problems = [] if self._task.given.get("isOfflineMigration") else _lacking(server)
            output: Json = {
                "id": "1",
                "sourceServerBrandVersion": str(server.value("SELECT @@version")),
                "serverProperties": {
                    "serverPlatform": "MySQL",
                    "serverName": info["serverName"],
                    "serverVersion": str(server.value("SELECT @@version")),
                },
                "databases": list(server.databases()),
                "validationErrors": problems,
            }
        finally:
            server.close()
        self._task.outputs = [output]

    def _connect_target(self) -> None:
        server = self._open(self._task.given["targetConnectionInfo"])
        try:
            version = str(server.value("SELECT @@version"))
            output: Json = {
                "id": "1",
                "serverVersion": version,
                "targetServerBrandVersion": version,
                "databases": list(server.databases()),
                "validationErrors": [],
            }
        finally:
            server.close()
        self._task.outputs = [output]

    def _list_tables(self) -> None:
        server = self._open(self._task.given["connectionInfo"])
        found: dict[str, list[Json]] = {}
        try:
            for database in self._task.given["selectedDatabases"]:
                rows = server.rows(f"SHOW FULL TABLES FROM {quote_name(database)} WHERE Table_type = 'BASE TABLE'")
                found[database] = [{"name": str(row[0]), "hasRows": True} for row in rows]
        finally:
            server.close()
        # The service writes the object as a text.
        self._task.outputs = [{"id": "1", "databasesToTables": json.dumps(found), "validationErrors": []}]

    def _copy_once(self) -> None:
        task = self._task
        names = self._selected()
        task.databases = dict.fromkeys(names, "InProgress")
        source, target = self._both()
        try:
            if task.given.get("makeSourceServerReadOnly"):
                source.change(source.dialect.fence_clients)
            seed.drop_databases(target, [name for name in target.databases() if name in names])
            seed.fill(source, target, names, self._by_file, self._report, self._giving_up)
            task.databases = dict.fromkeys(names, "Completed")
        except seed.Stopped:
            task.databases = dict.fromkeys(names, "Stopped")
            raise
        finally:
            source.close()
            target.close()

    def _copy_and_follow(self) -> None:
        task = self._task
        names = self._selected()
        task.databases = dict.fromkeys(names, "INITIALIAZING")
        source, target = self._both()
        try:
            reader = self._open(task.given["sourceConnectionInfo"])
            problems = _lacking(reader)
            reader.close()
            if problems:
                raise Invalid("SourcePermissionsMissing", problems[0]["message"])
            replication.forget(target)
            seed.drop_databases(target, [name for name in target.databases() if name in names])
            if not self._by_file:
                replication.empty_log(target)
            filled = seed.fill(source, target, names, self._by_file, self._report, self._giving_up)
            replication.set_start(target, filled.position)
            start = filled.position if isinstance(filled.position, FilePosition) else None
            _only(target, names)
            replication.configure(target, replication.plan_channel(target, source, self._account, start))
            replication.start(target)
            replication.wait_running(target, _RUNNING_S)
            task.databases = dict.fromkeys(names, "RUNNING")
            self._follow(source, target)
        except seed.Stopped:
            task.databases = dict.fromkeys(names, "CANCELLED")
            raise
        finally:
            source.close()
            target.close()

    def _follow(self, source: Server, target: Server) -> None:
        """Carry changes over until every database is completed, standing still while the service is stopped."""
        begun = None if self._by_file else source.gtid_end()
        while not self._giving_up():
            if self._stopped.is_set():
                replication.stop(target)
                while self._stopped.is_set() and not self._giving_up():
                    time.sleep(_TICK_S)
                replication.start(target)
                continue
            self._count(source, target, begun)
            for name in self._due():
                self._finish(source, target, name)
            with self._task.lock:
                for name, state in self._task.databases.items():
                    if state == "RUNNING" and self._task.counters.get("latency") == 0:
                        self._task.databases[name] = "READY_TO_COMPLETE"
            if all(state == "COMPLETE" for state in self._states().values()):
                replication.forget(target)
                _only(target, ())
                return
            time.sleep(_TICK_S)
        replication.forget(target)
        _only(target, ())
        raise seed.Stopped

    def _count(self, source: Server, target: Server, begun: object) -> None:
        """How far the target is, in seconds; and the transactions since the copy, where they can be counted."""
        status = target.replica_status()
        counters: dict[str, int] = {}
        if status is not None and status.applier_error:
            raise ServerError(target.name, f"{target.name} cannot apply a change: {status.applier_error}")
        if status is not None and status.seconds_behind is not None:
            counters["latency"] = status.seconds_behind
        if isinstance(begun, GtidSet):
            written = source.gtid_end()
            assert isinstance(written, GtidSet)
            incoming = written.minus(begun)
            counters["incomingChanges"] = incoming.count()
            counters["appliedChanges"] = incoming.count() - incoming.minus(_executed(target)).count()
        with self._task.lock:
            self._task.counters = counters

    def _due(self) -> list[str]:
        """The databases whose completion was ordered long enough ago."""
        before = self._cloud.clock.now() - self._cloud.scenario.durations.complete
        with self._task.lock:
            states = self._task.databases.items()
            return [name for name, state in states if state == "COMPLETING" and self._task.ordered[name] <= before]

    def _finish(self, source: Server, target: Server, name: str) -> None:
        """Wait until all that was written so far has arrived, and carry nothing of this database over any more."""
        position = source.end_of_log() if self._by_file else source.gtid_end()
        if not target.wait_for(position, _DRAIN_S):
            raise ServerError(target.name, f"{target.name} did not get everything of {name} in time.")
        with self._task.lock:
            self._task.databases[name] = "COMPLETE"
            for command in self._task.commands:
                if command["input"]["databaseName"] == name:
                    command["state"] = "Succeeded"
        left = [one for one, state in self._states().items() if state != "COMPLETE"]
        if left:
            replication.stop(target)
            _only(target, left)
            replication.start(target)

    def _states(self) -> dict[str, str]:
        with self._task.lock:
            return dict(self._task.databases)

    def _report(self, progress: seed.CopyProgress) -> None:
        with self._task.lock:
            self._task.tables = {"done": progress.tables_done, "all": progress.tables}

    def _giving_up(self) -> bool:
        return self._task.canceled.is_set() or self._cloud.operations.closing.is_set()

    def _ended(self) -> bool:
        if self._task.canceled.is_set():
            self._end("Canceled")
        return self._task.canceled.is_set()

    def _selected(self) -> list[str]:
        names = []
        for one in self._task.given["selectedDatabases"]:
            if one.get("targetDatabaseName", one["name"]) != one["name"]:
                raise Invalid("TargetDatabaseNameDiffers", f"The database {one['name']} must keep its name.")
            if not one.get("tableMap"):
                raise Invalid("TableMapMissing", f"No tables of the database {one['name']} are selected.")
            names.append(one["name"])
        return names

    def _both(self) -> tuple[Server, Server]:
        """Both servers, as the platform reaches them, after a login with what was given."""
        found = []
        for side in ("sourceConnectionInfo", "targetConnectionInfo"):
            info = self._task.given[side]
            self._open(info).close()
            real = self._cloud.at(info["serverName"], int(info["port"]))
            found.append(self._open(info) if real is None else Server(_plain(real.endpoint())))
        return found[0], found[1]

    def _open(self, info: Mapping[str, Any]) -> Server:
        account = Account(str(info.get("userName", "")), Secret(str(info.get("password", ""))))
        endpoint = Endpoint(str(info["serverName"]), str(info["serverName"]), int(info["port"]), account)
        try:
            return Server(_plain(endpoint))
        except ServerError as error:
            raise Invalid("ConnectionFailed", str(error)) from error


def _plain(endpoint: Endpoint) -> Endpoint:
    return Endpoint(endpoint.name, endpoint.host, endpoint.port, endpoint.account, TlsMode.DISABLED)


def _executed(server: Server) -> GtidSet:
    found = server.gtid_executed()
    assert isinstance(found, GtidSet)
    return found


def _lacking(server: Server) -> list[Json]:
    """The privileges that an online migration needs and this account has not."""
    grants = " ".join(str(row[0]) for row in server.rows("SHOW GRANTS"))
    if "ALL PRIVILEGES ON *.*" in grants:
        return []
    return [
        {
            "message": f"The account {server.endpoint.account.user} lacks {privilege}.",
            "actionableMessage": f"Grant {privilege} on *.* to it.",
        }
        for privilege in _NEEDED
        if privilege not in grants
    ]


def _only(target: Server, databases: Sequence[str]) -> None:
    """Let a replica apply what is about these databases only; none: everything."""
    patterns = ", ".join(_pattern(name) for name in databases)
    if target.replica_status() is not None:
        target.change(target.dialect.stop_replica)
    target.change(f"CHANGE REPLICATION FILTER REPLICATE_WILD_DO_TABLE = ({patterns})")


def _pattern(database: str) -> str:
    """All tables of a database, as a filter takes it: a plain literal, wildcards in the name escaped."""
    escaped = re.sub(r"([_%\\])", r"\\\1", database)
    literal = escaped.replace("\\", "\\\\").replace("'", "''")
    return f"'{literal}.%'"
