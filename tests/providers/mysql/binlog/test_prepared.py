"""Where a tail has to begin that does not know the XA transactions which an earlier one saw being prepared."""

from __future__ import annotations

from providers.mysql.binlog.batch import Batch
from providers.mysql.binlog.marks import Start
from providers.mysql.binlog.prepared import Prepared
from providers.mysql.gtid import GtidSet

UUID = "11111111-2222-3333-4444-555555555555"
SOURCE = bytes.fromhex(UUID.replace("-", ""))


def test_by_file_before_the_first_of_them_in_the_log() -> None:
    prepared, place = Prepared(), Start("binlog.000009", 400, "uid", born=7)
    assert prepared.held_back(place) == place
    # A file may be far longer than others.
    for number, (file, offset) in enumerate((("binlog.000008", 120), ("binlog.000007", 5 << 30))):
        prepared.put((number, b"", b""), Batch(), None, file, offset)
    assert prepared.held_back(place) == Start("binlog.000007", 5 << 30, "uid")


def test_by_gtid_without_each_of_them() -> None:
    prepared = Prepared()
    place = Start("binlog.000009", 400, "uid", GtidSet.parse(f"{UUID}:1-9"), born=7)
    for number in (4, 6):
        prepared.put((number, b"", b""), Batch(), (SOURCE, number), "binlog.000009", 200)
    assert str(prepared.held_back(place).gtids) == f"{UUID}:1-3:5:7-9"
    prepared.pop((4, b"", b""))
    assert str(prepared.held_back(place).gtids) == f"{UUID}:1-5:7-9"
