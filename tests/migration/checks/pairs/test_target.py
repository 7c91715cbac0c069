"""Checks of the target and of the accounts: each tripped, and cured."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import replace

import pytest

from migration.check import Check, Verdict
from migration.checks import accounts, target
from migration.checks import replication as replication_checks
from migration.model import Side
from providers.mysql import replication
from providers.mysql.endpoint import Secret
from providers.mysql.server import Server
from tests.migration.checks.lab import Lab, account, made, session

ODD = "we`ird \"[red]' \n;db"
QUOTED = "`" + ODD.replace("`", "``") + "`"


def test_a_target_with_data_of_its_own_blocks(lab: Lab) -> None:
    assert lab.word(target.target_empty) == "OK"
    statements = (f"CREATE DATABASE {QUOTED}", f"CREATE TABLE {QUOTED}.t (a INT)", "CREATE DATABASE bare")
    with made(lab.target, *statements, undo=f"DROP DATABASE {QUOTED}; DROP DATABASE bare"):
        finding = lab.find(target.target_empty)
    assert finding.blocks
    assert [row[:2] for row in finding.result.evidence[1:]] == [("bare", "0"), (ODD, "1")]
    assert lab.word(target.target_empty) == "OK"


def test_a_target_that_follows_the_source_may_have_its_data(arrived: Lab) -> None:
    assert "arrived" in arrived.target.databases()
    assert arrived.word(target.target_empty) == "OK"


def test_somebody_elses_session_on_the_target_is_doubtful(lab: Lab) -> None:
    assert lab.word(target.target_not_written) == "OK"
    with account(lab.target, "stranger") as stranger, session(lab.target, stranger) as there:
        finding = lab.find(target.target_not_written)
        assert finding.word == "WARN"
        assert finding.result.evidence[1][:3] == (str(there.thread_id), "stranger", "127.0.0.1")


def test_the_replica_that_reads_is_nobody_else(attached: Lab) -> None:
    assert attached.word(target.target_not_written) == "OK"


def test_a_target_that_takes_writes_is_told_and_does_not_block(lab: Lab) -> None:
    finding = lab.find(target.target_read_only)
    assert (finding.word, finding.blocks) == ("NOTE", False)
    with made(lab.target, lab.target.dialect.fence, undo=lab.target.dialect.unfence):
        assert lab.word(target.target_read_only) == "OK"


def test_a_stopped_channel_blocks(attached: Lab) -> None:
    assert attached.word(replication_checks.threads) == "OK"
    replication.stop(attached.target)
    finding = attached.find(replication_checks.threads)
    assert finding.blocks
    assert "stopped" in finding.result.evidence[1][1]
    replication.start(attached.target)
    replication.wait_running(attached.target, 10)
    assert attached.word(replication_checks.threads) == "OK"


def test_a_delayed_channel_blocks(attached: Lab) -> None:
    dialect = attached.target.dialect
    replication.stop(attached.target)
    attached.target.change(f"{dialect.change_source} {dialect.source_word}_DELAY = 5")
    replication.start(attached.target)
    replication.wait_running(attached.target, 10)
    finding = attached.find(replication_checks.threads)
    assert finding.blocks
    assert finding.result.evidence[1] == ("delay", "5 s on purpose")


def test_an_applier_that_stopped_with_an_error_blocks_in_its_own_words(arrived: Lab) -> None:
    arrived.target.change(
        "SET SESSION sql_log_bin = 0; INSERT INTO arrived.t VALUES (1, 0); SET SESSION sql_log_bin = 1"
    )
    arrived.source.change("INSERT INTO arrived.t VALUES (1, 1)")
    finding = arrived.find_until("FAIL", replication_checks.threads)
    assert finding.blocks
    assert "1062" in finding.result.evidence[1][1]


@pytest.mark.parametrize("side", [Side.SOURCE, Side.TARGET])
class TestReplicationAccount:
    """The account with which the other server logs in to the one on this side."""

    def check(self, side: Side) -> Check:
        return accounts.replication_account_source if side is Side.SOURCE else accounts.replication_account_target

    def word_for(self, lab: Lab, side: Side, user: str, password: str) -> tuple[str, str]:
        users = {side.value: user}
        secrets = {f"{side.value}_replication": Secret(password)}
        finding = lab.with_secrets(**secrets).find(self.check(side), **lab.replication_users(**users))
        assert password not in str(finding.to_json())
        return finding.word, finding.result.found

    def test_passes_when_it_can_replicate(self, lab: Lab, side: Side) -> None:
        assert lab.word(self.check(side)) == "OK"

    def test_blocks_with_a_wrong_password(self, lab: Lab, side: Side) -> None:
        assert self.word_for(lab, side, "repl", "not-the-password") == ("FAIL", "it is refused")

    def test_blocks_where_it_does_not_exist(self, lab: Lab, side: Side) -> None:
        assert self.word_for(lab, side, "nob'ody", "pw-of-a-test") == ("FAIL", "there is no such account")

    def test_blocks_where_it_may_not_replicate(self, lab: Lab, side: Side) -> None:
        server = lab.source if side is Side.SOURCE else lab.target
        with account(server, "reader", "SELECT ON *.*"):
            assert self.word_for(lab, side, "reader", "pw-of-a-test") == ("FAIL", "it may not replicate")

    def test_is_unknown_where_it_may_not_log_in_from_here(self, lab: Lab, side: Side) -> None:
        server = lab.source if side is Side.SOURCE else lab.target
        with account(server, "faraway", "REPLICATION SLAVE ON *.*", host="192.0.2.%"):
            assert self.word_for(lab, side, "faraway", "pw-of-a-test") == ("UNKNOWN", "it may not log in from here")

    def test_may_have_its_privilege_through_a_role(self, lab: Lab, side: Side) -> None:
        server = lab.source if side is Side.SOURCE else lab.target
        if not (server.version.mariadb or server.version.mysql_from(8, 0)):
            pytest.skip("no roles before MySQL 8.0")
        default = "SET DEFAULT ROLE fetcher FOR" if server.version.mariadb else "SET DEFAULT ROLE fetcher TO"
        other = lab.target if side is Side.SOURCE else lab.source
        with (
            made(server, "CREATE ROLE fetcher", "GRANT REPLICATION SLAVE ON *.* TO fetcher", undo="DROP ROLE fetcher"),
            account(server, "member"),
            made(server, "GRANT fetcher TO 'member'@'%'", f"{default} 'member'@'%'", undo="DO 0"),
        ):
            word, found = self.word_for(lab, side, "member", "pw-of-a-test")
        if server.version.mysql_from(8, 0) and not other.version.mysql_from(8, 0):
            assert (word, found) == ("FAIL", "not with caching_sha2_password")
        else:
            assert word == "OK"

    def test_blocks_with_a_password_that_mysql_replicas_cut_off(self, lab: Lab, side: Side) -> None:
        server, replica = (lab.source, lab.target) if side is Side.SOURCE else (lab.target, lab.source)
        password = "p" * 33
        with account(server, "wordy", "REPLICATION SLAVE ON *.*", password=password):
            word, found = self.word_for(lab, side, "wordy", password)
        expected = (
            ("OK", "it logs in and may replicate") if replica.version.mariadb else ("FAIL", "its password is too long")
        )
        assert (word, found) == expected


def test_an_old_replica_cannot_use_a_new_login_method(lab: Lab) -> None:
    if lab.source.version.mysql_from(5, 7) or lab.source.version.mariadb:
        pytest.skip("MySQL 5.6 is the one that cannot")
    with account(lab.target, "modern", "REPLICATION SLAVE ON *.*"):
        finding = lab.with_secrets(target_replication=Secret("pw-of-a-test")).find(
            accounts.replication_account_target, **lab.replication_users(target="modern")
        )
    assert finding.blocks
    assert finding.result.found == "not with caching_sha2_password"
    assert "sha256_password with an empty password" in finding.result.remedy


@contextlib.contextmanager
def without(server: Server, *privileges: str) -> Iterator[Server]:
    """The server seen through an administrator's account that lacks some privileges."""
    with account(server, "nearly", "ALL ON *.*") as nearly:
        server.change(f"REVOKE {', '.join(privileges)} ON *.* FROM 'nearly'@'%'")
        with contextlib.closing(Server(replace(server.endpoint, account=nearly))) as seen:
            yield seen


def missing(lab: Lab, source: Server | None = None, target: Server | None = None) -> list[tuple[str, str]]:
    """Side and purpose of what the check of privileges finds missing."""
    finding = replace(lab, pair=replace(lab.pair, source=source or lab.source, other=target or lab.target)).find(
        accounts.privileges
    )
    return [(row[0], row[2]) for row in finding.result.evidence[1:]] if finding.blocks else []


def test_one_missing_privilege_is_named_by_what_it_is_needed_for(lab: Lab) -> None:
    assert lab.word(accounts.privileges) == "OK"
    control: tuple[str, ...]
    if lab.target.version.mariadb:
        control = ("REPLICATION SLAVE ADMIN", "SUPER")
    elif lab.target.version.mysql_from(8, 0):
        control = ("REPLICATION_SLAVE_ADMIN", "SUPER")
    else:
        control = ("SUPER",)
    with without(lab.target, *control) as target:
        assert ("target", "control replication") in missing(lab, target=target)
    with without(lab.target, "EVENT") as target:
        assert missing(lab, target=target) == [("target", "make the copy")]
    with without(lab.source, "PROCESS") as source:
        assert missing(lab, source=source) == [("source", "see sessions")]
    locking = ("RELOAD", "FLUSH_TABLES") if lab.source.version.mysql_from(8, 0) else ("RELOAD",)
    with without(lab.source, *locking) as source:
        needed = [] if lab.source.version.mariadb else [("source", "lock for the copy's start")]
        assert missing(lab, source=source) == needed


def test_asking_for_privileges_waits_for_nobodys_lock(lab: Lab) -> None:
    with session(lab.source) as client:
        client.run("LOCK TABLES shop.orders WRITE")
        assert lab.word(accounts.privileges) == "OK"


def test_privileges_are_complete_when_the_target_is_a_copy_already(arrived: Lab) -> None:
    assert arrived.word(accounts.privileges) == "OK"


def test_clients_without_an_account_on_the_target_are_named(lab: Lab) -> None:
    assert lab.word(accounts.client_accounts) == "OK"
    with account(lab.source, "cl[red]erk") as clerk, session(lab.source, clerk):
        missing = lab.find(accounts.client_accounts)
        assert missing.word == "WARN"
        assert missing.result.evidence[1] == ("cl[red]erk", "127.0.0.1", "no such account")
        with account(lab.target, "cl[red]erk", host="192.0.2.%"):
            elsewhere = lab.find(accounts.client_accounts)
            assert elsewhere.result.evidence[1][2] == "not from this host"
        with account(lab.target, "cl[red]erk", host="127.0.0.%"):
            there = lab.find(accounts.client_accounts)
            assert there.result.verdict is Verdict.PASSED
            assert there.result.found == "all 1 are there"
