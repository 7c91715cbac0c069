"""How the cluster is made: kept in step or once, of fixed classes or of nodes that grow."""

from __future__ import annotations

import pytest

from migration.aliyun import choices, clone, create, fill, purchase
from migration.aliyun.account import of
from migration.aliyun.follow import ProvidersWord
from migration.aliyun.sizes import SERVERLESS
from migration.model import Outcome
from migration.runbook import CloudFailed, Gate, Halted, Migration
from migration.runbooks.rds_to_polardb import APPROVE, CLONE_IS_THERE
from providers.aliyun import polardb
from providers.mysql.endpoint import Endpoint
from providers.mysql.server import Server
from providers.sandbox.api.faults import Kind
from tests.migration.aliyun.tenant import LOOK, Rent, Tenant

ORDER = "polardb:CreateDBCluster"


def ordered_as(one: Tenant) -> dict[str, str]:
    """The parameters with which the cluster was ordered."""
    (cluster,) = one.simulator.cloud.clusters.values()
    return dict(cluster.order)


def values(gate: Gate, m: Migration) -> list[str]:
    assert gate.options is not None
    return [option.value for option in gate.options(m)]


def test_a_clone_is_filled_once_and_nothing_follows_it(tenant: Rent) -> None:
    one = tenant()
    one.m.source.change("INSERT INTO shop.orders VALUES (901, 'before')")
    try:
        assert values(choices.CREATION, one.m) == [clone.MIGRATE, clone.CLONE]
        assert (clone.probe(one.m).outcome, CLONE_IS_THERE.when(one.m)) == (Outcome.DONE, False)
        one.chose(choices.CREATION, clone.CLONE)
        assert "nothing is synchronised" in APPROVE.consequence(one.m)
        assert values(choices.RATE, one.m) == []
        assert "CloneFromRDS" in create.statements(one.m)[0]
        cluster = one.ordered()
        assert (ordered_as(one)["CreationOption"], ordered_as(one)["CloneDataPoint"]) == ("CloneFromRDS", "LATEST")
        clone.apply(one.m)
        assert (clone.probe(one.m).outcome, CLONE_IS_THERE.when(one.m)) == (Outcome.DONE, True)
        words = CLONE_IS_THERE.consequence(one.m)
        assert words.startswith(f"{cluster} is a copy of {one.m.spec.source.name}")
        assert "NOTHING IS SYNCHRONISED" in words
        assert f"DeleteDBCluster --DBClusterId {cluster}" in words
        assert CLONE_IS_THERE.ends(one.m) == f"{cluster} is a clone; {one.m.spec.source.name} has the writes as before"
        # It has what was there, takes writes, and gets nothing of what comes.
        with_session = Server(place_of(one, cluster))
        one.ending.callback(with_session.close)
        one.m.source.change("INSERT INTO shop.orders VALUES (902, 'after')")
        with_session.change("INSERT INTO shop.orders VALUES (903, 'of its own')")
        assert with_session.rows("SELECT id FROM shop.orders WHERE id > 900 ORDER BY id") == ((901,), (903,))
        assert with_session.named(with_session.dialect.replica_status) == ()
        sample = ProvidersWord(one.m).lag(True)
        assert sample is not None
        assert sample.lag_s is None
        # Cancelled instead, it leaves both as they are, and sends nothing.
        fill.undo(one.m)
        assert {
            call.action for call in one.simulator.calls if not call.action.split(":")[1].startswith("Describe")
        } == {ORDER}
    finally:
        one.m.source.change("DELETE FROM shop.orders WHERE id > 900")


def place_of(one: Tenant, cluster: str) -> Endpoint:
    """The address of a cluster's primary endpoint."""
    listed = of(one.m).read(lambda client: polardb.endpoints(client, cluster))
    (address,) = next(one.addresses or () for one in listed if one.kind == "Primary")
    assert address.host
    assert address.port
    account = one.m.source.endpoint.account
    return Endpoint(cluster, address.host, address.port, account)


def test_an_operator_can_leave_while_a_clone_is_filled(tenant: Rent) -> None:
    one = tenant()
    one.chose(choices.CREATION, clone.CLONE)
    one.goes_wrong(Kind.ALTER, "polardb:DescribeDBClusterAttribute", times=None, fields={"DBClusterStatus": "Creating"})
    cluster = one.ordered()
    one.desk.stopped = True
    with pytest.raises(Halted):
        clone.apply(one.m)
    assert any(shown.startswith(f"waiting until {cluster} has the data of ") for shown in one.shown())
    assert one.called(LOOK) == 0


def test_nodes_that_grow_are_ordered_between_the_two_sizes_that_were_chosen(tenant: Rent) -> None:
    one = tenant()
    assert values(purchase.SCALE_MIN, one.m) == values(purchase.SCALE_MAX, one.m) == []
    assert SERVERLESS in values(purchase.BILLING, one.m)
    one.chose(purchase.BILLING, SERVERLESS)
    assert values(purchase.NODE_CLASS, one.m) == ["polar.mysql.sl.small"]
    assert values(purchase.SCALE_MIN, one.m) == ["1", "2", "4", "8", "16"]
    one.chose(purchase.NODE_CLASS, "polar.mysql.sl.small")
    one.chose(purchase.SCALE_MIN, "2")
    # 4 units have 8 GB, and the source has 16.
    assert values(purchase.SCALE_MAX, one.m) == ["32", "16", "8"]
    one.chose(purchase.SCALE_MIN, "4")
    one.chose(purchase.SCALE_MAX, "16")
    one.following()
    wanted = {
        "PayType": "Postpaid", "ServerlessType": "AgileServerless", "DBNodeClass": "polar.mysql.sl.small",
        "ScaleMin": "4", "ScaleMax": "16", "ScaleRoNumMin": "1", "ScaleRoNumMax": "1",
    }  # fmt: skip
    assert {name: value for name, value in ordered_as(one).items() if name in wanted} == wanted


def test_sizes_that_the_provider_does_not_take_are_refused_before_anything_is_bought(tenant: Rent) -> None:
    one = tenant()
    one.chose(purchase.BILLING, SERVERLESS)
    one.chose(purchase.NODE_CLASS, "polar.mysql.sl.small")
    one.chose(purchase.SCALE_MIN, "16")
    one.chose(purchase.SCALE_MAX, "8")
    with pytest.raises(CloudFailed, match="ScaleMax"):
        create.apply(one.m)
    assert not one.simulator.cloud.clusters
