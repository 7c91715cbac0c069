"""HTTP servers on loopback that answer what a test has put into them."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self

LOOPBACK = "127.0.0.1"


class Listening:
    """Listens while a `with` statement runs. `handler` makes of a request what it is answered; its `owner` is this."""

    handler: type[BaseHTTPRequestHandler]

    def __enter__(self) -> Self:
        self._http = ThreadingHTTPServer((LOOPBACK, 0), type("Bound", (self.handler,), {"owner": self}))
        self._prepare()
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.shutdown()
        self._thread.join()
        self._http.server_close()

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._http.server_address[1])

    @property
    def url(self) -> str:
        """Its address for clients."""
        return f"http://{LOOPBACK}:{self.port}"

    def _prepare(self) -> None:
        """What has to be done before the first request."""
