"""The repair of every kind of damage, applied to real servers that do not follow each other."""

from __future__ import annotations

import contextlib
import io
import subprocess
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from migration.repair import Repaired, write_repair
from migration.verify.model import Difference, Kind, Outcome, Table, Verdict
from providers.mysql.errors import StatementFailed
from providers.mysql.gtid import GtidSet
from providers.mysql.literals import quote_name
from providers.mysql.server import Server
from providers.sandbox.programs import program
from tests.migration.verify.damages import DATABASE, KEYS, KINDS, ODD_DATABASE, VALUES, Damage
from tests.migration.verify.following import loose
from tests.migration.verify.oddities import NAMES, SCHEMAS
from tests.support.pairs import Two, two

pytestmark = pytest.mark.long

PAIRS = {
    "mariadb-10.11": ("mariadb-10.11", "mariadb-10.11"),
    "mysql-9.7": ("mysql-9.7", "mysql-9.7"),
    "mysql-5.7": ("mysql-5.7", "mysql-5.7"),
    "mysql-5.6": ("mysql-5.6", "mysql-5.6"),
    "5.6-to-9.7": ("mysql-5.6", "mysql-9.7"),
}
EVERY = (*KINDS, *VALUES, *KEYS, *NAMES, *SCHEMAS)
MADE = datetime(2026, 11, 21, 22, 17, 47, tzinfo=UTC)
SHOP = "shop"


@pytest.fixture(scope="module", params=list(PAIRS))
def pair(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Two]:
    source, target = PAIRS[request.param]
    options = {"max_allowed_packet": "64M"}
    with two(source, target, tmp_path_factory.mktemp("pair"), GtidSet, options) as servers:
        yield servers


@pytest.fixture
def shop(pair: Two) -> Iterator[Two]:
    """The same empty database on both servers."""
    for server in (pair.source, pair.target):
        server.change(f"CREATE DATABASE {SHOP} CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci")
    yield pair
    for server in (pair.source, pair.target):
        server.change(f"DROP DATABASE {SHOP}")


@dataclass(frozen=True)
class Written:
    text: str
    repaired: Repaired

    def statements(self) -> list[str]:
        return [line for line in self.text.splitlines() if line.startswith(("REPLACE", "DELETE"))]

    def left_out(self) -> list[str]:
        return [line for line in self.text.splitlines() if line.startswith("-- NOT REPAIRED")]


def outcome(differences: Sequence[Difference], found: int | None = None) -> Outcome:
    known = len(differences) if found is None else found
    return Outcome(Verdict.DIFFERENT, tuple(differences), known, (), 1, 1, 0.1)


def written(pair: Two, *differences: Difference, found: int | None = None) -> Written:
    out = io.StringIO()
    repaired = write_repair(out, pair.source, pair.target, outcome(differences, found), MADE)
    return Written(out.getvalue(), repaired)


def apply(server: Server, text: str) -> None:
    with contextlib.closing(server.connect()) as session:
        session.allow_answer_s(60)
        # As a client would that has its session set up in its own way.
        session.run("SET SESSION sql_mode = 'ANSI_QUOTES,NO_BACKSLASH_ESCAPES', time_zone = '+05:00'")
        session.run(text)


def on_both(pair: Two, *statements: str) -> None:
    for server in (pair.source, pair.target):
        on(server, *statements)


def on(server: Server, *statements: str) -> None:
    with loose(server) as session:
        session.allow_answer_s(60)
        for statement in statements:
            session.run(statement)


def content(server: Server, table: Table) -> list[tuple[bytes | None, ...]]:
    """All rows with all digits, and members by their numbers."""
    with contextlib.closing(server.connect()) as session:
        session.allow_answer_s(60)
        columns = session.rows(
            "SELECT column_name, data_type FROM information_schema.columns WHERE table_schema = %s AND table_name = %s "
            "ORDER BY ordinal_position",
            table,
        )
        session.run("SET SESSION character_set_results = NULL")
        session.raw.decoders = {}
        session.raw.use_unicode = False
        wanted = ", ".join(read(str(name), str(kind)) for name, kind in columns)
        rows = session.rows(f"SELECT {wanted} FROM {quote_name(table[0])}.{quote_name(table[1])}")
        return sorted(rows, key=repr)


def read(name: str, kind: str) -> str:
    quoted = quote_name(name)
    if kind in ("enum", "set"):
        return f"CAST({quoted} AS UNSIGNED)"
    return f"{quoted} * 1e0" if kind in ("float", "double") else quoted


@dataclass(frozen=True)
class Damaged:
    pair: Two
    damages: tuple[Damage, ...]
    written: Written


@pytest.fixture(scope="module")
def damaged(pair: Two) -> Iterator[Damaged]:
    """Both servers with all damages, and the repair that was written for them."""
    versions = (pair.source.version, pair.target.version)
    damages = tuple(damage for damage in EVERY if all(damage.fits(version) for version in versions))
    for database in (DATABASE, ODD_DATABASE):
        on_both(pair, f"CREATE DATABASE {quote_name(database)} CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci")
    make = [statement for damage in damages for statement in damage.statements(damage.make)]
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda server: on(server, *make), (pair.source, pair.target)))
    on(pair.target, *(statement for damage in damages for statement in damage.statements(damage.harm)))
    found = [one for damage in damages for one in damage.expected()]
    yield Damaged(pair, damages, written(pair, *found))
    for database in (DATABASE, ODD_DATABASE):
        on_both(pair, f"DROP DATABASE {quote_name(database)}")


def unequal(damaged: Damaged) -> list[Table]:
    """The tables with a key whose rows differ."""
    pair = damaged.pair
    tables = [damage.table for damage in damaged.damages if all(found.key for found in damage.found)]
    return [table for table in tables if content(pair.source, table) != content(pair.target, table)]


def test_what_has_a_key_is_as_on_the_source_afterwards(damaged: Damaged) -> None:
    assert len(unequal(damaged)) > 100
    apply(damaged.pair.target, damaged.written.text)
    assert unequal(damaged) == []
    keyless = sum(not found.key for damage in damaged.damages for found in damage.found)
    assert damaged.written.repaired.left_out == keyless


def test_the_source_is_not_touched_and_the_repair_says_what_it_is(damaged: Damaged) -> None:
    head = damaged.written.text.split("\n\n", 1)[0]
    pair = damaged.pair
    for words in ("2026-11-21T22:17:47+00:00", pair.source.endpoint.address, pair.target.endpoint.address, "Nothing"):
        assert words in head
    assert all(line.startswith("-- ") for line in head.splitlines())


def test_it_fails_on_any_other_server(shop: Two) -> None:
    on_both(shop, "CREATE TABLE shop.t (id INT PRIMARY KEY, v INT)", "INSERT INTO shop.t VALUES (1, 1), (2, 2)")
    on(shop.target, "UPDATE shop.t SET v = 9")
    text = written(shop, change(1), change(2)).text
    on(shop.source, "UPDATE shop.t SET v = 5")
    with pytest.raises(StatementFailed) as refused:
        apply(shop.source, text)
    assert refused.value.code == 1242
    assert shop.source.value("SELECT MIN(v) FROM shop.t") == 5
    apply(shop.target, text)
    assert shop.target.rows("SELECT id, v FROM shop.t ORDER BY id") == ((1, 1), (2, 2))


def change(key: int, kind: Kind = Kind.CHANGED) -> Difference:
    return Difference((SHOP, "t"), kind, (("id", str(key)),), ("v",) if kind is Kind.CHANGED else ())


def test_the_row_is_read_when_the_file_is_made(shop: Two) -> None:
    on_both(shop, "CREATE TABLE shop.t (id INT PRIMARY KEY, v INT)")
    on(shop.source, "INSERT INTO shop.t VALUES (1, 10), (4, 40)")
    on(shop.target, "INSERT INTO shop.t VALUES (1, 0), (2, 0), (4, 0)")
    # By now: 1 has another value, 2 and 3 are gone from the source, 4 is there.
    found = (change(1), change(2), change(3, Kind.MISSING), change(4, Kind.EXTRA))
    repair = written(shop, *found)
    assert repair.repaired == Repaired(replaced=2, deleted=1, left_out=1, tables=1)
    assert [line.split(" ")[0] for line in repair.statements()] == ["DELETE", "REPLACE", "REPLACE"]
    assert "gone" not in repair.text
    (left,) = repair.left_out()
    assert "`id` = 3, missing on the target: the source has no such row any more" in left
    apply(shop.target, repair.text)
    assert content(shop.target, (SHOP, "t")) == content(shop.source, (SHOP, "t"))


def test_foreign_keys_carry_nothing_on_and_no_trace_is_left_in_the_log(shop: Two) -> None:
    on_both(
        shop,
        "CREATE TABLE shop.t (id INT PRIMARY KEY, v INT) ENGINE=InnoDB",
        "CREATE TABLE shop.child (id INT PRIMARY KEY, t INT, FOREIGN KEY (t) REFERENCES shop.t (id) "
        "ON DELETE CASCADE ON UPDATE CASCADE) ENGINE=InnoDB",
        "INSERT INTO shop.t VALUES (1, 1), (2, 2)",
        "INSERT INTO shop.child VALUES (1, 1), (2, 2)",
    )
    on(shop.target, "UPDATE shop.t SET v = 9 WHERE id = 1", "INSERT INTO shop.t VALUES (3, 3)")
    repair = written(shop, change(1), change(3, Kind.EXTRA))
    before = shop.target.end_of_log()
    apply(shop.target, repair.text)
    assert shop.target.end_of_log() == before
    assert content(shop.target, (SHOP, "t")) == content(shop.source, (SHOP, "t"))
    assert content(shop.target, (SHOP, "child")) == content(shop.source, (SHOP, "child"))


def test_rows_that_swapped_a_unique_value(shop: Two) -> None:
    on_both(
        shop,
        "CREATE TABLE shop.t (id INT PRIMARY KEY, v INT, UNIQUE KEY (v))",
        "INSERT INTO shop.t VALUES (1, 1), (2, 2), (3, 3)",
    )
    on(shop.target, "UPDATE shop.t SET v = v + 10", "UPDATE shop.t SET v = MOD(v, 3) + 1")
    apply(shop.target, written(shop, change(1), change(2), change(3)).text)
    assert content(shop.target, (SHOP, "t")) == content(shop.source, (SHOP, "t"))


def test_triggers_of_the_target_are_named(shop: Two) -> None:
    on_both(shop, "CREATE TABLE shop.t (id INT PRIMARY KEY, v INT)", "INSERT INTO shop.t VALUES (1, 1)")
    on(
        shop.target,
        "CREATE TRIGGER shop.`late\nnight` BEFORE INSERT ON shop.t FOR EACH ROW SET NEW.v = NEW.v",
        "CREATE TRIGGER shop.harmless BEFORE UPDATE ON shop.t FOR EACH ROW SET NEW.v = NEW.v",
    )
    assert "-- TRIGGERS of the target that fire: late\N{REPLACEMENT CHARACTER}night\n" in written(shop, change(1)).text


def test_what_cannot_be_repaired_is_told_in_a_comment(shop: Two) -> None:
    on_both(shop, "CREATE TABLE shop.t (id INT PRIMARY KEY, v INT)", "CREATE TABLE shop.k (v INT)")
    long = ("id", "0x" + "ab" * 199 + "… (3000 bytes)")
    found = (
        Difference((SHOP, "k"), Kind.EXTRA, (), (), 7),
        Difference((SHOP, "new"), Kind.MISSING, (), (), 0),
        Difference((SHOP, "t"), Kind.MISSING, (long,)),
        Difference((SHOP, "t"), Kind.MISSING, (("id", "1 OR 1"),)),
        Difference((SHOP, "t"), Kind.MISSING, (("gone", "1"),)),
        Difference((SHOP, "x\nDROP TABLE shop.t; -- "), Kind.EXTRA, (("id", "1"),)),
    )
    repair = written(shop, *found, found=20)
    assert "-- NOT COMPLETE: of 20 differences 12 are known here." in repair.text
    assert repair.statements() == []
    assert repair.repaired == Repaired(replaced=0, deleted=0, left_out=6, tables=4)
    left = repair.left_out()
    assert "only on the target (7 rows): without a key" in left[0]
    assert "the table as a whole" in left[1]
    for words in ("too long", "1 OR 1, which is no number", "no column gone"):
        assert any(words in line for line in left)
    apply(shop.target, repair.text)
    assert shop.target.value("SELECT COUNT(*) FROM shop.t") == 0


HOSTILE = (
    "'; DROP TABLE shop.t; -- ",
    "\\",
    "\\' OR 1 -- ",
    "a\nDELIMITER x",
    "\0\x1a\x1b[2J",
    "it''s",
    "%s %d",
    "é'表",
)


def test_text_stays_text(shop: Two) -> None:
    on_both(
        shop,
        "CREATE TABLE shop.t (id VARCHAR(80) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin PRIMARY KEY, v TEXT, w BLOB)",
    )
    with loose(shop.source) as session:
        for text in HOSTILE:
            session.run("INSERT INTO shop.t VALUES (%s, %s, %s)", (text, text, text.encode()))
    with loose(shop.target) as session:
        for text in HOSTILE:
            session.run("INSERT INTO shop.t VALUES (%s, '', '')", (text.upper() + "x",))
    missing = [Difference((SHOP, "t"), Kind.MISSING, (("id", text),)) for text in HOSTILE]
    extra = [Difference((SHOP, "t"), Kind.EXTRA, (("id", text.upper() + "x"),)) for text in HOSTILE]
    repair = written(shop, *missing, *extra)
    assert repair.repaired == Repaired(len(HOSTILE), len(HOSTILE), 0, 1)
    assert not {char for char in repair.text if not char.isprintable()} - {"\n"}
    apply(shop.target, repair.text)
    assert content(shop.target, (SHOP, "t")) == content(shop.source, (SHOP, "t"))
    assert len(content(shop.target, (SHOP, "t"))) == len(HOSTILE)


def test_the_servers_own_client_takes_it(shop: Two, tmp_path: Path) -> None:
    sandbox = shop.sandbox[1]
    *run, server = program(sandbox.engine).command
    client = next((path for path in Path(server).parents[1].glob("bin/m*") if path.name in ("mariadb", "mysql")), None)
    if client is None:
        pytest.skip("the engine comes without its client")
    table = "odd`\\ ☃; --"
    for_both = f"CREATE TABLE shop.{quote_name(table)} (id INT PRIMARY KEY, `v;\\` TEXT)"
    on_both(shop, for_both)
    with loose(shop.source) as session:
        for number, text in enumerate(HOSTILE):
            session.run(f"INSERT INTO shop.{quote_name(table).replace('%', '%%')} VALUES (%s, %s)", (number, text))
    found = (Difference((SHOP, table), Kind.MISSING, (("id", str(number)),)) for number in range(len(HOSTILE)))
    file = tmp_path / "repair.sql"
    file.write_text(written(shop, *found).text)
    endpoint = sandbox.endpoint()
    login = ("--no-defaults", f"--host={endpoint.host}", f"--port={endpoint.port}", f"--user={endpoint.account.user}")
    with file.open() as taken:
        done = subprocess.run(
            [*run, str(client), *login],
            stdin=taken,
            capture_output=True,
            env={"MYSQL_PWD": endpoint.account.password.reveal()},
            timeout=60,
        )
    assert (done.returncode, done.stderr) == (0, b"")
    assert content(shop.target, (SHOP, table)) == content(shop.source, (SHOP, table))
    assert len(content(shop.target, (SHOP, table))) == len(HOSTILE)


def test_text_that_has_another_character_set_on_the_target(shop: Two) -> None:
    create = "CREATE TABLE shop.t (id VARCHAR(20) CHARACTER SET {0} PRIMARY KEY, v VARCHAR(20) CHARACTER SET {0})"
    on(shop.source, create.format("latin1"), "INSERT INTO shop.t VALUES ('grün', 'weiß'), ('ä', 'ö')")
    on(shop.target, create.format("utf8mb4"), "INSERT INTO shop.t VALUES ('grün', 'weiss'), ('blåst', '')")
    found = (
        Difference((SHOP, "t"), Kind.CHANGED, (("id", "grün"),), ("v",)),
        Difference((SHOP, "t"), Kind.EXTRA, (("id", "blåst"),)),
        Difference((SHOP, "t"), Kind.MISSING, (("id", "ä"),)),
    )
    repair = written(shop, *found)
    assert (repair.repaired.replaced, repair.repaired.deleted) == (2, 1)
    apply(shop.target, repair.text)
    assert sorted(shop.target.rows("SELECT id, v FROM shop.t")) == [("grün", "weiß"), ("ä", "ö")]


def test_what_only_the_source_has_or_the_server_works_out_is_left_out(shop: Two) -> None:
    if not shop.source.version.mysql_from(8, 0, 30):
        pytest.skip("the source has no generated invisible primary keys")
    with loose(shop.source) as session:
        session.run("SET SESSION sql_generate_invisible_primary_key = ON")
        session.run("CREATE TABLE shop.t (id INT NOT NULL UNIQUE, v INT, w INT AS (v + 1) STORED)")
        session.run("INSERT INTO shop.t (id, v) VALUES (1, 1)")
    on(shop.target, "CREATE TABLE shop.t (id INT NOT NULL UNIQUE, v INT, w INT AS (v + 1) STORED)")
    repair = written(shop, change(1))
    (statement,) = repair.statements()
    assert statement == "REPLACE INTO `shop`.`t` (`id`, `v`) VALUES (1, 1);"
    apply(shop.target, repair.text)
    assert shop.target.rows("SELECT id, v, w FROM shop.t") == ((1, 1, 2),)
