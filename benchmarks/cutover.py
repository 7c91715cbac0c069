"""How long clients cannot write while the writes move: this program beside the bare statements and a manual procedure.

python benchmarks/cutover.py [--runs N] [--pair NAME ...] [--case NAME ...] [--method NAME ...] [--json FILE]

One writer, in a process of its own, writes a row each millisecond (sparse ones on slow links). The gap is the time from
its last acknowledged write on the old server to its first on the new one. Methods take turns within one run, there
and back again, so that their figures can be compared. Servers are durable (every commit is synced to disk) where
source and target are of one version.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import itertools

from methods import METHODS, Method, sides
from writer import TABLE

from migration.cutover import Aborted
from migration.model import Direction, Positioning
from providers.mysql import replication
from providers.mysql.server import Server
from providers.sandbox import engines
from tests.support.moving import Moving, moving
from tests.support.proxy import Proxy

# The applier of a version jump is serial and cannot keep up with 1,000 durable commits a second on two cores:
# such a pair does not sync each commit here (measured: 28-250 ms behind and growing, else 0.6 ms).
RELAXED = frozenset({"5.6-9.7", "5.7-9.7"})
PAIRS = {
    "5.6": ("mysql-5.6", "mysql-5.6"),
    "5.7": ("mysql-5.7", "mysql-5.7"),
    "9.7": ("mysql-9.7", "mysql-9.7"),
    "mariadb": ("mariadb-10.11", "mariadb-10.11"),
    "5.6-9.7": ("mysql-5.6", "mysql-9.7"),
    "5.7-9.7": ("mysql-5.7", "mysql-9.7"),
}
DIRECTIONS = (Direction.CUTOVER, Direction.ROLLBACK)
SETTLE_S = 0.25
ANSWER_S = 60.0


@dataclass(frozen=True)
class Case:
    """A situation: how far the operator is, how slow replication's link, how often the writer writes."""

    operator_rtt_s: float = 0.0
    link_s: float = 0.0
    every_s: float = 0.001
    methods: tuple[str, ...] = ("bare", "cutover")
    runs_share: float = 1.0


CASES = {
    "local": Case(methods=("bare", "cutover", "manual")),
    "operator 10 ms away": Case(operator_rtt_s=0.010, methods=("bare", "cutover", "armed"), runs_share=0.5),
    "link 0.2 s": Case(link_s=0.2, every_s=0.05, runs_share=0.1),
    "link 1.5 s": Case(link_s=1.5, every_s=0.2, runs_share=0.05),
}
LONG_UPDATE = "15 s UPDATE"


@dataclass(frozen=True)
class Result:
    """One row of the table. Gaps in ms; of the long UPDATE, how long a writer had to wait."""

    pair: str
    case: str
    method: str
    gaps: tuple[float, ...]
    lost: int
    both_ms: float

    def row(self) -> dict[str, Any]:
        """The row as it is written to a file."""
        ordered = sorted(self.gaps)
        return {
            "pair": self.pair,
            "case": self.case,
            "method": self.method,
            "runs": len(ordered),
            "median_ms": round(statistics.median(ordered), 2),
            "p99_ms": round(ordered[math.ceil(0.99 * len(ordered)) - 1], 2),
            "worst_ms": round(ordered[-1], 2),
            "lost_writes": self.lost,
            "both_writable_ms": round(self.both_ms, 2),
        }


class Writer:
    """The client, seen from here."""

    numbers = 0

    def __init__(self, made: Moving, every_s: float, *, follow: bool) -> None:
        ends = made.sandbox.endpoints()
        order = {
            "ports": [ends.source.port, ends.target.port],
            "user": ends.app.user,
            "password": ends.app.password.reveal(),
            "every_s": every_s,
            "first": Writer.numbers,
            "follow": follow,
        }
        Writer.numbers += 10_000_000
        self._process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("writer.py"))],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        assert self._process.stdout.readline() == "writing\n"

    def __enter__(self) -> Writer:
        return self

    def __exit__(self, *_: object) -> None:
        # After a report it has ended by itself; else it would go on writing beside the next case.
        self._process.kill()
        self._process.wait()

    def report(self) -> list[tuple[int, int, float]]:
        """Every acknowledged write: number, server (0 source, 1 target), monotonic seconds."""
        told, _ = self._process.communicate("report\n", timeout=ANSWER_S)
        return [(number, where, at) for number, where, at in json.loads(told)]


def gaps(acks: list[tuple[int, int, float]]) -> list[float]:
    """The time between the last write on one server and the first on the other, in ms."""
    return [(b[2] - a[2]) * 1000 for a, b in itertools.pairwise(acks) if a[1] != b[1]]


def overlap_ms(acks: list[tuple[int, int, float]]) -> float:
    """For how long both servers acknowledged writes, from two clients that do not know of each other."""
    ordered = sorted(acks, key=lambda ack: ack[2])
    return sum((b[2] - a[2]) * 1000 for a, b in itertools.pairwise(ordered) if a[1] != b[1] and _back(ordered, b))


def _back(ordered: list[tuple[int, int, float]], ack: tuple[int, int, float]) -> bool:
    """Whether the server that had the writes before acknowledged another one within the settling time."""
    at = ordered.index(ack)
    return any(later[1] != ack[1] and later[2] - ack[2] < SETTLE_S / 2 for later in ordered[at : at + 50])


def missing(made: Moving, acks: list[tuple[int, int, float]]) -> int:
    """Acknowledged writes that are not on a server."""
    lost = 0
    for server in (made.m.source, made.m.target):
        wanted = {number for number, _, _ in acks}
        deadline = time.monotonic() + ANSWER_S
        while wanted and time.monotonic() < deadline:
            wanted -= {int(row[0]) for row in server.rows(f"SELECT n FROM {TABLE}")}
            time.sleep(0.1 if wanted else 0.0)
        lost += len(wanted)
    return lost


@contextlib.contextmanager
def prepared(pair: str, case: Case) -> Iterator[Moving]:
    """The pair as the case wants it; `m` is what the operator sees of it."""
    source, target = PAIRS[pair]
    engines.provide([source, target], lambda _: None)
    with moving(source, target, Positioning.AUTO) as made, contextlib.ExitStack() as stack:
        for server in () if pair in RELAXED else (made.m.source, made.m.target):
            server.change("SET GLOBAL sync_binlog = 1")
            server.change("SET GLOBAL innodb_flush_log_at_trx_commit = 1")
        made.m.source.change(f"CREATE TABLE {TABLE} (n BIGINT NOT NULL PRIMARY KEY)")
        if case.link_s:
            for replica, of in ((made.m.target, made.m.source), (made.m.source, made.m.target)):
                link = stack.enter_context(Proxy((of.endpoint.host, of.endpoint.port)))
                link.delay(case.link_s)
                _lead_through(replica, link)
        if case.operator_rtt_s:
            far = []
            for server in (made.m.source, made.m.target):
                road = stack.enter_context(Proxy((server.endpoint.host, server.endpoint.port)))
                road.delay(case.operator_rtt_s / 2)
                far.append(stack.enter_context(contextlib.closing(Server(replace(server.endpoint, port=road.port)))))
            made.m = replace(made.m, source=far[0], target=far[1])
        yield made


def _lead_through(replica: Server, link: Proxy) -> None:
    replica.change(replica.dialect.stop_replica)
    replica.change(f"{replica.dialect.change_source} {replica.dialect.source_word}_PORT = {link.port}")
    replica.change(replica.dialect.start_replica)
    # MariaDB asks its source some twenty questions before it follows.
    replication.wait_running(replica, 90.0)


def measure(pair: str, name: str, methods: list[str], runs: int) -> list[Result]:
    """Every method in turn, there and back again, on one pair in one case."""
    case = CASES[name]
    chosen = [method for method in methods if method in case.methods]
    if not chosen:
        return []
    with prepared(pair, case) as made:
        acting = {method: METHODS[method]() for method in chosen}
        found: dict[str, list[float]] = {method: [] for method in chosen}
        lost = dict.fromkeys(chosen, 0)
        rounds = max(1, round(runs * case.runs_share / 2))
        for number in range(rounds):
            for method in chosen:
                if method == "manual" and number >= max(1, rounds // 10):
                    continue
                acks = _there_and_back(made, acting[method], case, follow=True)
                found[method] += gaps(acks)
                lost[method] += missing(made, acks)
        both = {method: overlap_ms(_there_and_back(made, acting[method], case, follow=False)) for method in chosen}
        return [Result(pair, name, method, tuple(found[method]), lost[method], both[method]) for method in chosen]


def _there_and_back(made: Moving, method: Method, case: Case, *, follow: bool) -> list[tuple[int, int, float]]:
    settle = SETTLE_S + 3 * case.link_s
    with Writer(made, case.every_s, follow=follow) as writer:
        for direction in DIRECTIONS:
            time.sleep(settle)
            _caught_up(made, direction)
            method(made, direction)
        time.sleep(settle)
        return writer.report()


def _caught_up(made: Moving, direction: Direction) -> None:
    old, new = sides(made, direction)
    assert new.wait_for(made.m.end_position(old), ANSWER_S)


def long_update(pair: str) -> Result:
    """A statement of 15 s holds the fence up: how long writers wait, in ms, until the attempt is given up."""
    with prepared(pair, CASES["local"]) as made, Writer(made, 0.001, follow=True) as writer:
        busy = made.m.source.connect()
        sql = "UPDATE shop.customers SET note = note WHERE SLEEP(1) = 0 LIMIT 15"
        running = threading.Thread(target=lambda: busy.run(sql))
        running.start()
        time.sleep(SETTLE_S)
        words = ""
        try:
            METHODS["cutover"]()(made, Direction.CUTOVER)
        except Aborted as aborted:
            words = str(aborted)
        time.sleep(SETTLE_S)
        acks = writer.report()
        running.join()
        if f"session {busy.thread_id} " not in words:
            raise AssertionError(f"the session was not named: {words}")
        waits = [(b[2] - a[2]) * 1000 for a, b in itertools.pairwise(acks)]
        return Result(pair, LONG_UPDATE, "cutover", (max(waits),), missing(made, acks), 0.0)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=100, help="moves of the writes per method in the case local")
    parser.add_argument("--pair", action="append", choices=PAIRS)
    parser.add_argument("--case", action="append", choices=(*CASES, LONG_UPDATE))
    parser.add_argument("--method", action="append", choices=METHODS)
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    rows: list[dict[str, Any]] = []
    failed = 0
    print(f"{'pair':9} {'case':20} {'method':8} {'runs':>4} {'median':>8} {'p99':>8} {'worst':>8}  lost  both ms")
    with tempfile.TemporaryDirectory() as state:
        os.environ["CUTOVER_STATE"] = state
        for pair in asked.pair or PAIRS:
            for name in asked.case or (*CASES, LONG_UPDATE):
                try:
                    found = _one(pair, name, asked.method or list(METHODS), asked.runs)
                except Exception as error:  # noqa: BLE001 - one case that fails is told, and the others are measured
                    failed += 1
                    print(f"{pair:9} {name:20} FAILED: {type(error).__name__}: {error}", flush=True)
                    continue
                rows += [_told(result) for result in found]
    _ratios(rows)
    if asked.json is not None:
        asked.json.write_text(json.dumps(rows, indent=2))
    return 1 if failed else 0


def _one(pair: str, name: str, methods: list[str], runs: int) -> list[Result]:
    if name == LONG_UPDATE:
        return [long_update(pair)] if "cutover" in methods else []
    return measure(pair, name, methods, runs)


def _told(result: Result) -> dict[str, Any]:
    row = result.row()
    print(
        f"{row['pair']:9} {row['case']:20} {row['method']:8} {row['runs']:4} {row['median_ms']:8.2f} "
        f"{row['p99_ms']:8.2f} {row['worst_ms']:8.2f}  {row['lost_writes']:4}  {row['both_writable_ms']:7.2f}",
        flush=True,
    )
    return row


def _ratios(rows: list[dict[str, Any]]) -> None:
    medians = {(row["pair"], row["case"], row["method"]): row["median_ms"] for row in rows}
    for (pair, case, method), median in medians.items():
        bare = medians.get((pair, case, "bare"))
        if bare and method != "bare":
            print(f"{pair:9} {case:20} {method} / bare = {median / bare:.2f}")


if __name__ == "__main__":
    sys.exit(main())
