"""Rows of the table that the tests of this folder write to, and an application that goes on writing there."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator

from providers.mysql.server import Server

_FIRST, _PAUSE_S = 11, 0.005


def has(server: Server, row: int) -> bool:
    return bool(server.rows("SELECT 1 FROM shop.orders WHERE id = %s", (row,)))


@contextlib.contextmanager
def busy(server: Server) -> Iterator[None]:
    """Somebody writes on it all the while."""
    stop = threading.Event()

    def write() -> None:
        number = _FIRST
        with contextlib.closing(server.connect()) as writer:
            while not stop.wait(_PAUSE_S):
                writer.run("REPLACE INTO shop.orders VALUES (%s, 'busy')", (number,))
                number += 1

    thread = threading.Thread(target=write)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
