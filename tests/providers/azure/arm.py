"""A server on loopback that answers as Resource Manager what a test has put into it."""

from __future__ import annotations

import json
import socket
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from tests.support.listening import Listening

TOKEN = "to.ken-of-the-test/1"


@dataclass(frozen=True)
class Seen:
    """One request."""

    method: str
    path: str
    query: Mapping[str, str]
    body: Any
    headers: Mapping[str, str]


@dataclass(frozen=True)
class Reply:
    """An answer; `body` is written as JSON unless it is bytes."""

    status: int = 200
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)


class Cut(Enum):
    """The connection is closed without an answer."""

    NOW = "now"


Answer = Reply | Cut


def error(status: int, code: str, message: str = "Words of the provider.") -> Reply:
    """An error as Resource Manager gives it."""
    return Reply(status, {"error": {"code": code, "message": message}}, {"x-ms-request-id": "REQ-1"})


@dataclass
class ArmServer(Listening):
    """Answers with what `next` holds, then with `always`."""

    always: Answer | Callable[[Seen], Answer] = field(default_factory=Reply)
    next: deque[Answer | Callable[[Seen], Answer]] = field(default_factory=deque)
    seen: list[Seen] = field(default_factory=list)

    def answer(self, seen: Seen) -> Answer:
        """What becomes of a request."""
        self.seen.append(seen)
        found = self.next.popleft() if self.next else self.always
        return found(seen) if callable(found) else found


class _Handler(BaseHTTPRequestHandler):
    owner: ArmServer
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def _answer(self) -> None:
        content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts = urlsplit(self.path)
        body = json.loads(content) if content else None
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        reply = self.owner.answer(Seen(self.command, parts.path, query, body, dict(self.headers.items())))
        if isinstance(reply, Cut):
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        raw = reply.body if isinstance(reply.body, bytes) else json.dumps(reply.body).encode()
        sent = b"" if reply.body is None else raw
        self.send_response(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(sent)))
        self.end_headers()
        self.wfile.write(sent)

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

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing on stderr."""


ArmServer.handler = _Handler
