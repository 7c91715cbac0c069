"""Deleting the old server, so that its name is free. Step 7 of the procedure, its first third.

Before the call the journal says who is who from then on: the promoted server is the source, and the target, of the old
name, is still to be created.
"""

from __future__ import annotations

from migration.azure.account import commands, of
from migration.azure.operating import carry_out
from migration.azure.same_name import back_up, origin
from migration.azure.services import is_replica
from migration.azure.state import in_words, place, require, same_name
from migration.model import Side
from migration.runbook import Estimate, Migration, Observation, StepFailed, done, not_done

STEP = "name_freed"


def statements(m: Migration) -> tuple[str, ...]:
    """What will be called."""
    if not same_name(m):
        return ("nothing: the applications use the new name",)
    return (f"after one more confirmation: {commands(of(m).service.delete(of(m).source))[0]}",)


def estimate(m: Migration) -> Estimate:
    """How long it takes; writes are off."""
    return Estimate(60.0, "usual for a deletion; writes are off meanwhile") if same_name(m) else Estimate(0.0, "-")


def probe(m: Migration) -> Observation:
    """Whether the old server is gone and the journal knows it."""
    account = of(m)
    if not same_name(m):
        return done("the applications use the new name")
    if not handed_over(m):
        return not_done(f"{account.source.name} is the source")
    found = account.server(account.source)
    return done(f"{account.source.name} is gone") if found is None else not_done(in_words(found, account.source))


def apply(m: Migration) -> None:
    """Delete it.

    Raises:
        StepFailed: its successor is no server of its own, has no backup, or was written to.
        CloudFailed, CloudSilent, Halted: as `carry_out`.
    """
    account = of(m)
    seen = require(account, account.replica)
    if is_replica(seen):
        raise StepFailed(f"{in_words(seen, account.replica)}: nothing is deleted before it is a server of its own.")
    if (kept := back_up.probe(m)).outcome != "done":
        raise StepFailed(f"{kept.note}: nothing is deleted without it.")
    if not handed_over(m):
        if m.other is not None:
            # Without it a runner died between the two records; the restore looks again.
            origin.require_untouched(m, m.target)
        place(m, Side.TARGET, account.source, None)
        place(m, Side.SOURCE, account.replica, seen)
    if account.server(account.source) is not None:
        carry_out(m, STEP, account.service.delete(account.source))


def handed_over(m: Migration) -> bool:
    """Whether the journal says that the promoted server is the source now."""
    return m.spec_now().source.name == of(m).replica.name
