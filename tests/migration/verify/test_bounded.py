"""Memory does not grow with how many rows differ, or how long they are."""

from __future__ import annotations

import contextlib
import tracemalloc
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from migration.model import Side
from migration.verify import fence_proof
from migration.verify.cascades import Cascades
from migration.verify.catalogue import Listed
from migration.verify.chunks import Span
from migration.verify.compare import Rows
from migration.verify.dirty import DirtySet
from migration.verify.findings import Findings
from migration.verify.journal import About, Places, Progress, read
from migration.verify.known import Known, Surroundings
from migration.verify.model import Kind, Request, Verdict
from migration.verify.passing import FirstPass
from migration.verify.reading import Chunk
from migration.verify.recheck import Rereader
from migration.verify.shapes import Shape, Shapes, Way
from migration.verify.signatures import Select
from migration.verify.throttle import Gauge
from migration.verify.touched import Key
from migration.verify.unequal import Unequal
from providers.mysql.binlog.marks import Start
from providers.mysql.endpoint import Account, Endpoint, Secret
from providers.mysql.packets.rows import RowLayout
from providers.mysql.packets.wire import BINARY, LONG, VAR_STRING, WireType
from tests.migration.verify.following import following, unlogged
from tests.migration.verify.pairs import Pair
from tests.migration.verify.parts import Parts, T
from tests.migration.verify.proving import BASE, ROWS, clean, prove, shop, verifying
from tests.migration.verify.scanning import shape_of
from tests.support.pairs import Two
from tests.support.waiting import until

ABOUT = About("uid-a", "uid-b", "what")
LAYOUT = RowLayout((WireType(LONG, False, BINARY), WireType(VAR_STRING, False, BINARY)), 1)
MIB = 1 << 20


@contextlib.contextmanager
def at_most(size: int) -> Iterator[None]:
    """What Python holds in it stays below so many bytes."""
    tracemalloc.start()
    try:
        yield
        assert tracemalloc.get_traced_memory()[1] < size
    finally:
        tracemalloc.stop()


def number_key() -> Shape:
    columns = [Listed(name, kind, kind, "", "", False, "", at) for at, (name, kind) in enumerate(COLUMNS)]
    selects = tuple(Select(column, column, f"`{column.name}`") for column in columns)
    return Shape(T, T, selects, 1, Way.INTEGER, ("PRIMARY", "PRIMARY"), (False,), 10, 1000, (0,), (0,))


COLUMNS = (("id", "int"), ("v", "varbinary"))


def pieces(shape: Shape, number: int, rows: int, length: int) -> Iterator[Chunk]:
    """A stretch of which the target has far more rows than the source: all but the last piece have no range."""
    for at in range(number):
        keys = range(at * rows, (at + 1) * rows)
        differing: dict[Key, Rows] = {(key.to_bytes(4, "little"),): (None, bytes(length)) for key in keys}
        part = Span(0, number * rows) if at == number - 1 else None
        yield Chunk(shape, LAYOUT, part, 1, 10, differing)


@pytest.mark.parametrize(("rows", "written"), [(10, 10), (300, 0)])
def test_of_rows_that_differ_only_the_keys_are_kept_until_their_stretch_is_written_down(
    tmp_path: Path, rows: int, written: int
) -> None:
    shape, request = number_key(), Request((T[0],))
    around = Surroundings({Side.SOURCE: Cascades(), Side.TARGET: Cascades()}, code=False)
    known = Known(request, Shapes((shape,)), around)
    nowhere = Endpoint("nowhere", "127.0.0.1", 1, Account("nobody", Secret("")))
    gauge = Gauge(nowhere, nowhere, request, None, lambda error: None)
    progress = Progress(tmp_path / "rows", ABOUT, Places(Start("binlog.000001", 4, "uid-a"), None), going_on=False)
    progress.table(T, shape.fingerprint)
    first = FirstPass(known, DirtySet(), Findings(), gauge, {}, progress)
    with at_most(20 * MIB):
        for chunk in pieces(shape, 20, rows, 30_000_000 // (10 * rows)):
            first.chunk(chunk)
    progress.close()
    kept = read(tmp_path / "rows", ABOUT)
    assert kept is not None
    found = kept.of(T, shape.fingerprint)
    assert [(one.rows, one.size, len(one.differing)) for one in found] == ([(20, 200, 20 * rows)] if written else [])


def test_of_more_rows_than_are_kept_the_number_is_known() -> None:
    unequal = Unequal(5, 100)
    for chunk in pieces(number_key(), 10, 30, 100):
        unequal.take(chunk)
    assert (len(unequal.keys), unequal.more) == (100, 200)
    assert [(one.kind, one.key) for one in unequal.listed.values()] == [
        (Kind.EXTRA, (("id", str(number)),)) for number in range(5)
    ]


def filled(pair: Pair, doublings: int, length: int) -> None:
    """A table of which all rows differ."""
    pair.on_both(
        "CREATE DATABASE ending",
        "CREATE TABLE ending.t (id INT PRIMARY KEY, v VARCHAR(10000), n INT DEFAULT 0) CHARACTER SET latin1 "
        "ENGINE=InnoDB",
        f"INSERT INTO ending.t VALUES (0, REPEAT('v', {length}), 0)",
        *(f"INSERT INTO ending.t SELECT id + {1 << power}, v, n FROM ending.t" for power in range(doublings)),
        "ANALYZE TABLE ending.t",
    )
    pair.on_target("UPDATE ending.t SET n = 1")


def test_a_table_of_which_all_rows_differ_is_read_again_and_its_rows_are_not_kept(fresh_alike: Pair) -> None:
    # 32 MiB on each server.
    filled(fresh_alike, 13, 4000)
    with fresh_alike.readers() as readers, fresh_alike.readers() as others:
        parts = Parts(fresh_alike, readers, others)
        with contextlib.closing(parts.rechecker), contextlib.closing(parts.upkeep):
            with at_most(24 * MIB):
                parts.dirty.redo(T, 1.0)
                parts.upkeep.start()
                until(lambda: parts.dirty.counts().differing == 1 << 13, "all are found", 60)
            assert parts.errors == []


def test_of_touched_rows_that_differ_only_the_keys_are_kept(fresh_alike: Pair) -> None:
    filled(fresh_alike, 11, 9000)
    shape = shape_of(fresh_alike, T)
    keys = [((2 * number).to_bytes(4, "little"),) for number in range(1000)]
    with fresh_alike.readers() as readers:
        rereader = Rereader(readers)
        rereader.prepare(shape)
        # The rows have 18 MiB on each server.
        with at_most(16 * MIB):
            # Those that stand between them, too.
            assert len(rereader.touched(shape, keys).differing) == 1999
            assert len(rereader.again(shape, keys)) == 1999


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Two]:
    with following("mysql-9.7", tmp_path_factory.mktemp("pair")) as made:
        yield made


def test_a_proof_counts_rows_that_it_does_not_keep(servers: Two, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fence_proof, "Unequal", partial(Unequal, most=10))
    monkeypatch.setattr(fence_proof, "LISTED", 7)
    with shop(servers) as pair, verifying(pair) as verification:
        clean(verification)
        with unlogged(pair.target) as session:
            session.run(f"UPDATE {BASE}.orders SET v = 99 WHERE id > 10")
        assert verification._work is not None
        verification._work.upkeep.held.set()
        verification._work.dirty.redo((BASE, "orders"), 1.0)
        outcome = prove(verification, pair)
        assert (outcome.verdict, outcome.found, len(outcome.differences)) == (Verdict.DIFFERENT, ROWS - 10, 7)
        with unlogged(pair.target) as session:
            session.run(f"UPDATE {BASE}.orders SET v = 1 WHERE id > 10")
        outcome = prove(verification, pair)
        assert (outcome.verdict, outcome.found) == (Verdict.IDENTICAL, 0)
