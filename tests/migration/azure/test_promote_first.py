"""The steps of a replica that is promoted first, over a real one: never open to clients, and following again."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import replace

import pymysql
import pytest

from migration.azure import replica
from migration.azure.data_in import checks, retention, settings, way_back
from migration.azure.data_in.retention import Retention
from migration.azure.promote_first import choices, guarding, promote, reattach
from migration.azure.state import REGION
from migration.check import Pair, Route, Verdict
from migration.checks.run import run_check
from migration.fences.choose import let_in, shut
from migration.guard import GUARD, guard
from migration.model import Outcome, Positioning
from migration.runbook import Action, CloudSilent, StepFailed
from migration.steps import closed_accounts
from providers.azure import flexible
from providers.mysql import replication
from providers.mysql.endpoint import Account
from providers.mysql.errors import ServerError
from providers.mysql.server import Server
from providers.sandbox import passwords
from providers.sandbox.api.faults import Fault, Kind
from providers.sandbox.azure_api.faults import Ending
from tests.migration.azure.conftest import Bench, Rent
from tests.support.sql import ask
from tests.support.waiting import until

CHECKS = {one.id: one for one in checks.promote_first()}
SIZE = "Standard_D2ds_v4"
KEEP = Retention("keep_logs", lambda m: settings.place_of(m, m.source))
ALL = "mysql.%,information_schema.%,performance_schema.%,sys.%"


def with_replication(one: Bench, positioning: Positioning = Positioning.GTID) -> Bench:
    """The same with the account that each side logs in to the other with."""
    account, m = passwords.load().replication, one.m
    spec = replace(
        m.spec,
        runbook="azure_flexible_promote_first",
        source=replace(m.spec.source, replication_user=account.user),
        target=replace(m.spec.target, replication_user=account.user),
        spared=(passwords.ADMINISTRATOR,),
    )
    secrets = replace(m.secrets, source_replication=account.password, target_replication=account.password)
    return replace(one, m=replace(m, spec=spec, secrets=secrets, positioning=positioning))


def carry(one: Bench, how: Action) -> None:
    """Carry a step out as the runner does: look, act, look again."""
    assert how.statements(one.m)
    assert how.probe(one.m).outcome == "not_done"
    how.apply(one.m)
    seen = how.probe(one.m)
    assert seen.outcome == "done", seen


def found(one: Bench, check: str, positioning: Positioning = Positioning.GTID) -> str:
    m = one.m
    pair = Pair(m.source, m.other, m.spec, m.secrets, positioning, Route.NATIVE, m.cloud)
    return run_check(pair, CHECKS[check]).word


@contextlib.contextmanager
def replicated(rent: Rent, positioning: Positioning = Positioning.GTID) -> Iterator[Bench]:
    """With the read replica, before anything keeps clients out of it."""
    one = with_replication(rent(), positioning)
    one.chosen("tier", SIZE)
    replica.apply(one.m)
    placed = one.with_target()
    spec = replace(placed.m.spec, source=one.m.spec.source, spared=one.m.spec.spared)
    spec = replace(spec, target=replace(spec.target, replication_user=one.m.spec.target.replication_user))
    ready = replace(placed, m=replace(placed.m, spec=spec))
    with contextlib.closing(ready.m.target):
        yield ready


def kept_out(one: Bench) -> str:
    """How the application is kept from writing on the new server."""
    account: Account = passwords.load().application
    with pytest.raises((pymysql.err.Error, ServerError)) as refused:
        ask(replace(one.m.target.endpoint, account=account), "INSERT INTO shop.orders VALUES (77, 'client')")
    return str(refused.value)


@pytest.mark.parametrize(
    "positioning",
    [
        pytest.param(Positioning.GTID, id="gtid"),
        pytest.param(Positioning.FILE, id="file", marks=pytest.mark.long),
    ],
)
def test_a_replica_is_promoted_behind_a_guard_and_follows_again(positioning: Positioning, rent: Rent) -> None:
    with replicated(rent, positioning) as one:
        m = one.m
        early = Server(replace(m.target.endpoint, account=passwords.load().application))
        carry(one, guarding.GUARDED)
        # A session that was there before the guard is ended: the promotion would open the server to it.
        assert not early.session.ping()
        carry(one, promote)
        assert not m.target.read_only().clients
        kept_out(one)
        carry(one, closed_accounts)
        carry(one, guarding.WITHOUT_GUARD)
        assert m.target.variable(GUARD) == m.source.variable(GUARD)
        assert kept_out(one)
        assert shut(m, m.target)

        m.source.change("REPLACE INTO shop.orders VALUES (2, %s)", (positioning.value,))
        carry(one, reattach)
        meanwhile = ((positioning.value,),)
        until(lambda: m.target.rows("SELECT note FROM shop.orders WHERE id = 2") == meanwhile, "what was written then")
        carry(one, way_back)
        until(lambda: m.source.wait_for(m.end_position(m.target), 1), "the source to have the target's log")
        # The locks are in the target's log, and the source has everything of it but them.
        assert m.source.rows("SELECT account_locked FROM mysql.user WHERE user = 'app'")[0][0] == "N"
        let_in(m, m.target)
        assert m.source.rows("SELECT account_locked FROM mysql.user WHERE user = 'app'")[0][0] == "N"
        way_back.undo(m)
        reattach.undo(m)
        assert m.target.replica_status() is None
        assert m.source.replica_status() is None


def test_without_the_filter_the_way_back_is_not_begun(rent: Rent) -> None:
    with replicated(rent) as one:
        m = one.m
        for how in (guarding.GUARDED, promote, closed_accounts, guarding.WITHOUT_GUARD, reattach):
            carry(one, how)
        assert found(one, "azure-accounts-filter") == "OK"
        settings.put(m, "test", one.account.source, "replicate_wild_ignore_table", "sys.%")
        assert found(one, "azure-accounts-filter") == "FAIL"
        with pytest.raises(StepFailed, match="replicate_wild_ignore_table"):
            way_back.apply(m)
        assert m.source.replica_status() is None
        assert m.source.rows("SELECT account_locked FROM mysql.user WHERE user = 'app'")[0][0] == "N"
        settings.put(m, "test", one.account.source, "replicate_wild_ignore_table", ALL)
        carry(one, way_back)
        way_back.undo(m)
        reattach.undo(m)


def test_without_the_guard_nothing_is_promoted(rent: Rent) -> None:
    with replicated(rent) as one:
        with pytest.raises(StepFailed, match="guard"):
            promote.apply(one.m)
        assert one.made("flexible:Servers_Update") == 0
        assert one.m.target.read_only().clients


def test_a_promotion_whose_answer_is_lost_is_not_ordered_again(rent: Rent) -> None:
    with replicated(rent) as one:
        carry(one, guarding.GUARDED)
        one.simulator.faults.add(Fault(Kind.LOSE, "flexible:Servers_Update"))
        with pytest.raises(CloudSilent):
            promote.apply(one.m)
        promote.apply(one.m)
        assert promote.probe(one.m).outcome == "done"
        assert one.made("flexible:Servers_Update") == 1
        replication.forget(one.m.target)


@pytest.mark.long
def test_a_promotion_that_fails_is_told_and_can_be_tried_again(rent: Rent) -> None:
    with replicated(rent) as one:
        carry(one, guarding.GUARDED)
        one.fails(Ending.FAIL, "flexible:Servers_Update", code="InternalServerError", message="It did not work.")
        with pytest.raises(StepFailed, match="It did not work"):
            promote.apply(one.m)
        # As the runner puts it down: without that, the order would be waited for.
        one.m.scribe.outcome(promote.STEP, Outcome.NOT_DONE, "It did not work.")
        carry(one, promote)


def test_binary_logs_are_kept_and_given_back(rent: Rent) -> None:
    one = rent()
    carry(one, KEEP)
    assert settings.value(one.m, one.account.source, retention.PARAMETER) == str(retention.SECONDS)
    KEEP.undo(one.m)
    assert settings.value(one.m, one.account.source, retention.PARAMETER) == "0"


@pytest.mark.long
def test_the_guard_lets_this_migrations_users_in_and_nobody_else(rent: Rent) -> None:
    with replicated(rent) as one:
        carry(one, guarding.GUARDED)
        for account in (passwords.load().replication, passwords.load().administrator):
            ask(replace(one.m.target.endpoint, account=account), "SELECT 1")
        kept_out(one)
        guarding.GUARDED.undo(one.m)
        assert one.m.target.variable(GUARD) != guard(one.m)


def test_the_replica_is_ordered_where_the_operator_chose(rent: Rent) -> None:
    one = with_replication(rent())
    options = choices.CHOOSE_REGION.options
    assert options is not None
    assert [option.value for option in options(one.m)] == ["Southeast Asia"]
    one.chosen(REGION, "West Europe")
    one.chosen("tier", SIZE)
    replica.apply(one.m)
    made = one.account.server(one.account.replica)
    assert made is not None
    assert made.location == "West Europe"
    assert one.account.read(lambda client: flexible.server(client, one.account.source)).location == "Southeast Asia"


def test_a_sound_server_has_nothing_that_blocks(rent: Rent) -> None:
    one = with_replication(rent())
    m = one.m
    pair = Pair(m.source, None, m.spec, m.secrets, Positioning.GTID, Route.NATIVE, m.cloud)
    results = {name: run_check(pair, check) for name, check in CHECKS.items()}
    assert {name: finding.result for name, finding in results.items() if finding.blocks} == {}


def test_what_the_service_refuses_is_found(rent: Rent) -> None:
    one = with_replication(rent(high_availability=True, read_only_parameter=False))
    assert found(one, "azure-data-in-ha") == "OK"
    assert found(one, "azure-data-in-ha", Positioning.FILE) == "FAIL"
    assert found(one, "azure-procedures") == "OK"
    assert found(one, "azure-procedures", Positioning.FILE) == "FAIL"
    assert found(one, "azure-read-only") == "FAIL"
    assert found(one, "azure-promoted-place", Positioning.FILE) == "WARN"


def test_the_steps_of_gtid_mode_are_told(rent: Rent) -> None:
    one = with_replication(rent())
    settings.put(one.m, "test", one.account.source, "gtid_mode", "ON_PERMISSIVE")
    m = one.m
    pair = Pair(m.source, None, m.spec, m.secrets, Positioning.FILE, Route.NATIVE, m.cloud)
    result = run_check(pair, CHECKS["azure-gtid-mode"]).result
    assert result.verdict is Verdict.FAILED
    assert "gtid_mode to ON:" in result.remedy
    settings.put(m, "test", one.account.source, "gtid_mode", "ON")
    assert found(one, "azure-gtid-mode") == "OK"


def test_events_that_would_run_twice_are_found(rent: Rent) -> None:
    one = with_replication(rent())
    m = one.m
    assert found(one, "azure-scheduler") == "OK"
    m.source.change("CREATE EVENT shop.tick ON SCHEDULE EVERY 1 DAY DO DELETE FROM shop.orders WHERE id = 99")
    settings.put(m, "test", one.account.source, "event_scheduler", "ON")
    assert found(one, "azure-scheduler") == "FAIL"
    settings.put(m, "test", one.account.source, "event_scheduler", "OFF")
    m.source.change("DROP EVENT shop.tick")
