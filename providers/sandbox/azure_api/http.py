"""The HTTP server on loopback: a request in, an answer or a reset connection out."""

from __future__ import annotations

import json
import logging
import secrets
import socket
import struct
import threading
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

from providers.mysql.endpoint import Secret
from providers.sandbox.aliyun_api.http import CONTROL, TICKET_HEADER
from providers.sandbox.azure_api.gateway import Reply
from providers.sandbox.ports import LOOPBACK

_RESET = struct.pack("ii", 1, 0)
_LIMIT = 4 << 20

log = logging.getLogger(__name__)

Answer = Callable[[str, str, Mapping[str, str], bytes], Reply]
Order = Callable[[Mapping[str, Any]], Any]


class ApiServer:
    """Serves Resource Manager and the control path, until it is closed.

    `control_token` is what a caller of the control path must present.
    """

    def __init__(self, answer: Answer, order: Order) -> None:
        self.control_token = Secret(secrets.token_urlsafe(18))
        self.closing = threading.Event()
        self._server = _Server(answer, order, self.control_token, self.closing)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), name="arm", daemon=True)
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

    def do_GET(self) -> None:
        self._answer()

    def do_PUT(self) -> None:
        self._answer()

    def do_PATCH(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def do_DELETE(self) -> None:
        self._answer()

    def _answer(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        if length > _LIMIT:
            self._send(Reply(413, b"", {}))
            return
        content = self.rfile.read(length)
        if urlsplit(self.path).path == CONTROL:
            self._control(content)
            return
        if self.server.closing.is_set():
            # A connection that was kept open outlives the listening socket.
            self._reset()
            return
        reply = self.server.answer(self.command, self.path, dict(self.headers.items()), content)
        if reply.after_s:
            self.server.closing.wait(reply.after_s)
        if reply.reset:
            self._reset()
        else:
            self._send(reply)

    def _reset(self) -> None:
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        self.close_connection = True

    def _control(self, content: bytes) -> None:
        if not secrets.compare_digest(self.headers.get(TICKET_HEADER) or "", self.server.token.reveal()):
            self._send(Reply(403, b"{}", {}))
            return
        try:
            answer: dict[str, Any] = {"ok": True, "result": self.server.order(json.loads(content))}
        except (ValueError, KeyError, TypeError) as error:
            answer = {"ok": False, "error": f"{type(error).__name__}: {error}"}
        self._send(Reply(200, json.dumps(answer).encode(), {}))

    def _send(self, reply: Reply) -> None:
        self.send_response(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        if reply.content:
            self.send_header("Content-Type", reply.kind)
        self.send_header("Content-Length", str(len(reply.content)))
        self.end_headers()
        self.wfile.write(reply.content)

    def log_message(self, format: str, *args: Any) -> None:
        """Addresses of operations are kept out of every log."""
