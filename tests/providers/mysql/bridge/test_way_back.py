"""An old server that follows a new one: what stops it, and that it goes on through a bridge."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from providers.mysql import replication
from providers.mysql.bridge import process
from providers.mysql.bridge.lock import Place, living
from providers.mysql.bridge.need import Why, needs
from providers.mysql.endpoint import Account, Secret
from providers.mysql.gtid import GtidSet
from providers.mysql.position import FilePosition, Position
from providers.sandbox import passwords
from tests.providers.mysql.bridge.bridging import OLD_DEFAULT, Bridging, contents, session, write
from tests.support.pairs import Two, two
from tests.support.proxy import Proxy
from tests.support.waiting import until

PAIRS: list[tuple[str, type[Position]]] = [
    ("mysql-5.6", GtidSet),
    ("mysql-5.7", GtidSet),
    ("mariadb-10.11", FilePosition),
]
TABLE = "CREATE TABLE app.t (id INT AUTO_INCREMENT PRIMARY KEY, v VARCHAR(20))"
INSERT = "INSERT INTO app.t (v) VALUES ('é')"
# What the appliers of MySQL and of MariaDB say of a collation that they do not know.
UNKNOWN_COLLATION = re.compile(r"22: .*Character set '#255' is not a compiled character set", re.DOTALL)


@pytest.fixture(scope="module", params=PAIRS, ids=lambda pair: f"{pair[0]}-{pair[1].__name__}")
def pair(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Two]:
    old, kind = request.param
    with two("mysql-9.7", old, tmp_path_factory.mktemp("bridge"), kind, {"max_allowed_packet": "64M"}) as pair:
        yield pair


@pytest.fixture
def way_back(pair: Two, tmp_path: Path) -> Iterator[Bridging]:
    bridging = Bridging(pair, tmp_path)
    yield bridging
    bridging.clean()


def following(way_back: Bridging) -> Bridging:
    way_back.follow(way_back.start())
    replication.wait_running(way_back.pair.target, 10)
    write(way_back.pair.source, "CREATE DATABASE app", TABLE)
    way_back.arrived()
    return way_back


def test_without_a_bridge_the_login_or_the_first_change_fails(way_back: Bridging) -> None:
    pair = way_back.pair
    if pair.target.version.mysql_from(5, 7):
        # It logs in over TLS.
        pair.attach()
        write(pair.source, "CREATE DATABASE app")
        assert UNKNOWN_COLLATION.search(way_back.stopped())
        return
    endpoint = pair.source.endpoint
    way_back.follow(Place(0, endpoint.host, endpoint.port))
    assert until(lambda: way_back.status().io_error, "the login fails").startswith("2059")


@pytest.mark.parametrize("statement", [INSERT, "CREATE DATABASE other"])
def test_a_bridge_that_does_not_translate_only_mends_the_login(way_back: Bridging, statement: str) -> None:
    pair = way_back.pair
    way_back.follow(way_back.start_without_translation())
    replication.wait_running(pair.target, 10)
    write(pair.source, "CREATE DATABASE app", TABLE, INSERT, collation=OLD_DEFAULT)
    way_back.arrived()
    write(pair.source, statement)
    assert UNKNOWN_COLLATION.search(way_back.stopped())


def test_old_defaults_do_not_cover_every_client(way_back: Bridging) -> None:
    pair = way_back.pair
    for name in ("collation_server", "default_collation_for_utf8mb4"):
        assert pair.source.variable(name) == OLD_DEFAULT
    way_back.follow(way_back.start_without_translation())
    replication.wait_running(pair.target, 10)
    write(pair.source, "SET NAMES utf8mb4", "CREATE DATABASE app", TABLE, collation=OLD_DEFAULT)
    way_back.arrived()
    write(pair.source, "SET character_set_client = utf8mb4", INSERT, collation=OLD_DEFAULT)
    assert UNKNOWN_COLLATION.search(way_back.stopped())


def test_through_a_bridge_a_stopped_old_server_goes_on(way_back: Bridging) -> None:
    pair = way_back.pair
    way_back.follow(way_back.start_without_translation())
    replication.wait_running(pair.target, 10)
    write(pair.source, "CREATE DATABASE app", TABLE, INSERT)
    way_back.stopped()
    replication.stop(pair.target)
    way_back.follow(way_back.start(), start=way_back.status().executed if pair.kind is FilePosition else None)
    way_back.arrived()
    assert contents(pair.target) == contents(pair.source) == {"t": ((1, "é"),)}


def test_every_kind_of_change_arrives(way_back: Bridging) -> None:
    pair = following(way_back).pair
    write(
        pair.source,
        INSERT,
        "CREATE TABLE app.u (id INT PRIMARY KEY, v VARCHAR(9)) DEFAULT CHARSET utf8mb4",
        "INSERT INTO app.u VALUES (1, 'ä'), (2, 'b')",
        "ALTER TABLE app.u ADD w INT",
        "UPDATE app.u SET w = id WHERE v = 'a'",
        "CREATE VIEW app.w AS SELECT 'ß' AS v",
        "CREATE TRIGGER app.g BEFORE INSERT ON app.t FOR EACH ROW SET NEW.v = CONCAT(NEW.v, '!')",
        "CREATE PROCEDURE app.p(x VARCHAR(5)) INSERT INTO app.t (v) VALUES (x)",
        "CALL app.p('q')",
        "SET @x = 'xyz', @n = NULL",
        "SET SESSION binlog_format = STATEMENT",
        "INSERT INTO app.t (v) VALUES (@x), (@n)",
        "SET lc_time_names = 'de_DE', time_zone = '+02:00'",
        "INSERT INTO app.t (v) VALUES (DATE_FORMAT('2024-03-01', '%M'))",
    )
    write(pair.source, INSERT, collation="utf8mb4_0900_as_cs")
    way_back.arrived()
    assert contents(pair.target) == contents(pair.source)
    assert pair.target.rows("SELECT v, w FROM app.u") == (("ä", 1), ("b", None))
    assert pair.target.rows("SELECT v FROM app.t") == (("é",), ("q!",), ("xyz!",), (None,), ("März!",), ("é!",))


def test_statements_and_rows_beyond_16_mib_arrive(way_back: Bridging) -> None:
    pair = following(way_back).pair
    long = "x" * (1 << 24)
    write(pair.source, "SET SESSION binlog_format = STATEMENT", f"INSERT INTO app.t (v) VALUES (LEFT('{long}', 9))")
    if pair.target.version.mysql_from(5, 7) or pair.target.version.mariadb:
        # A row of MySQL 5.6 may not be longer than a tenth of its redo log.
        write(pair.source, "CREATE TABLE app.long (v LONGTEXT)", f"INSERT INTO app.long VALUES ('{long}')")
    write(pair.source, INSERT)
    way_back.arrived(60)
    assert contents(pair.target) == contents(pair.source)
    assert pair.target.rows("SELECT v FROM app.t") == (("x" * 9,), ("é",))


def test_a_killed_bridge_is_started_again_at_its_place(way_back: Bridging) -> None:
    pair = following(way_back).pair
    orders = way_back.orders()
    replication.stop(pair.target)
    place = way_back.start(orders)
    way_back.follow(place, start=way_back.status().executed if pair.kind is FilePosition else None)
    replication.wait_running(pair.target, 10)
    way_back.started[-1].process.kill()
    way_back.started[-1].process.wait()
    until(lambda: way_back.status().io == "Connecting", "the replica notices")
    write(pair.source, INSERT)
    assert living(orders.lock) is None
    again = way_back.start(way_back.orders(port=place.port))
    assert (again.host, again.port) == (place.host, place.port)
    replication.wait_running(pair.target, 10)
    way_back.arrived()
    assert contents(pair.target) == contents(pair.source) == {"t": ((1, "é"),)}


def test_a_replica_gets_over_a_cut_and_over_a_new_server_that_is_away(way_back: Bridging) -> None:
    pair = way_back.pair
    with Proxy((pair.source.endpoint.host, pair.source.endpoint.port)) as proxy:
        way_back.follow(way_back.start(way_back.orders(through=proxy.port)))
        replication.wait_running(pair.target, 10)
        proxy.refuse()
        proxy.cut()
        until(lambda: "1105: " in way_back.status().io_error, "the replica is told")
        assert "cannot be reached" in way_back.log.read_text()
        write(pair.source, "CREATE DATABASE app", TABLE, INSERT)
        proxy.heal()
        replication.wait_running(pair.target, 10)
        way_back.arrived()
    assert contents(pair.target) == contents(pair.source) == {"t": ((1, "é"),)}


def test_a_replica_with_a_wrong_password_is_refused(way_back: Bridging) -> None:
    way_back.follow(way_back.start(), Account(way_back.account.user, Secret("wrong")))
    until(lambda: way_back.status().io_error, "the receiver fails")
    assert way_back.status().io_error.startswith("1045")
    assert way_back.status().io != "Yes"


def test_an_ended_bridge_lets_the_replica_wait(way_back: Bridging) -> None:
    pair = way_back.pair
    orders = way_back.orders()
    way_back.follow(way_back.start(orders))
    replication.wait_running(pair.target, 10)
    assert process.stop(orders.lock)
    assert way_back.started[-1].process.wait(10) == 0
    until(lambda: way_back.status().io == "Connecting", "the replica tries again")
    assert "collations replaced: none" in way_back.log.read_text()


def test_the_need_is_what_was_seen(way_back: Bridging) -> None:
    new, old = way_back.pair.source, way_back.pair.target
    found = needs(new, old, way_back.account)
    by_tls = old.version.mysql_from(5, 7)
    assert [reason.why for reason in found.reasons] == [Why.CHOSEN] if by_tls else [Why.LOGIN, Why.CHOSEN]
    assert found.certain is not by_tls
    assert found.collations.table[255] == 45
    assert found.collations.table[278] == 46
    assert 45 not in found.collations.table
    assert found.collations.charsets == frozenset() or not old.version.mysql_from(5, 7)
    assert "caching_sha2_password" in found.reasons[0].words or by_tls
    assert "SET PERSIST collation_server = utf8mb4_general_ci" in found.alternatives[-2].statements
    assert all(alternative.leaves for alternative in found.alternatives)
    assert any("sql_log_bin" in words for words in found.limits)


def test_a_new_default_on_the_new_server_is_certain_to_stop_the_old_one(way_back: Bridging) -> None:
    new, old = way_back.pair.source, way_back.pair.target
    with session(new.endpoint) as cursor:
        cursor.execute("SET GLOBAL default_collation_for_utf8mb4 = utf8mb4_0900_ai_ci")
        try:
            reasons = needs(new, old, way_back.account).reasons
        finally:
            cursor.execute("SET GLOBAL default_collation_for_utf8mb4 = utf8mb4_general_ci")
    assert reasons[-1].why is Why.DEFAULT
    assert "default_collation_for_utf8mb4 = utf8mb4_0900_ai_ci" in reasons[-1].words


def test_a_newer_server_needs_none(way_back: Bridging) -> None:
    new = way_back.pair.source
    found = needs(new, new, way_back.account)
    assert not found.possible
    assert found.collations.table == {}
    assert passwords.load().administrator.password.reveal() not in repr(found)
