"""Small questions and orders to servers, for the sandbox's tests."""

from __future__ import annotations

from typing import Any

from providers.mysql.endpoint import Endpoint
from providers.sandbox.launcher import connect


def ask(endpoint: Endpoint, *statements: str) -> tuple[tuple[Any, ...], ...]:
    """Run the statements in one session and give the rows of the last."""
    session = connect(endpoint)
    try:
        with session.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
            return tuple(cursor.fetchall())
    finally:
        session.close()


def follow(replica: Endpoint, source: Endpoint, user: str, password: str) -> None:
    """Make a MariaDB replica of an empty start follow `source` from its first event."""
    ask(
        replica,
        f"CHANGE MASTER TO MASTER_HOST='{source.host}', MASTER_PORT={source.port}, MASTER_USER='{user}', "
        f"MASTER_PASSWORD='{password}', MASTER_USE_GTID=slave_pos, MASTER_CONNECT_RETRY=1",
        "START SLAVE",
    )
