"""The addresses of a simulated cloud's endpoints: each a loopback host of its own, led to any server at will."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import random
import socket
import struct
import threading
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

BACKLOG = 64
_CHUNK = 65_536
_RESET = struct.pack("ii", 1, 0)
_ANSWER_S = 10.0
_T = TypeVar("_T")

Place = tuple[str, int]


@dataclass
class _Door:
    """One address: where it leads, and the two ends of each connection that goes through it."""

    leads_to: Place | None = None
    lines: set[tuple[asyncio.StreamWriter, asyncio.StreamWriter]] = field(default_factory=set)


class Addresses:
    """TCP proxies in a thread of their own, one an address. Close it when done."""

    def __init__(self) -> None:
        # The whole of 127.0.0.0/8 is this machine, so that every address can have a host of its own.
        first, second = random.randint(64, 254), random.randint(0, 255)  # noqa: S311
        self._hosts = (f"127.{first}.{second}.{last}" for last in itertools.count(1))
        self._doors: dict[str, _Door] = {}
        self._listeners: list[asyncio.Server] = []
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="addresses", daemon=True)
        self._thread.start()

    def open(self) -> Place:
        """A new address, which leads nowhere yet: it resets whoever connects."""
        host = next(self._hosts)
        listener = self._listen(host)
        port: int = listener.getsockname()[1]
        self._doors[host] = door = _Door()

        async def serve() -> None:
            async def client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
                await _carry(door, reader, writer)

            self._listeners.append(await asyncio.start_server(client, sock=listener))

        self._do(serve())
        return host, port

    def lead(self, places: Mapping[str, Place | None]) -> None:
        """Lead addresses (by host) elsewhere, all at one moment; connections to where one led before are reset."""

        async def change() -> None:
            for host, place in places.items():
                door = self._doors[host]
                if door.leads_to == place:
                    continue
                door.leads_to = place
                for line in list(door.lines):
                    _reset(*line)

        self._do(change())

    def close(self) -> None:
        """Reset everything and stop listening."""
        if not self._thread.is_alive():
            return

        async def finish() -> None:
            for listener in self._listeners:
                listener.close()
            for door in self._doors.values():
                for line in list(door.lines):
                    _reset(*line)

        self._do(finish())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_ANSWER_S)

    def _listen(self, host: str) -> socket.socket:
        """A socket that listens on a host nobody has: by default on a port of its own."""
        return socket.create_server((host, 0), backlog=BACKLOG)

    def _do(self, action: Coroutine[Any, Any, _T]) -> _T:
        return asyncio.run_coroutine_threadsafe(action, self._loop).result(_ANSWER_S)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()
        while leftover := asyncio.all_tasks(self._loop):
            for task in leftover:
                task.cancel()
            self._loop.run_until_complete(asyncio.gather(*leftover, return_exceptions=True))
        self._loop.close()


async def _carry(door: _Door, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    place = door.leads_to
    if place is None:
        _reset(writer)
        return
    try:
        # The server is to see the host that the client comes from.
        there_reader, there = await asyncio.open_connection(*place, local_addr=(_host(writer), 0))
    except OSError:
        _reset(writer)
        return
    line = (writer, there)
    if door.leads_to != place:
        # It was led elsewhere while this connection was made.
        _reset(*line)
        return
    for end in line:
        end.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    door.lines.add(line)
    ways = [asyncio.ensure_future(_pump(reader, there)), asyncio.ensure_future(_pump(there_reader, writer))]
    try:
        # Cancelled when the addresses close: nobody waits for this task, so it must not end in an exception.
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for way in ways:
            way.cancel()
        door.lines.discard(line)
        for end in line:
            end.close()


def _host(writer: asyncio.StreamWriter) -> str:
    host: str = writer.get_extra_info("peername")[0]
    return host


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(_CHUNK):
            writer.write(data)
            await writer.drain()


def _reset(*writers: asyncio.StreamWriter) -> None:
    for writer in writers:
        connection = writer.get_extra_info("socket")
        if connection is not None:
            with contextlib.suppress(OSError):
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        writer.transport.abort()
