"""Checks of a jump of versions: each tripped on real servers, and passing before and after."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import replace

import pytest

from migration.check import Check, Pair, Route
from migration.checks import on_route, versions, words
from migration.checks.jumps.functions import FUNCTIONS
from migration.checks.jumps.modes import MODES
from migration.checks.jumps.reserved import RESERVED, reserved
from migration.checks.run import run_check
from providers.mysql.connection import Connection
from providers.mysql.errors import StatementFailed
from tests.migration.checks.lab import Lab, made, session, setting

ODD = "we`ird \"[red]' \n;db"
QUOTED = "`" + ODD.replace("`", "``") + "`"
# 64 characters, the last of them written from right to left.
LONG = "ŝ" * 60 + "שלום"

EVERY: tuple[Check, ...] = tuple(
    found for topic in (versions, words) for found in vars(topic).values() if isinstance(found, Check)
)
ABOUT_THE_SOURCE_ALONE = (words.encoded_names, words.server_names)


@contextlib.contextmanager
def in_odd(lab: Lab, *statements: str) -> Iterator[None]:
    """A database with an odd name for a while, in which the statements are run one after the other."""
    with (
        made(lab.source, f"CREATE DATABASE {QUOTED} CHARACTER SET utf8mb4", undo=f"DROP DATABASE {QUOTED}"),
        session(lab.source) as client,
    ):
        for statement in (f"USE {QUOTED}", *statements):
            client.run(statement)
        yield


def is_pair(lab: Lab, source: str, target: str) -> bool:
    """Whether the pair is of these series; `MariaDB` stands for any of its."""
    names = [f"{server.version.flavor} {server.version.series}" for server in (lab.source, lab.target)]
    return names[0].startswith(source) and names[1].startswith(target)


def same(lab: Lab) -> bool:
    """Whether both servers are of one version."""
    return lab.source.version == lab.target.version


@pytest.mark.parametrize("check", EVERY, ids=lambda check: check.id)
def test_a_healthy_pair_passes(lab: Lab, check: Check) -> None:
    if check is versions.changed_defaults and not same(lab):
        pytest.skip("the defaults of its versions do differ; below")
    assert lab.word(check) in ("OK", "-")


@pytest.mark.parametrize("check", EVERY, ids=lambda check: check.id)
def test_without_a_target_only_the_sources_own_questions_are_asked(lab: Lab, check: Check) -> None:
    alone = Pair(lab.source, None, lab.pair.spec, lab.pair.secrets, lab.pair.positioning)
    assert run_check(alone, check).word == ("OK" if check in ABOUT_THE_SOURCE_ALONE else "-")


def test_names_that_become_reserved_are_named_with_their_kind(lab: Lab) -> None:
    word = "RaNk" if is_pair(lab, "MySQL 5.6", "MySQL 9.7") else "StoreD"
    with in_odd(
        lab,
        f"CREATE TABLE `{word}` (id INT PRIMARY KEY, `{word}` INT, plain INT) ENGINE=InnoDB",
        f"CREATE VIEW {QUOTED} AS SELECT plain AS `{word}` FROM `{word}`",
        f"CREATE PROCEDURE `{word}`() SELECT 1",
        f"CREATE TRIGGER `{word}` BEFORE INSERT ON `{word}` FOR EACH ROW SET NEW.plain = 1",
        f"CREATE EVENT `{word}` ON SCHEDULE EVERY 1 DAY DISABLE DO SELECT 1",
        "CREATE TABLE plain (id INT PRIMARY KEY, `select` INT, name INT) ENGINE=InnoDB",
    ):
        finding = lab.find(words.reserved_words)
        assert lab.word(words.reserved_words, databases=("shop",)) == "OK"
    if same(lab):
        assert finding.word == "OK"
        return
    assert (finding.word, finding.result.found) == ("WARN", "6 names are reserved there")
    assert sorted(row[:3] for row in finding.result.evidence[1:]) == sorted([
        ("table", ODD, word),
        ("column", f"{ODD}.{word}", word),
        ("column", f"{ODD}.{ODD}", word),
        ("procedure", ODD, word),
        ("trigger", ODD, word),
        ("event", ODD, word),
    ])  # fmt: skip
    assert {row[3] for row in finding.result.evidence[1:]} <= {"MySQL 8.0.11", "MySQL 5.7.6"}
    assert lab.word(words.reserved_words) == "OK"


def test_a_database_whose_name_becomes_reserved_is_named(lab: Lab) -> None:
    with made(lab.source, "CREATE DATABASE `virtual`", undo="DROP DATABASE `virtual`"):
        finding = lab.find(words.reserved_words)
    assert finding.word == ("OK" if same(lab) else "WARN")
    if not same(lab):
        assert finding.result.evidence[1][:3] == ("database", "", "virtual")


def test_names_with_a_dollar_in_front_are_told(lab: Lab) -> None:
    with in_odd(lab, "CREATE TABLE `$[red]` (a INT PRIMARY KEY)", "CREATE TABLE us$ (a INT PRIMARY KEY)"):
        finding = lab.find(words.dollar_names)
    if not is_pair(lab, "MySQL 5.6", "MySQL 9.7"):
        assert finding.word == "-"
        return
    assert (finding.word, finding.blocks) == ("NOTE", False)
    assert finding.result.evidence[1:] == (("table", ODD, "$[red]"),)
    assert lab.word(words.dollar_names) == "OK"


def test_a_directory_that_no_server_has_made_is_told(lab: Lab) -> None:
    stray = lab.two.sandbox[0].data_dir / "lost+found"
    stray.mkdir()
    try:
        finding = lab.find(words.encoded_names)
        assert lab.word(words.encoded_names, databases=("shop",)) == "OK"
    finally:
        stray.rmdir()
    if lab.source.version.mysql_from(8, 0):
        assert finding.word == "OK"
        return
    assert (finding.word, finding.blocks) == ("NOTE", False)
    assert finding.result.evidence[1:] == (("database", "", "#mysql50#lost+found"),)
    assert lab.word(words.encoded_names) == "OK"


def test_a_database_of_ones_own_named_sys_stays_behind(lab: Lab) -> None:
    if not is_pair(lab, "MySQL 5.6", ""):
        pytest.skip("the server has a database sys of its own")
    own = ("CREATE TABLE sys.sys_config (a INT PRIMARY KEY)", "CREATE VIEW sys.version AS SELECT 1 AS a")
    with made(lab.source, "CREATE DATABASE sys", *own, undo="DROP DATABASE sys"):
        assert lab.word(words.server_names) == "OK"
        lab.source.change(f"CREATE TABLE sys.{QUOTED} (a INT PRIMARY KEY)")
        finding = lab.find(words.server_names)
    assert finding.word == "WARN"
    assert finding.result.evidence[1][:2] == ("sys", ODD)
    assert lab.word(words.server_names) == "OK"


def test_a_table_in_the_way_of_the_dictionary_blocks_where_files_are_taken_over(lab: Lab) -> None:
    assert words.dictionary_names not in on_route(Route.NATIVE)
    if not is_pair(lab, "MySQL 5.6", "MySQL 9.7"):
        assert lab.word(words.dictionary_names) == "-"
        return
    by_files = replace(lab, pair=replace(lab.pair, route=Route.PHYSICAL))
    assert by_files.word(words.dictionary_names) == "OK"
    with made(lab.source, "CREATE TABLE mysql.Routines (a INT)", undo="DROP TABLE mysql.Routines"):
        finding = by_files.find(words.dictionary_names)
    assert finding.blocks
    assert finding.result.evidence[1][0] == "Routines"
    assert by_files.word(words.dictionary_names) == "OK"


def test_calls_of_functions_that_are_gone_block(lab: Lab) -> None:
    name = "ENCODE" if is_pair(lab, "MySQL 5.6", "MySQL 9.7") else "JSON_QUERY"
    if lab.source.version.mysql_from(8, 0):
        name = "IFNULL"
    call = f"{name}('a', 'b')"
    own = f"CREATE FUNCTION {name}(a TEXT, b TEXT) RETURNS TEXT DETERMINISTIC NO SQL RETURN 'own'"
    with in_odd(
        lab,
        f"CREATE VIEW `{LONG}` AS SELECT {call} AS a",
        f"CREATE FUNCTION {QUOTED}() RETURNS TEXT DETERMINISTIC NO SQL RETURN {call}",
        "CREATE TABLE t (a VARCHAR(9) PRIMARY KEY)",
        f"CREATE TRIGGER {QUOTED} BEFORE INSERT ON t FOR EACH ROW SET NEW.a = {call}",
        f"CREATE EVENT {QUOTED} ON SCHEDULE EVERY 1 DAY DISABLE DO DO {call}",
        own,
        f"CREATE VIEW calls_its_own AS SELECT {QUOTED}.{call} AS a",
        f"CREATE PROCEDURE only_says_so() SELECT '{name}(1)' /* {name}(2) */",
    ):
        finding = lab.find(versions.removed_functions)
        assert lab.word(versions.removed_functions, databases=("shop",)) == "OK"
    if same(lab):
        assert finding.word == "OK"
        return
    assert (finding.blocks, finding.result.found) == (True, "1 is not there")
    assert [row[:3] for row in finding.result.evidence[1:]] == [
        ("view", f"{ODD}.{LONG}", name),
        ("function", f"{ODD}.{ODD}", name),
        ("trigger", f"{ODD}.{ODD}", name),
        ("event", f"{ODD}.{ODD}", name),
    ]
    assert lab.word(versions.removed_functions) == "OK"


def test_a_generated_column_and_a_check_that_call_what_is_gone_block(lab: Lab) -> None:
    if not is_pair(lab, "MariaDB", "MySQL 5.7"):
        pytest.skip("the source has generated columns and functions that the target lacks")
    columns = (
        "a VARCHAR(9) PRIMARY KEY, `[red]` VARCHAR(9) AS (JSON_QUERY(a, '$')), CONSTRAINT c CHECK (NVL2(a, 1, 0) = 1)"
    )
    with in_odd(lab, f"CREATE TABLE t ({columns})"):
        finding = lab.find(versions.removed_functions)
    assert finding.blocks
    assert {row[:3] for row in finding.result.evidence[1:]} == {
        ("column", f"{ODD}.t.[red]", "JSON_QUERY"),
        ("check", f"{ODD}.c", "NVL2"),
    }


def test_a_component_that_has_the_functions_cures_it(lab: Lab) -> None:
    if not is_pair(lab, "MySQL 5.6", "MySQL 9.7"):
        pytest.skip("MD5 and SHA1 are a component's from MySQL 9.6 on")
    component = "COMPONENT 'file://component_classic_hashing'"
    with made(
        lab.source, "CREATE VIEW shop.sums AS SELECT md5(note) AS sum FROM shop.orders", undo="DROP VIEW shop.sums"
    ):
        finding = lab.find(versions.removed_functions)
        assert finding.blocks
        assert finding.result.evidence[1][:3] == ("view", "shop.sums", "MD5")
        with made(lab.target, f"INSTALL {component}", undo=f"UNINSTALL {component}"):
            assert lab.word(versions.removed_functions) == "OK"
        assert lab.find(versions.removed_functions).blocks


def test_groups_with_an_order_block(lab: Lab) -> None:
    if lab.source.version.mysql_from(8, 0):
        assert lab.word(versions.group_by_order) == "-"
        return
    with in_odd(
        lab,
        f"CREATE VIEW `{LONG}` AS SELECT note FROM shop.orders GROUP BY note DESC",
        f"CREATE PROCEDURE {QUOTED}() SELECT note FROM shop.orders GROUP BY note ASC",
        "CREATE VIEW plain AS SELECT note FROM shop.orders GROUP BY note ORDER BY note DESC",
        "CREATE PROCEDURE plain() SELECT GROUP_CONCAT(note ORDER BY note DESC) FROM shop.orders GROUP BY note",
    ):
        finding = lab.find(versions.group_by_order)
    if not lab.target.version.mysql_from(8, 0):
        assert finding.word == "-"
        return
    assert (finding.blocks, finding.result.found) == (True, "2 do")
    assert finding.result.evidence[1:] == (("view", ODD, LONG), ("procedure", ODD, ODD))
    assert lab.word(versions.group_by_order) == "OK"


def test_modes_that_were_dropped_are_told_but_the_one_that_everybody_has(lab: Lab) -> None:
    if lab.source.version.mysql_from(8, 0):
        pytest.skip("the source has none of them")
    routine = f"CREATE PROCEDURE {QUOTED}() SELECT 1"
    with (
        setting(lab.source, "sql_mode", "'NO_AUTO_CREATE_USER,STRICT_ALL_TABLES'"),
        in_odd(lab, "SET sql_mode = 'NO_AUTO_CREATE_USER'", routine),
    ):
        assert lab.word(versions.obsolete_sql_modes) == "OK"
    with setting(lab.source, "sql_mode", "'NO_FIELD_OPTIONS'"), in_odd(lab, "SET sql_mode = 'MYSQL40'", routine):
        finding = lab.find(versions.obsolete_sql_modes)
    if not lab.target.version.mysql_from(8, 0):
        assert finding.word == "OK"
        return
    assert (finding.word, finding.result.found) == ("NOTE", "2 have a mode that is dropped")
    assert ("server", "", "NO_FIELD_OPTIONS") in finding.result.evidence
    assert ("procedure", f"{ODD}.{ODD}", "MYSQL40") in finding.result.evidence
    assert lab.word(versions.obsolete_sql_modes) == "OK"


def test_an_object_in_a_mode_of_the_other_family_blocks(lab: Lab) -> None:
    if not is_pair(lab, "MariaDB", "MySQL"):
        assert lab.word(versions.foreign_sql_modes) == "-"
        return
    with in_odd(
        lab,
        "SET sql_mode = 'SIMULTANEOUS_ASSIGNMENT,STRICT_ALL_TABLES'",
        f"CREATE PROCEDURE {QUOTED}() SELECT 1",
        "SET sql_mode = 'ORACLE'",
        "CREATE PROCEDURE pl AS BEGIN SELECT 1; END",
    ):
        finding = lab.find(versions.foreign_sql_modes)
        assert lab.word(versions.foreign_sql_modes, databases=("shop",)) == "OK"
    assert finding.blocks
    assert set(finding.result.evidence[1:]) == {
        ("procedure", f"{ODD}.{ODD}", "SIMULTANEOUS_ASSIGNMENT"),
        ("procedure", f"{ODD}.pl", "ORACLE, SIMULTANEOUS_ASSIGNMENT"),
    }
    assert lab.word(versions.foreign_sql_modes) == "OK"


def test_a_setting_that_the_target_lacks_is_missed_until_another_does_its_work(lab: Lab) -> None:
    if same(lab):
        pytest.skip("the target has what the source has")
    if lab.source.version.mariadb:
        name, value, instead, there = "max_statement_time", "1.5", "max_execution_time", "1500"
    else:
        name, value, instead, there = "tx_isolation", "'READ-COMMITTED'", "transaction_isolation", "'READ-COMMITTED'"
    with setting(lab.source, name, value):
        finding = lab.find(versions.removed_variables)
        assert (finding.word, finding.result.found) == ("WARN", "1 is not carried over")
        assert finding.result.evidence[1][0] == name
        assert finding.result.evidence[1][3].startswith(f"{instead} = ")
        with setting(lab.target, instead, there):
            assert lab.word(versions.removed_variables) == "OK"
    assert lab.word(versions.removed_variables) == "OK"


def test_a_setting_without_a_successor_is_missed(lab: Lab) -> None:
    if not is_pair(lab, "MariaDB", "MySQL"):
        pytest.skip("a setting of MariaDB only")
    with setting(lab.source, "idle_write_transaction_timeout", "60"):
        finding = lab.find(versions.removed_variables)
    assert finding.result.evidence[1][:2] == ("idle_write_transaction_timeout", "60")
    assert finding.result.evidence[1][3] == "nothing does the same"


def test_defaults_that_differ_are_told_until_they_are_set(lab: Lab) -> None:
    name, value = ("local_infile", "ON") if lab.target.version.mysql_from(8, 0) else ("group_concat_max_len", "1048576")
    finding = lab.find(versions.changed_defaults)
    if same(lab):
        assert finding.word == "OK"
        return
    assert (finding.word, finding.blocks) == ("NOTE", False)
    assert name in {row[0] for row in finding.result.evidence}
    with setting(lab.target, name, value):
        after = lab.find(versions.changed_defaults)
    assert name not in {row[0] for row in after.result.evidence}


def test_a_character_set_with_two_names_is_one_default(lab: Lab) -> None:
    if not is_pair(lab, "MySQL 5.6", "MySQL 9.7"):
        pytest.skip("one calls it utf8, the other utf8mb3")

    def differing() -> set[str]:
        return {row[0] for row in lab.find(versions.changed_defaults).result.evidence}

    with contextlib.ExitStack() as settings:
        settings.enter_context(setting(lab.target, "collation_server", lab.target.variable("collation_server") or ""))
        settings.enter_context(setting(lab.target, "character_set_server", "utf8mb3"))
        assert "character_set_server" in differing()
        settings.enter_context(setting(lab.source, "collation_server", lab.source.variable("collation_server") or ""))
        settings.enter_context(setting(lab.source, "character_set_server", "utf8"))
        assert "character_set_server" not in differing()


def test_text_of_three_bytes_is_counted(lab: Lab) -> None:
    with in_odd(
        lab,
        "CREATE TABLE t (a VARCHAR(9) CHARACTER SET utf8 PRIMARY KEY, b TEXT CHARACTER SET utf8, c TEXT, d INT)",
        f"CREATE TABLE {QUOTED} (a VARCHAR(9) CHARACTER SET latin1 PRIMARY KEY)",
    ):
        finding = lab.find(versions.utf8mb3)
    if not is_pair(lab, "MySQL 5.6", "MySQL 9.7"):
        assert finding.word == "-"
        return
    assert (finding.word, finding.result.found) == ("NOTE", "2 columns")
    assert finding.result.evidence[1:] == ((ODD, "2"),)
    assert lab.word(versions.utf8mb3) == "OK"


def test_an_account_whose_login_method_is_gone_is_named_until_it_is_there(lab: Lab) -> None:
    name = "'[red] שלום'@'10.1.%'"
    plugin = "unix_socket" if lab.source.version.mariadb else "mysql_native_password"
    if lab.source.version.mysql_from(8, 0):
        plugin = "caching_sha2_password"
    with made(lab.source, f"CREATE USER {name} IDENTIFIED WITH {plugin}", undo=f"DROP USER {name}"):
        finding = lab.find(versions.authentication_plugins)
        if same(lab):
            assert finding.word == "OK"
            return
        assert (finding.word, finding.result.found) == ("WARN", "1 account")
        assert finding.result.evidence[1][:3] == (name, plugin, "not there")
        with made(lab.target, f"CREATE USER {name} IDENTIFIED BY 'Pw-of-a-test-1'", undo=f"DROP USER {name}"):
            assert lab.word(versions.authentication_plugins) == "OK"
        assert lab.word(versions.authentication_plugins) == "WARN"
    assert lab.word(versions.authentication_plugins) == "OK"


def test_a_password_of_before_4_1_is_a_method_of_its_own(lab: Lab) -> None:
    if not is_pair(lab, "MySQL 5.6", "MySQL 9.7"):
        pytest.skip("later servers have no such passwords")
    create = "CREATE USER old@localhost IDENTIFIED WITH mysql_old_password"
    stored = "UPDATE mysql.user SET password = '565491d704013245' WHERE user = 'old'"
    with made(lab.source, create, stored, undo="DROP USER old@localhost"):
        finding = lab.find(versions.authentication_plugins)
    assert finding.result.evidence[1][:2] == ("'old'@'localhost'", "mysql_old_password")


def test_a_pair_turned_round_has_nothing_against_it(lab: Lab) -> None:
    back = replace(lab, pair=replace(lab.pair, source=lab.target, other=lab.source))
    for check in EVERY:
        assert back.find(check).word != "UNKNOWN", check.id


NOT_THERE = frozenset({1046, 1064, 1305})
# They are called in a way of their own.
UNLIKE_OTHERS = frozenset({
    "COLUMN_GET", "CUME_DIST", "DENSE_RANK", "FIRST_VALUE", "LAG", "LASTVAL", "LAST_VALUE", "LEAD", "MEDIAN", "NEXTVAL",
    "NTH_VALUE", "NTILE", "PERCENTILE_CONT", "PERCENTILE_DISC", "PERCENT_RANK", "RANK", "ROW_NUMBER", "SETVAL",
})  # fmt: skip


def refusals(client: Connection, *statements: str) -> list[int]:
    """The error that each statement ends with, 0 for none."""
    codes = []
    for statement in statements:
        try:
            client.rows(statement)
            codes.append(0)
        except StatementFailed as error:
            codes.append(error.code)
    return codes


@pytest.mark.parametrize("side", ["source", "target"])
def test_the_table_of_functions_says_what_the_server_says(lab: Lab, side: str) -> None:
    server = lab.source if side == "source" else lab.target
    calls = ("()", "('1')", "('1', '1')", "('1', '1', '1')")
    wrong = []
    with made(server, "CREATE DATABASE asked", undo="DROP DATABASE asked"), session(server) as client:
        client.run("USE asked")
        for rule in FUNCTIONS:
            said = any(span.covers(server.version) for span in rule.native)
            for name in rule.names - UNLIKE_OTHERS:
                codes = refusals(client, *(f"EXPLAIN SELECT {name}{call}" for call in calls))
                if said is (set(codes) <= NOT_THERE):
                    wrong.append((name, said, codes))
    assert not wrong


@pytest.mark.parametrize("side", ["source", "target"])
def test_the_table_of_words_says_what_the_server_says(lab: Lab, side: str) -> None:
    server = lab.source if side == "source" else lab.target
    known = reserved(server.version)
    wrong = []
    with made(server, "CREATE DATABASE asked", undo="DROP DATABASE asked"), session(server) as client:
        for word in sorted({word for rule in RESERVED for word in rule.words}):
            (code,) = refusals(client, f"CREATE TABLE asked.t ({word} INT)")
            refusals(client, "DROP TABLE IF EXISTS asked.t")
            if (code == 1064) is not (word in known):
                wrong.append((word, code))
    assert not wrong


@pytest.mark.parametrize("side", ["source", "target"])
def test_the_table_of_modes_says_what_the_server_says(lab: Lab, side: str) -> None:
    server = lab.source if side == "source" else lab.target
    with session(server) as client:
        for rule in MODES:
            known = any(span.covers(server.version) for span in rule.known)
            for name in rule.names:
                (code,) = refusals(client, f"SET SESSION sql_mode = '{name}'")
                assert (code == 0) is known, name
