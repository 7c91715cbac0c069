"""Checks of sizes and of how long logs are kept: each tripped, and cured."""

from __future__ import annotations

import contextlib

import pytest

from migration.checks import capacity
from tests.migration.checks.lab import Lab, made, setting


def smaller(lab: Lab) -> str:
    return lab.find(capacity.sizing).result.remedy


def test_a_target_that_takes_fewer_clients_is_doubtful(lab: Lab) -> None:
    before = lab.find(capacity.sizing)
    assert "max_connections" not in before.result.remedy
    with setting(lab.target, "max_connections", "50"):
        finding = lab.find(capacity.sizing)
        assert finding.word == "WARN"
        assert ("max_connections", "80", "50") in finding.result.evidence
        (fix,) = finding.result.fixes
        lab.target.change(fix.statement)
        assert "max_connections" not in smaller(lab)
        lab.target.change(fix.undo)
    assert lab.find(capacity.sizing).result == before.result


def test_a_target_with_a_smaller_buffer_pool_is_doubtful(lab: Lab) -> None:
    sizes = [int(server.variable("innodb_buffer_pool_size") or 0) for server in (lab.source, lab.target)]
    assert lab.word(capacity.sizing) == ("OK" if sizes[1] >= sizes[0] else "WARN")
    assert ("innodb_buffer_pool_size" in smaller(lab)) is (sizes[1] < sizes[0])


def test_a_target_that_keeps_no_threads_is_doubtful(lab: Lab) -> None:
    assert "thread_cache_size" not in smaller(lab)
    with setting(lab.target, "thread_cache_size", "0"):
        finding = lab.find(capacity.sizing)
        assert finding.word == "WARN"
        assert "thread_cache_size" in finding.result.remedy
    assert "thread_cache_size" not in smaller(lab)


def test_what_is_to_be_copied_is_told_with_its_largest_tables(lab: Lab) -> None:
    with made(
        lab.source, "CREATE TABLE shop.`[red]'` (a INT PRIMARY KEY) ENGINE=InnoDB", undo="DROP TABLE shop.`[red]'`"
    ):
        finding = lab.find(capacity.data_size)
    assert (finding.word, finding.blocks) == ("NOTE", False)
    assert ("tables", "2") in finding.result.evidence
    assert "shop.[red]'" in [row[0] for row in finding.result.evidence]


def test_a_copy_that_is_there_needs_no_room(arrived: Lab) -> None:
    assert {arrived.word(check) for check in (capacity.data_size, capacity.target_disk, capacity.retention_copy)} == {
        "-"
    }


def test_a_target_that_cannot_tell_its_disk_is_not_judged(lab: Lab) -> None:
    assert lab.word(capacity.target_disk) == "-"


def test_a_log_that_is_deleted_before_the_copy_has_ended_is_doubtful(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    assert lab.word(capacity.retention_copy) == "OK"
    with contextlib.ExitStack() as stack:
        if lab.source.variable("binlog_expire_logs_seconds") is not None:
            stack.enter_context(setting(lab.source, "binlog_expire_logs_seconds", "60"))
        else:
            # It keeps its log for whole days: as if the data were so large that the copy takes longer than that.
            stack.enter_context(setting(lab.source, "expire_logs_days", "1"))
            monkeypatch.setattr(capacity, "_BEGIN_S", 200_000)
        assert lab.word(capacity.retention_copy) == "WARN"
        lab.fixed_and_back(capacity.retention_copy)
