"""Keeping the side that must not write closed over a restart: before the window, after it, and ever after."""

from __future__ import annotations

import contextlib

from migration.cutover.attempt import Switchover
from migration.cutover.promote import open_now, reconnect
from migration.fences.choose import close, holds_accounts, shut, write_switch
from migration.runbook import Migration
from providers.mysql.errors import ConnectionLost, PrivilegeMissing, StatementFailed, Unreachable
from providers.mysql.server import Server

_BY_HAND = "put read_only = ON into its configuration file"


def before(m: Migration, s: Switchover) -> str:
    """Let a restart of the old side bring it back closed, while it still takes writes.

    From the point of no return on, a restart must not open it again; inside the window there is no time for it.
    Returns what could not be done, empty where it could.
    """
    if write_switch(m, s.old) is not None:
        return ""
    persist = s.old.dialect.persist_read_only_for_restart
    if persist is None:
        return f"; {s.old.name} cannot keep read_only over a restart by itself: {_BY_HAND}"
    try:
        m.change(s.old, "keep", persist)
    except (PrivilegeMissing, StatementFailed) as error:
        return f"; {s.old.name} will not keep read_only over a restart ({error.code}): {_BY_HAND}"
    return ""


def after(m: Migration, s: Switchover) -> str:
    """The new side must come back open from a restart, the old one closed.

    A restart of the new side that comes before this is done brings it back closed, and then nobody takes writes: it
    is waited for and opened again.
    """
    while not _stays_open(m, s):
        reconnect(m, s.new).close()
    if holds_accounts(m, s.old):
        return f"the clients' accounts on {s.old.name} stay locked, also over a restart"
    if write_switch(m, s.old) is not None:
        return f"{s.old.name} stays read-only by its provider's switch, also over a restart"
    persist = s.old.dialect.persist_read_only
    if persist is None:
        return f"{s.old.name} cannot keep read_only over a restart by itself; {_BY_HAND}"
    m.change(s.old, "keep", persist)
    return f"{s.old.name} stays read-only over a restart"


def _stays_open(m: Migration, s: Switchover) -> bool:
    """Whether the new side takes writes and will do so after a restart; False where it went away meanwhile."""
    try:
        for sql in s.new.dialect.forget_persisted_read_only:
            m.change(s.new, "keep", sql)
        if shut(m, s.new):
            with contextlib.closing(s.new.connect()) as session:
                open_now(m, s, session)
            m.scribe.note(f"{s.new.name} came back closed from a restart right after its opening; opened again", "warn")
    except (ConnectionLost, Unreachable):
        return False
    return True


def close_again(m: Migration, closed: Server) -> bool:
    """Close the side without writes where a restart has opened it; True where that was needed."""
    if shut(m, closed):
        return False
    close(m, closed, "keep")
    m.scribe.note(
        f"{closed.name} took writes again after a restart and was closed at once; compare what was written there "
        f"meanwhile, and {_BY_HAND}",
        "error",
    )
    return True
