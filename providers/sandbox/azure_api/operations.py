"""Long-running operations, as Resource Manager has them: accepted at once, done later, followed at two addresses.

As in the service's recorded traffic: 202 with `Azure-AsyncOperation` and `Location`, then a status of InProgress (the
migration service: Running), Succeeded or Failed with the error inside.
"""

from __future__ import annotations

import datetime
import logging
import secrets
import threading
import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace

from providers.sandbox.api.beside import Beside
from providers.sandbox.api.clock import Clock
from providers.sandbox.api.refusals import Refused
from providers.sandbox.azure_api.faults import Ending, Faults, OperationFault
from providers.sandbox.azure_api.gateway import Answer, Json, Request, Route

_NEVER_S = 10 * 365 * 86_400.0
_SUBSCRIPTION = "/subscriptions/{subscription}/providers/{namespace}/locations/{location}"
_MYSQL = "Microsoft.DBforMySQL"
_DMS = "Microsoft.DataMigration"
_VERSIONS = ("2017-12-01", "2020-01-01", "2021-05-01", "2021-06-30")

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Operation:
    """One operation: `key` is what its address must carry, as the signatures of the real ones."""

    id: str
    key: str
    namespace: str
    started: float
    status: str
    error: Json | None = None
    known: bool = True


@dataclass(frozen=True)
class Work:
    """What is begun: `action` as in `flexible:Servers_Create`, `title` as the service calls it.

    `act` does it and gives nothing; what it refuses is how the operation fails. The operation takes `seconds` at least;
    `late`: it is done at their end, else at their beginning. `give_up`: in place of `act` where it is made to fail.
    """

    action: str
    title: str
    version: str
    subscription: str
    location: str
    seconds: float
    act: Callable[[], None]
    namespace: str = _MYSQL
    late: bool = False
    give_up: Callable[[], None] = lambda: None


class Operations:
    """All operations, each with a thread of its own. Close it when done."""

    def __init__(self, clock: Clock, faults: Faults) -> None:
        self._clock = clock
        self._faults = faults
        self._lock = threading.Lock()
        self._known: dict[str, Operation] = {}
        self._beside = Beside()
        self.closing = self._beside.closing

    def begin(self, work: Work, base: str, body: Json | None = None, status: int = 202) -> Answer:
        """Begin an operation; the answer to the call that did, with `body` where it is not the usual one."""
        now = self._clock.now()
        fault = self._faults.take_operation(work.action)
        running = "Running" if work.namespace == _DMS else "InProgress"
        known = fault is None or fault.ending is not Ending.VANISH
        one = Operation(str(uuid.uuid4()), secrets.token_urlsafe(96), work.namespace, now, running, known=known)
        with self._lock:
            self._known[one.id] = one
        self._beside.spawn(lambda: self._run(one, work, fault), "operation")
        where = _SUBSCRIPTION.format(
            subscription=work.subscription, namespace=work.namespace, location=work.location.lower().replace(" ", "")
        )
        asked = "operationStatuses" if work.namespace == _DMS else "azureAsyncOperation"
        tail = f"{one.id}?api-version={work.version}&t=638&s={one.key}"
        headers = {
            "Azure-AsyncOperation": f"{base}{where}/{asked}/{tail}",
            "Location": f"{base}{where}/operationResults/{tail}",
        }
        usual = {"operation": work.title, "startTime": _stamp(now)}
        return Answer(status, usual if body is None else body, headers)

    def routes(self) -> list[Route]:
        """Where operations are followed."""
        asked = {
            "azureAsyncOperation": self._status,
            "operationStatuses": self._status,
            "operationResults": self._result,
        }
        return [
            Route(f"operations:{kind}", version, "GET", f"{_SUBSCRIPTION}/{kind}/{{id}}", act)
            for version in _VERSIONS
            for kind, act in asked.items()
        ]

    def close(self) -> None:
        """Stop what is under way."""
        self.closing.set()
        self._beside.join()

    def _run(self, one: Operation, work: Work, fault: OperationFault | None) -> None:
        seconds = work.seconds
        if fault is not None and fault.ending in (Ending.SLOW, Ending.STAND):
            seconds = _NEVER_S if fault.ending is Ending.STAND else seconds + fault.seconds
        error: Json | None = None
        if fault is not None and fault.ending is Ending.FAIL:
            error = {"code": fault.code, "message": fault.message}
        if error is None and not work.late and seconds < _NEVER_S:
            error = self._do(work)
        self._clock.wait_until(one.started + seconds, self.closing)
        if not self.closing.is_set():
            if error is None and work.late:
                error = self._do(work)
            elif fault is not None and fault.ending is Ending.FAIL:
                work.give_up()
            with self._lock:
                ended = "Failed" if error else "Succeeded"
                self._known[one.id] = replace(one, status=ended, error=error)

    def _do(self, work: Work) -> Json | None:
        try:
            work.act()
        except Refused as refusal:
            return {"code": refusal.code, "message": refusal.message}
        except Exception as error:
            # The boundary of a thread: what goes wrong in it has to be told to whoever follows the operation.
            log.exception("%s failed", work.action)
            return {"code": "InternalServerError", "message": f"{type(error).__name__}: {error}"}
        return None

    def _status(self, request: Request) -> Answer:
        one = self._find(request)
        body: Json = {"name": one.id, "status": one.status, "startTime": _stamp(one.started)}
        if one.namespace == _DMS:
            where = _SUBSCRIPTION.format_map(request.names)
            body = {"name": one.id, "id": f"{where}/operationStatuses/{one.id}", "status": one.status}
        return Answer(200, body | ({"error": one.error} if one.error else {}))

    def _result(self, request: Request) -> Answer:
        one = self._find(request)
        return Answer(202 if one.status in ("InProgress", "Running") else 200, {})

    def _find(self, request: Request) -> Operation:
        with self._lock:
            one = self._known.get(request.names["id"])
        if one is None or not one.known:
            raise Refused(404, "OperationIdNotFound", "The requested operation was not found.")
        if request.query.get("s") != one.key:
            raise Refused(403, "InvalidOperationSignature", "The address of the operation is not the one given.")
        return one


def _stamp(moment: float) -> str:
    """As the service writes it, with milliseconds."""
    return datetime.datetime.fromtimestamp(moment, datetime.UTC).isoformat(timespec="milliseconds")[:-6] + "Z"
