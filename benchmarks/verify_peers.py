"""What `verify.py` measures beside the verification: the servers' own scans, pt-table-checksum and reladiff."""

from __future__ import annotations

import contextlib
import resource
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from verify_servers import ANSWER_S, Data, Meter, both, names_of, unlogged

from providers.mysql.endpoint import Endpoint
from providers.mysql.server import Server
from tests.support.pairs import Two

PT = "pt-table-checksum"
RELADIFF = "reladiff"
_CHECKSUMS = "bench_pt"


@dataclass(frozen=True)
class Cost:
    """What something took: seconds of wall, of CPU on either server, of CPU of the client."""

    method: str
    wall_s: float
    source_s: float
    target_s: float
    client_s: float = 0.0
    problem: str = ""


def measured(pair: Two, method: str, work: Callable[[], float]) -> Cost:
    """Do it and see what it costs; `work` gives back the client's CPU seconds."""
    meter = Meter(pair)
    before, began = meter.read(), time.monotonic()
    client = work()
    wall, after = time.monotonic() - began, meter.read()
    return Cost(method, wall, after[0] - before[0], after[1] - before[1], client)


def scans(pair: Two, data: Data) -> dict[str, Callable[[], float]]:
    """The servers' own ways through a table, on both sides at the same time."""
    columns = ", ".join(f"BIT_XOR(LENGTH({name}))" for name in names_of(data))
    hint = "FORCE INDEX (PRIMARY)"
    return {
        "COUNT(*)": lambda: _on_both(pair, f"SELECT COUNT(*) FROM {data.name} {hint} WHERE id > 0"),
        "every column": lambda: _on_both(pair, f"SELECT {columns} FROM {data.name} {hint}"),
        "CHECKSUM TABLE": lambda: _on_both(pair, f"CHECKSUM TABLE {data.name}"),
    }


def _on_both(pair: Two, sql: str) -> float:
    def ask(server: Server) -> None:
        with contextlib.closing(server.connect()) as session:
            session.allow_answer_s(ANSWER_S)
            if server.version.mysql_from(8, 0):
                session.run("SET SESSION innodb_parallel_read_threads = 1")
            session.rows(sql)

    both(pair, ask)
    return 0.0


def command(tool: str, given: str) -> str | None:
    """Where a tool is, None where it is not installed."""
    return shutil.which(given or tool)


@contextlib.contextmanager
def checksums(pair: Two) -> Iterator[None]:
    """The tables that pt-table-checksum wants, past replication."""

    def make(server: Server) -> None:
        with unlogged(server) as run:
            run(f"CREATE DATABASE {_CHECKSUMS}")
            run(
                f"CREATE TABLE {_CHECKSUMS}.dsns (id INT AUTO_INCREMENT PRIMARY KEY, parent_id INT DEFAULT NULL, "
                "dsn VARCHAR(255) NOT NULL)"
            )
            run(f"INSERT INTO {_CHECKSUMS}.dsns (dsn) VALUES ('h=127.0.0.1,P={pair.target.endpoint.port}')")

    def drop(server: Server) -> None:
        with unlogged(server) as run:
            run(f"DROP DATABASE {_CHECKSUMS}")

    both(pair, make)
    try:
        yield
    finally:
        pair.caught_up(60)
        both(pair, drop)


def pt_command(pair: Two, path: str, database: str) -> list[str]:
    end = pair.source.endpoint
    return [
        path, f"h=127.0.0.1,P={end.port},u={end.account.user},p={end.account.password.reveal()}",
        "--databases", database,
        "--no-check-binlog-format", "--no-check-replication-filters", "--no-version-check", "--quiet",
        "--recursion-method", f"dsn=h=127.0.0.1,P={end.port},D={_CHECKSUMS},t=dsns",
        "--replicate", f"{_CHECKSUMS}.checksums", "--set-vars", "innodb_lock_wait_timeout=5",
    ]  # fmt: skip


def reladiff_command(pair: Two, path: str, data: Data) -> list[str]:
    def address(end: Endpoint) -> str:
        return f"mysql://{end.account.user}:{end.account.password.reveal()}@127.0.0.1:{end.port}/{data.database}"

    ends = pair.source.endpoint, pair.target.endpoint
    columns = [part for name in names_of(data)[1:] for part in ("-c", name)]
    parts = [part for end in ends for part in (address(end), data.table)]
    return [path, *parts, "-k", "id", *columns, "-j", "2", "--stats"]


def run(arguments: list[str], log: Path) -> float:
    """Run a tool to its end; its CPU seconds.

    Raises:
        RuntimeError: it failed; reladiff ends with 0 even then, so its words count.
    """
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    with log.open("w") as out:
        code = subprocess.run(arguments, stdout=out, stderr=subprocess.STDOUT, timeout=ANSWER_S, check=False).returncode
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    said = log.read_text()
    if code or "ERROR" in said or "Traceback" in said:
        raise RuntimeError(f"{Path(arguments[0]).name} ended with {code}: {said[-300:].strip()}")
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
