"""The life of a migration, walked without servers."""

from __future__ import annotations

import pytest

from providers.sandbox.aliyun_api import machine
from providers.sandbox.aliyun_api.machine import Migration, Route, Status, SwitchOrder, Work
from providers.sandbox.aliyun_api.scenario import Durations
from providers.sandbox.api.refusals import Refused

D = Durations()
DAY = 86_400.0
TO_CLUSTER = SwitchOrder("rm-1", "pc-1", {"a": "b"})
TO_INSTANCE = SwitchOrder("rm-1", "rm-1", {"b": "a"})


def begun(route: Route = Route.PHYSICAL, days: int = 30) -> Migration:
    return machine.begin("pc-1", "rm-1", route, days, 1000.0, D)


def done(migration: Migration, failure: str = "") -> Migration:
    return machine.done(migration, failure, migration.earliest, D)


def syncing() -> Migration:
    return done(begun())


def switched() -> Migration:
    return done(machine.modify(syncing(), TO_CLUSTER, 0, 2000.0, D))


def modified(migration: Migration, order: SwitchOrder, lag: int = 0) -> str:
    return refusal(lambda: machine.modify(migration, order, lag, 0.0, D))


def refusal(act: object) -> str:
    with pytest.raises(Refused) as caught:
        act()  # type: ignore[operator]
    return f"{caught.value.status} {caught.value.code}"


def seen(migration: Migration) -> tuple[object, ...]:
    return (str(migration.status), *machine.modes(migration.status), machine.topology(migration.status))


def test_a_physical_migration_of_2019_to_its_end() -> None:
    migration = begun(days=7)
    assert (migration.work, migration.expires_at, migration.earliest) == (Work.COPY, 1000.0 + 7 * DAY, 1600.0)
    assert seen(migration) == ("RDS2POLARDB_CLONING", "rw", "ro", "RDS2POLARDB")
    migration = done(migration)
    assert seen(migration) == ("RDS2POLARDB_SYNCING", "rw", "ro", "RDS2POLARDB")
    migration = machine.modify(migration, TO_CLUSTER, 59, 2000.0, D)
    assert seen(migration) == ("SWITCHING", "ro", "ro", "")
    assert (migration.work, migration.pairs, migration.earliest) == (Work.SWITCH, {"a": "b"}, 2060.0)
    migration = done(migration)
    assert seen(migration) == ("POLARDB2RDS_SYNCING", "ro", "rw", "POLARDB2RDS")
    migration = machine.close(migration, True, 3000.0, D)
    assert seen(migration) == ("CLOSING_MIGRATION", "ro", "ro", "")
    assert (migration.work, migration.restart, migration.earliest) == (Work.SEPARATE, False, 3120.0)
    migration = done(migration)
    assert seen(migration) == ("NO_MIGRATION", "rw", "rw", "")
    assert (migration.active, migration.work) == (False, None)


def test_a_logical_migration_of_2026_fails_its_precheck_goes_on_and_is_rolled_back_and_cancelled() -> None:
    migration = begun(Route.LOGICAL)
    assert (migration.work, migration.expires_at) == (Work.CHECK, 1000.0 + 30 * DAY)
    migration = done(migration, "The RDS instance has a trigger")
    assert seen(migration) == ("PRE_CHECK_FAIL", "rw", "ro", "RDS2POLARDB")
    assert migration.comment == "The RDS instance has a trigger"
    migration = machine.resume(migration, False, 2000.0, D)
    assert (str(migration.status), migration.comment, migration.force) == ("RDS2POLARDB_CLONING", "", False)
    migration = done(migration)
    assert (migration.status, migration.work) == (Status.CLONING, Work.COPY)
    migration = done(machine.modify(done(migration), TO_CLUSTER, 0, 3000.0, D))
    migration = machine.modify(migration, TO_INSTANCE, 0, 4000.0, D)
    assert (str(migration.status), migration.work, migration.pairs) == ("ROLLBACK", Work.ROLL_BACK, {"b": "a"})
    migration = done(migration)
    assert migration.status is Status.SYNCING
    assert done(machine.close(migration, False, 5000.0, D)).status is Status.NONE


def test_a_failed_precheck_is_given_up_or_forced() -> None:
    failed = done(begun(Route.LOGICAL), "no key")
    forced = machine.resume(failed, True, 0.0, D)
    assert forced.force
    assert not done(done(forced)).force
    assert done(machine.abort(failed, 0.0, D)).status is Status.NONE


@pytest.mark.parametrize("lag", [60, 3600, -1])
def test_a_switch_and_a_rollback_want_a_known_short_lag(lag: int) -> None:
    assert modified(syncing(), TO_CLUSTER, lag) == "400 EngineMigrationStatus.NotSurpport"
    assert modified(switched(), TO_INSTANCE, lag) == "400 EngineMigrationStatus.NotSurpport"


def test_only_the_two_sides_of_the_migration_can_be_master() -> None:
    for order in (SwitchOrder("rm-1", "pc-2", {}), SwitchOrder("rm-2", "pc-1", {})):
        assert modified(syncing(), order) == "404 InvalidDBCluster.NotFound"


WRONG = "400 EngineMigrationStatus.NotSurpport"


@pytest.mark.parametrize(
    ("migration", "refused"),
    [
        (begun(), {"switch", "roll back", "close", "continue", "abort"}),
        (done(begun(Route.LOGICAL), "x"), {"switch", "roll back", "close"}),
        (syncing(), {"roll back", "continue", "abort"}),
        (machine.modify(syncing(), TO_CLUSTER, 0, 0.0, D), {"switch", "roll back", "close", "continue", "abort"}),
        (switched(), {"switch", "continue", "abort"}),
        (machine.close(syncing(), True, 0.0, D), {"switch", "roll back", "close", "continue", "abort"}),
    ],
)
def test_what_is_refused_in_which_status(migration: Migration, refused: set[str]) -> None:
    acts = {
        "switch": lambda: machine.modify(migration, TO_CLUSTER, 0, 0.0, D),
        "roll back": lambda: machine.modify(migration, TO_INSTANCE, 0, 0.0, D),
        "close": lambda: machine.close(migration, True, 0.0, D),
        "continue": lambda: machine.resume(migration, False, 0.0, D),
        "abort": lambda: machine.abort(migration, 0.0, D),
    }
    for name, act in acts.items():
        if name in refused:
            assert refusal(act) == WRONG, name
        else:
            assert act().step == migration.step + 1, name


def test_a_switch_that_could_not_drain_is_back_where_it_was() -> None:
    back = done(machine.modify(syncing(), TO_CLUSTER, 0, 0.0, D), "not drained")
    assert (back.status, back.comment, back.pairs) == (Status.SYNCING, "not drained", {})
    back = done(machine.modify(switched(), TO_INSTANCE, 0, 0.0, D), "not drained")
    assert back.status is Status.REVERSED


def test_time_ends_a_migration_unless_something_is_under_way() -> None:
    migration = syncing()
    assert machine.expire(migration, migration.expires_at - 1) is migration
    ending = machine.expire(migration, migration.expires_at)
    assert (ending.status, ending.work, ending.restart) == (Status.CLOSING, Work.SEPARATE, False)
    busy = machine.modify(syncing(), TO_CLUSTER, 0, 0.0, D)
    assert machine.expire(busy, busy.expires_at) is busy
    assert not machine.expire(done(ending), 1e12).active
