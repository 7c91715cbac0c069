"""What a verification keeps on disk, whatever end its process came to."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from migration.journal import JournalError
from migration.verify.chunks import Done, Span, from_json, to_json
from migration.verify.journal import About, Places, Progress, Stretch, read
from migration.verify.model import Table
from providers.mysql.binlog.marks import Start
from providers.mysql.gtid import GtidSet

ABOUT = About("uid-a", "uid-b", "what")
T: Table = ("shop", "orders")
U: Table = ("shop", "it`ems \u00e9")
PLACES = Places(
    Start("binlog.000001", 4, "uid-a", GtidSet.parse("aaaa:1-7:9"), 17), Start("mysql-bin.000009", 1234, "uid-b")
)
LATER = Places(Start("binlog.000002", 99, "uid-a"), None)
KEY = (b"\x01\0\0\0", b"\xff")


def span(low: int, high: int, *differing: tuple[bytes, ...]) -> Stretch:
    return Stretch(to_json(Span(low, high)), high - low + 1, 100, differing)


def write(path: Path, going_on: bool = False) -> Progress:
    return Progress(path, ABOUT, PLACES, going_on)


def test_what_was_written_is_read(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "rows"
    progress = write(path)
    progress.table(T, "one")
    progress.table(U, "two")
    progress.read(T, span(1, 10))
    progress.read(T, span(11, 20, KEY))
    progress.read(U, Stretch([], 3, 50, (), 0.5))
    progress.close()

    kept = read(path, ABOUT)
    assert kept is not None
    assert kept.places == PLACES
    assert [from_json(one.range) for one in kept.of(T, "one")] == [Span(1, 10), Span(11, 20)]
    assert [one.differing for one in kept.of(T, "one")] == [(), (KEY,)]
    assert kept.of(U, "two") == (Stretch([], 3, 50, (), 0.5),)
    assert kept.of(T, "another shape") == ()


def test_stretches_that_follow_each_other_are_remembered_as_one(tmp_path: Path) -> None:
    path = tmp_path / "rows"
    progress = write(path)
    progress.tables({T: "one", U: "two"})
    # Two workers: now the one is faster, now the other.
    numbers = [number ^ 1 for number in range(4_000)]
    for number in numbers:
        progress.read(T, span(10 * number, 10 * number + 9))
        ends = [None if at in (0, 4_000) else [f"{at:08x}"] for at in (number, number + 1)]
        progress.read(U, Stretch(ends, 1, 7, (), 0.25 * (number == 5)))
    progress.read(T, span(40_000, 40_009, KEY))
    progress.read(T, span(40_010, 40_019))
    progress.close()
    tracemalloc.start()
    try:
        kept = read(path, ABOUT)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert kept is not None
    whole = Stretch([0, 39_999], 40_000, 400_000)
    assert kept.of(T, "one") == (whole, span(40_000, 40_009, KEY), span(40_010, 40_019))
    assert kept.of(U, "two") == (Stretch([None, None], 4_000, 28_000, (), 0.25),)
    assert Done(from_json(one.range) for one in kept.of(U, "two")).stretched() == (None, True)
    # What is kept is far less than the file.
    assert peak < path.stat().st_size // 3


def test_nothing_or_something_else_is_begun_anew(tmp_path: Path) -> None:
    path = tmp_path / "rows"
    assert read(path, ABOUT) is None
    path.write_bytes(b"")
    assert read(path, ABOUT) is None
    write(path).close()
    assert read(path, ABOUT) is not None
    for other in (About("x", "uid-b", "what"), About("uid-a", "x", "what"), About("uid-a", "uid-b", "x")):
        assert read(path, other) is None


@pytest.mark.parametrize("body", [b"hello\n", b"[]\n", b'{"is": "created"}\n', b'{"is":"begun","format":99}\n'])
def test_another_file_is_not_touched(tmp_path: Path, body: bytes) -> None:
    path = tmp_path / "mine.txt"
    path.write_bytes(body)
    with pytest.raises(JournalError, match="name another file"):
        read(path, ABOUT)
    assert path.read_bytes() == body


def test_newer_places_and_shapes_count(tmp_path: Path) -> None:
    path = tmp_path / "rows"
    progress = write(path)
    progress.table(T, "one")
    progress.read(T, span(1, 10))
    progress.reached(LATER, {T: [KEY]})
    progress.table(T, "altered")
    progress.read(T, span(5, 6))
    progress.close()
    kept = read(path, ABOUT)
    assert kept is not None
    assert (kept.places, kept.differing) == (LATER, {T: {KEY}})
    assert (kept.of(T, "one"), kept.of(T, "altered")) == ((), (span(5, 6),))


def test_a_table_that_is_read_again_starts_from_nothing(tmp_path: Path) -> None:
    path = tmp_path / "rows"
    progress = write(path)
    progress.table(T, "one")
    progress.read(T, span(1, 10))
    progress.again(T)
    progress.read(T, span(11, 12))
    progress.close()
    kept = read(path, ABOUT)
    assert kept is not None
    assert kept.of(T, "one") == (span(11, 12),)


def test_what_needs_a_log_that_is_gone_is_nothing_to_go_on_from(tmp_path: Path) -> None:
    path = tmp_path / "rows"
    progress = write(path)
    progress.table(T, "one")
    progress.read(T, span(1, 10))
    progress.void()
    progress.close()
    assert read(path, ABOUT) is None


def test_it_goes_on_behind_what_it_has(tmp_path: Path) -> None:
    path = tmp_path / "rows"
    for low in (1, 11):
        progress = write(path, going_on=low > 1)
        progress.table(T, "one")
        progress.read(T, span(low, low + 9))
        progress.close()
    kept = read(path, ABOUT)
    assert kept is not None
    assert [from_json(one.range) for one in kept.of(T, "one")] == [Span(1, 20)]
    write(path).close()
    kept = read(path, ABOUT)
    assert kept is not None
    assert kept.of(T, "one") == ()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_wherever_the_file_was_torn_off_it_is_believed_up_to_there_and_goes_on(
    tmp_path: Path, data: st.DataObject
) -> None:
    path = tmp_path / "rows"
    progress = write(path)
    first = path.stat().st_size
    progress.table(T, "one")
    for low in range(1, 50, 10):
        progress.read(T, span(low, low + 9, KEY))
    progress.close()
    whole = path.read_bytes()
    cut = data.draw(st.integers(first, len(whole)))
    path.write_bytes(whole[:cut])

    kept = read(path, ABOUT)
    assert kept is not None
    before = kept.of(T, "one")
    assert [one.range for one in before] == [[low, low + 9] for low in range(1, 50, 10)][: len(before)]
    assert len(before) == max(0, whole[:cut].count(b"\n") - 2)

    progress = write(path, going_on=True)
    progress.table(T, "one")
    progress.read(T, span(100, 200))
    progress.close()
    kept = read(path, ABOUT)
    assert kept is not None
    assert kept.of(T, "one") == (*before, span(100, 200))


def test_a_file_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(JournalError, match="cannot be written"):
        write(tmp_path / "file" / "rows")
    with pytest.raises(JournalError, match="cannot be read"):
        read(tmp_path, ABOUT)
