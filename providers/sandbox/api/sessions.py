"""Sessions on the real servers behind a simulated cloud."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import replace

from providers.mysql.endpoint import Endpoint, TlsMode
from providers.mysql.server import Server
from providers.sandbox.launcher import SandboxServer


def tls_free(server: SandboxServer) -> Endpoint:
    """Where a server is, with its administrator; without TLS: nothing leaves this machine."""
    return replace(server.endpoint(), tls=TlsMode.DISABLED)


@contextlib.contextmanager
def opened(server: SandboxServer) -> Iterator[Server]:
    """A session as the platform's own administrator, whom no customer is."""
    session = Server(tls_free(server))
    try:
        yield session
    finally:
        session.close()
