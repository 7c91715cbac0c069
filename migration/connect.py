"""Looking at servers before there is a migration: can they be reached, and what are they."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from migration.check import NoTarget, Pair, Route
from migration.check_report import CheckReport, ServerSeen
from migration.checks import on_route
from migration.checks.run import run_catalogue
from migration.model import MigrationSpec, Secrets, Side
from migration.planning import make_plan
from migration.records import Scribe
from migration.runbook import Migration, Runbook
from migration.runner import choose_positioning
from migration.view import LagSample, Plan
from providers.mysql.connection import Connection, Timeouts
from providers.mysql.endpoint import Endpoint
from providers.mysql.errors import ServerError
from providers.mysql.server import Server, read_version

_TIMEOUTS = Timeouts(connect=5.0, answer=10.0)


@dataclass(frozen=True)
class ProbeLine:
    """One line about reaching a server: `word` is OK, FAIL or `-` (not reached)."""

    side: Side
    word: str
    text: str


def probe(side: Side, endpoint: Endpoint) -> Iterator[ProbeLine]:
    """Try name, port, login and version of one server, one line each; changes nothing."""
    try:
        address = socket.getaddrinfo(endpoint.host, endpoint.port, type=socket.SOCK_STREAM)[0][4][0]
    except OSError as error:
        yield ProbeLine(side, "FAIL", f"{endpoint.host} has no address ({error.strerror}); check the name")
        yield ProbeLine(side, "-", "not reached")
        return
    yield ProbeLine(side, "OK", f"{endpoint.host} is {address}")
    try:
        connection = Connection(endpoint, _TIMEOUTS)
    except ServerError as error:
        yield ProbeLine(side, "FAIL", str(error))
        return
    try:
        yield ProbeLine(side, "OK", f"{endpoint.account.user} is let in, TLS {'on' if connection.encrypted else 'off'}")
        yield ProbeLine(side, "OK", str(read_version(connection)))
    except ServerError as error:
        yield ProbeLine(side, "FAIL", str(error))
    finally:
        connection.close()


class _NoDesk:
    """Nobody stops anything while two servers are only looked at."""

    def halted(self) -> bool:
        return False

    def lag(self) -> LagSample | None:
        return None


@dataclass(frozen=True)
class Look:
    """Servers that have been connected to, and nothing else done to them. `other` is the target, None without one."""

    spec: MigrationSpec
    secrets: Secrets
    source: Server
    other: Server | None

    def _pair(self, route: Route) -> Pair:
        # Without a target, one that is set up like the source.
        positioning = choose_positioning(self.spec.positioning, self.source, self.other or self.source)
        return Pair(self.source, self.other, self.spec, self.secrets, positioning, route)

    def check(self, route: Route) -> CheckReport:
        """Run every check of a route; without a target, those about it do not apply.

        Raises:
            ServerError: the asked-for positioning is not possible.
        """
        pair = self._pair(route)
        at, began = datetime.now(UTC), time.monotonic()
        findings = tuple(run_catalogue(pair, on_route(route)))
        return CheckReport(
            at.isoformat(timespec="seconds"),
            time.monotonic() - began,
            route,
            pair.positioning,
            _seen(self.source),
            _seen(self.other) if self.other else None,
            findings,
        )

    def plan(self, runbook: Runbook, scribe: Scribe) -> Plan:
        """What a migration would do.

        Raises:
            ServerError: a server could not be asked.
            NoTarget: there is no target.
        """
        if self.other is None:
            raise NoTarget
        pair = self._pair(Route.NATIVE)
        return make_plan(
            runbook,
            Migration(self.spec, self.secrets, self.source, self.other, pair.positioning, scribe, _NoDesk()),
        )

    def close(self) -> None:
        """Close the connections."""
        self.source.close()
        if self.other is not None:
            self.other.close()


def _seen(server: Server) -> ServerSeen:
    endpoint = server.endpoint
    return ServerSeen(
        server.name, endpoint.address, str(server.version), endpoint.account.user, server.session.encrypted
    )


def look(spec: MigrationSpec, secrets: Secrets) -> Look:
    """Connect to both servers.

    Raises:
        ServerError: one of them cannot be reached or refuses the account.
    """
    source = look_at_source(spec, secrets).source
    try:
        target = Server(spec.target.endpoint(secrets.target), timeouts=_TIMEOUTS)
    except ServerError:
        source.close()
        raise
    return Look(spec, secrets, source, target)


def look_at_source(spec: MigrationSpec, secrets: Secrets) -> Look:
    """Connect to the source alone; what is said about the target is not read.

    Raises:
        ServerError: it cannot be reached or refuses the account.
    """
    return Look(spec, secrets, Server(spec.source.endpoint(secrets.source), timeouts=_TIMEOUTS), None)
