"""Checks of who the servers are, of their clocks and zones, and of what a restart does: each tripped, and cured."""

from __future__ import annotations

from dataclasses import replace

import pytest

from migration.checks import servers
from migration.model import Side
from tests.migration.checks.lab import Lab, made, setting


def test_a_server_is_not_moved_onto_itself(lab: Lab) -> None:
    assert lab.word(servers.same_server) == "OK"
    itself = replace(lab, pair=replace(lab.pair, other=lab.source))
    finding = itself.find(servers.same_server)
    assert finding.blocks
    assert lab.source.identity.uid in finding.result.evidence[1]


def test_the_versions_are_judged_in_the_direction_of_the_move(lab: Lab) -> None:
    assert lab.word(servers.version_pair) == "OK"
    back = replace(lab, pair=replace(lab.pair, source=lab.target, other=lab.source))
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


def test_a_source_that_is_read_only_is_doubtful(lab: Lab) -> None:
    assert lab.word(servers.source_takes_writes) == "OK"
    with made(lab.source, "SET GLOBAL read_only = ON", undo="SET GLOBAL read_only = OFF"):
        finding = lab.find(servers.source_takes_writes)
        assert (finding.word, finding.result.evidence[1]) == ("WARN", ("read_only", "ON"))
    assert lab.word(servers.source_takes_writes) == "OK"


def test_a_source_that_would_come_back_closed_is_doubtful(lab: Lab) -> None:
    if not lab.source.version.mysql_from(8, 0, 11):
        assert lab.word(servers.source_after_restart) == "-"
        return
    assert lab.word(servers.source_after_restart) == "OK"
    undo = "RESET PERSIST IF EXISTS super_read_only; RESET PERSIST IF EXISTS read_only"
    with made(lab.source, "SET PERSIST_ONLY super_read_only = ON", undo=undo):
        finding = lab.find(servers.source_after_restart)
        assert finding.word == "WARN"
        fixes = finding.result.fixes
        for fix in fixes:
            lab.source.change(fix.statement)
        assert lab.word(servers.source_after_restart) == "OK"
        for fix in fixes:
            lab.source.change(fix.undo)
        assert lab.find(servers.source_after_restart).result == finding.result
    assert lab.word(servers.source_after_restart) == "OK"


def test_read_only_that_a_restart_drops_is_told(lab: Lab) -> None:
    def forgetful() -> list[str]:
        return [row[0] for row in lab.find(servers.read_only_kept).result.evidence[1:]]

    old = [side.value for side, server in ((Side.SOURCE, lab.source), (Side.TARGET, lab.target))
           if not server.version.mysql_from(8, 0, 11)]  # fmt: skip
    assert forgetful() == old
    with made(lab.target, "SET GLOBAL read_only = ON", undo="SET GLOBAL read_only = OFF"):
        assert "target" in forgetful()
    if lab.target.version.mysql_from(8, 0, 11):
        undo = "SET GLOBAL read_only = OFF; RESET PERSIST IF EXISTS super_read_only; RESET PERSIST IF EXISTS read_only"
        with made(lab.target, "SET PERSIST super_read_only = ON", undo=undo):
            assert "target" not in forgetful()
    assert forgetful() == old


@pytest.mark.parametrize("side", [Side.SOURCE, Side.TARGET])
def test_a_clock_that_is_seconds_off_is_doubtful(lab: Lab, side: Side) -> None:
    assert lab.word(servers.clock) == "OK"
    server = lab.source if side is Side.SOURCE else lab.target
    # As it would be with the machine's clock, only for the session that asks.
    server.session.run("SET timestamp = UNIX_TIMESTAMP() + 3600")
    try:
        finding = lab.find(servers.clock)
    finally:
        server.session.run("SET timestamp = DEFAULT")
    assert finding.word == "WARN"
    assert ("behind" if side is Side.SOURCE else "ahead") in finding.result.found
    assert lab.word(servers.clock) == "OK"


def test_time_zones_are_the_same_if_they_mean_the_same(lab: Lab) -> None:
    assert lab.word(servers.time_zone) == "OK"
    with setting(lab.source, "time_zone", "'+00:00'"), setting(lab.target, "time_zone", "'-00:00'"):
        assert lab.word(servers.time_zone) == "OK"
    with setting(lab.target, "time_zone", "'+05:30'"):
        finding = lab.find(servers.time_zone)
        assert finding.word == "WARN"
        assert finding.result.found.endswith(" / +05:30")
        assert finding.result.evidence[2][3:] == ("+05:30", "+05:30", "+05:30")
    assert lab.word(servers.time_zone) == "OK"


ZONE = (
    "SET SESSION sql_log_bin = 0",
    "INSERT INTO mysql.time_zone (time_zone_id, use_leap_seconds) VALUES (7, 'N')",
    "INSERT INTO mysql.time_zone_name (name, time_zone_id) VALUES ('Nowhere/[red]`', 7)",
    "INSERT INTO mysql.time_zone_transition_type (time_zone_id, transition_type_id, `offset`, is_dst, abbreviation) "
    "VALUES (7, 0, 3600, 0, 'NOW')",
    "SET SESSION sql_log_bin = 1",
)
NO_ZONE = (
    "SET SESSION sql_log_bin = 0; DELETE FROM mysql.time_zone; DELETE FROM mysql.time_zone_name; "
    "DELETE FROM mysql.time_zone_transition_type; SET SESSION sql_log_bin = 1"
)


def test_a_zone_that_the_target_does_not_know_by_name_is_doubtful(lab: Lab) -> None:
    assert lab.word(servers.time_zone_names) == "OK"
    with made(lab.source, *ZONE, undo=NO_ZONE), setting(lab.source, "time_zone", "'Nowhere/[red]`'"):
        finding = lab.find(servers.time_zone_names)
        assert finding.word == "WARN"
        assert finding.result.evidence[1:] == (("Nowhere/[red]`", "the source's own"),)
        with made(lab.target, *ZONE, undo=NO_ZONE):
            assert lab.word(servers.time_zone_names) == "OK"
    assert lab.word(servers.time_zone_names) == "OK"
