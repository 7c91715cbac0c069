"""A guard that keeps clients out of a server that takes writes, set by its provider: `init_connect`.

The server runs it at the begin of every session without SUPER, and ends a session in which it fails. It fails for every
user but those of this migration. Sessions that were there before go on.
"""

from __future__ import annotations

from migration.runbook import Migration

GUARD = "init_connect"


def guard(m: Migration) -> str:
    """What the variable is set to. Without quotes, which parameter groups mangle."""
    spec = m.spec
    users = {spec.source.user, spec.target.user, spec.source.replication_user, spec.target.replication_user}
    listed = ", ".join(f"0x{user.encode().hex()}" for user in sorted(users | set(spec.spared)) if user)
    return f"SET @closed = IF(SUBSTRING_INDEX(USER(), 0x40, 1) IN ({listed}), 0, (SELECT 1 UNION ALL SELECT 2))"
