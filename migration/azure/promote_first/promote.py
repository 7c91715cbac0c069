"""Promoting the replica: the service ends its replication for good, which takes a minute or two.

What the service does to a replica is seen in its role. By the documents the IO thread of a read replica always shows as
stopped, so nothing here asks whether its replication runs.
"""

from __future__ import annotations

import contextlib
import time
from typing import Any

from migration.azure.account import PRODUCT, commands, of
from migration.azure.operating import carry_out, pick_up, poll_s
from migration.azure.promote_first import guarding
from migration.azure.services import is_replica, is_settled
from migration.azure.state import in_words, promoted, require
from migration.journal import Kind
from migration.model import Outcome
from migration.runbook import Estimate, Halted, Migration, Observation, StepFailed, done, not_done
from migration.steps import follow_again
from providers.azure import flexible
from providers.azure.calls import Write
from providers.azure.records import Server
from providers.mysql.errors import ServerError

STEP = "promote"
_OPEN_S = 120.0
# Recorded: a promotion ends within a minute; until then nothing of it need be seen.
_UNSEEN_S = 180.0


def _order(m: Migration) -> Write[Any]:
    return flexible.promote_replica(of(m).replica)


def statements(m: Migration) -> tuple[str, ...]:
    """What will run."""
    name = of(m).replica.name
    stop = (f"{name}: {m.source.dialect.stop_replica}; note what it has executed",) if m.by_file else ()
    return (*stop, *commands(_order(m)))


def estimate(m: Migration) -> Estimate:
    """How long it takes."""
    return Estimate(120.0, "the documentation: about 2 minutes; recorded: under 60 s; clients do not wait for it here")


def probe(m: Migration) -> Observation:
    """Whether it is a server of its own that has a binary log, lets us in, and nobody else."""
    account = of(m)
    found = account.server(account.replica)
    if found is None or not promoted(found):
        return not_done(in_words(found, account.replica))
    try:
        log, closed = m.target.variable("log_bin"), guarding.closed(m)
        readable = not m.target.read_only().clients
    except ServerError as error:
        return not_done(str(error))
    if log != "ON":
        return not_done(f"{m.target.name} has no binary log, which the way back needs")
    if not readable:
        return not_done(f"{m.target.name} is still read-only")
    if not closed:
        return not_done(f"{m.target.name} is open to clients: its guard was taken away")
    return done(f"{m.target.name} follows nobody, has a binary log, and lets nobody in but this program")


def apply(m: Migration) -> None:
    """Promote it and wait; one that an earlier runner ordered is waited for.

    Raises:
        StepFailed: the guard is not in force, or it is neither a replica nor promoted.
        CloudFailed, CloudSilent, Halted: as `carry_out`.
    """
    account = of(m)
    found = require(account, account.replica)
    if is_replica(found) and _ordered(m):
        found = _seen(m)
    if is_replica(found) and is_settled(found):
        if not guarding.in_force(m):
            raise StepFailed(
                f"The guard that keeps clients out of {m.target.name} is not in force; it is not promoted. Set its "
                "server parameter init_connect again as the plan has it, then try again."
            )
        if m.by_file:
            follow_again.note_place(m)
        carry_out(m, STEP, _order(m))
    elif not promoted(found):
        pick_up(m, STEP, _order(m))
    _wait_open(m)


def _ordered(m: Migration) -> bool:
    """Whether an earlier runner sent the order and nobody has seen it fail."""
    for record in reversed(m.scribe.journal.records()):
        if record.kind is Kind.OUTCOME and record.subject == STEP and record.body["outcome"] == Outcome.NOT_DONE:
            return False
        if record.kind is Kind.STATEMENT and (record.subject, record.body["step"]) == (PRODUCT, STEP):
            return True
    return False


def _seen(m: Migration) -> Server:
    """The server once something is seen of that order, or as it is when the time for that is over."""
    account, until = of(m), time.monotonic() + _UNSEEN_S
    while True:
        found = require(account, account.replica)
        if not is_replica(found) or not is_settled(found) or time.monotonic() > until:
            return found
        m.scribe.progress(STEP, done=0, total=0, unit="", note=f"{account.replica.name}: ordered, not seen yet")
        if m.desk.halted():
            raise Halted
        time.sleep(poll_s(m))


def _wait_open(m: Migration) -> None:
    """Wait until the server itself takes writes; the service may say so first, and may restart it."""
    until = time.monotonic() + _OPEN_S
    while time.monotonic() < until:
        with contextlib.suppress(ServerError):
            if not m.target.read_only().clients:
                return
        if m.desk.halted():
            raise Halted
        time.sleep(poll_s(m))
