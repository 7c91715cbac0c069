"""Looking at two servers before there is a migration: can they be reached, and what are they."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from dataclasses import dataclass

from migration.check import Check, Finding, Pair
from migration.checks.run import run_checks
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
    """Two servers that have been connected to, and nothing else done to them."""

    spec: MigrationSpec
    secrets: Secrets
    source: Server
    target: Server

    def _pair(self) -> Pair:
        positioning = choose_positioning(self.spec.positioning, self.source, self.target)
        return Pair(self.source, self.target, self.spec, self.secrets, positioning)

    def check(self, checks: tuple[Check, ...]) -> Iterator[Finding]:
        """Run checks; nothing is written on a server.

        Raises:
            ServerError: the asked-for positioning is not possible.
        """
        return run_checks(self._pair(), checks)

    def plan(self, runbook: Runbook, scribe: Scribe) -> Plan:
        """What a migration would do.

        Raises:
            ServerError: a server could not be asked.
        """
        pair = self._pair()
        return make_plan(
            runbook,
            Migration(self.spec, self.secrets, self.source, self.target, pair.positioning, scribe, _NoDesk()),
        )

    def close(self) -> None:
        """Close the connections."""
        self.source.close()
        self.target.close()


def look(spec: MigrationSpec, secrets: Secrets) -> Look:
    """Connect to both servers.

    Raises:
        ServerError: one of them cannot be reached or refuses the account.
    """
    source = Server(spec.source.endpoint(secrets.source), timeouts=_TIMEOUTS)
    try:
        target = Server(spec.target.endpoint(secrets.target), timeouts=_TIMEOUTS)
    except ServerError:
        source.close()
        raise
    return Look(spec, secrets, source, target)
