"""Which tables can be compared, in which way, and what is said of the others."""

from __future__ import annotations

import contextlib

import pytest

from migration.verify.catalogue import Catalogue, Definition, Index, Listed
from migration.verify.model import Difference, Kind, Request, State
from migration.verify.shapes import Shape, Shapes, Way, compare_catalogues, reread
from migration.verify.verification import Verification
from providers.mysql.version import parse_version
from tests.migration.verify.pairs import Pair
from tests.migration.verify.scanning import changed, scanned, shapes_of

MARIADB, MYSQL = parse_version("10.11.2-MariaDB"), parse_version("9.7.4")


def column(name: str, kind: str = "int", position: int = 0, **changed: object) -> Listed:
    data_type = kind.partition("(")[0].partition(" ")[0]
    text = data_type in ("varchar", "char", "text", "enum", "set")
    fields = {
        "charset": "utf8mb4" * text,
        "collation": "utf8mb4_bin" * text,
        "nullable": False,
        "extra": "",
        **changed,
    }
    return Listed(name, data_type, kind, position=position, **fields)  # type: ignore[arg-type]


def table(
    *columns: Listed, keys: tuple[Index, ...] = (), kind: str = "BASE TABLE", engine: str = "InnoDB"
) -> Definition:
    return Definition(("d", "t"), kind, engine, 10, 1000, columns, keys)


def index(*columns: str, name: str = "PRIMARY") -> Index:
    return Index(name, columns, (False,) * len(columns))


def compared(here: Definition, there: Definition, pattern: str = "") -> Shapes:
    catalogues = [Catalogue(MYSQL, False, {one.table: one}) for one in (here, there)]
    return compare_catalogues(*catalogues, Request(("d",), pattern))


def only(shapes: Shapes) -> Shape:
    (shape,) = shapes.tables
    return shape


ID, OTHER = column("id"), column("v", "varchar(20)", 1)


def test_one_integer_is_read_by_ranges_and_other_keys_in_their_order() -> None:
    assert only(compared(*[table(OTHER, ID, keys=(index("id"),))] * 2)).way is Way.INTEGER
    shape = only(compared(*[table(ID, OTHER, keys=(index("v", "id"),))] * 2))
    assert shape.way is Way.KEYSET
    assert [select.name for select in shape.columns] == ["v", "id"]
    assert shape.key_positions == (1, 0)


@pytest.mark.parametrize(
    ("kind", "bounds"),
    [
        ("tinyint", (-128, 127)),
        ("mediumint unsigned", (0, (1 << 24) - 1)),
        ("bigint", (-(1 << 63), (1 << 63) - 1)),
        ("bigint unsigned", (0, (1 << 64) - 1)),
    ],
)
def test_an_integer_key_has_the_range_of_its_type(kind: str, bounds: tuple[int, int]) -> None:
    assert only(compared(*[table(column("id", kind), keys=(index("id"),))] * 2)).bounds == bounds


def test_a_key_counts_only_where_both_have_it() -> None:
    keyed, bare = table(ID, OTHER, keys=(index("id"),)), table(ID, OTHER)
    assert only(compared(keyed, bare)).way is Way.UNKEYED
    renamed = table(ID, OTHER, keys=(index("id", name="other"),))
    shape = only(compared(keyed, renamed))
    assert shape.indexes == ("PRIMARY", "other")
    assert "`other`" in shape.hint(1)


def test_keys_of_another_order_or_that_begin_with_an_enum_go_by_buckets() -> None:
    here = table(OTHER, keys=(index("v"),))
    there = table(column("v", "varchar(20)", collation="utf8mb4_unicode_ci"), keys=(index("v"),))
    assert only(compared(here, there)).way is Way.BUCKETS
    enum = table(column("e", "enum('a','b')"), ID, keys=(index("e", "id"),))
    assert only(compared(enum, enum)).way is Way.BUCKETS
    second = table(column("e", "enum('a','b')"), ID, keys=(index("id", "e"),))
    assert only(compared(second, second)).way is Way.KEYSET


@pytest.mark.parametrize(
    ("here", "there", "words"),
    [
        (column("v"), column("v", "bigint"), "v is int on the source and bigint on the target"),
        (column("v"), column("w"), "the target has no column v; only the target has a column w"),
        (column("v", "decimal(10,2)"), column("v", "decimal(10,3)"), "decimal(10,3)"),
        (column("v", "enum('a','b')"), column("v", "enum('b','a')"), "enum('b','a')"),
        (column("v", "json"), column("v", "longtext", charset="utf8mb4"), "json"),
        (column("v", "int"), column("v", "int unsigned"), "int unsigned"),
    ],
)
def test_columns_that_cannot_be_compared_are_doubts(here: Listed, there: Listed, words: str) -> None:
    shapes = compared(table(ID, here), table(ID, there))
    (doubt,) = shapes.doubts
    assert (shapes.tables, doubt.table, doubt.unproved) == ((), ("d", "t"), True)
    assert words in doubt.reason


def test_columns_in_another_order_are_a_doubt() -> None:
    (doubt,) = compared(table(ID, OTHER), table(OTHER, ID)).doubts
    assert "another order" in doubt.reason


def test_other_character_sets_and_lengths_are_compared_and_noted() -> None:
    latin = column("v", "varchar(20)", 1, charset="latin1", collation="latin1_bin")
    shapes = compared(table(ID, latin), table(ID, OTHER))
    assert [doubt.unproved for doubt in shapes.doubts] == [False]
    assert only(shapes).columns[1].sql == "CONVERT(`v` USING utf8mb4)"
    three = column("v", "varchar(20)", 1, charset="utf8mb3", collation="utf8mb3_bin")
    shapes = compared(table(ID, three), table(ID, OTHER))
    assert shapes.doubts == ()
    assert only(shapes).columns[1].sql == "`v`"
    shapes = compared(table(ID, OTHER), table(ID, column("v", "text", 1)))
    assert [doubt.unproved for doubt in shapes.doubts] == [False]


def test_an_enum_in_two_character_sets_is_compared_by_its_number(fresh_alike: Pair) -> None:
    pair = fresh_alike
    pair.on_both("CREATE DATABASE s")
    for side, charset in ((pair.on_source, "latin1"), (pair.on_target, "utf8mb4")):
        side(
            f"CREATE TABLE s.t (id INT PRIMARY KEY, e ENUM('ä', 'ö'), f SET('ä', 'ö')) CHARSET {charset}",
            "INSERT INTO s.t VALUES (1, 'ä', 'ö'), (2, 'ö', 'ä,ö')",
        )
    shapes = shapes_of(pair)
    assert shapes.doubts == ()
    assert scanned(pair, shapes.tables).differences() == {}
    pair.on_target("UPDATE s.t SET f = 'ä' WHERE id = 2")
    assert scanned(pair, shapes.tables).of(("s", "t")) == [changed(("s", "t"), "f", id=2)]


def test_where_a_table_cannot_be_compared_nothing_counts_as_proved(fresh_alike: Pair) -> None:
    pair = fresh_alike
    pair.on_both("CREATE DATABASE s", "CREATE TABLE s.t (id INT PRIMARY KEY, v INT)")
    pair.on_target("ALTER TABLE s.t MODIFY v BIGINT")
    with contextlib.closing(Verification(pair.source, pair.target, pair.request())) as verification:
        verification.start()
        progress = verification.wait(lambda seen: seen.state is State.FOLLOWING, 60)
        assert (progress.settled, progress.proved_at, verification.caught_up()) == (True, None, False)


def test_a_generated_key_that_only_one_has_is_left_out() -> None:
    lone = column("my_row_id", "bigint unsigned", 0, extra="AUTO_INCREMENT INVISIBLE")
    here, there = table(column("v")), table(lone, column("v", position=1), keys=(index("my_row_id"),))
    for one, other in ((here, there), (there, here)):
        shape = only(compared(one, other))
        assert [select.name for select in shape.columns] == ["v"]
        assert shape.way is Way.UNKEYED


@pytest.mark.parametrize("engine", ["", "FEDERATED", "BLACKHOLE"])
def test_tables_whose_rows_are_elsewhere_are_doubts(engine: str) -> None:
    shapes = compared(table(ID), table(ID, engine=engine))
    assert shapes.tables == ()
    assert "target" in shapes.doubts[0].reason


def test_a_fingerprint_changes_with_what_ranges_depend_on() -> None:
    keyed = table(ID, OTHER, keys=(index("id"),))
    shape = only(compared(keyed, keyed))
    assert shape.fingerprint == only(compared(keyed, keyed)).fingerprint
    assert shape.fingerprint != only(compared(keyed, table(ID, OTHER))).fingerprint


@pytest.mark.parametrize(
    ("pattern", "wanted"),
    [
        ("", True),
        ("d.*", True),
        ("d.t", True),
        ("D.T", False),
        ("d.?", True),
        ("[d].t", False),
        ("*t", True),
        ("d", False),
    ],
)
def test_a_pattern_has_no_signs_but_star_and_question_mark(pattern: str, wanted: bool) -> None:
    assert bool(compared(table(ID), table(ID), pattern).tables) is wanted


def test_names_that_one_server_keeps_in_lower_case_belong_together() -> None:
    here = Definition(("D", "T"), "BASE TABLE", "InnoDB", 1, 1, (ID,), ())
    sides = Catalogue(MYSQL, False, {("D", "T"): here}), Catalogue(MARIADB, True, {("d", "t"): table(ID)})
    shape = only(compare_catalogues(*sides, Request(("D",))))
    assert (shape.table, shape.there, shape.quoted(1)) == (("D", "T"), ("d", "t"), "`d`.`t`")


def test_minus_zero_counts_as_zero_only_between_the_two_families() -> None:
    double = table(ID, column("v", "double"))
    assert not only(compared(double, double)).signless
    sides = Catalogue(MYSQL, False, {("d", "t"): double}), Catalogue(MARIADB, False, {("d", "t"): double})
    assert only(compare_catalogues(*sides, Request(("d",)))).signless


def test_tables_on_one_server_only_are_told_and_views_are_not(fresh: Pair) -> None:
    fresh.on_both("CREATE DATABASE s", "CREATE TABLE s.both_have (id INT PRIMARY KEY, v INT)")
    fresh.on_source("CREATE TABLE s.here (id INT)", "CREATE VIEW s.a AS SELECT 1")
    fresh.on_target("CREATE TABLE s.there (id INT)", "CREATE VIEW s.b AS SELECT 1")
    shapes = shapes_of(fresh)
    assert [shape.table for shape in shapes.tables] == [("s", "both_have")]
    assert set(shapes.differences) == {
        Difference(("s", "here"), Kind.MISSING, (), (), 0),
        Difference(("s", "there"), Kind.EXTRA, (), (), 0),
    }
    assert shapes.doubts == ()


def test_single_tables_are_looked_at_again(fresh_alike: Pair) -> None:
    pair = fresh_alike
    pair.on_both("CREATE DATABASE s", "CREATE TABLE s.t (id INT PRIMARY KEY, v INT)", "CREATE TABLE s.u (id INT)")
    with contextlib.ExitStack() as stack:
        here, there = (
            stack.enter_context(contextlib.closing(side.connect())) for side in (pair.two.source, pair.two.target)
        )
        (shape,) = reread(here, there, pair.request(), [("s", "t")]).tables
        pair.on_source("ALTER TABLE s.t ADD COLUMN w INT", "DROP TABLE s.u")
        again = reread(here, there, pair.request(), [("s", "t"), ("s", "u"), ("s", "none")])
        pair.on_target("ALTER TABLE s.t ADD COLUMN w INT", "DROP TABLE s.u")
        (wider,) = reread(here, there, pair.request(), [("s", "t"), ("s", "u")]).tables
    assert "w" in again.doubts[0].reason
    assert again.differences == (Difference(("s", "u"), Kind.EXTRA, (), (), 0),)
    assert shape.fingerprint != wider.fingerprint


def test_system_versioned_tables_and_sequences_are_compared_as_they_are_now(fresh_alike: Pair) -> None:
    pair = fresh_alike
    if not pair.versions[0].mariadb:
        pytest.skip("MariaDB has them")
    pair.on_both("CREATE DATABASE s", "CREATE SEQUENCE s.q", "SELECT NEXT VALUE FOR s.q")
    pair.on_both("CREATE TABLE s.v (id INT PRIMARY KEY, v INT) WITH SYSTEM VERSIONING", "INSERT INTO s.v VALUES (1, 1)")
    shapes = shapes_of(pair)
    assert [(doubt.table, doubt.unproved) for doubt in shapes.doubts] == [(("s", "v"), False)]
    assert {shape.table[1]: shape.way for shape in shapes.tables} == {"q": Way.UNKEYED, "v": Way.INTEGER}
    assert scanned(pair, shapes.tables).differences() == {}
    pair.on_target("SELECT SETVAL(s.q, 5000)")
    assert scanned(pair, shapes.tables).differences().keys() == {("s", "q")}
