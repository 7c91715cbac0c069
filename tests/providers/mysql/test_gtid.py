"""GTID arithmetic against brute-force sets of single transactions."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.mysql.gtid import GtidSet, MariaGtid
from providers.mysql.position import FilePosition, within

Brute = set[tuple[str, int]]

UUIDS = [
    "3e11fa47-71ca-11e1-9e33-c80aa9429562",
    "3e11fa47-71ca-11e1-9e33-c80aa9429563",
    "3e11fa47-71ca-11e1-9e33-c80aa9429562:tag_a",
]
brute_sets = st.sets(st.tuples(st.sampled_from(UUIDS), st.integers(1, 14)))
positions = st.dictionaries(st.integers(0, 3), st.tuples(st.integers(1, 3), st.integers(1, 20)))


def text_of(brute: Brute, spell: st.DataObject) -> str:
    """One of the many ways to write a set: any order, ranges split anywhere, any white space, upper case."""
    parts = []
    for source, number in spell.draw(st.permutations(sorted(brute))):
        longest = max(n for n in range(number, 16) if _all_in(brute, source, number, n))
        last = spell.draw(st.integers(number, longest))
        shown = source.upper() if ":" not in source and spell.draw(st.booleans()) else source
        parts.append(f"{shown}:{number}-{last}" if last > number or spell.draw(st.booleans()) else f"{shown}:{number}")
    return spell.draw(st.sampled_from([",", ", ", ",\n"])).join(parts)


def _all_in(brute: Brute, source: str, first: int, last: int) -> bool:
    return all((source, number) in brute for number in range(first, last + 1))


def brute_of(gtids: GtidSet) -> Brute:
    return {(s, n) for s, spans in gtids.intervals.items() for first, last in spans for n in range(first, last + 1)}


def make(brute: Brute) -> GtidSet:
    return GtidSet.parse(",".join(f"{source}:{number}" for source, number in brute))


@given(brute=brute_sets, spell=st.data())
def test_reads_every_spelling(brute: Brute, spell: st.DataObject) -> None:
    assert brute_of(GtidSet.parse(text_of(brute, spell))) == brute


@given(brute=brute_sets)
def test_writes_what_it_reads(brute: Brute) -> None:
    gtids = make(brute)
    assert GtidSet.parse(str(gtids)) == gtids
    assert str(GtidSet.parse(str(gtids))) == str(gtids)


@given(brute=brute_sets)
def test_has_no_two_spans_that_touch(brute: Brute) -> None:
    for spans in make(brute).intervals.values():
        assert all(left[1] + 1 < right[0] for left, right in itertools.pairwise(spans))


@given(left=brute_sets, right=brute_sets)
def test_set_arithmetic(left: Brute, right: Brute) -> None:
    mine, other = make(left), make(right)
    assert mine.count() == len(left)
    assert brute_of(mine.minus(other)) == left - right
    assert mine.minus(other).count() == len(left - right)
    assert mine.within(other) == (left <= right)
    assert within(mine, other) == (left <= right)


@given(brute=brute_sets)
def test_the_part_of_one_server_includes_its_tags(brute: Brute) -> None:
    own = {(source, number) for source, number in brute if source.startswith(UUIDS[0])}
    assert brute_of(make(brute).of_source(UUIDS[0].upper())) == own


def test_several_spans_and_tags_after_one_uuid() -> None:
    gtids = GtidSet.parse(f"{UUIDS[0]}:1-3:7:9-9:tag_b:1-2:5,\n{UUIDS[1]}:4")
    assert gtids.intervals == {
        UUIDS[0]: ((1, 3), (7, 7), (9, 9)),
        f"{UUIDS[0]}:tag_b": ((1, 2), (5, 5)),
        UUIDS[1]: ((4, 4),),
    }


@pytest.mark.parametrize("text", ["", " ", "\n", ","])
def test_the_empty_set(text: str) -> None:
    assert GtidSet.parse(text).count() == 0
    assert GtidSet.parse(text).within(GtidSet())


@pytest.mark.parametrize("text", ["x", "3e11fa47-71ca-11e1-9e33-c80aa9429562", "3e11:1-x", "0-1-5"])
def test_what_is_no_gtid_set_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"not a GTID|invalid literal|unpack"):
        GtidSet.parse(text)


@given(left=positions, right=positions)
def test_mariadb_orders_by_the_sequence_in_each_domain(
    left: dict[int, tuple[int, int]], right: dict[int, tuple[int, int]]
) -> None:
    mine, other = MariaGtid(left), MariaGtid(right)
    have = {(domain, n) for domain, (_, last) in left.items() for n in range(1, last + 1)}
    want = {(domain, n) for domain, (_, last) in right.items() for n in range(1, last + 1)}
    assert mine.count() == len(have)
    assert mine.within(other) == (have <= want)
    assert mine.behind(other) == len(want - have)
    assert within(mine, other) == (have <= want)


@given(position=positions)
def test_mariadb_writes_what_it_reads(position: dict[int, tuple[int, int]]) -> None:
    assert MariaGtid.parse(str(MariaGtid(position))) == MariaGtid(position)


def test_mariadb_takes_the_last_of_a_domain_written_by_two_servers() -> None:
    assert MariaGtid.parse("0-1-9, 0-2-12,1-1-3").domains == {0: (2, 12), 1: (1, 3)}


@pytest.mark.parametrize("text", ["x", "0-1", "0-1-2-3", "3e11fa47-71ca-11e1-9e33-c80aa9429562:1"])
def test_what_is_no_mariadb_position_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"not a GTID|invalid literal|unpack"):
        MariaGtid.parse(text)


@given(
    left=st.tuples(st.integers(1, 1_500_000), st.integers(4, 1 << 30)),
    right=st.tuples(st.integers(1, 1_500_000), st.integers(4, 1 << 30)),
)
def test_file_positions_order_by_number_then_offset(left: tuple[int, int], right: tuple[int, int]) -> None:
    mine, other = (FilePosition(f"binlog.{number:06d}", offset) for number, offset in (left, right))
    assert mine.within(other) == (left <= right)
    assert within(mine, other) == (left <= right)
    assert (mine.count() <= other.count()) == (left <= right)


def test_notations_do_not_mix() -> None:
    for other in (MariaGtid(), FilePosition("binlog.000001", 4)):
        with pytest.raises(TypeError):
            within(GtidSet(), other)
