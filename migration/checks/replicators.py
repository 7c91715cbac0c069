"""Whether an account could replicate from a server: by logging in with it from this machine."""

from __future__ import annotations

import contextlib
from dataclasses import replace

from migration.check import Result
from migration.checks.results import failed, passed, table
from migration.checks.sight import holds, parse_grants
from providers.mysql.connection import Connection
from providers.mysql.endpoint import Account
from providers.mysql.errors import AccessDenied
from providers.mysql.server import Server


def may_replicate(server: Server, account: Account, remedy: str) -> Result:
    """Fails, with this remedy, where the account cannot log in to the server, or not replicate."""
    try:
        session = Connection(replace(server.endpoint, account=account))
    except AccessDenied as error:
        return failed(f"{account.user} is refused", table(("what the server said",), [(error,)]), remedy)
    with contextlib.closing(session):
        held = parse_grants([str(row[0]) for row in session.rows("SHOW GRANTS")])
    if holds(held, "REPLICATION SLAVE"):
        return passed(f"{account.user} may replicate")
    return failed(f"{account.user} may not replicate", (), remedy)
