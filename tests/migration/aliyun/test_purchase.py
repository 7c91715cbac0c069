"""What is bought: nodes as large as the source, where the cluster is put, and for how long it is paid for."""

from __future__ import annotations

from typing import Any

import pytest

from migration.aliyun import addresses, choices, create, purchase, sizes
from migration.aliyun.account import of
from migration.aliyun.state import look
from migration.decisions import Choice
from migration.runbook import CloudFailed, Gate, Migration, StepFailed
from migration.runbooks.rds_to_polardb import APPROVE
from migration.view import Option
from providers.aliyun import polardb
from providers.aliyun.actions import RDS
from providers.aliyun.calls import call
from providers.aliyun.command_line import from_command
from providers.sandbox.aliyun_api.faults import forbidden
from providers.sandbox.aliyun_api.scenario import Durations, Scenario
from providers.sandbox.api.faults import Kind
from tests.migration.aliyun.tenant import AS_LARGE, Rent, Tenant

ORDER, CLASSES, NETWORKS = "polardb:CreateDBCluster", "polardb:DescribeClassList", "polardb:DescribeRdsVpcs"
SOURCE = "rds:DescribeDBInstanceAttribute"
MEDIUM, XLARGE = "polar.mysql.x4.medium", "polar.mysql.x4.xlarge"
OWN, SECOND = "vsw-bp1sandbox", "vsw-bp1second"
OTHER_VPC, OTHER = "vpc-bp1other", "vsw-bp1other"


def options(gate: Gate, m: Migration) -> dict[str, Option]:
    assert gate.options is not None
    return {option.value: option for option in gate.options(m)}


def parameters(one: Tenant) -> dict[str, str]:
    """The parameters of the order as it is shown before it is sent."""
    (shown,) = create.statements(one.m)
    return from_command(shown).call.body()


def ordered_as(one: Tenant) -> dict[str, str]:
    (cluster,) = one.simulator.cloud.clusters.values()
    return dict(cluster.order)


def source_is(one: Tenant, **fields: Any) -> None:
    """Let RDS describe the instance otherwise; None leaves a field out."""
    one.simulator.faults.clear()
    name = one.simulator.cloud.instance_id
    request = call(RDS, "DescribeDBInstanceAttribute", name, {"DBInstanceId": name})
    (item,) = of(one.m).client.items(request, "Items", "DBInstanceAttribute")
    changed = {name: value for name, value in {**item.content, **fields}.items() if value is not None}
    one.goes_wrong(Kind.ALTER, SOURCE, times=None, fields={"Items": {"DBInstanceAttribute": [changed]}})


def only_known(one: Tenant, *names: str) -> None:
    """Let the provider tell the size of these classes alone."""
    known = {found.name: found for found in of(one.m).read(lambda client: polardb.class_sizes(client, "polardb_payg"))}
    items = [
        {"ClassCode": name, "Cpu": str(known[name].cpus), "MemoryClass": str(known[name].memory_gb)} for name in names
    ]
    one.goes_wrong(Kind.ALTER, CLASSES, times=None, fields={"Items": items})


def test_classes_smaller_than_the_source_are_not_offered_and_the_smallest_that_will_do_is_proposed(
    tenant: Rent,
) -> None:
    one = tenant()
    offered = options(purchase.NODE_CLASS, one.m)
    assert list(offered) == [AS_LARGE, XLARGE]
    assert offered[AS_LARGE].meaning.startswith("4 cores, 16 GB; the source has 4 cores, 16 GB; ")
    # What nobody tells the size of comes last, and says so.
    only_known(one, MEDIUM, XLARGE)
    offered = options(purchase.NODE_CLASS, one.m)
    assert list(offered) == [XLARGE, AS_LARGE]
    assert offered[AS_LARGE].meaning.startswith(
        "WHETHER IT IS LARGE ENOUGH IS NOT KNOWN: unknown cores, unknown memory"
    )
    # What is known to be too small in one is too small.
    source_is(one, DBInstanceCPU=None)
    offered = options(purchase.NODE_CLASS, one.m)
    assert list(offered) == [AS_LARGE, XLARGE]
    assert all(option.meaning.startswith("WHETHER") for option in offered.values())
    source_is(one, DBInstanceCPU="16")
    with pytest.raises(StepFailed, match=r"no class of nodes .* \(16 cores, 16 GB\): 3 are smaller"):
        options(purchase.NODE_CLASS, one.m)
    # Nodes that grow become at most about 32 cores and 64 GB.
    assert sizes.SERVERLESS in options(purchase.BILLING, one.m)
    source_is(one, DBInstanceMemory=128 * 1024)
    assert sizes.SERVERLESS not in options(purchase.BILLING, one.m)


def test_nodes_smaller_than_the_source_are_never_ordered(tenant: Rent) -> None:
    one = tenant()
    one.chose(purchase.NODE_CLASS, MEDIUM)
    assert f"{MEDIUM} has 2 cores, 8 GB, the source 4 cores, 16 GB" in APPROVE.consequence(one.m)
    for _ in range(2):
        with pytest.raises(StepFailed, match="Nothing was ordered; cancel") as why:
            create.apply(one.m)
        # To know of it and try again changes nothing.
        one.decided("retry", Choice.CONFIRM, str(why.value))
    one.chose(purchase.BILLING, sizes.SERVERLESS)
    one.chose(purchase.SCALE_MAX, "4")
    with pytest.raises(StepFailed, match="grown to 4 has 4 cores, 8 GB, the source 4 cores, 16 GB"):
        create.apply(one.m)
    assert one.called(ORDER) == 0


def test_nodes_of_unknown_size_are_ordered_on_the_operators_word_only(tenant: Rent) -> None:
    one = tenant()
    only_known(one, MEDIUM)
    with pytest.raises(StepFailed, match=r"is not known .*unknown cores, unknown memory") as why:
        create.apply(one.m)
    one.decided("retry", Choice.CONFIRM, "Something else went wrong.")
    with pytest.raises(StepFailed, match="is not known"):
        create.apply(one.m)
    assert one.called(ORDER) == 0
    one.decided("retry", Choice.CONFIRM, str(why.value))
    create.apply(one.m)
    assert (one.called(ORDER), ordered_as(one)["DBNodeClass"]) == (1, AS_LARGE)


def test_what_may_not_be_asked_is_told_by_the_permission_and_nothing_is_ordered(tenant: Rent) -> None:
    one = tenant()
    one.simulator.faults.add(forbidden(CLASSES))
    for ask in (lambda: options(purchase.NODE_CLASS, one.m), lambda: create.apply(one.m)):
        with pytest.raises(CloudFailed, match="Have the RAM action polardb:DescribeClassList allowed"):
            ask()
    assert one.called(ORDER) == 0


def test_an_account_sees_one_of_two_lists_of_classes_and_both_are_asked(tenant: Rent) -> None:
    one = tenant(Scenario(region="ap-southeast-1", durations=Durations().at_pace(2000)))
    assert list(options(purchase.NODE_CLASS, one.m)) == [AS_LARGE, XLARGE]
    assert [found.parameters["CommodityCode"] for found in one.simulator.calls if found.action == CLASSES] == [
        "polardb_payg_intl", "polardb_payg"
    ]  # fmt: skip


def test_the_place_of_the_cluster_is_chosen_and_the_instances_own_is_proposed(tenant: Rent) -> None:
    one = tenant()
    instance = one.simulator.cloud.instance_id
    vpcs = options(purchase.VPC, one.m)
    own = next(iter(vpcs))
    assert list(vpcs) == [own, OTHER_VPC]
    assert "the instance's: clients reach" in vpcs[own].meaning
    assert f"NOT the instance's ({own}): no private address is exchanged" in vpcs[OTHER_VPC].meaning
    one.chose(purchase.VPC, own)
    zones = options(purchase.ZONE, one.m)
    assert list(zones) == ["cn-hangzhou-h", "cn-hangzhou-i"]
    assert zones["cn-hangzhou-h"].meaning.startswith("the instance's")
    one.chose(purchase.ZONE, "cn-hangzhou-h")
    assert options(purchase.VSWITCH, one.m)[OWN].meaning.startswith("the instance's, sandbox, 172.16.0.0/24")
    one.chose(purchase.ZONE, "cn-hangzhou-i")
    assert list(options(purchase.VSWITCH, one.m)) == [SECOND]
    one.chose(purchase.VSWITCH, SECOND)
    wanted = {"VPCId": own, "ZoneId": "cn-hangzhou-i", "VSwitchId": SECOND, "SourceResourceId": instance}
    assert wanted.items() <= parameters(one).items()
    one.following()
    assert wanted.items() <= ordered_as(one).items()
    # In the same network addresses are exchanged, whichever the zone.
    assert addresses.WITH in options(choices.ENDPOINTS, one.m)


def test_in_another_network_no_private_address_is_exchanged_and_it_is_said(tenant: Rent) -> None:
    one = tenant(Scenario(public_address=False, durations=Durations().at_pace(2000)))
    one.chose(purchase.VPC, OTHER_VPC)
    assert list(options(purchase.ZONE, one.m)) == ["cn-hangzhou-h"]
    one.chose(purchase.ZONE, "cn-hangzhou-h")
    assert list(options(purchase.VSWITCH, one.m)) == [OTHER]
    one.chose(purchase.VSWITCH, OTHER)
    one.following()
    assert [row.ours for row in addresses.table(look(one.m))] == [None]
    (only,) = options(choices.ENDPOINTS, one.m).values()
    assert only.value == addresses.WITHOUT
    assert f"NOT exchanged: it is in vpc-bp1sandbox, the cluster's in {OTHER_VPC}" in only.meaning


def test_a_network_without_a_vswitch_where_nodes_are_sold_is_named(tenant: Rent) -> None:
    one = tenant()
    one.goes_wrong(Kind.ALTER, NETWORKS, times=None, fields={"Vpcs": {"Vpc": []}})
    with pytest.raises(StepFailed, match=r"^vpc-bp1sandbox, .* are sold \(cn-hangzhou-h, cn-hangzhou-i\): create one"):
        options(purchase.VPC, one.m)
    # What is still being made, or is in a zone where nothing is sold, is none.
    switches = [
        {"VSwitchId": "vsw-1", "IzNo": "cn-hangzhou-h", "Status": "Pending"},
        {"VSwitchId": "vsw-2", "IzNo": "cn-hangzhou-z", "Status": "Available"},
    ]
    one.simulator.faults.clear()
    listed = {"Vpcs": {"Vpc": [{"VpcId": "vpc-bp1sandbox", "VSwitchs": switches}]}}
    one.goes_wrong(Kind.ALTER, NETWORKS, times=None, fields=listed)
    with pytest.raises(StepFailed, match="create one in the VPC console"):
        options(purchase.VPC, one.m)


def test_a_subscription_is_for_as_long_as_was_chosen(tenant: Rent) -> None:
    one = tenant()
    assert options(purchase.PERIOD, one.m) == options(purchase.RENEWAL, one.m) == {}
    one.chose(purchase.BILLING, create.PREPAID)
    assert list(options(purchase.PERIOD, one.m)) == [
        "1 month", *(f"{number} months" for number in range(2, 10)), "1 year", "2 years", "3 years"
    ]  # fmt: skip
    assert list(options(purchase.RENEWAL, one.m)) == [create.ENDS, create.RENEWED]
    for gate in (purchase.BILLING, purchase.PERIOD, purchase.NODE_CLASS):
        assert gate.consequence(one.m).startswith("What it costs is not shown here")
    for period, renewal, wanted in (
        ("2 years", create.RENEWED, {"Period": "Year", "UsedTime": "2", "AutoRenew": "true"}),
        ("3 months", create.ENDS, {"Period": "Month", "UsedTime": "3", "AutoRenew": "false"}),
    ):
        one.chose(purchase.PERIOD, period)
        one.chose(purchase.RENEWAL, renewal)
        assert (wanted | {"PayType": "Prepaid"}).items() <= parameters(one).items()
    one.following()
    wanted = {"PayType": "Prepaid", "Period": "Month", "UsedTime": "3", "AutoRenew": "false"}
    assert wanted.items() <= ordered_as(one).items()


def test_the_share_of_x_engine_is_asked_where_it_is_wanted_and_sent(tenant: Rent) -> None:
    one = tenant()
    one.chose(purchase.VERSION, "8.0")
    assert options(purchase.XENGINE_SHARE, one.m) == {}
    assert create.XENGINE in options(purchase.STORAGE_ENGINE, one.m)
    one.chose(purchase.STORAGE_ENGINE, create.XENGINE)
    assert list(options(purchase.XENGINE_SHARE, one.m))[:2] == ["50", "10"]
    one.chose(purchase.XENGINE_SHARE, "30")
    assert {"LooseXEngine": "ON", "LooseXEngineUseMemoryPct": "30"}.items() <= parameters(one).items()
