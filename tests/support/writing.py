"""An application that writes through one address for ever, and a watch over who takes writes."""

from __future__ import annotations

import threading
from types import TracebackType
from typing import Self

from providers.mysql.connection import Connection
from providers.mysql.endpoint import Endpoint
from providers.mysql.errors import ServerError
from tests.support.sql import session

_AGAIN_S = 0.002


class _Beside:
    """Runs in a thread of its own while a `with` statement does."""

    def __init__(self) -> None:
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopping.set()
        self._thread.join()

    def _run(self) -> None:
        raise NotImplementedError


class Writer(_Beside):
    """Inserts one row after another; connects again where that fails. `acknowledged` are the ids that were."""

    def __init__(self, endpoint: Endpoint) -> None:
        super().__init__()
        self.acknowledged: list[int] = []
        self.refused = 0
        self._endpoint = endpoint

    def stop(self) -> list[int]:
        """End; every id that was acknowledged."""
        self._stopping.set()
        if self._thread.ident is not None:
            self._thread.join()
        return self.acknowledged

    def _run(self) -> None:
        number = 0
        while not self._stopping.is_set():
            try:
                connection = session(self._endpoint)
                try:
                    while not self._stopping.is_set():
                        number += 1
                        connection.run(f"INSERT INTO shop.notes VALUES ({number}, 'w')")
                        self.acknowledged.append(number)
                finally:
                    connection.close()
            except ServerError:
                self.refused += 1
                self._stopping.wait(_AGAIN_S)


class Watch(_Beside):
    """Looks whether two servers take writes at one moment: one is asked before and after the other."""

    def __init__(self, one: Endpoint, other: Endpoint) -> None:
        super().__init__()
        self.looks = 0
        self.both = 0
        self._endpoints = (one, other)

    def _run(self) -> None:
        first, second = (session(one) for one in self._endpoints)
        while not self._stopping.is_set():
            seen = [_writable(one) for one in (first, second, first)]
            self.looks += 1
            self.both += all(seen)
        first.close()
        second.close()


def _writable(connection: Connection) -> bool:
    return not connection.value("SELECT @@GLOBAL.read_only")
