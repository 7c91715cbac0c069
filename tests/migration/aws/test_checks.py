"""What is asked of RDS before a migration, on an account in which it is so and one in which it is not."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from migration.aws.checks import logs
from migration.check import Verdict
from migration.model import Positioning
from providers.aws import instances, parameters
from providers.aws.instances import When
from providers.aws.records import Shape
from providers.sandbox.aws_api.faults import forbidden
from providers.sandbox.aws_api.scenario import Scenario
from tests.migration.aws.conftest import CHECKS, FAST, Rent

ASKS_SERVERS_ONLY = {
    "rds-log-retention",
    "rds-mariadb-positions",
    "rds-procedures",
    "rds-promotion-restarts",
    "rds-replication-account",
}


def test_a_sound_account_has_nothing_that_blocks(rent: Rent) -> None:
    one = rent()
    found = {name: one.find(name) for name in CHECKS}
    assert {name: finding.result for name, finding in found.items() if finding.blocks} == {}
    assert found["rds-endpoint"].word == "NOTE"


def test_what_spoils_it_is_found(rent: Rent) -> None:
    one = rent("mysql-5.7", Scenario(backup_days=0, deletion_protected=True, durations=FAST))
    words = {name: one.find(name).word for name in CHECKS}
    assert words["rds-backups"] == "FAIL"
    assert words["rds-own-group"] == "FAIL"
    assert words["rds-group-shared"] == "-"
    assert words["rds-deletion-protection"] == "NOTE"
    assert "RESTARTS" in one.find("rds-backups").result.remedy
    one.account.send(instances.modify("m1", Shape(node_class="db.m5.xlarge"), When.IN_WINDOW))
    assert one.find("rds-storage-busy").word == "WARN"


def test_a_replica_of_another_and_a_shared_group_are_found(rent: Rent) -> None:
    one = rent()
    one.account.send(instances.create_replica("m1-other", "m1", Shape(parameter_group="m1-own")))
    assert one.find("rds-group-shared").word == "FAIL"
    assert "m1-other" in one.find("rds-group-shared").result.found
    one.account.send(
        parameters.modify("m1-own", [parameters.Setting("gtid-mode", "ON", parameters.Apply.WITH_RESTART)])
    )
    assert one.find("rds-group-in-force").word == "WARN"


def test_without_permission_every_check_of_the_account_is_unknown(rent: Rent) -> None:
    one = rent()
    one.simulator.faults.add(forbidden("*"))
    for name in set(CHECKS) - ASKS_SERVERS_ONLY:
        result = one.find(name).result
        assert result.verdict is Verdict.UNKNOWN, name
        assert result.evidence[1][0] == "AccessDenied"
        assert "aws-policies" in result.remedy


def test_the_minutes_of_a_promotion_are_told_where_they_stop_writes(rent: Rent) -> None:
    one = rent("mysql-5.7", None, Positioning.GTID, "rds_read_replica")
    assert one.find("rds-promotion-restarts").word == "NOTE"


@pytest.mark.parametrize(
    ("now", "soon"),
    [("02:30", True), ("03:10", True), ("01:30", False), ("04:00", False), ("23:30", False)],
)
def test_a_backup_window_that_is_near_is_seen(now: str, soon: bool) -> None:
    at = datetime.strptime(f"2026-11-21 {now}", "%Y-%m-%d %H:%M").replace(tzinfo=UTC)
    assert logs._begins_soon("03:00-03:30", at) is soon
    assert logs._begins_soon("23:50-00:20", datetime(2026, 11, 21, 0, 5, tzinfo=UTC))
