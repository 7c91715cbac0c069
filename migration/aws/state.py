"""What RDS says of the two instances, and waiting until it says something else."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from migration.aws.account import Account, of
from migration.runbook import CloudFailed, Halted, Migration, StepFailed
from providers.aws import instances, watching
from providers.aws.records import Instance
from providers.aws.statuses import Health
from providers.aws.watching import INSTANCE

_POLL_S = 5.0
_SHOWN_S = 1.0
_EVENTS_BACK = timedelta(hours=1)
_WORKS = (Health.READY, Health.USABLE)


def source(m: Migration) -> Instance:
    """The source as RDS describes it.

    Raises:
        CloudFailed: it cannot be asked, or there is no such instance.
    """
    account = of(m)
    return account.read(lambda client: instances.instance(client, account.instance_id))


def replica(m: Migration) -> Instance | None:
    """The replica of this migration; None while, or once, there is none.

    Raises:
        CloudFailed: it cannot be asked.
    """
    account = of(m)
    return account.read(lambda client: instances.find(client, account.replica_id))


def require_replica(m: Migration) -> Instance:
    """The replica of this migration.

    Raises:
        StepFailed: there is none.
        CloudFailed: it cannot be asked.
    """
    found = replica(m)
    if found is None:
        raise StepFailed(f"RDS knows of no instance {of(m).replica_id}: it was deleted, or not made yet.")
    return found


def works(found: Instance) -> bool:
    """Whether clients can use an instance, and RDS takes orders for it."""
    return found.health in _WORKS


def in_words(found: Instance) -> str:
    """The state in a few words, RDS's own among them."""
    told = found.replication
    follows = f", replication {told.status}{f' ({told.message})' if told.message else ''}" if told else ""
    return f"{found.instance_id} is {found.status or 'in no status'}{follows}"


def poll_s(account: Account) -> float:
    """How long to wait between two looks, in seconds."""
    return float(account.spec.options.get("poll_s", _POLL_S))


def wait(m: Migration, step: str, look: Callable[[], Instance | None], enough: Callable[[Instance], bool]) -> Instance:
    """Look at an instance until it is as wanted; an answer that does not come is waited for.

    Raises:
        StepFailed: it is gone, or in a state that it does not leave by itself.
        Halted: the operator stopped waiting.
    """
    pause, said, shown = poll_s(of(m)), "", 0.0
    while True:
        try:
            found = look()
        except CloudFailed as error:
            if str(error) != said:
                said = str(error)
                m.scribe.note(f"waiting: {said}", "error")
        else:
            if found is None:
                raise StepFailed("RDS knows of no such instance any more: somebody deleted it.")
            if enough(found):
                return found
            if found.health is Health.BROKEN:
                raise StepFailed(
                    f"{in_words(found)}, which it does not leave by itself; see its events in the console."
                )
            if time.monotonic() - shown > _SHOWN_S:
                shown = time.monotonic()
                m.scribe.progress(step, done=0, total=0, unit="", note=in_words(found))
        if m.desk.halted():
            raise Halted
        time.sleep(pause)


def last_event(m: Migration, instance_id: str, word: str) -> str:
    """The newest event of an instance with a word in it, as RDS says it; empty where there is none."""
    since = datetime.now(UTC) - _EVENTS_BACK
    try:
        told = of(m).read(lambda client: watching.events(client, INSTANCE, instance_id, since))
    except CloudFailed:
        return ""
    return next((one.message for one in reversed(told) if one.message and word in one.message), "")
