"""Ending replication in both directions."""

from __future__ import annotations

from migration.runbook import Estimate, Migration, Observation, done, not_done
from providers.mysql import replication
from providers.mysql.server import Server


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
    for server in _ends(m):
        if server.replica_status() is not None:
            m.scribe.statement(server.name, "end_replication", server.dialect.reset_replica, server.session.thread_id)
            replication.forget(server)
    m.restore_all()
