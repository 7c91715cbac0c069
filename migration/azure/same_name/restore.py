"""Restoring the backup under the old name. Step 7 of the procedure, its second third."""

from __future__ import annotations

from typing import Any

from migration.azure.account import commands, of
from migration.azure.operating import carry_out, pick_up
from migration.azure.same_name import origin
from migration.azure.same_name.replace import handed_over
from migration.azure.services import is_settled
from migration.azure.state import in_words, place, require, same_name
from migration.model import Side
from migration.runbook import Estimate, Migration, Observation, StepFailed, done, not_done
from providers.azure.calls import Write

STEP = "restored"


def statements(m: Migration) -> tuple[str, ...]:
    """What will be called."""
    if not same_name(m):
        return ("nothing: the applications use the new name",)
    what = origin.BACKUP if of(m).service.keeps_backups else "the moment at which nobody wrote any more"
    return (f"{of(m).source.name} is created again out of {of(m).replica.name}: {what}",)


def estimate(m: Migration) -> Estimate:
    """How long it takes; writes are off."""
    return Estimate(None, "as long as the data takes; writes are off meanwhile") if same_name(m) else Estimate(0.0, "-")


def probe(m: Migration) -> Observation:
    """Whether the server is there and the journal knows its address."""
    account = of(m)
    if not same_name(m):
        return done("the applications use the new name")
    found = account.server(account.source)
    target = m.spec_now().target
    if found is None or not is_settled(found) or target.name != account.source.name or not target.host:
        return not_done(in_words(found, account.source))
    return done(in_words(found, account.source))


def apply(m: Migration) -> None:
    """Restore it.

    Raises:
        StepFailed: the old server was not deleted from here, or the promoted one was written to.
        CloudFailed, CloudSilent, Halted: as `carry_out`.
    """
    account = of(m)
    if not handed_over(m):
        raise StepFailed(f"{account.source.name} was not given up yet; nothing is restored over it.")
    origin.require_untouched(m, m.source)
    write, found = _write(m), account.server(account.source)
    if found is None:
        carry_out(m, STEP, write)
    elif not is_settled(found):
        pick_up(m, STEP, write)
    place(m, Side.TARGET, account.source, require(account, account.source))
    m.scribe.note(f"{commands(write)[0]} is done")


def _write(m: Migration) -> Write[Any]:
    account = of(m)
    moment = origin.moment(m)
    if moment is None:
        raise StepFailed("The journal knows of no backup; nothing can be restored.")
    seen = require(account, account.replica)
    return account.service.restore(account.source, account.replica, seen, origin.BACKUP, moment)
