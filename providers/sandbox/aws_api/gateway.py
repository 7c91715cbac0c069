"""What stands in front of the services: the signature, the action, and the faults."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from providers.sandbox.api.calls import Call, Calls
from providers.sandbox.api.faults import Fault, Faults, Kind
from providers.sandbox.api.http import Reply, Request
from providers.sandbox.api.refusals import Refused
from providers.sandbox.aws_api import operations
from providers.sandbox.aws_api.cloud import Cloud
from providers.sandbox.aws_api.protocol import Wire, wire_of
from providers.sandbox.aws_api.signature import Verifier

_SERVICES: Mapping[str, Mapping[str, operations.Act]] = {
    "rds": operations.RDS,
    "cloudwatch": operations.CLOUDWATCH,
}

log = logging.getLogger(__name__)


@dataclass
class Gateway:
    """Answers calls."""

    cloud: Cloud
    verifier: Verifier
    faults: Faults
    made: Calls[Call] = field(default_factory=Calls)

    def answer(self, request: Request) -> Reply:
        """Answer one call."""
        wire = wire_of(request)
        try:
            self.verifier.service(request)
            act = _find(wire)
            given = wire.parameters()
        except Refused as refusal:
            return wire.refuse(refusal)
        name = f"{wire.service}:{wire.action}"
        fault = self.faults.take(name)
        reply, outcome = _without_doing(wire, fault)
        if reply is None:
            reply, outcome = self._carry_out(wire, act, given, fault)
        self.made.add(Call(name, given, outcome, reply.reset))
        return reply

    def _carry_out(
        self, wire: Wire, act: operations.Act, given: Mapping[str, Any], fault: Fault | None
    ) -> tuple[Reply, str]:
        try:
            with self.cloud.lock:
                body = act(self.cloud, given)
        except Refused as refusal:
            return wire.refuse(refusal), refusal.code
        except Exception:
            # The boundary of a call: whatever went wrong in the simulation, the caller gets an answer.
            log.exception("the call of %s failed", wire.action)
            failure = Refused(500, "InternalFailure", "The request processing has failed because of an unknown error.")
            return wire.refuse(failure), failure.code
        return _altered(wire, body, fault), ""


def _find(wire: Wire) -> operations.Act:
    found = _SERVICES[wire.service].get(wire.action)
    if found is None:
        raise Refused(400, "InvalidAction", f"Could not find operation {wire.action}, which is not simulated here.")
    return found


def _without_doing(wire: Wire, fault: Fault | None) -> tuple[Reply | None, str]:
    """The answer of a fault by which nothing is done, and its code."""
    if fault is None:
        return None, ""
    if fault.kind is Kind.REFUSE:
        return wire.refuse(Refused(fault.status, fault.code, fault.message)), fault.code
    if fault.kind is Kind.PAGE:
        page = f"<html><body><h1>{fault.status}</h1></body></html>".encode()
        return Reply(fault.status, page, {"Content-Type": "text/html"}), str(fault.status)
    if fault.kind is Kind.DROP:
        return Reply(0, reset=True), "dropped"
    return None, ""


def _altered(wire: Wire, body: Mapping[str, Any], fault: Fault | None) -> Reply:
    """The answer of a call that was carried out."""
    if fault is None:
        return wire.answer(body)
    if fault.kind is Kind.ALTER:
        kept = {key: value for key, value in body.items() if key not in fault.without}
        return wire.answer({**kept, **fault.fields})
    return replace(wire.answer(body), reset=fault.kind is Kind.LOSE, after_s=fault.seconds)
