"""Checks of who follows whom, and how transactions are named: each tripped, and cured."""

from __future__ import annotations

import contextlib
import struct
from collections.abc import Iterator
from dataclasses import replace

import pytest
from pymysql.constants import COMMAND

from migration.checks import activity, gtids
from migration.checks import replication as replication_checks
from migration.checks import target as target_checks
from migration.model import Positioning, Side
from providers.mysql import replication
from providers.mysql.channel import Channel
from providers.mysql.connection import Connection
from providers.mysql.endpoint import Account, Secret
from providers.mysql.errors import StatementFailed
from providers.mysql.position import FilePosition
from providers.mysql.server import Server
from tests.migration.checks.lab import Lab, account, made, session, setting
from tests.support.waiting import until


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


@pytest.mark.parametrize("side", [Side.SOURCE, Side.TARGET])
def test_a_server_that_follows_a_third_one_blocks(lab: Lab, side: Side) -> None:
    assert lab.word(replication_checks.already_replica) == "OK"
    with following_elsewhere(lab.source if side is Side.SOURCE else lab.target):
        finding = lab.find(replication_checks.already_replica)
        assert finding.blocks
        assert finding.result.evidence[1][:2] == (side.value, "192.0.2.1:3306")
        assert lab.find(replication_checks.threads).blocks is (side is Side.TARGET)


def test_a_channel_made_anew_is_not_taken_for_the_one_before(arrived: Lab) -> None:
    assert arrived.word(replication_checks.already_replica) == "OK"
    replication.forget(arrived.target)
    with following_elsewhere(arrived.target):
        assert arrived.find(replication_checks.already_replica).blocks
        assert arrived.find(target_checks.target_empty).blocks


def test_a_target_that_follows_the_source_does_not_follow_a_third_one(attached: Lab) -> None:
    assert attached.word(replication_checks.already_replica) == "OK"


def test_gtid_modes_are_judged_by_the_positioning(lab: Lab) -> None:
    by_gtid = replace(lab, pair=replace(lab.pair, positioning=Positioning.GTID))
    by_file = replace(lab, pair=replace(lab.pair, positioning=Positioning.FILE))
    two_families = lab.source.version.mariadb is not lab.target.version.mariadb
    assert by_gtid.find(gtids.gtid).blocks is two_families
    assert by_file.word(gtids.gtid) == "OK"


def test_gtid_modes_that_differ_block(lab: Lab) -> None:
    if not lab.target.version.mysql_from(8, 0):
        pytest.skip("gtid_mode changes at run time from MySQL 5.7 on")
    by_file = replace(lab, pair=replace(lab.pair, positioning=Positioning.FILE))
    down = ("ON_PERMISSIVE", "OFF_PERMISSIVE", "OFF")
    up = ("OFF_PERMISSIVE", "ON_PERMISSIVE", "ON")
    try:
        for mode in down:
            lab.target.change(f"SET GLOBAL gtid_mode = {mode}")
        finding = lab.find(gtids.gtid)
        assert finding.blocks
        assert finding.result.found == "ON / OFF"
        assert by_file.find(gtids.gtid).blocks
    finally:
        for mode in up:
            lab.target.change(f"SET GLOBAL gtid_mode = {mode}")
    assert lab.word(gtids.gtid) == "OK"


def test_mysql_with_gtids_and_mariadb_block_even_by_file(lab: Lab) -> None:
    if lab.target.version.mysql_from(8, 0) or not lab.target.version.mysql_from(5, 7):
        pytest.skip("one MariaDB and one MySQL of two families")
    with contextlib.ExitStack() as stack:
        stack.callback(lab.target.change, "SET GLOBAL enforce_gtid_consistency = OFF")
        lab.target.change("SET GLOBAL enforce_gtid_consistency = ON")
        for mode, back in (("OFF_PERMISSIVE", "OFF"), ("ON_PERMISSIVE", "OFF_PERMISSIVE"), ("ON", "ON_PERMISSIVE")):
            lab.target.change(f"SET GLOBAL gtid_mode = {mode}")
            stack.callback(lab.target.change, f"SET GLOBAL gtid_mode = {back}")
        assert lab.find(gtids.gtid).blocks
    assert lab.word(gtids.gtid) == "OK"


def test_a_replication_filter_on_the_target_blocks(lab: Lab) -> None:
    assert lab.word(replication_checks.filters) == "OK"
    if lab.target.version.mariadb:
        with setting(lab.target, "replicate_do_db", "'shop'"):
            finding = lab.find(replication_checks.filters)
    elif lab.target.version.mysql_from(8, 0):
        with made(
            lab.target,
            "CHANGE REPLICATION FILTER REPLICATE_DO_DB = (shop)",
            undo="CHANGE REPLICATION FILTER REPLICATE_DO_DB = ()",
        ):
            finding = lab.find(replication_checks.filters)
    else:
        pytest.skip("before 8.0 a filter is seen only where there is a channel")
    assert finding.blocks
    assert ("target", "replicate_do_db", "shop") in finding.result.evidence
    assert lab.word(replication_checks.filters) == "OK"


def test_errant_transactions_on_an_attached_target_block(arrived: Lab) -> None:
    assert arrived.word(gtids.errant_transactions) in ("OK", "-")
    with made(arrived.target, "CREATE DATABASE errant", undo="DROP DATABASE errant"):
        finding = arrived.find(gtids.errant_transactions)
    if arrived.pair.positioning is Positioning.FILE:
        assert finding.word == "-"
        return
    assert finding.blocks
    own = arrived.target.identity
    assert (own.uid if not arrived.target.version.mariadb else f"-{own.server_id}-") in finding.result.evidence[1][0]


def test_gtid_modes_that_are_not_next_to_each_other_block(lab: Lab) -> None:
    if not lab.target.version.mysql_from(8, 0):
        pytest.skip("gtid_mode changes at run time from MySQL 5.7 on")
    by_file = replace(lab, pair=replace(lab.pair, positioning=Positioning.FILE))
    with contextlib.ExitStack() as stack:
        for mode, word in (("ON_PERMISSIVE", "OK"), ("OFF_PERMISSIVE", "FAIL")):
            back = "ON" if mode == "ON_PERMISSIVE" else "ON_PERMISSIVE"
            lab.target.change(f"SET GLOBAL gtid_mode = {mode}")
            stack.callback(lab.target.change, f"SET GLOBAL gtid_mode = {back}")
            assert by_file.word(gtids.gtid) == word
    assert by_file.word(gtids.gtid) == "OK"


@pytest.mark.parametrize("side", [Side.SOURCE, Side.TARGET])
def test_a_mariadb_that_takes_gtids_out_of_order_is_doubtful(lab: Lab, side: Side) -> None:
    if not (lab.source.version.mariadb and lab.target.version.mariadb):
        assert lab.word(gtids.gtid_strict) == "-"
        return
    assert lab.word(gtids.gtid_strict) == "OK"
    with setting(lab.source if side is Side.SOURCE else lab.target, "gtid_strict_mode", "OFF"):
        assert lab.find(gtids.gtid_strict).result.found == f"OFF on the {side.value}"
        lab.fixed_and_back(gtids.gtid_strict)


def test_two_domains_are_told(lab: Lab) -> None:
    if not (lab.source.version.mariadb and lab.target.version.mariadb):
        assert lab.word(gtids.gtid_domain) == "-"
        return
    assert lab.word(gtids.gtid_domain) == "OK"
    with setting(lab.target, "gtid_domain_id", "7"):
        finding = lab.find(gtids.gtid_domain)
        assert (finding.word, finding.result.found) == ("NOTE", "0 / 7")
        lab.fixed_and_back(gtids.gtid_domain)


def test_a_tag_in_a_gtid_blocks_where_the_other_server_is_too_old(lab: Lab) -> None:
    assert lab.word(gtids.gtid_tags) == "OK"
    if not lab.target.version.mysql_from(8, 3) or lab.source.version.mysql_from(8, 3):
        return
    lab.target.change("SET gtid_next = 'AUTOMATIC:lab_tag'; CREATE DATABASE tagged; SET gtid_next = 'AUTOMATIC'")
    try:
        finding = lab.find(gtids.gtid_tags)
        assert finding.blocks
        assert finding.result.evidence[1] == ("target", lab.target.identity.uid, "lab_tag")
    finally:
        lab.target.change("DROP DATABASE tagged")
        lab.target.change(lab.target.dialect.reset_binary_log)
    assert lab.word(gtids.gtid_tags) == "OK"


@contextlib.contextmanager
def reading(server: Server, account: Account, *, named: int = 0) -> Iterator[Connection]:
    """A session that reads the log as replicas do; `named`: the server_id with which it has said who it is."""
    with session(server, account) as reader:
        reader.run("SET @master_binlog_checksum = 'NONE', @source_binlog_checksum = 'NONE'")
        if named:
            host = b"replica [red]`x`"
            words = bytes([len(host)]) + host + b"\0\0" + struct.pack("<HII", 3307, 0, 0)
            reader.raw._execute_command(COMMAND.COM_REGISTER_SLAVE, struct.pack("<I", named) + words)  # type: ignore[attr-defined]
            reader.raw._read_packet()  # type: ignore[attr-defined]
        end = server.end_of_log()
        ask = struct.pack("<IHI", end.offset, 0, named or 4_000_000_001) + end.file.encode()
        reader.raw._execute_command(COMMAND.COM_BINLOG_DUMP, ask)  # type: ignore[attr-defined]
        until(lambda: _dumps(server, reader.thread_id), "the log is being read")
        try:
            yield reader
        finally:
            server.change(f"KILL {reader.thread_id}")
            until(lambda: not _dumps(server, reader.thread_id), "it has ended")


def _any_dump(server: Server) -> bool:
    return any(str(row["Command"]).startswith("Binlog Dump") for row in server.named("SHOW PROCESSLIST"))


def _purged(server: Server) -> bool:
    # MariaDB keeps a log until InnoDB has on the disk what was committed in it.
    server.change(f"PURGE BINARY LOGS TO '{server.end_of_log().file}'")
    return len(server.rows("SHOW BINARY LOGS")) == 1


def _dumps(server: Server, thread_id: int) -> bool:
    rows = server.named("SHOW PROCESSLIST")
    return any(row["Id"] == thread_id and str(row["Command"]).startswith("Binlog Dump") for row in rows)


def test_another_replica_of_the_source_is_doubtful(lab: Lab) -> None:
    assert lab.word(replication_checks.sub_replicas) == "OK"
    with account(lab.source, "other_repl", "REPLICATION SLAVE ON *.*") as other:
        with reading(lab.source, other, named=77):
            finding = lab.find(replication_checks.sub_replicas)
            assert (finding.word, finding.result.found) == ("WARN", "1 other replica")
            assert finding.result.evidence[1] == ("77", "replica [red]`x`", "3307")
            assert lab.word(replication_checks.log_readers) == "OK"
        lab.find_until("OK", replication_checks.sub_replicas)


def test_a_tool_that_reads_the_log_without_a_name_is_doubtful(lab: Lab) -> None:
    assert lab.word(replication_checks.log_readers) == "OK"
    with account(lab.source, "cdc[red]`x", "REPLICATION SLAVE ON *.*") as tool:
        with reading(lab.source, tool) as reader:
            finding = lab.find(replication_checks.log_readers)
            assert (finding.word, finding.result.found) == ("WARN", "1 reader that is no replica")
            assert finding.result.evidence[1][:3] == (str(reader.thread_id), "cdc[red]`x", "127.0.0.1")
            assert lab.word(replication_checks.sub_replicas) == "OK"
        assert lab.word(replication_checks.log_readers) == "OK"


def test_the_target_is_no_stranger_to_the_sources_log(attached: Lab) -> None:
    assert attached.word(replication_checks.log_readers) == "OK"
    assert attached.word(replication_checks.sub_replicas) == "OK"


@pytest.mark.parametrize("side", [Side.SOURCE, Side.TARGET])
def test_an_applier_that_commits_out_of_order_is_doubtful(lab: Lab, side: Side) -> None:
    assert lab.word(replication_checks.parallel_applier) == "OK"
    server = lab.source if side is Side.SOURCE else lab.target
    if server.version.mariadb:
        return
    prefix = "replica" if server.version.mysql_from(8, 0, 26) else "slave"
    with setting(server, f"{prefix}_parallel_workers", "4"):
        order = f"{prefix}_preserve_commit_order"
        if server.variable(order) is None:
            finding = lab.find(replication_checks.parallel_applier)
            assert (finding.word, finding.result.fixes) == ("WARN", ())
            return
        with contextlib.ExitStack() as stack:
            if not server.version.mysql_from(8, 0):
                stack.enter_context(setting(server, "slave_parallel_type", "'LOGICAL_CLOCK'"))
            stack.enter_context(setting(server, order, "OFF"))
            assert lab.find(replication_checks.parallel_applier).result.found == f"not on the {side.value}"
            lab.fixed_and_back(replication_checks.parallel_applier)


def test_a_promise_of_a_replicas_answer_that_the_target_does_not_keep_is_doubtful(lab: Lab) -> None:
    assert lab.word(replication_checks.semi_sync) == "OK"
    name = "rpl_semi_sync_master_enabled"
    if lab.source.variable(name) is not None:
        with setting(lab.source, name, "ON"):
            finding = lab.find(replication_checks.semi_sync)
            assert finding.result.found == "the source waits, the target does not"
    if lab.target.variable(name) is not None:
        with setting(lab.target, name, "ON"):
            finding = lab.find(replication_checks.semi_sync)
            assert finding.result.found == "the target waits 10 s for nobody"
            lab.fixed_and_back(replication_checks.semi_sync)
    assert lab.word(replication_checks.semi_sync) == "OK"


def test_semi_sync_of_mysql_comes_with_a_plugin(lab: Lab) -> None:
    if not lab.target.version.mysql_from(8, 0, 26):
        return
    load = "INSTALL PLUGIN rpl_semi_sync_source SONAME 'semisync_source.so'"
    with made(lab.target, load, undo="UNINSTALL PLUGIN rpl_semi_sync_source"):
        assert lab.word(replication_checks.semi_sync) == "OK"
        with setting(lab.target, "rpl_semi_sync_source_enabled", "ON"):
            assert lab.find(replication_checks.semi_sync).word == "WARN"
            lab.fixed_and_back(replication_checks.semi_sync)


def test_a_target_whose_next_log_is_gone_blocks(arrived: Lab) -> None:
    assert arrived.word(gtids.needed_logs) == "OK"
    replication.stop(arrived.target)
    assert arrived.word(gtids.needed_logs) == "OK"
    arrived.source.change("INSERT INTO arrived.t VALUES (7, 7)")
    arrived.source.change("FLUSH BINARY LOGS")
    # What still sends to a replica that has gone keeps its file from being deleted.
    for row in arrived.source.named("SHOW PROCESSLIST"):
        if str(row["Command"]).startswith("Binlog Dump"):
            # It may have seen by itself that its replica is gone.
            with contextlib.suppress(StatementFailed):
                arrived.source.change(f"KILL {row['Id']}")
    until(lambda: not _any_dump(arrived.source), "nothing is sent any more")
    until(lambda: _purged(arrived.source), "the old log is gone", every=0.1)
    finding = arrived.find(gtids.needed_logs)
    assert finding.blocks
    assert finding.result.found == "deleted before it was read"


def test_temporary_tables_in_the_applier_are_doubtful(arrived: Lab) -> None:
    assert arrived.word(activity.temporary_tables) == "OK"
    with session(arrived.source) as client:
        client.run("SET SESSION binlog_format = STATEMENT")
        client.run("CREATE TEMPORARY TABLE arrived.tmp (a INT)")
        finding = arrived.find_until("WARN", activity.temporary_tables)
        assert finding.result.found == "1 is open"
        client.run("DROP TEMPORARY TABLE arrived.tmp")
        arrived.find_until("OK", activity.temporary_tables)
