"""Letting the source follow the target before the cutover, as between any two servers, without its locked accounts.

The administrator may not keep statements out of the binary log, so the locks on the target are logged, and who follows
it by GTID from the beginning gets them. A Flexible Server takes over no accounts of the server that it follows: its
parameter `replicate_wild_ignore_table` leaves the tables of `mysql` out (concepts-data-in-replication). That the source
does so is read from its own channel before that is started.
"""

from __future__ import annotations

from migration.fences.choose import holds_accounts
from migration.runbook import Migration, StepFailed
from migration.steps import way_back
from migration.steps.way_back import estimate, probe, statements, undo
from providers.mysql import replication

__all__ = ["apply", "estimate", "probe", "statements", "undo"]

_FILTER = "replicate_wild_ignore_table"
_ACCOUNTS = "mysql.user"


def apply(m: Migration) -> None:
    """Configure the channel, see that it brings no locks, and start it.

    Raises:
        StepFailed: the source would lock its clients' accounts, too; the channel is forgotten again.
        ServerError: as `migration.steps.way_back`.
    """
    way_back.configure(m)
    if not m.by_file and holds_accounts(m, m.target) and not _leaves_accounts_out(m):
        way_back.undo(m)
        raise StepFailed(
            f"{m.source.name} would take over the locks on {m.target.name}'s accounts: its channel does not leave the "
            f"tables of mysql out. Set its server parameter {_FILTER} to mysql.%,information_schema.%,"
            "performance_schema.%,sys.% (server parameters, in the portal), then try again."
        )
    way_back.start(m)


def _leaves_accounts_out(m: Migration) -> bool:
    status = replication.follows(m.source, m.target)
    patterns = [
        pattern.strip()
        for text in (() if status is None else status.filters)
        if text.lower().startswith(f"{_FILTER}=")
        for pattern in text.partition("=")[2].split(",")
    ]
    return any(m.source.value("SELECT %s LIKE %s", (_ACCOUNTS, pattern)) for pattern in patterns)
