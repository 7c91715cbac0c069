"""What stands in front of all products: the signature, the action, the parameters it must have, and the faults."""

from __future__ import annotations

import json
import logging
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, urlsplit

from providers.sandbox.aliyun_api.refusals import missing
from providers.sandbox.aliyun_api.signature import Verifier
from providers.sandbox.aliyun_api.state import Body, Parameters
from providers.sandbox.api.calls import Call, Calls
from providers.sandbox.api.faults import Fault, Faults, Kind
from providers.sandbox.api.http import Reply, Request
from providers.sandbox.api.refusals import Refused

_ENVELOPE = frozenset({
    "Action", "Version", "Format", "AccessKeyId", "Signature", "SignatureMethod", "SignatureVersion",
    "SignatureNonce", "SignatureType", "Timestamp", "SecurityToken",
})  # fmt: skip
_SECRET = frozenset({"Password", "ShardPassword"})

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Action:
    """One action of a product: the parameters that must be there, and what carries it out, given its own ones."""

    required: tuple[str, ...]
    act: Callable[[Parameters], Body]


@dataclass(frozen=True)
class Product:
    """One product: its name as in `polardb:CreateDBCluster`, its version, its actions by name."""

    name: str
    version: str
    host: str
    actions: Mapping[str, Action]


@dataclass
class Gateway:
    """Answers calls, whichever way they came."""

    products: Sequence[Product]
    verifier: Verifier
    faults: Faults
    made: Calls[Call] = field(default_factory=Calls)

    def serve(self, request: Request) -> Reply:
        """Answer one request: its parameters are those of its query and of its form."""
        if request.method not in ("GET", "POST"):
            return Reply(501)
        query = parse_qsl(urlsplit(request.target).query, keep_blank_values=True)
        form = parse_qsl(request.body.decode(), keep_blank_values=True)
        return self.answer(request.method, dict(query + form))

    def answer(self, method: str, given: Parameters) -> Reply:
        """Answer one call; `given` are the parameters of query and body."""
        request_id = str(uuid.uuid4()).upper()
        try:
            self.verifier.check(method, given)
            product, action = self._find(given)
        except Refused as refusal:
            return _refusal(refusal, "", request_id)
        name = f"{product.name}:{given['Action']}"
        own = {key: value for key, value in given.items() if key not in _ENVELOPE}
        shown = {key: "***" if key in _SECRET else value for key, value in own.items()}
        fault = self.faults.take(name)
        reply, outcome = _without_doing(fault, product, request_id)
        if reply is None:
            reply, outcome = self._carry_out(product, action, own, fault, request_id)
        self.made.add(Call(name, shown, outcome, reply.reset))
        return reply

    def _find(self, given: Parameters) -> tuple[Product, Action]:
        offered = [one for one in self.products if one.version == given["Version"]]
        for product in offered:
            if given["Action"] in product.actions:
                return product, product.actions[given["Action"]]
        code = "InvalidAction.NotFound" if offered else "InvalidVersion"
        raise Refused(404, code, "Specified api is not found, please check your url and method.")

    def _carry_out(
        self, product: Product, action: Action, given: Parameters, fault: Fault | None, request_id: str
    ) -> tuple[Reply, str]:
        try:
            for name in action.required:
                if not given.get(name):
                    raise missing(name)
            body = {"RequestId": request_id, **action.act(given)}
        except Refused as refusal:
            return _refusal(refusal, product.host, request_id), refusal.code
        except Exception:
            # The boundary of a call: whatever went wrong in the simulation, the caller gets an answer.
            log.exception("a call of %s failed", product.name)
            failure = Refused(500, "InternalError", "The request processing has failed due to some unknown error.")
            return _refusal(failure, product.host, request_id), failure.code
        return _altered(body, fault, request_id), ""


def _without_doing(fault: Fault | None, product: Product, request_id: str) -> tuple[Reply | None, str]:
    """The answer of a fault by which nothing is done, and its code."""
    if fault is None:
        return None, ""
    if fault.kind is Kind.REFUSE:
        return _refusal(Refused(fault.status, fault.code, fault.message), product.host, request_id), fault.code
    if fault.kind is Kind.PAGE:
        page = f"<html><body><h1>{fault.status}</h1></body></html>".encode()
        return Reply(fault.status, page, _headers(request_id, "text/html")), str(fault.status)
    if fault.kind is Kind.DROP:
        return Reply(0, reset=True), "dropped"
    if fault.kind is Kind.INSIDE:
        body = {"Success": False, "ErrCode": fault.code, "ErrMessage": fault.message, "HttpStatusCode": fault.status}
        return Reply(200, _json({"RequestId": request_id, **body}), _headers(request_id)), fault.code
    return None, ""


def _altered(body: Body, fault: Fault | None, request_id: str) -> Reply:
    """The answer of a call that was carried out."""
    headers = _headers(request_id)
    if fault is None:
        return Reply(200, _json(body), headers)
    if fault.kind is Kind.ALTER:
        kept = {key: value for key, value in body.items() if key not in fault.without}
        return Reply(200, _json({**kept, **fault.fields}), headers)
    return Reply(200, _json(body), headers, reset=fault.kind is Kind.LOSE, after_s=fault.seconds)


def _refusal(refusal: Refused, host: str, request_id: str) -> Reply:
    body = {
        "RequestId": request_id,
        "HostId": host or "gateway.aliyuncs.com",
        "Code": refusal.code,
        "Message": refusal.message,
        "Recommend": f"https://api.aliyun.com/troubleshoot?q={refusal.code}",
    }
    return Reply(refusal.status, _json(body), _headers(request_id))


def _headers(request_id: str, kind: str = "application/json") -> dict[str, str]:
    return {"Content-Type": f"{kind};charset=utf-8", "x-acs-request-id": request_id}


def _json(body: Body) -> bytes:
    return json.dumps(body).encode()
