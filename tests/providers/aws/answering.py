"""A server on loopback that speaks AWS's wire protocols and answers what a test has put into it.

Signatures are checked, and requests taken apart, as the simulated RDS does it.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from types import TracebackType
from typing import Any, Self

from providers.aws.access import Access, Key
from providers.mysql.endpoint import Secret
from providers.sandbox.api.http import ApiServer, Reply, Request
from providers.sandbox.api.keys import AccessKey
from providers.sandbox.api.refusals import Refused
from providers.sandbox.aws_api import protocol
from providers.sandbox.aws_api.signature import Verifier

REGION = "eu-central-1"
KEY_ID, SECRET = "AKIAI44QH8DHBEXAMPLE", "wJalr/XUtnFEMI+K7MDENG"
PAGE = Reply(502, b"<html><body>502 Bad Gateway</body></html>", {"Content-Type": "text/html"})
THROTTLED = Refused(400, "Throttling", "Rate exceeded")
DOWN = Refused(503, "ServiceUnavailable", "The request has failed due to a temporary failure of the server.")


@dataclass(frozen=True)
class Seen:
    """One request that was signed well."""

    service: str
    action: str
    parameters: Mapping[str, Any]


class Cut(Enum):
    """The connection is closed without an answer: before anything was done, or after it was."""

    BEFORE = "before"
    AFTER = "after"


Canned = Mapping[str, Any] | Callable[[Seen], Mapping[str, Any]]


@dataclass
class AwsServer:
    """Answers with `answers[action]`, after what `next` holds for that action; `done` is what was carried out."""

    answers: dict[str, Canned] = field(default_factory=dict)
    next: dict[str, deque[Reply | Refused | Cut]] = field(default_factory=lambda: defaultdict(deque))
    seen: list[Seen] = field(default_factory=list)
    done: list[str] = field(default_factory=list)

    def __enter__(self) -> Self:
        self._verifier = Verifier(AccessKey(KEY_ID, Secret(SECRET)), REGION)
        self._server = ApiServer(self._answer, lambda _: None)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.close()

    @property
    def port(self) -> int:
        return self._server.address[1]

    @property
    def access(self) -> Access:
        """What a client of it needs."""
        url = f"http://127.0.0.1:{self.port}"
        return Access(REGION, endpoint=url, key=Key(Secret(KEY_ID), Secret(SECRET)))

    def _answer(self, request: Request) -> Reply:
        wire = protocol.wire_of(request)
        try:
            self._verifier.service(request)
        except Refused as refusal:
            return wire.refuse(refusal)
        seen = Seen(wire.service, wire.action, wire.parameters())
        self.seen.append(seen)
        waiting = self.next[seen.action]
        scripted = waiting.popleft() if waiting else None
        if isinstance(scripted, Refused):
            return wire.refuse(scripted)
        if isinstance(scripted, Reply):
            return scripted
        if scripted is Cut.BEFORE:
            return Reply(0, reset=True)
        self.done.append(seen.action)
        if scripted is Cut.AFTER:
            return Reply(0, reset=True)
        canned = self.answers.get(seen.action, {})
        return wire.answer(canned(seen) if callable(canned) else canned)
