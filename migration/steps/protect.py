"""Keeping clients from writing on the target until it is its turn."""

from __future__ import annotations

from migration.runbook import Estimate, Migration, Observation, done, not_done


def statements(m: Migration) -> tuple[str, ...]:
    """What will run."""
    return (f"{m.target.name}: {m.target.dialect.fence_clients}",)


def estimate(m: Migration) -> Estimate:
    """How long it takes."""
    return Estimate(0.1, "one statement on an idle server")


def probe(m: Migration) -> Observation:
    """Whether the target refuses clients' writes."""
    if m.target.read_only().clients:
        return done(f"{m.target.name} is read-only")
    return not_done(f"{m.target.name} takes writes")


def apply(m: Migration) -> None:
    """Make the target read-only. Administrators can still write there, as the copy has to."""
    m.change(m.target, "protect_target", m.target.dialect.fence_clients)


def undo(m: Migration) -> None:
    """Open the target again, if it was this migration that closed it."""
    if m.ran(m.target, "protect_target"):
        m.change(m.target, "undo_protect_target", m.target.dialect.unfence)
