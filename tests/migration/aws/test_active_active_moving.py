"""Moving application servers between two open sides: who is seen where, what stops it, and the way back."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace

import pymysql
import pytest

from migration.aws import retention
from migration.aws.active_active import conflicts, create, equal, mover, settings
from migration.aws.active_active.follow import BothWays
from migration.aws.active_active.hosts import hosts
from migration.cutover.attempt import Aborted, Switchover, plan_switch
from migration.model import Direction, Proof
from migration.runbook import Migration, StepFailed
from migration.steps import way_back
from migration.view import LagSample
from providers.aws import procedures
from providers.mysql.server import Server
from providers.sandbox.aws_api.scenario import Scenario
from providers.sandbox.launcher import connect
from tests.migration.aws.conftest import FAST, Rent, Tenant
from tests.migration.aws.test_active_active import MADE, RUNBOOK
from tests.support.waiting import until

FIRST, SECOND = "127.0.8.1", "127.0.8.2"


@dataclass
class Desk:
    """An operator whose lag is small, and who says stop when the test wants it."""

    stopped: bool = False

    def halted(self) -> bool:
        return self.stopped

    def lag(self) -> LagSample | None:
        return LagSample(time.time(), 0.0, False, "position", "", 0.0, 0, "transactions", None, None)


@dataclass
class Servers:
    """The application servers of a test: a session each, on whichever side."""

    one: Tenant
    sessions: dict[str, pymysql.Connection[pymysql.cursors.Cursor]] = field(default_factory=dict)

    def point(self, host: str, side: Server) -> None:
        """Start an application server anew, on this side."""
        self.stop(host)
        endpoint = replace(side.endpoint, account=self.one.as_application())
        self.sessions[host] = connect(endpoint, coming_from=host)

    def stop(self, host: str) -> None:
        session = self.sessions.pop(host, None)
        if session is not None:
            session.close()

    def write(self, host: str, note: str) -> None:
        with self.sessions[host].cursor() as cursor:
            cursor.execute("INSERT INTO shop.notes (note) VALUES (%s)", (note,))


@dataclass
class Moved:
    """A move that goes on in a thread of its own."""

    s: Switchover
    error: Exception | None = None


@contextmanager
def moving(m: Migration, s: Switchover, *, settled: bool = False) -> Iterator[Moved]:
    moved = Moved(s)

    def work() -> None:
        try:
            if settled:
                mover.settle(m, s)
            else:
                mover.switch(m, s)
        except Aborted as error:
            moved.error = error

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    yield moved
    thread.join(60.0)
    assert not thread.is_alive()


@pytest.fixture
def pair(rent: Rent, request: pytest.FixtureRequest) -> Iterator[Tenant]:
    """Two primaries that follow each other, before the move."""
    one = rent(getattr(request, "param", "mysql-5.7"), None, runbook=RUNBOOK)
    paired(one)
    yield one
    one.m.target.close()


def paired(one: Tenant) -> None:
    """Carry the steps out until there are two primaries that follow each other."""
    one.carry(retention.ON_SOURCE)
    for how in (*MADE, create.FOLLOWING, way_back, settings.FIRST_KEYS):
        one.carry(how)
    spec = one.m.spec
    assert spec.cloud is not None
    cloud = replace(spec.cloud, options={**spec.cloud.options, "still_s": "0.5"})
    one.m = replace(one.m, spec=replace(spec, cloud=cloud), desk=Desk())
    one.account.spec = cloud


def notes(server: Server) -> set[str]:
    return {str(row[0]) for row in server.rows("SELECT note FROM shop.notes")}


def said(m: Migration, words: str) -> bool:
    return any(words in line.text for line in m.story().view(True).log)


def test_application_servers_move_one_at_a_time_and_back(pair: Tenant) -> None:
    m, servers = pair.m, Servers(pair)
    servers.point(FIRST, m.source)
    servers.point(SECOND, m.source)
    with moving(m, plan_switch(m, 1, Direction.CUTOVER, "test")) as moved:
        until(lambda: not m.target.read_only().clients, "the second side to open")
        servers.point(FIRST, m.target)
        until(lambda: said(m, f"application server {FIRST} is on {m.target.name}"), "the first one to be seen")
        # Each writes where it is, at the same time.
        servers.write(FIRST, "from M2")
        servers.write(SECOND, "from M1")
        assert m.story().attempts[-1].result == "running"
        assert (set(hosts(m, m.source)), set(hosts(m, m.target))) == ({SECOND}, {FIRST})
        servers.point(SECOND, m.target)
    assert moved.error is None
    assert m.story().attempts[-1].result == "switched"
    assert m.source.read_only().clients
    assert {"from M1", "from M2"} <= notes(m.source) & notes(m.target)
    # Whoever was forgotten fails.
    servers.point("127.0.8.3", m.source)
    with pytest.raises(pymysql.err.Error, match="1290"):
        servers.write("127.0.8.3", "forgotten")
    servers.stop("127.0.8.3")

    with moving(m, plan_switch(m, 2, Direction.ROLLBACK, "test")) as moved:
        until(lambda: not m.source.read_only().clients, "the first side to open")
        for host in (FIRST, SECOND):
            servers.point(host, m.source)
    assert moved.error is None
    assert m.target.read_only().clients
    servers.write(FIRST, "back")
    until(lambda: "back" in notes(m.target), "what is written on the first side")


def test_who_stops_it_gets_every_application_server_back_first(pair: Tenant) -> None:
    m, servers, desk = pair.m, Servers(pair), pair.m.desk
    assert isinstance(desk, Desk)
    servers.point(FIRST, m.source)
    servers.point(SECOND, m.source)
    with moving(m, plan_switch(m, 1, Direction.CUTOVER, "test")) as moved:
        until(lambda: not m.target.read_only().clients, "the second side to open")
        servers.point(FIRST, m.target)
        servers.write(FIRST, "written there")
        desk.stopped = True
        until(lambda: said(m, "point every application server to m1 again"), "the operator to be told")
        assert not m.target.read_only().clients
        servers.point(FIRST, m.source)
    assert isinstance(moved.error, Aborted)
    assert m.story().attempts[-1].result == "aborted"
    assert m.target.read_only().clients
    assert not m.source.read_only().clients
    assert "written there" in notes(m.source)


def test_a_runner_that_died_on_the_way_is_followed_by_one_that_goes_on(pair: Tenant) -> None:
    m, servers = pair.m, Servers(pair)
    servers.point(FIRST, m.source)
    s = plan_switch(m, 1, Direction.CUTOVER, "test")
    m.scribe.attempt(1, s.direction, old="m1", new=s.new.name, actor="test", budget_s=1.0, parts=mover.parts(m))
    # It died before the second side was asked to open: nothing has begun.
    assert mover.settle(m, s) is False
    assert m.story().attempts[-1].result == "aborted"

    s = plan_switch(m, 2, Direction.CUTOVER, "test")
    m.scribe.attempt(2, s.direction, old="m1", new=s.new.name, actor="test", budget_s=1.0, parts=mover.parts(m))
    with mover.part(m, s, "open"):
        pass
    with moving(m, s, settled=True):
        until(lambda: not m.target.read_only().clients, "the second side to open")
        servers.point(FIRST, m.target)
    assert m.story().attempts[-1].result == "switched"


def stopped_both(m: Migration) -> None:
    for server in (m.source, m.target):
        procedures.run(server, procedures.stop())


def started_both(m: Migration) -> None:
    for server in (m.source, m.target):
        procedures.run(server, procedures.start())


# Where several threads apply, the status of replication does not name the table.
def conflict(replica: Server, source: Server) -> conflicts.Trouble | None:
    """A conflict, and not that replication is still beginning."""
    found = conflicts.trouble(replica, source)
    return found if found is not None and found.conflict else None


@pytest.mark.parametrize("pair", ["mysql-9.7"], indirect=True)
def test_a_key_that_both_sides_made_stops_everything_until_it_is_cured(pair: Tenant) -> None:
    m, servers = pair.m, Servers(pair)
    servers.point(FIRST, m.source)
    with moving(m, plan_switch(m, 1, Direction.CUTOVER, "test")) as moved:
        until(lambda: not m.target.read_only().clients, "the second side to open")
        stopped_both(m)
        pair.ask_target(pair.as_application(), "INSERT INTO shop.notes VALUES (5000, 'made on M2')")
        m.source.change("INSERT INTO shop.notes VALUES (5000, 'made on M1')")
        started_both(m)
        found = until(lambda: conflict(m.source, m.target), "the first side to stop")
        assert f"m1 has stopped applying what is written on {m.target.name}" in found.words
        assert "DUPLICATE KEY in table shop.notes (" in found.words
        until(lambda: said(m, "by a DUPLICATE KEY in table shop.notes"), "the operator to be told")
        assert any("DUPLICATE KEY" in one.text and not one.ok for one in mover.ready(m, Direction.CUTOVER))
        with closing(BothWays(m)) as watch:
            until(lambda: (seen := watch.lag(True)) is not None and "DUPLICATE KEY" in seen.reason, "the lag to say so")
            back = watch.rollback(None)
            assert back.possible is False
            assert "DUPLICATE KEY" in back.reason
        # Nobody is left there, and nevertheless it does not end.
        servers.point(FIRST, m.target)
        time.sleep(1.0)
        assert m.story().attempts[-1].result == "running"
        # As it was told: deleted on both sides, and each goes on.
        m.source.change("DELETE FROM shop.notes WHERE id = 5000")
        pair.ask_target(pair.as_application(), "DELETE FROM shop.notes WHERE id = 5000")
        started_both(m)
    assert moved.error is None
    assert notes(m.source) == notes(m.target)


@pytest.mark.long
@pytest.mark.parametrize("pair", ["mysql-5.7", "mysql-9.7"], indirect=True)
def test_a_row_that_one_side_removed_and_the_other_changed_is_told(pair: Tenant) -> None:
    m = pair.m
    pair.simulator.cloud.servers.lift(pair.simulator.cloud.instance(m.target.name).key)
    stopped_both(m)
    pair.ask_target(pair.as_application(), "DELETE FROM shop.notes WHERE id = 1")
    m.source.change("UPDATE shop.notes SET note = 'changed' WHERE id = 1")
    started_both(m)
    found = until(lambda: conflict(m.target, m.source), "the second side to stop", seconds=30)
    assert "by a MISSING ROW in table shop.notes: m1 changed what" in found.words
    assert "CALL mysql.rds_start_replication" in found.words


def test_a_row_that_both_sides_changed_at_once_stops_nothing_and_is_found_before_they_part(pair: Tenant) -> None:
    m = replace(pair.m, spec=replace(pair.m.spec, proof=Proof.REQUIRED))
    pair.simulator.cloud.servers.lift(pair.simulator.cloud.instance(m.target.name).key)
    stopped_both(m)
    pair.ask_target(pair.as_application(), "UPDATE shop.notes SET note = 'by M2' WHERE id = 1")
    m.source.change("UPDATE shop.notes SET note = 'by M1' WHERE id = 1")
    started_both(m)
    until(lambda: "by M1" in notes(m.target) and "by M2" in notes(m.source), "each to have the other's")
    assert conflicts.trouble(m.source, m.target) is conflicts.trouble(m.target, m.source) is None
    m.scribe.intent(equal.STEP, ())
    with pytest.raises(StepFailed, match="do not hold the same rows: 1 row differs"):
        equal.apply(m)
    assert equal.probe(m).outcome == "not_done"
    m.source.change("UPDATE shop.notes SET note = 'decided' WHERE id = 1")
    m.scribe.intent(equal.STEP, ())
    equal.apply(m)
    assert equal.probe(m).outcome == "done"
    assert notes(m.target) == {"decided"}


TICKS = "SELECT server, MIN(at), MAX(at), COUNT(*) FROM shop.ticks GROUP BY server ORDER BY MIN(id)"


def ticking(one: Tenant) -> None:
    """An event on M1 that runs every second, and says where."""
    one.m.source.change("CREATE TABLE shop.ticks (id INT PRIMARY KEY AUTO_INCREMENT, at DATETIME(6), server INT)")
    one.m.source.change(
        "CREATE EVENT shop.tick ON SCHEDULE EVERY 1 SECOND DO "
        "INSERT INTO shop.ticks (at, server) VALUES (SYSDATE(6), @@GLOBAL.server_id)"
    )
    until(lambda: one.m.source.rows(TICKS), "the first tick")


def ticks_of(server: Server) -> dict[int, tuple[object, ...]]:
    return {int(number): tuple(more) for number, *more in server.rows(TICKS)}


def last_tick(server: Server, number: int) -> object:
    """When the event last ran on the server of this number; "" where it has not since the rows were deleted."""
    return ticks_of(server).get(number, ("", ""))[1]


@pytest.mark.parametrize("engine", ["mysql-5.7", pytest.param("mysql-9.7", marks=pytest.mark.long)])
def test_scheduled_events_run_where_the_applications_are_and_never_on_both_sides(rent: Rent, engine: str) -> None:
    own = Scenario(parameter_group="m1-own", durations=FAST, settings={settings.SCHEDULER: "ON"})
    one = rent(engine, own, runbook=RUNBOOK)
    ticking(one)
    paired(one)
    m, servers = one.m, Servers(one)
    first, second = (int(server.value("SELECT @@GLOBAL.server_id")) for server in (m.source, m.target))
    assert settings.scheduling(m) == ("m1",)
    servers.point(FIRST, m.source)
    # Somebody turns the second side's on, too: nobody is moved, before as in the midst of it.
    settings.apply_to(m, m.target, {settings.SCHEDULER: "ON"})
    assert any("each of them twice" in one.text and not one.ok for one in mover.ready(m, Direction.CUTOVER))
    settings.apply_to(m, m.target, {settings.SCHEDULER: "OFF"})
    with moving(m, plan_switch(m, 1, Direction.CUTOVER, "test")) as moved:
        until(lambda: not m.target.read_only().clients, "the second side to open")
        settings.apply_to(m, m.target, {settings.SCHEDULER: "ON"})
        servers.point(FIRST, m.target)
        until(lambda: said(m, "each of them twice"), "the operator to be told")
        assert m.story().attempts[-1].result == "running"
        settings.apply_to(m, m.target, {settings.SCHEDULER: "OFF"})
        m.source.change("DELETE FROM shop.ticks")
    assert moved.error is None
    assert settings.scheduling(m) == (m.target.name,)
    until(lambda: second in ticks_of(m.source), "the event on the second side, seen on the first")
    with moving(m, plan_switch(m, 2, Direction.ROLLBACK, "test")) as moved:
        until(lambda: not m.source.read_only().clients, "the first side to open")
        servers.point(FIRST, m.source)
    assert moved.error is None
    assert settings.scheduling(m) == ("m1",)
    by_second, begun = ticks_of(m.source)[second], m.source.value("SELECT NOW(6)")
    until(lambda: str(last_tick(m.source, first)) > str(begun), "the event on the first side again")
    runs = [(str(at), int(server)) for at, server in m.source.rows("SELECT at, server FROM shop.ticks ORDER BY at")]
    sides = [server for server, _ in itertools.groupby(server for _, server in runs)]
    # One after the other: wherever it ran, it did not run on the other meanwhile.
    assert sides in ([first, second, first], [second, first])
    assert ticks_of(m.source)[second] == by_second
