"""Creating the replica with the wanted size, and deleting it where the migration is given up. Step 2."""

from __future__ import annotations

from typing import Any

from migration import notes
from migration.azure import signal
from migration.azure.account import PRODUCT, commands, of
from migration.azure.operating import carry_out, pick_up
from migration.azure.services import is_replica, is_settled
from migration.azure.state import in_words, offer, place, require, wanted
from migration.model import Side
from migration.runbook import Estimate, Migration, Observation, StepFailed, done, not_done
from providers.azure.calls import Write
from providers.azure.records import Server

STEP = "replica"
_RECORDED = "recorded for an empty server: over 6 minutes; with data as long as its restore takes"


def statements(m: Migration) -> tuple[str, ...]:
    """What will be called."""
    return commands(_write(m))


def estimate(m: Migration) -> Estimate:
    """How long it takes."""
    return Estimate(7 * 60.0, _RECORDED)


def probe(m: Migration) -> Observation:
    """Whether the replica is there, follows the source, and its address is known."""
    account = of(m)
    found = account.server(account.replica)
    if found is None:
        return not_done(in_words(found, account.replica))
    _require_ours(m, found)
    if not is_settled(found) or not m.spec_now().target.host:
        return not_done(in_words(found, account.replica))
    return done(in_words(found, account.replica))


def apply(m: Migration) -> None:
    """Create it, or wait for the one that an earlier runner asked for.

    Raises:
        StepFailed: a server of its name is there that is no replica of the source, or it failed.
        CloudSilent: whether it was carried out is not known.
        Halted: the operator stopped waiting; the provider goes on.
    """
    account, write = of(m), _write(m)
    found = account.server(account.replica)
    if found is None:
        carry_out(m, STEP, write)
    elif not is_settled(found):
        pick_up(m, STEP, write)
    made = require(account, account.replica)
    _require_ours(m, made)
    place(m, Side.TARGET, account.replica, made)


def undo(m: Migration) -> None:
    """Delete the replica; a server that follows nobody any more is left alone.

    Raises:
        CloudFailed: the provider refuses.
    """
    account = of(m)
    found = account.server(account.replica)
    if found is not None and not is_replica(found):
        m.scribe.note(
            f"{in_words(found, account.replica)}: it is a server of its own and may have been written to, so it is not "
            "deleted here. Look at it, then delete it in the portal.",
            "warn",
        )
    elif found is not None and _asked_here(m):
        carry_out(m, STEP, account.service.delete(account.replica))
    signal.drop(m)


def _asked_here(m: Migration) -> bool:
    return bool(notes.every(m, PRODUCT, STEP))


def _write(m: Migration) -> Write[Any]:
    account = of(m)
    return account.service.create_replica(account.replica, account.source, wanted(m), offer(m))


def _require_ours(m: Migration, found: Server) -> None:
    """Nothing may be done to a server that somebody else made.

    Raises:
        StepFailed: it is no replica of the source.
    """
    account, source = of(m), found.source_id or ""
    if is_replica(found) and source.rpartition("/")[2].lower() == account.source.name.lower():
        return
    raise StepFailed(
        f"{in_words(found, account.replica)}, and no replica of {account.source.name}. Delete it, or begin again with "
        "another name for the replica (--option replica=NAME)."
    )
