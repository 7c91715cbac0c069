"""Servers that a provider runs: what takes SUPER elsewhere is done there by the provider's stored procedures.

Which service a server belongs to shows by a procedure in schema `mysql` that only this service has. It matters to who
lacks SUPER there, as everybody does whom the provider sells a server to.
"""

from __future__ import annotations

import importlib
from typing import cast

from providers.mysql.connection import Connection
from providers.mysql.dialect import Dialect
from providers.mysql.version import Version

# By which procedure a service is known, and the module whose `dialect(version)` has its words.
_SERVICES = {"rds_start_replication": "providers.aws.dialect", "az_kill": "providers.azure.dialect"}


def dialect_at(connection: Connection, version: Version) -> Dialect:
    """The words of the server at the other end, as this account has to say them."""
    marks = ", ".join(f"'{name}'" for name in _SERVICES)
    found = connection.rows(
        f"SELECT routine_name FROM information_schema.routines WHERE routine_schema = 'mysql' "
        f"AND routine_name IN ({marks})"
    )
    if not found or _is_super(connection):
        return Dialect(version)
    module = importlib.import_module(_SERVICES[str(found[0][0])])
    return cast(Dialect, module.dialect(version))


def _is_super(connection: Connection) -> bool:
    user, _, host = str(connection.value("SELECT CURRENT_USER()")).rpartition("@")
    question = "SELECT 1 FROM information_schema.user_privileges WHERE grantee = %s AND privilege_type = 'SUPER'"
    return bool(connection.rows(question, (f"'{user}'@'{host}'",)))
