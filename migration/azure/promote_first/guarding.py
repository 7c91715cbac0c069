"""Keeping clients out of the replica from before its promotion on: see `migration.guard`.

A read replica is read-only for everybody but the service, and its promotion opens it. Accounts can be locked only once
it takes writes, and `read_only` cannot be set on a replica by any document; `init_connect` can be set on every Flexible
Server (how-to-configure-server-parameters-cli), on a replica independently of its source (concepts-read-replicas). So
it guards the replica until the accounts are locked.
"""

from __future__ import annotations

import time

from migration.azure.account import of
from migration.azure.data_in import settings
from migration.fences.choose import holds_accounts
from migration.fences.foreign import PROCESSES, client_sessions, exempt_users, logging_in
from migration.guard import GUARD, guard
from migration.runbook import Estimate, Halted, Migration, Observation, done, not_done
from providers.mysql.errors import StatementFailed

_NO_SUCH_THREAD = 1094
_AGAIN_S = 0.05
_RECORDED = Estimate(15.0, "recorded: 15 s for a parameter; nothing is restarted")


def in_force(m: Migration) -> bool:
    """Whether the new server itself has the guard.

    Raises:
        ServerError: it cannot be asked.
    """
    return m.target.variable(GUARD) == guard(m)


class Guarded:
    """Setting the guard, and ending the sessions that were there before; see `migration.runbook.Action`."""

    def statements(self, m: Migration) -> tuple[str, ...]:
        """What will be called."""
        return (
            settings.shown(of(m).replica, GUARD, guard(m)),
            f"{of(m).replica.name}: {m.source.dialect.kill % '<id>'} for each session of a client",
        )

    def estimate(self, m: Migration) -> Estimate:
        """How long it takes."""
        return _RECORDED

    def probe(self, m: Migration) -> Observation:
        """Whether it is in force and no session is older than it."""
        name = m.target.name
        if not in_force(m):
            return not_done(f"{name} lets every session in")
        left = _left(m)
        if left:
            return not_done(f"{len(left)} sessions on {name} are older than the guard")
        return done(f"{name} lets nobody in but this program")

    def apply(self, m: Migration) -> None:
        """Set it and end the others' sessions.

        Raises:
            CloudFailed, CloudSilent, Halted: as `settings.put`.
            ServerError: the server does not let a session be ended.
        """
        if not in_force(m):
            settings.put(m, "guard", of(m).replica, GUARD, guard(m))
        while left := _left(m):
            for number in left:
                _end(m, number)
            if m.desk.halted():
                raise Halted
            time.sleep(_AGAIN_S)

    def undo(self, m: Migration) -> None:
        """Let clients in again: a replica is read-only, and what was promoted has their accounts back."""
        if of(m).server(of(m).replica) is not None and in_force(m):
            settings.put(m, "guard", of(m).replica, GUARD, _of_source(m))


class WithoutGuard:
    """Taking the guard away, once the accounts do its work; see `migration.runbook.Action`."""

    def statements(self, m: Migration) -> tuple[str, ...]:
        """What will be called."""
        return (settings.shown(of(m).replica, GUARD, _of_source(m)),)

    def estimate(self, m: Migration) -> Estimate:
        """How long it takes."""
        return _RECORDED

    def probe(self, m: Migration) -> Observation:
        """Whether the new server has what its source has."""
        if in_force(m):
            return not_done(f"{m.target.name} has the guard")
        return done(f"{m.target.name} has no guard; its clients' accounts are locked")

    def apply(self, m: Migration) -> None:
        """Take it away.

        Raises:
            CloudFailed, CloudSilent, Halted: as `settings.put`.
        """
        settings.put(m, "without_guard", of(m).replica, GUARD, _of_source(m))


def closed(m: Migration) -> bool:
    """Whether clients are kept out of the new server, by the guard or by locked accounts.

    Raises:
        ServerError: it cannot be asked.
    """
    return holds_accounts(m, m.target) or in_force(m)


def _of_source(m: Migration) -> str:
    return settings.value(m, of(m).source, GUARD)


def _left(m: Migration) -> tuple[int, ...]:
    # The guard is in force: who is in now, or was about to be let in, is older.
    exempt = exempt_users(m, m.target) | frozenset(m.spec.spared)
    rows = m.target.rows(PROCESSES)
    return tuple(one.id for one in (*client_sessions(rows, exempt), *logging_in(rows, exempt)))


def _end(m: Migration, number: int) -> None:
    try:
        m.change(m.target, "guard", m.target.dialect.kill % number)
    except StatementFailed as error:
        if error.code != _NO_SUCH_THREAD:
            raise


GUARDED, WITHOUT_GUARD = Guarded(), WithoutGuard()
