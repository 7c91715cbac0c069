"""Deleting the server that nobody needs any more: the old one, or after the same-name ending the temporary one."""

from __future__ import annotations

from migration.azure.account import commands, of
from migration.azure.operating import carry_out
from migration.azure.services import is_replica
from migration.azure.state import in_words, same_name
from migration.runbook import Estimate, Migration, Observation, StepFailed, done, not_done
from providers.azure.places import Place

STEP = "released"
KEEP, RELEASE = "keep it", "delete it"


def statements(m: Migration) -> tuple[str, ...]:
    """What will be called."""
    return (f"only if that is chosen and confirmed: {commands(of(m).service.delete(surplus(m)))[0]}",)


def estimate(m: Migration) -> Estimate:
    """How long it takes."""
    return Estimate(None, "a minute or so at the provider")


def surplus(m: Migration) -> Place:
    """The server that is left over."""
    return of(m).replica if same_name(m) else of(m).source


def wanted(m: Migration) -> bool:
    """Whether the operator chose to delete it."""
    return m.chosen("release") == RELEASE


def probe(m: Migration) -> Observation:
    """Whether it is gone, or to stay."""
    left = surplus(m)
    if not wanted(m):
        return done(f"{left.name} stays, as was chosen, and is billed")
    found = of(m).server(left)
    return done(f"{left.name} is deleted") if found is None else not_done(in_words(found, left))


def apply(m: Migration) -> None:
    """Delete it.

    Raises:
        StepFailed: the server that has the writes is no server of its own.
        CloudFailed, CloudSilent, Halted: as `carry_out`.
    """
    account, left = of(m), surplus(m)
    holder = account.source if same_name(m) else account.replica
    found = account.server(holder)
    if found is None or is_replica(found) or m.target.name != holder.name or m.target.read_only().clients:
        raise StepFailed(f"{in_words(found, holder)}: {left.name} is not deleted before that server has the writes.")
    if account.server(left) is not None:
        carry_out(m, STEP, account.service.delete(left))
