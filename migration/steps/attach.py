"""Starting replication on the target, and closing it to administrators, too."""

from __future__ import annotations

from migration.runbook import Estimate, Migration, Observation, done, not_done
from providers.mysql import replication
from providers.mysql.server import Server

_RUNNING_S = 15.0
# A multi-threaded applier tells its file position only this often, in ms; positions are what lag and the
# drain of the cutover rest on where there are no GTIDs.
_CHECKPOINT_MS = "5"


def statements(m: Migration) -> tuple[str, ...]:
    """What will run."""
    words = m.target.dialect
    closing = filter(None, (words.fence, words.persist_read_only))
    return (f"{m.target.name}: {words.start_replica}", *(f"{m.target.name}: {sql}" for sql in closing))


def estimate(m: Migration) -> Estimate:
    """How long it takes."""
    return Estimate(1.0, "one login from the target to the source")


def probe(m: Migration) -> Observation:
    """Whether the target follows exactly this source, and nobody can write on it."""
    status = replication.follows(m.target, m.source)
    if status is None:
        return not_done(f"{m.target.name} does not follow {m.source.name}")
    if not status.running:
        return not_done(f"replication on {m.target.name}: {status.trouble}")
    state = m.target.read_only()
    if not state.clients or (m.target.dialect.has_super_read_only and not state.everyone):
        return not_done(f"{m.target.name} is not fully read-only")
    return done(f"{m.target.name} follows {m.source.name}")


def apply(m: Migration) -> None:
    """Start the channel and close the target to everyone but replication.

    Raises:
        ServerError: it does not run, in the server's own words.
    """
    ready_for_positions(m, m.target)
    m.change(m.target, "attach", m.target.dialect.start_replica)
    replication.wait_running(m.target, _RUNNING_S)
    m.change(m.target, "attach", m.target.dialect.fence)
    if persist := m.target.dialect.persist_read_only:
        m.change(m.target, "attach", persist)


def undo(m: Migration) -> None:
    """Stop following. The channel's configuration stays, so that it can be started again."""
    replication.stop(m.target)
    for sql in m.target.dialect.forget_persisted_read_only:
        m.change(m.target, "undo_attach", sql)
    m.change(m.target, "undo_attach", m.target.dialect.unfence)
    m.change(m.target, "undo_attach", m.target.dialect.fence_clients)


def ready_for_positions(m: Migration, replica: Server) -> None:
    """Let a replica tell its file position often enough, where positions are files and offsets."""
    variable = replica.dialect.checkpoint_period
    if m.by_file and variable is not None and replica.dialect.sets_globals:
        m.adjust(replica, variable, _CHECKPOINT_MS)
