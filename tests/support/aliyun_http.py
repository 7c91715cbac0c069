"""A server on loopback that speaks Alibaba Cloud's wire protocol and answers what a test has put into it.

Signatures, nonces and timestamps are checked as the provider does, with an algorithm of its own.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import socket
import ssl
import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit

from tests.support.listening import Listening

KEY, SECRET, TOKEN = "LTAI-test-key/+1", "Se+cret/ke~y=1", "To+ken/=~1"
_CLOCK_S = 15 * 60


@dataclass(frozen=True)
class Seen:
    """One request: whether its signature was right is checked before it gets here."""

    method: str
    version: str
    action: str
    query: Mapping[str, str]
    body: Mapping[str, str]


class Cut(Enum):
    """The connection is closed without an answer: before anything was done, or after it was."""

    BEFORE = "before"
    AFTER = "after"


@dataclass(frozen=True)
class Reply:
    """An answer as bytes; with a status other than 200 nothing was done."""

    status: int
    body: bytes


def error(status: int, code: str | None, message: str | None = "Words of the provider.") -> Reply:
    """An error as the gateway gives it."""
    content = {"RequestId": "REQ-1", "HostId": "host", "Code": code, "Message": message}
    return Reply(status, json.dumps(content).encode())


THROTTLED = error(400, "Throttling.User", "Request was denied due to user flow control.")
DOWN = error(503, "ServiceUnavailable", "The request has failed due to a temporary failure of the server.")
GATEWAY = Reply(502, b"<html><body>502 Bad Gateway</body></html>")

Canned = Mapping[str, Any] | Callable[[Seen], Mapping[str, Any]]


@dataclass
class AliyunServer(Listening):
    """Answers with `answers[action]`, after what `next` holds for that action.

    Attributes:
        seen: every request that was signed well.
        done: the actions that were carried out, whether their answer arrived or not.
        clock_s: how far this server's clock is ahead.
        token: the security token without which the key is refused; None: it needs none.
        names: the host names that clients named in TLS.
    """

    tls: ssl.SSLContext | None = None
    answers: dict[str, Canned] = field(default_factory=dict)
    next: dict[str, deque[Reply | Cut]] = field(default_factory=lambda: defaultdict(deque))
    seen: list[Seen] = field(default_factory=list)
    done: list[str] = field(default_factory=list)
    clock_s: float = 0.0
    token: str | None = None
    names: list[str | None] = field(default_factory=list)

    @property
    def url(self) -> str:
        """Its address for clients."""
        return f"https://localhost:{self.port}" if self.tls else super().url

    def _prepare(self) -> None:
        self._nonces: set[str] = set()
        self._lock = threading.Lock()
        if self.tls:
            self.tls.sni_callback = lambda _socket, name, _context: self.names.append(name)
            self._http.socket = self.tls.wrap_socket(self._http.socket, server_side=True)

    def handle(self, method: str, query: str, body: str) -> Reply | Cut:
        """What becomes of a request."""
        pairs = [*parse_qsl(query, keep_blank_values=True), *parse_qsl(body, keep_blank_values=True)]
        everything = dict(pairs)
        if len(everything) != len(pairs):
            return error(400, "InvalidParameter", "A parameter was given twice.")
        with self._lock:
            wrong = self._refusal(method, everything)
            if wrong:
                return wrong
            request = Seen(
                method,
                everything["Version"],
                everything["Action"],
                dict(parse_qsl(query, keep_blank_values=True)),
                dict(parse_qsl(body, keep_blank_values=True)),
            )
            self.seen.append(request)
            waiting = self.next[request.action]
            scripted = waiting.popleft() if waiting else None
            if isinstance(scripted, Reply) or scripted is Cut.BEFORE:
                return scripted
            self.done.append(request.action)
            if scripted is Cut.AFTER:
                return scripted
            canned = self.answers.get(request.action, {})
        content = canned(request) if callable(canned) else canned
        return Reply(200, json.dumps({"RequestId": "REQ-1", **content}).encode())

    def _refusal(self, method: str, given: dict[str, str]) -> Reply | None:
        if given.get("AccessKeyId") != KEY:
            return error(404, "InvalidAccessKeyId.NotFound", "Specified access key is not found.")
        if self.token and given.get("SecurityToken") != self.token:
            return error(400, "InvalidSecurityToken.Expired", "Specified SecurityToken is expired.")
        text = string_to_sign(method, given)
        if given.get("Signature") != signature(text, SECRET):
            words = "Specified signature is not matched with our calculation. server string to sign is:"
            return error(400, "SignatureDoesNotMatch", words + text)
        stamp = time.strptime(given["Timestamp"], "%Y-%m-%dT%H:%M:%SZ")
        if abs(time.mktime(stamp) - time.mktime(time.gmtime()) - self.clock_s) > _CLOCK_S:
            return error(400, "InvalidTimeStamp.Expired", "Specified time stamp or date value is expired.")
        if given["SignatureNonce"] in self._nonces:
            return error(400, "SignatureNonceUsed", "Specified signature nonce was used already.")
        self._nonces.add(given["SignatureNonce"])
        return None


class _Handler(BaseHTTPRequestHandler):
    owner: AliyunServer
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        self._answer("")

    def do_POST(self) -> None:
        self._answer(self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode())

    def _answer(self, body: str) -> None:
        reply = self.owner.handle(self.command, urlsplit(self.path).query, body)
        if isinstance(reply, Cut):
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        self.send_response(reply.status)
        self.send_header("Content-Length", str(len(reply.body)))
        self.end_headers()
        self.wfile.write(reply.body)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing on stderr."""


def string_to_sign(method: str, parameters: Mapping[str, str]) -> str:
    """What is signed of a request: everything but the signature, sorted and encoded twice."""
    pairs = sorted((key, value) for key, value in parameters.items() if key != "Signature")
    return f"{method}&%2F&{_encode('&'.join(f'{_encode(key)}={_encode(value)}' for key, value in pairs))}"


def signature(text: str, secret: str) -> str:
    """HMAC-SHA1 as version 1.0 of the signatures wants it."""
    return base64.b64encode(hmac.new(f"{secret}&".encode(), text.encode(), hashlib.sha1).digest()).decode()


def _encode(text: str) -> str:
    return quote(text, safe="-_.~")


AliyunServer.handler = _Handler
