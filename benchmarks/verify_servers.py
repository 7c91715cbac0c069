"""The pair of servers that `verify.py` measures on: its tables, its load of rows, and what its processes cost."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import psutil  # type: ignore[import-untyped]

from providers.mysql.gtid import GtidSet
from providers.mysql.server import Server
from tests.support.pairs import Two, two
from tests.support.waiting import until

ANSWER_S = 600.0
TINY = 1000
_FEW_PAGES = 50
_OPTIONS = "ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci"
# Everything fits into memory, as in the reference: what is measured is the reading and not the disk.
_MEMORY = {"innodb_buffer_pool_size": "1G", "max_connections": "200", "table_open_cache": "2500",
           "table_definition_cache": "2500", "innodb_io_capacity": "20000",
           "innodb_io_capacity_max": "40000"}  # fmt: skip
_LOG = {"mysql-9.7": {"innodb_redo_log_capacity": "1G"}}
_OLDER_LOG = {"innodb_log_file_size": "256M"}

_DIGITS = "LPAD(CRC32(id), 10, '0')"
_NUMBERS = {
    "INT": ("id * 7", 6),
    "BIGINT": ("id * 1000003", 5),
    "DOUBLE": ("id / 7", 4),
    "DECIMAL(14,4)": ("id / 3", 4),
    "DATETIME": ("'2020-01-01' + INTERVAL id % 100000 SECOND", 3),
    "DATE": ("'2020-01-01' + INTERVAL id % 1000 DAY", 2),
}


@dataclass(frozen=True)
class Data:
    """A table: its columns behind `id`, and the SQL of their values.

    `share`: of the rows that are asked for. `charset`: empty for the one that the engine comes with.
    """

    database: str
    table: str
    columns: str
    values: str
    share: float
    charset: str = ""

    @property
    def name(self) -> str:
        return f"{self.database}.{self.table}"


def _numbers() -> Data:
    kinds = [(kind, value) for kind, (value, count) in _NUMBERS.items() for _ in range(count)]
    columns = ", ".join(f"c{number} {kind} NOT NULL" for number, (kind, _) in enumerate(kinds))
    return Data("bench_num", "num", columns, ", ".join(value for _, value in kinds), 0.15)


# As sysbench makes it, in the server's own character set, and so the reference's.
SBTEST = Data(
    "bench",
    "sbtest1",
    "k INT NOT NULL DEFAULT 0, c CHAR(120) NOT NULL DEFAULT '', pad CHAR(60) NOT NULL DEFAULT '', KEY k_1 (k)",
    f"id % 1000000, CONCAT_WS('-', {', '.join([_DIGITS] * 10)}), CONCAT_WS('-', {', '.join([_DIGITS] * 5)})",
    1.0,
)
# CHAR in utf8mb4 lies in memory with four bytes a character, filled up with spaces: the servers take longer by any way.
PADDED = replace(SBTEST, database="bench_padded", table="padded", share=0.25, charset="utf8mb4")
NUM = _numbers()
BEAT = "bench_beat.beat"


@contextlib.contextmanager
def pair_of(engine: str, directory: Path) -> Iterator[Two]:
    """Two servers of an engine, one following the other."""
    options = {**_MEMORY, **_LOG.get(engine, _OLDER_LOG)}
    with two(engine, engine, directory, GtidSet, options) as pair:
        pair.attach()
        yield pair


def load(pair: Two, data: Data, rows: int) -> None:
    """Put the same rows on both servers, past replication."""
    both(pair, lambda server: _fill(server, data, max(1000, round(rows * data.share))))
    both(pair, _written)


def _charset(server: Server, data: Data) -> str:
    """What the server comes with (MySQL manual, "Server Character Set"); the sandbox sets another."""
    return data.charset or ("utf8mb4" if server.version.mysql_from(8, 0) else "latin1")


def load_tiny(pair: Two, database: str = "bench_tiny") -> None:
    """Put a thousand tables of ten rows on both servers."""

    def fill(server: Server) -> None:
        with unlogged(server) as run:
            run(f"CREATE DATABASE {database}")
            for number in range(TINY):
                run(f"CREATE TABLE {database}.t{number} (id INT NOT NULL PRIMARY KEY, v VARCHAR(50)) {_OPTIONS}")
                run(f"INSERT INTO {database}.t{number} VALUES {', '.join(f'({n}, {n})' for n in range(10))}")

    both(pair, fill)


def both(pair: Two, work: Callable[[Server], None]) -> None:
    """Do something on both servers at the same time."""
    with ThreadPoolExecutor(2) as pool:
        for done in [pool.submit(work, server) for server in (pair.source, pair.target)]:
            done.result()


@contextlib.contextmanager
def unlogged(server: Server) -> Iterator[Callable[[str], None]]:
    with contextlib.closing(server.connect()) as session:
        session.allow_answer_s(ANSWER_S)
        session.run("SET SESSION sql_log_bin = 0, unique_checks = 0")
        yield session.run


def _fill(server: Server, data: Data, rows: int) -> None:
    with unlogged(server) as run:
        run(f"CREATE DATABASE IF NOT EXISTS {data.database}")
        run(f"CREATE DATABASE IF NOT EXISTS {BEAT.partition('.')[0]}")
        run(f"CREATE TABLE IF NOT EXISTS {BEAT} (id INT NOT NULL PRIMARY KEY, n BIGINT NOT NULL) {_OPTIONS}")
        run(f"CREATE TABLE {data.database}.ids (id INT NOT NULL PRIMARY KEY) {_OPTIONS}")
        run(f"INSERT INTO {data.database}.ids VALUES (1)")
        have = 1
        while have < min(rows, 100_000):
            run(f"INSERT INTO {data.database}.ids SELECT id + {have} FROM {data.database}.ids")
            have *= 2
        run(
            f"CREATE TABLE {data.name} (id INT NOT NULL AUTO_INCREMENT PRIMARY KEY, {data.columns}) "
            f"ENGINE=InnoDB DEFAULT CHARSET={_charset(server, data)}"
        )
        for first in range(0, rows, have):
            source = f"(SELECT id + {first} AS id FROM {data.database}.ids WHERE id + {first} <= {rows}) AS x"
            run(f"INSERT INTO {data.name} SELECT id, {data.values} FROM {source}")
        run(f"DROP TABLE {data.database}.ids")
        run(f"ANALYZE TABLE {data.name}")


def _written(server: Server) -> None:
    """Wait until what was loaded is written out: a server that still does so would be measured with it."""
    with contextlib.closing(server.connect()) as session:
        usual = session.rows("SELECT @@global.innodb_max_dirty_pages_pct")[0][0]
        session.run("SET GLOBAL innodb_max_dirty_pages_pct = 0")
        asked = "SHOW GLOBAL STATUS LIKE 'Innodb_buffer_pool_pages_dirty'"
        until(lambda: int(str(session.rows(asked)[0][1])) < _FEW_PAGES, "the pages written out", ANSWER_S, every=0.1)
        session.run(f"SET GLOBAL innodb_max_dirty_pages_pct = {usual}")


def names_of(data: Data) -> list[str]:
    """The table's columns."""
    parts = [part.split()[0] for part in data.columns.split(", ") if not part.startswith("KEY")]
    return ["id", *(part for part in parts if part[0].isalpha())]


class Meter:
    """The CPU seconds that the two servers have used."""

    def __init__(self, pair: Two) -> None:
        self._pids = [server.pid for server in pair.sandbox]

    def read(self) -> tuple[float, float]:
        """Of the source and the target, with everything below their processes."""
        source, target = (_cpu(pid) for pid in self._pids)
        return source, target


def _cpu(pid: int | None) -> float:
    if pid is None:
        return 0.0
    process = psutil.Process(pid)
    found: Sequence[psutil.Process] = [process, *process.children(recursive=True)]
    return float(sum(times.user + times.system for times in (one.cpu_times() for one in found)))
