"""AWS's wire protocols, by moto: requests taken apart and answers put together by the SDK's own model of the API.

Of moto only this is used. What its RDS backend does with calls is not what RDS does: statuses change at once, a
promotion detaches nothing, a snapshot of a replica is still a replica, Blue/Green has no guardrails, and half of the
operations that are needed are missing (measured with 5.2.5).
"""

from __future__ import annotations

import importlib
import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl
from xml.sax.saxutils import escape

from providers.sandbox.api.http import Reply, Request
from providers.sandbox.api.refusals import Refused

_JSON = "application/x-amz-json-1.0"
# What a request is signed for, and what the SDK calls that service.
_SERVICES = {"rds": "rds", "monitoring": "cloudwatch"}


class MotoMissing(Exception):
    """The library that the simulation needs is not installed; one sentence."""


def require() -> None:
    """Find out before anything is started whether requests can be taken apart.

    Raises:
        MotoMissing: they cannot.
    """
    try:
        importlib.import_module("moto.core.parse")
        importlib.import_module("moto.core.serialize")
    except ImportError as error:
        raise MotoMissing(
            f"Rehearsing on a simulated AWS needs the library moto 5.2 ({error}): install mysql-cutover[rehearse-aws]."
        ) from error


@dataclass(frozen=True)
class Wire:
    """One request: for which service, which action, and how the answer is to be written."""

    service: str
    action: str
    protocol: str
    request: Request
    id: str = field(default_factory=lambda: str(uuid.uuid4()))

    def parameters(self) -> dict[str, Any]:
        """The parameters, in the API's own names and types.

        Raises:
            Refused: there is no such action.
        """
        from moto.core.parse import PROTOCOL_PARSERS

        parser = PROTOCOL_PARSERS[self.protocol](self._operation(), map_type=dict)
        form = dict(parse_qsl(self.request.body.decode(), keep_blank_values=True))
        given: Any = {
            "method": "POST",
            "values": form,
            "headers": self.request.headers,
            "body": self.request.body,
            "url_path": self.request.target,
            "url_params": {},
        }
        return dict(parser.parse(given))

    def answer(self, body: Mapping[str, Any]) -> Reply:
        """The answer with this content."""
        from moto.core.serialize import SerializationContext, get_serializer_class

        made = get_serializer_class(self.service, self.protocol)
        serializer = made(operation_model=self._operation(), context=SerializationContext(self.id))
        done = serializer.serialize(dict(body))
        content = done["body"]
        return Reply(
            done["status_code"],
            content.encode() if isinstance(content, str) else content,
            {**done["headers"], "x-amzn-RequestId": self.id},
        )

    def refuse(self, refusal: Refused) -> Reply:
        """The answer that says no."""
        headers = {"x-amzn-RequestId": self.id}
        if self.protocol == "json":
            content = json.dumps({"__type": refusal.code, "message": refusal.message})
            return Reply(refusal.status, content.encode(), {**headers, "Content-Type": _JSON})
        kind = "Sender" if refusal.status < 500 else "Receiver"
        content = (
            '<ErrorResponse xmlns="http://rds.amazonaws.com/doc/2014-10-31/"><Error>'
            f"<Type>{kind}</Type><Code>{escape(refusal.code)}</Code><Message>{escape(refusal.message)}</Message>"
            f"</Error><RequestId>{self.id}</RequestId></ErrorResponse>"
        )
        return Reply(refusal.status, content.encode(), {**headers, "Content-Type": "text/xml"})

    def _operation(self) -> Any:
        from botocore.exceptions import UnknownServiceError
        from botocore.model import OperationNotFoundError
        from moto.core.utils import get_service_model

        try:
            return get_service_model(self.service).operation_model(self.action)
        except (OperationNotFoundError, UnknownServiceError) as error:
            raise Refused(
                400, "InvalidAction", f"Could not find operation {self.action} for version 2014-10-31"
            ) from error


def wire_of(request: Request) -> Wire:
    """What a request says of itself, before it is known whether it may."""
    scope = request.headers.get("Authorization", "").partition("Credential=")[2].split("/")
    service = _SERVICES.get(scope[3] if len(scope) > 3 else "", "rds")
    target = request.headers.get("X-Amz-Target")
    if target:
        return Wire(service, target.rpartition(".")[2], "json", request)
    form = dict(parse_qsl(request.body.decode(errors="replace")))
    return Wire(service, form.get("Action", ""), "query", request)
