"""A small database on a pair of servers that follow each other, and verifications of it."""

from __future__ import annotations

import contextlib
import itertools
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from migration.verify.model import Difference, Outcome, Progress, Request, State
from migration.verify.verification import Verification
from providers.mysql.connection import Connection
from providers.mysql.endpoint import Account
from tests.migration.verify.following import loose, unlogged
from tests.support.pairs import Two
from tests.support.waiting import until

BASE = "shop"
ROWS = 4096
_MADE = (
    f"CREATE DATABASE {BASE} CHARACTER SET utf8mb4",
    f"CREATE TABLE {BASE}.orders (id INT PRIMARY KEY AUTO_INCREMENT, v INT, note VARCHAR(100)) ENGINE=InnoDB",
    f"CREATE TABLE {BASE}.words (w VARCHAR(40) COLLATE utf8mb4_general_ci, n INT, v INT, PRIMARY KEY (w, n)) "
    "ENGINE=InnoDB",
    f"CREATE TABLE {BASE}.loose (v INT) ENGINE=InnoDB",
    f"CREATE TABLE {BASE}.parents (id INT PRIMARY KEY, v INT) ENGINE=InnoDB",
    f"CREATE TABLE {BASE}.children (id INT PRIMARY KEY, p INT, FOREIGN KEY (p) REFERENCES {BASE}.parents (id) "
    "ON DELETE CASCADE) ENGINE=InnoDB",
    f"INSERT INTO {BASE}.orders VALUES (1, 1, REPEAT('n', 90))",
    *[f"INSERT INTO {BASE}.orders SELECT id + {1 << power}, v, note FROM {BASE}.orders" for power in range(12)],
    f"INSERT INTO {BASE}.words SELECT CONCAT('w', id), id, 0 FROM {BASE}.orders WHERE id <= 500",
    f"INSERT INTO {BASE}.parents SELECT id, 0 FROM {BASE}.orders WHERE id <= 100",
    f"INSERT INTO {BASE}.children SELECT id, id FROM {BASE}.parents",
    f"INSERT INTO {BASE}.loose VALUES (1), (1), (2)",
)


@contextlib.contextmanager
def shop(pair: Two) -> Iterator[Two]:
    """The pair with the small database, which is gone afterwards."""
    with loose(pair.source) as session:
        for statement in _MADE:
            session.run(statement)
    pair.caught_up(60)
    yield pair
    pair.source.change(f"DROP DATABASE IF EXISTS {BASE}")
    pair.caught_up(60)
    with unlogged(pair.target) as session:
        session.run(f"DROP DATABASE IF EXISTS {BASE}")


@contextlib.contextmanager
def errant(pair: Two) -> Iterator[Connection]:
    """A session that writes on the target alone, as the target's own log tells."""
    with contextlib.closing(pair.target.connect()) as session:
        if pair.target.version.mariadb:
            # In the source's own domain it would stop replication.
            session.run("SET SESSION gtid_domain_id = 7")
        yield session


@contextlib.contextmanager
def verifying(
    pair: Two, state: Path | None = None, account: Account | None = None, **wanted: object
) -> Iterator[Verification]:
    """A verification of the database; `account`: with which it logs in to the target."""
    target = pair.target.endpoint if account is None else replace(pair.target.endpoint, account=account)
    request = Request((BASE,), **wanted)  # type: ignore[arg-type]
    with contextlib.closing(Verification(pair.source.endpoint, target, request, state=state)) as verification:
        verification.start()
        yield verification


def read_once(verification: Verification) -> Progress:
    """Wait until every row was read."""
    progress = verification.wait(lambda seen: seen.state is State.FOLLOWING, 60)
    assert progress.state is State.FOLLOWING, (progress, verification.failure)
    return progress


def clean(verification: Verification) -> None:
    """Wait until nothing is left to be looked at."""
    read_once(verification)
    verification.wait(lambda seen: not (seen.dirty or seen.redo or seen.differing), 60)


def confirmed(verification: Verification, number: int) -> list[Difference]:
    """Wait until so many differences are confirmed."""
    until(lambda: len(verification.progress().confirmed) >= number, f"{number} confirmed", 60)
    return list(verification.progress().confirmed)


def prove(verification: Verification, pair: Two, seconds: float = 20.0) -> Outcome:
    """Nobody writes any more: let the target catch up, and prove."""
    pair.caught_up(60)
    return verification.prove(time.monotonic() + seconds)


@contextlib.contextmanager
def writing(pair: Two) -> Iterator[None]:
    """Somebody changes rows, and keys, all the time."""

    def write(session: Connection, number: int) -> None:
        number = number % 3000 + 1
        session.run(f"UPDATE {BASE}.orders SET v = v + 1 WHERE id BETWEEN {1000 + number} AND {1020 + number}")
        session.run(f"UPDATE {BASE}.words SET w = CONCAT('x', w) WHERE n = {number % 400 + 1} AND w < 'xxxxx'")

    with _going_on(pair, write):
        yield


@contextlib.contextmanager
def by_statements(pair: Two) -> Iterator[None]:
    """Somebody changes a table all the time of which the log names no rows."""

    def write(session: Connection, number: int) -> None:
        if not number:
            session.run("SET SESSION binlog_format = STATEMENT")
        session.run(f"UPDATE {BASE}.words SET v = v + 1 WHERE n = {number % 400 + 1}")

    with _going_on(pair, write):
        yield


@contextlib.contextmanager
def _going_on(pair: Two, write: Callable[[Connection, int], None]) -> Iterator[None]:
    over = threading.Event()

    def work() -> None:
        with contextlib.closing(pair.source.connect()) as session:
            for number in itertools.count():
                if over.wait(0.002):
                    return
                write(session, number)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
