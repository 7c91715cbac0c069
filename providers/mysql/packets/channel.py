"""A connection's socket, read into a buffer without waiting, plain or through TLS."""

from __future__ import annotations

import select
import socket
import ssl
from collections.abc import Sequence

import pymysql
from pymysql.cursors import Cursor

# 0.5 to 2 MiB a chunk cost the servers least, and stay in the processor's cache.
_USUAL = (1 << 20) + (1 << 19)
# Room for a reading at least, and how large a buffer may stay when a larger answer was taken.
_ROOM = 1 << 17
_KEPT = 1 << 22
# What is received begins at the beginning of a page, and a buffer of this size 16 bytes behind one: where the two are
# so close within their pages, x86 processors copy three to four times as slowly. Half a page keeps them apart.
_APART = 2048

_NOTHING_YET = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)


class Channel:
    """Bytes to and from a server: `buffer[:have]` is what came of the answer that is under way.

    Errors are OSErrors: a connection that ended is a ConnectionResetError, one that is silent a TimeoutError.
    """

    def __init__(self, raw: pymysql.Connection[Cursor]) -> None:
        self._raw = raw
        # The driver has no public way to its socket.
        self._socket: socket.socket = raw._sock  # type: ignore[attr-defined]
        self.descriptor = self._socket.fileno()
        self.have = 0
        self.buffer = bytearray()
        self._renew(_USUAL)

    def _renew(self, size: int) -> None:
        """A new buffer: an older one may still be in somebody's hands."""
        buffer = bytearray(size + _APART)
        # Nothing is moved by this: the buffer begins later in the same memory.
        del buffer[:_APART]
        if self.have:
            with memoryview(self.buffer) as old:
                buffer[: self.have] = old[: self.have]
        self.buffer = buffer
        self._view = memoryview(buffer)

    def begin(self) -> None:
        """Forget the last answer."""
        self.have = 0
        if len(self.buffer) > _KEPT:
            self._renew(_USUAL)
        if self._socket.gettimeout() != 0.0:
            self._socket.settimeout(0.0)
            # The driver keeps in mind what it set last, and has to set it again.
            self._raw._current_timeout = 0.0  # type: ignore[attr-defined]

    def send(self, data: bytes, silence_s: float) -> None:
        """Send everything; `silence_s` bounds each wait in which nothing is taken."""
        with memoryview(data) as whole:
            at = 0
            while at < len(data):
                try:
                    at += self._socket.send(whole[at : at + _USUAL])
                except (BlockingIOError, ssl.SSLWantWriteError):
                    _wait_for(self.descriptor, select.POLLOUT, silence_s)
                except ssl.SSLWantReadError:
                    _wait_for(self.descriptor, select.POLLIN, silence_s)

    def advance(self) -> bool:
        """Take what is there, without waiting; whether there was anything."""
        if len(self.buffer) - self.have < _ROOM:
            self._renew(2 * len(self.buffer))
        try:
            taken = self._socket.recv_into(self._view[self.have :])
        except _NOTHING_YET:
            return False
        if taken == 0:
            raise ConnectionResetError("the server closed the connection")
        self.have += taken
        return True

    @property
    def left_in_tls(self) -> bool:
        """Whether bytes wait inside the TLS layer, of which the operating system knows nothing any more."""
        return isinstance(self._socket, ssl.SSLSocket) and self._socket.pending() > 0

    def cut(self) -> None:
        """End the connection from any thread: who waits for it finds it broken. TLS is not asked."""
        try:
            socket.socket.shutdown(self._socket, socket.SHUT_RDWR)
        except OSError:
            return


def silent(seconds: float) -> TimeoutError:
    """Nothing came within the bound."""
    return TimeoutError(f"no answer within {seconds:g} s")


def ready(channels: Sequence[Channel], silence_s: float) -> bool:
    """Wait until one of them may have something to take; False when nothing came within `silence_s`."""
    poll = select.poll()
    for channel in channels:
        if channel.left_in_tls:
            return True
        poll.register(channel.descriptor, select.POLLIN)
    return bool(poll.poll(silence_s * 1000))


def _wait_for(descriptor: int, event: int, silence_s: float) -> None:
    poll = select.poll()
    poll.register(descriptor, event)
    if not poll.poll(silence_s * 1000):
        raise silent(silence_s)
