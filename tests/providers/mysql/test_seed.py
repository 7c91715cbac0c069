"""Seeding a target from a live source: every kind of column and object, compared byte for byte."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from providers.mysql import replication, seed
from providers.mysql.errors import StatementFailed
from providers.mysql.gtid import GtidSet, MariaGtid
from providers.mysql.literals import quote_name
from providers.mysql.position import Position
from providers.mysql.schema import Table
from providers.mysql.seed import CopyProgress, Stopped
from providers.mysql.server import Server
from providers.mysql.snapshot import take_snapshot
from tests.support.pairs import Two, two

ALL_BYTES = "".join(f"{byte:02x}" for byte in range(256))
ODD = "d.o't`\"[red]"
ODD_NAMES = [
    "back`tick",
    "quote'\"",
    "[red]bold[/red]",
    "sp ace",
    "100%_done %s",
    "naïve_日本",
    "select",
    "semi;colon",
    "a.b",
]


@dataclass(frozen=True)
class Kind:
    """A column type and values for it, as the SQL that makes them; `only` restricts it to some sources."""

    type: str
    values: tuple[str, ...]
    only: Callable[[Server], bool] = lambda server: True


def is_mariadb(server: Server) -> bool:
    return server.version.mariadb


def has_json(server: Server) -> bool:
    return server.version.mysql_from(5, 7, 8)


KINDS = [
    Kind("TINYINT", ("-128", "127", "0")),
    Kind("SMALLINT(4) UNSIGNED ZEROFILL", ("7", "65535")),
    Kind("MEDIUMINT", ("-8388608",)),
    Kind("INT", ("-2147483648", "2147483647")),
    Kind("BIGINT UNSIGNED", ("18446744073709551615",)),
    Kind("DECIMAL(65,30)", ("12345678901234567890123456789012345.123456789012345678901234567891", "-0.5")),
    Kind("FLOAT", ("0.1", "16777217", "3.4028234e38", "1.17549435e-38", "-123456.789", "1e-45")),
    Kind("FLOAT(10,3)", ("1.5", "-1234567.125")),
    Kind("DOUBLE", ("0.1e0 + 0.2e0", "1.7976931348623157e308", "2.2250738585072014e-308", "-1/3e0", "1e17", "-0e0")),
    Kind("BIT(1)", ("b'0'", "b'1'")),
    Kind("BIT(64)", ("b'1'", "x'8000000000000027'", "x'5c5c5c5c5c5c5c5c'")),
    Kind("BOOLEAN", ("TRUE",)),
    Kind("DATE", ("'0000-00-00'", "'2020-00-00'", "'9999-12-31'", "'2021-02-31'")),
    Kind("TIME(6)", ("'-838:59:59'", "'838:59:59'", "'00:00:00.000001'")),
    Kind("DATETIME(6)", ("'0000-00-00 00:00:00'", "'2024-02-29 23:59:59.999999'")),
    Kind("TIMESTAMP(3) NULL", ("'0000-00-00 00:00:00'", "'2038-01-19 03:14:07.999'", "'1970-01-01 00:00:01'")),
    Kind("YEAR", ("0", "1901", "2155")),
    Kind("CHAR(10)", ("'a '", "''", "'ü€'")),
    Kind("VARCHAR(40) CHARACTER SET utf8mb4", ("'\\\\ \\' \" ` 😀 %s'", "'trailing  '")),
    Kind("VARCHAR(300) CHARACTER SET latin1", (f"_latin1 x'{ALL_BYTES}'",)),
    Kind("TEXT CHARACTER SET utf8", ("'ü€日本'",)),
    Kind("VARCHAR(20) CHARACTER SET sjis", ("_sjis x'835c955c'",)),
    Kind("VARCHAR(20) CHARACTER SET gbk", ("_gbk x'bf5c27415c'",)),
    Kind("VARCHAR(20) CHARACTER SET utf16", ("'a😀\\\\'", "_utf16 x'0027005c'")),
    Kind("BINARY(8)", ("x'00'", "x'5c27220a0d1a0020'")),
    Kind("VARBINARY(300)", (f"x'{ALL_BYTES}'", "''")),
    Kind("BLOB", (f"x'{ALL_BYTES}'",)),
    Kind("LONGBLOB", (f"REPEAT(x'{ALL_BYTES}', 6000)",)),
    Kind("LONGTEXT", ("REPEAT('ü\\\\\\'', 1000)",)),
    Kind("ENUM('a','ü','it''s','\\\\','€') CHARACTER SET utf8mb4", ("'ü'", "'it''s'", "'\\\\'", "'€'", "0")),
    Kind("ENUM('ä','ö') CHARACTER SET latin1", ("'ö'",)),
    Kind("SET('ä','b','ç') CHARACTER SET latin1", ("'ä,ç'", "''")),
    Kind("GEOMETRY", ("ST_GeomFromText('POINT(1 2.5)')", "ST_GeomFromText('POLYGON((0 0,0 39,92 92,0 0))')")),
    Kind("POINT", ("ST_GeomFromText('POINT(92 39)')",)),
    Kind("JSON", ("'{\"k\": [1, 2.5, \"ü😀\\\\\\\\ \\'\", null, true]}'", "'\"\"'"), has_json),
    Kind("JSON", ("'{\"k\":  [1]}'",), is_mariadb),
    Kind("UUID", ("'123e4567-e89b-12d3-a456-426655440000'",), is_mariadb),
    Kind("INET6", ("'2001:db8::ff00:42:8329'", "'::ffff:192.0.2.1'"), is_mariadb),
    Kind("INET4", ("'192.0.2.1'",), is_mariadb),
]  # fmt: skip


def exact(column: str, kind: str) -> str:
    """An expression that shows a column's content without loss on every engine."""
    if kind.startswith(("GEOMETRY", "POINT")):
        return f"CONCAT(ST_SRID({column}), HEX(ST_AsBinary({column})))"
    if kind.startswith("FLOAT"):
        return f"CAST({column} + 0e0 AS CHAR)"
    if kind.startswith(("BIT", "BINARY", "VARBINARY", "BLOB", "LONG", "VARCHAR", "CHAR", "TEXT")):
        return f"HEX({column})"
    if kind.startswith(("ENUM", "SET")):
        return f"CONCAT({column} + 0, HEX({column}))"
    return f"CAST({column} AS CHAR)"


@dataclass(frozen=True)
class Seeded:
    """A pair whose target was filled from its source, and what was copied."""

    pair: Two
    tables: tuple[Table, ...]
    progress: list[CopyProgress]


def fill(source: Server) -> None:
    """Make a database with everything in it, and one with odd names."""
    with contextlib.closing(source.connect()) as session:
        session.run("SET SESSION sql_mode = 'NO_AUTO_VALUE_ON_ZERO,ALLOW_INVALID_DATES'")
        session.run("CREATE DATABASE app CHARACTER SET latin1")
        session.run("USE app")
        for number, kind in enumerate(KINDS):
            if kind.only(source):
                session.run(f"CREATE TABLE k{number} (id INT AUTO_INCREMENT PRIMARY KEY, v {kind.type})")
                session.run(f"INSERT INTO k{number} (id, v) VALUES (0, NULL)")
                for value in kind.values:
                    session.run(f"INSERT INTO k{number} (v) VALUES ({value})")
        session.run("CREATE TABLE parent (id INT PRIMARY KEY) ENGINE = InnoDB")
        session.run("CREATE TABLE child (id INT, p INT, FOREIGN KEY (p) REFERENCES parent (id)) ENGINE = InnoDB")
        session.run("INSERT INTO parent VALUES (1), (2)")
        session.run("INSERT INTO child SELECT 1, id FROM parent")
        session.run("CREATE TABLE keyless (v VARCHAR(10)) ENGINE = MyISAM")
        session.run("INSERT INTO keyless VALUES ('x'), ('x'), (NULL)")
        session.run("CREATE TABLE empty (id INT PRIMARY KEY)")
        session.run("CREATE TABLE big (id INT AUTO_INCREMENT PRIMARY KEY, v INT)")
        session.run("INSERT INTO big (v) VALUES (1), (2), (3), (4), (5)")
        for _ in range(9):
            session.run("INSERT INTO big (v) SELECT v FROM big")
        if source.version.series != "5.6":
            session.run(
                "CREATE TABLE computed "
                "(a INT, b INT AS (a * 2) VIRTUAL, c VARCHAR(9) AS (CONCAT(a, 'x')) STORED, d INT)"
            )
            session.run("INSERT INTO computed (a, d) VALUES (1, 5), (2, 6)")
        session.run(f"CREATE DATABASE {quote_name(ODD)}")
        session.run(f"USE {quote_name(ODD)}")
        for name in ODD_NAMES:
            session.run(f"CREATE TABLE {quote_name(name)} (id INT PRIMARY KEY, {quote_name(name)} VARCHAR(30))")
            session.run(f"INSERT INTO {quote_name(name)} VALUES (1, '%s'), (2, '[red]')")
        _objects(source)


def _objects(source: Server) -> None:
    with contextlib.closing(source.connect()) as session:
        session.run("USE app")
        # In the alphabet's order the first view rests on the last one.
        session.run("CREATE FUNCTION twice(n INT) RETURNS INT DETERMINISTIC RETURN n * 2")
        session.run("CREATE VIEW v3 AS SELECT id, twice(v) AS `do``uble`, 'ü😀%s;' AS text FROM big")
        session.run("CREATE VIEW v2 AS SELECT * FROM v3")
        session.run("CREATE VIEW v1 AS SELECT * FROM v2 WHERE id < 5")
        session.run("SET SESSION sql_mode = 'ANSI_QUOTES,PIPES_AS_CONCAT'")
        session.run(
            "CREATE PROCEDURE p(IN n INT) COMMENT 'it''s' BEGIN DECLARE x INT; SET x = n; "
            'SELECT "id" || \';ü%s\' FROM "big" WHERE "id" = x; END'
        )
        session.run("SET SESSION sql_mode = ''")
        session.run("CREATE TRIGGER tr BEFORE INSERT ON big FOR EACH ROW BEGIN SET NEW.v = NEW.v + 100; END")
        session.run("CREATE EVENT on_now ON SCHEDULE EVERY 1 DAY COMMENT 'says ENABLE DO it' DO DELETE FROM app.big")
        session.run("CREATE EVENT off_now ON SCHEDULE EVERY 1 DAY DISABLE DO DELETE FROM app.big")
        session.run(f"USE {quote_name(ODD)}")
        session.run("CREATE VIEW `vi``ew` AS SELECT * FROM `back``tick`")
        session.run("CREATE TRIGGER `tr'ig` AFTER DELETE ON `[red]bold[/red]` FOR EACH ROW SET @x = 1")
        session.run("CREATE PROCEDURE `p%s` () SELECT '%s'")


PAIRS: list[tuple[str, str, type[Position]]] = [
    ("mysql-5.6", "mysql-9.7", GtidSet),
    ("mysql-5.7", "mysql-9.7", GtidSet),
    ("mariadb-10.11", "mariadb-10.11", MariaGtid),
]


@pytest.fixture(scope="module", params=PAIRS, ids=lambda pair: f"{pair[0]}-to-{pair[1]}")
def seeded(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Seeded]:
    source, target, kind = request.param
    with two(source, target, tmp_path_factory.mktemp("seed"), kind) as pair:
        fill(pair.source)
        databases = ["app", ODD]
        tables = seed.create_databases(pair.source, pair.target, databases)
        progress: list[CopyProgress] = []
        snapshot = take_snapshot(pair.source, 2, by_file=False)
        pair.source.change("INSERT INTO app.keyless VALUES ('after')")
        seed.copy_rows(snapshot, pair.target, tables, progress.append, lambda: False)
        snapshot.close()
        seed.create_objects(pair.source, pair.target, databases)
        replication.empty_log(pair.target)
        replication.set_start(pair.target, snapshot.position)
        yield Seeded(pair, tables, progress)


def both(seeded: Seeded, sql: str) -> tuple[object, object]:
    return seeded.pair.source.rows(sql), seeded.pair.target.rows(sql)


@pytest.mark.parametrize("number", range(len(KINDS)), ids=lambda number: KINDS[number].type.split(")")[0][:24])
def test_a_column_arrives_byte_for_byte(seeded: Seeded, number: int) -> None:
    kind = KINDS[number]
    if not kind.only(seeded.pair.source):
        return
    on_source, on_target = both(seeded, f"SELECT id, {exact('v', kind.type)} FROM app.k{number} ORDER BY id")
    assert on_target == on_source
    assert isinstance(on_source, tuple)
    assert len(on_source) == 1 + len(kind.values)
    assert on_source[0] == (0, None)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM app.child ORDER BY p",
        "SELECT COUNT(*), SUM(id), SUM(v) FROM app.big",
        "SELECT COUNT(*) FROM app.empty",
    ],
)
def test_tables_arrive_whole(seeded: Seeded, sql: str) -> None:
    on_source, on_target = both(seeded, sql)
    assert on_target == on_source


def test_rows_without_a_key_arrive_as_often_as_they_are_there(seeded: Seeded) -> None:
    found = seeded.pair.target.rows("SELECT v FROM app.keyless ORDER BY v")
    # MyISAM has no snapshot: what is written during the copy may be in it.
    assert [row for row in found if row != ("after",)] == [(None,), ("x",), ("x",)]


def test_generated_columns_are_computed_again(seeded: Seeded) -> None:
    if seeded.pair.source.version.series == "5.6":
        return
    assert seeded.pair.target.rows("SELECT * FROM app.computed ORDER BY a") == ((1, 2, "1x", 5), (2, 4, "2x", 6))


@pytest.mark.parametrize("name", ODD_NAMES)
def test_odd_names_arrive(seeded: Seeded, name: str) -> None:
    on_source, on_target = both(
        seeded, f"SELECT id, {quote_name(name)} FROM {quote_name(ODD)}.{quote_name(name)} ORDER BY id"
    )
    assert on_target == on_source == ((1, "%s"), (2, "[red]"))


def test_the_database_keeps_its_character_set(seeded: Seeded) -> None:
    sql = "SELECT default_character_set_name FROM information_schema.schemata WHERE schema_name = 'app'"
    assert both(seeded, sql) == ((("latin1",),), (("latin1",),))


def test_views_on_views_work(seeded: Seeded) -> None:
    on_source, on_target = both(seeded, "SELECT * FROM app.v1 ORDER BY id")
    assert on_target == on_source
    assert seeded.pair.target.rows("SELECT text FROM app.v1 LIMIT 1") == (("ü😀%s;",),)
    assert len(seeded.pair.target.rows(f"SELECT * FROM {quote_name(ODD)}.`vi``ew`")) == 2


def test_routines_work_in_their_own_sql_mode(seeded: Seeded) -> None:
    assert seeded.pair.target.rows("CALL app.p(2)") == (("2;ü%s",),)
    assert seeded.pair.target.rows(f"CALL {quote_name(ODD)}.`p%s`()") == (("%s",),)


def test_triggers_work_and_did_not_fire_in_the_copy(seeded: Seeded) -> None:
    target = seeded.pair.target
    assert target.value("SELECT MAX(v) FROM app.big") == 5
    with contextlib.closing(target.connect()) as session:
        session.run("START TRANSACTION")
        session.run("INSERT INTO app.big (id, v) VALUES (99999, 1)")
        assert session.value("SELECT v FROM app.big WHERE id = 99999") == 101
        session.run("ROLLBACK")
    names = target.rows("SELECT trigger_name FROM information_schema.triggers WHERE trigger_schema = %s", (ODD,))
    assert names == (("tr'ig",),)


def test_events_are_there_and_switched_off(seeded: Seeded) -> None:
    found: dict[str, str] = dict(
        seeded.pair.target.rows(
            "SELECT event_name, CONCAT(status, '/', event_comment) FROM information_schema.events "
            "WHERE event_schema = 'app'"
        )
    )
    assert set(found) == {"on_now", "off_now"}
    for said in found.values():
        assert "DISABLED" in said
    assert found["on_now"].endswith("/says ENABLE DO it")


def test_no_table_is_left_out_in_silence(seeded: Seeded) -> None:
    source, target = seeded.pair.source, seeded.pair.target
    if not source.version.mariadb:
        return
    source.change("CREATE DATABASE special")
    source.change("CREATE TABLE special.versioned (id INT PRIMARY KEY) WITH SYSTEM VERSIONING")
    source.change("CREATE SEQUENCE special.numbers")
    try:
        with pytest.raises(StatementFailed, match=r"special\.numbers \(sequence\), special\.versioned \(system"):
            seed.create_databases(source, target, ["special"])
        assert "special" not in target.databases()
    finally:
        seed.drop_databases(target, ["special"])
        source.change("DROP DATABASE special")


def test_the_progress_adds_up(seeded: Seeded) -> None:
    last = seeded.progress[-1]
    assert last.tables_done == last.tables == len(seeded.tables)
    assert last.rows >= 2560
    assert all(one.rows <= one.total_rows for one in seeded.progress)
    assert [one.rows for one in seeded.progress] == sorted(one.rows for one in seeded.progress)


def test_the_target_has_nothing_of_its_own(seeded: Seeded) -> None:
    target = seeded.pair.target
    assert target.gtid_end().within(seeded.pair.source.gtid_end())  # type: ignore[arg-type]
    end = target.end_of_log()
    assert end.number == 1
    assert end.offset < 1000


def test_a_changed_definition_is_noticed(seeded: Seeded) -> None:
    source = seeded.pair.source
    assert seed.changed_tables(source, seeded.tables) == ()
    source.change("INSERT INTO app.big (v) VALUES (1)")
    assert seed.changed_tables(source, seeded.tables) == ()
    source.change("ALTER TABLE app.empty ADD COLUMN more INT")
    source.change("DROP TABLE app.child")
    assert sorted(seed.changed_tables(source, seeded.tables)) == ["app.child", "app.empty"]


def test_a_copy_that_is_told_to_stop_stops(seeded: Seeded) -> None:
    snapshot = take_snapshot(seeded.pair.source, 1, by_file=True)
    try:
        with pytest.raises(Stopped):
            seed.copy_rows(snapshot, seeded.pair.target, seeded.tables, lambda _: None, lambda: True)
    finally:
        snapshot.close()


def test_a_stream_that_fails_ends_the_copy(seeded: Seeded) -> None:
    big = [table for table in seeded.tables if table.name == "big"]
    snapshot = take_snapshot(seeded.pair.source, 1, by_file=False)
    try:
        with pytest.raises(StatementFailed) as failure:
            seed.copy_rows(snapshot, seeded.pair.target, big, lambda _: None, lambda: False)
    finally:
        snapshot.close()
    assert failure.value.code == 1062
    assert failure.value.server == "target"


def test_dropping_takes_everything_away_unlogged(seeded: Seeded) -> None:
    target = seeded.pair.target
    before = target.end_of_log()
    seed.drop_databases(target, ["app", ODD])
    assert target.databases() == ()
    assert target.end_of_log() == before
