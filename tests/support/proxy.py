"""A TCP proxy on loopback whose network can be made bad while connections are open."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from enum import Enum
from types import TracebackType
from typing import Self

LOOPBACK = "127.0.0.1"
_CHUNK = 65_536
_RESET = struct.pack("ii", 1, 0)


class Hole(Enum):
    """In which direction bytes vanish. The connections stay open; what is held back comes when it is healed."""

    NONE = "none"
    UP = "up"
    DOWN = "down"
    BOTH = "both"


class Accept(Enum):
    """What becomes of a new connection: carried on, reset, or accepted and never answered."""

    CARRY = "carry"
    REFUSE = "refuse"
    HANG = "hang"


class Loss(Enum):
    """What a fuse does to the connection on which it blows."""

    NOTHING = "nothing"  # it only tells `then`
    STATEMENT = "statement"  # what was sent does not arrive, and the connection is reset
    ANSWER = "answer"  # what was sent arrives; the connection is reset when its answer comes
    SILENCE = "silence"  # what was sent arrives; from then on nothing passes, until the network is healed
    DEAFNESS = "deafness"  # what was sent does not arrive, nor does anything else, until the network is healed


@dataclass(frozen=True)
class Fuse:
    """Blows once, at a packet upwards that holds `words`, after `skip` others that held them, too.

    `words` are seen on connections without TLS only. `then` is called in the proxy's thread before the packet is
    carried on: it must be quick. `blown` is set when it has happened.
    """

    loss: Loss
    words: bytes = b""
    skip: int = 0
    then: Callable[[], None] | None = None
    blown: threading.Event = field(default_factory=threading.Event)


@dataclass
class _Burning:
    fuse: Fuse
    left: int


@dataclass(frozen=True)
class _Network:
    delay_s: float = 0.0
    hole: Hole = Hole.NONE
    accept: Accept = Accept.CARRY


@dataclass(eq=False)
class _Line:
    """One client's connection, and what a fuse has done to it."""

    client: asyncio.StreamWriter
    server: asyncio.StreamWriter
    answer_lost: bool = False
    silent: bool = False
    deaf: bool = False


class Proxy:
    """Carries connections from `port` on loopback to `upstream`, in a thread of its own.

    Up is towards `upstream`, down is back from it. Use it as a context manager, or close it.
    """

    def __init__(self, upstream: tuple[str, int]) -> None:
        self.upstream = upstream
        self._network = _Network()
        self._burning: list[_Burning] = []
        self._lines: set[_Line] = set()
        self._connections: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._changed = asyncio.Event()
        self._loop = asyncio.new_event_loop()
        self._listener = socket.create_server((LOOPBACK, 0))
        self.port: int = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._run, name=f"proxy-{self.port}", daemon=True)
        self._thread.start()

    def delay(self, seconds: float) -> None:
        """Hold every byte up for this long in each direction, without limiting how many are under way."""
        self._change(lambda: replace(self._network, delay_s=seconds))

    def blackhole(self, hole: Hole = Hole.BOTH) -> None:
        """Let bytes vanish while connections stay open: a link that is dead and does not know it."""
        self._change(lambda: replace(self._network, hole=hole))

    def refuse(self) -> None:
        """Reset every new connection."""
        self._change(lambda: replace(self._network, accept=Accept.REFUSE))

    def hang_accept(self) -> None:
        """Accept new connections and never say a word."""
        self._change(lambda: replace(self._network, accept=Accept.HANG))

    def burn(self, fuse: Fuse) -> Fuse:
        """Let a fuse blow on the first connection that it fits, and return it. Several may burn at once."""
        self._call(lambda: self._burning.append(_Burning(fuse, fuse.skip)))
        return fuse

    def douse(self) -> None:
        """No fuse burns any more."""
        self._call(self._burning.clear)

    def redirect(self, upstream: tuple[str, int]) -> None:
        """Lead new connections to another server."""
        self._call(lambda: setattr(self, "upstream", upstream))

    def heal(self) -> None:
        """Back to a good network; what was held back is delivered. Fuses go on burning."""

        def well() -> _Network:
            for line in self._lines:
                line.silent = line.deaf = False
            return _Network()

        self._change(well)

    def cut(self) -> None:
        """Reset every open connection."""

        def reset_all() -> None:
            for writer in list(self._connections):
                _reset(writer)

        self._call(reset_all)

    @property
    def open_connections(self) -> int:
        """How many clients are connected."""
        return len(self._tasks)

    def close(self) -> None:
        """Cut everything and stop."""
        if not self._thread.is_alive():
            return
        self.cut()
        self._call(self._loop.stop)
        self._thread.join(5)
        self._listener.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _change(self, network: Callable[[], _Network]) -> None:
        def apply() -> None:
            self._network = network()
            self._changed.set()
            self._changed = asyncio.Event()

        self._call(apply)

    def _call(self, action: Callable[[], None]) -> None:
        if threading.current_thread() is self._thread:
            action()
            return
        done = threading.Event()

        def run() -> None:
            action()
            done.set()

        self._loop.call_soon_threadsafe(run)
        done.wait(5)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        # The streams' own callback stumbles over a connection that is cancelled before it was begun.
        self._loop.set_exception_handler(lambda loop, context: None)
        server = self._loop.run_until_complete(asyncio.start_server(self._client, sock=self._listener))
        try:
            self._loop.run_forever()
        finally:
            server.close()
            # One that ends may have begun another on its way.
            while leftover := asyncio.all_tasks(self._loop):
                for task in leftover:
                    task.cancel()
                self._loop.run_until_complete(asyncio.gather(*leftover, return_exceptions=True))
            self._loop.close()

    async def _client(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self._connections.add(writer)
        # Without it small packets wait for an acknowledgement, 40 ms at times, which is not what is asked for here.
        writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            # Cancelled when the proxy closes: nobody waits for this task, so it must not end in an exception.
            with contextlib.suppress(asyncio.CancelledError):
                await self._carry(reader, writer)
        finally:
            self._connections.discard(writer)
            self._tasks.discard(task)
            writer.close()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._network.accept is Accept.REFUSE:
            _reset(writer)
            return
        while self._network.accept is Accept.HANG:
            await self._changed.wait()
        try:
            up_reader, up_writer = await asyncio.open_connection(*self.upstream)
        except OSError:
            _reset(writer)
            return
        up_writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._connections.add(up_writer)
        line = _Line(writer, up_writer)
        self._lines.add(line)
        ways = [
            asyncio.ensure_future(self._pump(reader, line, Hole.UP)),
            asyncio.ensure_future(self._pump(up_reader, line, Hole.DOWN)),
        ]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            self._connections.discard(up_writer)
            self._lines.discard(line)
            up_writer.close()

    async def _pump(self, reader: asyncio.StreamReader, line: _Line, way: Hole) -> None:
        under_way: asyncio.Queue[tuple[float, bytes, bool]] = asyncio.Queue()
        delivery = asyncio.ensure_future(self._deliver(under_way, line, way))
        try:
            with contextlib.suppress(OSError):
                while data := await reader.read(_CHUNK):
                    held = line.silent
                    data = self._through_fuses(line, way, data)
                    under_way.put_nowait((self._due(), data, held or line.deaf or way is Hole.DOWN))
            under_way.put_nowait((self._due(), b"", True))
            await delivery
        finally:
            delivery.cancel()

    def _due(self) -> float:
        return self._loop.time() + self._network.delay_s

    def _through_fuses(self, line: _Line, way: Hole, data: bytes) -> bytes:
        """What is left of the data to be carried on, where a fuse blows at it."""
        if way is Hole.DOWN:
            return self._broken(line) if line.answer_lost else data
        for burning in list(self._burning):
            if burning.fuse.words not in data:
                continue
            if burning.left > 0:
                burning.left -= 1
                continue
            self._burning.remove(burning)
            data = self._blow(burning.fuse, line, data)
        return data

    def _blow(self, fuse: Fuse, line: _Line, data: bytes) -> bytes:
        fuse.blown.set()
        if fuse.then is not None:
            fuse.then()
        if fuse.loss is Loss.STATEMENT:
            return self._broken(line)
        line.answer_lost |= fuse.loss is Loss.ANSWER
        line.silent |= fuse.loss in (Loss.SILENCE, Loss.DEAFNESS)
        line.deaf |= fuse.loss is Loss.DEAFNESS
        return data

    def _broken(self, line: _Line) -> bytes:
        _reset(line.client)
        _reset(line.server)
        return b""

    async def _deliver(self, under_way: asyncio.Queue[tuple[float, bytes, bool]], line: _Line, way: Hole) -> None:
        writer = line.server if way is Hole.UP else line.client
        with contextlib.suppress(OSError):
            while True:
                due, data, holdable = await under_way.get()
                await asyncio.sleep(max(0.0, due - self._loop.time()))
                while self._network.hole in (way, Hole.BOTH) or (holdable and line.silent):
                    await self._changed.wait()
                if not data:
                    return
                writer.write(data)
                await writer.drain()


def _reset(writer: asyncio.StreamWriter) -> None:
    connection = writer.get_extra_info("socket")
    if connection is not None:
        with contextlib.suppress(OSError):
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    writer.transport.abort()
