"""Promoting while nobody writes: what is asked before it, and what comes after an attempt that was given up."""

from __future__ import annotations

from migration.aws import group, promote, promoting
from migration.cutover import native
from migration.model import Direction, Positioning
from migration.steps import closed_accounts
from providers.mysql import replication
from tests.migration.aws.conftest import Rent
from tests.migration.aws.test_steps import replicated


def test_after_an_attempt_that_ended_with_the_promotion_each_follows_the_other(rent: Rent) -> None:
    one = rent("mysql-5.7", None, Positioning.FILE, "rds_read_replica")
    replicated(one)
    for how in (group.BEHIND_GUARD, closed_accounts, group.WITHOUT_GUARD):
        one.carry(how)
    m = one.m
    asked = [condition for condition in promoting.ready(m, Direction.CUTOVER) if not condition.ok]
    # Nobody measures the lag here; that the old primary does not follow is as it should be.
    assert [condition.text for condition in asked] == [f"the lag of {m.target.name} is not known yet"]
    promoting.keep(m, Direction.CUTOVER)
    assert replication.follows(m.source, m.target) is None

    one.carry(promote)
    assert replication.follows(m.target, m.source) is None
    promoting.keep(m, Direction.CUTOVER)
    assert replication.follows(m.target, m.source) is not None
    assert replication.follows(m.source, m.target) is not None
    assert promoting.ready(m, Direction.CUTOVER) == native.ready(m, Direction.CUTOVER)
    m.target.close()


def test_the_promotion_is_a_part_of_the_attempt_and_its_minutes_are_said(rent: Rent) -> None:
    m = rent("mysql-5.7", None, Positioning.GTID, "rds_read_replica").m
    names = [name for name, _ in promoting.parts(m)]
    assert names.index("drain") < names.index("detach") < names.index("prove") < names.index("promote")
    assert (promoting.estimate(m).seconds or 0) >= 60
    assert any("PromoteReadReplica" in line for line in promoting.statements(m))
    assert not promoting.arms(m)
