"""Letting a promoted replica follow its old source again, by the servers' own replication.

By GTID it knows itself what it lacks. Where positions are files and offsets, replication is stopped before the
promotion and what the replica had executed is put down: after the promotion nothing on it tells.
"""

from __future__ import annotations

from migration.notes import last
from migration.runbook import Estimate, Migration, Observation, StepFailed, done, not_done
from providers.mysql import replication
from providers.mysql.channel import Channel
from providers.mysql.endpoint import Account
from providers.mysql.position import FilePosition

_AT = "promoted_at"
_RUNNING_S = 30.0


def statements(m: Migration, name: str) -> tuple[str, ...]:
    """What will run on the promoted server of this name."""
    # It has its source's version; it may not be there yet.
    words = m.source.dialect
    place = "<what it had executed when it was promoted>" if m.by_file else "by GTID, from what it lacks"
    return (f"{name}: {words.change_source} {m.source.name}, {place}", f"{name}: {words.start_replica}")


def estimate(m: Migration) -> Estimate:
    """How long it takes."""
    return Estimate(1.0, "one login from the new server to the source; catching up comes after it")


def probe(m: Migration) -> Observation:
    """Whether it follows the source, and replication runs."""
    status = replication.follows(m.target, m.source)
    if status is None:
        return not_done(f"{m.target.name} does not follow {m.source.name}")
    if not status.running:
        return not_done(f"replication on {m.target.name}: {status.trouble}")
    return done(f"{m.target.name} follows {m.source.name}")


def apply(m: Migration) -> None:
    """Configure and start the channel.

    Raises:
        StepFailed: the place to begin at is not known.
        ServerError: the login fails, the source has purged what is needed, or replication does not run.
    """
    replication.stop(m.target)
    channel = _channel(m)
    shown = replication.shown_change_source(m.target, channel)
    m.scribe.statement(m.target.name, "reattach", shown, m.target.session.thread_id)
    replication.configure(m.target, channel)
    m.change(m.target, "reattach", m.target.dialect.start_replica)
    replication.wait_running(m.target, _RUNNING_S)


def undo(m: Migration) -> None:
    """Stop following, and forget the channel."""
    if replication.follows(m.target, m.source) is not None:
        replication.forget(m.target)


def note_place(m: Migration, follower: str = "") -> None:
    """Stop the provider's replication and put down up to where the replica has executed its source's log.

    Args:
        m: the migration, with the replica as its target.
        follower: what the server is called that is to follow from there; empty for the replica itself.

    Raises:
        StepFailed: the replica does not tell.
        ServerError: it does not let itself be stopped.
    """
    replication.stop(m.target)
    status = m.target.replica_status()
    if status is None:
        raise StepFailed(f"{m.target.name} does not tell what it has executed; delete it and begin again.")
    m.scribe.statement(follower or m.target.name, _AT, str(status.executed), m.target.session.thread_id)


def _place(m: Migration) -> FilePosition:
    said = last(m, m.target.name, _AT)
    if not said:
        raise StepFailed(f"What {m.target.name} had executed when it was promoted is not known; begin again.")
    return FilePosition.parse(said)


def _channel(m: Migration) -> Channel:
    account = Account(m.spec.source.replication_user, m.secrets.source_replication)
    return replication.plan_channel(m.target, m.source, account, _place(m) if m.by_file else None)
