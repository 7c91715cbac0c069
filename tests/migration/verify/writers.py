"""Writers that do what upsets a verification: keys that change, cascades, TRUNCATE, DDL, tables without keys.

They leave alone the rows whose number is a multiple of 1,000, the table `still` and what is called `planted`, so
that a test may do there what it likes.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator, Sequence
from random import Random
from types import TracebackType
from typing import Self

from providers.mysql.connection import Connection
from providers.mysql.errors import ServerError
from providers.mysql.server import Server

DATABASE = "hostile"
_OPTIONS = "ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci"
_LOOK_S = 0.2
_MOST_BEHIND_S = 5
ACCOUNTS = 20_000
_ROWS = 2_000
# A duplicate key, a deadlock, a lock that is waited for too long, a child or parent that is (not) there, a table that
# another writer dropped or altered, a value that is too long for its column.
_HARMLESS = frozenset({1062, 1205, 1213, 1412, 1451, 1452, 1017, 1051, 1050, 1146, 1054, 1060, 1091, 3024})

SCHEMA: tuple[str, ...] = (
    f"CREATE DATABASE {DATABASE} CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci",
    *(
        f"CREATE TABLE {DATABASE}.{columns}) {_OPTIONS}"
        for columns in (
            "accounts (id BIGINT NOT NULL PRIMARY KEY, balance DECIMAL(12,2), note VARCHAR(100), doc TEXT",
            "still (id INT NOT NULL PRIMARY KEY, v VARCHAR(50)",
            "moved (id INT NOT NULL PRIMARY KEY, v INT",
            "pairs (a INT NOT NULL, b VARCHAR(20) NOT NULL, v INT, PRIMARY KEY (a, b)",
            "words (k VARCHAR(40) NOT NULL PRIMARY KEY, v INT",
            "tails (k VARBINARY(8) NOT NULL, c BINARY(4) NOT NULL, v INT, PRIMARY KEY (k, c)",
            "moments (t DATETIME(3) NOT NULL, d DECIMAL(20,6) NOT NULL, v INT, PRIMARY KEY (t, d)",
            "states (e ENUM('new', 'paid', 'sent', 'done') NOT NULL PRIMARY KEY, v INT",
            "parents (id INT NOT NULL PRIMARY KEY, v INT",
            f"children (id INT NOT NULL PRIMARY KEY, parent INT NOT NULL, v INT, FOREIGN KEY (parent) "
            f"REFERENCES {DATABASE}.parents (id) ON DELETE CASCADE ON UPDATE CASCADE",
            f"grandchildren (id INT NOT NULL PRIMARY KEY, child INT, v INT, FOREIGN KEY (child) "
            f"REFERENCES {DATABASE}.children (id) ON DELETE SET NULL",
            "emptied (id INT NOT NULL AUTO_INCREMENT PRIMARY KEY, v INT",
            "altered (id INT NOT NULL PRIMARY KEY, v INT",
            "keyless (v INT, w VARCHAR(20)",
            "half (u INT, v INT, UNIQUE KEY (u)",
        )
    ),
    f"INSERT INTO {DATABASE}.accounts VALUES (0, 1000, 'planted', REPEAT('d', 300))",
    *(
        f"INSERT IGNORE INTO {DATABASE}.accounts SELECT id + {1 << power}, 1000, CONCAT('n', id), doc "
        f"FROM {DATABASE}.accounts WHERE id + {1 << power} <= {ACCOUNTS}"
        for power in range(15)
    ),
    *(
        f"INSERT INTO {DATABASE}.{table} SELECT id, {value} FROM {DATABASE}.accounts WHERE id <= {_ROWS}"
        for table, value in (
            ("still", "CONCAT('still ', id)"),
            ("moved", "0"),
            ("pairs (a, b)", "CONCAT('b', id)"),
            ("parents", "0"),
            ("altered", "0"),
        )
    ),
    f"INSERT INTO {DATABASE}.words SELECT CONCAT('word', id), 0 FROM {DATABASE}.accounts WHERE id <= {_ROWS}",
    f"INSERT INTO {DATABASE}.states VALUES ('new', 0), ('paid', 0)",
    f"INSERT INTO {DATABASE}.children SELECT id, id, 0 FROM {DATABASE}.parents",
    f"INSERT INTO {DATABASE}.grandchildren SELECT id, id, 0 FROM {DATABASE}.children",
    f"INSERT INTO {DATABASE}.keyless SELECT id % 50, 'kept' FROM {DATABASE}.accounts WHERE id < 200",
    f"INSERT INTO {DATABASE}.half SELECT NULL, id % 20 FROM {DATABASE}.accounts WHERE id < 100",
)

Job = Callable[[Connection, Random], None]


def _number(rng: Random, most: int = _ROWS) -> int:
    """A row's number that is no multiple of 1,000."""
    return rng.randrange(most // 1000) * 1000 + rng.randrange(1, 1000)


def pay(session: Connection, rng: Random) -> None:
    """Move money between two accounts, at times with images of the changed columns only, at times rolled back."""
    image = rng.choice(("FULL", "FULL", "MINIMAL", "NOBLOB"))
    amount = rng.randrange(1, 50)
    end = "ROLLBACK" if rng.random() < 0.1 else "COMMIT"
    one, other = _number(rng, ACCOUNTS), _number(rng, ACCOUNTS)
    session.results(
        (
            f"SET SESSION binlog_row_image = '{image}'",
            "BEGIN",
            f"UPDATE {DATABASE}.accounts SET balance = balance - {amount} WHERE id = {one}",
            f"UPDATE {DATABASE}.accounts SET balance = balance + {amount}, note = 'got {amount}' WHERE id = {other}",
            end,
        )
    )


def sweep(session: Connection, rng: Random) -> None:
    """Change many rows in one transaction, or take some away and put them back."""
    first = _number(rng, ACCOUNTS - 1000)
    within = f"id BETWEEN {first} AND {first + rng.randrange(300)} AND id % 1000 <> 0"
    if rng.random() < 0.5:
        session.run(f"UPDATE {DATABASE}.accounts SET balance = balance + 1 WHERE {within}")
        return
    gone = _number(rng, ACCOUNTS)
    session.results(
        (
            "BEGIN",
            f"DELETE FROM {DATABASE}.accounts WHERE id = {gone}",
            f"INSERT INTO {DATABASE}.accounts VALUES ({gone}, 1000, 'again', NULL)",
            "COMMIT",
        )
    )


def as_statement(session: Connection, rng: Random) -> None:
    """A change that is logged as a statement."""
    row = _number(rng, ACCOUNTS)
    session.run("SET SESSION binlog_format = 'STATEMENT'")
    try:
        session.run(f"UPDATE {DATABASE}.accounts SET note = 'by statement' WHERE id = {row}")
    finally:
        session.run("SET SESSION binlog_format = 'ROW'")


def move_keys(session: Connection, rng: Random) -> None:
    """Change keys: of one column, of two, to one that is equal to the collation, with zeroes at its end."""
    number = _number(rng)
    statements = (
        f"UPDATE {DATABASE}.moved SET id = id + 100000 WHERE id = {number}",
        f"UPDATE {DATABASE}.moved SET id = id - 100000, v = v + 1 WHERE id = {number + 100000}",
        f"UPDATE {DATABASE}.pairs SET b = CONCAT('c', {rng.randrange(9)}) WHERE a = {number}",
        f"UPDATE {DATABASE}.pairs SET a = -a WHERE a = {number}",
        f"UPDATE {DATABASE}.words SET k = UPPER(k) WHERE k = 'word{number}'",
        f"UPDATE {DATABASE}.words SET k = LOWER(k), v = v + 1 WHERE k = 'word{number}'",
        f"REPLACE INTO {DATABASE}.tails VALUES (RPAD('k', {rng.randrange(1, 8)}, CHAR(0)), 0x6100, {number})",
        f"UPDATE {DATABASE}.tails SET k = CONCAT(k, CHAR(0)), c = 0x610062 WHERE LENGTH(k) < 7 LIMIT 2",
        f"REPLACE INTO {DATABASE}.moments VALUES ('2024-01-01 00:00:{number % 60}.5', -{number % 7}.5, {number})",
        f"UPDATE {DATABASE}.moments SET t = t + INTERVAL 1 HOUR, v = v + 1 WHERE v = {number}",
        f"REPLACE INTO {DATABASE}.states VALUES ('{rng.choice(('sent', 'done'))}', {number})",
        f"DELETE FROM {DATABASE}.states WHERE e = '{rng.choice(('sent', 'done'))}'",
    )
    session.run(rng.choice(statements))


def cascade(session: Connection, rng: Random) -> None:
    """Delete and renumber parents, whose children and grandchildren follow."""
    number = _number(rng)
    choice = rng.randrange(3)
    if choice == 0:
        session.run(f"DELETE FROM {DATABASE}.parents WHERE id = {number}")
    elif choice == 1:
        session.run(f"UPDATE {DATABASE}.parents SET id = id + 100000 WHERE id = {number}")
    else:
        session.results(
            (
                "BEGIN",
                f"INSERT IGNORE INTO {DATABASE}.parents VALUES ({number}, 1)",
                # Not REPLACE: MySQL 9.7 and its replica disagree on what that does to children.
                f"INSERT INTO {DATABASE}.children VALUES ({number}, {number}, 1) ON DUPLICATE KEY UPDATE v = v + 1",
                f"REPLACE INTO {DATABASE}.grandchildren VALUES ({number}, {number}, 1)",
                "COMMIT",
            )
        )


def empty(session: Connection, rng: Random) -> None:
    """Fill a table and empty it at once."""
    if rng.random() < 0.05:
        session.run(f"TRUNCATE TABLE {DATABASE}.emptied")
    session.run(f"INSERT INTO {DATABASE}.emptied (v) VALUES {', '.join(['(1)'] * rng.randrange(1, 20))}")


def alter(session: Connection, rng: Random) -> None:
    """Change a table's columns while its rows change."""
    if rng.random() < 0.1:
        change = "ADD COLUMN w INT DEFAULT 7" if rng.random() < 0.5 else "DROP COLUMN w"
        session.run(f"ALTER TABLE {DATABASE}.altered {change}")
    session.run(f"UPDATE {DATABASE}.altered SET v = v + 1 WHERE id = {_number(rng)}")


def make(session: Connection, rng: Random) -> None:
    """Create, rename and drop tables."""
    name = f"{DATABASE}.made_{rng.randrange(4)}"
    choice = rng.randrange(6)
    if choice == 0:
        session.run(f"CREATE TABLE {name} (id INT NOT NULL AUTO_INCREMENT PRIMARY KEY, v INT) {_OPTIONS}")
    elif choice == 1:
        session.run(f"RENAME TABLE {name} TO {DATABASE}.made_{rng.randrange(4)}")
    elif choice == 2:
        session.run(f"DROP TABLE {name}")
    else:
        session.run(f"INSERT INTO {name} (v) VALUES ({rng.randrange(100)})")


def without_keys(session: Connection, rng: Random) -> None:
    """Change rows that no key tells apart."""
    value = rng.randrange(50)
    statements = (
        f"INSERT INTO {DATABASE}.keyless VALUES ({value}, 'new'), ({value}, 'new')",
        f"DELETE FROM {DATABASE}.keyless WHERE v = {value} AND w = 'new' LIMIT 1",
        f"UPDATE {DATABASE}.keyless SET v = {value} WHERE w = 'kept' ORDER BY v LIMIT 1",
        f"INSERT INTO {DATABASE}.half VALUES (NULL, {value})",
        f"DELETE FROM {DATABASE}.half WHERE u IS NULL AND v = {value} LIMIT 1",
    )
    session.run(rng.choice(statements))


JOBS: tuple[Job, ...] = (pay, sweep, as_statement, move_keys, cascade, empty, alter, make, without_keys)


class Writers:
    """Threads that do the jobs in turn, one job each, until they are told to stop. A context manager.

    They wait while the replica is more than `_MOST_BEHIND_S` behind: one that never catches up proves nothing.
    """

    def __init__(
        self, server: Server, replica: Server, seed: int, jobs: Sequence[Job] = JOBS, pause_s: float = 0.02
    ) -> None:
        self._server = server
        self._replica = replica
        self._free = threading.Event()
        self._free.set()
        self._pause_s = pause_s
        self._over = threading.Event()
        self.rounds = [0] * len(jobs)
        self.errors: list[str] = []
        self._threads = [
            threading.Thread(target=self._work, args=(number, job, Random(seed * 1000 + number)), daemon=True)
            for number, job in enumerate(jobs)
        ]
        self._threads.append(threading.Thread(target=self._brake, daemon=True))

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """End all writing; what is under way is finished first."""
        self._over.set()
        self._free.set()
        for thread in self._threads:
            thread.join(60)
            assert not thread.is_alive()

    def busy(self, rounds: int) -> bool:
        """Whether each has done its job this often; raises where one cannot."""
        assert self.errors == []
        return min(self.rounds) >= rounds

    def _work(self, number: int, job: Job, rng: Random) -> None:
        with contextlib.closing(self._server.connect()) as session:
            while not self._over.is_set() and not self.errors:
                with self._forgiven(session, job):
                    job(session, rng)
                self.rounds[number] += 1
                self._over.wait(self._pause_s)
                self._free.wait()

    def _brake(self) -> None:
        while not self._over.wait(_LOOK_S):
            status = self._replica.replica_status()
            behind = None if status is None else status.seconds_behind
            if behind is not None and behind > _MOST_BEHIND_S:
                self._free.clear()
            else:
                self._free.set()
        self._free.set()

    @contextlib.contextmanager
    def _forgiven(self, session: Connection, job: Job) -> Iterator[None]:
        try:
            yield
        except ServerError as error:
            if error.code not in _HARMLESS:
                self.errors.append(f"{job.__name__}: {error}")
            else:
                session.run("ROLLBACK")
