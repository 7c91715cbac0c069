"""The host names of the simulated servers: each a loopback host of its own, all on one port."""

from __future__ import annotations

import asyncio
import socket

from providers.sandbox.aliyun_api import addresses
from providers.sandbox.aliyun_api.addresses import Place

_MYSQL = 3306


class Addresses(addresses.Addresses):
    """TCP proxies, one an address. `port` is the port of all of them: MySQL's own where it is free."""

    def __init__(self) -> None:
        super().__init__()
        self.port = _MYSQL

    def open(self) -> Place:
        """A new address, which leads nowhere yet: it resets whoever connects."""
        host = next(self._hosts)
        try:
            listener = socket.create_server((host, self.port), backlog=64)
        except OSError:
            # Somebody on this machine has the port on all addresses.
            if self._doors:
                raise
            listener = socket.create_server((host, 0), backlog=64)
            self.port = listener.getsockname()[1]
        self._doors[host] = door = addresses._Door()

        async def client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await addresses._carry(door, reader, writer)

        async def serve() -> None:
            self._listeners.append(await asyncio.start_server(client, sock=listener))

        self._do(serve())
        return host, self.port
