"""What the cloud looks for on a source before it migrates it logically, looked up on the real server.

The topics are those of the migration evaluation and of DTS's precheck. Only the sentence about triggers is
published; names, other sentences and what may be skipped are assumptions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from providers.sandbox.aliyun_api.state import system_accounts

Rows = tuple[tuple[Any, ...], ...]
Ask = Callable[[str], Rows]

_OWN = "('mysql', 'sys', 'information_schema', 'performance_schema')"
_TRIGGERS = f"SELECT trigger_schema, trigger_name FROM information_schema.triggers WHERE trigger_schema NOT IN {_OWN}"
_EVENTS = f"SELECT event_schema, event_name FROM information_schema.events WHERE event_schema NOT IN {_OWN}"
_ENGINES = (
    "SELECT table_schema, table_name FROM information_schema.tables WHERE table_type = 'BASE TABLE' "
    f"AND engine <> 'InnoDB' AND table_schema NOT IN {_OWN}"
)
_NO_KEY = (
    "SELECT t.table_schema, t.table_name FROM information_schema.tables t "
    "LEFT JOIN information_schema.table_constraints c ON c.table_schema = t.table_schema "
    "AND c.table_name = t.table_name AND c.constraint_type = 'PRIMARY KEY' "
    f"WHERE t.table_type = 'BASE TABLE' AND c.constraint_name IS NULL AND t.table_schema NOT IN {_OWN}"
)
_DATABASES = f"SELECT schema_name FROM information_schema.schemata WHERE schema_name NOT IN {_OWN}"
_ACCOUNTS = "SELECT DISTINCT user FROM mysql.user WHERE user IN ('root', 'aliyun_root')"


@dataclass(frozen=True)
class Roles:
    """Whether the two roles that a logical migration needs are as they must be."""

    polardb: bool
    dts: bool


@dataclass(frozen=True)
class Item:
    """One thing that was looked at: `found` are the objects at fault, `blocks`: the precheck fails over it."""

    name: str
    description: str
    reason: str
    repair: str
    found: tuple[str, ...]
    can_skip: bool = False
    blocks: bool = True

    @property
    def passed(self) -> bool:
        """Whether nothing is at fault."""
        return not self.found


def inspect(ask: Ask, version: str, roles: Roles) -> tuple[Item, ...]:
    """Look at everything; `ask` runs a statement on the source, `version` is its cloud version."""
    accounts = {str(user) for (user,) in ask(_ACCOUNTS)}
    _, wrong = system_accounts(version)
    return (
        Item(
            "CHECK_SERVICE_LINKED_ROLE", "Check the service-linked role",
            "The service-linked role AliyunServiceRoleForPolarDB does not exist",
            "Create the role AliyunServiceRoleForPolarDB.", () if roles.polardb else ("AliyunServiceRoleForPolarDB",),
        ),
        Item(
            "CHECK_DTS_ROLE", "Check the permissions of DTS",
            "DTS is not authorized to access your cloud resources",
            "Authorize AliyunDTSDefaultRole again.", () if roles.dts else ("AliyunDTSDefaultRole",),
        ),
        Item(
            "CHECK_SOURCE_EMPTY", "Check whether the source is empty", "The RDS instance has no database",
            "Create a database.", () if ask(_DATABASES) else ("-",),
        ),
        Item(
            "CHECK_TRIGGER", "Check triggers", "The RDS instance has a trigger",
            "Delete the trigger from the source RDS instance.", _dotted(ask(_TRIGGERS)),
        ),
        Item(
            "CHECK_ENGINE", "Check storage engines", "The RDS instance has a table whose engine is not InnoDB",
            "Convert the table to InnoDB.", _dotted(ask(_ENGINES)),
        ),
        Item(
            "CHECK_PRIMARY_KEY", "Check primary keys", "The RDS instance has a table without a primary key",
            "Add a primary key to the table.", _dotted(ask(_NO_KEY)), can_skip=True,
        ),
        Item(
            "CHECK_ROOT_ACCOUNT", "Check system accounts",
            "The RDS instance has an extra system account",
            "Delete the extra system account.", tuple(accounts & {wrong}),
        ),
        Item(
            "CHECK_EVENT", "Check events", "The RDS instance has an event", "Create the event again afterwards.",
            _dotted(ask(_EVENTS)), can_skip=True, blocks=False,
        ),
    )  # fmt: skip


def failure(items: Iterable[Item], force: bool) -> str:
    """Why the precheck fails, empty where it passes; with `force` what may be skipped is."""
    at_fault = [item for item in items if item.blocks and not item.passed and not (force and item.can_skip)]
    return "; ".join(item.reason for item in at_fault)


def _dotted(rows: Rows) -> tuple[str, ...]:
    return tuple(".".join(str(part) for part in row) for row in rows)
