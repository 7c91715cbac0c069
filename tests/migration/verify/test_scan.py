"""All rows read once on two real servers: every damage is found, equal rows are not told, nothing is left out."""

from __future__ import annotations

import contextlib
import threading
import tracemalloc
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

import pytest

from migration.verify.chunks import Done, Range, Span, Stretch, Whole, from_json, to_json
from migration.verify.hashing import hash_of
from migration.verify.lookups import NotFoundByKey
from migration.verify.model import Difference, Mode, Table
from migration.verify.reading import Chunk
from migration.verify.scan import Scan
from migration.verify.shapes import Shape, Way
from providers.mysql.errors import ServerError
from providers.mysql.literals import quote_name
from tests.migration.verify.damages import DATABASE, OPTIONS
from tests.migration.verify.following import amiss
from tests.migration.verify.oddities import DATABASES, fitting
from tests.migration.verify.pairs import Pair
from tests.migration.verify.scanning import Told, changed, extra, missing, ordered, scanned, shape_of, shapes_of
from tests.support.waiting import until

pytestmark = pytest.mark.long

# Doubles the rows of a table whose number stands in `id`; {step} is how many there are.
DOUBLED = "INSERT INTO s.t (id, v) SELECT id + {step}, v FROM s.t"


def equal(pair: Pair, shapes: Iterable[Shape]) -> set[Table]:
    """The tables whose checksums are equal, computed over the whole of them."""
    with pair.readers() as readers:
        hashes = {shape.table: hash_of(shape, *pair.versions) for shape in shapes}
        answers = ((table, readers.both(by.over(0, ""), by.over(1, ""))) for table, by in hashes.items())
        return {table for table, (a, b) in answers if a.same_as(b)}


def test_equal_rows_are_not_told_and_every_damage_is_found_with_its_key_and_columns(fresh: Pair) -> None:
    # MySQL takes 1 and 1.0 in JSON for equal, and leaves the row as it is.
    damages = [damage for damage in fitting(*fresh.versions) if damage.name != "number in JSON"]
    fresh.on_both(*(f"CREATE DATABASE {quote_name(database)}" for database in DATABASES))
    fresh.on_both(*(statement for damage in damages for statement in damage.statements(damage.make)))
    found = shapes_of(fresh)
    shapes, tables = found.tables, {shape.table for shape in found.tables}
    assert not found.differences
    assert {doubt.table for doubt in found.doubts if doubt.unproved} == set()
    for mode in Mode:
        before = scanned(fresh, shapes, mode=mode)
        assert before.troubles == {}
        assert before.differences() == {}
        assert set(before.tables) == tables
    # Where a row is too long for a checksum it is a random one.
    assert tables - equal(fresh, shapes) <= {(DATABASE, "row of several packets")}
    for damage in damages:
        fresh.on_target(*damage.statements(damage.harm))
    expected = [one for damage in damages for one in damage.expected()]
    for mode in Mode:
        after = scanned(fresh, shapes, mode=mode).differences()
        assert amiss([one for told in after.values() for one in told], expected) == []
    # Sums of rows without a key are another matter: an even number of equal rows leaves an XOR as it was.
    harmed, keyed = {damage.table for damage in damages}, [shape for shape in shapes if shape.keys]
    assert equal(fresh, keyed) & harmed == set()


def filled(pair: Pair, columns: str, first: str, doublings: int, doubled: str = DOUBLED) -> Shape:
    """A table `s`.`t` with a power of two of rows on both servers."""
    pair.on_both("CREATE DATABASE IF NOT EXISTS s", f"CREATE TABLE s.t ({columns}) {OPTIONS}", first)
    pair.on_both(*(doubled.replace("{step}", str(1 << power)) for power in range(doublings)))
    pair.on_both("ANALYZE TABLE s.t")
    return shape_of(pair, ("s", "t"))


TABLE = ("s", "t")
WIDE = "INSERT INTO s.t VALUES (1, REPEAT('v', 400))"


def tiles(ranges: Sequence[Range], bounds: tuple[int, int]) -> bool:
    """Whether spans cover all of an integer's range, each key once."""
    spans = sorted((part for part in ranges if isinstance(part, Span)), key=lambda span: span.low)
    ends = [bounds[0] - 1, *(span.high for span in spans)]
    return [span.low for span in spans] == [end + 1 for end in ends[:-1]] and ends[-1] == bounds[1]


def chains(ranges: Sequence[Range]) -> bool:
    """Whether stretches lead from the first key to the last."""
    links = {part.after: part.upto for part in ranges if isinstance(part, Stretch)}
    return len(links) == len(ranges) and Done(ranges).stretched() == (None, True)


@pytest.mark.parametrize("connections", [1, 3])
@pytest.mark.parametrize("kind", ["INT", "BIGINT UNSIGNED"])
def test_an_integer_key_is_covered_once_by_all_workers_together(fresh: Pair, connections: int, kind: str) -> None:
    shape = filled(fresh, f"id {kind} NOT NULL PRIMARY KEY, v VARCHAR(500)", WIDE, 14)
    assert shape.way is Way.INTEGER
    told = scanned(fresh, [shape], connections=connections)
    assert told.tables == [TABLE]
    assert told.rows(TABLE) == 1 << 14
    assert len(told.chunks) > 4
    assert tiles(told.ranges(TABLE), shape.bounds)
    ends = sorted(span.high for span in told.ranges(TABLE) if isinstance(span, Span))
    places = [1, ends[0], ends[0] + 1, ends[1] - 1, 1 << 14]
    fresh.on_target(
        f"UPDATE s.t SET v = 'w' WHERE id IN ({', '.join(map(str, places))})", "DELETE FROM s.t WHERE id = 77"
    )
    fresh.on_target("INSERT INTO s.t VALUES (2000000000, 'x'), (0, 'y')")
    expected = [*(changed(TABLE, "v", id=place) for place in places), missing(TABLE, id=77)]
    expected += [extra(TABLE, id=2000000000), extra(TABLE, id=0)]
    assert scanned(fresh, [shape], connections=connections).of(TABLE) == ordered(expected)


def test_keys_that_lie_far_apart_are_read_in_few_chunks(fresh_alike: Pair) -> None:
    pair = fresh_alike
    shape = filled(pair, "id BIGINT NOT NULL PRIMARY KEY, v VARCHAR(500)", WIDE, 13)
    pair.on_both("UPDATE s.t SET id = id + 4611686018427387904 WHERE id > 4096 ORDER BY id DESC")
    pair.on_both("INSERT INTO s.t VALUES (-9223372036854775808, 'low'), (9223372036854775807, 'high')")
    told = scanned(pair, [shape])
    assert told.rows(TABLE) == (1 << 13) + 2
    assert tiles(told.ranges(TABLE), shape.bounds)
    assert len(told.chunks) < 200
    pair.on_target("UPDATE s.t SET v = 'w' WHERE id IN (9223372036854775807, 4096)")
    expected = [changed(TABLE, "v", id=place) for place in (9223372036854775807, 4096)]
    assert scanned(pair, [shape]).of(TABLE) == ordered(expected)


KEYSETS = {
    "two columns": ("a INT NOT NULL, id INT NOT NULL, v VARCHAR(500), PRIMARY KEY (a, id)", "id % 7"),
    "text": ("a VARCHAR(40) NOT NULL, id INT NOT NULL, v VARCHAR(500), PRIMARY KEY (a, id)", "HEX(CRC32(id))"),
    "latin1": (
        "a VARCHAR(40) CHARACTER SET latin1 COLLATE latin1_german2_ci NOT NULL, id INT NOT NULL, v VARCHAR(500), "
        "PRIMARY KEY (a, id)",
        "CONCAT(ELT(id % 4 + 1, 'ä', 'ß', 'é', 'z'), id % 100)",
    ),
    "decimal": ("a DECIMAL(40,10) NOT NULL, id INT NOT NULL, v VARCHAR(500), PRIMARY KEY (a, id)", "id * 0.25"),
    "double": ("a DOUBLE NOT NULL, id INT NOT NULL, v VARCHAR(500), PRIMARY KEY (a, id)", "id / 3e0"),
    "float": ("a FLOAT NOT NULL, id INT NOT NULL, v VARCHAR(500), PRIMARY KEY (a, id)", "id / 3e0"),
    "time": (
        "a DATETIME(6) NOT NULL, id INT NOT NULL, v VARCHAR(500), PRIMARY KEY (a, id)",
        "TIMESTAMPADD(MICROSECOND, id * 777777, '2024-01-01')",
    ),
    "enum": (
        "a INT NOT NULL, b ENUM('z', 'y', 'x', '') NOT NULL, id INT NOT NULL, v VARCHAR(500), PRIMARY KEY (a, b, id)",
        "id % 300, id % 5",
    ),
    "set": (
        "a INT NOT NULL, b SET('z', 'y', 'x') NOT NULL, id INT NOT NULL, v VARCHAR(500), PRIMARY KEY (a, b, id)",
        "id % 300, id % 8",
    ),
    "bit": ("a BIT(33) NOT NULL, id INT NOT NULL, v VARCHAR(500), PRIMARY KEY (a, id)", "id * 300000"),
    "binary": (
        "a BINARY(16) NOT NULL, id INT NOT NULL, v VARCHAR(500), PRIMARY KEY (a, id)",
        "UNHEX(LPAD(HEX(CRC32(id)), 32, '0'))",
    ),
    "year": ("a YEAR NOT NULL, id INT NOT NULL, v VARCHAR(500), PRIMARY KEY (a, id)", "1950 + id % 50"),
    "mediumint": ("a MEDIUMINT NOT NULL, id INT NOT NULL, v VARCHAR(500), PRIMARY KEY (a, id)", "id % 20 - 10"),
}


def numbers(upto: int) -> list[str]:
    """Statements that make `s`.`n` a table of the numbers from 1 on."""
    return [
        "CREATE DATABASE IF NOT EXISTS s",
        "CREATE TABLE s.n (id INT NOT NULL PRIMARY KEY)",
        "INSERT INTO s.n VALUES (1)",
        *(f"INSERT INTO s.n SELECT id + {1 << power} FROM s.n" for power in range(upto)),
    ]


def handler_reads(pair: Pair, side: int) -> int:
    session = pair.make[side]
    return sum(int(row[1]) for row in session.rows("SHOW GLOBAL STATUS LIKE 'Handler\\_read\\_%'"))


@pytest.mark.parametrize("name", list(KEYSETS))
def test_any_other_key_is_covered_once_and_only_its_range_is_read(pair: Pair, name: str) -> None:
    pair.empty()
    columns, value = KEYSETS[name]
    pair.on_both(*numbers(13), f"CREATE TABLE s.t ({columns}) {OPTIONS}")
    pair.on_both(f"INSERT INTO s.t SELECT {value}, id, REPEAT('v', 300 + id % 5) FROM s.n", "ANALYZE TABLE s.t")
    shape = shape_of(pair, TABLE)
    assert shape.way is Way.KEYSET
    before = [handler_reads(pair, side) for side in (0, 1)]
    told = scanned(pair, [shape], connections=1)
    assert told.differences() == {}
    assert told.rows(TABLE) == 1 << 13
    assert len(told.chunks) > 2
    assert chains(told.ranges(TABLE))
    # Each bound costs a few reads; a whole index costs thousands. MySQL 5.6 counts a session that ends twice meanwhile.
    most = 1.2 * (1 << 13) + 1000
    until(lambda: all(handler_reads(pair, side) - before[side] < most for side in (0, 1)), "only ranges were read")
    pair.on_target(
        "UPDATE s.t SET v = 'w' WHERE id IN (1, 4096, 8192)",
        "DELETE FROM s.t WHERE id = 2000",
        f"INSERT INTO s.t SELECT {value}, 9000, 'x' FROM s.n WHERE id = 5000",
    )
    found = scanned(pair, [shape], connections=1).of(TABLE)
    numbered = sorted((one.kind.value, int(dict(one.key)["id"]), one.columns) for one in found)
    assert numbered == sorted(
        [("changed", number, ("v",)) for number in (1, 4096, 8192)]
        + [("missing on the target", 2000, ()), ("only on the target", 9000, ())]
    )


def test_rows_that_only_the_target_has_in_great_number_are_all_told(fresh_alike: Pair) -> None:
    pair = fresh_alike
    pair.on_both(*numbers(12), f"CREATE TABLE s.t (a VARCHAR(40) NOT NULL PRIMARY KEY, v VARCHAR(500)) {OPTIONS}")
    pair.on_both("INSERT INTO s.t VALUES ('a', 'v'), ('z', 'v')")
    pair.on_target("INSERT INTO s.t SELECT CONCAT('k', id), REPEAT('v', 400) FROM s.n", "DELETE FROM s.t WHERE a = 'z'")
    told = scanned(pair, [shape_of(pair, TABLE)])
    assert len(told.of(TABLE)) == (1 << 12) + 1
    assert missing(TABLE, a="z") in told.of(TABLE)
    assert told.ranges(TABLE) in ([Whole()], [Stretch()])


def test_a_table_that_only_the_target_fills_is_told_by_integer_key_too(fresh_alike: Pair) -> None:
    pair = fresh_alike
    pair.on_both(*numbers(14), f"CREATE TABLE s.t (id INT NOT NULL PRIMARY KEY, v VARCHAR(500)) {OPTIONS}")
    pair.on_target("INSERT INTO s.t SELECT id * 3, REPEAT('v', 400) FROM s.n")
    assert len(scanned(pair, [shape_of(pair, TABLE)]).of(TABLE)) == 1 << 14


@pytest.mark.parametrize("key", ["id INT NOT NULL PRIMARY KEY", "id VARCHAR(20) NOT NULL PRIMARY KEY"])
def test_long_rows_are_read_one_by_one_and_never_many_at_once(fresh_alike: Pair, key: str) -> None:
    pair = fresh_alike
    pair.on_both(*numbers(9), f"CREATE TABLE s.t ({key}, v LONGTEXT) {OPTIONS}")
    pair.on_both("INSERT INTO s.t SELECT id, REPEAT('v', 100) FROM s.n", "ANALYZE TABLE s.t")
    shape = shape_of(pair, TABLE)
    pair.on_both("UPDATE s.t SET v = REPEAT('v', 9000000) WHERE id >= 200 AND id < 208")
    pair.on_target("UPDATE s.t SET v = CONCAT(v, 'x') WHERE id IN (100, 204, 300)")
    tracemalloc.start()
    try:
        told = scanned(pair, [shape])
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert told.of(TABLE) == ordered([changed(TABLE, "v", id=number) for number in (100, 204, 300)])
    assert told.rows(TABLE) == 512
    assert peak < 100 << 20


@pytest.mark.parametrize("key", ["id INT NOT NULL PRIMARY KEY", "id VARCHAR(20) NOT NULL PRIMARY KEY"])
@pytest.mark.parametrize("mode", list(Mode))
def test_a_scan_goes_on_where_another_one_stopped(fresh_alike: Pair, key: str, mode: Mode) -> None:
    pair = fresh_alike
    columns = f"{key}, v VARCHAR(4000)"
    shape = filled(pair, columns, "INSERT INTO s.t VALUES (1, REPEAT('v', 4000))", 13)
    for after in range(1, 4):
        first = Told()
        scan = Scan(
            pair.source,
            pair.target,
            [shape],
            first.watcher(lambda told=first, n=after: len(told.chunks) < n),
            mode=mode,
        )
        scan.start()
        assert scan.wait(60)
        assert not scan.complete
        assert scan.error is None
        ranges = [from_json(to_json(part)) for part in first.ranges(TABLE)]
        assert ranges == first.ranges(TABLE)
        second = scanned(pair, [shape], done={TABLE: Done(ranges)}, mode=mode)
        assert first.rows(TABLE) + second.rows(TABLE) == 1 << 13
        whole = [*ranges, *second.ranges(TABLE)]
        assert tiles(whole, shape.bounds) if shape.way is Way.INTEGER else chains(whole)
    assert scanned(pair, [shape], done={TABLE: Done(whole)}).rows(TABLE) == 0


@pytest.mark.parametrize("key", ["id INT NOT NULL PRIMARY KEY", "id VARCHAR(20) NOT NULL PRIMARY KEY"])
def test_connections_that_are_killed_are_opened_again(fresh_alike: Pair, key: str) -> None:
    pair = fresh_alike
    shape = filled(pair, f"{key}, v VARCHAR(4000)", "INSERT INTO s.t VALUES (1, REPEAT('v', 4000))", 13)
    chunks = 0
    lock = threading.Lock()

    def kill(chunk: Chunk) -> None:
        nonlocal chunks
        with lock:
            chunks += 1
            if chunks % 4:
                return
        for session in pair.make:
            for (number,) in others(session.rows("SHOW PROCESSLIST"), session.thread_id):
                session.run(f"KILL {number}")

    told = scanned(pair, [shape], on_chunk=kill, connections=1)
    assert chunks > 8
    assert told.rows(TABLE) == 1 << 13
    assert told.differences() == {}
    whole = told.ranges(TABLE)
    assert tiles(whole, shape.bounds) if shape.way is Way.INTEGER else chains(whole)


def others(processes: Iterable[Sequence[object]], own: int) -> Iterator[tuple[object]]:
    """Sessions that read: those without a database whose account is not the server's own."""
    for number, user, *_ in processes:
        if number != own and user not in ("system user", "event_scheduler"):
            yield (number,)


def test_a_server_that_does_not_come_back_ends_the_scan_with_its_error(fresh_alike: Pair) -> None:
    pair = fresh_alike
    shape = filled(pair, "id INT NOT NULL PRIMARY KEY, v VARCHAR(500)", WIDE, 10)
    told = Told()
    nobody = replace(pair.target, port=1)
    scan = Scan(pair.source, nobody, [shape], told.watcher())
    scan.start()
    assert scan.wait(30)
    assert isinstance(scan.error, ServerError)
    assert not scan.complete
    assert told.tables == []


def test_a_table_that_is_dropped_or_altered_is_told_and_the_others_are_read(fresh_alike: Pair) -> None:
    pair = fresh_alike
    pair.on_both("CREATE DATABASE s")
    for name in ("gone", "altered", "stays"):
        pair.on_both(
            f"CREATE TABLE s.{name} (id INT NOT NULL PRIMARY KEY, v INT)", f"INSERT INTO s.{name} VALUES (1, 1)"
        )
    shapes = shapes_of(pair).tables
    pair.on_target("DROP TABLE s.gone", "ALTER TABLE s.altered MODIFY v BIGINT")
    told = scanned(pair, shapes, connections=1)
    assert told.tables == [("s", "stays")]
    assert told.troubles.keys() == {("s", "gone"), ("s", "altered")}
    assert "v" in str(told.troubles["s", "altered"])


def test_stopping_ends_a_scan_that_is_held_back(fresh_alike: Pair) -> None:
    pair = fresh_alike
    shape = filled(pair, "id INT NOT NULL PRIMARY KEY, v VARCHAR(500)", WIDE, 12)
    asked, let = threading.Event(), threading.Event()

    def held() -> bool:
        asked.set()
        return let.wait(20)

    told = Told()
    scan = Scan(pair.source, pair.target, [shape], told.watcher(held))
    scan.start()
    assert asked.wait(20)
    scan.stop()
    let.set()
    assert scan.wait(20)
    assert not scan.complete
    assert told.chunks == []


def test_abandoning_a_scan_ends_it_within_a_statement(fresh_alike: Pair) -> None:
    pair = fresh_alike
    shape = filled(pair, "id INT NOT NULL PRIMARY KEY, v VARCHAR(500)", WIDE, 12)
    pair.on_both("DROP TABLE IF EXISTS s.slow", "CREATE TABLE s.slow (id INT NOT NULL PRIMARY KEY) ENGINE=MyISAM")
    pair.on_target("LOCK TABLES s.t WRITE")
    told = Told()
    scan = Scan(pair.source, pair.target, [shape], told.watcher())
    try:
        scan.start()
        until(
            lambda: any("s`.`t" in str(row[7]) for row in pair.make[1].rows("SHOW FULL PROCESSLIST")),
            "the scan waits for the lock",
        )
        scan.abandon()
        assert scan.wait(10)
    finally:
        pair.on_target("UNLOCK TABLES")
    assert not scan.complete


def test_tables_that_are_written_to_are_read_all_the_same(fresh_alike: Pair) -> None:
    pair = fresh_alike
    shape = filled(pair, "id VARCHAR(20) NOT NULL PRIMARY KEY, v VARCHAR(500)", WIDE, 13)
    stop = threading.Event()

    def write() -> None:
        number = 0
        with_session = pair.two.source.connect()
        while not stop.is_set():
            number += 1
            with_session.run(f"REPLACE INTO s.t VALUES ('{number * 7919 % 9000}', 'w{number}')")
        with_session.close()

    writer = threading.Thread(target=write)
    writer.start()
    try:
        told = scanned(pair, [shape])
    finally:
        stop.set()
        writer.join()
    assert chains(told.ranges(TABLE))
    assert all(isinstance(one, Difference) for one in told.of(TABLE))


def test_rows_that_their_key_does_not_find_are_told_and_other_tables_are_read(fresh_alike: Pair) -> None:
    pair = fresh_alike
    pair.on_both("CREATE DATABASE s")
    for name in ("lost", "found"):
        pair.on_both(f"CREATE TABLE s.{name} (k VARCHAR(20) NOT NULL PRIMARY KEY) {OPTIONS}")
        pair.on_both(f"INSERT INTO s.{name} VALUES ('ä'), ('b')")
    lost, found = (shape_of(pair, ("s", name)) for name in ("lost", "found"))
    # As if the server compared its parameter in another way than the column's own values.
    key = replace(lost.columns[0], bound="CONCAT(?, '!')")
    told = scanned(pair, [found, replace(lost, columns=(key,)), found], connections=1)
    assert told.tables == [("s", "found")] * 2
    assert isinstance(told.troubles["s", "lost"], NotFoundByKey)
    assert "s.lost by their key (k)" in str(told.troubles["s", "lost"])


def test_an_integer_of_another_range_than_thought_is_told(fresh_alike: Pair) -> None:
    pair = fresh_alike
    shape = filled(pair, "id INT NOT NULL PRIMARY KEY, v VARCHAR(500)", WIDE.replace("(1,", "(1000,"), 13)
    key = replace(shape.columns[0], column=replace(shape.columns[0].column, column_type="tinyint", data_type="tinyint"))
    told = scanned(pair, [replace(shape, columns=(key, *shape.columns[1:]))])
    assert isinstance(told.troubles[TABLE], NotFoundByKey)


def test_a_queue_whose_first_rows_are_taken_all_the_time_is_read(fresh_alike: Pair) -> None:
    pair = fresh_alike
    pair.on_both(*numbers(9), f"CREATE TABLE s.t (k VARCHAR(20) NOT NULL PRIMARY KEY) {OPTIONS}")
    pair.on_both("INSERT INTO s.t SELECT LPAD(id, 9, '0') FROM s.n")
    shape, stop = shape_of(pair, TABLE), threading.Event()

    def take() -> None:
        with contextlib.closing(pair.two.source.connect()) as session:
            number = 1 << 9
            while not stop.is_set():
                number += 1
                session.run(f"INSERT INTO s.t VALUES (LPAD({number}, 9, '0'))")
                session.run("DELETE FROM s.t ORDER BY k LIMIT 1")

    taker = threading.Thread(target=take)
    taker.start()
    try:
        told = scanned(pair, [shape] * 100, connections=1)
    finally:
        stop.set()
        taker.join()
    assert told.troubles == {}
    assert len(told.tables) == 100
