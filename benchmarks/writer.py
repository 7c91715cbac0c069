"""A client that writes one row each millisecond, in a process of its own: `python benchmarks/writer.py < ORDER`.

The order is one line of JSON: `ports` [source, target], `user`, `password`, `every_s`, `first`, `follow`. A client
that follows writes to the server that takes writes; one that does not keeps trying both. Every acknowledged write is
remembered with its number, server and time; `report` on standard input prints them all as JSON and ends the program.
"""

from __future__ import annotations

import json
import select
import sys
import threading
import time
from typing import Any

import pymysql

TABLE = "shop.bench_writes"
REFUSED_S = 0.0002
_LOST = (0, 2006, 2013, 2014, 2055)


class Client:
    """One session on one server, opened again where it broke."""

    def __init__(self, order: dict[str, Any], port: int) -> None:
        self._order = order
        self._port = port
        self._session = self._connect()

    def write(self, number: int) -> bool:
        """Write one row; whether it was acknowledged."""
        try:
            with self._session.cursor() as cursor:
                cursor.execute(f"INSERT INTO {TABLE} VALUES ({number})")
        except pymysql.err.MySQLError as error:
            if error.args[0] in _LOST:
                self._session = self._connect()
            return False
        return True

    def _connect(self) -> Any:
        while True:
            try:
                return pymysql.connect(
                    host="127.0.0.1", port=self._port, user=self._order["user"], password=self._order["password"],
                    autocommit=True, charset="utf8mb4", collation="utf8mb4_general_ci", read_timeout=60,
                )  # fmt: skip
            except pymysql.err.MySQLError:
                time.sleep(0.05)


def follow(order: dict[str, Any], acks: list[tuple[int, int, float]], over: threading.Event) -> None:
    """Write to whichever server takes writes."""
    clients = [Client(order, port) for port in order["ports"]]
    where, number, due = 0, order["first"], time.monotonic()
    while not over.is_set():
        if clients[where].write(number):
            acks.append((number, where, time.monotonic()))
            number += 1
            due = max(due + order["every_s"], time.monotonic() - order["every_s"])
            time.sleep(max(0.0, due - time.monotonic()))
        else:
            where = 1 - where
            # A client that is refused does not burn the processor that the servers need.
            time.sleep(REFUSED_S)


def pin(order: dict[str, Any], where: int, acks: list[tuple[int, int, float]], over: threading.Event) -> None:
    """Try to write to one server, whether it takes writes or not."""
    client, number = Client(order, order["ports"][where]), order["first"] + where
    while not over.is_set():
        if client.write(number):
            acks.append((number, where, time.monotonic()))
            number += 2
        time.sleep(order["every_s"])


def main() -> int:
    order = json.loads(sys.stdin.readline())
    acks: list[tuple[int, int, float]] = []
    over = threading.Event()
    jobs = [threading.Thread(target=follow, args=(order, acks, over), daemon=True)]
    if not order["follow"]:
        jobs = [threading.Thread(target=pin, args=(order, where, acks, over), daemon=True) for where in (0, 1)]
    for job in jobs:
        job.start()
    while not acks:
        time.sleep(0.01)
    sys.stdout.write("writing\n")
    sys.stdout.flush()
    select.select([sys.stdin], [], [])
    over.set()
    for job in jobs:
        job.join()
    json.dump(acks, sys.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(main())
