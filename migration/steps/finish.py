"""Ending replication in both directions."""

from __future__ import annotations

from migration import bridging, fixing
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
    for server in m.servers:
        lines += [f"{server.name}: {server.dialect.stop_replica}", f"{server.name}: {server.dialect.reset_replica}"]
    lines += [fix.undo for fix in m.adjusted()]
    lines += [one.fix.undo for one in fixing.set_aside(m)]
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
    if away := fixing.set_aside(m):
        return not_done(f"{len(away)} of what was set aside on {m.source.name} is not created again yet")
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
    _create_again(m)
    m.restore_all()


def _create_again(m: Migration) -> None:
    """What was set aside comes back where the writes are."""
    for server in _ends(m):
        if not server.read_only().clients:
            fixing.create_again(m, server)
            return


def _drop_signal(m: Migration) -> None:
    """Drop the signal row's database where the writes are, and wait until the other side has followed."""
    for writable, other in ((m.source, m.target), (m.target, m.source)):
        if not writable.read_only().clients:
            signal.drop(m, writable)
            if other.replica_status() is not None:
                other.wait_for(m.end_position(writable), _FOLLOWED_S)
