"""Small questions and orders to servers, through whatever address."""

from __future__ import annotations

from dataclasses import replace

from providers.mysql.connection import Connection, Row
from providers.mysql.endpoint import Endpoint, TlsMode


def session(endpoint: Endpoint) -> Connection:
    """A session without TLS, which on loopback only costs time."""
    return Connection(replace(endpoint, tls=TlsMode.DISABLED))


def ask(endpoint: Endpoint, *statements: str) -> tuple[Row, ...]:
    """Run the statements in one session and give the rows of the last."""
    connection = session(endpoint)
    try:
        return connection.results(statements)[-1]
    finally:
        connection.close()
