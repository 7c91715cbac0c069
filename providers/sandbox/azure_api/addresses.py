"""The host names of the simulated servers: each a loopback host of its own, all on one port."""

from __future__ import annotations

import socket

from providers.sandbox.api import addresses

_MYSQL = 3306


class Addresses(addresses.Addresses):
    """TCP proxies, one an address. `port` is the port of all of them: MySQL's own where it is free."""

    def __init__(self) -> None:
        super().__init__()
        self.port = _MYSQL

    def _listen(self, host: str) -> socket.socket:
        try:
            return socket.create_server((host, self.port), backlog=addresses.BACKLOG)
        except OSError:
            # Somebody on this machine has the port on all addresses.
            if self._doors:
                raise
        listener = super()._listen(host)
        self.port = listener.getsockname()[1]
        return listener
