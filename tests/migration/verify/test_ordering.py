"""Keys as numbers: in the order in which real servers put them, whatever their collation."""

from __future__ import annotations

import contextlib
import random
import re
from collections.abc import Iterator
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migration.verify.catalogue import Listed
from migration.verify.ordering import Bytes, Order, Texts, order_of
from migration.verify.shapes import Shape, Way
from migration.verify.signatures import Select
from providers.mysql.connection import Connection
from providers.mysql.errors import StatementFailed
from providers.mysql.packets.wire import BINARY, VAR_STRING, WireType
from tests.support.pairs import running

TEXT = WireType(VAR_STRING, False, BINARY)
SOME = 800
UNKNOWN_COLLATION = 1273
FAMILIES = (
    *((charset, "bin") for charset in ("ascii", "latin1", "utf8mb3", "utf8mb4")),
    *((charset, "general_ci") for charset in ("ascii", "utf8mb3", "utf8mb4")),
    *((charset, f"{name}_ci") for charset in ("utf8mb3", "utf8mb4") for name in ("unicode", "unicode_520")),
    *((charset, "uca1400_ai_ci") for charset in ("utf8mb3", "utf8mb4")),
    ("utf8mb4", "0900_bin"),
    ("utf8mb4", "0900_ai_ci"),
    ("latin1", "swedish_ci"),
)
# Who compares without padding says so in the middle of the name.
UNPADDED = {"bin": "nopad_bin", "uca1400_ai_ci": "uca1400_nopad_ai_ci"}


def order(kind: str, charset: str = "", collation: str = "") -> Order | None:
    """That of a column."""
    column = Listed("id", re.split(r"\W", kind)[0], kind, charset, collation, False, "", 0)
    select = Select(column, column, "`id`")
    table = ("s", "t")
    return order_of(Shape(table, table, (select,), 1, Way.KEYSET, ("", ""), (False,), 10, 1000, (0,), (0,)))


@pytest.fixture(
    scope="module",
    params=[
        "mysql-9.7",
        "mariadb-10.11",
        pytest.param("mysql-5.6", marks=pytest.mark.long),
        pytest.param("mysql-5.7", marks=pytest.mark.long),
    ],
)
def session(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Connection]:
    with (
        running(request.param, tmp_path_factory.mktemp("order")) as server,
        contextlib.closing(Connection(server.endpoint())) as made,
    ):
        made.run("CREATE DATABASE s")
        made.run("USE s")
        yield made


def texts(signs: bytes, length: int, seed: int) -> list[str]:
    """Texts of these signs in capitals and small letters: many begin alike, some are equal but for the case."""
    chance = random.Random(seed)
    both = (signs + signs.lower()).decode()
    found: list[str] = []
    for _ in range(SOME):
        start = chance.choice(found)[: chance.randint(0, length)] if found and chance.random() < 0.7 else ""
        rest = "".join(chance.choices(both, k=chance.choice((0, 1, 1, 2, 5, length))))
        found.append((start + rest)[:length])
    return found


def on_server(session: Connection, column: str, values: list[str]) -> list[bytes]:
    """The values as the server puts them into an index, in its order."""
    session.run("DROP TABLE IF EXISTS s.t")
    session.run(f"CREATE TABLE s.t (n INT AUTO_INCREMENT PRIMARY KEY, w {column} NOT NULL, KEY (w)) ENGINE=InnoDB")
    session.run(f"INSERT INTO s.t (w) VALUES {', '.join(['(%s)'] * len(values))}", values)
    rows = session.rows("SELECT CAST(w AS BINARY) FROM s.t FORCE INDEX (w) ORDER BY w")
    return [bytes(value) for (value,) in rows]


def has(session: Connection, collation: str) -> bool:
    try:
        session.run(f"SELECT _binary 'a' COLLATE {collation}")
    except StatementFailed as error:
        return error.code != UNKNOWN_COLLATION
    return True


def test_numbers_are_in_the_order_of_the_server(session: Connection) -> None:
    tried = 0
    for charset, name in FAMILIES:
        for kind in (name, UNPADDED.get(name, name.replace("_ci", "_nopad_ci"))):
            collation = f"{charset}_{kind}"
            if not has(session, collation):
                collation = collation.replace("utf8mb3", "utf8")
            if not has(session, collation):
                continue
            tried += 1
            for column, length in (("varchar(40)", 40), ("char(6)", 6)):
                made = order(column, charset, f"{charset}_{kind}")
                assert isinstance(made, Texts)
                sorted_ = on_server(session, f"{column} COLLATE {collation}", texts(made.signs, length, tried))
                numbers = [-1 if (number := made.number(raw)) is None else number for raw in sorted_]
                assert numbers == sorted(numbers), (column, collation)
                assert numbers[0] >= 0
                held(session, made, numbers, collation)
    assert tried >= 12


def held(session: Connection, made: Texts, numbers: list[int], collation: str) -> None:
    """The ends of a range, as the server compares them, hold all texts with numbers from the first to the last."""
    chance, charset = random.Random(1), collation.partition("_")[0]
    for _ in range(10):
        low, high = sorted(chance.sample(numbers, 2))
        ends = tuple(end[1:].decode() for end in (made.first(low, TEXT), made.last(high, TEXT)))
        bound = f"CONVERT(%s USING {charset}) COLLATE {collation}"
        found = session.value(f"SELECT COUNT(*) FROM s.t WHERE w >= {bound} AND w <= {bound}", ends)
        assert int(found) >= sum(low <= number <= high for number in numbers), (collation, ends)


@given(st.lists(st.binary(max_size=50), min_size=1), st.integers(1, 50))
def test_bytes_lie_between_the_ends_of_their_numbers(values: list[bytes], size: int) -> None:
    made = Bytes(size)
    some = sorted(value[:size] for value in values)
    numbers = [number for value in some if (number := made.number(value)) is not None]
    assert numbers == sorted(numbers)
    assert len(numbers) == len(some)
    assert made.first(numbers[0], TEXT)[1:] <= some[0]
    assert some[-1] <= made.last(numbers[-1], TEXT)[1:]
    # A column of fixed length has zero bytes at the end that the log does not have.
    assert some[-1].ljust(size, b"\0") <= made.last(numbers[-1], TEXT)[1:]


def test_only_where_both_logs_have_the_same_order_there_is_one() -> None:
    assert order("int unsigned") is not None
    assert order("decimal(10,2)") is None
    assert order("varchar(20)", "utf8mb4", "utf8mb4_czech_ci") is None
    assert order("varchar(20)", "utf8mb4", "utf8mb4_0900_as_cs") is None
    assert order("varchar(20)", "cp1250", "cp1250_bin") is None
    column = Listed("id", "int", "int", "", "", False, "", 0)
    select = Select(column, replace(column, column_type="int unsigned"), "`id`")
    table = ("s", "t")
    shape = Shape(table, table, (select,), 1, Way.KEYSET, ("", ""), (False,), 10, 1000, (0,), (0,))
    assert order_of(shape) is None
    # The longer of the two says how long a text may be.
    narrow, wide = (Listed("id", "varchar", f"varchar({size})", "ascii", "ascii_bin", False, "", 0) for size in (9, 50))
    shape = replace(shape, columns=(Select(narrow, wide, "`id`"),))
    assert order_of(shape) == Texts(bytes(range(0x21, 0x7F)), 50)
