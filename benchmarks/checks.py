"""How long all checks take on servers with very much in them, beside what their statements alone cost the servers.

python benchmarks/checks.py [--source ENGINE] [--target ENGINE] [--tables N] [--cold] [--json FILE]

The source gets N tables of ten columns in twenty databases, a tenth as many triggers and as many accounts. A process of
its own runs every check, as the wizard does: once so that the servers have opened their tables, as servers in use have,
and once more to be measured. Then each statement that was sent is sent again, one after the other, its answer read off
the wire without looking at it: that is what the statements cost by themselves. With `--cold` the source is started anew
before either measurement instead. Memory is the process's largest resident set.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pymysql
from pymysql.constants import COMMAND

from migration.check import Pair, Route
from migration.checks import on_route
from migration.checks.run import run_catalogue
from migration.model import MigrationSpec, Positioning, Secrets, ServerSpec
from providers.mysql.connection import Connection
from providers.mysql.endpoint import Endpoint, TlsMode
from providers.mysql.server import Server
from providers.sandbox import engines, passwords
from providers.sandbox.launcher import SandboxServer

DATABASES = 20
COLUMNS = (
    "id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY, customer_id INT NOT NULL, state ENUM('new', 'paid', 'sent'), "
    "title VARCHAR(80), note TEXT, amount DECIMAL(12,2), created_at DATETIME, changed_at DATETIME, "
    "flags SET('a', 'b'), ratio DOUBLE, KEY (customer_id)"
)
SHARED = "(asked beside, for all)"


@dataclass(frozen=True)
class Row:
    """One check: what it took, how many statements it sent, what those take alone; milliseconds."""

    check: str
    word: str
    ms: float
    statements: int
    alone_ms: float


def fill(server: Server, tables: int) -> None:
    """Make what is to be looked at; nothing of it goes into the binary log."""
    session = server.connect()
    session.run("SET SESSION sql_log_bin = 0")
    with contextlib.closing(session):
        for number in range(DATABASES):
            session.run(f"CREATE DATABASE d{number}")
        for number in range(tables):
            session.run(f"CREATE TABLE d{number % DATABASES}.t{number} ({COLUMNS}) ENGINE = InnoDB")
            if number % 10 == 0:
                session.run(
                    f"CREATE TRIGGER d{number % DATABASES}.g{number} BEFORE INSERT ON t{number} FOR EACH ROW "
                    "SET NEW.note = UPPER(NEW.title)"
                )
                session.run(f"CREATE USER 'u{number}'@'10.0.0.%' IDENTIFIED BY 'Pw-{number}-x'")


@contextlib.contextmanager
def started(engine: str, directory: Path, name: str) -> Iterator[SandboxServer]:
    """A server of the sandbox, gone afterwards."""
    server = SandboxServer(engines.find(engine), directory / name, name=name)
    try:
        server.start()
        yield server
    finally:
        server.destroy()


def pair_of(ports: list[int]) -> Pair:
    """The two servers, with the sandbox's accounts."""
    accounts = passwords.load()
    admin, follower = accounts.administrator, accounts.replication
    source, target = (
        Server(Endpoint(name, "127.0.0.1", port, admin, TlsMode.DISABLED))
        for name, port in zip(("source", "target"), ports, strict=True)
    )
    ends = [ServerSpec(s.name, s.endpoint.host, s.endpoint.port, admin.user, follower.user) for s in (source, target)]
    spec = MigrationSpec("checks", "mysql_replication", "BENCHMARK", ends[0], ends[1])
    secrets = Secrets(admin.password, admin.password, follower.password, follower.password)
    return Pair(source, target, spec, secrets, Positioning.GTID)


@dataclass(frozen=True)
class Sent:
    """A statement that a check sent: to which port, and whether from a session beside."""

    port: int
    sql: bytes
    beside: bool


def measure(ports: list[int]) -> dict[str, Any]:
    """Run every check, and keep what was sent."""
    sent: list[Sent] = []
    _remember(sent)
    pair = pair_of(ports)
    found: list[tuple[str, str, float, int, int]] = []
    began = time.monotonic()
    first, start = 0, began
    for finding in run_catalogue(pair, on_route(Route.NATIVE)):
        found.append((finding.check, finding.word, (time.monotonic() - start) * 1000, first, len(sent)))
        first, start = len(sent), time.monotonic()
    return {
        "found": found,
        "seconds": time.monotonic() - began,
        "mib": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1),
        "sent": [(one.port, one.sql.decode("latin-1"), one.beside) for one in sent],
    }


def joined(told: dict[str, Any], alone: list[float]) -> dict[str, Any]:
    """What `measure` told, with what its statements cost by themselves, in ms."""
    pieces = list(zip(told["sent"], alone, strict=True))
    beside = [ms for (_, _, apart), ms in pieces if apart]
    rows = [Row(SHARED, "", 0.0, len(beside), round(sum(beside), 1))]
    for check, word, took, first, last in told["found"]:
        own = [ms for (_, _, apart), ms in pieces[first:last] if not apart]
        rows.append(Row(check, word, round(took, 1), len(own), round(sum(own), 1)))
    return {
        "rows": [asdict(row) for row in rows],
        "seconds": round(told["seconds"], 2),
        "alone_seconds": round(sum(alone) / 1000, 2),
        "mib": told["mib"],
    }


def _remember(sent: list[Sent]) -> None:
    inner = pymysql.connections.Connection._execute_command  # type: ignore[attr-defined]

    def outer(self: Any, command: int, sql: str | bytes) -> None:
        if command == COMMAND.COM_QUERY:
            beside = threading.current_thread() is not threading.main_thread()
            sent.append(Sent(self.port, sql if isinstance(sql, bytes) else sql.encode(errors="replace"), beside))
        inner(self, command, sql)

    pymysql.connections.Connection._execute_command = outer  # type: ignore[attr-defined]


def _alone_ms(session: Connection, sql: bytes) -> float:
    """Send a statement and read its answer without looking at it."""
    raw: Any = session.raw
    began = time.monotonic()
    raw._execute_command(COMMAND.COM_QUERY, sql)
    more = True
    while more:
        more = _skip_result(raw)
    return (time.monotonic() - began) * 1000


def _skip_result(raw: Any) -> bool:
    """Read one result; whether another follows."""
    first = _packet(raw)
    if first[0] == 0xFF:
        return False
    if first[0] == 0x00:
        # Two lengths, then the status, whose bit 8 says that more results follow.
        return bool(first[3] & 8) if len(first) > 3 else False
    ends = 0
    while ends < 2:
        packet = _packet(raw)
        if packet[0] == 0xFF:
            return False
        if packet[0] == 0xFE and len(packet) < 9:
            ends += 1
    return bool(packet[3] & 8)


def _packet(raw: Any) -> bytes:
    head = raw._rfile.read(4)
    raw._next_seq_id = (head[3] + 1) % 256
    body: bytes = raw._rfile.read(int.from_bytes(head[:3], "little"))
    return body


def show(told: dict[str, Any]) -> None:
    """The table: the checks that take longest first."""
    print(f"{'check':36} {'found':8} {'ms':>9} {'statements':>10} {'alone ms':>9}")
    for row in sorted(told["rows"], key=lambda row: -row["ms"]):
        print(f"{row['check']:36} {row['word']:8} {row['ms']:9.1f} {row['statements']:10d} {row['alone_ms']:9.1f}")
    took, alone = told["seconds"], told["alone_seconds"]
    checks = sum(row["check"] != SHARED for row in told["rows"])
    print(f"all {checks} checks: {took:.2f} s, their statements alone {alone:.2f} s ({took / alone:.2f} times)")
    print(f"memory: {told['mib']:.0f} MiB")


def _ports(*servers: SandboxServer) -> list[int]:
    return [one.endpoint().port for one in servers]


def _measured(source: SandboxServer, target: SandboxServer, cold: bool) -> dict[str, Any]:
    if cold:
        source.stop()
        source.start()
    command = [sys.executable, str(Path(__file__)), "--measure", *map(str, _ports(source, target))]
    for _ in range(1 if cold else 2):
        told: dict[str, Any] = json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout)
    return {**told, "ports": _ports(source, target)}


def _replayed(source: SandboxServer, target: SandboxServer, told: dict[str, Any], cold: bool) -> list[float]:
    """What each statement takes by itself, in ms, on servers in the state that they were in for the checks."""
    if cold:
        source.stop()
        source.start()
    # The server may have come back on another port.
    now = dict(zip(told["ports"], pair_servers(source, target), strict=True))
    wire = {port: server.connect() for port, server in now.items()}
    return [_alone_ms(wire[port], sql.encode("latin-1")) for port, sql, _ in told["sent"]]


def pair_servers(source: SandboxServer, target: SandboxServer) -> tuple[Server, Server]:
    """The two servers, as the checks reach them."""
    pair = pair_of(_ports(source, target))
    return pair.source, pair.target


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--source", default="mysql-5.7")
    parser.add_argument("--target", default="mysql-9.7")
    parser.add_argument("--tables", type=int, default=10_000)
    parser.add_argument("--cold", action="store_true")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--measure", type=int, nargs=2, metavar="PORT", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.measure:
        json.dump(measure(chosen.measure), sys.stdout)
        return 0
    engines.provide([chosen.source, chosen.target], lambda _: None)
    with (
        tempfile.TemporaryDirectory() as name,
        started(chosen.source, Path(name), "source") as source,
        started(chosen.target, Path(name), "target") as target,
    ):
        fill(pair_of(_ports(source, target)).source, chosen.tables)
        told = _measured(source, target, chosen.cold)
        alone = _replayed(source, target, told, chosen.cold)
    told = joined(told, alone)
    show(told)
    if chosen.json:
        chosen.json.write_text(json.dumps({"source": chosen.source, "target": chosen.target, **told}, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
