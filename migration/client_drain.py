"""Ending idle sessions on the server that the writes have left, in batches, on the operator's word.

Connection pools keep sessions open for hours: what is in them still reads from the old server, and fails when it
writes. Ended while they rest, they are opened anew, to where the applications' address points by then.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from migration.checks.sight import Session
from migration.fences.foreign import PROCESSES, TRANSACTIONS, client_sessions, exempt_users
from migration.runbook import Migration
from providers.mysql.binlog.commits import FRESH_S
from providers.mysql.errors import PrivilegeMissing, StatementFailed, Unsupported
from providers.mysql.server import Server

BATCH = 20
# Servers count whole seconds: this is more than one, and no transaction of it is too new for InnoDB's list.
_IDLE_S = 2
_GONE_S = 5.0
_LOOK_S = 0.01
_NAMED = 5
_STEP = "drain_clients"
_NO_SUCH_THREAD, _NOT_OWNER = 1094, 1095


@dataclass(frozen=True)
class Connected:
    """The clients' sessions on one server: `idle` rest outside of any transaction, `busy` are the others."""

    idle: tuple[Session, ...]
    busy: tuple[Session, ...]


@dataclass(frozen=True)
class DrainResult:
    """What came of it: the sessions that were ended, in how many batches, and those that are there now.

    `stopped` says why not all that were idle at the beginning were ended, empty where they were.
    """

    ended: tuple[Session, ...]
    batches: int
    left: Connected
    stopped: str


def connected(server: Server, ours: frozenset[str]) -> Connected:
    """The clients' sessions on a server now; those of the users in `ours` are no clients, nor are replicas.

    InnoDB makes its list of transactions anew only where nobody has asked for a tenth of a second: do not ask more
    often than `FRESH_S`.

    Raises:
        PrivilegeMissing: the account may not see all sessions (PROCESS).
        ServerError: the server cannot be asked.
    """
    # In this order: who began a transaction between the two answers did not rest for long enough in the first.
    processes, transactions = server.rows(PROCESSES), server.rows(TRANSACTIONS)
    inside = {int(row[0]) for row in transactions}
    idle: list[Session] = []
    busy: list[Session] = []
    for one in client_sessions(processes, ours):
        rests = one.command == "Sleep" and one.seconds >= _IDLE_S and one.id not in inside
        (idle if rests else busy).append(one)
    return Connected(tuple(sorted(idle, key=lambda one: one.id)), tuple(busy))


def idle_sessions(server: Server, ours: frozenset[str]) -> tuple[Session, ...]:
    """The clients' sessions that rest outside of any transaction, the oldest first; see `connected`."""
    return connected(server, ours).idle


def end_idle(m: Migration, server: Server, batch: int = BATCH) -> DrainResult:
    """End the sessions that are idle now, `batch` at a time, and say so in the journal.

    Before each batch the server is asked anew: who has gone back to work meanwhile is left alone, and who came
    meanwhile, too. The next batch waits until the sessions of the last one are gone.

    Raises:
        Unsupported: the server takes writes, so its clients belong there.
        PrivilegeMissing: the account may not see or end the clients' sessions.
        ServerError: the server cannot be asked; what was sent to it stands in the journal.
    """
    if not server.read_only().clients:
        raise Unsupported(
            server.name, f"{server.name} takes writes, so its clients are where they belong; nothing was ended."
        )
    ours = exempt_users(m, server)
    now = connected(server, ours)
    chosen = {one.id for one in now.idle}
    ended: list[Session] = []
    batches, stopped = 0, ""
    while not stopped and (due := tuple(one for one in now.idle if one.id in chosen)[:batch]):
        batches += 1
        for one in due:
            _end(m, server, one)
        chosen -= {one.id for one in due}
        left = _wait_until_gone(server, due)
        ended += [one for one in due if one.id not in left]
        if left:
            stopped = f"{len(left)} of them are still there {_GONE_S:g} s after they were ended"
        elif m.desk.halted():
            stopped = "it was stopped by an operator"
        time.sleep(FRESH_S)
        now = connected(server, ours)
    result = DrainResult(tuple(ended), batches, now, stopped)
    m.scribe.note(_in_words(server, result), "warn" if stopped else "info")
    return result


def _in_words(server: Server, result: DrainResult) -> str:
    ended, left = result.ended, (*result.left.idle, *result.left.busy)
    done = f"{server.name}: ended {_count(len(ended), 'idle session')}"
    if ended:
        done += f" in {_count(result.batches, 'batch', 'batches')} ({_people(ended)})"
    after = f"{_count(len(left), 'session')} connected now" + (f" ({_people(left)})" if left else "")
    return "; ".join(filter(None, (done, after, result.stopped)))


def _end(m: Migration, server: Server, session: Session) -> None:
    try:
        m.change(server, _STEP, server.dialect.kill % session.id)
    except StatementFailed as error:
        if error.code == _NOT_OWNER:
            raise PrivilegeMissing(
                server.name,
                f"{server.name} does not let this account end its clients' sessions ({error.code}); grant it "
                "CONNECTION_ADMIN (on MariaDB CONNECTION ADMIN, on servers before these SUPER).",
                error.code,
            ) from error
        # Its client was quicker.
        if error.code != _NO_SUCH_THREAD:
            raise


def _wait_until_gone(server: Server, sessions: Iterable[Session]) -> frozenset[int]:
    """Those that are still there in the end."""
    waited = {one.id for one in sessions}
    until = time.monotonic() + _GONE_S
    while left := waited & {int(row[0]) for row in server.rows(PROCESSES)}:
        if time.monotonic() > until:
            break
        time.sleep(_LOOK_S)
    return frozenset(left)


def _people(sessions: Iterable[Session]) -> str:
    counted = Counter(f"{one.user}@{one.host}" for one in sessions).most_common()
    named = [f"{who} {number}" for who, number in counted[:_NAMED]]
    if len(counted) > _NAMED:
        named.append(f"and {len(counted) - _NAMED} more")
    return ", ".join(named)


def _count(number: int, one: str, many: str = "") -> str:
    return f"{number} {one if number == 1 else many or one + 's'}"
