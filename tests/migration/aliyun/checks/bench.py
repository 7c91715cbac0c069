"""A simulated account over a real server as the checks see it, and carrying their fixes out as the product does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from migration import fixing
from migration.aliyun.account import Account, of
from migration.aliyun.checks import every
from migration.check import Check, Finding, Pair, Route
from migration.checks.run import run_check
from migration.decisions import Choice
from migration.runbook import Gate, Migration
from migration.runbooks.rds_to_polardb import RUNBOOK
from providers.aliyun import polardb
from providers.aliyun.actions import RDS
from providers.aliyun.calls import call
from providers.aliyun.polardb_records import Migration as Found
from providers.aliyun.polardb_records import MigrationStatus, NewCluster
from providers.mysql.server import Server
from providers.sandbox.aliyun_api.scenario import Durations
from providers.sandbox.aliyun_api.simulator import Simulator
from providers.sandbox.api.faults import Fault, Kind
from tests.support.waiting import until

CHECKS = {check.id: check for check in every()}
FAST = Durations().at_pace(2000)
MIGRATION = "polardb:DescribeDBClusterMigration"


@dataclass(frozen=True)
class Bench:
    simulator: Simulator
    m: Migration
    route: Route

    @property
    def account(self) -> Account:
        return of(self.m)

    @property
    def server(self) -> Server:
        return self.m.source

    @property
    def pair(self) -> Pair:
        m = self.m
        chosen, expected = m.story().chosen, RUNBOOK.expected(m)
        return Pair(m.source, m.other, m.spec, m.secrets, m.positioning, self.route, m.cloud, chosen, expected)

    def find(self, check: str) -> Finding:
        """Run a check as the runner does."""
        return run_check(self.pair, CHECKS[check])

    def word(self, check: str) -> str:
        return self.find(check).word

    def apply(self, check: str) -> None:
        """Carry out what the check offers."""
        fixing.apply(self.m, check, self.find(check).result.fixes)

    def cured_and_undone(self, check: str) -> None:
        """The fixes make the check pass, and their undo brings back what was found before."""
        before = self.find(check)
        assert before.word == "FAIL", before
        self.apply(check)
        assert self.word(check) == "OK"
        fixing.undo(self.m, check)
        after = self.find(check)
        # A group that is new stays, with nothing in it.
        assert (after.word, after.result.evidence) == (before.word, before.result.evidence)

    def cured_for_good(self, check: str) -> None:
        """The fixes make the check pass; nothing takes them back, and the finding says so."""
        result = self.find(check).result
        assert result.fixes
        assert {fix.undo for fix in result.fixes} == {""}
        assert "Nothing" in result.remedy
        self.apply(check)
        assert self.word(check) == "OK"

    def chose(self, gate: Gate, value: str) -> None:
        self.m.scribe.gate_passed(gate.id, 0, Choice.CONFIRM.value, value)

    def on(self, route: Route) -> Bench:
        return replace(self, route=route)

    def with_cluster(self, name: str) -> Bench:
        """The same once the cluster of the migration is known."""
        spec = replace(self.m.spec, target=replace(self.m.spec.target, name=name))
        return replace(self, m=replace(self.m, spec=spec))

    def ordered(self, status: str = MigrationStatus.SYNCING) -> Bench:
        """The same with a cluster whose migration has come to this status."""
        version = self.m.story().chosen.get("version") or self.simulator.cloud.version
        order = NewCluster("token", self.account.instance_id, version)
        one = self.with_cluster(self.account.send(polardb.create_cluster(order)).cluster_id or "")
        until(lambda: one.found.status == status, f"a migration that is {status}", 30)
        return one

    @property
    def found(self) -> Found:
        """The migration into the cluster, as the provider has it now."""
        cluster = self.m.spec.target.name
        return self.account.read(lambda client: polardb.migration(client, cluster))

    def with_server(self) -> Bench:
        """The same once the cluster's server is known; whoever asks for it closes `m.target`."""
        (endpoint,) = (one for one in self.found.cluster_endpoints or () if one.kind == "Primary")
        (address,) = endpoint.addresses or ()
        place = replace(self.m.spec.target, host=address.host or "", port=address.port or 0)
        spec = replace(self.m.spec, target=place)
        return replace(self, m=replace(self.m, spec=spec, other=Server(place.endpoint(self.m.secrets.target))))

    def made(self, action: str) -> int:
        """How often this call arrived."""
        return sum(one.action == action for one in self.simulator.calls)

    def told(self, **fields: Any) -> None:
        """Let RDS describe the instance otherwise; None leaves a field out."""
        source = self.account.instance_id
        request = call(RDS, "DescribeDBInstanceAttribute", source, {"DBInstanceId": source})
        (item,) = self.account.client.items(request, "Items", "DBInstanceAttribute")
        changed = {name: value for name, value in {**item.content, **fields}.items() if value is not None}
        self.alter("rds:DescribeDBInstanceAttribute", Items={"DBInstanceAttribute": [changed]})

    def alter(self, action: str, *, without: tuple[str, ...] = (), **fields: Any) -> None:
        """Let fields of an answer be others, until `heal`."""
        self.simulator.faults.add(Fault(Kind.ALTER, action, None, fields=fields, without=without))

    def heal(self) -> None:
        self.simulator.faults.clear()


def of_route(route: Route) -> Mapping[str, Check]:
    return {name: check for name, check in CHECKS.items() if check.severity_on(route) is not None}
