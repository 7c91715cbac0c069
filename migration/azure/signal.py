"""The signal: an empty database made on the quiet source, which the replica has once it has everything before it.

Step 4 of the procedure. On the classic service databases can be made by its management API only; elsewhere by SQL.
"""

from __future__ import annotations

import time

from migration.azure.account import PRODUCT, of
from migration.azure.operating import carry_out
from migration.azure.services import is_replica
from migration.cutover.attempt import Aborted, Switchover
from migration.journal import Kind
from migration.runbook import Migration
from providers.azure import classic
from providers.azure.places import Place
from providers.mysql.literals import quote_name
from providers.mysql.server import Server

STEP = "signal"
PREFIX = "cutover_signal_"
_LOOK_S = 0.05
_MAKING = "make "


def name_of(m: Migration, s: Switchover) -> str:
    """The database of an attempt: one that no attempt has used."""
    tail = "".join(one for one in m.spec.id.lower() if one.isalnum())[-8:]
    return f"{PREFIX}{tail}_{s.number}"


def statement(m: Migration, name: str) -> str:
    """How it is made, as the plan shows it."""
    if of(m).service.keeps_backups:
        return classic.create_database(of(m).source, name).shown()
    return _creating(name)


def make(m: Migration, s: Switchover) -> str:
    """Make the database on the side that has the writes; its name.

    Raises:
        ServerError, CloudFailed: it cannot be made.
    """
    account, name = of(m), name_of(m, s)
    m.scribe.statement(s.old.name, STEP, f"{_MAKING}{name}", 0)
    if account.service.keeps_backups:
        carry_out(m, STEP, classic.create_database(account.source, name))
    else:
        m.change(s.old, STEP, _creating(name))
    return name


def wait_seen(m: Migration, s: Switchover, name: str) -> None:
    """Wait until the new side shows it.

    Raises:
        Aborted: the operator stopped it, or replication did.
        ServerError: the new side cannot be asked.
    """
    while name not in databases(s.new):
        status = s.new.replica_status()
        if status is None or (not status.running and (status.io_error or status.applier_error)):
            trouble = status.trouble if status else "it follows nobody"
            raise Aborted(f"{s.new.name} does not get what is written on {s.old.name}: {trouble}.")
        if m.desk.halted():
            raise Aborted("The operator stopped it.")
        time.sleep(_LOOK_S)


def databases(server: Server) -> tuple[str, ...]:
    """Every database that a server shows."""
    return tuple(str(row[0]) for row in server.rows("SHOW DATABASES"))


def drop(m: Migration) -> None:
    """Drop the databases of all attempts, on the servers of this migration that take writes.

    Raises:
        CloudFailed: the provider refuses.
        ServerError: a server does.
    """
    for name in _made(m):
        for server, place in _holders(m):
            if name in databases(server):
                _drop(m, server, place, name)


def left(m: Migration) -> tuple[str, ...]:
    """The databases that `drop` would drop, with the servers on which they are."""
    made = _made(m)
    return tuple(
        f"{name} on {server.name}" for server, _ in (_holders(m) if made else ()) for name in made
        if name in databases(server)
    )  # fmt: skip


def _drop(m: Migration, server: Server, place: Place, name: str) -> None:
    if of(m).service.keeps_backups:
        carry_out(m, STEP, classic.drop_database(place, name))
    else:
        m.change(server, STEP, f"DROP DATABASE IF EXISTS {quote_name(name)}")


def _creating(name: str) -> str:
    return f"CREATE DATABASE IF NOT EXISTS {quote_name(name)}"


def _made(m: Migration) -> tuple[str, ...]:
    """The names that were about to be made, as the journal has them."""
    return tuple(
        dict.fromkeys(
            str(record.body["sql"]).removeprefix(_MAKING)
            for record in m.scribe.journal.records()
            if record.kind is Kind.STATEMENT
            and record.body["step"] == STEP
            and record.subject != PRODUCT
            and str(record.body["sql"]).startswith(f"{_MAKING}{PREFIX}")
        )
    )


def _holders(m: Migration) -> tuple[tuple[Server, Place], ...]:
    """The servers on which a database can be dropped, with the names by which the provider knows them."""
    account, replica = of(m), of(m).replica
    held = {m.source: replica if m.spec.source.name == replica.name else account.source}
    if m.other is not None:
        held[m.other] = account.source if held[m.source] is replica else replica
    seen = {server: account.server(place) for server, place in held.items()}
    return tuple(
        (server, place)
        for server, place in held.items()
        if (found := seen[server]) is not None and not is_replica(found)
    )
