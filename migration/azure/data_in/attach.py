"""Starting replication on the target, whose clients are kept out by their locked accounts already."""

from __future__ import annotations

from migration.fences.choose import shut
from migration.runbook import Estimate, Migration, Observation, done, not_done
from providers.mysql import replication

_RUNNING_S = 30.0


def statements(m: Migration) -> tuple[str, ...]:
    """What will run."""
    return (f"{m.target.name}: {m.target.dialect.start_replica}",)


def estimate(m: Migration) -> Estimate:
    """How long it takes."""
    return Estimate(1.0, "one login from the target to the source")


def probe(m: Migration) -> Observation:
    """Whether the target follows exactly this source, and no client can write on it."""
    status = replication.follows(m.target, m.source)
    if status is None:
        return not_done(f"{m.target.name} does not follow {m.source.name}")
    if not status.running:
        return not_done(f"replication on {m.target.name}: {status.trouble}")
    if not shut(m, m.target):
        return not_done(f"clients can write on {m.target.name}")
    return done(f"{m.target.name} follows {m.source.name}")


def apply(m: Migration) -> None:
    """Start the channel.

    Raises:
        ServerError: it does not run, in the server's own words.
    """
    m.change(m.target, "attach", m.target.dialect.start_replica)
    replication.wait_running(m.target, _RUNNING_S)


def undo(m: Migration) -> None:
    """Stop following. The channel's configuration stays, so that it can be started again."""
    replication.stop(m.target)
