"""A manual backup of the promoted server. Step 6 of the procedure."""

from __future__ import annotations

import time

from migration.azure.account import commands, of
from migration.azure.operating import carry_out, poll_s
from migration.azure.same_name import origin
from migration.azure.state import same_name
from migration.runbook import CloudFailed, Estimate, Halted, Migration, Observation, StepFailed, done, not_done
from providers.azure import classic
from providers.azure.errors import NotFound

STEP = origin.STEP


def statements(m: Migration) -> tuple[str, ...]:
    """What will be called."""
    if not same_name(m):
        return ("nothing: the applications use the new name",)
    if not of(m).service.keeps_backups:
        return ("nothing is called: this service restores to a moment, and the moment is put down",)
    return commands(classic.back_up(of(m).replica, origin.BACKUP))


def estimate(m: Migration) -> Estimate:
    """How long it takes; writes are off."""
    return Estimate(None, "as long as the data takes; writes are off meanwhile") if same_name(m) else Estimate(0.0, "-")


def probe(m: Migration) -> Observation:
    """Whether there is what is restored from."""
    account = of(m)
    if not same_name(m):
        return done("the applications use the new name")
    moment = origin.moment(m)
    if moment is None:
        return not_done("no backup was begun")
    if not account.service.keeps_backups:
        return done(f"{account.replica.name} is restored to {moment:%Y-%m-%d %H:%M:%S} UTC")
    status = _status(m)
    words = f"the backup {origin.BACKUP} of {account.replica.name} is {status or 'not there'}"
    return done(words) if status == classic.READY else not_done(words)


def apply(m: Migration) -> None:
    """Take it, and wait until it is complete.

    Raises:
        StepFailed: it failed.
        CloudSilent: whether it was carried out is not known.
        Halted: the operator stopped waiting; the provider goes on.
    """
    account = of(m)
    if origin.moment(m) is None:
        origin.remember(m, m.target)
    if not account.service.keeps_backups:
        return
    write = classic.back_up(account.replica, origin.BACKUP)
    if _status(m) is None:
        carry_out(m, STEP, write)
    _wait_ready(m)


def _wait_ready(m: Migration) -> None:
    while (status := _status(m)) != classic.READY:
        if status is None or status.lower() == "failed":
            raise StepFailed(f"The backup of {of(m).replica.name} is {status or 'not there'}; try again.")
        m.scribe.progress(STEP, done=0, total=0, unit="", note=f"the backup is {status}")
        if m.desk.halted():
            raise Halted
        time.sleep(poll_s(m))


def _status(m: Migration) -> str | None:
    """The status of the backup; None where there is none."""
    account = of(m)
    try:
        found = account.read(lambda client: classic.backup(client, account.replica, origin.BACKUP))
    except CloudFailed as error:
        if isinstance(error.__cause__, NotFound):
            return None
        raise
    return found.status or "without a status"
