"""What a scenario's account holds at its beginning."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from typing import Literal

from providers.sandbox.aliyun_api.scenario import Scenario
from providers.sandbox.aliyun_api.state import (
    DTS_POLICY,
    DTS_ROLE,
    POLARDB_ROLE,
    VPC,
    VSWITCH,
    Address,
    CloudEndpoint,
    Instance,
    Network,
    Role,
    Task,
    new_id,
    own_task_id,
    trust_of,
)

Open = Callable[[], tuple[str, int]]

_vips = itertools.count(1)


def address(
    net_type: Literal["Private", "Public"], ssl: bool, open_address: Open, network: Network = (VPC, VSWITCH)
) -> Address:
    """A new address with a virtual IP address of its own, which is only ever shown."""
    host, port = open_address()
    number = next(_vips)
    return Address(host, port, net_type, f"192.168.{number // 250 % 250}.{number % 250 + 1}", ssl, network)


def service_role(now: float) -> Role:
    """AliyunServiceRoleForPolarDB as the cloud creates it."""
    return Role(
        POLARDB_ROLE,
        trust_of("polardb.aliyuncs.com"),
        now,
        "PolarDB uses this role to access your resources in other services.",
        {"AliyunServiceRolePolicyForPolarDB": "System"},
        service_linked=True,
    )


def roles(scenario: Scenario, now: float) -> dict[str, Role]:
    """The roles by name."""
    found: dict[str, Role] = {}
    if scenario.polardb_role:
        found[POLARDB_ROLE] = service_role(now)
    if scenario.dts_role != "missing":
        service = "ecs.aliyuncs.com" if scenario.dts_role == "no trust" else "dts.aliyuncs.com"
        policies = {} if scenario.dts_role == "no policy" else {DTS_POLICY: "System"}
        words = "DTS will use this role to access your resources in other services."
        found[DTS_ROLE] = Role(DTS_ROLE, trust_of(service), now, words, policies)
    return found


def instances(scenario: Scenario, version: str) -> dict[str, Instance]:
    """The source, first, and its read-only instances, by name."""
    primary = new_id("rm-bp1")
    found = {primary: Instance(primary, version, _groups(scenario.whitelist), "", scenario.deletion_protection)}
    for one in scenario.read_only:
        found[one.name] = Instance(one.name, version, _groups(one.whitelist), primary)
    return found


def rds_endpoints(scenario: Scenario, found: Mapping[str, Instance], open_address: Open) -> tuple[CloudEndpoint, ...]:
    """The instance's endpoints; those of read-only instances lead to the source as well."""

    def endpoint(name: str, kind: str, *net_types: Literal["Private", "Public"]) -> CloudEndpoint:
        return CloudEndpoint(name, kind, tuple(address(one, scenario.ssl, open_address) for one in net_types))

    primary = next(iter(found))
    usual: tuple[Literal["Private", "Public"], ...] = ("Private", "Public") if scenario.public_address else ("Private",)
    made = [endpoint(f"{primary}-normal", "Primary", *usual)]
    if scenario.proxy_address:
        made.append(endpoint(f"{primary}-proxy", "Maxscale", "Private"))
    made += [endpoint(f"{one.id}-normal", "ReadOnly", "Private") for one in found.values() if one.primary_id]
    return tuple(made)


def cluster_endpoints(cluster_id: str, open_address: Open, network: Network) -> tuple[CloudEndpoint, ...]:
    """What every new cluster has: a private primary endpoint and a private cluster endpoint."""
    return tuple(
        CloudEndpoint(new_id("pe-"), kind, (address("Private", False, open_address, network),), "ReadWrite", cluster_id)
        for kind in ("Primary", "Cluster")
    )


def own_task(cluster_id: str, instance_id: str, now: float) -> Task:
    """The DTS task by which a logical migration copies and follows."""
    job_id = own_task_id(cluster_id)
    ends = {"src": (instance_id, "rds"), "dest": (cluster_id, "polardb")}
    name, objects = f"rds2polardb-{cluster_id}", '{"*":{"name":"*","all":true}}'
    return Task(job_id, f"dts{job_id}", name, "SYNC", ends, objects, "synchronizing", now)


def tasks(scenario: Scenario, instance_id: str, now: float) -> dict[str, Task]:
    """The account's own DTS tasks by name."""
    found = {}
    for one in scenario.tasks:
        mine, other = (instance_id, "rds"), (one.other, "rds")
        ends = {"src": mine, "dest": other} if one.rds == "src" else {"src": other, "dest": mine}
        task = Task(
            new_id(""), new_id("dts"), one.name, one.kind, ends, '{"shop":{"name":"shop","all":true}}',
            one.status, now, one.two_way,
        )  # fmt: skip
        found[task.id] = task
    return found


def _groups(whitelist: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    return {name: tuple(part for part in listed.split(",") if part) for name, listed in whitelist.items()}
