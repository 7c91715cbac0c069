"""A verification whose connections, servers and logs fail while it follows them: it goes on, or says what it lacks.

What differs is made so in the gap: by a change that nobody but the log of the failed side tells of.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest

from migration.model import Side
from migration.verify.known import SIDES
from migration.verify.model import Difference, Kind, Mode, Outcome, Request, State, Verdict
from migration.verify.verification import Verification
from providers.mysql import replication
from providers.mysql.binlog.marks import LogGone
from providers.mysql.endpoint import Account, Endpoint, Secret
from providers.mysql.errors import ServerError
from providers.mysql.gtid import GtidSet, MariaGtid
from providers.mysql.position import FilePosition, Position
from providers.mysql.server import Server
from tests.migration.verify.proving import BASE, clean, errant, prove, read_once, shop, writing
from tests.support.pairs import Two, two
from tests.support.proxy import LOOPBACK, Proxy
from tests.support.waiting import until

_PAIRS: dict[str, tuple[str, type[Position]]] = {
    "mariadb-10.11": ("mariadb-10.11", GtidSet),
    "mysql-5.6": ("mysql-5.6", GtidSet),
    "mysql-5.7": ("mysql-5.7", GtidSet),
    "mysql-5.7/file": ("mysql-5.7", FilePosition),
    "mysql-9.7": ("mysql-9.7", GtidSet),
}
_LONG_S = 60.0
# Of rows whose chunks come one after the other for a second or two.
_SLOWLY_MIB_S = 2.0
PLANTED = Difference((BASE, "orders"), Kind.CHANGED, (("id", "5"),), ("v",))
_PLANT = f"UPDATE {BASE}.orders SET v = 99 WHERE id = 5"
_HEAL = f"UPDATE {BASE}.orders SET v = 1 WHERE id = 5"
every_side = pytest.mark.parametrize(
    "side", [Side.SOURCE, pytest.param(Side.TARGET, marks=pytest.mark.long)], ids=lambda side: side.value
)


@dataclass(frozen=True)
class Scene:
    """Two servers that follow each other, the small database on them, and the roads that a verification takes there.

    It has an account of its own, by which its sessions are known on the servers.
    """

    pair: Two
    roads: dict[Side, Proxy]
    account: Account

    def server(self, side: Side) -> Server:
        return self.pair.target if side is Side.TARGET else self.pair.source

    def endpoint(self, side: Side) -> Endpoint:
        here = self.server(side).endpoint
        return replace(here, host=LOOPBACK, port=self.roads[side].port, account=self.account)

    @contextlib.contextmanager
    def verifying(self, rate_mib_s: float = 0.0) -> Iterator[Verification]:
        request = Request((BASE,), mode=Mode.EXACT, rate_mib_s=rate_mib_s)
        ends = (self.endpoint(side) for side in SIDES)
        with contextlib.closing(Verification(*ends, request)) as verification:
            verification.start()
            yield verification

    def kill(self, side: Side, commands: str = "") -> None:
        """Kill the verification's sessions on one side, those that do what begins so, and wait until they are gone."""
        server = self.server(side)

        def sessions() -> set[int]:
            found = server.rows("SHOW PROCESSLIST")
            return {int(row[0]) for row in found if row[1] == self.account.user and str(row[4]).startswith(commands)}

        killed = until(sessions, f"a session {commands!r} on {server.name}")
        for one in killed:
            # Some of them may have gone by themselves.
            with contextlib.suppress(ServerError):
                server.change(f"KILL {one}")
        until(lambda: not killed & sessions(), "the sessions are gone")

    @contextlib.contextmanager
    def cut_off(self, side: Side) -> Iterator[None]:
        """One side cannot be reached by the verification."""
        self.roads[side].refuse()
        self.roads[side].cut()
        yield
        self.roads[side].heal()

    def plant(self, side: Side) -> None:
        """Let a row differ by a change that stands in this side's log only."""
        if side is Side.TARGET:
            with errant(self.pair) as session:
                session.run(_PLANT)
            return
        replication.stop(self.pair.target)
        self.pair.source.change(_PLANT)
        self._believe_all_is_there()
        replication.start(self.pair.target)
        self.pair.caught_up(_LONG_S)

    def _believe_all_is_there(self) -> None:
        """The target takes for applied what it has not got."""
        source, target = self.pair.source, self.pair.target
        if self.pair.kind is FilePosition:
            end, word = source.end_of_log(), target.dialect.source_word
            sql = f"{target.dialect.change_source} {word}_LOG_FILE = %s, {word}_LOG_POS = %s"
            target.change(sql, (end.file, end.offset))
        elif target.version.mariadb:
            # What was planted on the target stands in a domain of its own.
            ends = [MariaGtid.parse(str(one.value("SELECT @@gtid_binlog_pos"))).domains for one in (target, source)]
            target.change("SET GLOBAL gtid_slave_pos = %s", (str(MariaGtid({**ends[0], **ends[1]})),))
        else:
            end, have = source.gtid_end(), target.gtid_executed()
            assert isinstance(end, GtidSet)
            assert isinstance(have, GtidSet)
            for origin, ranges in end.minus(have).intervals.items():
                for number in (number for first, last in ranges for number in range(first, last + 1)):
                    with contextlib.closing(target.connect()) as session:
                        session.results((f"SET SESSION gtid_next = '{origin}:{number}'", "BEGIN", "COMMIT"))

    def restart(self, side: Side) -> None:
        """Stop the server and start it again; the target follows again, where it does not begin to by itself."""
        server = self.pair.sandbox[side is Side.TARGET]
        server.stop()
        server.start()
        # A question opens a session again that broke; a change would not.
        for one in (self.pair.source, self.pair.target):
            one.rows("SELECT 1")
        replication.start(self.pair.target)
        replication.wait_running(self.pair.target, _LONG_S)

    def purge(self, side: Side) -> None:
        """Take away all of a server's log but a new file, which holds nothing of what was planted."""
        server = self.server(side)
        self.kill_what_is_left(side)
        server.change("FLUSH LOGS")
        self.pair.source.change(f"UPDATE {BASE}.parents SET v = v + 1 WHERE id = 1")
        self.pair.caught_up(_LONG_S)
        newest = server.end_of_log().file

        def purged() -> bool:
            # A file that a reader has not left yet is kept.
            server.change(f"PURGE BINARY LOGS TO '{newest}'")
            return str(server.rows("SHOW BINARY LOGS")[0][0]) == newest

        until(purged, "the older logs are gone", _LONG_S, every=0.1)

    def kill_what_is_left(self, side: Side) -> None:
        """A server that writes to nobody does not notice that nobody is there: it would keep the log for it."""
        server = self.server(side)

        def gone() -> bool:
            left = [row[0] for row in server.rows("SHOW PROCESSLIST") if row[1] == self.account.user]
            for one in left:
                with contextlib.suppress(ServerError):
                    server.change(f"KILL {one}")
            return not left

        until(gone, "no session of the verification is left", _LONG_S)


@pytest.fixture(
    scope="module",
    params=[name if name == "mariadb-10.11" else pytest.param(name, marks=pytest.mark.long) for name in _PAIRS],
)
def servers(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    engine, kind = _PAIRS[request.param]
    account = Account("verifier", Secret("Only-reads-1"))
    with two(engine, engine, tmp_path_factory.mktemp("pair"), kind) as pair, contextlib.ExitStack() as stack:
        pair.attach()
        monitor = "BINLOG MONITOR, SLAVE MONITOR" if pair.source.version.mariadb else "REPLICATION CLIENT"
        pair.source.change("CREATE USER 'verifier'@'%' IDENTIFIED BY 'Only-reads-1'")
        pair.source.change(f"GRANT SELECT, REPLICATION SLAVE, {monitor} ON *.* TO 'verifier'@'%'")
        ends = {Side.SOURCE: pair.source.endpoint, Side.TARGET: pair.target.endpoint}
        roads = {side: stack.enter_context(Proxy((end.host, end.port))) for side, end in ends.items()}
        yield Scene(pair, roads, account)


@pytest.fixture
def scene(servers: Scene) -> Iterator[Scene]:
    with shop(servers.pair):
        yield servers


def judge(outcome: Outcome, *expected: Difference) -> None:
    assert [doubt for doubt in outcome.doubts if doubt.unproved] == []
    assert outcome.differences == expected
    assert outcome.verdict is (Verdict.DIFFERENT if expected else Verdict.IDENTICAL)


def confirmed(verification: Verification, *expected: Difference) -> None:
    """Wait until exactly these differences are known for good."""
    found = verification.wait(lambda seen: seen.confirmed == expected, _LONG_S)
    assert found.confirmed == expected, (found, verification.failure)


def enlarge(scene: Scene) -> None:
    """So many bytes that they are not read at once."""
    scene.pair.source.change(f"ALTER TABLE {BASE}.orders MODIFY note VARCHAR(1000)")
    scene.pair.source.change(f"UPDATE {BASE}.orders SET note = REPEAT('n', 900)")
    scene.pair.caught_up(_LONG_S)


def read_on(verification: Verification) -> None:
    """Wait until some more rows were read, and see that they were not all."""
    before = verification.progress().rows
    seen = verification.wait(lambda seen: seen.rows > before, _LONG_S)
    assert seen.state is State.READING, (seen, verification.failure)


def test_killed_sessions_are_opened_again(scene: Scene) -> None:
    enlarge(scene)
    with writing(scene.pair), scene.verifying(_SLOWLY_MIB_S) as verification:
        for side in SIDES:
            read_on(verification)
            scene.kill(side)
        read_once(verification)
        for side in SIDES:
            for commands in ("Binlog Dump", ""):
                scene.kill(side, commands)
        scene.plant(Side.TARGET)
        confirmed(verification, PLANTED)
        judge(verification.finish(_LONG_S), PLANTED)
        with errant(scene.pair) as session:
            session.run(_HEAL)
        confirmed(verification)
        judge(verification.finish(_LONG_S))


def test_sessions_killed_while_nothing_is_written_do_not_keep_the_proof(scene: Scene) -> None:
    with scene.verifying() as verification:
        clean(verification)
        for side in SIDES:
            scene.kill(side)
        verification.prepare_proof()
        judge(prove(verification, scene.pair))


@every_side
def test_a_restart_hides_nothing(scene: Scene, side: Side) -> None:
    with scene.verifying() as verification:
        clean(verification)
        with scene.cut_off(side):
            scene.restart(side)
            scene.plant(side)
        confirmed(verification, PLANTED)
        judge(verification.finish(_LONG_S), PLANTED)
        judge(prove(verification, scene.pair), PLANTED)


@pytest.mark.long
@every_side
def test_a_restart_in_the_middle_of_the_rows_hides_nothing(scene: Scene, side: Side) -> None:
    enlarge(scene)
    with scene.verifying(_SLOWLY_MIB_S) as verification:
        read_on(verification)
        scene.restart(side)
        scene.plant(side)
        outcome = verification.finish(_LONG_S)
    if outcome.verdict is Verdict.UNPROVED:
        (doubt,) = (doubt for doubt in outcome.doubts if doubt.unproved)
        assert scene.server(side).name in doubt.reason
    else:
        judge(outcome, PLANTED)


@every_side
def test_a_log_that_is_purged_before_it_was_read_proves_nothing(scene: Scene, side: Side) -> None:
    with scene.verifying() as verification:
        clean(verification)
        with scene.cut_off(side):
            scene.plant(side)
            scene.purge(side)
        assert verification.wait(lambda seen: False, _LONG_S).state is State.ENDED
        assert isinstance(verification.failure, LogGone)
        assert (verification.failure.code, verification.failure.server) == (1236, scene.server(side).name)
        for outcome in (verification.finish(5.0), verification.prove(time.monotonic() + 5.0)):
            assert (outcome.verdict, outcome.differences) == (Verdict.UNPROVED, ())
            reasons = [doubt.reason for doubt in outcome.doubts if doubt.unproved]
            assert f"{scene.server(side).name} cannot send its binary log" in reasons[0]
            assert "(1236: " in reasons[0]
    # Begun anew it finds what the purged log would have told.
    with scene.verifying() as verification:
        judge(verification.finish(_LONG_S), PLANTED)
