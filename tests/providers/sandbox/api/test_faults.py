"""Faults wait for what they fit, and are used up by it."""

from __future__ import annotations

from providers.sandbox.api.faults import Fault, Faults, Kind


def test_faults_are_used_up_by_the_calls_they_fit() -> None:
    faults = Faults()
    faults.add(Fault(Kind.DROP, "dts:*", times=2, skip=1))
    faults.add(Fault(Kind.SLOW, "polardb:*", times=None, seconds=1))
    taken = [faults.take("dts:DescribeDtsJobs") for _ in range(4)]
    assert [one and one.kind for one in taken] == [None, Kind.DROP, Kind.DROP, None]
    assert [faults.take("polardb:CreateDBCluster") for _ in range(9)][-1] is not None
    assert faults.take("rds:DescribeAccounts") is None
    faults.clear()
    assert faults.take("polardb:CreateDBCluster") is None


def test_a_fault_survives_its_way_as_json() -> None:
    fault = Fault(Kind.ALTER, "polardb:*", fields={"MigrationStatus": "NEW"}, without=("Comment",))
    assert Fault.from_json(fault.as_json()) == fault
    assert Fault.from_json({"kind": "drop"}) == Fault(Kind.DROP)
