"""What the checks say about versions, logins, grants and statements, without any server."""

from __future__ import annotations

import pytest

from migration.check import Route, Severity
from migration.checks import again_on_route, on_route
from migration.checks.accounts import host_matches
from migration.checks.jumps.pairs import caution, refusal
from migration.checks.results import changes_something, first_word, literal, shown, table
from migration.checks.run import missing_privilege
from migration.checks.sight import holds, parse_grants
from providers.mysql.bridge.need import login_obstacle
from providers.mysql.errors import PrivilegeMissing
from providers.mysql.version import Flavor, Version


def version(text: str) -> Version:
    flavor, number = text.split("-")
    major, minor, patch = (int(part) for part in (number + ".0.0").split(".")[:3])
    return Version(Flavor.MARIADB if flavor == "mariadb" else Flavor.MYSQL, (major, minor, patch))


@pytest.mark.parametrize(
    ("source", "target"),
    [
        ("mysql-5.7", "mysql-5.6"),
        ("mysql-9.7", "mysql-5.7"),
        ("mysql-8.4", "mysql-8.0"),
        ("mysql-5.5", "mysql-5.7"),
        ("mariadb-10.11", "mysql-9.7"),
        ("mariadb-10.5", "mysql-8.0"),
        ("mysql-9.7", "mariadb-11.8"),
        ("mariadb-10.11", "mariadb-10.5"),
    ],
)
def test_a_pair_that_cannot_replicate_is_refused_with_both_names(source: str, target: str) -> None:
    words = refusal(version(source), version(target))
    assert words
    assert str(version(source)) in words or str(version(target)) in words


@pytest.mark.parametrize(
    ("source", "target", "careful"),
    [
        ("mysql-5.6", "mysql-5.6", False),
        ("mysql-5.6", "mysql-5.7", False),
        ("mysql-5.7", "mysql-8.0", False),
        ("mysql-8.0", "mysql-8.4", False),
        ("mysql-8.4", "mysql-9.7", False),
        ("mysql-8.4.3", "mysql-8.4.9", False),
        ("mysql-8.4.9", "mysql-8.4.3", True),
        ("mysql-5.6", "mysql-8.0", True),
        ("mysql-5.6", "mysql-9.7", True),
        ("mysql-5.7", "mysql-9.7", True),
        ("mysql-8.0", "mysql-9.7", True),
        ("mysql-5.6", "mariadb-10.11", True),
        ("mariadb-10.11", "mysql-5.7", True),
        ("mariadb-10.5", "mariadb-11.8", False),
        ("mariadb-11.8", "mariadb-10.11", True),
    ],
)
def test_a_pair_that_can_replicate_is_let_through_with_care_where_it_needs_it(
    source: str, target: str, careful: bool
) -> None:
    assert refusal(version(source), version(target)) == ""
    assert bool(caution(version(source), version(target))) is careful


@pytest.mark.parametrize(
    ("plugin", "replica", "encrypted", "has_password", "works"),
    [
        ("mysql_native_password", "mysql-9.7", False, True, True),
        ("", "mysql-5.6", False, True, True),
        ("caching_sha2_password", "mysql-5.6", True, True, False),
        ("caching_sha2_password", "mysql-5.7.20", True, True, False),
        ("caching_sha2_password", "mysql-5.7.29", True, True, True),
        ("caching_sha2_password", "mysql-5.7.29", False, True, False),
        ("caching_sha2_password", "mysql-9.7", False, True, True),
        ("caching_sha2_password", "mariadb-10.11", True, True, False),
        ("sha256_password", "mysql-5.6", False, True, False),
        ("sha256_password", "mysql-5.6", False, False, True),
        ("sha256_password", "mysql-8.0", True, True, True),
        ("sha256_password", "mariadb-10.11", True, True, False),
        ("ed25519", "mariadb-10.11", True, True, True),
        ("ed25519", "mysql-5.7", True, True, False),
        ("unix_socket", "mariadb-10.11", True, True, False),
    ],
)
def test_a_replica_logs_in_only_through_a_plugin_that_it_knows(
    plugin: str, replica: str, encrypted: bool, has_password: bool, works: bool
) -> None:
    assert (login_obstacle(plugin, version(replica), encrypted=encrypted, has_password=has_password) == "") is works


@pytest.mark.parametrize(
    ("pattern", "host", "matches"),
    [
        ("%", "10.1.2.3", True),
        ("10.1.%", "10.1.2.3", True),
        ("10.1.%", "10.2.2.3", False),
        ("10.1.0.0/255.255.0.0", "10.1.2.3", True),
        ("10.1.0.0/255.255.0.0", "10.2.2.3", False),
        ("10.1.0.0/255.255.0.0", "db.example.org", False),
        ("db_.example.org", "DB1.example.org", True),
        ("db.example.org", "dbxexample.org", False),
        ("localhost", "10.1.2.3", False),
    ],
)
def test_host_patterns_are_the_servers(pattern: str, host: str, matches: bool) -> None:
    assert host_matches(pattern, host) is matches


def test_grants_are_read_from_the_level_asked_for_only() -> None:
    lines = [
        "GRANT USAGE ON *.* TO `low`@`%` IDENTIFIED BY PASSWORD '*B69027D44F6E5EDC07F1AEAD1477967B16F28227'",
        "GRANT SELECT, LOCK TABLES ON `a``b`.* TO `low`@`%`",
        "GRANT `boss`@`%` TO `low`@`%`",
        "GRANT BINLOG_ADMIN,XA_RECOVER_ADMIN ON *.* TO `low`@`%` WITH GRANT OPTION",
    ]
    assert parse_grants(lines) == {"USAGE", "BINLOG_ADMIN", "XA_RECOVER_ADMIN"}
    assert parse_grants(lines, "`a``b`.*") == {"SELECT", "LOCK TABLES"}
    assert holds(parse_grants(lines), "BINLOG ADMIN")
    assert not holds(parse_grants(lines), "SELECT")
    assert holds(parse_grants(["GRANT ALL PRIVILEGES ON *.* TO 'a'@'%'"]), "SELECT")


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE USER a IDENTIFIED BY 'hunter2'",
        'ALTER USER a IDENTIFIED BY "hunter2"',
        r"SET PASSWORD = 'it\'s hunter2'",
        "UPDATE t SET a = 'two '' quotes hunter2' WHERE b = 'cut off hunter2",
        "INSERT INTO t VALUES ('line\none hunter2')",
    ],
)
def test_a_clients_statement_is_shown_without_its_literals(statement: str) -> None:
    assert "hunter2" not in shown(statement)
    assert shown(statement).startswith(first_word(statement))


def test_a_long_statement_is_cut() -> None:
    assert len(shown("UPDATE t SET " + "a = a + 1, " * 100)) == 80


@pytest.mark.parametrize(
    ("statement", "word"),
    [
        ("select 1", "SELECT"),
        ("/* app:1 */ /*2*/ update t set a=1", "UPDATE"),
        ("-- note\n  Delete from t", "DELETE"),
        ("# note\n(SELECT 1)", "SELECT"),
        ("", ""),
    ],
)
def test_the_first_word_of_a_statement_is_found_behind_comments(statement: str, word: str) -> None:
    assert first_word(statement) == word


@pytest.mark.parametrize(
    ("statement", "changes"),
    [
        ("SELECT 'x FOR UPDATE' FROM t", False),
        ("SELECT * FROM t WHERE id = 1 for  update", True),
        ("WITH a AS (SELECT 1) SELECT * FROM a", False),
        ("WITH a AS (SELECT 1) DELETE FROM t", True),
        ("/* x */ ALTER TABLE t ADD KEY (a)", True),
        ("CALL p()", True),
        ("EXPLAIN UPDATE t SET a = 1", False),
        ("", False),
    ],
)
def test_a_statement_that_only_reads_does_not_hold_up_a_fence(statement: str, changes: bool) -> None:
    assert changes_something(statement) is changes


def test_values_become_literals_that_cannot_leave_their_quotes() -> None:
    assert literal("67108864") == "67108864"
    assert literal("STRICT_TRANS_TABLES,X") == "'STRICT_TRANS_TABLES,X'"
    assert literal("a' OR '\\") == "'a'' OR ''\\\\'"


def test_evidence_tells_how_much_of_it_was_left_out() -> None:
    rows = table(("a", "b"), [(n, None) for n in range(203)])
    assert rows[0] == ("a", "b")
    assert rows[1] == ("0", "")
    assert rows[-1] == ("... and 3 more", "")
    assert len(rows) == 202


@pytest.mark.parametrize(
    ("words", "privilege"),
    [
        ("(1227: Access denied; you need (at least one of) the SUPER, BINLOG MONITOR privilege(s) for this operation)",
         "SUPER, BINLOG MONITOR"),
        ("(1142: SELECT command denied to user 'low'@'127.0.0.1' for table `mysql`.`user`); grant it.",
         "SELECT on `mysql`.`user`"),
        ("(1142: SELECT command denied to user 'low'@'127.0.0.1' for table 'user'); grant it.", "SELECT on 'user'"),
        ("something new", "a privilege"),
    ],
)  # fmt: skip
def test_the_missing_privilege_is_named_in_the_servers_words(words: str, privilege: str) -> None:
    assert missing_privilege(PrivilegeMissing("source", words)) == privilege


def test_the_catalogue_is_complete_in_itself() -> None:
    ids = [check.id for check in on_route(Route.NATIVE)]
    assert len(set(ids)) == len(ids)
    assert {check.id for check in again_on_route(Route.NATIVE)} <= set(ids)
    for check in on_route(Route.NATIVE):
        assert check.why.endswith("."), check.id
        assert check.asks, check.id
        assert len(check.title) <= 36, check.id
        assert isinstance(check.severity, Severity), check.id
