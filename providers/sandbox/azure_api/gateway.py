"""What stands before all services: the token, the route, the body against its description, and the faults."""

from __future__ import annotations

import json
import logging
import re
import secrets
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from email.message import Message
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from providers.sandbox.api import http
from providers.sandbox.api.calls import Calls
from providers.sandbox.api.faults import Fault, Faults, Kind
from providers.sandbox.api.http import Reply
from providers.sandbox.api.refusals import Refused
from providers.sandbox.azure_api.contract import Contract

Json = dict[str, Any]
_SECRET = re.compile(r"password", re.IGNORECASE)

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Request:
    """One request: `names` are the values of its path, `base` the scheme, host and port that it was sent to."""

    names: Mapping[str, str]
    query: Mapping[str, str]
    body: Json
    base: str


@dataclass(frozen=True)
class Answer:
    """What a service answers; `headers` beside those that every answer has."""

    status: int
    body: Json | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Route:
    """One operation: its name as in `flexible:Servers_Create`, where it is asked, and what carries it out."""

    name: str
    version: str
    method: str
    path: str
    act: Callable[[Request], Answer]

    def names(self, method: str, path: str, version: str) -> Mapping[str, str] | None:
        """The values of the path; None: the request is for another operation."""
        if (self.method, self.version) != (method, version):
            return None
        found = re.fullmatch(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", self.path), path, re.IGNORECASE)
        return {name: unquote(value) for name, value in found.groupdict().items()} if found else None


@dataclass(frozen=True)
class Call:
    """One call that was authorised: its operation, path and body with passwords masked, and its outcome.

    `outcome` is the status, with the code of an error; `lost`: the caller got no answer to it.
    """

    action: str
    path: str
    body: Json
    outcome: str
    lost: bool


@dataclass
class Gateway:
    """Answers requests.

    Attributes:
        contract: descriptions that bodies are held against; None: they are not.
        misfits: what was wrong with answers of the simulation itself, by these descriptions.
    """

    routes: Sequence[Route]
    token: str
    faults: Faults
    contract: Contract | None
    misfits: list[str] = field(default_factory=list)
    made: Calls[Call] = field(default_factory=Calls)

    def answer(self, asked: http.Request) -> Reply:
        """Answer one request."""
        parts = urlsplit(asked.target)
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        try:
            self._authorise(asked.headers)
            route, names = self._find(asked.method, parts.path, query.get("api-version", ""))
            body = self._body(route, parts.path, asked.body)
        except Refused as refusal:
            return _refusal(refusal)
        request = Request(names, query, body, asked.base)
        fault = self.faults.take(route.name)
        reply, outcome = _without_doing(fault)
        if reply is None:
            reply, outcome = _carry_out(route, request, fault)
            self._compare(route, parts.path, reply)
        if not route.name.startswith("operations:"):
            self.made.add(Call(route.name, parts.path, _masked(body), outcome, reply.reset))
        return reply

    def _compare(self, route: Route, path: str, reply: Reply) -> None:
        described = self.contract.find(route.method, path, route.version) if self.contract else None
        if self.contract and described and reply.status < 300:
            body = json.loads(reply.content) if reply.content else None
            self.misfits += [f"{route.name}: {one}" for one in self.contract.of_answer(described, reply.status, body)]

    def _authorise(self, headers: Message) -> None:
        given = headers.get("Authorization") or ""
        if not given:
            raise Refused(401, "AuthenticationFailed", "Authentication failed. The 'Authorization' header is missing.")
        if not secrets.compare_digest(given.encode(), f"Bearer {self.token}".encode()):
            raise Refused(401, "InvalidAuthenticationToken", "The access token is invalid.")

    def _find(self, method: str, path: str, version: str) -> tuple[Route, Mapping[str, str]]:
        if not version:
            words = "The api-version query parameter (?api-version=) is required for all requests."
            raise Refused(400, "MissingApiVersionParameter", words)
        for route in self.routes:
            names = route.names(method, path, version)
            if names is not None:
                return route, names
        words = f"The requested resource does not support http method '{method}', or not in version '{version}'."
        raise Refused(400, "InvalidResourceType", words)

    def _body(self, route: Route, path: str, content: bytes) -> Json:
        try:
            body = json.loads(content) if content.strip() else None
        except ValueError as error:
            raise Refused(400, "InvalidRequestContent", f"The request content was invalid: {error}.") from error
        described = self.contract.find(route.method, path, route.version) if self.contract else None
        if self.contract and described:
            problems = self.contract.of_request(described, body)
            if problems:
                raise Refused(400, "InvalidRequestContent", "; ".join(problems))
        if body is not None and not isinstance(body, dict):
            raise Refused(400, "InvalidRequestContent", "The request content was invalid: it is no object.")
        return body or {}


def _without_doing(fault: Fault | None) -> tuple[Reply | None, str]:
    """The answer of a fault by which nothing is done, and its outcome."""
    if fault is None:
        return None, ""
    if fault.kind is Kind.REFUSE:
        return _refusal(Refused(fault.status, fault.code, fault.message)), f"{fault.status} {fault.code}"
    if fault.kind is Kind.PAGE:
        page = f"<html><body><h1>{fault.status}</h1></body></html>".encode()
        return Reply(fault.status, page, {"Content-Type": "text/html"}), str(fault.status)
    if fault.kind is Kind.DROP:
        return Reply(0, reset=True), "dropped"
    return None, ""


def _carry_out(route: Route, request: Request, fault: Fault | None) -> tuple[Reply, str]:
    try:
        answer = route.act(request)
    except Refused as refusal:
        return _refusal(refusal), f"{refusal.status} {refusal.code}"
    except Exception:
        # The boundary of a call: whatever went wrong in the simulation, the caller gets an answer.
        log.exception("%s failed", route.name)
        failure = Refused(500, "InternalServerError", "An unexpected error occured while processing the request.")
        return _refusal(failure), "500 InternalServerError"
    body = answer.body
    if fault is not None and fault.kind is Kind.ALTER and body is not None:
        body = {**{key: value for key, value in body.items() if key not in fault.without}, **fault.fields}
    content = b"" if body is None else json.dumps(body).encode()
    lost = fault is not None and fault.kind is Kind.LOSE
    held = fault.seconds if fault is not None else 0.0
    headers = {**_headers(content), **answer.headers}
    return Reply(answer.status, content, headers, reset=lost, after_s=held), str(answer.status)


def _refusal(refusal: Refused) -> Reply:
    if not refusal.code:
        # So the migration service answers where a task is missing.
        return Reply(refusal.status, headers=_headers(b""))
    content = json.dumps({"error": {"code": refusal.code, "message": refusal.message}}).encode()
    return Reply(refusal.status, content, _headers(content))


def _headers(content: bytes) -> dict[str, str]:
    kind = {"Content-Type": "application/json; charset=utf-8"} if content else {}
    return {
        **kind,
        "x-ms-request-id": str(uuid.uuid4()),
        "x-ms-correlation-request-id": str(uuid.uuid4()),
        "x-ms-ratelimit-remaining-subscription-writes": "1199",
    }


def _masked(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: "***" if _SECRET.search(key) else _masked(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_masked(item) for item in value]
    return value
