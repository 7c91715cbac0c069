"""Opening the new side. Past the point of no return: where an answer is lost, look, and go on forward."""

from __future__ import annotations

import time

from migration.cutover.attempt import Switchover
from migration.journal import Entry
from migration.records import statement_entry
from migration.runbook import Migration
from providers.mysql.connection import Connection
from providers.mysql.errors import ConnectionLost, ServerError
from providers.mysql.server import Server

_POLL_S = 0.05


def opening(s: Switchover) -> tuple[str, ...]:
    """The statements that open the new side; none where locked accounts and not read_only keep clients out of it."""
    return (s.new.dialect.unfence,) if s.new.read_only().clients else ()


def opening_records(s: Switchover, connection: Connection, statements: tuple[str, ...]) -> tuple[Entry, ...]:
    """The records of what opens the new side; they go into the journal before anything is sent."""
    return tuple(statement_entry(s.new.name, "promote", sql, connection.thread_id) for sql in statements)


def promote(m: Migration, s: Switchover, connection: Connection, statements: tuple[str, ...]) -> str:
    """Open the new side and read that it is open; tries until it is."""
    reading = s.new.dialect.read_only_state
    while True:
        try:
            state = connection.results((*statements, reading))[-1]
        except ConnectionLost:
            m.scribe.note(f"the answer of {s.new.name} was lost while it was opened; looking", "warn")
            connection = reconnect(m, s.new)
            state = connection.rows(reading)
        if not int(state[0][0]):
            return f"{s.new.name} takes writes"
        m.scribe.note(f"{s.new.name} is still read-only; opening it again", "warn")


def reconnect(m: Migration, server: Server) -> Connection:
    """A new session on a server that has to answer; tries until it does."""
    said = ""
    while True:
        try:
            return server.connect()
        except ServerError as error:
            if str(error) != said:
                said = str(error)
                m.scribe.note(f"waiting for {server.name}, both sides stay closed: {said}", "error")
            # Nobody can stop it here; it only ends where the rehearsal around it has been taken down.
            m.desk.halted()
            time.sleep(_POLL_S)
