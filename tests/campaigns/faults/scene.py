"""One run's stage: the pair, the operator, and everything that goes wrong there, with the times it took."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from migration.model import Positioning
from providers.mysql.connection import Connection
from providers.mysql.errors import ServerError
from providers.mysql.server import Server
from providers.sandbox import passwords
from providers.sandbox.launcher import ServerFailed
from providers.sandbox.topology import WHICH, Which
from tests.campaigns.faults.bench import Bench, write_journal
from tests.campaigns.faults.bystanders import Bystanders, event_statements
from tests.campaigns.faults.operator import Operator
from tests.campaigns.faults.plan import Anchor, Fault, Kind, Plan
from tests.support.proxy import LOOPBACK, Fuse, Hole, Loss, Proxy

LOSSES = {
    Kind.CUT_STATEMENT: Loss.STATEMENT,
    Kind.CUT_ANSWER: Loss.ANSWER,
    Kind.SILENT: Loss.SILENCE,
    Kind.DEAF: Loss.DEAFNESS,
}
_BYSTANDERS = (Kind.FLUSH, Kind.READ_LOCK, Kind.LOCK_TABLES, Kind.OPEN_TRANSACTION, Kind.LONG_UPDATE, Kind.XA_PREPARED)
_ON_REPLICA = (Kind.APPLIER_STOPPED, Kind.RECEIVER_STOPPED, Kind.APPLIER_BLOCKED)
_BEFORE = (Anchor.GATE, Anchor.START)
_HOLES = (Hole.UP, Hole.DOWN, Hole.BOTH)


@dataclass
class Scene:
    """What the faults of a run work on. `excused`: until when (monotonic) nobody can reach or use a server."""

    bench: Bench
    plan: Plan
    operator: Operator
    directory: Path
    events: list[tuple[float, str]] = field(default_factory=list)
    excused: dict[Which, float] = field(default_factory=dict)
    runner_killed_at: float | None = None
    fired: int = 0
    replica: Connection | None = None
    closing: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)
    _begun: set[Anchor] = field(default_factory=set)
    _working: list[threading.Thread] = field(default_factory=list)
    _over: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.old, self.new = self.bench.sides(self.plan.direction)
        app = passwords.load().application
        self.bystanders = Bystanders(
            self.bench.endpoint(self.old, app),
            self.bench.endpoint(self.old, self.bench.bystander),
            0 if self.old == "source" else 1,
        )
        self.closing.callback(self.bystanders.leave)
        kinds = {fault.kind for fault in self.plan.faults}
        # Before the gate was passed there is nothing that would open the old side again.
        if kinds & {Kind.OLD_KILLED, Kind.OLD_RESTARTED} and self.plan.faults[0].anchor not in _BEFORE:
            self.bench.keep_closed_over_restart(self.old)
        if kinds & {Kind.NEW_KILLED, Kind.NEW_RESTARTED}:
            self.bench.keep_closed_over_restart(self.new)
        for fault in self.plan.faults:
            if fault.kind is Kind.SUPER_EVENT:
                self._plant_event(fault.variant)

    def say(self, words: str) -> None:
        """Remember what happened, and when."""
        self.events.append((time.monotonic(), words))

    def arm(self) -> None:
        """Let every fault wait for its anchor."""
        self._prepare()
        for fault in self.plan.faults:
            if fault.anchor in _BEFORE:
                continue
            self._wait_at(fault)

    def begin(self, anchor: Anchor) -> None:
        """The gate is open, or the decision was made; only the first time counts."""
        if anchor in self._begun:
            return
        self._begun.add(anchor)
        for fault in self.plan.faults:
            if fault.anchor is anchor:
                self._strike_later(fault)

    def end(self) -> None:
        """No fault strikes any more; those that last are taken back."""
        self._over.set()
        for thread in self._working:
            thread.join(30.0)
        self.closing.close()

    def _prepare(self) -> None:
        """Sessions that faults need, so that they strike when they are to."""
        kinds = {fault.kind for fault in self.plan.faults}
        if kinds & set(_BYSTANDERS):
            self.bystanders.invite()
        if kinds & set(_ON_REPLICA):
            session = self.bench.sessions[self.new].connect()
            self.replica = self.closing.enter_context(contextlib.closing(session))

    def _words(self, anchor: Anchor) -> tuple[Proxy, bytes]:
        old, new = self.bench.sessions[self.old], self.bench.sessions[self.new]
        old_road, new_road = self.bench.roads[self.old], self.bench.roads[self.new]
        wait = b"SELECT token" if self.bench.kind.positioning is Positioning.SIGNAL else b"WAIT"
        return {
            Anchor.READY: (old_road, b"XA RECOVER"),
            Anchor.REHEARSE: (new_road, wait),
            Anchor.ARM: (new_road, b"SET @cutover_came"),
            Anchor.FENCE: (old_road, old.dialect.fence.encode()),
            Anchor.DRAIN: (new_road, wait),
            Anchor.PROVE: (old_road, b"@@GLOBAL.read_only"),
            Anchor.PROMOTE: (new_road, new.dialect.unfence.encode()),
            Anchor.RELEASE: (old_road, old.dialect.unfence.encode()),
        }[anchor]

    def _wait_at(self, fault: Fault) -> None:
        if fault.anchor in (Anchor.DRAIN, Anchor.PROVE):
            road, words = self._words(Anchor.FENCE)
            road.burn(Fuse(Loss.NOTHING, words, then=lambda: self._burn_at(fault)))
        else:
            self._burn_at(fault)

    def _burn_at(self, fault: Fault) -> None:
        road, words = self._words(fault.anchor)
        # The first two only find out whether the question may be asked.
        skip = 2 if fault.anchor is Anchor.READY else 0
        loss = LOSSES.get(fault.kind)
        if loss is not None and fault.at_anchor:
            fuse = Fuse(loss, words, skip, lambda: self._cut(fault))
        elif fault.kind is Kind.RUNNER_KILLED and not fault.late_s:
            # Right here, before the statement is carried on.
            fuse = Fuse(Loss.STATEMENT if fault.variant % 2 else Loss.NOTHING, words, skip, self._kill_runner)
        else:
            fuse = Fuse(Loss.NOTHING, words, skip, lambda: self._strike_later(fault))
        road.burn(fuse)

    def _cut(self, fault: Fault) -> None:
        self.fired += 1
        self.say(f"blown: {fault.kind.value}")
        if fault.kind in (Kind.SILENT, Kind.DEAF):
            self._later(fault, lambda: self._heal_roads(fault))

    def _heal_roads(self, fault: Fault) -> None:
        self._last(fault)
        # One silent connection excuses nobody: everybody has others.
        for road in self.bench.roads.values():
            road.heal()

    def _strike_later(self, fault: Fault) -> None:
        self._later(fault, lambda: self._strike(fault))

    def _later(self, fault: Fault, act: Callable[[], None]) -> None:
        def run() -> None:
            if fault.late_s:
                time.sleep(fault.late_s)
            if self._over.is_set():
                return
            try:
                act()
            except (ServerError, ServerFailed, OSError) as error:
                self.say(f"{fault.kind.value} failed: {error}")

        thread = threading.Thread(target=run, daemon=True)
        self._working.append(thread)
        thread.start()

    def _strike(self, fault: Fault) -> None:
        self.fired += 1
        self.say(f"strikes: {fault.line()}")
        kind = fault.kind
        if kind in LOSSES:
            cut = Fuse(LOSSES[kind], skip=fault.skip, then=lambda: self._cut(replace(fault, late_s=0.0)))
            self.bench.roads[self._side(fault)].burn(cut)
        elif kind in _BYSTANDERS:
            if kind is Kind.XA_PREPARED:
                self.bench.prepared_on = self.old
            self.bystanders.send(kind, fault.seconds, fault.variant)
            if kind is Kind.READ_LOCK:
                self._last(replace(fault, seconds=min(fault.seconds, 1.5)))
                self._excuse(self.old)
        else:
            self._acts()[kind](fault)

    def _acts(self) -> dict[Kind, Callable[[Fault], None]]:
        return {
            Kind.NOTHING: lambda fault: None,
            Kind.RUNNER_KILLED: lambda fault: self._kill_runner(),
            Kind.WATCHDOG_KILLED: lambda fault: self._kill_watchdog(),
            Kind.OLD_KILLED: lambda fault: self._server(fault, self.old),
            Kind.NEW_KILLED: lambda fault: self._server(fault, self.new),
            Kind.OLD_RESTARTED: lambda fault: self._server(fault, self.old),
            Kind.NEW_RESTARTED: lambda fault: self._server(fault, self.new),
            Kind.ROAD_CUT: self._road_cut,
            Kind.ROAD_SLOW: self._slow,
            Kind.ROAD_HALF_OPEN: self._half_open,
            Kind.LINK_CUT: self._link_cut,
            Kind.LINK_SLOW: self._slow,
            Kind.LINK_HALF_OPEN: self._half_open,
            Kind.APPLIER_STOPPED: lambda fault: self._stop_thread(fault, "SQL_THREAD"),
            Kind.RECEIVER_STOPPED: lambda fault: self._stop_thread(fault, "IO_THREAD"),
            Kind.APPLIER_BLOCKED: self._block_applier,
            Kind.WRONG_SERVER: self._wrong_server,
            Kind.SECOND_MIGRATION: self._second_migration,
            Kind.SECOND_RUNNER: self._second_runner,
            Kind.LOCK_STOLEN: self._steal_lock,
            Kind.SUPER_EVENT: lambda fault: None,
        }

    def _last(self, fault: Fault) -> None:
        """Wait for as long as the fault lasts, or for the end of the run."""
        self._over.wait(fault.seconds)

    def _excuse(self, *sides: Which) -> None:
        for which in sides:
            self.excused[which] = time.monotonic()
        self.say(f"healed: {', '.join(sides)}")

    def _kill_runner(self) -> None:
        if self.operator.runner_alive:
            self.operator.kill_runner()
            self.fired += 1
            self.runner_killed_at = time.monotonic()
            self.say("the runner was killed")

    def _kill_watchdog(self) -> None:
        for pid in self.operator.watchdogs():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
                self.say(f"the watchdog {pid} was killed")

    def _server(self, fault: Fault, which: Which) -> None:
        server = self.bench.server(which)
        if fault.kind in (Kind.OLD_RESTARTED, Kind.NEW_RESTARTED):
            server.stop()
        else:
            server.kill()
            # Sooner or later, as it may be.
            self._over.wait(min(fault.seconds, 1.0))
        self.say(f"{which} is down")
        attempt = self.operator.attempt
        if attempt is not None and (
            attempt.opened_at is not None if which == self.new else attempt.result == "aborted"
        ):
            self.bench.forget_configured(which)
        server.start()
        self._excuse(which)

    def _side(self, fault: Fault) -> Which:
        return self.old if fault.on_old else self.new

    def _proxies(self, fault: Fault) -> dict[Which, Proxy]:
        """What a fault of the network is on, by the server at its end."""
        if fault.kind not in (Kind.ROAD_SLOW, Kind.ROAD_HALF_OPEN):
            return {self._side(fault): self.bench.links[self._side(fault)]}
        if fault.variant % 4 == 0:
            return self.bench.roads
        return {self._side(fault): self.bench.roads[self._side(fault)]}

    def _road_cut(self, fault: Fault) -> None:
        sides = WHICH if fault.variant % 3 == 0 else (self._side(fault),)
        for which in sides:
            if fault.variant % 2:
                self.bench.roads[which].refuse()
            self.bench.roads[which].cut()
        self._last(replace(fault, seconds=min(fault.seconds, 2.0)))
        for which in sides:
            self.bench.roads[which].heal()
        self._excuse(*sides)

    def _link_cut(self, fault: Fault) -> None:
        self.bench.links[self._side(fault)].cut()

    def _slow(self, fault: Fault) -> None:
        delay_s = (0.005, 0.05, 0.2, 0.6)[fault.variant // 4 % 4]
        self._bad_network(fault, lambda proxy: proxy.delay(delay_s))

    def _half_open(self, fault: Fault) -> None:
        hole = _HOLES[fault.variant // 4 % 3]
        self._bad_network(fault, lambda proxy: proxy.blackhole(hole))

    def _bad_network(self, fault: Fault, spoil: Callable[[Proxy], None]) -> None:
        proxies = self._proxies(fault)
        for proxy in proxies.values():
            spoil(proxy)
        self._last(fault)
        for proxy in proxies.values():
            proxy.heal()
        if fault.kind in (Kind.ROAD_SLOW, Kind.ROAD_HALF_OPEN):
            self._excuse(*proxies)

    def _stop_thread(self, fault: Fault, thread: str) -> None:
        dialect, session = self.bench.sessions[self.new].dialect, self.replica
        assert session is not None
        session.run(f"{dialect.stop_replica} {thread}")
        self.say(f"{thread} stopped")
        self._last(fault)
        session.run(dialect.start_replica)

    def _block_applier(self, fault: Fault) -> None:
        session = self.replica
        assert session is not None
        session.run("BEGIN")
        # The gap above the last row: where the next ones would go.
        session.rows("SELECT n FROM shop.fault_writes WHERE n > 0 FOR UPDATE")
        self.say("applier blocked")
        self._last(fault)
        session.run("ROLLBACK")

    def _wrong_server(self, fault: Fault) -> None:
        which = self._side(fault)
        other = self.new if fault.on_old else self.old
        road = self.bench.roads[which]
        road.redirect((LOOPBACK, self.bench.server(other).port))
        road.cut()
        self._last(fault)
        road.redirect((LOOPBACK, self.bench.server(which).port))
        road.cut()
        self._excuse(which)

    def _second_migration(self, fault: Fault) -> None:
        path = self.directory / "second" / "journal.db"
        write_journal(self.bench, path, self.plan.direction, armed=False)
        second = Operator(path, self.bench.secrets(), self.plan.direction)
        self.closing.callback(second.close)
        second.start()

    def _second_runner(self, fault: Fault) -> None:
        process = self.operator.start_runner()
        if process.wait(20.0) == 0:
            self.say("VIOLATION: a second runner ran on the same journal")

    def _steal_lock(self, fault: Fault) -> None:
        """Somebody kills the session that holds the lock and takes it."""
        server = self.bench.sessions[self._side(fault)]
        name = self.bench.lock_name
        with contextlib.closing(server.connect()) as session:
            holder = session.value("SELECT IS_USED_LOCK(%s)", (name,))
            if holder is not None:
                session.run(f"KILL {holder}")
            self.say(f"lock taken from {holder}: {session.value('SELECT GET_LOCK(%s, 1)', (name,))}")
            self._last(fault)

    def _plant_event(self, variant: int) -> None:
        server = self.bench.sessions[self.old]
        bystander = Server(self.bench.endpoint(self.old, self.bench.bystander))
        for sql in event_statements(variant):
            bystander.change(sql)
        bystander.close()
        self.bench.caught_up(server, self.bench.sessions[self.new])
