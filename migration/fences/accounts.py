"""The fence of a server that does not let us set read_only: its clients' accounts locked and their sessions ended."""

from __future__ import annotations

import contextlib
import hashlib
import re
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from migration import events
from migration.checks.sight import Session, require
from migration.fences import FenceBlocked, FenceDown
from migration.fences.foreign import (
    PROCESSES,
    TRANSACTIONS,
    client_sessions,
    exempt_users,
    in_words,
    logging_in,
)
from migration.fences.left import FENCE, end_left_sessions
from migration.journal import JournalError, Kind
from migration.runbook import Migration
from providers.mysql.binlog.commits import FRESH_S
from providers.mysql.bounded import Bounded, Overdue
from providers.mysql.connection import Connection, Row
from providers.mysql.errors import (
    ConnectionLost,
    LockTimeout,
    PrivilegeMissing,
    ServerError,
    StatementFailed,
    Unsupported,
)
from providers.mysql.literals import quote_name
from providers.mysql.replication import follows
from providers.mysql.server import Server
from providers.mysql.version import Version

_RAISED, _LIFTED = FENCE, "lift"
_NAME = "`(?:[^`]|``)*`"
_DO = re.compile(
    rf"(?:ALTER|RENAME) USER (?P<user>{_NAME})@(?P<host>{_NAME})(?: ACCOUNT LOCK| TO (?P<alias>{_NAME})@(?P=host))"
)
_LOOK_S = 0.002
_ZOMBIE_S = 2.0
_HUSK_S = 0.05
_KILLS_A_PACKET = 100
_NO_SUCH_THREAD, _NOT_OWNER = 1094, 1095


@dataclass(frozen=True)
class Hold:
    """One account that this migration keeps from logging in: by a lock, or under another name (`alias`)."""

    user: str
    host: str
    alias: str = ""

    @property
    def do(self) -> str:
        """The statement that takes hold of it; the journal's only record of it, so it can be read back."""
        if self.alias:
            return f"RENAME USER {self._account} TO {self._other}"
        return f"ALTER USER {self._account} ACCOUNT LOCK"

    @property
    def undo(self) -> str:
        """The statement that lets go of it."""
        if self.alias:
            return f"RENAME USER {self._other} TO {self._account}"
        # Where it is logged it comes to the other server, too, which may not have the account.
        return f"ALTER USER IF EXISTS {self._account} ACCOUNT UNLOCK"

    def shuts(self, accounts: Mapping[tuple[str, str], bool]) -> bool:
        """Whether it keeps the account out now; `accounts` says of each user and host whether it is locked."""
        if self.alias:
            return (self.alias, self.host) in accounts
        return accounts.get((self.user, self.host), False)

    @property
    def _account(self) -> str:
        return f"{quote_name(self.user)}@{quote_name(self.host)}"

    @property
    def _other(self) -> str:
        return f"{quote_name(self.alias)}@{quote_name(self.host)}"


def held(m: Migration, server: Server) -> tuple[Hold, ...]:
    """What the journal says this migration holds, or was about to take hold of, in the order it was taken.

    Raises:
        JournalError: the journal cannot be read.
    """
    found: dict[str, Hold] = {}
    for record in m.scribe.journal.records():
        if record.kind is not Kind.STATEMENT or record.subject != server.name:
            continue
        sql = str(record.body["sql"])
        taken = _DO.fullmatch(sql)
        if record.body["step"] == _RAISED and taken is not None:
            hold = Hold(_bare(taken["user"]), _bare(taken["host"]), _bare(taken["alias"] or ""))
            found[hold.undo] = hold
        elif record.body["step"] == _LIFTED:
            found.pop(sql, None)
    return tuple(found.values())


class AccountFence:
    """Locks every account of the clients, then ends their sessions until none is left.

    A lock keeps nobody out who is in already, which is why the sessions are ended (measured on MySQL 5.7, 9.7 and
    MariaDB 10.11: a session of a locked account goes on writing). What is under way in them is rolled back. A replica
    under an account of its own goes on reading, and cannot log in again while the account is locked.

    An account that was locked before is left alone, now and at the release. MySQL before 5.7.6 and MariaDB before
    10.4.2 have no lock: there the account gets a name of its own making for the while, keeping password and grants;
    views, routines and triggers that run as that account fail for as long (error 1449), on a replica of this server
    that has the account they do not.

    The account of this program needs:

    * CREATE USER; SELECT on mysql.user, on MariaDB from 10.4 on mysql.global_priv; PROCESS;
    * to end sessions: CONNECTION_ADMIN (MySQL 8.0), CONNECTION ADMIN (MariaDB 10.5.2), SUPER before, or EXECUTE on
      a procedure, such as the provider's;
    * to keep the locks out of the binary log: SESSION_VARIABLES_ADMIN (MySQL 8.0.14), BINLOG ADMIN (MariaDB 10.5.2),
      SUPER before;
    * SYSTEM_USER where a client's account has it (MySQL 8.0.16);
    * EVENT on the databases that move, where the event scheduler is on;
    * what reading positions takes: REPLICATION CLIENT, on MariaDB from 10.5 BINLOG MONITOR.

    Locks are part of the account table, and a statement in the binary log would lock the accounts on the other
    server, too, and open that one when they are unlocked here. So they run with `sql_log_bin = 0`. Where the account
    may not set that, they are logged, and the fence refuses to be raised while the other server follows this one.
    """

    bound_s = 0.15
    lead_s = 0.0

    def __init__(
        self,
        m: Migration,
        server: Server,
        *,
        kill_statement: str = "",
        spared: frozenset[str] = frozenset(),
    ) -> None:
        """Open the fence's sessions.

        Args:
            m: the migration.
            server: the server to be fenced.
            kill_statement: how a session is ended where a procedure has to do it, `%s` for its id; else as the server
                has it.
            spared: further users that are no clients; they are neither locked nor ended.

        Raises:
            ServerError: the server cannot be reached.
        """
        self._m = m
        self._server = server
        self._kill_statement = kill_statement or server.dialect.kill
        self._exempt = exempt_users(m, server) | spared
        self._can_lock = _can_lock(server.version)
        self._answered = True
        self._taken: tuple[Hold, ...] = ()
        with contextlib.suppress(JournalError):
            self._taken = held(m, server)
        self._ended: set[int] = set()
        # Who was logging in when the accounts had just been locked may have been let in before.
        self._early: frozenset[int] = frozenset()
        self._killed_since: dict[int, float] = {}
        self._left: tuple[Session, ...] = ()
        session = server.connect()
        self._silent = _unlogged(session)
        self._bounded = Bounded(session, server.connect())

    def statements(self) -> tuple[str, ...]:
        """What raising it would run now.

        Raises:
            ServerError: the accounts cannot be listed.
        """
        locks = (hold.do for hold in self._to_take(self._server.rows(_accounts(self._server.version))))
        return (*locks, f"{self._kill_statement % '<id>'} for each session of theirs")

    def raise_(self, then: tuple[str, ...], bound_s: float) -> tuple[tuple[Row, ...], ...]:
        """See `Fence`. The questions travel with the last look at the sessions.

        Raises:
            FenceBlocked: sessions were left at the bound; the accounts are unlocked again.
            Unsupported: scheduled events would write on, or the locks would reach the other server.
        """
        self._refuse()
        session = self._bounded.session
        taking = self._to_take(session.rows(_accounts(self._server.version)))
        self._taken += taking
        for hold in taking:
            self._m.scribe.statement(self._server.name, _RAISED, hold.do, session.thread_id)
        until = time.monotonic() + bound_s
        self._left = ()
        in_the_way = "a lock on the account tables, such as that of FLUSH TABLES WITH READ LOCK"
        try:
            with self._bounded.within(bound_s):
                for hold in taking:
                    session.run(hold.do)
                in_the_way = "sessions that are rolled back"
                answers = self._end_sessions(then, until)
            if answers is not None:
                return answers
        except ConnectionLost:
            self._answered = False
            raise
        except (Overdue, LockTimeout):
            pass
        except ServerError:
            self.release()
            raise
        self.release()
        raise FenceBlocked(
            self._server.name,
            f"{self._server.name} could not be fenced within {bound_s * 1000:.0f} ms; its accounts are unlocked again "
            f"and writes go on. In the way: {in_words(self._left) or in_the_way}. End it or wait for it, then try "
            "again.",
        )

    def prove(self, then: tuple[str, ...]) -> tuple[tuple[Row, ...], ...]:
        """See `Fence`."""
        session, until = self._bounded.session, time.monotonic() + 2 * _HUSK_S
        asked = (_accounts(self._server.version), PROCESSES, TRANSACTIONS, *then)
        while True:
            accounts, processes, transactions, *answers = session.results(asked)
            if free := self._to_take(accounts):
                raise FenceDown(
                    self._server.name,
                    f"The account {free[0].user}@{free[0].host} can log in to {self._server.name} again, in spite of "
                    "the fence; find out who unlocked or made it, then try again.",
                )
            left = self._clients(processes)
            if not left or time.monotonic() > until or not all(map(_ends, left)):
                break
            # Somebody has killed them, if not we; it is looked again until they are gone or nothing but husks.
            self._ended.update(one.id for one in left)
            time.sleep(_LOOK_S)
        if left:
            raise FenceDown(
                self._server.name,
                f"There is a client on {self._server.name} behind the fence: {in_words(left)}; find out how it got "
                "in, then try again.",
            )
        if self._lingers(transactions):
            raise FenceDown(
                self._server.name,
                f"A transaction of a session that was ended on {self._server.name} is still being rolled back; wait "
                "for it (information_schema.innodb_trx), then try again.",
            )
        return tuple(answers)

    def proving(self, then: tuple[str, ...]) -> Callable[[], tuple[tuple[Row, ...], ...]]:
        """See `Fence`. Several looks are needed, so all is asked when the answer is taken."""
        return lambda: self.prove(then)

    def release(self) -> None:
        """See `Fence`. Uses a new session: the fence's own may be lost."""
        if holds := self._holds():
            self._release(holds)
        with contextlib.suppress(JournalError):
            events.restore(self._m, self._server)

    def close(self) -> None:
        """Close the sessions."""
        self._bounded.close()

    def _release(self, holds: tuple[Hold, ...]) -> None:
        connection = self._server.connect()
        try:
            _unlogged(connection)
            self._end_zombies(connection)
            ours = frozenset({self._bounded.session.thread_id} if self._answered else ())
            lifted = self._let_go(connection, holds)
            if end_left_sessions(self._m, self._server, connection, ours):
                lifted = tuple(dict.fromkeys((*lifted, *self._let_go(connection, holds))))
            thread_id = connection.thread_id
        finally:
            connection.close()
        self._taken = ()
        with contextlib.suppress(JournalError):
            for hold in lifted:
                self._m.scribe.statement(self._server.name, _LIFTED, hold.undo, thread_id)

    def _refuse(self) -> None:
        """What keeps this fence from holding, however often it is raised."""
        m, server = self._m, self._server
        # Refused without PROCESS, where the list of sessions itself would only be shorter.
        server.rows("SELECT COUNT(*) FROM information_schema.innodb_cmp")
        if server.variable("event_scheduler") == "ON":
            require(server, "EVENT", m.databases())
            if names := events.enabled(m, server):
                raise Unsupported(
                    server.name,
                    f"Locked accounts do not stop the events of {server.name} ({', '.join(names)}); disable them, or "
                    "turn event_scheduler off, then try again.",
                )
        other = m.target if server is m.source else m.source
        if not self._silent and follows(other, server) is not None:
            raise Unsupported(
                server.name,
                f"The account {server.endpoint.account.user} may not keep statements out of the binary log of "
                f"{server.name}, so locks would reach {other.name}, too; grant it SESSION_VARIABLES_ADMIN (on MariaDB "
                "BINLOG ADMIN, on servers before these SUPER), or choose the operator's fence.",
            )

    def _to_take(self, accounts: Iterable[Row]) -> tuple[Hold, ...]:
        """The clients' accounts that can log in."""
        ours = {(hold.alias, hold.host) for hold in self._taken if hold.alias}
        return tuple(
            Hold(user, host, "" if self._can_lock else _alias(user, host))
            for (user, host), locked in _by_account(accounts).items()
            if not locked and user not in self._exempt and (user, host) not in ours
        )

    def _holds(self) -> tuple[Hold, ...]:
        """What we hold: by the journal, and where that cannot be read by memory.

        Raises:
            ServerError: neither says anything.
        """
        try:
            return tuple(dict.fromkeys((*held(self._m, self._server), *self._taken)))
        except JournalError as error:
            if self._taken:
                return self._taken
            raise ServerError(
                self._server.name,
                f"Which accounts were locked on {self._server.name} cannot be read ({error}); unlock those of the "
                "applications by hand.",
            ) from error

    def _end_sessions(self, then: tuple[str, ...], until: float) -> tuple[tuple[Row, ...], ...] | None:
        """End the clients' sessions until two looks in a row show none, the second together with the questions.

        Returns:
            The answers; None where `until` came first, and then `_left` has the sessions that were seen last.
        """
        session = self._bounded.session
        processes = session.rows(PROCESSES)
        self._early = frozenset(one.id for one in logging_in(processes, self._exempt))
        while time.monotonic() < until:
            if seen := self._clients(processes):
                self._left = seen
                self._end(seen)
                time.sleep(_LOOK_S)
                processes = session.rows(PROCESSES)
                continue
            processes, transactions, *answers = session.results((PROCESSES, TRANSACTIONS, *then))
            if self._clients(processes):
                continue
            if not self._lingers(transactions):
                return tuple(answers)
            time.sleep(FRESH_S)
        return None

    def _clients(self, processes: tuple[Row, ...]) -> tuple[Session, ...]:
        unknown = tuple(one for one in logging_in(processes, self._exempt) if one.id in self._early)
        return tuple(one for one in client_sessions(processes, self._exempt) + unknown if not self._is_husk(one))

    def _is_husk(self, session: Session) -> bool:
        """Whether a session that is still listed has ended for good.

        A KILL that arrives just as a session begins to wait for its client may wake nobody on MySQL 5.7, which then
        goes on listing it as killed (seen for 35 s, with its locks). Nothing is under way in it, what it had not
        committed is looked for apart, and should it write all the same, the second reading of the log's end tells.
        """
        if session.id not in self._ended or not _ends(session):
            self._killed_since.pop(session.id, None)
            return False
        now = time.monotonic()
        return now - self._killed_since.setdefault(session.id, now) >= _HUSK_S

    def _end(self, sessions: Iterable[Session]) -> None:
        """Send the kills, many in one packet; the first that comes too late ends its packet.

        Killed ones that are still there are killed again: one that was just logging in has been seen to wait for its
        client for seconds (MySQL 5.7).
        """
        ids = [one.id for one in sessions]
        self._ended.update(ids)
        for start in range(0, len(ids), _KILLS_A_PACKET):
            packet = [self._kill_statement % number for number in ids[start : start + _KILLS_A_PACKET]]
            try:
                self._bounded.session.results(packet)
            except StatementFailed as error:
                if error.code == _NOT_OWNER:
                    raise PrivilegeMissing(
                        self._server.name,
                        f"{self._server.name} does not let this account end its clients' sessions ({error.code}); "
                        "grant it CONNECTION_ADMIN (on MariaDB CONNECTION ADMIN, on servers before these SUPER), or "
                        "use the provider's procedure.",
                        error.code,
                    ) from error
                if error.code != _NO_SUCH_THREAD:
                    raise

    def _lingers(self, transactions: Iterable[Row]) -> bool:
        return any(int(row[0]) in self._ended for row in transactions)

    def _end_zombies(self, connection: Connection) -> None:
        """End sessions of ours that still wait to lock an account: they would do so after the release."""
        until = time.monotonic() + _ZOMBIE_S
        while ids := self._zombies(connection):
            for number in ids:
                with contextlib.suppress(StatementFailed):
                    connection.run(f"KILL {number}")
            if time.monotonic() > until:
                raise StatementFailed(
                    self._server.name,
                    f"Session {ids[0]} of this program on {self._server.name} waits to lock an account and does not "
                    "end; kill it by hand.",
                )
            time.sleep(_LOOK_S)

    def _zombies(self, connection: Connection) -> tuple[int, ...]:
        user = self._server.endpoint.account.user
        return tuple(
            int(row[0])
            for row in connection.rows(PROCESSES)
            if row[1] == user and int(row[0]) != connection.thread_id and _DO.fullmatch(str(row[7]))
        )

    def _let_go(self, connection: Connection, holds: tuple[Hold, ...]) -> tuple[Hold, ...]:
        """Unlock those that are locked, the newest first, and look.

        Returns:
            The holds that are no more: an account that was dropped meanwhile is not among them.
        """
        question = _accounts(self._server.version)
        before = _by_account(connection.rows(question))
        for hold in reversed(holds):
            if hold.shuts(before):
                connection.run(hold.undo)
        now = _by_account(connection.rows(question))
        for hold in holds:
            if hold.shuts(now):
                raise StatementFailed(
                    self._server.name,
                    f"The account {hold.user}@{hold.host} is still shut out of {self._server.name} after "
                    f"`{hold.undo}`; run that statement by hand at once.",
                )
        return tuple(hold for hold in reversed(holds) if (hold.user, hold.host) in now)


def _can_lock(version: Version) -> bool:
    return version.mysql_from(5, 7, 6) or version.mariadb_from(10, 4, 2)


def _accounts(version: Version) -> str:
    """The question for user, host and whether it is locked, of every account that is no role."""
    if version.mariadb_from(10, 4, 2):
        return (
            "SELECT user, host, COALESCE(JSON_VALUE(priv, '$.account_locked') IN ('1', 'true'), 0) "
            "FROM mysql.global_priv WHERE COALESCE(JSON_VALUE(priv, '$.is_role') IN ('1', 'true'), 0) = 0"
        )
    if version.mariadb:
        return "SELECT user, host, 0 FROM mysql.user WHERE is_role = 'N'"
    return f"SELECT user, host, {'account_locked = ' + repr('Y') if _can_lock(version) else '0'} FROM mysql.user"


def _by_account(rows: Iterable[Row]) -> dict[tuple[str, str], bool]:
    return {(str(user), str(host)): bool(int(locked)) for user, host, locked in rows}


def _alias(user: str, host: str) -> str:
    """A name for the while, within the 16 characters that MySQL 5.6 allows."""
    return "cutover_" + hashlib.sha256(f"{user}\0{host}".encode()).hexdigest()[:8]


def _ends(session: Session) -> bool:
    return session.command == "Killed" and not session.statement


def _bare(quoted: str) -> str:
    return quoted[1:-1].replace("``", "`")


def _unlogged(session: Connection) -> bool:
    """Keep what the session does out of the binary log; False where the account may not."""
    try:
        session.run("SET SESSION sql_log_bin = 0")
    except PrivilegeMissing:
        return False
    return True
