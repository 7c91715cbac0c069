"""The HTTP server on loopback: a request in, an answer or a reset connection out."""

from __future__ import annotations

import json
import logging
import secrets
import socket
import struct
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from providers.mysql.endpoint import Secret
from providers.sandbox.aliyun_api.http import CONTROL, TICKET_HEADER
from providers.sandbox.aws_api.signature import Request
from providers.sandbox.ports import LOOPBACK

_RESET = struct.pack("ii", 1, 0)
_LIMIT = 4 << 20

log = logging.getLogger(__name__)


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
    """Serves API calls, and the control path, until it is closed.

    `control_token` is what a caller of the control path must present.
    """

    def __init__(self, answer: Answer, order: Order) -> None:
        self.control_token = Secret(secrets.token_urlsafe(18))
        self.closing = threading.Event()
        self._server = _Server(answer, order, self.control_token, self.closing)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), name="aws api", daemon=True)
        self._thread.start()

    @property
    def address(self) -> tuple[str, int]:
        """Host and port."""
        return LOOPBACK, self._server.server_address[1]

    def close(self) -> None:
        """Stop serving."""
        self.closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def __init__(self, answer: Answer, order: Order, token: Secret, closing: threading.Event) -> None:
        self.answer = answer
        self.order = order
        self.token = token
        self.closing = closing
        super().__init__((LOOPBACK, 0), _Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A caller that went away in the middle is no error of ours; it is told in the log all the same."""
        log.info("a caller's connection broke", exc_info=True)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        if length > _LIMIT:
            self._send(Reply(413))
            return
        content = self.rfile.read(length)
        if self.path == CONTROL:
            self._control(content)
            return
        url = f"http://{self.headers.get('Host', '')}{self.path}"
        reply = self.server.answer(Request(url, self.path, self.headers, content))
        if reply.after_s:
            self.server.closing.wait(reply.after_s)
        if reply.reset:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            self.close_connection = True
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

    def log_message(self, format: str, *args: Any) -> None:
        """Calls carry access keys: they are kept out of every log."""
