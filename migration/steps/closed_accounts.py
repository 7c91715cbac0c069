"""Keeping clients off the target by locking their accounts there, where it cannot be set read-only by SQL.

Opening it takes milliseconds, which no provider's switch does. Where this account may not keep statements out of the
binary log, the locks are logged: so this has to be done before anybody follows the target, and whoever follows it later
has to begin behind them.
"""

from __future__ import annotations

import contextlib

from migration.fences.accounts import AccountFence
from migration.fences.choose import holds_accounts, let_in, shut
from migration.runbook import Estimate, Migration, Observation, done, not_done

# Nobody depends on the target yet: its sessions may take their time to end.
_BOUND_S = 10.0


def _fence(m: Migration) -> AccountFence:
    return AccountFence(m, m.target, spared=frozenset(m.spec.spared))


def statements(m: Migration) -> tuple[str, ...]:
    """What will run."""
    words = "ALTER USER ... ACCOUNT LOCK for each account of a client"
    if m.other is None:
        return (f"{m.spec.target.name}: {words}",)
    with contextlib.closing(_fence(m)) as fence:
        return tuple(f"{m.target.name}: {one}" for one in fence.statements())


def estimate(m: Migration) -> Estimate:
    """How long it takes."""
    return Estimate(0.5, "a statement for each account of a client")


def probe(m: Migration) -> Observation:
    """Whether clients are kept out of the target by accounts that this migration holds."""
    if holds_accounts(m, m.target) and shut(m, m.target):
        return done(f"the clients' accounts on {m.target.name} are locked")
    return not_done(f"clients can log in to {m.target.name}")


def apply(m: Migration) -> None:
    """Lock the accounts and end their sessions.

    Raises:
        ServerError: the server refuses, or sessions did not end in time; they are unlocked again.
    """
    with contextlib.closing(_fence(m)) as fence:
        fence.raise_((), _BOUND_S)


def undo(m: Migration) -> None:
    """Let clients in again."""
    let_in(m, m.target)
