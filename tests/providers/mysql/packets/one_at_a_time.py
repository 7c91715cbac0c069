"""A proxy that takes one request at a time: what is sent right behind one is lost."""

from __future__ import annotations

import contextlib
import socket
import threading
from types import TracebackType
from typing import Self

LOOPBACK = "127.0.0.1"
# COM_STMT_CLOSE and COM_QUIT.
_UNANSWERED = (0x19, 0x01)


class OneAtATime:
    """Carries connections without TLS from `port` on loopback to `upstream`."""

    def __init__(self, upstream: tuple[str, int]) -> None:
        self._upstream = upstream
        self._listener = socket.create_server((LOOPBACK, 0))
        self.port: int = self._listener.getsockname()[1]
        self._open: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(self._upstream)
                self._open += [client, server]
                line = _Line(client, server)
                for way in (line.up, line.down):
                    threading.Thread(target=way, daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for one in (self._listener, *self._open):
            # Closing alone would not wake the thread that reads from it.
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()


class _Line:
    def __init__(self, client: socket.socket, server: socket.socket) -> None:
        self._client, self._server = client, server

    def up(self) -> None:
        """Carry whole packets; one that came together with the one before it is lost, where that is answered."""
        with contextlib.suppress(OSError):
            have = b""
            while data := self._client.recv(1 << 21):
                have += data
                while len(have) >= 4 and len(have) >= (end := 4 + int.from_bytes(have[:3], "little")):
                    self._server.sendall(have[:end])
                    have = have[end:] if have[4] in _UNANSWERED else b""
        self._end()

    def down(self) -> None:
        """Carry what the server sends."""
        with contextlib.suppress(OSError):
            while data := self._server.recv(1 << 16):
                self._client.sendall(data)
        self._end()

    def _end(self) -> None:
        for one in (self._client, self._server):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
