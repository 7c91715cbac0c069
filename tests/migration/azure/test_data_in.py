"""The steps of data-in replication from a MySQL elsewhere into an empty Flexible Server of a simulated subscription."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pymysql
import pytest

from migration.azure.data_in import attach, checks, settings, target, way_back
from migration.azure.data_in.account import DataInAccount, open_account
from migration.check import Finding, Pair, Route
from migration.checks.accounts import privileges
from migration.checks.reparse import objects_accepted
from migration.checks.replication import filters, threads
from migration.checks.run import run_check
from migration.fences.choose import fence_for, let_in, shut
from migration.fences.provider import ProviderFence
from migration.journal import Journal, Kind
from migration.model import CloudSpec, MigrationSpec, Positioning, Secrets, ServerSpec
from migration.records import Scribe
from migration.runbook import Migration
from migration.steps import closed_accounts, copy
from providers.azure import datain, flexible
from providers.azure.dialect import AzureDialect
from providers.azure.places import Place
from providers.mysql import replication
from providers.mysql.endpoint import Secret
from providers.mysql.errors import ServerError
from providers.mysql.server import Server
from providers.sandbox import engines, passwords
from providers.sandbox.azure_api.scenario import Durations, Scenario
from providers.sandbox.azure_api.simulator import Simulator
from providers.sandbox.launcher import SandboxServer
from providers.sandbox.options import Positioning as How
from tests.support.moving import QuietDesk
from tests.support.sql import ask
from tests.support.waiting import until

CHECKS = {one.id: one for one in checks.data_in()}
TARGET = "flexible-target"
FAST = Durations().at_pace(4000)


@dataclass(frozen=True)
class Bench:
    """A server elsewhere with a small database, and an empty Flexible Server."""

    simulator: Simulator
    m: Migration

    @property
    def account(self) -> DataInAccount:
        assert isinstance(self.m.cloud, DataInAccount)
        return self.m.cloud

    def pair(self) -> Pair:
        m = self.m
        return Pair(m.source, m.other, m.spec, m.secrets, m.positioning, Route.NATIVE, m.cloud)

    def find(self, check: str) -> Finding:
        return run_check(self.pair(), CHECKS[check])


@pytest.fixture(scope="module", params=["mysql-5.7", pytest.param("mysql-9.7", marks=pytest.mark.long)])
def bench(
    request: pytest.FixtureRequest, engine_names: tuple[str, ...], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Bench]:
    place, known = tmp_path_factory.mktemp("data-in"), passwords.load()
    with contextlib.ExitStack() as ending:
        made = [
            server(name, place, request.param if name == "target" else "mysql-5.7") for name in ("source", "target")
        ]
        for one in made:
            ending.callback(one.destroy)
        source = made[0]
        source.start()
        plant(source)
        scenario = Scenario(kind="elsewhere", target=TARGET, durations=FAST)
        simulator = Simulator(scenario, source, made[1:], known.replication, place / "backups", by_file=True)
        ending.callback(simulator.close)
        yield Bench(simulator, migration(simulator, source, place, ending))


def server(name: str, place: Path, engine: str) -> SandboxServer:
    return SandboxServer(engines.find(engine), place / name, name=name, positioning=How.FILE)


def plant(source: SandboxServer) -> None:
    """What cannot be made on the target in its definer's name, and a filter of the operator's own for nothing."""
    ask(
        source.endpoint(),
        "CREATE DATABASE shop",
        "CREATE TABLE shop.notes (id INT PRIMARY KEY AUTO_INCREMENT, note VARCHAR(20))",
        "CREATE TABLE shop.log (id INT PRIMARY KEY AUTO_INCREMENT, note VARCHAR(20))",
        "INSERT INTO shop.notes VALUES (1, 'one')",
        "CREATE TRIGGER shop.noted AFTER INSERT ON shop.notes FOR EACH ROW INSERT INTO shop.log (note) VALUES ('x')",
        "CREATE PROCEDURE shop.clear() DELETE FROM shop.log",
        "CREATE FUNCTION shop.two() RETURNS INT DETERMINISTIC RETURN 2",
        "CREATE VIEW shop.short AS SELECT id FROM shop.notes",
    )


def migration(simulator: Simulator, source: SandboxServer, place: Path, ending: contextlib.ExitStack) -> Migration:
    access, known = simulator.access, passwords.load()
    admin = access.administrator
    spot = Place(access.subscription_id, access.resource_group, TARGET)
    options = {"target": flexible.resource_id(spot), "target_port": str(access.port), "poll_s": "0.02"}
    cloud = CloudSpec(access.location, "source", "given", access.url, options)
    nowhere = ServerSpec("new target", "", 0, "", known.replication.user)
    spec = MigrationSpec(
        "one",
        "azure_data_in",
        "tests",
        ServerSpec("source", access.host, access.port, known.administrator.user, known.replication.user),
        nowhere,
        Positioning.FILE,
        spared=(known.administrator.user,),
        cloud=cloud,
    )
    secrets = Secrets(
        known.administrator.password,
        admin.password,
        known.replication.password,
        known.replication.password,
        {"token": access.token},
    )
    account = open_account(spec, secrets)
    ending.callback(account.close)
    scribe = Scribe(Journal.create(place / "journal"))
    ending.callback(scribe.journal.close)
    scribe.journal.append_synced(Kind.CREATED, spec.id, spec.to_json())
    here = Server(spec.source.endpoint(secrets.source))
    ending.callback(here.close)
    m = Migration(spec, secrets, here, None, Positioning.FILE, scribe, QuietDesk(), cloud=account)
    assert target.probe(m).outcome == "not_done"
    target.apply(m)
    assert target.probe(m).outcome == "done"
    placed = m.story().spec
    assert placed is not None
    there = Server(placed.target.endpoint(secrets.target))
    ending.callback(there.close)
    return replace(m, spec=placed, other=there)


def test_a_sound_pair_has_nothing_that_blocks(bench: Bench) -> None:
    assert isinstance(bench.m.target.dialect, AzureDialect)
    assert bench.m.target.name == TARGET
    assert bench.account.place_of(bench.m.target) == bench.account.source
    assert bench.account.place_of(bench.m.source) is None
    found = {name: bench.find(name) for name in CHECKS}
    assert {name: one.result for name, one in found.items() if one.blocks} == {}
    assert found["azure-definers"].word == "NOTE"
    for check in (privileges, objects_accepted):
        assert run_check(bench.pair(), check).word == "OK", check.id
    # What was tried out is gone again.
    assert bench.m.target.databases() == ()


def test_a_parameter_that_lets_nobody_make_functions_is_found(bench: Bench) -> None:
    with contextlib.closing(Server(bench.simulator.cloud.machines[_key(bench)].server.endpoint())) as admin:
        admin.change("SET GLOBAL log_bin_trust_function_creators = OFF")
        try:
            assert bench.find("azure-function-creators").word == "FAIL"
            assert run_check(bench.pair(), objects_accepted).word == "FAIL"
        finally:
            admin.change("SET GLOBAL log_bin_trust_function_creators = ON")


def test_keys_that_the_service_would_add_are_found(bench: Bench) -> None:
    if not bench.m.target.version.mysql_from(8, 0, 30):
        assert bench.find("azure-invisible-keys").word == "OK"
        return
    with contextlib.closing(Server(bench.simulator.cloud.machines[_key(bench)].server.endpoint())) as admin:
        admin.change("SET GLOBAL sql_generate_invisible_primary_key = ON")
        bench.m.source.change("CREATE TABLE shop.keyless (id INT)")
        try:
            assert bench.find("azure-invisible-keys").result.evidence[1] == ("shop", "keyless")
        finally:
            bench.m.source.change("DROP TABLE shop.keyless")
            admin.change("SET GLOBAL sql_generate_invisible_primary_key = OFF")


def test_by_gtid_and_with_an_unknown_flexible_source_it_is_not_begun(bench: Bench) -> None:
    m = bench.m
    pair = Pair(m.source, m.other, m.spec, m.secrets, Positioning.GTID, Route.NATIVE, m.cloud)
    assert run_check(pair, CHECKS["azure-data-in-positions"]).word == "FAIL"
    # The target once more, as a source that was not named to the provider.
    stranger = Server(replace(m.target.endpoint, name="other", host="127.0.0.1", port=_port(bench)))
    with contextlib.closing(stranger):
        pair = Pair(stranger, m.other, m.spec, m.secrets, Positioning.FILE, Route.NATIVE, m.cloud)
        assert run_check(pair, CHECKS["azure-read-only"]).word == "FAIL"


def test_it_is_copied_follows_is_followed_and_lets_clients_in(bench: Bench) -> None:
    m = bench.m
    closed_accounts.apply(m)
    assert shut(m, m.target)
    copy.apply(m)
    assert copy.probe(m).outcome == "done"
    assert m.target.rows("SELECT shop.two(), (SELECT COUNT(*) FROM shop.short)") == ((2, 1),)
    definer = m.target.value("SELECT definer FROM information_schema.triggers WHERE trigger_schema = 'shop'")
    assert str(definer).startswith(f"{m.target.endpoint.account.user}@")
    assert attach.probe(m).outcome == "not_done"
    attach.apply(m)
    assert attach.probe(m).outcome == "done"
    m.source.change("INSERT INTO shop.notes VALUES (2, 'later')")
    assert m.target.wait_for(m.source.end_of_log(), 20)
    # The trigger's row came with the log, not by the trigger of the target.
    assert m.target.value("SELECT COUNT(*) FROM shop.log") == 1
    way_back.apply(m)
    assert way_back.probe(m).outcome == "done"
    # What the service leaves out is no data of the operator's.
    assert run_check(bench.pair(), threads).word == "OK"
    assert run_check(bench.pair(), filters).word == "OK"
    let_in(m, m.target)
    m.target.change("INSERT INTO shop.notes VALUES (3, 'back')")
    until(lambda: m.source.rows("SELECT 1 FROM shop.notes WHERE id = 3"), "what was written on the target", 20)
    application = passwords.load().application
    ask(replace(m.target.endpoint, account=application), "INSERT INTO shop.notes VALUES (4, 'client')")
    with contextlib.closing(fence_for(m, m.target)) as fence:
        assert isinstance(fence, ProviderFence)
        fence.raise_((), 2.0)
        with pytest.raises((pymysql.err.Error, ServerError), match="read-only"):
            ask(replace(m.target.endpoint, account=application), "INSERT INTO shop.notes VALUES (5, 'client')")
        fence.release()
    way_back.undo(m)
    attach.undo(m)
    copy.undo(m)
    assert m.target.databases() == ()
    assert m.target.replica_status() is None


def test_with_the_authoritys_certificate_the_procedure_is_given_it(bench: Bench, tmp_path: Path) -> None:
    m, pem = bench.m, tmp_path / "ca.pem"
    pem.write_text("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
    named = Server(replace(m.source.endpoint, ca_file=str(pem)))
    with contextlib.closing(named):
        account = replace(passwords.load().replication, password=Secret("Geheim-77"))
        channel = replication.plan_channel(m.target, named, account, named.end_of_log())
        assert channel.ca == pem.read_text()
        # The servers of this machine speak no TLS in common.
        statement = m.target.dialect.follow(replace(channel, encrypted=True))
        assert m.target.dialect.follow(replace(channel, encrypted=False)).shown.endswith(", '')")
    assert b"BEGIN CERTIFICATE".hex().upper() in statement.sql.upper()
    assert "(certificate)" in statement.shown
    assert "Geheim" not in statement.shown
    assert datain.CHANGE in statement.shown


def test_what_a_parameter_was_is_read_and_set(bench: Bench) -> None:
    place = settings.place_of(bench.m, bench.m.target)
    assert settings.read(bench.m, place, "no_such_parameter") is None
    settings.put(bench.m, "test", place, "wait_timeout", "77")
    assert settings.value(bench.m, place, "wait_timeout") == "77"


def _key(bench: Bench) -> tuple[str, str, str]:
    return next(key for key in bench.simulator.cloud.machines if key[2] == TARGET)


def _port(bench: Bench) -> int:
    return bench.simulator.cloud.machines[_key(bench)].server.port
