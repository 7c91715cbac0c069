"""Checks of the applications' accounts, their rights and their connections: each tripped, and cured."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from dataclasses import replace

import pytest

from migration.check import Check, Finding, Route
from migration.checks import clients, connections, grants, of_topic
from migration.checks.run import run_check
from providers.mysql.connection import Connection
from providers.mysql.endpoint import TlsMode
from providers.mysql.server import Server
from tests.migration.checks.lab import Lab, account, made, session, setting

# 16 characters, as many as MySQL 5.6 takes.
ODD = "o'[red]\n`\u202e\"x;表 y"
QUOTED = ODD.replace("'", "''")
EVERY = (*of_topic(clients), *of_topic(grants), *of_topic(connections))
PASSWORD = "pw-of-a-test"


def rows(finding: Finding) -> list[tuple[str, ...]]:
    return list(finding.result.evidence[1:])


def on_route(lab: Lab, check: Check, route: Route) -> Finding:
    return run_check(replace(lab.pair, route=route), check)


@contextlib.contextmanager
def both(lab: Lab, user: str, host: str = "%") -> Iterator[None]:
    """An account with one password and no rights on both servers."""
    with account(lab.source, user, host=host), account(lab.target, user, host=host):
        yield


@pytest.mark.parametrize("check", EVERY, ids=lambda check: check.id)
def test_a_fresh_pair_passes(lab: Lab, check: Check) -> None:
    for route in Route:
        if check.severity_on(route) is not None:
            assert on_route(lab, check, route).word in ("OK", "-")


def test_an_account_that_is_not_on_the_target_blocks(lab: Lab) -> None:
    with account(lab.source, QUOTED, host="10.1.%"):
        finding = lab.find(clients.accounts_present)
        assert finding.blocks
        assert [row[0] for row in rows(finding)] == [f"'{ODD}'@'10.1.%'"]
        assert "before the copy begins" in finding.result.remedy
        with account(lab.target, QUOTED, host="10.1.2.3"):
            assert lab.word(clients.accounts_present) == "FAIL"
        with account(lab.target, QUOTED, host="10.1.%"):
            assert lab.word(clients.accounts_present) == "OK"
        with account(lab.target, QUOTED, host="10.%"):
            assert lab.word(clients.accounts_present) == "OK"
        assert on_route(lab, clients.accounts_present, Route.PHYSICAL).word == "NOTE"
    assert lab.word(clients.accounts_present) == "OK"


def test_accounts_that_nobody_can_use_may_stay_behind(lab: Lab) -> None:
    with account(lab.source, "rdsadmin", host="localhost"), account(lab.source, "", host="10.9.9.9"):
        assert lab.word(clients.accounts_present) == "OK"
    if lab.source.version.mariadb or lab.source.version.mysql_from(5, 7):
        with account(lab.source, "idle"):
            assert lab.word(clients.accounts_present) == "FAIL"
            lab.source.change("ALTER USER 'idle'@'%' ACCOUNT LOCK")
            assert lab.word(clients.accounts_present) == "OK"


def test_another_password_blocks_where_it_can_be_told(lab: Lab) -> None:
    with account(lab.source, "clerk"), account(lab.target, "clerk", password="pw-of-another-test"):
        finding = lab.find(clients.accounts_alike)
        kept = lab.source.value("SELECT plugin FROM mysql.user WHERE user = 'clerk'")
        there = lab.target.value("SELECT plugin FROM mysql.user WHERE user = 'clerk'")
        row = next(row for row in rows(finding) if "clerk" in row[0])
        if (kept, there) == ("mysql_native_password", "mysql_native_password"):
            assert finding.blocks
            assert row == ("'clerk'@'%'", "'clerk'@'%'", "it has another password there")
        else:
            assert finding.word == "OK"
            assert row[2].startswith("passwords cannot be compared")
        secret = lab.source.value("SELECT authentication_string FROM mysql.user WHERE user = 'clerk'")
        assert not secret or str(secret) not in str(finding.to_json())
    with both(lab, "clerk"):
        assert lab.word(clients.accounts_alike) == "OK"


def test_the_account_of_the_same_host_is_the_one_to_compare(lab: Lab) -> None:
    with (
        account(lab.target, "clerk", password="pw-of-another-test"),
        account(lab.source, "clerk", host="10.1.%"),
        account(lab.target, "clerk", host="10.1.%"),
    ):
        finding = lab.find(clients.accounts_alike)
        assert finding.word == "OK"
        assert ("'clerk'@'10.1.%'", "'clerk'@'%'") not in {row[:2] for row in rows(finding)}


def test_an_account_that_lets_nobody_in_there_blocks(lab: Lab) -> None:
    with both(lab, "clerk"):
        for statement, words in (
            ("ACCOUNT LOCK", "it is locked there"),
            ("ACCOUNT UNLOCK", ""),
            ("PASSWORD EXPIRE", "its password has expired there"),
            (f"IDENTIFIED BY '{PASSWORD}'", ""),
            ("IDENTIFIED BY ''", "it has no password there"),
        ):
            lab.target.change(f"ALTER USER 'clerk'@'%' {statement}")
            finding = lab.find(clients.accounts_alike)
            found = {row[2] for row in rows(finding) if row[0] == "'clerk'@'%'"}
            assert (finding.word, words in found) == (("FAIL", True) if words else ("OK", False)), statement


def test_a_password_that_only_the_target_wants_blocks(lab: Lab) -> None:
    with account(lab.source, "open", password=""):
        with account(lab.target, "open"):
            assert "it needs a password there" in {row[2] for row in rows(lab.find(clients.accounts_alike))}
        with account(lab.target, "open", password=""):
            assert "'open'@'%'" not in {row[0] for row in rows(lab.find(clients.accounts_alike))}


def test_an_account_that_needs_tls_on_one_side_only_is_doubtful(lab: Lab) -> None:
    with both(lab, "clerk"):
        lab.target.change("ALTER USER 'clerk'@'%' REQUIRE SSL")
        finding = lab.find(clients.accounts_tls)
        assert (finding.word, rows(finding)) == ("WARN", [("'clerk'@'%'", "-", "ANY")])
        modern = lab.source.version.mariadb or lab.source.version.mysql_from(5, 7)
        lab.source.change(f"{'ALTER USER' if modern else 'GRANT USAGE ON *.* TO'} 'clerk'@'%' REQUIRE SSL")
        assert lab.word(clients.accounts_tls) == "OK"
        lab.target.change("ALTER USER 'clerk'@'%' REQUIRE NONE")
        assert rows(lab.find(clients.accounts_tls)) == [("'clerk'@'%'", "ANY", "-")]


def test_an_anonymous_account_on_the_target_is_doubtful(lab: Lab) -> None:
    with account(lab.target, "", host="10.9.9.9"):
        finding = lab.find(clients.anonymous_accounts)
    assert (finding.word, rows(finding)[0][0]) == ("WARN", "''@'10.9.9.9'")
    with account(lab.source, "", host="10.9.9.9"):
        assert lab.word(clients.anonymous_accounts) == "OK"


def test_a_providers_accounts_are_told(lab: Lab) -> None:
    with account(lab.source, "rdsadmin", host="localhost"):
        finding = lab.find(clients.system_accounts)
    assert (finding.word, finding.blocks, rows(finding)) == ("NOTE", False, [("'rdsadmin'@'localhost'",)])


def test_both_system_accounts_of_an_rds_block_on_the_logical_route(lab: Lab) -> None:
    with account(lab.source, "root", host="10.9.9.9"), account(lab.source, "aliyun_root", host="10.9.9.9"):
        finding = on_route(lab, clients.aliyun_root, Route.LOGICAL)
    assert finding.blocks
    assert rows(finding) == [("aliyun_root",), ("root",)]
    assert clients.aliyun_root.severity_on(Route.NATIVE) is None


class TestRights:
    """What an account may do on the source and not on the target."""

    def lost(self, lab: Lab, user: str = "clerk", **changed: object) -> str:
        finding = lab.find(grants.accounts_grants, **changed)
        found = {row[0]: row[1] for row in rows(finding)}
        assert finding.word == ("WARN" if found else "OK")
        return found.get(f"'{user}'@'%'", "")

    def test_what_is_not_granted_on_the_target_is_named(self, lab: Lab) -> None:
        with both(lab, QUOTED):
            assert self.lost(lab, ODD) == ""
            lab.source.change(f"GRANT SELECT, INSERT ON `sh\\_op`.* TO '{QUOTED}'@'%'")
            lab.source.change(f"GRANT PROCESS ON *.* TO '{QUOTED}'@'%'")
            assert self.lost(lab, ODD) == "INSERT, SELECT ON sh\\_op.*; PROCESS ON *.*"
            assert self.lost(lab, ODD, databases=("other",)) == "PROCESS ON *.*"
            lab.target.change(f"GRANT SELECT, INSERT, PROCESS ON *.* TO '{QUOTED}'@'%'")
            assert self.lost(lab, ODD) == ""

    def test_a_pattern_covers_its_databases(self, lab: Lab) -> None:
        with both(lab, "clerk"):
            lab.source.change("GRANT SELECT ON shop.* TO 'clerk'@'%'")
            lab.target.change("GRANT SELECT ON `sh%`.* TO 'clerk'@'%'")
            assert self.lost(lab) == ""

    def test_what_is_within_a_database_counts_once_that_is_there(self, lab: Lab) -> None:
        with both(lab, "clerk"):
            lab.source.change("GRANT SELECT (id), UPDATE (note) ON shop.orders TO 'clerk'@'%'")
            lab.source.change("GRANT DELETE ON shop.orders TO 'clerk'@'%'")
            assert self.lost(lab) == ""
            with made(
                lab.target,
                "CREATE DATABASE shop",
                "CREATE TABLE shop.orders (id INT PRIMARY KEY, note VARCHAR(80))",
                undo="DROP DATABASE shop",
            ):
                words = self.lost(lab)
                assert words == "DELETE ON shop.orders; SELECT ON shop.orders.id; UPDATE ON shop.orders.note"
                lab.target.change("GRANT SELECT, UPDATE, DELETE ON shop.orders TO 'clerk'@'%'")
                assert self.lost(lab) == ""

    def test_a_routine_counts_too(self, lab: Lab) -> None:
        create = "CREATE PROCEDURE shop.p() SELECT 1"
        with both(lab, "clerk"), made(lab.source, create, undo="DROP PROCEDURE shop.p"):
            lab.source.change("GRANT EXECUTE ON PROCEDURE shop.p TO 'clerk'@'%'")
            with made(lab.target, "CREATE DATABASE shop", create, undo="DROP DATABASE shop"):
                assert self.lost(lab) == "EXECUTE ON PROCEDURE shop.p"
                lab.target.change("GRANT EXECUTE ON shop.* TO 'clerk'@'%'")
                assert self.lost(lab) == ""

    def test_all_is_all_of_what_a_server_has(self, lab: Lab) -> None:
        with both(lab, "clerk"):
            lab.source.change("GRANT ALL ON *.* TO 'clerk'@'%'")
            assert self.lost(lab) == "ALL PRIVILEGES ON *.*"
            lab.target.change("GRANT ALL ON *.* TO 'clerk'@'%'")
            assert self.lost(lab) == ""
            assert lab.word(grants.privileges_known) == "OK"

    def test_a_privilege_that_the_target_does_not_know_is_named_with_what_takes_its_place(self, lab: Lab) -> None:
        if not lab.source.version.mariadb or lab.target.version.mariadb:
            pytest.skip("every privilege of the source is known to the target")
        with account(lab.source, "clerk", "DELETE HISTORY, CONNECTION ADMIN ON *.*"):
            finding = lab.find(grants.privileges_known)
            assert rows(finding) == [
                ("'clerk'@'%'", "CONNECTION ADMIN", "SUPER"),
                ("'clerk'@'%'", "DELETE HISTORY", "nothing: leave it out"),
            ]
            with account(lab.target, "clerk", "SUPER ON *.*"):
                assert lab.word(grants.privileges_known) == "OK"
                assert self.lost(lab) == ""

    def test_known_privileges_pass(self, lab: Lab) -> None:
        granted = "SELECT, REPLICATION CLIENT, REPLICATION SLAVE, SUPER, PROCESS ON *.*"
        with account(lab.source, "clerk", granted):
            if lab.source.version.mariadb == lab.target.version.mariadb:
                assert lab.word(grants.privileges_known) == "OK"
            with account(lab.target, "clerk", granted):
                assert lab.word(grants.privileges_known) == "OK"
                assert self.lost(lab) == ""


def has_roles(server: Server) -> bool:
    return server.version.mariadb or server.version.mysql_from(8, 0)


def test_roles_have_to_be_there_granted_and_active(lab: Lab) -> None:
    if not has_roles(lab.source):
        pytest.skip("no roles before MySQL 8.0")

    def found() -> list[tuple[str, ...]]:
        finding = lab.find(grants.accounts_roles)
        assert finding.word == ("WARN" if rows(finding) else "OK")
        return rows(finding)

    def default(server: Server) -> str:
        return f"SET DEFAULT ROLE reader {'FOR' if server.version.mariadb else 'TO'} 'clerk'@'%'"

    role = ("CREATE ROLE reader", "GRANT SELECT ON shop.* TO reader")
    with both(lab, "clerk"), made(lab.source, *role, "GRANT reader TO 'clerk'@'%'", undo="DROP ROLE reader"):
        lab.source.change(default(lab.source))
        assert found() == [("reader", "", "there is no such role")]
        assert lab.word(clients.accounts_present) == "OK"
        if not has_roles(lab.target):
            return
        with made(lab.target, "CREATE ROLE reader", undo="DROP ROLE reader"):
            assert [row[1:] for row in found()] == [
                ("'clerk'@'%'", "it is not granted"),
                ("'clerk'@'%'", "it is not active at login"),
            ]
            assert "SELECT ON shop.*" in {row[1] for row in rows(lab.find(grants.accounts_grants))}
            lab.target.change("GRANT SELECT ON shop.* TO reader")
            assert lab.word(grants.accounts_grants) == "OK"
            lab.target.change("GRANT reader TO 'clerk'@'%'")
            lab.target.change(default(lab.target))
            assert found() == []


def test_grants_on_patterns_lose_their_sense_under_partial_revokes(lab: Lab) -> None:
    with account(lab.source, "clerk", "SELECT ON `sho_`.*"), account(lab.source, "plain", r"SELECT ON `sh\_op`.*"):
        assert lab.word(grants.wildcard_grants) == "OK"
        if not lab.target.version.mysql_from(8, 0, 16):
            return
        with setting(lab.target, "partial_revokes", "ON"):
            finding = lab.find(grants.wildcard_grants)
            assert (finding.word, rows(finding)) == ("WARN", [("'clerk'@'%'", "sho_")])
    assert lab.word(grants.wildcard_grants) == "OK"


def test_clients_without_tls_block_where_the_target_requires_it(lab: Lab) -> None:
    with account(lab.source, "clerk") as clerk:
        endpoint = replace(lab.source.endpoint, account=clerk, tls=TlsMode.DISABLED)
        if lab.source.version.mysql_from(8, 0):
            # caching_sha2_password wants TLS for its first login only.
            with session(lab.source, clerk):
                pass
        with contextlib.closing(Connection(endpoint)):
            assert lab.word(connections.clients_tls) == "OK"
            with setting(lab.target, "require_secure_transport", "ON"):
                finding = lab.find(connections.clients_tls)
                assert finding.blocks
                assert rows(finding)[0][:2] == ("clerk", "127.0.0.1")
                if lab.source.variable("performance_schema") == "ON":
                    assert (finding.word, rows(finding)[0][3]) == ("FAIL", "no TLS, which the target requires")
                else:
                    assert (finding.word, "does not tell" in finding.result.remedy) == ("UNKNOWN", True)
        with setting(lab.target, "require_secure_transport", "ON"):
            assert lab.find_until("OK", connections.clients_tls)


def test_clients_with_tls_pass_where_the_target_requires_it(lab: Lab) -> None:
    if lab.source.variable("performance_schema") != "ON":
        pytest.skip("the source does not tell how its clients connect")
    with (
        account(lab.source, "clerk") as clerk,
        session(lab.source, clerk),
        setting(lab.target, "require_secure_transport", "ON"),
    ):
        assert lab.word(connections.clients_tls) == "OK"
        with setting(lab.target, "require_secure_transport", "OFF"):
            assert lab.word(connections.clients_tls) == "OK"


def test_clients_of_the_sources_machine_need_an_account_for_its_address(lab: Lab) -> None:
    with contextlib.closing(Server(lab.target.endpoint)) as elsewhere, account(lab.source, "clerk") as clerk:
        elsewhere.identity = replace(elsewhere.identity, hostname="another-machine")
        far = replace(lab, pair=replace(lab.pair, other=elsewhere))
        assert far.word(connections.clients_local) == "OK"
        with session(lab.source, clerk):
            assert lab.word(connections.clients_local) == "-"
            with account(lab.target, "clerk", host="localhost"):
                finding = far.find(connections.clients_local)
                assert (finding.word, rows(finding)) == ("WARN", [("clerk",)])
            with account(lab.target, "clerk", host="10.%"):
                assert far.word(connections.clients_local) == "OK"


def test_who_is_connected_is_told(lab: Lab) -> None:
    with account(lab.source, "cl[red]erk", "SELECT ON shop.*") as clerk:
        with session(lab.source, clerk) as one, session(lab.source, clerk):
            one.run("USE shop")
            finding = lab.find(connections.client_inventory)
            assert (finding.word, finding.blocks, finding.result.found) == ("NOTE", False, "2 sessions of 1 user")
            assert rows(finding)[0][:4] == ("cl[red]erk", "127.0.0.1", "2", "shop")
        lab.find_until("OK", connections.client_inventory)


@contextlib.contextmanager
def seen_by(lab: Lab, *granted: str) -> Iterator[Lab]:
    """The source looked at through an account that may do no more than this."""
    with (
        account(lab.source, "low", *granted) as low,
        contextlib.closing(Server(replace(lab.source.endpoint, account=low))) as source,
    ):
        yield replace(lab, pair=replace(lab.pair, source=source))


def test_lists_that_may_not_be_read_are_unknown(lab: Lab) -> None:
    with seen_by(lab, "SELECT ON shop.*") as seen:
        for check in (*of_topic(clients), *of_topic(grants)):
            if check not in (clients.anonymous_accounts, clients.host_names, grants.wildcard_grants):
                finding = seen.find(check)
                assert (finding.word, "SELECT" in finding.result.found) == ("UNKNOWN", True), check.id
        assert seen.find(connections.client_inventory).result.found == "needs PROCESS"


def test_global_rights_that_would_be_left_out_are_unknown(lab: Lab) -> None:
    lists = ["user", "db", "tables_priv", "columns_priv", "procs_priv"]
    if lab.source.version.mariadb:
        lists.append("global_priv")
    elif has_roles(lab.source):
        lists += ["role_edges", "default_roles"]
    with seen_by(lab, *(f"SELECT ON mysql.{name}" for name in lists)) as seen:
        assert seen.word(clients.accounts_alike) == "OK"
        finding = seen.find(grants.accounts_grants)
    assert finding.word == "UNKNOWN"
    assert "SELECT" in finding.result.found


def test_a_thousand_accounts_take_a_moment(lab: Lab) -> None:
    names = ", ".join(f"'many{number}'@'10.0.{number % 250}.%'" for number in range(1000))
    with made(lab.source, f"CREATE USER {names}", undo=f"DROP USER {names}"):
        lab.source.change(f"GRANT SELECT, INSERT ON shop.* TO {names}")
        with made(lab.target, f"CREATE USER {names}", undo=f"DROP USER {names}"):
            began = time.monotonic()
            words = {check.id: lab.word(check) for check in (*of_topic(clients), *of_topic(grants))}
            assert time.monotonic() - began < 20
    assert (words["accounts-present"], words["accounts-grants"]) == ("OK", "WARN")
