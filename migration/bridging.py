"""The bridge of a migration: started with the way back, kept alive while that is wanted, ended with it.

See `providers.mysql.bridge` for what it is and when it is needed. It is a process of its own, as the way back has to
outlive runners; its lock lies beside the journal.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from migration.runbook import Migration, StepFailed
from providers.mysql.bridge import process
from providers.mysql.bridge.lock import Place, last, living
from providers.mysql.bridge.need import Need, needs
from providers.mysql.bridge.orders import Orders
from providers.mysql.channel import Channel
from providers.mysql.endpoint import Account


def lock_file(m: Migration) -> Path:
    """The file that the migration's bridge holds."""
    return m.scribe.journal.path.absolute().with_name("bridge.lock")


def need(m: Migration) -> Need:
    """Whether the source needs a bridge to follow the target, and why."""
    return needs(m.target, m.source, _account(m))


def running(m: Migration) -> bool:
    """Whether the bridge is there, or none was asked for."""
    if m.spec.bridge is None:
        return True
    place = living(lock_file(m))
    if place is None:
        return False
    m.target.also_at = (_seen(m, place),)
    return True


def ensure(m: Migration) -> bool:
    """Start the bridge, at the place where it was before; True where that was needed.

    Raises:
        StepFailed: it does not start.
        ServerError: the servers cannot be asked what it has to translate.
    """
    if m.spec.bridge is None or running(m):
        return False
    before = last(lock_file(m))
    orders = Orders(
        replace(m.target.endpoint, account=_account(m)),
        need(m).collations.table,
        lock_file(m),
        m.spec.bridge.host,
        m.spec.bridge.port or (before.port if before else 0),
        as_long_as=Path(m.spec.sandbox) if m.spec.sandbox else None,
    )
    try:
        place = process.start(orders, lock_file(m).with_name("bridge.log")).place
    except process.BridgeFailed as error:
        raise StepFailed(str(error)) from error
    m.target.also_at = (_seen(m, place),)
    m.scribe.note(
        f"the bridge for {m.source.name} listens on {place.host}:{place.port} (process {place.pid}) and replaces "
        f"{len(orders.collations)} collations of {m.target.name}"
    )
    return True


def over(m: Migration, channel: Channel) -> Channel:
    """The way back's channel, led over the bridge where there is one."""
    place = living(lock_file(m)) if m.spec.bridge else None
    if place is None:
        return channel
    host, port = _seen(m, place)
    # The bridge logs in to the new server as that wants it; the replica's part of the way has no TLS.
    return replace(channel, host=host, port=port, encrypted=False, fetch_key=False)


def stop(m: Migration) -> None:
    """End the bridge, where there is one.

    Raises:
        StepFailed: it does not end.
    """
    if m.spec.bridge is None:
        return
    try:
        process.stop(lock_file(m))
    except process.BridgeFailed as error:
        raise StepFailed(str(error)) from error


def _account(m: Migration) -> Account:
    return Account(m.spec.target.replication_user, m.secrets.target_replication)


def _seen(m: Migration, place: Place) -> tuple[str, int]:
    assert m.spec.bridge is not None
    return (m.spec.bridge.seen_as or place.host, place.port)
