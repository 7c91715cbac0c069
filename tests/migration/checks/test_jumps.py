"""The tables of what changes between versions, and the reading of stored texts, without any server."""

from __future__ import annotations

import pytest

from migration.checks.jumps import modes
from migration.checks.jumps.functions import FUNCTIONS, missing
from migration.checks.jumps.plugins import BY_NAME, PLUGINS
from migration.checks.jumps.reserved import RESERVED, newly_reserved
from migration.checks.jumps.settings import CHANGED, GONE, usual_on
from migration.checks.jumps.text import bare, called, groups_are_ordered
from tests.migration.checks.test_words import version

SHORT_JUMP = {"GENERATED", "OPTIMIZER_COSTS", "STORED", "VIRTUAL"}


@pytest.mark.parametrize(
    ("source", "target", "some"),
    [
        ("mysql-5.6", "mysql-5.7.29", SHORT_JUMP),
        ("mysql-5.7.29", "mysql-8.0.11", {"ADMIN", "PERSIST", "RANK", "SYSTEM", "WINDOW"}),
        ("mysql-5.7.29", "mysql-8.0.36", {"LATERAL", "INTERSECT", "RANK"}),
        ("mysql-8.0.18", "mysql-8.0.36", {"INTERSECT"}),
        ("mysql-8.0.36", "mysql-8.4.3", {"MANUAL", "PARALLEL", "QUALIFY", "TABLESAMPLE"}),
        ("mysql-8.4.3", "mysql-9.7.0", {"LIBRARY", "EXTERNAL"}),
        ("mariadb-10.5.29", "mariadb-10.6.2", {"OFFSET"}),
        ("mariadb-10.11.2", "mariadb-11.8.1", {"VECTOR"}),
        ("mariadb-10.11.2", "mysql-5.7.29", SHORT_JUMP),
        ("mysql-5.7.29", "mariadb-10.11.2", {"OFFSET", "RETURNING", "ROWS", "ROW_NUMBER"}),
    ],
)
def test_words_are_reserved_anew_between_two_versions(source: str, target: str, some: set[str]) -> None:
    assert some <= set(newly_reserved(version(source), version(target)))


@pytest.mark.parametrize(
    ("source", "target", "none"),
    [
        ("mysql-5.7.29", "mysql-8.0.36", {"ADMIN", "ARRAY", "MEMBER", "PERSIST", "PERSIST_ONLY", "VIRTUAL"}),
        ("mysql-5.7.29", "mysql-8.0.30", {"INTERSECT", "MANUAL"}),
        ("mariadb-10.11.2", "mysql-8.0.36", {"ROWS", "OVER", "RECURSIVE"}),
        ("mariadb-10.6.2", "mariadb-10.11.2", {"OFFSET", "VECTOR"}),
        ("mysql-8.0.36", "mysql-9.7.0", {"MANUAL", "PARALLEL"}),
        ("mysql-5.7.29", "mariadb-10.11.2", {"WINDOW", "SLOW", "GENERAL"}),
    ],
)
def test_words_that_are_free_again_or_were_taken_before_are_not_meant(source: str, target: str, none: set[str]) -> None:
    assert not none & set(newly_reserved(version(source), version(target)))


def test_a_version_has_nothing_new_against_itself_or_backwards() -> None:
    for name in ("mysql-5.6", "mysql-5.7.29", "mysql-8.0.36", "mysql-9.7.0", "mariadb-10.5.1", "mariadb-11.8.1"):
        same = version(name)
        assert not newly_reserved(same, same)
        assert not missing(same, same)
        assert not modes.unknown(same, same)
        assert not modes.foreign(same, same)
    assert "MASTER_BIND" in newly_reserved(version("mysql-9.7.0"), version("mysql-5.7.29"))


@pytest.mark.parametrize(
    ("source", "target", "some", "none"),
    [
        ("mysql-5.6", "mysql-5.7.29", {"OLD_PASSWORD"}, {"ENCODE", "X", "PASSWORD"}),
        (
            "mysql-5.7.29",
            "mysql-8.0.36",
            {"ENCODE", "PASSWORD", "X", "CONTAINS"},
            {"OLD_PASSWORD", "MD5"},
        ),
        ("mysql-8.0.36", "mysql-9.5.0", set(), {"MD5"}),
        ("mysql-8.0.36", "mysql-9.6.0", {"MD5", "SHA", "SHA1"}, {"ENCODE"}),
        ("mysql-5.7.29", "mariadb-10.11.2", {"ANY_VALUE"}, {"ENCODE", "PASSWORD", "X", "MD5"}),
        ("mariadb-10.11.2", "mysql-5.7.29", {"OLD_PASSWORD"}, {"ENCODE", "MD5"}),
        ("mariadb-10.11.2", "mysql-8.0.36", {"ENCODE", "OLD_PASSWORD", "X"}, {"MD5"}),
    ],
)
def test_functions_are_gone_between_two_versions(source: str, target: str, some: set[str], none: set[str]) -> None:
    gone = missing(version(source), version(target))
    assert some <= set(gone)
    assert not none & set(gone)


def test_what_to_use_instead_names_the_function() -> None:
    gone = missing(version("mysql-5.7.29"), version("mysql-8.0.36"))
    assert gone["ASTEXT"].instead_of("ASTEXT") == "ST_ASTEXT()"
    assert gone["ENCRYPT"].instead_of("ENCRYPT") == "SHA2()"


@pytest.mark.parametrize(
    ("source", "target", "unknown", "foreign"),
    [
        ("mysql-5.7.29", "mysql-8.0.36", {"ORACLE", "NO_AUTO_CREATE_USER", "MAXDB"}, set()),
        ("mariadb-10.11.2", "mysql-5.7.29", {"SIMULTANEOUS_ASSIGNMENT"}, {"ORACLE", "SIMULTANEOUS_ASSIGNMENT"}),
        ("mariadb-10.11.2", "mysql-8.0.36", {"ORACLE", "MAXDB"}, {"ORACLE", "EMPTY_STRING_IS_NULL"}),
        ("mysql-5.7.29", "mariadb-10.11.2", set(), set()),
    ],
)
def test_modes_that_the_target_refuses(source: str, target: str, unknown: set[str], foreign: set[str]) -> None:
    assert unknown <= modes.unknown(version(source), version(target))
    assert foreign <= modes.foreign(version(source), version(target))
    assert bool(foreign) is bool(modes.foreign(version(source), version(target)))


def test_no_two_rules_overlap() -> None:
    names = (
        "mysql-5.6",
        "mysql-5.7.29",
        "mysql-8.0.11",
        "mysql-8.0.36",
        "mysql-9.7.0",
        "mariadb-10.5.1",
        "mariadb-12.3.1",
    )
    for one in map(version, names):
        words = [word for rule in RESERVED if rule.span.covers(one) for word in rule.words]
        assert len(words) == len(set(words))
        for name, usual in [(s.name, s.usual) for s in CHANGED] + [(s.name, s.usual) for s in GONE]:
            assert sum(each.span.covers(one) for each in usual) <= 1, name
    every = [name for rule in FUNCTIONS for name in rule.names]
    assert len(every) == len(set(every))
    assert len(BY_NAME) == len(PLUGINS)


def test_every_rule_says_where_it_is_published() -> None:
    pages = [rule.page for rule in RESERVED] + [rule.page for rule in FUNCTIONS] + [rule.page for rule in modes.MODES]
    pages += [rule.page for rule in PLUGINS] + [rule.page for rule in CHANGED] + [rule.page for rule in GONE]
    assert all(page.startswith(("MySQL", "MariaDB documentation")) for page in pages)


def test_defaults_by_version() -> None:
    (setting,) = (each for each in CHANGED if each.name == "explicit_defaults_for_timestamp")
    assert usual_on(setting.usual, version("mysql-5.7.29")) == "OFF"
    assert usual_on(setting.usual, version("mysql-8.0.36")) == "ON"
    assert usual_on(setting.usual, version("mariadb-10.11.2")) == "ON"
    (kept,) = (each for each in GONE if each.name == "expire_logs_days")
    assert usual_on(kept.usual, version("mariadb-10.5.1")) == "0"
    assert usual_on(kept.usual, version("mariadb-10.11.2")) == "0.000000"


@pytest.mark.parametrize(
    ("name", "gone", "there", "missing_on"),
    [
        ("tx_isolation", "MySQL 8.0.11", "mysql-5.7.29", "mysql-8.0.18"),
        ("expire_logs_days", "MySQL 8.2.0", "mysql-8.0.18", "mysql-8.4.3"),
        ("default_authentication_plugin", "MySQL 8.4.0", "mysql-8.0.36", "mariadb-10.11.2"),
        ("show_compatibility_56", "MySQL 8.0.11", "mysql-5.7.29", "mysql-8.0.11"),
        ("max_execution_time", "MySQL only", "mysql-8.0.18", "mariadb-10.11.2"),
        ("encrypt_binlog", "MariaDB only", "mariadb-10.11.2", "mysql-8.0.18"),
    ],
)
def test_which_versions_lack_a_setting(name: str, gone: str, there: str, missing_on: str) -> None:
    (setting,) = (each for each in GONE if each.name == name)
    assert setting.gone == gone
    assert setting.known_to(version(there))
    assert not setting.known_to(version(missing_on))


@pytest.mark.parametrize(
    ("name", "source", "target", "carried"),
    [
        ("tx_isolation", "READ-COMMITTED", "READ-COMMITTED", True),
        ("tx_isolation", "READ-COMMITTED", "REPEATABLE-READ", False),
        ("expire_logs_days", "10", "2592000", True),
        ("expire_logs_days", "10.000000", "86400", False),
        ("expire_logs_days", "10", "0", True),
        ("max_statement_time", "1.500000", "1500", True),
        ("max_statement_time", "1.500000", "0", False),
        ("max_execution_time", "1500", "1.500000", True),
        ("default_authentication_plugin", "mysql_native_password", "*,,", False),
        ("default_authentication_plugin", "mysql_native_password", "mysql_native_password,,", True),
        ("innodb_locks_unsafe_for_binlog", "ON", "READ-COMMITTED", True),
        ("innodb_locks_unsafe_for_binlog", "ON", "REPEATABLE-READ", False),
    ],
)
def test_a_setting_is_carried_over_in_the_units_of_the_other(
    name: str, source: str, target: str, carried: bool
) -> None:
    (setting,) = (each for each in GONE if each.name == name)
    assert setting.carried(source, target) is carried


GONE_NAMES = {"DECODE", "PASSWORD", "X", "CONTAINS", "AREA"}


@pytest.mark.parametrize(
    ("text", "calls"),
    [
        ("SELECT decode(a, 'b')", ("DECODE",)),
        ("SELECT Decode (a, 'b'), x(g)", ("DECODE", "X")),
        ("select decode(password(a)) AS `x`", ("DECODE", "PASSWORD")),
        ("SET a=decode(b)", ("DECODE",)),
        ("SELECT /*!50000 decode(a) */ 1", ("DECODE",)),
        ("SELECT /*M!100000 decode(a) */ 1", ("DECODE",)),
        ("SELECT 'it''s' + decode(a)", ("DECODE",)),
        ("SELECT 'a\\'' + decode(a), 'b'", ("DECODE",)),
        ("a JOIN b ON contains(a.g, b.g)", ("CONTAINS",)),
        ("SELECT EXTRACT(YEAR FROM decode(a))", ("DECODE",)),
        ("SELECT a-- decode(b)\n, x(g)", ("X",)),
        ("SELECT a--x(g)", ("X",)),
        ("SELECT a # decode(b)\n, 1", ()),
        ("SELECT 'decode(a)', \"decode(a)\", `decode`(a)", ()),
        ("SELECT /* decode(a) */ 1 -- decode(b)", ()),
        ("SELECT shop.decode(a), shop . decode (a), `shop`.decode(a), `shop`.`decode`(a)", ()),
        ("SELECT decode_all(a), undecode(a), $decode(a), @decode (a)", ()),
        ("INSERT INTO area (a) VALUES (1)", ()),
        ("CREATE TABLE IF NOT EXISTS area (x INT)", ()),
        ("CALL decode(1); SELECT a AS x, contains", ()),
        ("MODIFIES SQL DATA CONTAINS SQL", ()),
        ("SELECT 'unclosed decode(a)", ()),
        ("/* unclosed decode(a)", ()),
    ],
)
def test_calls_of_functions_are_found_and_nothing_else(text: str, calls: tuple[str, ...]) -> None:
    assert called(bare(text), GONE_NAMES) == calls


def test_a_backslash_is_a_letter_where_the_mode_says_so() -> None:
    text = "SELECT '\\', decode(a), '\\'"
    assert called(bare(text), GONE_NAMES) == ()
    assert called(bare(text, "STRICT_ALL_TABLES,NO_BACKSLASH_ESCAPES"), GONE_NAMES) == ("DECODE",)


@pytest.mark.parametrize(
    ("text", "ordered"),
    [
        ("select a from t group by a desc", True),
        ("select `a` from `t` group by`a`DESC", True),
        ("SELECT a FROM t GROUP BY f(a, b), c ASC WITH ROLLUP", True),
        ("SELECT (SELECT MAX(b) FROM u GROUP BY c DESC) FROM t", True),
        ("SELECT a FROM t GROUP\n BY a /* , */ DESC ORDER BY a", True),
        ("SELECT a FROM t GROUP BY a ORDER BY a DESC", False),
        ("SELECT a FROM (SELECT a FROM t GROUP BY a) AS u ORDER BY a DESC", False),
        ("SELECT GROUP_CONCAT(a ORDER BY a DESC) FROM t GROUP BY b", False),
        ("SELECT a FROM t GROUP BY a HAVING GROUP_CONCAT(b ORDER BY b DESC) > 1", False),
        ("SELECT a FROM t GROUP BY GROUP_CONCAT(a ORDER BY b DESC)", False),
        ("SELECT a FROM t GROUP BY `desc`, 'asc' -- desc", False),
        ("SELECT a FROM t GROUP BY a; SELECT b FROM t ORDER BY b DESC", False),
        ("SELECT a FROM t GROUP BY a UNION SELECT b FROM u ORDER BY b DESC", False),
        ("BEGIN SELECT a FROM t GROUP BY a LIMIT 1; DESC t; END", False),
        ("SELECT a, ROW_NUMBER() OVER (ORDER BY a DESC) FROM t GROUP BY a", False),
    ],
)
def test_an_ordered_group_is_found_and_no_other_order(text: str, ordered: bool) -> None:
    assert groups_are_ordered(bare(text)) is ordered
