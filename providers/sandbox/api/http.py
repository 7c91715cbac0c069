"""The HTTP server on loopback: a request in, an answer or a reset connection out.

Plain HTTP only, also for calls that a cloud answers over TLS only: nothing leaves this machine.
"""

from __future__ import annotations

import json
import logging
import secrets
import socket
import struct
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

from providers.mysql.endpoint import Secret
from providers.sandbox.ports import LOOPBACK

CONTROL = "/control"
TICKET_HEADER = "X-Control-Ticket"
_RESET = struct.pack("ii", 1, 0)
_LIMIT = 4 << 20

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Request:
    """One HTTP request, as it came: `target` is its path and query."""

    method: str
    target: str
    headers: Message
    body: bytes

    @property
    def base(self) -> str:
        """Scheme, host and port that it was sent to."""
        return f"http://{self.headers.get('Host', '')}"


@dataclass(frozen=True)
class Reply:
    """What goes back over HTTP; nothing but a reset where `reset` is set. `after_s`: seconds it is held back."""

    status: int
    content: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    reset: bool = False
    after_s: float = 0.0


Answer = Callable[[Request], Reply]
Order = Callable[[Mapping[str, Any]], Any]


class ApiServer:
    """Serves API calls, and orders at the control path, until it is closed.

    `control_token` is what a caller of the control path must present.
    """

    def __init__(self, answer: Answer, order: Order) -> None:
        self.control_token = Secret(secrets.token_urlsafe(18))
        self._server = _Server(answer, order, self.control_token)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), name="api", daemon=True)
        self._thread.start()

    @property
    def address(self) -> tuple[str, int]:
        """Host and port."""
        return LOOPBACK, self._server.server_address[1]

    def close(self) -> None:
        """Stop serving."""
        self._server.closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def __init__(self, answer: Answer, order: Order, token: Secret) -> None:
        self.answer = answer
        self.order = order
        self.token = token
        self.closing = threading.Event()
        super().__init__((LOOPBACK, 0), _Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A caller that went away in the middle is no error of ours; it is told in the log all the same."""
        log.info("a caller's connection broke", exc_info=True)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def do_GET(self) -> None:
        self._take()

    def do_PUT(self) -> None:
        self._take()

    def do_PATCH(self) -> None:
        self._take()

    def do_POST(self) -> None:
        self._take()

    def do_DELETE(self) -> None:
        self._take()

    def _take(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        if length > _LIMIT:
            self._send(Reply(413))
            return
        content = self.rfile.read(length)
        if urlsplit(self.path).path == CONTROL:
            self._control(content)
        elif self.server.closing.is_set():
            # A connection that was kept open outlives the listening socket.
            self._reset()
        else:
            self._answer(Request(self.command, self.path, self.headers, content))

    def _answer(self, request: Request) -> None:
        reply = self.server.answer(request)
        if reply.after_s:
            self.server.closing.wait(reply.after_s)
        if reply.reset:
            self._reset()
        else:
            self._send(reply)

    def _control(self, content: bytes) -> None:
        if not secrets.compare_digest(self.headers.get(TICKET_HEADER) or "", self.server.token.reveal()):
            self._send(Reply(403, b"{}"))
            return
        try:
            answer: dict[str, Any] = {"ok": True, "result": self.server.order(json.loads(content))}
        except (ValueError, KeyError, TypeError) as error:
            answer = {"ok": False, "error": f"{type(error).__name__}: {error}"}
        self._send(Reply(200, json.dumps(answer).encode(), {"Content-Type": "application/json"}))

    def _send(self, reply: Reply) -> None:
        self.send_response(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(reply.content)))
        self.end_headers()
        self.wfile.write(reply.content)

    def _reset(self) -> None:
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        self.close_connection = True

    def log_message(self, format: str, *args: Any) -> None:
        """Calls carry access keys, and operations' addresses are as good as one: they are kept out of every log."""
