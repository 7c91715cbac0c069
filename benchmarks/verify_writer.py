"""A client of `verify.py` that writes at a rate, in a process of its own: `python benchmarks/verify_writer.py < ORDER`.

The order is one line of JSON: `ports` [source, target], `user`, `password`, `table`, `rows`, `every_s`, `each` (rows a
transaction changes), `beats` (whether the lag is measured). Each line on standard input, `pause`, `go` or `report`, is
answered by one. How long each transaction took and each heartbeat needed to the target are in the report.
"""

from __future__ import annotations

import contextlib
import json
import math
import random
import sys
import threading
import time
from typing import Any

import pymysql
from pymysql.constants import CLIENT

BEAT = "bench_beat.beat"
_BEAT_S = 0.05
_LOOK_S = 0.001


def connect(order: dict[str, Any], port: int) -> Any:
    return pymysql.connect(
        host="127.0.0.1", port=port, user=order["user"], password=order["password"], autocommit=True,
        charset="utf8mb4", collation="utf8mb4_general_ci", client_flag=CLIENT.MULTI_STATEMENTS, ssl_disabled=True,
    )  # fmt: skip


class Writer:
    """Writes while `going` is set."""

    def __init__(self, order: dict[str, Any]) -> None:
        self.order = order
        self.going = threading.Event()
        self.over = threading.Event()
        self.idle = threading.Event()
        self.idle.set()
        self.took: list[float] = []
        self.lags: list[float] = []

    def write(self) -> None:
        session, rng, table = connect(self.order, self.order["ports"][0]), random.Random(1), self.order["table"]
        due = time.monotonic()
        while not self.over.is_set():
            if not self.going.is_set():
                self.idle.set()
                self.going.wait(0.05)
                due = time.monotonic()
                continue
            self.idle.clear()
            ids = ", ".join(str(rng.randrange(1, self.order["rows"])) for _ in range(self.order["each"]))
            began = time.monotonic()
            self._run(session, f"UPDATE {table} SET k = k + 1 WHERE id IN ({ids})")
            self.took.append(time.monotonic() - began)
            # One that was held up does not make up for more than a little of what it missed.
            due = max(due + self.order["every_s"], began - 0.1)
            time.sleep(max(0.0, due - time.monotonic()))
        self.idle.set()

    def _run(self, session: Any, sql: str) -> None:
        while True:
            try:
                session.query(sql)
            except pymysql.err.OperationalError as error:
                if error.args[0] not in (1205, 1213):
                    raise
            else:
                return

    def beat(self) -> None:
        """How long after its commit on the source a row is there on the target."""
        source, target = (connect(self.order, port) for port in self.order["ports"])
        number = time.time_ns()
        with contextlib.closing(target.cursor()) as cursor:
            while not self.over.wait(_BEAT_S):
                number += 1
                source.query(f"REPLACE INTO {BEAT} VALUES (1, {number})")
                began, seen = time.monotonic(), 0
                while seen < number and not self.over.is_set():
                    cursor.execute(f"SELECT n FROM {BEAT} WHERE id = 1")
                    row = cursor.fetchone()
                    seen = row[0] if row else 0
                    if seen < number:
                        time.sleep(_LOOK_S)
                self.lags.append(time.monotonic() - began)

    def report(self) -> dict[str, Any]:
        took, lags = sorted(self.took), sorted(self.lags)
        self.took, self.lags = [], []
        return {
            "transactions": len(took),
            "p50_ms": share(took, 0.5) * 1000,
            "p99_ms": share(took, 0.99) * 1000,
            "worst_ms": share(took, 1.0) * 1000,
            "lag_p95_s": share(lags, 0.95),
            "lag_worst_s": share(lags, 1.0),
        }


def share(ordered: list[float], part: float) -> float:
    return ordered[max(0, math.ceil(part * len(ordered)) - 1)] if ordered else 0.0


def main() -> int:
    writer = Writer(json.loads(sys.stdin.readline()))
    jobs = [writer.write, writer.beat] if writer.order["beats"] else [writer.write]
    threads = [threading.Thread(target=job, daemon=True) for job in jobs]
    for thread in threads:
        thread.start()
    for line in sys.stdin:
        answer: dict[str, Any] = {}
        if line.strip() == "go":
            writer.going.set()
        elif line.strip() == "pause":
            writer.going.clear()
            writer.idle.wait(30)
        else:
            answer = writer.report()
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()
    writer.over.set()
    for thread in threads:
        thread.join(5)
    return 0


if __name__ == "__main__":
    sys.exit(main())
