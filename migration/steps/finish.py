"""Ending replication in both directions."""

from __future__ import annotations

from migration import bridging
from migration.cutover import signal
from migration.runbook import Estimate, Migration, Observation, done, not_done
from providers.mysql import replication
from providers.mysql.server import Server

_FOLLOWED_S = 5.0


def _ends(m: Migration) -> tuple[Server, ...]:
    return (m.source, m.target)


def statements(m: Migration) -> tuple[str, ...]:
    """What will run."""
    lines = []
    for server in _ends(m):
        lines += [f"{server.name}: {server.dialect.stop_replica}", f"{server.name}: {server.dialect.reset_replica}"]
    lines += [fix.undo for fix in m.adjusted()]
    return tuple(lines)


def estimate(m: Migration) -> Estimate:
    """How long it takes."""
    return Estimate(2.0, "two statements on each server")


def probe(m: Migration) -> Observation:
    """Whether neither server follows the other, and every temporary setting is back."""
    following = [server.name for server in _ends(m) if server.replica_status() is not None]
    if following:
        return not_done(f"{' and '.join(following)} still has a replication channel")
    if m.adjusted():
        return not_done("temporary settings are still in force")
    return done("neither server follows the other")


def apply(m: Migration) -> None:
    """Forget both channels and take temporary settings back.

    Raises:
        ServerError: a server refused, or cannot be reached.
    """
    _drop_signal(m)
    for server in _ends(m):
        if server.replica_status() is not None:
            m.scribe.statement(server.name, "end_replication", server.dialect.reset_replica, server.session.thread_id)
            replication.forget(server)
    bridging.stop(m)
    m.restore_all()


def _drop_signal(m: Migration) -> None:
    """Drop the signal row's database where the writes are, and wait until the other side has followed."""
    for writable, other in ((m.source, m.target), (m.target, m.source)):
        if not writable.read_only().clients:
            signal.drop(m, writable)
            if other.replica_status() is not None:
                other.wait_for(m.end_position(writable), _FOLLOWED_S)
