"""Moving the writes from one server to the other: fence, drain, prove, promote.

The same code moves them forward (cutover) and back (rollback); `Switchover.old` has the writes now, `new`
is to have them, and each already follows the other.

Invariants, each kept by the order of the statements below:

- `new` is opened only after two readings of `old` in this attempt: fenced, and its end of log unchanged.
- `new` is opened only once it has executed everything up to that end of log.
- Before the point-of-no-return record every failure lifts the fence; after it everything goes forward.
- What a broken connection leaves unknown is resolved by reading the server on a new one.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from migration import events
from migration.journal import JournalError
from migration.model import Direction, Outcome
from migration.runbook import Migration
from providers.mysql import replication
from providers.mysql.connection import Connection
from providers.mysql.errors import ConnectionLost, LockTimeout, ServerError, StatementFailed
from providers.mysql.position import Position
from providers.mysql.server import Server

PARTS = (
    ("ready", "rehearse the drain"),
    ("fence", "fence the old side"),
    ("drain", "drain to the new side"),
    ("prove", "prove the old side still"),
    ("promote", "open the new side"),
    ("events", "switch events over"),
    ("keep", "keep the old side closed"),
    ("reverse", "prove the way back"),
)
_REHEARSALS = 2
_SLICE_S = 1.0
_READY_S = 10.0
_QUICK_S = 0.25
_POLL_S = 0.05
_REVERSE_S = 15.0


class Aborted(Exception):
    """The attempt ended before the point of no return; the old side takes writes as before."""


@dataclass(frozen=True)
class Switchover:
    """One attempt to move the writes."""

    number: int
    direction: Direction
    old: Server
    new: Server
    actor: str


def plan_switch(m: Migration, number: int, direction: Direction, actor: str) -> Switchover:
    """Who is old and who is new in this direction."""
    forward = direction is Direction.CUTOVER
    old, new = (m.source, m.target) if forward else (m.target, m.source)
    return Switchover(number, direction, old, new, actor)


def switch(m: Migration, s: Switchover) -> None:
    """Carry out one attempt.

    Raises:
        Aborted: nothing has moved, and the old side takes writes; the message says why.
        ServerError: the old side could not be opened again, or the new one not yet: the runner looks again.
    """
    m.scribe.attempt(
        s.number,
        s.direction,
        old=s.old.name,
        new=s.new.name,
        actor=s.actor,
        budget_s=m.spec.limits.fence_s,
        parts=PARTS,
    )
    try:
        _Attempt(m, s).run()
    except (Aborted, ServerError, JournalError) as error:
        if _past_no_return(m, s.number):
            raise
        lift(m, s.old)
        if isinstance(error, JournalError):
            raise
        m.scribe.attempt_ended(s.number, "aborted", str(error))
        raise Aborted(str(error)) from error
    finish_switch(m, s)


def finish_switch(m: Migration, s: Switchover) -> None:
    """What follows once the new side is open; each part may be repeated.

    A part that fails is said and does not hold up the others: the writes have moved, and whether one can go
    back is measured from here on.
    """
    failed = []
    for part, act in (("events", _hand_over_events), ("keep", _keep_closed), ("reverse", _prove_way_back)):
        try:
            with _part(m, s, part) as say:
                say(act(m, s))
        except ServerError as error:
            failed.append(str(error))
    m.scribe.attempt_ended(s.number, "switched", " ".join(failed))


def settle(m: Migration, s: Switchover) -> bool:
    """Bring an attempt that a dead runner left open to its end, by what the servers say. True if it switched.

    Raises:
        ServerError: a server cannot be reached.
        Aborted: the servers are in a state that only a person can judge; nothing was changed.
    """
    past = _past_no_return(m, s.number)
    old_closed, new_closed = s.old.read_only().clients, s.new.read_only().clients
    m.scribe.note(
        f"found after a restart: {s.old.name} {_closed(old_closed)}, {s.new.name} {_closed(new_closed)}, "
        f"point of no return {'passed' if past else 'not reached'}",
        "warn",
    )
    if not old_closed and not new_closed:
        s.new.change(s.new.dialect.fence) if not past else s.old.change(s.old.dialect.fence)
        raise Aborted(
            f"Both {s.old.name} and {s.new.name} took writes; one of them was fenced at once. "
            "Compare what each has before you go on."
        )
    if not new_closed:
        finish_switch(m, s)
        return True
    if past and old_closed:
        with _part(m, s, "promote") as say:
            say(_promote(m, s, s.new.connect()))
        finish_switch(m, s)
        return True
    lift(m, s.old)
    m.scribe.attempt_ended(s.number, "aborted", "the runner died before the point of no return")
    return False


def lift(m: Migration, server: Server) -> None:
    """Open a server for writes and prove it, ending what is left of a fence under way.

    Works without the journal, too: a full disk must not keep a fence up.

    Raises:
        ServerError: it cannot be reached or does not obey.
    """
    connection = server.connect()
    said = []
    try:
        for thread_id in _fencing_sessions(server, connection):
            said.append(f"KILL {thread_id}, a fence that was still waiting")
            with contextlib.suppress(ServerError):
                connection.run(f"KILL {thread_id}")
        if connection.row(server.dialect.read_only_state) != (0, 0):
            said.append(server.dialect.unfence)
            connection.run(server.dialect.unfence)
        if server.read_only().clients:
            raise StatementFailed(
                server.name,
                f"{server.name} is still read-only after `{server.dialect.unfence}`; find what sets it and run that "
                "statement by hand at once.",
            )
        with contextlib.suppress(JournalError):
            for words in said:
                m.scribe.statement(server.name, "lift", words, connection.thread_id)
            events.restore(m, server)
    finally:
        connection.close()


def _fencing_sessions(server: Server, connection: Connection) -> tuple[int, ...]:
    """Sessions of ours that are still inside a fence statement: they would close the server later."""
    rows = connection.rows("SHOW FULL PROCESSLIST")
    user = server.endpoint.account.user
    return tuple(
        int(row[0])
        for row in rows
        if row[1] == user and int(row[0]) != connection.thread_id and "read_only = ON" in str(row[7])
    )


def _closed(state: bool) -> str:
    return "read-only" if state else "takes writes"


def _past_no_return(m: Migration, number: int) -> bool:
    attempts = m.story().attempts
    return bool(attempts) and attempts[-1].number == number and attempts[-1].past_no_return


@contextlib.contextmanager
def _part(m: Migration, s: Switchover, part: str) -> Iterator[Callable[[str], None]]:
    """Journal a part around what it does; the yielded function takes what was observed."""
    words: list[str] = []
    began = time.time()
    m.scribe.part_intent(s.number, part)
    try:
        yield words.append
    except ConnectionLost as error:
        m.scribe.part_outcome(s.number, part, Outcome.UNKNOWN, str(error), began=began, ended=time.time())
        raise
    except (Aborted, ServerError) as error:
        m.scribe.part_outcome(s.number, part, Outcome.NOT_DONE, str(error), began=began, ended=time.time())
        raise
    m.scribe.part_outcome(s.number, part, Outcome.DONE, " ".join(words), began=began, ended=time.time())


class _Attempt:
    """The part of a switch that can still be undone, and the opening of the new side."""

    def __init__(self, m: Migration, s: Switchover) -> None:
        self.m = m
        self.s = s
        self.old = s.old.connect()
        self.new = s.new.connect()
        self.deadline = 0.0
        self.end: Position | None = None

    def run(self) -> None:
        try:
            self.old.run(f"SET SESSION lock_wait_timeout = {self.m.spec.limits.lock_wait_s}")
            with _part(self.m, self.s, "ready") as say:
                say(self._rehearse_drain())
            events.pause(self.m, self.s.old)
            with _part(self.m, self.s, "fence") as say:
                say(self._fence())
            with _part(self.m, self.s, "drain") as say:
                say(self._drain())
            with _part(self.m, self.s, "prove") as say:
                say(self._prove())
            self.m.scribe.no_return(self.s.number, str(self.end))
            with _part(self.m, self.s, "promote") as say:
                say(_promote(self.m, self.s, self.new))
        finally:
            self.old.close()
            self.new.close()

    def _rehearse_drain(self) -> str:
        """Twice in a row the new side must reach the old one's end quickly, or there is no point in a fence."""
        quick, worst = 0, 0.0
        deadline = time.monotonic() + _READY_S
        limit = min(_QUICK_S, self.m.spec.limits.fence_s / 2)
        while quick < _REHEARSALS:
            self._stop_if_asked(deadline)
            began = time.monotonic()
            reached = self.s.new.wait_for(self.m.end_position(self.s.old), _SLICE_S, self.new)
            took = time.monotonic() - began
            quick = quick + 1 if reached and took <= limit else 0
            worst = max(worst, took) if reached else worst
        self._nothing_prepared()
        return f"twice within {worst * 1000:.1f} ms"

    def _nothing_prepared(self) -> None:
        prepared = self.old.rows("XA RECOVER")
        if prepared:
            raise Aborted(
                f"{self.s.old.name} has {len(prepared)} prepared XA transaction(s), which can be committed under any "
                "fence; commit or roll them back, then try again."
            )

    def _fence(self) -> str:
        """Raise the fence. With lock_wait_timeout it gives up rather than queue writers behind a long statement."""
        dialect = self.s.old.dialect
        self.deadline = time.monotonic() + self.m.spec.limits.fence_s
        self.m.scribe.statement(self.s.old.name, "fence", dialect.fence, self.old.thread_id)
        try:
            self.old.run(dialect.fence)
        except LockTimeout as error:
            raise Aborted(
                f"{self.s.old.name} could not be fenced within {self.m.spec.limits.lock_wait_s} s because a write "
                f"statement or a table lock is in the way ({error.code}); end it or wait for it, then try again."
            ) from error
        self.end = self.m.end_position(self.s.old)
        return f"end of log {self.end}"

    def _drain(self) -> str:
        """Wait until the new side has executed everything up to the old side's end of log."""
        assert self.end is not None
        while True:
            self._stop_if_asked(self.deadline)
            left = min(_SLICE_S, max(0.0, self.deadline - time.monotonic()))
            if self.s.new.wait_for(self.end, left, self.new):
                return f"{self.s.new.name} has {self.end}"
            status = self.s.new.replica_status()
            if status is None or not status.running:
                trouble = status.trouble if status else "it is no replica any more"
                raise Aborted(f"Replication on {self.s.new.name} stopped while draining: {trouble}.")

    def _prove(self) -> str:
        """The second reading of the old side: it must still be fenced, and have nothing new."""
        assert self.end is not None
        while True:
            if not int((self.old.row(self.s.old.dialect.read_only_state) or (0,))[0]):
                raise Aborted(
                    f"The fence on {self.s.old.name} was lifted by somebody else; find out who, then try again."
                )
            now = self.m.end_position(self.s.old)
            if now == self.end:
                break
            self.end = now
            self._drain()
        self._nothing_prepared()
        if time.monotonic() > self.deadline:
            raise Aborted(f"The time for the fence on {self.s.old.name} ran out ({self.m.spec.limits.fence_s:g} s).")
        return f"{self.s.old.name} is fenced and still ends at {self.end}"

    def _stop_if_asked(self, deadline: float) -> None:
        if self.m.desk.halted():
            raise Aborted("The operator stopped it.")
        if time.monotonic() > deadline:
            raise Aborted(
                f"{self.s.new.name} did not catch up with {self.s.old.name} in time; "
                "wait until the lag is small and steady, then try again."
            )


def _promote(m: Migration, s: Switchover, connection: Connection) -> str:
    """Open the new side. Past the point of no return: where the answer is lost, look, and go on forward."""
    while True:
        try:
            m.scribe.statement(s.new.name, "promote", s.new.dialect.unfence, connection.thread_id)
            connection.run(s.new.dialect.unfence)
        except ConnectionLost:
            m.scribe.note(f"the answer of {s.new.name} was lost while it was opened; looking", "warn")
            connection = _reconnect(m, s.new)
        if not int((connection.row(s.new.dialect.read_only_state) or (1,))[0]):
            return f"{s.new.name} takes writes"
        m.scribe.note(f"{s.new.name} is still read-only; opening it again", "warn")


def _reconnect(m: Migration, server: Server) -> Connection:
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


def _hand_over_events(m: Migration, s: Switchover) -> str:
    """Switch on, on the new side, the events that were on; the statements reach the old side switched off."""
    names = events.enabled(m, s.old)
    for name in names:
        m.change(s.new, "events", f"ALTER EVENT {name} ENABLE")
    events.restore(m, s.new)
    return f"{len(names)} events switched on on {s.new.name}" if names else "no scheduled events"


def _prove_way_back(m: Migration, s: Switchover) -> str:
    status = replication.wait_running(s.old, _REVERSE_S)
    return f"{s.old.name} follows {s.new.name} at {status.source_host}:{status.source_port}"


def _keep_closed(m: Migration, s: Switchover) -> str:
    for sql in s.new.dialect.forget_persisted_read_only:
        m.change(s.new, "keep", sql)
    persist = s.old.dialect.persist_read_only
    if persist is None:
        return (
            f"{s.old.name} cannot keep read_only over a restart by itself; "
            "put read_only = ON into its configuration file"
        )
    m.change(s.old, "keep", persist)
    return f"{s.old.name} stays read-only over a restart"
