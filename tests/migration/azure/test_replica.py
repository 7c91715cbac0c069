"""Making the replica: read back first, picked up where a runner died, and deleted only while it is one."""

from __future__ import annotations

import contextlib

import pytest

from migration.azure import backup, replica, signal
from migration.azure.operating import carry_out
from migration.model import Outcome
from migration.runbook import Halted, StepFailed
from providers.azure import flexible
from providers.sandbox.api.faults import Fault, Kind
from providers.sandbox.azure_api.faults import Ending
from providers.sandbox.azure_api.scenario import Durations
from tests.migration.azure.conftest import FAST, Rent
from tests.support.waiting import until

_SLOW = Durations().at_pace(400)


@pytest.mark.parametrize(
    ("kind", "sku", "wanted"),
    [
        ("flexible", "Standard_D4ds_v4", "Standard_D2ds_v4"),
        ("single", "GP_Gen5_4", "GP_Gen5_2"),
        ("classic", "MP1", "MS6"),
    ],
)
def test_it_is_made_with_the_wanted_size_and_seen_to_follow(rent: Rent, kind: str, sku: str, wanted: str) -> None:
    one = rent(kind, sku=sku)
    one.chosen("tier", wanted)
    assert backup.probe(one.m).outcome is Outcome.DONE
    assert wanted in replica.statements(one.m)[0]
    assert replica.probe(one.m).outcome is Outcome.NOT_DONE
    replica.apply(one.m)
    made = one.account.server(one.account.replica)
    assert made is not None
    assert (made.sku, made.name) == (wanted, "source-tier")
    followed = one.with_target()
    with contextlib.closing(followed.m.target) as target:
        assert replica.probe(followed.m).outcome is Outcome.DONE
        assert target.read_only().clients
        until(lambda: (status := target.replica_status()) is not None and status.running, "a running replica", 20)
    # Cancelled before the cutover, nothing of it is left.
    replica.undo(one.m)
    assert one.account.server(one.account.replica) is None


def test_a_creation_under_way_is_picked_up_and_not_begun_again(rent: Rent) -> None:
    one = rent("classic", durations=_SLOW, sku="MP1")
    one.chosen("tier", "MS6")
    one.desk.stopped = lambda: True
    with pytest.raises(Halted):
        replica.apply(one.m)
    assert one.account.server(one.account.replica) is not None
    one.desk.stopped = lambda: False
    replica.apply(one.m)
    assert one.made("classic:Servers_Create") == 1
    assert (one.m.story().spec or one.m.spec).target.name == "source-tier"


def test_one_that_does_not_show_yet_is_asked_for_and_waited_for(rent: Rent) -> None:
    one = rent("flexible", durations=_SLOW)
    one.chosen("tier", "Standard_D2ds_v4")
    one.desk.stopped = lambda: True
    with pytest.raises(Halted):
        replica.apply(one.m)
    one.desk.stopped = lambda: False
    # The provider refuses the second call as long as it is at the first.
    replica.apply(one.m)
    assert replica.probe(one.m).outcome is Outcome.DONE
    assert len(one.account.read(lambda client: flexible.replicas(client, one.account.source))) == 1


def test_what_fails_is_told_in_the_providers_words(rent: Rent) -> None:
    one = rent("flexible")
    one.chosen("tier", "Standard_D2ds_v4")
    one.fails(Ending.FAIL, "flexible:Servers_Create", code="QuotaExceeded", message="No cores are left")
    with pytest.raises(StepFailed, match=r"No cores are left \(QuotaExceeded\)"):
        replica.apply(one.m)
    assert one.account.server(one.account.replica) is None


def test_a_server_of_another_is_not_touched(rent: Rent) -> None:
    one = rent("flexible", server="source")
    one.chosen("tier", "Standard_D2ds_v4")
    replica.apply(one.m)
    carry_out(one.m, "test", flexible.promote_replica(one.account.replica))
    assert one.word("azure-replica-name") == "FAIL"
    with pytest.raises(StepFailed, match="no replica of source"):
        replica.probe(one.m)
    replica.undo(one.m)
    assert one.account.server(one.account.replica) is not None


def test_the_signal_arrives_and_is_dropped(rent: Rent) -> None:
    one = rent("classic", sku="MP1")
    one.chosen("tier", "MS6")
    replica.apply(one.m)
    one = one.with_target()
    with contextlib.closing(one.m.target) as target:
        attempt = one.attempt()
        name = signal.make(one.m, attempt)
        assert one.made("classic:Databases_Create") == 1
        signal.wait_seen(one.m, attempt, name)
        assert signal.left(one.m) == (f"{name} on source",)
        signal.drop(one.m)
        assert signal.left(one.m) == ()
        until(lambda: name not in signal.databases(target), "the signal gone from the replica", 20)


def test_an_answer_that_is_lost_is_looked_for(rent: Rent) -> None:
    one = rent("flexible", durations=FAST)
    one.chosen("tier", "Standard_D2ds_v4")
    one.simulator.faults.add(Fault(Kind.LOSE, "flexible:Servers_Create"))
    with pytest.raises(StepFailed):
        replica.apply(one.m)
    until(lambda: one.account.server(one.account.replica), "the replica", 30)
    replica.apply(one.m)
    assert one.made("flexible:Servers_Create") == 1
