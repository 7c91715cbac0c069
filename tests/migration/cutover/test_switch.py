"""A switch and its way back on real servers, near and armed; what is in the way is named, and nobody waits for long."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator
from dataclasses import replace

import pytest

from migration.cutover import Aborted, switch
from migration.journal import JournalReader, Kind
from migration.model import Direction, Positioning
from migration.pair_lock import Occupied, PairLock
from providers.mysql import replication
from providers.mysql.connection import Connection
from providers.mysql.endpoint import Account, Secret, TlsMode
from providers.mysql.errors import ServerError, StatementFailed
from providers.mysql.server import Server
from tests.support.moving import Moving, moving
from tests.support.proxy import Fuse, Loss, Proxy
from tests.support.waiting import until

Engines = tuple[str, str, Positioning]

MARIADB = ("mariadb-10.11", "mariadb-10.11", Positioning.GTID)
MODERN = ("mysql-9.7", "mysql-9.7", Positioning.GTID)
OLD = ("mysql-5.6", "mysql-5.7", Positioning.GTID)
PAIRS = [MARIADB, MODERN, OLD, ("mysql-5.7", "mysql-5.7", Positioning.FILE)]
# Half a second of patience, and a machine at work; a silent session was waited for ten times as long.
OPENED_S = 3.0


@pytest.fixture(scope="module", params=PAIRS, ids=lambda pair: "-".join(map(str, pair)))
def pair(request: pytest.FixtureRequest, engine_names: tuple[str, ...]) -> Iterator[Moving]:
    with moving(*request.param) as made:
        made.sandbox.workload("start")
        made.sandbox.workload("arm")
        yield made


def usually(*shown: Engines) -> pytest.MarkDecorator:
    """On these pairs; on the others, where what happens is the same, among the long tests."""
    params = [
        pytest.param(pair, id="-".join(map(str, pair)), marks=() if pair in shown else pytest.mark.long)
        for pair in PAIRS
    ]
    return pytest.mark.parametrize("pair", params, indirect=True)


def there_and_back(made: Moving) -> None:
    for direction, taker in ((Direction.CUTOVER, made.m.target), (Direction.ROLLBACK, made.m.source)):
        switch(made.m, made.attempt(direction))
        assert not taker.read_only().clients
        other = made.m.source if taker is made.m.target else made.m.target
        assert other.read_only().clients


def verified(made: Moving) -> None:
    """No client lost a write, and no two servers took writes at once."""
    made.sandbox.workload("pause")
    figures = made.sandbox.verify_lost()
    made.sandbox.workload("resume")
    assert figures.lost_writes == 0
    assert figures.both_writable_ms == 0


def test_there_and_back_again(pair: Moving) -> None:
    there_and_back(pair)
    there_and_back(pair)
    verified(pair)


def test_armed_there_and_back_again(pair: Moving) -> None:
    if pair.m.positioning is not Positioning.GTID:
        pytest.skip("a marker chosen in advance needs GTIDs")
    armed = Moving(pair.sandbox, pair.journal, replace(pair.m, armed=True), pair.desk, pair.numbers)
    there_and_back(armed)
    there_and_back(armed)
    pair.numbers = armed.numbers
    verified(pair)


@contextlib.contextmanager
def slow_link(made: Moving, seconds: float) -> Iterator[None]:
    """What the source writes arrives on the target this much later."""
    source, target = made.m.source, made.m.target
    port = f"{target.dialect.change_source} {target.dialect.source_word}_PORT = "
    with Proxy((source.endpoint.host, source.endpoint.port)) as link:
        _follow(target, f"{port}{link.port}")
        link.delay(seconds)
        yield
        link.delay(0)
        _follow(target, f"{port}{source.endpoint.port}")


def _follow(replica: Server, change: str) -> None:
    for sql in (replica.dialect.stop_replica, change, replica.dialect.start_replica):
        replica.change(sql)
    replication.wait_running(replica, 15.0)


def test_a_link_of_more_than_a_second_only_takes_longer(pair: Moving) -> None:
    if not pair.m.source.version.mariadb:
        pytest.skip("one pair is enough: the wait for the link knows no engines")
    with slow_link(pair, 1.2):
        switch(pair.m, pair.attempt())
    switch(pair.m, pair.attempt(Direction.ROLLBACK))
    verified(pair)


# What waits is the product; a server has only the words at which the session falls silent.
@usually(MARIADB, MODERN)
@pytest.mark.parametrize("loss", [Loss.SILENCE, Loss.DEAFNESS])
def test_a_session_that_falls_silent_at_the_opening_is_not_waited_for(pair: Moving, loss: Loss) -> None:
    target = pair.m.target
    with Proxy((target.endpoint.host, target.endpoint.port)) as road:
        # What is sent is seen without TLS only.
        there = replace(target.endpoint, port=road.port, tls=TlsMode.DISABLED)
        with contextlib.closing(Server(there, target.identity.uid)) as far:
            fuse = road.burn(Fuse(loss, target.dialect.unfence.encode()))
            made = Moving(pair.sandbox, pair.journal, replace(pair.m, other=far), pair.desk, pair.numbers)
            switch(made.m, made.attempt())
            pair.numbers = made.numbers
            assert fuse.blown.is_set()
        with JournalReader(pair.journal) as reader:
            records = reader.records()
        passed = [record.at for record in records if record.kind is Kind.NO_RETURN][-1]
        opened = [one for one in records if one.kind is Kind.OUTCOME and one.subject == "promote"][-1]
        assert opened.body["ended"] - passed < OPENED_S
    switch(pair.m, pair.attempt(Direction.ROLLBACK))
    verified(pair)


@contextlib.contextmanager
def session(made: Moving, *statements: str) -> Iterator[Connection]:
    """A bystander on the source."""
    connection = made.m.source.connect()
    connection.run("SET SESSION lock_wait_timeout = 50")
    try:
        for sql in statements:
            connection.run(sql)
        yield connection
    finally:
        connection.close()


def longest_stall_s(made: Moving, stop: threading.Event) -> float:
    """How long one writer had to wait for one write, at most, until told to stop."""
    writer = made.m.source.connect()
    writer.run("CREATE TABLE IF NOT EXISTS shop.stall (n INT)")
    longest = 0.0
    while not stop.is_set():
        began = time.monotonic()
        with contextlib.suppress(ServerError):
            writer.run("INSERT INTO shop.stall VALUES (1)")
        longest = max(longest, time.monotonic() - began)
        time.sleep(0.002)
    writer.close()
    return longest


@pytest.mark.parametrize("armed", [False, True], ids=["near", "armed"])
def test_a_table_lock_ends_the_attempt_and_nobody_waits_for_long(pair: Moving, armed: bool) -> None:
    if armed and pair.m.positioning is not Positioning.GTID:
        pytest.skip("a marker chosen in advance needs GTIDs")
    made = Moving(pair.sandbox, pair.journal, replace(pair.m, armed=armed), pair.desk, pair.numbers)
    pair.numbers += 1
    stop, stalls = threading.Event(), []
    thread = threading.Thread(target=lambda: stalls.append(longest_stall_s(made, stop)))
    with session(made, "LOCK TABLES shop.ledger WRITE"):
        thread.start()
        with pytest.raises(Aborted, match=r"could not be fenced within .* writes go on"):
            switch(made.m, made.attempt())
        assert not made.m.source.read_only().clients
        assert made.m.target.read_only().clients
        stop.set()
        thread.join()
    assert stalls[0] < 2.0


def update_until_killed(busy: Connection) -> None:
    with contextlib.suppress(ServerError):
        busy.run("UPDATE shop.customers SET note = note WHERE SLEEP(1) = 0 LIMIT 60")


@usually(MARIADB, MODERN)
def test_a_long_update_is_named(pair: Moving) -> None:
    with session(pair) as busy:
        thread = threading.Thread(target=update_until_killed, args=(busy,))
        thread.start()
        with pytest.raises(Aborted, match=rf"session {busy.thread_id} of .*UPDATE shop.customers"):
            switch(pair.m, pair.attempt())
        assert not pair.m.source.read_only().clients
        pair.m.source.change(f"KILL QUERY {busy.thread_id}")
        thread.join()


def test_a_prepared_transaction_is_refused(pair: Moving) -> None:
    with session(
        pair,
        "CREATE TABLE IF NOT EXISTS shop.xa (n INT)",
        "XA START 'x'", "INSERT INTO shop.xa VALUES (1)", "XA END 'x'", "XA PREPARE 'x'",
    ) as other:  # fmt: skip
        with pytest.raises(Aborted, match="prepared XA"):
            switch(pair.m, pair.attempt())
        other.run("XA ROLLBACK 'x'")
    assert not pair.m.source.read_only().clients


@usually(MARIADB, MODERN, OLD)
def test_an_xa_transaction_that_is_not_prepared_yet_is_refused(pair: Moving) -> None:
    source = pair.m.source
    source.change("CREATE TABLE IF NOT EXISTS shop.xa7 (n INT PRIMARY KEY) ENGINE = InnoDB")
    client = Server(replace(source.endpoint, account=pair.sandbox.endpoints().app))
    with contextlib.closing(client.connect()) as other:
        other.run("XA START 'y'")
        other.run("INSERT INTO shop.xa7 VALUES (7)")
        if pair.m.source.version.mariadb:
            # Which does not let it be committed.
            switch(pair.m, pair.attempt())
            other.run("XA END 'y'")
            with pytest.raises(StatementFailed, match="1290"):
                other.run("XA COMMIT 'y' ONE PHASE")
            switch(pair.m, pair.attempt(Direction.ROLLBACK))
        else:
            # A server at work may not tell its transactions in time, which is no less a reason.
            said = f"sessions {other.thread_id}|did not tell in time which transactions are open"
            for armed in {False, pair.m.positioning is Positioning.GTID}:
                with pytest.raises(Aborted, match=said):
                    switch(replace(pair.m, armed=armed), pair.attempt())
                assert not pair.m.source.read_only().clients
                assert pair.m.target.read_only().clients
            other.run("XA END 'y'")
        other.run("XA ROLLBACK 'y'")
    there_and_back(pair)
    verified(pair)


def test_an_administrator_at_work_is_named(pair: Moving) -> None:
    """Where there is no super_read_only; elsewhere the fence stops such a session, and the switch goes through."""
    source = pair.m.source
    if source.dialect.has_super_read_only:
        pytest.skip("super_read_only keeps administrators out")
    source.change("CREATE USER 'dba'@'%' IDENTIFIED BY 'of-a-test'")
    try:
        source.change("GRANT ALL ON *.* TO 'dba'@'%'")
        dba = Account("dba", Secret("of-a-test"))
        busy = Connection(replace(source.endpoint, account=dba))
        try:
            thread = threading.Thread(target=lambda: waiting(busy))
            thread.start()
            until(lambda: at_work(pair, busy), "the administrator is at work")
            with pytest.raises(Aborted, match=rf"administrator is at work .*session {busy.thread_id} of dba@"):
                switch(pair.m, pair.attempt())
            assert not source.read_only().clients
            source.change(f"KILL QUERY {busy.thread_id}")
            thread.join()
        finally:
            busy.close()
    finally:
        source.change("DROP USER 'dba'@'%'")


LONG_EVENT = (
    "CREATE EVENT shop.long_one ON SCHEDULE AT CURRENT_TIMESTAMP DO BEGIN DECLARE i INT DEFAULT 0; WHILE i < 80 DO "
    "INSERT INTO shop.by_event (at) VALUES (SYSDATE(6)); DO SLEEP(0.01); SET i = i + 1; END WHILE; END"
)


def test_an_event_that_runs_is_waited_for(pair: Moving) -> None:
    """Its definer is an administrator, so without super_read_only it would write on behind the fence."""
    source, target = pair.m.source, pair.m.target
    if source.dialect.has_super_read_only:
        pytest.skip("super_read_only stops events, too")
    source.change("CREATE TABLE shop.by_event (n INT AUTO_INCREMENT PRIMARY KEY, at DATETIME(6))")
    source.change("CREATE EVENT shop.other ON SCHEDULE EVERY 1 DAY STARTS '2035-01-01 00:00:00' DO DO 1")
    source.change("SET GLOBAL event_scheduler = ON")
    try:
        source.change(LONG_EVENT)
        until(lambda: source.value("SELECT COUNT(*) FROM shop.by_event"), "the event writes")
        switch(pair.m, pair.attempt())
        assert source.value("SELECT COUNT(*) FROM shop.by_event") == 80
        assert target.value("SELECT COUNT(*) FROM shop.by_event") == 80
        switch(pair.m, pair.attempt(Direction.ROLLBACK))
    finally:
        source.change("SET GLOBAL event_scheduler = OFF")
        source.change("DROP EVENT IF EXISTS shop.other")
        source.change("DROP TABLE shop.by_event")


def waiting(busy: Connection) -> None:
    with contextlib.suppress(ServerError):
        busy.run("DO SLEEP(60)")


def at_work(pair: Moving, busy: Connection) -> bool:
    asked = "SELECT COUNT(*) FROM information_schema.processlist WHERE id = %s AND info LIKE %s"
    return bool(pair.m.source.value(asked, (busy.thread_id, "DO SLEEP%")))


def test_a_second_operator_is_refused(pair: Moving) -> None:
    m = pair.m
    first = PairLock((m.target, m.source))
    with pytest.raises(Occupied, match="there holds"):
        PairLock(m.servers, patience_s=0.2)
    first.close()
    PairLock(m.servers).close()


def test_a_lock_that_somebody_else_took_meanwhile_keeps_every_change_from_being_made(pair: Moving) -> None:
    m = pair.m
    ours = PairLock(m.servers)
    holder = m.source.value(ours.question)
    other = m.source.connect()
    other.run(f"KILL {holder}")
    assert other.value("SELECT GET_LOCK(%s, 5)", (ours.name,)) == 1
    with pytest.raises(Occupied, match=rf"session {other.thread_id} there holds"):
        m.source.change("CREATE DATABASE must_not_be")
    other.close()
    m.source.change("CREATE DATABASE IF NOT EXISTS may_be")
    ours.close()
    assert "must_not_be" not in m.source.databases()


def test_every_attempt_has_a_defined_end(pair: Moving) -> None:
    with JournalReader(pair.journal) as reader:
        records = reader.records()
    begun = [record.subject for record in records if record.kind is Kind.ATTEMPT]
    ended = [record.subject for record in records if record.kind is Kind.ATTEMPT_ENDED]
    assert begun == ended
