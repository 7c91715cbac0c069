"""Checks of who the servers are, what they log and how they are set: each tripped, and cured."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import replace

import pytest

from migration.checks import binlog, parameters, schema, servers, target
from migration.model import Positioning, Side
from providers.mysql import replication
from providers.mysql.endpoint import Account, Secret
from providers.mysql.position import FilePosition
from providers.mysql.replication import Channel
from providers.mysql.server import Server
from tests.migration.checks.lab import Lab, made, setting


@contextlib.contextmanager
def following_elsewhere(server: Server) -> Iterator[None]:
    """A channel to a server that is neither of the two, never started."""
    account = Account("nobody", Secret("x"))
    replication.configure(
        server, Channel("192.0.2.1", 3306, account, FilePosition("binlog.000001", 4), encrypted=False, fetch_key=False)
    )
    try:
        yield
    finally:
        replication.forget(server)


def test_a_server_is_not_moved_onto_itself(lab: Lab) -> None:
    assert lab.word(servers.same_server) == "OK"
    itself = replace(lab, pair=replace(lab.pair, target=lab.source))
    finding = itself.find(servers.same_server)
    assert finding.blocks
    assert lab.source.identity.uid in finding.result.evidence[1]


def test_the_versions_are_judged_in_the_direction_of_the_move(lab: Lab) -> None:
    assert lab.word(servers.version_pair) == "OK"
    back = replace(lab, pair=replace(lab.pair, source=lab.target, target=lab.source))
    older = lab.source.version != lab.target.version and not lab.source.version.mariadb
    assert back.find(servers.version_pair).blocks is older


def test_equal_server_ids_block_and_the_fix_gives_another(lab: Lab) -> None:
    with setting(lab.target, "server_id", str(lab.source.variable("server_id"))):
        assert lab.find(servers.server_ids).blocks
        lab.fixed_and_back(servers.server_ids)
    assert lab.word(servers.server_ids) == "OK"


def test_server_id_0_blocks(lab: Lab) -> None:
    if lab.source.version.mariadb:
        lab.source.change("SET GLOBAL server_id = 0")
        assert lab.source.variable("server_id") != "0"  # MariaDB has no such number
        lab.source.change(f"SET GLOBAL server_id = {lab.source.identity.server_id}")
        return
    with setting(lab.source, "server_id", "0"):
        finding = lab.find(servers.server_ids)
        assert finding.blocks
        (fix,) = finding.result.fixes
        assert fix.side is Side.SOURCE
        lab.fixed_and_back(servers.server_ids)


def test_server_id_1_is_doubtful(lab: Lab) -> None:
    with setting(lab.target, "server_id", "1"):
        finding = lab.find(servers.server_id_default)
        assert (finding.word, finding.result.found) == ("WARN", "1 on the target")
        assert lab.word(servers.server_ids) == "OK"
    assert lab.word(servers.server_id_default) == "OK"


def test_a_database_that_is_not_there_blocks(lab: Lab) -> None:
    assert lab.word(servers.databases, databases=("shop",)) == "OK"
    finding = lab.find(servers.databases, databases=("shop", "[red]shøp`"))
    assert finding.blocks
    assert finding.result.evidence[1:] == (("shop", "yes"), ("[red]shøp`", "no"))


def test_a_server_without_databases_blocks(lab: Lab) -> None:
    empty = replace(lab, pair=replace(lab.pair, source=lab.target))
    assert empty.find(servers.databases).blocks


@pytest.mark.parametrize("side", [Side.SOURCE, Side.TARGET])
def test_a_server_that_follows_a_third_one_blocks(lab: Lab, side: Side) -> None:
    assert lab.word(servers.already_replica) == "OK"
    with following_elsewhere(lab.source if side is Side.SOURCE else lab.target):
        finding = lab.find(servers.already_replica)
        assert finding.blocks
        assert finding.result.evidence[1][:2] == (side.value, "192.0.2.1:3306")
        assert lab.find(target.threads).blocks is (side is Side.TARGET)


def test_a_channel_made_anew_is_not_taken_for_the_one_before(arrived: Lab) -> None:
    assert arrived.word(servers.already_replica) == "OK"
    replication.forget(arrived.target)
    with following_elsewhere(arrived.target):
        assert arrived.find(servers.already_replica).blocks
        assert arrived.find(target.target_empty).blocks


def test_a_target_that_follows_the_source_does_not_follow_a_third_one(attached: Lab) -> None:
    assert attached.word(servers.already_replica) == "OK"


@pytest.mark.parametrize("side", [Side.SOURCE, Side.TARGET])
@pytest.mark.parametrize(
    ("check", "name", "value"),
    [(binlog.binlog_format, "binlog_format", "STATEMENT"), (binlog.row_image, "binlog_row_image", "MINIMAL")],
    ids=["format", "image"],
)
def test_what_is_logged_can_be_cured_on_either_side(lab: Lab, check: object, name: str, value: str, side: Side) -> None:
    checked = binlog.binlog_format if check is binlog.binlog_format else binlog.row_image
    assert lab.word(checked) == "OK"
    with setting(lab.source if side is Side.SOURCE else lab.target, name, f"'{value}'"):
        finding = lab.find(checked)
        assert finding.word == ("FAIL" if checked is binlog.binlog_format else "WARN")
        (fix,) = finding.result.fixes
        assert (fix.side, fix.was) == (side, value)
        lab.fixed_and_back(checked)


def test_a_binary_log_that_is_deleted_soon_is_doubtful(lab: Lab) -> None:
    assert lab.word(binlog.retention) == "OK"
    server = next(s for s in (lab.source, lab.target) if s.variable("binlog_expire_logs_seconds") is not None)
    with setting(server, "binlog_expire_logs_seconds", "3600"):
        finding = lab.find(binlog.retention)
        assert finding.word == "WARN"
        assert "1 h" in finding.result.found
        lab.fixed_and_back(binlog.retention)
    for days, word in (("1", "OK"), ("0", "OK")):
        if lab.source.variable("expire_logs_days") is not None:
            with setting(lab.source, "expire_logs_days", days):
                assert lab.word(binlog.retention) == word


def test_logs_that_are_never_deleted_are_not_deleted_soon(lab: Lab) -> None:
    if lab.target.variable("binlog_expire_logs_auto_purge") is None:
        pytest.skip("a setting of MySQL 8.0.29 and later")
    with (
        setting(lab.target, "binlog_expire_logs_seconds", "3600"),
        setting(lab.target, "binlog_expire_logs_auto_purge", "'OFF'"),
    ):
        assert lab.word(binlog.retention) == "OK"


def test_gtid_modes_are_judged_by_the_positioning(lab: Lab) -> None:
    by_gtid = replace(lab, pair=replace(lab.pair, positioning=Positioning.GTID))
    by_file = replace(lab, pair=replace(lab.pair, positioning=Positioning.FILE))
    two_families = lab.source.version.mariadb is not lab.target.version.mariadb
    assert by_gtid.find(binlog.gtid).blocks is two_families
    assert by_file.word(binlog.gtid) == "OK"


def test_gtid_modes_that_differ_block(lab: Lab) -> None:
    if not lab.target.version.mysql_from(8, 0):
        pytest.skip("gtid_mode changes at run time from MySQL 5.7 on")
    by_file = replace(lab, pair=replace(lab.pair, positioning=Positioning.FILE))
    down = ("ON_PERMISSIVE", "OFF_PERMISSIVE", "OFF")
    up = ("OFF_PERMISSIVE", "ON_PERMISSIVE", "ON")
    try:
        for mode in down:
            lab.target.change(f"SET GLOBAL gtid_mode = {mode}")
        finding = lab.find(binlog.gtid)
        assert finding.blocks
        assert finding.result.found == "ON / OFF"
        assert by_file.find(binlog.gtid).blocks
    finally:
        for mode in up:
            lab.target.change(f"SET GLOBAL gtid_mode = {mode}")
    assert lab.word(binlog.gtid) == "OK"


def test_mysql_with_gtids_and_mariadb_block_even_by_file(lab: Lab) -> None:
    if lab.target.version.mysql_from(8, 0) or not lab.target.version.mysql_from(5, 7):
        pytest.skip("one MariaDB and one MySQL of two families")
    with contextlib.ExitStack() as stack:
        stack.callback(lab.target.change, "SET GLOBAL enforce_gtid_consistency = OFF")
        lab.target.change("SET GLOBAL enforce_gtid_consistency = ON")
        for mode, back in (("OFF_PERMISSIVE", "OFF"), ("ON_PERMISSIVE", "OFF_PERMISSIVE"), ("ON", "ON_PERMISSIVE")):
            lab.target.change(f"SET GLOBAL gtid_mode = {mode}")
            stack.callback(lab.target.change, f"SET GLOBAL gtid_mode = {back}")
        assert lab.find(binlog.gtid).blocks
    assert lab.word(binlog.gtid) == "OK"


def test_a_replication_filter_on_the_target_blocks(lab: Lab) -> None:
    assert lab.word(binlog.filters) == "OK"
    if lab.target.version.mariadb:
        with setting(lab.target, "replicate_do_db", "'shop'"):
            finding = lab.find(binlog.filters)
    elif lab.target.version.mysql_from(8, 0):
        with made(
            lab.target,
            "CHANGE REPLICATION FILTER REPLICATE_DO_DB = (shop)",
            undo="CHANGE REPLICATION FILTER REPLICATE_DO_DB = ()",
        ):
            finding = lab.find(binlog.filters)
    else:
        pytest.skip("before 8.0 a filter is seen only where there is a channel")
    assert finding.blocks
    assert ("target", "replicate_do_db", "shop") in finding.result.evidence
    assert lab.word(binlog.filters) == "OK"


def test_errant_transactions_on_an_attached_target_block(arrived: Lab) -> None:
    assert arrived.word(binlog.errant_transactions) in ("OK", "-")
    with made(arrived.target, "CREATE DATABASE errant", undo="DROP DATABASE errant"):
        finding = arrived.find(binlog.errant_transactions)
    if arrived.pair.positioning is Positioning.FILE:
        assert finding.word == "-"
        return
    assert finding.blocks
    own = arrived.target.identity
    assert (own.uid if not arrived.target.version.mariadb else f"-{own.server_id}-") in finding.result.evidence[1][0]


def test_a_target_that_takes_smaller_packets_is_doubtful(lab: Lab) -> None:
    source = int(lab.source.variable("max_allowed_packet") or 0)
    with setting(lab.target, "max_allowed_packet", str(source)):
        assert lab.word(parameters.packet) == "OK"
    with setting(lab.target, "max_allowed_packet", str(1 << 20)):
        assert lab.word(parameters.packet) == "WARN"
        lab.fixed_and_back(parameters.packet)


def test_sql_modes_that_differ_are_told_with_both_values(lab: Lab) -> None:
    modes = lab.source.variable("sql_mode") or ""
    common = "STRICT_TRANS_TABLES,NO_ENGINE_SUBSTITUTION"
    with setting(lab.source, "sql_mode", f"'{common}'"), setting(lab.target, "sql_mode", f"'{common}'"):
        assert lab.word(parameters.sql_mode) == "OK"
    with setting(lab.target, "sql_mode", "'ANSI_QUOTES'"):
        finding = lab.find(parameters.sql_mode)
        assert (finding.word, finding.blocks) == ("NOTE", False)
        assert ("only on the target", "ANSI_QUOTES") in finding.result.evidence
        assert finding.result.evidence[1] == ("source", ",".join(sorted(modes.split(","))))


def test_a_new_default_collation_on_the_target_is_in_the_way_of_the_way_back(lab: Lab) -> None:
    assert lab.word(parameters.collation) == "OK"
    if not lab.target.version.mysql_from(8, 0):
        return
    with setting(lab.target, "collation_server", "utf8mb4_0900_ai_ci"):
        if lab.source.version.mysql_from(8, 0):
            assert lab.word(parameters.collation) == "OK"
        else:
            assert lab.word(parameters.collation) == "WARN"
            lab.fixed_and_back(parameters.collation)


def test_a_collation_that_the_target_does_not_know_blocks(lab: Lab) -> None:
    assert lab.word(schema.collations_known) in ("OK", "-")
    if not lab.source.version.mariadb or lab.target.version.mariadb:
        return
    table = "CREATE TABLE shop.`[red] new` (a VARCHAR(9) COLLATE utf8mb4_uca1400_ai_ci)"
    with made(lab.source, table, undo="DROP TABLE shop.`[red] new`"):
        finding = lab.find(schema.collations_known)
    assert finding.blocks
    assert finding.result.evidence[1] == ("shop", "[red] new", "a", "utf8mb4_uca1400_ai_ci")
