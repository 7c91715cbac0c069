"""Checks of what the servers log and how they are set: each tripped, and cured."""

from __future__ import annotations

from dataclasses import replace

import pytest

from migration.check import Route
from migration.checks import binlog, parameters, schema
from migration.model import Side
from tests.migration.checks.lab import Lab, made, setting


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


def test_parts_of_json_values_block_where_the_reader_needs_whole_ones(lab: Lab) -> None:
    assert lab.word(binlog.row_value_options) == "OK"
    if not lab.target.version.mysql_from(8, 0, 3):
        return
    with setting(lab.target, "binlog_row_value_options", "'PARTIAL_JSON'"):
        if lab.source.version.mysql_from(8, 0, 3):
            assert lab.word(binlog.row_value_options) == "OK"
            return
        finding = lab.find(binlog.row_value_options)
        assert finding.blocks
        assert finding.result.evidence[1] == ("target", "binlog_row_value_options", "PARTIAL_JSON")
        lab.fixed_and_back(binlog.row_value_options)


def test_a_tool_that_reads_the_log_cannot_do_with_parts_of_json_values(lab: Lab) -> None:
    by_tool = replace(lab, pair=replace(lab.pair, source=lab.target, other=None, route=Route.LOGICAL))
    assert by_tool.word(binlog.row_value_options) == "OK"
    if by_tool.source.version.mysql_from(8, 0, 3):
        with setting(by_tool.source, "binlog_row_value_options", "'PARTIAL_JSON'"):
            assert by_tool.find(binlog.row_value_options).blocks
            by_tool.fixed_and_back(binlog.row_value_options)


def test_a_compressed_log_blocks_for_a_reader_that_cannot_undo_it(lab: Lab) -> None:
    assert lab.word(binlog.log_compression) == "OK"
    by_tool = replace(lab, pair=replace(lab.pair, route=Route.LOGICAL))
    name = "log_bin_compress" if lab.source.version.mariadb else "binlog_transaction_compression"
    if lab.source.variable(name) is not None:
        with setting(lab.source, name, "ON"):
            two_families = lab.source.version.mariadb is not lab.target.version.mariadb
            assert lab.find(binlog.log_compression).blocks is two_families
            assert by_tool.find(binlog.log_compression).blocks
            by_tool.fixed_and_back(binlog.log_compression)
    elif lab.target.version.mysql_from(8, 0, 20):
        with setting(lab.target, "binlog_transaction_compression", "ON"):
            assert lab.find(binlog.log_compression).result.found == "on the target"
            lab.fixed_and_back(binlog.log_compression)


@pytest.mark.parametrize("side", [Side.SOURCE, Side.TARGET])
def test_commits_out_of_the_logs_order_are_doubtful(lab: Lab, side: Side) -> None:
    assert lab.word(binlog.order_commits) == "OK"
    server = lab.source if side is Side.SOURCE else lab.target
    if server.version.mariadb:
        return
    with setting(server, "binlog_order_commits", "OFF"):
        assert lab.find(binlog.order_commits).result.found == f"not on the {side.value}"
        lab.fixed_and_back(binlog.order_commits)


def test_commits_that_do_not_wait_for_the_disk_are_doubtful(lab: Lab) -> None:
    with setting(lab.source, "sync_binlog", "1"), setting(lab.source, "innodb_flush_log_at_trx_commit", "1"):
        assert lab.word(binlog.durability) == "OK"
        with setting(lab.source, "sync_binlog", "1000"):
            finding = lab.find(binlog.durability)
            assert (finding.word, finding.result.found) == ("WARN", "sync_binlog = 1000")
            lab.fixed_and_back(binlog.durability)
        with setting(lab.source, "innodb_flush_log_at_trx_commit", "2"):
            lab.fixed_and_back(binlog.durability)
            with setting(lab.source, "sync_binlog", "0"):
                finding = lab.find(binlog.durability)
                assert finding.result.found == "sync_binlog = 0, flush_log = 2"
                assert [fix.setting for fix in finding.result.fixes] == [
                    "sync_binlog",
                    "innodb_flush_log_at_trx_commit",
                ]


@pytest.mark.parametrize("side", [Side.SOURCE, Side.TARGET])
def test_a_log_without_checksums_is_told(lab: Lab, side: Side) -> None:
    assert lab.word(binlog.checksum) == "OK"
    with setting(lab.source if side is Side.SOURCE else lab.target, "binlog_checksum", "NONE"):
        finding = lab.find(binlog.checksum)
        assert (finding.word, finding.result.found) == ("NOTE", f"none on the {side.value}")
        lab.fixed_and_back(binlog.checksum)


def test_replicas_that_take_small_packets_are_doubtful(lab: Lab) -> None:
    assert lab.word(parameters.replica_packet) == "OK"
    for side, server in ((Side.SOURCE, lab.source), (Side.TARGET, lab.target)):
        name = "replica_max_allowed_packet" if server.version.mysql_from(8, 0, 26) else "slave_max_allowed_packet"
        with setting(server, name, str(1 << 20)):
            finding = lab.find(parameters.replica_packet)
            assert (finding.word, finding.result.found) == ("WARN", f"less on the {side.value}")
            lab.fixed_and_back(parameters.replica_packet)


def noticed(lab: Lab) -> set[str]:
    """The settings that differ and that an application notices."""
    finding = lab.find(parameters.param_drift)
    return {row[0] for row in finding.result.evidence[1:] if row[3] == "yes"}


def test_settings_that_an_application_notices_are_named(lab: Lab) -> None:
    usual = noticed(lab)
    if lab.source.version == lab.target.version:
        assert usual == set()
        assert lab.word(parameters.param_drift) == "OK"
    length = int(lab.source.variable("group_concat_max_len") or 0)
    with setting(lab.target, "group_concat_max_len", str(length + 1000)):
        finding = lab.find(parameters.param_drift)
        assert finding.word == "WARN"
        assert ("group_concat_max_len", str(length), str(length + 1000), "yes") in finding.result.evidence
    with setting(lab.target, "init_connect", """'SET @a = "[red]`"'"""):
        assert noticed(lab) == usual | {"init_connect"}
    assert noticed(lab) == usual


def test_settings_of_a_servers_own_and_of_other_checks_do_not_drift(lab: Lab) -> None:
    told = {row[0] for row in lab.find(parameters.param_drift).result.evidence[1:]}
    assert not told & {"server_id", "server_uuid", "hostname", "port", "datadir", "socket", "pid_file", "version",
                       "gtid_executed", "read_only", "sql_mode", "max_allowed_packet", "log_error", "tmpdir",
                       "innodb_buffer_pool_size", "timestamp", "general_log_file"}  # fmt: skip


def test_sessions_that_would_begin_otherwise_are_doubtful(lab: Lab) -> None:
    target = lab.target
    isolation = "transaction_isolation" if target.variable("transaction_isolation") is not None else "tx_isolation"
    assert lab.word(parameters.session_defaults) == "OK"
    for name, value in ((isolation, "'READ-COMMITTED'"), ("autocommit", "0"), ("auto_increment_increment", "2")):
        with setting(target, name, value):
            finding = lab.find(parameters.session_defaults)
            assert (finding.word, finding.result.found) == ("WARN", name)
            lab.fixed_and_back(parameters.session_defaults)
    with setting(target, "auto_increment_increment", "2"), setting(target, "auto_increment_offset", "2"):
        assert lab.find(parameters.session_defaults).result.found == "auto_increment_increment and 1 more"


def test_pages_of_one_size_pass(lab: Lab) -> None:
    assert lab.word(parameters.page_size) == "OK"


def test_a_scheduler_that_is_off_on_the_target_is_doubtful_where_there_are_events(lab: Lab) -> None:
    event = "CREATE EVENT shop.`[red]'` ON SCHEDULE EVERY 1 DAY STARTS '2037-01-01 00:00:00' DO SELECT 1"
    with setting(lab.source, "event_scheduler", "ON"), setting(lab.target, "event_scheduler", "OFF"):
        assert lab.word(parameters.event_scheduler) == "OK"
        with made(lab.source, event, undo="DROP EVENT shop.`[red]'`"):
            finding = lab.find(parameters.event_scheduler)
            assert (finding.word, finding.result.found) == ("WARN", "OFF on the target")
            assert finding.result.evidence[1][0] == "shop.[red]'"
            lab.fixed_and_back(parameters.event_scheduler)
    with setting(lab.source, "event_scheduler", "OFF"), setting(lab.target, "event_scheduler", "OFF"):
        assert lab.word(parameters.event_scheduler) == "OK"


def test_a_target_that_demands_primary_keys_blocks_where_a_table_has_none(lab: Lab) -> None:
    assert lab.word(parameters.requires_primary_key) == "OK"
    name = "innodb_force_primary_key" if lab.target.version.mariadb else "sql_require_primary_key"
    if lab.target.variable(name) is None:
        return
    with setting(lab.target, name, "ON"):
        assert lab.word(parameters.requires_primary_key) == "OK"
        with made(lab.source, "CREATE TABLE shop.`[red]'` (a INT) ENGINE=InnoDB", undo="DROP TABLE shop.`[red]'`"):
            finding = lab.find(parameters.requires_primary_key)
            assert finding.blocks
            assert finding.result.evidence[1:] == (("shop", "[red]'", "InnoDB"),)
            lab.fixed_and_back(parameters.requires_primary_key)
