"""Checks of what can be set only when a server starts: two MariaDB servers, each started in an unusual way."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from migration.check import Route
from migration.checks import activity, binlog, parameters, replication, servers
from migration.model import Limits
from providers.mysql.gtid import GtidSet
from providers.mysql.server import Server
from providers.sandbox.launcher import SandboxServer
from tests.migration.checks.lab import SHOP, Lab, made, make_lab, session
from tests.support.pairs import Two, running

ENGINE = "mariadb-10.11"


@pytest.fixture(scope="module")
def odd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """A source that filters its log and lives far from UTC; a target that logs nothing and lowers names."""
    directory = tmp_path_factory.mktemp("odd")
    with contextlib.ExitStack() as stack:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("TZ", "Asia/Kolkata")
            options = {"binlog_ignore_db": "scratch", "log_slave_updates": "0"}
            first = stack.enter_context(running(ENGINE, directory / "source", options=options))
        options = {"skip_log_bin": "1", "lower_case_table_names": "1"}
        second = stack.enter_context(running(ENGINE, directory / "target", name="target", options=options))
        source, target = (stack.enter_context(contextlib.closing(Server(one.endpoint()))) for one in (first, second))
        for statement in SHOP:
            source.change(statement)
        yield make_lab(Two(source, target, GtidSet, (first, second)))


@pytest.fixture
def swapped(odd: Lab) -> Lab:
    return replace(odd, pair=replace(odd.pair, source=odd.target, other=odd.source))


def test_a_binary_log_that_is_off_blocks_on_either_side(odd: Lab, swapped: Lab) -> None:
    finding = odd.find(binlog.binary_log)
    assert finding.blocks
    assert ("target", "log_bin", "OFF") in finding.result.evidence
    assert ("source", "log_bin", "ON") in finding.result.evidence
    finding = swapped.find(binlog.binary_log)
    assert finding.blocks
    assert ("source", "log_bin", "OFF") in finding.result.evidence
    assert ("target", "log_slave_updates", "OFF") in finding.result.evidence


def test_a_target_that_does_not_log_what_it_replicates_blocks(odd: Lab) -> None:
    both_logged = replace(odd, pair=replace(odd.pair, other=odd.source))
    finding = both_logged.find(binlog.binary_log)
    assert (finding.blocks, finding.result.found) == (True, "off: log_slave_updates on the target")


def test_a_log_that_leaves_databases_out_blocks(odd: Lab) -> None:
    finding = odd.find(replication.filters)
    assert finding.blocks
    assert finding.result.evidence[1] == ("source", "binlog_ignore_db", "scratch")


def test_names_with_capitals_block_where_the_target_lowers_them(odd: Lab) -> None:
    assert odd.word(parameters.lower_case_setting) == "WARN"
    assert odd.word(parameters.lower_case_names) == "OK"
    with made(
        odd.source,
        "CREATE DATABASE Crm",
        "CREATE VIEW Crm.`[Red]` AS SELECT 1 AS a",
        undo="DROP DATABASE Crm",
    ):
        finding = odd.find(parameters.lower_case_names)
    assert finding.blocks
    assert finding.result.evidence[1:] == (("Crm", ""), ("Crm", "[Red]"))


def test_a_transactions_age_is_right_far_from_utc(odd: Lab) -> None:
    with session(odd.source) as client:
        client.run("BEGIN")
        client.run("UPDATE shop.orders SET note = 'x' WHERE id = 1")
        assert odd.word(activity.long_transactions) == "OK"
        finding = odd.find_until("WARN", activity.long_transactions, Limits(fence_s=0.5))
        client.run("ROLLBACK")
    assert 1 <= int(finding.result.evidence[1][3]) < 60


def test_a_zone_of_the_machine_is_compared_by_what_it_means(odd: Lab) -> None:
    finding = odd.find(servers.time_zone)
    assert finding.word == "WARN"
    assert finding.result.evidence[1][3:] == ("+05:30", "+05:30", "+05:30")
    assert finding.result.evidence[2][3:] == ("+00:00", "+00:00", "+00:00")


@pytest.fixture(scope="module", params=["mysql-9.7", "mariadb-10.11"])
def watched(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """A server that keeps its metadata locks in the performance schema, as both source and target."""
    options = {
        "performance_schema": "ON",
        "performance_schema_max_metadata_locks": "-1",
        "performance_schema_max_thread_instances": "-1",
        "performance_schema_instrument": "'wait/lock/metadata/sql/mdl=ON'",
    }
    with (
        running(request.param, tmp_path_factory.mktemp("watched"), options=options) as one,
        contextlib.closing(Server(one.endpoint())) as server,
    ):
        for statement in SHOP:
            server.change(statement)
        yield make_lab(Two(server, server, GtidSet, (one, one)))


def test_locks_that_are_kept_in_the_performance_schema_are_found_without_anybody_waiting(watched: Lab) -> None:
    locks = [("LOCK TABLES shop.orders WRITE", "UNLOCK TABLES"), ("FLUSH TABLES WITH READ LOCK", "UNLOCK TABLES")]
    if watched.source.version.mariadb:
        locks.append(("BACKUP STAGE START", "BACKUP STAGE END"))
    else:
        locks.append(("LOCK INSTANCE FOR BACKUP", "UNLOCK INSTANCE"))
    for take, give_back in locks:
        assert watched.find(activity.locks_held).result.found == "none"
        with session(watched.source) as holder:
            holder.run(take)
            finding = watched.find(activity.locks_held)
            assert finding.word == "WARN", take
            assert {row[:2] for row in finding.result.evidence[1:]} == {("holds", str(holder.thread_id))}
            holder.run(give_back)


def test_ordinary_work_holds_no_such_lock(watched: Lab) -> None:
    with session(watched.source) as client:
        client.run("BEGIN; UPDATE shop.orders SET note = 'x' WHERE id = 1; SELECT * FROM shop.orders FOR UPDATE")
        client.run("SELECT GET_LOCK('of an application', 1)")
        assert watched.find(activity.locks_held).result.found == "none"
        client.run("ROLLBACK")


def test_pages_of_another_size_are_judged_by_the_route(tmp_path: Path) -> None:
    """InnoDB's files are made anew with smaller pages; what MariaDB keeps in InnoDB of its own is lost with them."""
    with contextlib.ExitStack() as stack:
        small = stack.enter_context(running(ENGINE, tmp_path / "small"))
        large = stack.enter_context(running(ENGINE, tmp_path / "large", name="target"))
        small.stop()
        for path in (*small.data_dir.glob("ib*"), *small.data_dir.glob("undo*")):
            path.unlink()
        replace_options(small, innodb_page_size="8k").start()
        first, second = (stack.enter_context(contextlib.closing(Server(one.endpoint()))) for one in (small, large))
        shrinking = make_lab(Two(second, first, GtidSet, (large, small)))
        growing = make_lab(Two(first, second, GtidSet, (small, large)))
        assert (shrinking.word(parameters.page_size), growing.word(parameters.page_size)) == ("WARN", "OK")
        assert shrinking.find(parameters.page_size).result.found == "16 KiB / 8 KiB"
        moved_files = replace(growing, pair=replace(growing.pair, route=Route.PHYSICAL))
        assert moved_files.find(parameters.page_size).blocks


def replace_options(server: SandboxServer, **options: str) -> SandboxServer:
    """The same server, to be started with other options."""
    server._options.update(options)
    return server
