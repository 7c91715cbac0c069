"""The tasks of Azure Database Migration Service for MySQL: what is given to them and what they tell.

Their inputs and outputs go through the service unexamined: the shapes are those of its published task definitions.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from providers.azure import records
from providers.azure.calls import Body
from providers.azure.errors import Failure
from providers.azure.records import when
from providers.calling.answer import Answer
from providers.mysql.endpoint import Account

PLATFORM = "AzureDbForMySQL"
PERMISSIONS = "MigrationFromMySQLToAzureDBForMySQL"
CONNECT_SOURCE = "ConnectToSource.MySql"
CONNECT_TARGET = "ConnectToTarget.AzureDbForMySql"
GET_TABLES = "GetUserTablesMySql"
OFFLINE = "Migrate.MySql.AzureDbForMySql"
ONLINE = "Migrate.MySql.AzureDbForMySql.Sync"
COMPLETE = "Migrate.Sync.Complete.Database"
READY_TO_COMPLETE = "READY_TO_COMPLETE"
# Of a task: those that it does not leave by itself.
ENDED = ("Canceled", "Succeeded", "Failed", "FailedInputValidation", "Faulted")


@dataclass(frozen=True)
class Connection:
    """Where the migration service finds a server, and as whom it logs in; `host` as seen from its network."""

    host: str
    port: int
    account: Account
    encrypted: bool = True

    def body(self) -> Body:
        """As tasks want it."""
        return {
            "type": "MySqlConnectionInfo",
            "serverName": self.host,
            "port": self.port,
            "userName": self.account.user,
            "password": self.account.password,
            "encryptConnection": self.encrypted,
        }


@dataclass(frozen=True)
class Selection:
    """A database to migrate: its tables by name. `target` is the database's name there, its own where None.

    `settings` are the agent's, such as `fullLoadSubTasks`; only an online migration takes them.
    """

    database: str
    tables: Sequence[str]
    target: str | None = None
    settings: Mapping[str, str] = field(default_factory=dict)

    def body(self) -> Body:
        """As both kinds of migration want it."""
        to = self.target or self.database
        tables = {f"{self.database}.{table}": f"{to}.{table}" for table in self.tables}
        return {"name": self.database, "targetDatabaseName": to, "tableMap": tables}


def connect_to_source(source: Connection, *, offline: bool) -> Body:
    """The properties of a task that tries the source and names its databases."""
    given = {
        "sourceConnectionInfo": source.body(),
        "targetPlatform": PLATFORM,
        "checkPermissionsGroup": PERMISSIONS,
        "isOfflineMigration": offline,
    }
    return {"taskType": CONNECT_SOURCE, "input": given}


def connect_to_target(source: Connection, target: Connection, *, offline: bool) -> Body:
    """The properties of a task that tries the target and names its databases."""
    given = {
        "sourceConnectionInfo": source.body(),
        "targetConnectionInfo": target.body(),
        "isOfflineMigration": offline,
    }
    return {"taskType": CONNECT_TARGET, "input": given}


def get_tables(server: Connection, databases: Sequence[str]) -> Body:
    """The properties of a task that names the tables of databases."""
    return {"taskType": GET_TABLES, "input": {"connectionInfo": server.body(), "selectedDatabases": list(databases)}}


def migrate_offline(
    source: Connection,
    target: Connection,
    selected: Sequence[Selection],
    *,
    close_source: bool,
    agent: Mapping[str, str] | None = None,
) -> Body:
    """The properties of a task that copies once; `close_source`: it makes the source read-only first.

    Into a scratch target and with the source left open this is a test migration.
    """
    given = {
        "sourceConnectionInfo": source.body(),
        "targetConnectionInfo": target.body(),
        "selectedDatabases": [one.body() for one in selected],
        "makeSourceServerReadOnly": close_source,
        "optionalAgentSettings": dict(agent) if agent else None,
    }
    return {"taskType": OFFLINE, "input": given}


def migrate_online(source: Connection, target: Connection, selected: Sequence[Selection]) -> Body:
    """The properties of a task that copies and then carries changes over until each database is completed."""
    given = {
        "sourceConnectionInfo": source.body(),
        "targetConnectionInfo": target.body(),
        "selectedDatabases": [
            {**one.body(), **({"migrationSetting": dict(one.settings)} if one.settings else {})} for one in selected
        ],
    }
    return {"taskType": ONLINE, "input": given}


@dataclass(frozen=True)
class Trouble:
    """Something that the service found wrong; `remedy` is what it says to do about it."""

    words: str | None
    remedy: str | None


@dataclass(frozen=True)
class Tried:
    """What a connection test found. `databases` and `troubles`: None: the answer does not say."""

    version: str | None
    brand: str | None
    databases: tuple[str, ...] | None
    troubles: tuple[Trouble, ...] | None


@dataclass(frozen=True)
class Whole:
    """A migration as a whole. `status` is of an offline one only."""

    source_version: str | None
    target_version: str | None
    started: datetime | None
    ended: datetime | None
    status: str | None
    message: str | None


@dataclass(frozen=True)
class DatabaseProgress:
    """How far a database is. Words are verbatim, numbers the service's own counters.

    Attributes:
        state: of an online migration READY_TO_COMPLETE, COMPLETE and others, of an offline one Completed and others.
        stage: of an offline one.
        latency: how far changes are behind, in seconds as the service counts.
        loaded: whether the first copy is complete.
        tables_done: with those `loading`, `queued` and `failed`; of an offline one the objects done, and the errors.
    """

    name: str | None
    state: str | None
    stage: str | None
    incoming: int | None
    applied: int | None
    inserts: int | None
    updates: int | None
    deletes: int | None
    latency: int | None
    loaded: bool | None
    tables: int | None
    tables_done: int | None
    tables_loading: int | None
    tables_queued: int | None
    tables_failed: int | None


@dataclass(frozen=True)
class TableProgress:
    """How far a table is; `changes` are those applied after the first copy."""

    database: str | None
    name: str | None
    state: str | None
    rows: int | None
    total: int | None
    changes: int | None
    errors: int | None


@dataclass(frozen=True)
class Order:
    """A command that was given to a task. `database` is the one it is about."""

    kind: str | None
    state: str | None
    database: str | None


@dataclass(frozen=True)
class Task:
    """A task. What does not belong to its kind is empty; None: the answer does not say.

    Attributes:
        state: Queued, Running, Canceled, Succeeded, Failed, FailedInputValidation, Faulted or Unknown.
        errors: what the service says went wrong with the task itself.
        tried: of a connection test.
        listed: the tables of each database, of a task that names them.
        troubles: what went wrong with the migration or one of its databases.
    """

    name: str | None
    kind: str | None
    state: str | None
    errors: tuple[Failure, ...] | None
    orders: tuple[Order, ...] | None
    tried: Tried | None
    listed: Mapping[str, tuple[str, ...]] | None
    whole: Whole | None
    databases: tuple[DatabaseProgress, ...]
    tables: tuple[TableProgress, ...]
    troubles: tuple[Trouble, ...]


def task(answer: Answer) -> Task:
    """A task out of its resource, which has `output` only where it was asked for."""
    kind = answer.text("properties", "taskType")
    outputs = answer.parts("properties", "output") or ()
    by_level = {
        level: [one for one in outputs if one.text("resultType") == level]
        for level in ("MigrationLevelOutput", "DatabaseLevelOutput", "TableLevelOutput")
    }
    return Task(
        name=answer.text("name"),
        kind=kind,
        state=answer.text("properties", "state"),
        errors=_errors(answer),
        orders=_orders(answer),
        tried=_tried(outputs[0]) if outputs and kind in (CONNECT_SOURCE, CONNECT_TARGET) else None,
        listed=_listed(outputs[0]) if outputs and kind == GET_TABLES else None,
        whole=_whole(by_level["MigrationLevelOutput"][0]) if by_level["MigrationLevelOutput"] else None,
        databases=tuple(map(_database, by_level["DatabaseLevelOutput"])),
        tables=tuple(map(_table, by_level["TableLevelOutput"])),
        troubles=tuple(trouble for one in outputs for trouble in _troubles(one)),
    )


def _errors(answer: Answer) -> tuple[Failure, ...] | None:
    found = answer.parts("properties", "errors")
    if found is None:
        return None
    return tuple(Failure(one.text("message") or "No words", one.text("code") or "") for one in found)


def _orders(answer: Answer) -> tuple[Order, ...] | None:
    found = answer.parts("properties", "commands")
    return None if found is None else tuple(map(order, found))


def order(answer: Answer) -> Order:
    """A command out of its resource."""
    return Order(answer.text("commandType"), answer.text("state"), answer.text("input", "databaseName"))


def _tried(output: Answer) -> Tried:
    found = output.parts("validationErrors")
    return Tried(
        output.text("serverVersion") or output.text("serverProperties", "serverVersion"),
        output.text("sourceServerBrandVersion") or output.text("targetServerBrandVersion"),
        records.texts(output, "databases"),
        None if found is None else tuple(map(_trouble, found)),
    )


def _listed(output: Answer) -> Mapping[str, tuple[str, ...]] | None:
    """The tables by database: the service writes them as the text of a JSON object."""
    content: object = output.content.get("databasesToTables")
    if isinstance(content, str):
        try:
            content = json.loads(content)
        except ValueError:
            return None
    if not isinstance(content, Mapping):
        return None
    found: dict[str, tuple[str, ...]] = {}
    for database, tables in content.items():
        names = [one.get("name") if isinstance(one, Mapping) else one for one in tables]
        texts = tuple(name for name in names if isinstance(name, str))
        if len(texts) < len(names):
            return None
        found[str(database)] = texts
    return found


def _whole(output: Answer) -> Whole:
    return Whole(
        output.text("sourceServerVersion"),
        output.text("targetServerVersion"),
        when(output, "startedOn"),
        when(output, "endedOn"),
        output.text("status"),
        output.text("statusMessage") or output.text("message"),
    )


def _database(output: Answer) -> DatabaseProgress:
    return DatabaseProgress(
        name=output.text("databaseName"),
        state=output.text("migrationState") or output.text("state"),
        stage=output.text("stage"),
        incoming=output.number("incomingChanges"),
        applied=output.number("appliedChanges"),
        inserts=output.number("cdcInsertCounter"),
        updates=output.number("cdcUpdateCounter"),
        deletes=output.number("cdcDeleteCounter"),
        latency=output.number("latency"),
        loaded=output.flag("initializationCompleted"),
        tables=output.number("numberOfObjects"),
        tables_done=_either(output, "fullLoadCompletedTables", "numberOfObjectsCompleted"),
        tables_loading=output.number("fullLoadLoadingTables"),
        tables_queued=output.number("fullLoadQueuedTables"),
        tables_failed=_either(output, "fullLoadErroredTables", "errorCount"),
    )


def _either(output: Answer, one: str, other: str) -> int | None:
    found = output.number(one)
    return output.number(other) if found is None else found


def _table(output: Answer) -> TableProgress:
    return TableProgress(
        output.text("databaseName"),
        output.text("tableName") or output.text("objectName"),
        output.text("state"),
        _either(output, "fullLoadTotalRows", "itemsCompletedCount"),
        output.number("itemsCount"),
        output.number("totalChangesApplied"),
        output.number("dataErrorsCounter"),
    )


def _troubles(output: Answer) -> list[Trouble]:
    found = [_trouble(one) for one in output.parts("exceptionsAndWarnings") or ()]
    error = output.part("error")
    if error is not None:
        found.append(_trouble(error))
    if output.text("resultType") == "DatabaseLevelErrorOutput":
        found.append(Trouble(output.text("errorMessage"), None))
        found += [Trouble(event.text("eventText"), None) for event in output.parts("events") or ()]
    return found


def _trouble(answer: Answer) -> Trouble:
    return Trouble(answer.text("message"), answer.text("actionableMessage"))
