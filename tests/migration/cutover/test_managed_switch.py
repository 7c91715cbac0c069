"""A switch and its way back between servers whose provider keeps SUPER and read_only to itself, as RDS does."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest

from migration import rehearsal
from migration.cutover import native, switch
from migration.cutover.keep import close_again
from migration.fences.choose import fence_for, holds_accounts, shut
from migration.fences.provider import ProviderFence
from migration.model import Direction, MigrationSpec, Positioning, Proof, Secrets, Wishes
from migration.runbook import ProviderSwitch
from migration.sessions import create, read_spec
from migration.steps import closed_accounts, finish, way_back
from providers.aws import procedures
from providers.mysql import replication
from providers.mysql.dialect import Managed
from providers.mysql.endpoint import Account, Secret
from providers.mysql.errors import PrivilegeMissing
from providers.mysql.server import Server
from providers.sandbox import client, passwords
from providers.sandbox.aws_api import rds_sql
from providers.sandbox.client import Sandbox
from providers.sandbox.spec import TopologySpec
from tests.support.moving import Moving, QuietDesk, migration_over
from tests.support.parameter_group import ParameterGroup

MASTER = Account("admin", Secret("only-the-master's"))
ORDER_S = 0.3
PAIRS = [("mysql-5.7", "mysql-5.7"), ("mysql-5.7", "mysql-9.7")]


@dataclass(frozen=True)
class Provider:
    """The provider's side of the two servers."""

    groups: dict[str, ParameterGroup]

    def run(self, statement: str) -> None:
        raise NotImplementedError

    def places(self, spec: MigrationSpec) -> tuple[tuple[str, int], ...]:
        return ()

    def write_switch(self, server: Server) -> ProviderSwitch | None:
        return self.groups[server.name]

    def close(self) -> None:
        for group in self.groups.values():
            group.settled()


def made_over(sandbox: Sandbox, provider: Provider) -> Moving:
    """The migration between the two as their master user sees them; positions are files, since locks are logged."""
    wishes = Wishes(proof=Proof.OFF, positioning=Positioning.FILE)
    enrolled = rehearsal.enrol(sandbox, "mysql_replication", keep=True, wishes=wishes)
    plain, known = read_spec(enrolled.journal), enrolled.secrets()
    spec = replace(
        plain,
        id=f"{plain.id}-master",
        source=replace(plain.source, user=MASTER.user),
        target=replace(plain.target, user=MASTER.user),
        spared=(passwords.ADMINISTRATOR,),
    )
    secrets = Secrets(MASTER.password, MASTER.password, known.source_replication, known.target_replication)
    desk, journal = QuietDesk(), create(spec)
    m = replace(migration_over(journal, spec, secrets, desk), cloud=provider)
    return Moving(sandbox, journal, m, desk)


@pytest.fixture(scope="module", params=PAIRS, ids=lambda pair: "-to-".join(pair))
def pair(request: pytest.FixtureRequest, engine_names: tuple[str, ...]) -> Iterator[Moving]:
    source, target = request.param
    topology = TopologySpec(source, target, "file", rows=200, rate=50, attached=True)
    sandbox = client.start(topology, idle_limit_s=600.0)
    with contextlib.ExitStack() as stack:
        stack.callback(sandbox.stop)
        sandbox.workload("start")
        ends = sandbox.endpoints()
        admins = {end.name: stack.enter_context(contextlib.closing(Server(end))) for end in (ends.source, ends.target)}
        admins["target"].change("SET GLOBAL read_only = OFF")
        for admin in admins.values():
            rds_sql.install(admin, MASTER)
        provider = Provider({name: ParameterGroup(admin, ORDER_S) for name, admin in admins.items()})
        made = made_over(sandbox, provider)
        stack.callback(made.m.scribe.journal.close)
        for server in made.m.servers:
            stack.callback(server.close)
        stack.callback(provider.close)
        closed_accounts.apply(made.m)
        way_back.apply(made.m)
        sandbox.workload("arm")
        yield made


def test_the_master_user_speaks_by_procedures_and_the_administrator_by_statements(pair: Moving) -> None:
    master, admin = pair.m.source, Server(pair.sandbox.endpoints().source)
    with contextlib.closing(admin):
        assert isinstance(master.dialect, Managed)
        assert not isinstance(admin.dialect, Managed)
        assert admin.dialect.kill == "KILL %s"
    assert master.dialect.kill == "CALL mysql.rds_kill(%s)"
    with pytest.raises(PrivilegeMissing):
        master.change("SET GLOBAL read_only = ON")


def test_channels_are_stopped_and_started_by_procedures(pair: Moving) -> None:
    replica = pair.m.target
    replication.stop(replica)
    status = replica.replica_status()
    assert status is not None
    assert not status.running
    replica.change(replica.dialect.start_replica)
    assert replication.wait_running(replica, 15.0).running


def test_there_and_back(pair: Moving) -> None:
    assert closed_accounts.probe(pair.m).outcome == "done"
    assert not native.arms(pair.m)
    for direction in (Direction.CUTOVER, Direction.ROLLBACK, Direction.CUTOVER):
        s = pair.attempt(direction)
        with contextlib.closing(fence_for(pair.m, s.old)) as fence:
            assert isinstance(fence, ProviderFence)
        switch(pair.m, s)
        assert s.old.read_only().clients
        assert not shut(pair.m, s.new)
        assert not close_again(pair.m, s.old)
        assert not holds_accounts(pair.m, pair.m.target)
    pair.sandbox.workload("pause")
    figures = pair.sandbox.verify_lost()
    assert figures.lost_writes == 0
    assert figures.both_writable_ms == 0


def test_replication_is_ended_by_procedures(pair: Moving) -> None:
    finish.apply(pair.m)
    assert finish.probe(pair.m).outcome == "done"
    assert all(server.replica_status() is None for server in pair.m.servers)


def test_the_call_that_follows_is_shown_without_its_password(pair: Moving) -> None:
    account = Account("repl", Secret("Geheim-77"))
    start = pair.m.source.end_of_log()
    channel = replication.plan_channel(pair.m.target, pair.m.source, account, start)
    statement = pair.m.target.dialect.follow(channel)
    assert "Geheim" not in statement.shown
    assert f"'{start.file}', {start.offset}" in statement.shown
    upstream = procedures.Upstream(channel.host, channel.port, account, channel.encrypted)
    assert statement.shown == procedures.follow_from(pair.m.target.version, upstream, start.file, start.offset).shown()
