"""Rows read again by their keys: every one that differs is found, whatever its key is made of."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migration.verify.catalogue import Listed
from migration.verify.model import Kind, Request, Table
from migration.verify.recheck import KeyForm, Rereader
from migration.verify.shapes import Shape, Way, read_shapes
from migration.verify.signatures import Select
from providers.mysql.packets.wire import Param
from tests.migration.verify.pairs import Pair

T: Table = ("again", "t")


def shape_of(pair: Pair) -> Shape:
    (shape,) = read_shapes(pair.make[0], pair.make[1], Request((T[0],))).tables
    return shape


def test_keys_of_a_log_find_their_rows(fresh: Pair) -> None:
    fresh.on_both(
        "CREATE DATABASE again",
        "CREATE TABLE again.t (id INT PRIMARY KEY, v INT) ENGINE=InnoDB",
        "INSERT INTO again.t VALUES " + ", ".join(f"({number}, 0)" for number in range(-50, 300)),
    )
    fresh.on_target(
        "UPDATE again.t SET v = 1 WHERE id IN (-50, 7, 299)",
        "DELETE FROM again.t WHERE id = 8",
        "INSERT INTO again.t VALUES (1000, 0)",
    )
    shape, everything = shape_of(fresh), range(-60, 1010)
    with fresh.readers() as readers:
        rereader = Rereader(readers)
        for some in (everything, [7], [7, 8], range(3), []):
            found = rereader.touched(shape, [(struct.pack("<i", number),) for number in some])
            assert found.legible
            numbers = {struct.unpack("<i", key[0])[0] for key in found.differing}
            assert numbers == {-50, 7, 8, 299, 1000} & set(some)
        # Keys that stand close together are read as a range, and what is between them, too.
        for some, found_ones in (
            ([*range(7), 9, 10], {7, 8}),
            ([*range(-59, -51), -48, 299], {-50, 299}),
            ([6, 9], set()),
        ):
            found = rereader.touched(shape, [(struct.pack("<i", number),) for number in some])
            assert {struct.unpack("<i", key[0])[0] for key in found.differing} == found_ones
        differing = rereader.touched(shape, [(struct.pack("<i", number),) for number in everything]).differing
        told = rereader.tell(shape, differing)
        kinds = {struct.unpack("<i", key[0])[0]: one.kind for key, one in told.items()}
        assert kinds == {
            -50: Kind.CHANGED, 7: Kind.CHANGED, 8: Kind.MISSING, 299: Kind.CHANGED, 1000: Kind.EXTRA
        }  # fmt: skip
        fresh.on_target("UPDATE again.t SET v = 0 WHERE id = 7", "INSERT INTO again.t VALUES (8, 0)")
        again = rereader.again(shape, list(differing))
        assert {struct.unpack("<i", key[0])[0] for key in again} == {-50, 299, 1000}
        assert rereader.on_one(shape, 0, again).keys() < set(again)
        assert rereader.on_one(shape, 1, again).keys() == set(again)


def _of_integers(kind: str) -> KeyForm:
    column = Listed("id", kind.partition(" ")[0], kind, "", "", False, "", 0)
    select = Select(column, column, "`id`")
    return KeyForm(Shape(T, T, (select,), 1, Way.INTEGER, ("PRIMARY", "PRIMARY"), (False,), 10, 1000, (0,), (0,)))


@given(
    st.lists(st.tuples(st.integers(-(1 << 31), (1 << 31) - 50) | st.integers(-40, 200), st.integers(1, 30))),
    st.booleans(),
)
def test_keys_are_read_by_ranges_or_one_by_one_and_none_is_left_out(
    runs: list[tuple[int, int]], unsigned: bool
) -> None:
    shift = (1 << 31) if unsigned else 0
    numbers = {first + more + shift for first, size in runs for more in range(size)}
    code = "<I" if unsigned else "<i"
    spans, others = _of_integers("int unsigned" if unsigned else "int").spans(
        {(struct.pack(code, number),) for number in numbers}
    )
    alone = {struct.unpack(code, key[0])[0] for key in others}
    within = {number for low, high in spans for number in range(low, high + 1)}
    assert len(alone) == len(others)
    assert alone <= numbers <= alone | within
    assert not alone & within
    # What is read beside them is not much.
    assert len(within - numbers) <= 3 * len(numbers)


@pytest.mark.parametrize(
    ("columns", "rows", "changed"),
    [
        ("a VARCHAR(20), b INT", "'x y', 1", "b = 1"),
        ("a CHAR(5) CHARACTER SET latin1, b DATE", "'\u00e9a', '2024-02-29'", "b > 0"),
        ("a DATETIME(3), b DECIMAL(12, 4)", "'2024-01-01 10:00:00.5', -12.5", "b < 0"),
        ("a VARBINARY(9), b BINARY(4)", "0x0061000000, 0x61", "a > ''"),
        ("a ENUM('new', 'old'), b BIT(9)", "'old', 259", "b > 0"),
        ("a BIGINT UNSIGNED, b TINYINT", "18446744073709551615, -1", "b < 0"),
    ],
)
def test_rows_are_found_again_by_keys_of_any_type(fresh: Pair, columns: str, rows: str, changed: str) -> None:
    fresh.on_both(
        "CREATE DATABASE again CHARACTER SET utf8mb4",
        f"CREATE TABLE again.t (v INT, {columns}, PRIMARY KEY (a, b)) ENGINE=InnoDB",
        f"INSERT INTO again.t VALUES (1, {rows})",
    )
    fresh.on_target(f"UPDATE again.t SET v = 2 WHERE {changed}")
    shape = shape_of(fresh)
    with fresh.readers() as readers:
        rereader = Rereader(readers)
        layout = rereader.layout(shape)
        packets = readers.source.read(readers.statements(shape).rows(0))
        keys = [layout.key(buffer, start) for buffer, start, _ in packets.rows()]
        assert len(keys) == 1
        assert set(rereader.again(shape, keys)) == set(keys)
        fresh.on_target("UPDATE again.t SET v = 1")
        assert not rereader.again(shape, keys)


def test_rows_larger_than_what_is_held_are_read_one_by_one(fresh_alike: Pair) -> None:
    fresh_alike.on_both(
        "CREATE DATABASE again",
        "CREATE TABLE again.t (id INT PRIMARY KEY, v LONGBLOB) ENGINE=InnoDB",
        *[f"INSERT INTO again.t VALUES ({number}, REPEAT('{number}', 3000000))" for number in range(5)],
    )
    fresh_alike.on_target("UPDATE again.t SET v = REPEAT('x', 3000000) WHERE id = 3")
    shape = shape_of(fresh_alike)
    with fresh_alike.readers() as readers:
        rereader, connected = Rereader(readers), []
        for _ in range(3):
            found = rereader.touched(shape, [(struct.pack("<i", number),) for number in range(5)])
            assert [struct.unpack("<i", key[0])[0] for key in found.differing] == [3]
            connected.append(readers.source)
        # From then on it is known which are large: no connection has to be given up for that.
        assert all(one is connected[0] for one in connected)


def test_a_key_in_another_character_set_on_the_target_is_looked_for_as_text(fresh_alike: Pair) -> None:
    fresh_alike.on_both("CREATE DATABASE again")
    fresh_alike.on_source("CREATE TABLE again.t (w VARCHAR(20) CHARACTER SET latin1 PRIMARY KEY, v INT) ENGINE=InnoDB")
    fresh_alike.on_target("CREATE TABLE again.t (w VARCHAR(20) CHARACTER SET utf8mb4 PRIMARY KEY, v INT) ENGINE=InnoDB")
    fresh_alike.on_both("INSERT INTO again.t VALUES ('caf\u00e9', 1), ('na\u00efve', 1)")
    shape = shape_of(fresh_alike)
    form = KeyForm(shape)
    there = form.of_target(("caf\u00e9".encode(),))
    assert form.params(there) == form.params(("caf\u00e9".encode("latin1"),)) == (Param.text("caf\u00e9".encode()),)
    with fresh_alike.readers() as readers:
        rereader = Rereader(readers)
        keys = [there, ("na\u00efve".encode("latin1"),)]
        assert not rereader.touched(shape, keys).differing
        fresh_alike.on_target("UPDATE again.t SET v = 2 WHERE w = 'caf\u00e9'")
        assert len(rereader.touched(shape, keys).differing) == 1
