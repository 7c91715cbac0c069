"""The lag meter on real servers, against a truth read from timestamped rows on both sides."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import pytest

from migration.heartbeat import Beat, HeartbeatWriter
from migration.lag import LagMeter, choose_meter
from migration.view import LagSample
from providers.mysql import replication
from providers.mysql.endpoint import Account, Secret
from providers.mysql.errors import ServerError
from providers.mysql.gtid import GtidSet, MariaGtid
from providers.mysql.position import FilePosition, Position
from providers.mysql.server import Server
from tests.support.pairs import Two, two
from tests.support.proxy import Hole, Proxy
from tests.support.waiting import until

EVERY_S = 0.1
TOLERANCE_S = 0.2
PAIRS: list[tuple[str, type[Position]]] = [
    ("mariadb-10.11", MariaGtid),
    ("mysql-5.6", GtidSet),
]


class Clients(threading.Thread):
    """Writes rows with the time of their writing, no faster than a busy machine's replica can apply them."""

    def __init__(self, source: Server) -> None:
        super().__init__(daemon=True)
        self._session = source.connect()
        self._over = threading.Event()

    def write(self) -> None:
        self._session.run("INSERT INTO app.t (at) VALUES (%s)", (time.time(),))

    def run(self) -> None:
        while not self._over.wait(0.015):
            self.write()

    def end(self) -> None:
        self._over.set()
        self.join()
        self.close()

    def close(self) -> None:
        self._session.close()


@dataclass(frozen=True)
class Rig:
    """An attached pair with a proxy in the replication link, and one before each server for the meter."""

    pair: Two
    link: Proxy
    to_source: Proxy
    to_target: Proxy

    @contextlib.contextmanager
    def meter(self, kind: type[Position] | None = None) -> Iterator[LagMeter]:
        """A meter that has read once, while the target had everything."""
        with self.late_meter(kind) as meter:
            until(lambda: meter.sample().lag_s == 0.0, "it has read")
            yield meter

    @contextlib.contextmanager
    def meters(self) -> Iterator[tuple[LagMeter, LagMeter]]:
        """One by GTID and one by file, which every replica of these engines tells as well."""
        with self.meter() as by_gtid, self.meter(FilePosition) as by_file:
            yield by_gtid, by_file

    @contextlib.contextmanager
    def late_meter(self, kind: type[Position] | None = None) -> Iterator[LagMeter]:
        """A meter that has not read yet."""
        near = Server(replace(self.pair.source.endpoint, port=self.to_source.port))
        far = Server(replace(self.pair.target.endpoint, port=self.to_target.port))
        meter = LagMeter(near, far, kind or self.pair.kind)
        try:
            yield meter
        finally:
            meter.close()
            near.close()
            far.close()

    @contextlib.contextmanager
    def writing(self) -> Iterator[None]:
        """Clients that write all the while."""
        clients = Clients(self.pair.source)
        clients.start()
        try:
            yield
        finally:
            clients.end()

    def truth(self) -> float:
        """How old the oldest row is that the source has and the target has not."""
        have = self.pair.target.value("SELECT MAX(id) FROM app.t") or 0
        missing = self.pair.source.value("SELECT at FROM app.t WHERE id > %s ORDER BY id LIMIT 1", (have,))
        return 0.0 if missing is None else max(0.0, time.time() - float(missing))

    def compare(
        self, meters: Sequence[LagMeter], is_so: Callable[[float], bool], times: int = 3, slack: float = 0.0
    ) -> list[LagSample]:
        """Hold every reading against the truth, until the truth has been as wanted so many times."""
        seen: list[LagSample] = []
        deadline = time.monotonic() + 20
        while len(seen) < times * len(meters):
            began, before = time.monotonic(), self.truth()
            samples = [meter.sample() for meter in meters]
            after = self.truth()
            # It grows by a second a second at most, and may grow and be gone again while the meters read.
            within = time.monotonic() - began + TOLERANCE_S + slack
            for sample in samples:
                assert sample.lag_s is not None, sample
                assert min(before, after) - within <= sample.lag_s <= max(before, after) + within, (
                    before,
                    sample,
                    after,
                )
                assert not sample.at_least
            if is_so(before) and is_so(after):
                seen += samples
            assert time.monotonic() < deadline, (before, samples, after)
            time.sleep(EVERY_S)
        return seen


@pytest.fixture(scope="module", params=PAIRS, ids=lambda pair: pair[0])
def rig(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    engine, kind = request.param
    with contextlib.ExitStack() as stack:
        pair = stack.enter_context(two(engine, engine, tmp_path_factory.mktemp("lag"), kind))
        link, to_source, to_target = (
            stack.enter_context(Proxy((server.endpoint.host, server.endpoint.port)))
            for server in (pair.source, pair.source, pair.target)
        )
        pair.attach(replace(pair.source.endpoint, port=link.port))
        pair.source.change("CREATE DATABASE app")
        pair.source.change("CREATE TABLE app.t (id INT AUTO_INCREMENT PRIMARY KEY, at DOUBLE NOT NULL)")
        pair.caught_up()
        yield Rig(pair, link, to_source, to_target)


@pytest.fixture(autouse=True)
def healed(request: pytest.FixtureRequest) -> Iterator[None]:
    yield
    if "rig" in request.fixturenames:
        rig: Rig = request.getfixturevalue("rig")
        for proxy in (rig.link, rig.to_source, rig.to_target):
            proxy.heal()
        status = rig.pair.target.replica_status()
        if status is not None and not status.running:
            replication.start(rig.pair.target)
        rig.pair.caught_up(20)


def test_without_delay(rig: Rig) -> None:
    with rig.meters() as meters, rig.writing():
        samples = rig.compare(meters, lambda truth: truth < 0.1, times=8)
    assert {sample.method for sample in samples} == {"position"}
    for last, unit in zip(samples[-2:], ("transactions", "bytes"), strict=True):
        assert (last.unit, last.reason) == (unit, "")
        assert last.server_says_s is not None
        assert last.written_per_s is not None
        assert last.written_per_s > 5
        assert last.applied_per_s == pytest.approx(last.written_per_s, rel=0.5)


def test_a_slow_network(rig: Rig) -> None:
    with rig.meters() as meters, rig.writing():
        rig.link.delay(0.3)
        samples = rig.compare(meters, lambda truth: truth > 0.25)
    assert all(sample.behind for sample in samples)


def test_a_delayed_replica(rig: Rig) -> None:
    target = rig.pair.target

    def delay(seconds: int) -> None:
        replication.stop(target)
        target.change(f"{target.dialect.change_source} {target.dialect.source_word}_DELAY = {seconds}")
        replication.start(target)

    # A changed channel forgets its file position until the next event, so this one is by GTID alone.
    with rig.meter() as meter:
        delay(1)
        with rig.writing():
            rig.compare([meter], lambda truth: truth > 0.9)
        delay(0)


def test_an_applier_that_waits_for_a_lock(rig: Rig) -> None:
    with rig.meters() as meters, rig.writing(), contextlib.closing(rig.pair.target.connect()) as locker:
        rig.compare(meters, lambda truth: truth < 0.1, times=1)
        locker.run("LOCK TABLES app.t READ")
        rig.compare(meters, lambda truth: truth > 0.5)
        locker.run("UNLOCK TABLES")
        rig.compare(meters, lambda truth: truth < 0.1, times=1)


def test_a_half_open_link(rig: Rig) -> None:
    with rig.meters() as meters, rig.writing():
        rig.compare(meters, lambda truth: truth < 0.1, times=1)
        rig.link.blackhole()
        samples = rig.compare(meters, lambda truth: truth > 0.7)
        # The replica itself has not noticed: what it says of itself would be wrong here.
        assert samples[0].reason == ""
        rig.link.heal()
        rig.compare(meters, lambda truth: truth < 0.1, times=1)


def test_a_stopped_replica(rig: Rig) -> None:
    with rig.meters() as meters, rig.writing():
        rig.compare(meters, lambda truth: truth < 0.1, times=1)
        replication.stop(rig.pair.target)
        samples = rig.compare(meters, lambda truth: truth > 0.7)
        assert "target does not run (the receiver is stopped; the applier is stopped)" in samples[-1].reason
        assert samples[-1].server_says_s is None
        replication.start(rig.pair.target)
        rig.compare(meters, lambda truth: truth < 0.1, times=1)


def test_an_idle_source(rig: Rig) -> None:
    clients = Clients(rig.pair.source)
    with rig.meters() as meters:
        clients.write()
        samples = rig.compare(meters, lambda truth: truth == 0.0, times=4)
        assert {(sample.lag_s, sample.behind) for sample in samples} == {(0.0, 0)}
        replication.stop(rig.pair.target)
        clients.write()
        # The age counts from the write, not from the beginning of the idle time before it.
        rig.compare(meters, lambda truth: truth > 0.3, times=3)
    clients.close()


def test_a_meter_that_came_late_gives_a_lower_bound(rig: Rig) -> None:
    clients = Clients(rig.pair.source)
    replication.stop(rig.pair.target)
    clients.write()
    with rig.late_meter() as meter:
        until(lambda: (meter.sample().lag_s or 0.0) > 0.2, "the lag grows")
        late = meter.sample()
        assert late.at_least
        assert late.lag_s is not None
        assert late.lag_s < rig.truth()
        replication.start(rig.pair.target)
        until(lambda: meter.sample().lag_s == 0.0, "it has caught up")
        assert not meter.sample().at_least
    clients.close()


@pytest.mark.parametrize("side", ["source", "target"])
def test_a_server_that_hangs_holds_it_up_once(rig: Rig, side: str) -> None:
    proxy = rig.to_source if side == "source" else rig.to_target
    with rig.meter() as meter, rig.writing():
        rig.compare([meter], lambda truth: truth < 0.1, times=2)
        proxy.blackhole(Hole.DOWN)
        began = time.monotonic()
        sample = meter.sample()
        assert 0.9 < time.monotonic() - began < 5
        assert sample.lag_s is None
        assert sample.reason.startswith(f"{side} (127.0.0.1:{proxy.port}) gave no answer")
        began = time.monotonic()
        assert meter.sample().lag_s is None
        # Less than it waits for an answer, which it did not do again.
        assert time.monotonic() - began < 0.9
        proxy.heal()
        until(lambda: meter.sample().lag_s is not None, "it reads again", every=EVERY_S)
        rig.compare([meter], lambda truth: truth < 0.1, times=2)


@pytest.mark.parametrize("side", ["source", "target"])
def test_a_server_that_went_away_is_unknown_until_it_is_back(rig: Rig, side: str) -> None:
    proxy = rig.to_source if side == "source" else rig.to_target
    with rig.meter() as meter:
        rig.compare([meter], lambda truth: truth < 0.1, times=2)
        proxy.refuse()
        proxy.cut()
        sample = until(
            lambda: one if "cannot be reached" in (one := meter.sample()).reason else None, "the reason is known"
        )
        assert sample.lag_s is None
        assert sample.behind is None
        assert side in sample.reason
        proxy.heal()
        until(lambda: meter.sample().lag_s is not None, "it reads again", every=EVERY_S)


def test_it_leaves_no_session_behind(rig: Rig) -> None:
    def sessions() -> tuple[int, int]:
        return rig.to_source.open_connections, rig.to_target.open_connections

    with rig.meter() as meter:
        until(lambda: meter.sample().lag_s is not None, "it reads")
        assert sessions() == (2, 2)
    until(lambda: sessions() == (0, 0), "all sessions are closed")


@pytest.mark.parametrize("by_file", [True, False])
def test_positions_are_used_where_they_can_be_compared(rig: Rig, by_file: bool) -> None:
    meter = choose_meter(rig.pair.source, rig.pair.target, FilePosition if by_file else rig.pair.kind)
    sample = until(lambda: one if (one := meter.sample()).lag_s is not None else None, "it reads")
    meter.close()
    assert sample.method == "position"


@pytest.fixture(scope="module")
def mixed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Two]:
    """A MySQL followed by a MariaDB, whose GTIDs cannot be compared."""
    with two("mysql-5.6", "mariadb-10.11", tmp_path_factory.mktemp("mixed"), FilePosition) as pair:
        yield pair


def read(meter: LagMeter) -> LagSample:
    """A sample once both sessions are there."""
    return until(lambda: one if "being connected" not in (one := meter.sample()).reason else None, "it is connected")


def test_a_server_that_is_no_replica_is_unknown(mixed: Two) -> None:
    with contextlib.closing(choose_meter(mixed.source, mixed.target, FilePosition)) as meter:
        sample = read(meter)
    assert (sample.method, sample.lag_s) == ("position", None)
    assert sample.reason == "target is no replica, so its lag cannot be told; attach it to source."


def test_a_source_without_a_heartbeat_is_unknown(mixed: Two) -> None:
    with contextlib.closing(choose_meter(mixed.source, mixed.target, GtidSet)) as meter:
        sample = read(meter)
    assert (sample.method, sample.lag_s) == ("heartbeat", None)
    assert sample.reason == "There is no heartbeat on source; its writer has to create it."


def test_the_replica_of_another_server_is_unknown(mixed: Two) -> None:
    mixed.attach()
    try:
        until(lambda: replication.follows(mixed.target, mixed.source), "the source's number is known")
        stranger = replace(mixed.target.endpoint, name="stranger")
        with contextlib.closing(Server(stranger)) as other:
            with contextlib.closing(choose_meter(other, mixed.target, FilePosition)) as meter:
                assert meter.sample().method == "heartbeat"
            with contextlib.closing(LagMeter(other, mixed.target, FilePosition)) as meter:
                sample = read(meter)
    finally:
        replication.forget(mixed.target)
    assert sample.lag_s is None
    assert sample.reason.startswith("target follows another server than stranger (127.0.0.1:")


def test_an_account_without_the_privilege_is_unknown(mixed: Two) -> None:
    mixed.source.change("CREATE USER limited@'%' IDENTIFIED BY 'Some-pass1'")
    limited = Server(replace(mixed.source.endpoint, account=Account("limited", Secret("Some-pass1"))))
    with contextlib.closing(limited), contextlib.closing(LagMeter(limited, mixed.target, FilePosition)) as meter:
        sample = read(meter)
    assert sample.lag_s is None
    assert "1227" in sample.reason


class Beats(threading.Thread):
    """Runs a heartbeat writer ten times a second."""

    def __init__(self, writer: HeartbeatWriter) -> None:
        super().__init__(daemon=True)
        self._writer = writer
        self._over = threading.Event()

    def run(self) -> None:
        while not self._over.wait(EVERY_S):
            self._writer.beat()

    def end(self) -> None:
        self._over.set()
        self.join()


def test_the_heartbeat_reads_the_truth_and_is_unknown_without_its_writer(mixed: Two) -> None:
    source = mixed.source
    writer = HeartbeatWriter(source)
    with Proxy((source.endpoint.host, source.endpoint.port)) as link:
        mixed.attach(replace(source.endpoint, port=link.port))
        writer.create()
        source.change("CREATE DATABASE app")
        source.change("CREATE TABLE app.t (id INT AUTO_INCREMENT PRIMARY KEY, at DOUBLE NOT NULL)")
        mixed.caught_up()
        rig = Rig(mixed, link, link, link)
        beats = Beats(writer)
        beats.start()
        with contextlib.closing(choose_meter(source, mixed.target, GtidSet)) as meter, rig.writing():
            until(lambda: meter.sample().lag_s is not None, "it reads")
            rig.compare([meter], lambda truth: truth < 0.1, times=3, slack=EVERY_S)
            link.blackhole()
            samples = rig.compare([meter], lambda truth: truth > 0.7, times=2, slack=EVERY_S)
            assert {sample.method for sample in samples} == {"heartbeat"}
            assert {(sample.behind, sample.written_per_s) for sample in samples} == {(None, None)}
            beats.end()
            stopped = until(lambda: one if (one := meter.sample()).lag_s is None else None, "it is unknown")
            assert stopped.reason.startswith("The heartbeat on source has stopped")
            link.heal()
            writer.beat()
            until(lambda: meter.sample().lag_s == 0.0, "it reads again", every=EVERY_S)
        writer.remove()
        assert "cutover_heartbeat" not in source.databases()
        mixed.caught_up()
        replication.forget(mixed.target)


def test_a_heartbeat_writer_goes_on_after_its_session_was_killed(mixed: Two) -> None:
    with Proxy((mixed.source.endpoint.host, mixed.source.endpoint.port)) as proxy:
        source = Server(replace(mixed.source.endpoint, port=proxy.port))
        writer = HeartbeatWriter(source)
        writer.create()
        writer.beat()
        proxy.cut()
        with pytest.raises(ServerError):
            writer.beat()
        writer.beat()
        with contextlib.closing(source.connect()) as session:
            assert session.value("SELECT n FROM cutover_heartbeat.beat") == 2
        writer.close()
        source.close()
    HeartbeatWriter(mixed.source).remove()


def test_a_beat_orders_by_its_number() -> None:
    assert Beat(3).within(Beat(3))
    assert not Beat(4).within(Beat(3))
