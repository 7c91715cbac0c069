"""A sandbox with a simulated Alibaba Cloud, over its supervisor, real HTTP and real servers."""

from __future__ import annotations

import functools
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import psutil
import pymysql
import pytest

from providers.aliyun import dts, polardb, rds
from providers.aliyun.errors import PermissionMissing
from providers.aliyun.polardb_records import Swap
from providers.mysql.endpoint import Account, Endpoint, Secret
from providers.sandbox.aliyun_api.access import AliyunAccess
from providers.sandbox.aliyun_api.control import Control
from providers.sandbox.aliyun_api.scenario import BusinessTask, Durations, ReadOnlyInstance, Scenario
from providers.sandbox.aliyun_api.spec import AliyunCloud
from providers.sandbox.api.faults import Fault, Kind
from providers.sandbox.api.keys import AccessKey
from providers.sandbox.client import Sandbox, SandboxFailed, SandboxGone
from providers.sandbox.spec import TopologySpec
from providers.sandbox.supervisor import Order
from tests.providers.sandbox.asking import ask
from tests.providers.sandbox.renting import CHECK_FAILED, SYNCING, Customer, primary, renting
from tests.support.ended import gone
from tests.support.waiting import until

ROOT = Path(__file__).resolve().parents[3]
FAST = Scenario(durations=Durations().at_pace(1000))
HOUR = 3600.0
SAME = ("mysql-5.7", "mysql-5.7")
Rent = Callable[..., Customer]


@pytest.fixture
def rent(sandbox: Callable[..., Sandbox]) -> Iterator[Rent]:
    """Start a sandbox with a cloud as `rent(source, target, cloud, positioning)`, with clients that write."""
    with ExitStack() as ending:

        def start(source: str, target: str, cloud: AliyunCloud, positioning: str = "auto") -> Customer:
            one = sandbox(source, target, positioning, rows=300, cloud=cloud)
            one.workload("start")
            return ending.enter_context(renting(one))

        yield start


def processes(one: Sandbox) -> list[psutil.Process]:
    return list(psutil.Process(one.status().supervisor_pid).children(recursive=True))


def listens(place: tuple[str, int]) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(place) == 0


def test_the_connection_string_goes_with_the_writes_there_and_back(rent: Rent) -> None:
    one = rent(*SAME, AliyunCloud(scenario=replace(FAST, durations=replace(FAST.durations, address=HOUR))))
    before = one.sandbox.status()
    assert (before.source.running, before.target.running) == (True, False)
    with pytest.raises(SandboxFailed, match="could not be asked whether it is read_only"):
        one.sandbox.workload("arm")
    cluster = one.in_sync()
    one.add_public_address(cluster)
    public = primary(polardb.migration(one.client, cluster).source_endpoints, "Public")
    one.wait_written_on("source")
    found = one.switch(cluster, Swap())
    assert (found.source_mode, found.cluster_mode) == ("ro", "rw")
    assert primary(found.cluster_endpoints) == (one.cloud.application.host, one.cloud.application.port)
    assert primary(found.cluster_endpoints, "Public") == public
    assert one.server_at_application() == one.server_at(*public) == "target"
    one.wait_written_on("target")
    there = one.account()
    assert (there.lost_writes, there.both_writable_ms, [s.new for s in there.switches]) == (0, 0, ["target"])
    assert there.write_gap_ms is not None
    assert 0 < there.write_gap_ms < 30_000

    one.roll_back(cluster, Swap())
    assert one.server_at_application() == "source"
    one.wait_written_on("source")
    one.close(cluster)
    one.wait_written_on("source")
    back = one.account()
    assert (back.lost_writes, back.both_writable_ms, [s.new for s in back.switches]) == (0, 0, ["target", "source"])
    assert back.unknown_outcomes == back.unknown_resolved


def test_clients_are_told_of_the_cluster_where_no_endpoint_is_exchanged(rent: Rent) -> None:
    scenario = replace(FAST, rules="2019")
    one = rent("mysql-5.6", "mysql-5.6", AliyunCloud(scenario=scenario), "file")
    assert (one.cloud.rules, one.cloud.version, one.cloud.system_account) == ("2019", "5.6", "root")
    with pytest.raises(SandboxFailed, match="arm them before"):
        one.sandbox.repoint("127.0.0.1", 1)
    cluster = one.in_sync()
    found = one.switch(cluster)
    address = primary(found.cluster_endpoints)
    assert one.server_at_application() == "source"
    until(lambda: one.sandbox.figures().errors["source"].get("1290", 0) > 20, "clients that are refused", 30)
    assert one.sandbox.figures().switches == ()
    one.sandbox.repoint(*address)
    one.wait_written_on("target")
    assert one.sandbox.figures().both_writable_ms == 0
    one.close(cluster)
    # The instance takes writes again, and has none of the clients'.
    assert ask(one.sandbox.endpoints().source, "SELECT @@GLOBAL.read_only") == ((0,),)
    one.wait_written_on("target")
    found_at_end = one.account()
    assert (found_at_end.lost_writes, found_at_end.both_writable_ms) == (0, 0)
    one.sandbox.workload("pause")
    assert (one.sandbox.verify_lost("source").lost_writes or 0) > 0
    one.sandbox.workload("resume")
    one.client.send(rds.delete_instance(one.cloud.instance_id))
    assert not one.sandbox.status().source.running
    one.wait_written_on("target")


def test_a_planted_precheck_failure_is_cured_by_the_operator_of_the_account(rent: Rent) -> None:
    scenario = replace(
        FAST,
        extra_account="hidden",
        tasks=(BusinessTask("to the warehouse"),),
        read_only=(ReadOnlyInstance("rr-1", {"default": "10.3.3.3"}),),
    )
    one = rent("mysql-5.6", "mysql-5.7", AliyunCloud("logical", "fail", scenario))
    accounts = {account.name: account.kind for account in rds.accounts(one.client, one.cloud.instance_id)}
    assert accounts == {one.cloud.operator.user: "Super", "app": "Normal"}
    cluster = one.order()
    comment = one.wait(cluster, CHECK_FAILED).comment or ""
    assert ("has a trigger" in comment, "extra system account" in comment) == (True, True)

    net = rds.network(one.client, one.cloud.instance_id).addresses[0]
    assert (net.host, net.port) == (one.cloud.application.host, one.cloud.application.port)
    operator = replace(one.cloud.application, account=one.cloud.operator)
    grants = " ".join(row[0] for row in ask(operator, "SHOW GRANTS"))
    assert ("PROCESS" in grants, "REPLICATION CLIENT" in grants, "SUPER" in grants) == (True, True, False)
    with pytest.raises(pymysql.err.OperationalError, match="SUPER"):
        ask(operator, "SET GLOBAL read_only = 1")
    users = {row[0] for row in ask(operator, "SELECT user FROM information_schema.processlist")}
    assert users - {"unauthenticated user"} <= {one.cloud.operator.user, "app", one.cloud.system_account, "repl"}
    ask(operator, "DELETE FROM mysql.user WHERE `user` = 'aliyun_root' LIMIT 1", "DROP TRIGGER shop.order_total")
    one.client.send(polardb.continue_migration(cluster))
    found = one.wait(cluster, SYNCING)
    names = {job.name: job.instance_id for job in dts.jobs(one.client, one.cloud.instance_id)}
    assert (len(names), names.get("to the warehouse") != found.dts_instance_id) == (2, True)
    assert one.server_at(*primary(found.cluster_endpoints)) == "target"


def test_a_logical_migration_starts_out_without_the_trigger_and_its_deadline_can_be_reached(rent: Rent) -> None:
    one = rent("mysql-5.7", "mysql-5.7", AliyunCloud("logical", scenario=FAST))
    cluster = one.in_sync()
    assert ask(one.sandbox.endpoints().source, "SHOW TRIGGERS FROM shop") == ()
    one.cloud.control.add(Fault(Kind.REFUSE, "polardb:ModifyDBClusterMigration", status=403, code="Forbidden.RAM"))
    with pytest.raises(PermissionMissing):
        one.client.send(polardb.switch_over(cluster, one.cloud.instance_id))
    assert [call.outcome for call in one.cloud.control.calls() if call.action.endswith("ModifyDBClusterMigration")] == [
        "Forbidden.RAM"
    ]
    one.sandbox.workload("disarm")
    one.cloud.control.advance(31 * 86_400)
    found = one.wait(cluster, "NO_MIGRATION")
    assert (found.source_mode, found.cluster_mode) == ("rw", "rw")


_RUNNER = """
import sys
from pathlib import Path
from providers.sandbox.client import Sandbox
from tests.providers.sandbox.renting import renting
with renting(Sandbox(Path(sys.argv[1]))) as customer:
    print(customer.order(), flush=True)
    sys.stdin.read()
"""


def test_a_cluster_comes_without_the_runner_and_nothing_survives_the_supervisor(rent: Rent) -> None:
    one = rent(*SAME, AliyunCloud(scenario=replace(FAST, durations=replace(FAST.durations, clone=HOUR))))
    runner = subprocess.Popen(
        [sys.executable, "-c", _RUNNER, str(one.sandbox.run_dir)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert runner.stdout is not None
    cluster = runner.stdout.readline().strip()
    runner.kill()
    runner.communicate()
    until(lambda: one.sandbox.status().target.running, "the cluster's server", 30)
    one.cloud.control.advance(HOUR)
    found = one.wait(cluster, SYNCING)
    control = (one.cloud.control.host, one.cloud.control.port)
    places = [control, primary(found.source_endpoints), primary(found.cluster_endpoints)]
    assert all(map(listens, places))
    owned = processes(one.sandbox)
    assert len(owned) == 3
    os.kill(one.sandbox.status().supervisor_pid, signal.SIGKILL)
    for process in owned:
        until(functools.partial(gone, process), f"the end of {process}", 30)
    until(lambda: not any(map(listens, places)), "closed addresses", 30)
    with pytest.raises(SandboxGone):
        one.sandbox.cloud()


@pytest.mark.parametrize("moment", ["cloning", "switching"])
def test_a_sandbox_that_is_stopped_at_work_leaves_nothing(rent: Rent, moment: str) -> None:
    slow = replace(FAST.durations, switch=HOUR, fenced=HOUR)
    one = rent(*SAME, AliyunCloud(scenario=replace(FAST, durations=slow)))
    if moment == "cloning":
        one.order()
        until(lambda: one.sandbox.status().target.running, "the cluster's server", 30)
    else:
        cluster = one.in_sync()
        one.client.send(polardb.switch_over(cluster, one.cloud.instance_id))
        until(lambda: polardb.migration(one.client, cluster).source_mode == "ro", "the fence", 30)
    supervisor = psutil.Process(one.sandbox.status().supervisor_pid)
    owned = [supervisor, *processes(one.sandbox)]
    one.sandbox.stop()
    for process in owned:
        until(functools.partial(gone, process), f"the end of {process}", 30)
    assert not one.sandbox.run_dir.exists()


def test_a_cloud_survives_its_way_as_json() -> None:
    scenario = replace(FAST, read_only=(ReadOnlyInstance("rr-1", {"default": "10.3.3.3"}),), tasks=(BusinessTask("a"),))
    spec = TopologySpec(*SAME, cloud=AliyunCloud("logical", "fail", scenario))
    order = Order(spec, 60)
    assert Order.from_json(order.as_json()) == order
    plain = Order(TopologySpec(*SAME), 60)
    assert Order.from_json(plain.as_json()) == plain


def test_what_a_client_needs_survives_its_way_as_json() -> None:
    account = Account("cutover", Secret("an operator's"))
    access = AliyunAccess(
        url="http://127.0.0.1:2",
        region="cn-hangzhou",
        key=AccessKey("LTAI1", Secret("a key's")),
        instance_id="rm-1",
        rules="2026",
        method="logical",
        version="5.7",
        operator=account,
        system_account="aliyun_root",
        application=Endpoint("application", "127.9.9.1", 3, Account("app", Secret("an application's"))),
        control=Control("127.0.0.1", 2, Secret("a token's")),
    )
    assert AliyunAccess.from_json(json.loads(json.dumps(access.as_json()))) == access
    assert not any(word in repr(access) for word in ("operator's", "key's", "application's", "token's"))


@pytest.mark.parametrize(
    ("source", "target", "cloud", "words"),
    [
        ("mysql-5.6", "mysql-5.7", AliyunCloud(), "physically it takes 5.6 and 5.7 to the same version only"),
        ("mysql-9.7", "mysql-9.7", AliyunCloud(), "between which Alibaba Cloud migrates logically"),
        ("mysql-5.7", "mysql-5.7", AliyunCloud(scenario=Scenario(rules="2019")), "only RDS for MySQL 5.6 is migrated"),
    ],
)
def test_what_the_cloud_would_not_migrate_is_refused_before_anything_starts(
    source: str, target: str, cloud: AliyunCloud, words: str
) -> None:
    with pytest.raises(ValueError, match=words):
        TopologySpec(source, target, cloud=cloud).resolve()
    with pytest.raises(ValueError, match="leave attached out"):
        TopologySpec(*SAME, attached=True, cloud=AliyunCloud()).resolve()
