"""Checks of columns: each tripped by a table that one server takes and another one does not."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import replace

from migration.check import Route
from migration.checks import columns, facts, schema
from tests.migration.checks.lab import Lab, made, session, setting

ODD = "we`ird \"[red]' \n;db"
QUOTED = "`" + ODD.replace("`", "``") + "`"
LONG = "x" * 256


@contextlib.contextmanager
def tables(lab: Lab, *columns: str) -> Iterator[None]:
    """One table for each, oddly named, made in a session without sql_mode."""
    with made(lab.source, f"CREATE DATABASE {QUOTED}", undo=f"DROP DATABASE {QUOTED}"):
        with session(lab.source) as client:
            client.run(f"USE {QUOTED}")
            client.run("SET SESSION sql_mode = ''")
            for number, text in enumerate(columns):
                client.run(f"CREATE TABLE `{number}[red]` ({text}) ENGINE=InnoDB")
        yield


def test_a_long_element_blocks_towards_mysql_8(lab: Lab) -> None:
    newer = lab.target.version.mysql_from(8, 0)
    assert lab.word(columns.long_elements) == ("OK" if newer else "-")
    if lab.source.version.mysql_from(8, 0):
        return
    with tables(lab, f"a ENUM('{LONG}', 'short')", f"`[b]` SET('it''s', '{LONG[1:]}')", "c ENUM('a', 'b')"):
        finding = lab.find(columns.long_elements)
    assert finding.word == ("FAIL" if newer else "-")
    if newer:
        assert finding.result.found == "1 column has a longer one"
        assert finding.result.evidence[1][:3] == (ODD, "0[red]", "a")
    assert lab.word(columns.long_elements) == ("OK" if newer else "-")


def test_a_float_that_counts_blocks_towards_mysql_8_4(lab: Lab) -> None:
    newer = lab.target.version.mysql_from(8, 4)
    assert lab.word(columns.float_counters) == ("OK" if newer else "-")
    if lab.source.version.mysql_from(8, 4) or not newer:
        return
    with tables(lab, "a DOUBLE AUTO_INCREMENT PRIMARY KEY", "a INT AUTO_INCREMENT PRIMARY KEY"):
        finding = lab.find(columns.float_counters)
    assert finding.blocks
    assert finding.result.evidence[1:] == ((ODD, "0[red]", "a", "double"),)


def test_a_zero_date_is_told_where_only_the_target_forbids_it(lab: Lab) -> None:
    assert lab.word(columns.zero_defaults) == "OK"
    kinds = ("a DATE DEFAULT '0000-00-00'", "b DATETIME NOT NULL DEFAULT '2020-00-01 00:00:00'")
    with (
        tables(lab, *kinds, "c DATETIME DEFAULT '2020-01-01 00:00:00'"),
        setting(lab.source, "sql_mode", "''"),
        setting(lab.target, "sql_mode", "''"),
    ):
        assert lab.word(columns.zero_defaults) == "OK"
        with setting(lab.target, "sql_mode", "'STRICT_TRANS_TABLES,NO_ZERO_DATE'"):
            finding = lab.find(columns.zero_defaults)
            with setting(lab.source, "sql_mode", "'STRICT_TRANS_TABLES,NO_ZERO_DATE'"):
                assert lab.word(columns.zero_defaults) == "OK"
    assert finding.word == "WARN"
    assert [row[1:3] for row in finding.result.evidence[1:]] == [("0[red]", "a"), ("1[red]", "b")]


def test_counters_near_their_end_are_told(lab: Lab) -> None:
    assert lab.word(columns.counter_headroom) == "OK"
    with tables(lab):
        with session(lab.source) as client:
            client.run(f"USE {QUOTED}")
            for name, kind, value in (
                ("near", "TINYINT", 103),
                ("far", "TINYINT UNSIGNED", 103),
                ("[int]", "INT", 2_000_000_000),
                ("unsigned", "INT UNSIGNED", 2_000_000_000),
                ("big", "BIGINT", 9_000_000_000_000_000_000),
                ("fresh", "SMALLINT", 1),
            ):
                client.run(
                    f"CREATE TABLE `{name}` (`i]d` {kind} NOT NULL AUTO_INCREMENT PRIMARY KEY) ENGINE=InnoDB "
                    f"AUTO_INCREMENT={value}"
                )
        finding = lab.find(columns.counter_headroom)
    assert finding.word == "WARN"
    assert {(row[1], row[2], row[4], row[6]) for row in finding.result.evidence[1:]} == {
        ("near", "i]d", "103", "81%"),
        ("[int]", "i]d", "2000000000", "93%"),
        ("big", "i]d", "9000000000000000000", "98%"),
    }
    assert lab.word(columns.counter_headroom) == "OK"


def test_a_cast_that_is_indexed_is_told_towards_a_newer_mysql(modern: Lab, lab: Lab) -> None:
    assert lab.word(columns.generated_casts) in ("OK", "-")
    assert modern.word(columns.generated_casts) == "OK"
    generated = "a VARCHAR(9), b INT AS (CAST(a AS SIGNED)) STORED"
    with tables(modern, f"{generated}, KEY (b)", generated, "a INT, b INT AS (a + 1), KEY (b)"):
        finding = modern.find(columns.generated_casts)
    assert finding.word == "NOTE"
    assert [row[:3] for row in finding.result.evidence[1:]] == [(ODD, "0[red]", "b")]


def test_partitions_in_a_shared_tablespace_block(modern: Lab) -> None:
    assert modern.word(schema.partitions) == "OK"
    parts = "(PARTITION p0 TABLESPACE = innodb_system, PARTITION p1)"
    with made(
        modern.source,
        f"CREATE DATABASE {QUOTED}",
        f"CREATE TABLE {QUOTED}.`[red]` (a INT PRIMARY KEY) ENGINE=InnoDB PARTITION BY HASH (a) {parts}",
        f"CREATE TABLE {QUOTED}.fine (a INT PRIMARY KEY) ENGINE=InnoDB PARTITION BY HASH (a) PARTITIONS 2",
        undo=f"DROP DATABASE {QUOTED}",
    ):
        finding = modern.find(schema.partitions)
    assert finding.blocks
    assert finding.result.evidence[1:] == ((ODD, "[red]", "partitions in the shared tablespace innodb_system"),)


def test_kinds_of_columns_that_mysql_does_not_know_block(lab: Lab) -> None:
    across = lab.source.version.mariadb != lab.target.version.mariadb
    assert lab.word(columns.family_types) == ("OK" if across else "-")
    if not across:
        return
    strange = (
        "a UUID PRIMARY KEY",
        "a INET6",
        "a VARCHAR(100) COMPRESSED",
        "a CHAR(36) DEFAULT uuid()",
        "a TEXT DEFAULT 'x'",
        "a INT INVISIBLE, b INT",
        "a INT, KEY `[k]` (a) IGNORED",
    )
    plain = (
        "a INT DEFAULT 0, b VARCHAR(9) DEFAULT 'it''s (1)', c TIMESTAMP DEFAULT CURRENT_TIMESTAMP, "
        "d DATETIME(6) DEFAULT NOW(6), e TEXT, f BIT(4) DEFAULT b'101', g DOUBLE DEFAULT -1.5e3, h DATE DEFAULT NULL, "
        "i VARCHAR(9) DEFAULT '', j JSON, k YEAR DEFAULT 2020"
    )
    with tables(lab, *strange, plain):
        finding = lab.find(columns.family_types)
    assert finding.blocks
    assert [row[1] for row in finding.result.evidence[1:]] == [f"{number}[red]" for number in range(len(strange))]


def test_kinds_of_columns_that_mariadb_does_not_know_block(to_mariadb: Lab) -> None:
    logical = replace(to_mariadb, pair=replace(to_mariadb.pair, route=Route.LOGICAL))
    assert to_mariadb.word(columns.family_types) == "OK"
    with tables(
        to_mariadb,
        "a VARCHAR(9), KEY `[low]` ((LOWER(a)))",
        "a JSON, KEY multi ((CAST(a AS UNSIGNED ARRAY)))",
        "a VARCHAR(36) DEFAULT (UUID()), KEY (a DESC)",
    ):
        natively, logically = to_mariadb.find(columns.family_types), logical.find(columns.family_types)
    assert natively.blocks
    indexes = {(ODD, "0[red]", "[low]", "a functional index"), (ODD, "1[red]", "multi", "a multi-valued index")}
    assert set(logically.result.evidence[1:]) == indexes
    assert {row[:3] for row in natively.result.evidence[1:]} - {row[:3] for row in indexes} == {(ODD, "1[red]", "a")}


def test_a_moment_in_the_format_of_5_5_blocks(lab: Lab) -> None:
    """Such a table cannot be made any more: the format in the table's own description is changed back."""
    word = lab.word(columns.old_temporals)
    assert word == ("-" if lab.source.version.mariadb or lab.source.version.mysql_from(8, 0) else "OK")
    if word == "-":
        return
    with made(lab.source, "CREATE TABLE shop.old (a INT, b TIME) ENGINE=MyISAM", undo="DROP TABLE shop.old"):
        description = lab.two.sandbox[0].data_dir / "shop" / "old.frm"
        lab.source.change("FLUSH TABLES")
        text = description.read_bytes()
        # The numbers of MYSQL_TYPE_TIME2 and MYSQL_TYPE_TIME in the source's field_types.h.
        at = text.rindex(b"\x13\x3f") if b"\x13\x3f" in text else text.rindex(b"\x13")
        description.write_bytes(text[:at] + b"\x0b" + text[at + 1 :])
        finding = lab.find(columns.old_temporals)
        lab.source.change("ALTER TABLE shop.old FORCE")
        assert lab.word(columns.old_temporals) == "OK"
    assert (finding.word, finding.blocks) == ("FAIL", True)
    assert finding.result.evidence[1][:3] == ("shop", "old", "b")


def test_the_columns_of_views_are_nobodys(lab: Lab) -> None:
    with made(
        lab.source,
        f"CREATE DATABASE {QUOTED}",
        f"CREATE VIEW {QUOTED}.v AS SELECT CAST('0000-00-00' AS CHAR) AS a",
        undo=f"DROP DATABASE {QUOTED}",
    ):
        for check in (columns.zero_defaults, columns.family_types, columns.counter_headroom):
            assert lab.word(check) in ("OK", "-")


def test_ordinary_columns_are_not_fetched(lab: Lab) -> None:
    with tables(lab, "a INT AUTO_INCREMENT PRIMARY KEY, b VARCHAR(99) DEFAULT 'x', c DATETIME, d TEXT, e DOUBLE"):
        assert facts.columns(replace(lab.pair)) == ()
