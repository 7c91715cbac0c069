"""Places, the ids that name them, and the names by which servers are reached."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from providers.azure import classic, flexible, single
from providers.azure.places import Place, place_of
from providers.azure.records import stamp, when
from providers.calling.answer import Answer

HERE = Place("ffffffff-ffff-ffff-ffff-ffffffffffff", "testrg", "one")


def test_ids_name_places() -> None:
    for made in (flexible.resource_id(HERE), single.resource_id(HERE), flexible.resource_id(HERE) + "/"):
        assert place_of(made) == HERE
    wanted = "/subscriptions/ffffffff-ffff-ffff-ffff-ffffffffffff/resourceGroups/testrg/providers/Microsoft.DBforMySQL"
    assert flexible.resource_id(HERE) == f"{wanted}/flexibleServers/one"
    assert place_of(f"{wanted}/servers/one".upper()) == Place(HERE.subscription_id.upper(), "TESTRG", "ONE")
    for bad in ("", "one", wanted, f"{wanted}/servers/one/databases/two", f"x{wanted}/servers/one"):
        assert place_of(bad) is None


def test_logins_and_hosts() -> None:
    assert single.login(HERE, "boss") == "boss@one"
    assert classic.login(HERE, "boss") == "one%boss"
    assert classic.host(HERE) == "one.mysqldb.chinacloudapi.cn"


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2020-12-30T06:24:56.7384007+00:00", datetime(2020, 12, 30, 6, 24, 56, 738400, UTC)),
        ("2017-11-03T02:14:54.2458282-07:00", datetime(2017, 11, 3, 9, 14, 54, 245828, UTC)),
        ("2020-12-30T06:09:40.487Z", datetime(2020, 12, 30, 6, 9, 40, 487000, UTC)),
        ("2016-05-06T08:00:00", datetime(2016, 5, 6, 8, 0, 0, 0, UTC)),
        ("yesterday", None),
        ("", None),
    ],
)
def test_times_are_read_as_they_are_written(text: str, moment: datetime | None) -> None:
    assert when(Answer({"at": text}), "at") == moment


def test_times_are_written_in_utc() -> None:
    assert stamp(datetime(2021, 6, 24, 8, 0, 37, 467999, timezone(timedelta(hours=8)))) == "2021-06-24T00:00:37.467Z"
