"""Opening the new side. Past the point of no return: where an answer is lost, look, and go on forward."""

from __future__ import annotations

import time

from migration.cutover.attempt import Switchover
from migration.cutover.persisting import persist
from migration.fences.choose import let_in, write_switch
from migration.fences.left import end_left_sessions
from migration.journal import Entry
from migration.records import statement_entry
from migration.runbook import Migration
from providers.mysql.connection import Connection
from providers.mysql.errors import ConnectionLost
from providers.mysql.server import Server

_POLL_S = 0.05
_STEP = "promote"
# Opening takes about a millisecond.
_PATIENCE_S = 0.5


def opening(m: Migration, s: Switchover) -> tuple[str, ...]:
    """The statements that open the new side; none where its provider or locked accounts keep clients out of it."""
    by_sql = s.new.dialect.sets_globals or write_switch(m, s.new) is None
    return (s.new.dialect.unfence,) if by_sql and s.new.read_only().clients else ()


def opening_records(s: Switchover, connection: Connection, statements: tuple[str, ...]) -> tuple[Entry, ...]:
    """The records of what opens the new side; they go into the journal before anything is sent."""
    return tuple(statement_entry(s.new.name, _STEP, sql, connection.thread_id) for sql in statements)


def promote(m: Migration, s: Switchover, connection: Connection, statements: tuple[str, ...]) -> str:
    """Open the new side and read that it is open; tries until it is.

    A session that is silent is not waited for: nobody takes writes meanwhile. It is ended and another one is used, with
    more patience each time.
    """
    asked, patience = (*statements, s.new.dialect.read_only_state), _PATIENCE_S
    if not statements:
        _order_opening(m, s.new)
    while True:
        connection.allow_answer_s(patience)
        try:
            if not int(connection.results(asked)[-1][0][0]):
                return f"{s.new.name} takes writes"
            if not statements:
                # The provider has taken the order, and carries it out in seconds to minutes.
                time.sleep(_POLL_S)
                continue
            m.scribe.note(f"{s.new.name} is still read-only; opening it again", "warn")
        except ConnectionLost:
            m.scribe.note(f"the answer of {s.new.name} was lost while it was opened; looking", "warn")
            connection = _another(m, s, statements)
            patience *= 2


def _order_opening(m: Migration, server: Server) -> None:
    """Have the provider open a server that it keeps closed; tries until it has taken the order.

    It takes the order at once and carries it out later.
    """

    def order() -> None:
        if server.dialect.sets_globals or not server.read_only().clients:
            return
        switch = write_switch(m, server)
        if switch is not None:
            m.scribe.statement(server.name, _STEP, "the provider's switch: open", 0)
            switch.open()

    persist(m, order, f"{server.name} is still to be opened")


def _another(m: Migration, s: Switchover, statements: tuple[str, ...]) -> Connection:
    """A session to open the new side from; those before it are ended, with whatever is still on its way to them."""
    while True:
        connection = reconnect(m, s.new)
        try:
            end_left_sessions(m, s.new, connection, frozenset({connection.thread_id}), _STEP)
        except ConnectionLost:
            continue
        for entry in opening_records(s, connection, statements):
            m.scribe.write(entry)
        return connection


def open_now(m: Migration, s: Switchover, connection: Connection) -> str:
    """Open the new side from a session: by SQL or by its provider, then by letting go of its accounts; says so.

    Returns once the new side itself says that it takes writes.

    Raises:
        ServerError: the accounts could not be let go of.
    """
    statements = opening(m, s)
    for entry in opening_records(s, connection, statements):
        m.scribe.write(entry)
    said = promote(m, s, connection, statements)
    let_in(m, s.new)
    return said


def reconnect(m: Migration, server: Server) -> Connection:
    """A new session on a server that has to answer; tries until it does."""
    return persist(m, server.connect, f"waiting for {server.name}, both sides stay closed")
