"""The row of our own: written by an account that a read-only server refuses, and only where it was chosen."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from dataclasses import replace

from migration.aliyun import choices, clone, heartbeat
from migration.aliyun.account import of
from migration.aliyun.follow import ProvidersWord
from migration.aliyun.heartbeat import OwnRow, RowReading
from migration.aliyun.state import look
from migration.heartbeat import DATABASE
from migration.model import Outcome
from providers.aliyun import polardb
from providers.aliyun.polardb_records import MigrationStatus as Status
from providers.mysql.server import Server
from providers.sandbox.aliyun_api.servers import PRIVILEGED
from tests.migration.aliyun.tenant import Rent, Tenant
from tests.migration.checks.lab import account
from tests.support.waiting import until

CUSTOMER = f"{', '.join(PRIVILEGED)} ON *.*"


@contextlib.contextmanager
def as_customer(one: Tenant, *grants: str) -> Iterator[Tenant]:
    """The tenant with an account that has what the cloud gives to its customers, on both sides once there are two."""
    with account(one.m.source, "keeper", *grants) as keeper:
        server = Server(replace(one.m.source.endpoint, account=keeper))
        one.ending.callback(server.close)
        one.m = replace(one.m, source=server)
        try:
            yield one
        finally:
            one.simulator.cloud.databases.ask(None, f"DROP DATABASE IF EXISTS {DATABASE}")


def same_account_there(one: Tenant) -> None:
    other = one.m.target
    server = Server(replace(other.endpoint, account=one.m.source.endpoint.account))
    one.ending.callback(server.close)
    one.m = replace(one.m, other=server)


def count(server: Server) -> int:
    return int(server.value(f"SELECT n FROM {DATABASE}.beat"))


def test_nothing_is_written_unless_it_was_chosen(tenant: Rent) -> None:
    one = tenant()
    assert choices.HEARTBEAT.options is not None
    assert [option.value for option in choices.HEARTBEAT.options(one.m)] == [heartbeat.OFF, heartbeat.ON]
    assert heartbeat.probe(one.m).outcome is Outcome.DONE
    assert heartbeat.statements(one.m)[0].startswith("nothing: ")
    one.following()
    with contextlib.closing(OwnRow(one.m)) as row:
        assert row.look(True) is None
    sample = until(lambda: (found := ProvidersWord(one.m).lag(True)) and found, "a reading")
    assert (sample.behind, sample.unit, sample.reason) == (None, "", "")
    heartbeat.undo(one.m)
    assert heartbeat.GONE.probe(one.m).outcome is Outcome.DONE
    assert DATABASE not in one.m.source.databases()
    one.chose(choices.CREATION, clone.CLONE)
    assert choices.HEARTBEAT.options(one.m) == ()


def test_an_account_that_read_only_would_not_stop_writes_none_and_it_is_said(tenant: Rent) -> None:
    one = tenant()
    one.chose(choices.HEARTBEAT, heartbeat.ON)
    # The tests' own administrator has SUPER.
    assert heartbeat.probe(one.m).outcome is Outcome.NOT_DONE
    heartbeat.apply(one.m)
    assert DATABASE not in one.m.source.databases()
    (told,) = [note for note in one.notes() if note.startswith("no heartbeat is written")]
    assert "has SUPER" in told
    assert heartbeat.probe(one.m).outcome is Outcome.DONE
    one.following()
    with contextlib.closing(ProvidersWord(one.m)) as word:
        sample = word.lag(True)
        assert sample is not None
        assert (sample.lag_s is not None, sample.behind) == (True, None)
        assert sample.reason == "our own row is unknown, since none is written"


def test_an_account_that_may_not_make_a_database_goes_without(tenant: Rent) -> None:
    with as_customer(tenant(), "SELECT, INSERT, UPDATE ON shop.*") as one:
        one.chose(choices.HEARTBEAT, heartbeat.ON)
        heartbeat.apply(one.m)
        assert heartbeat.probe(one.m).outcome is Outcome.DONE
        (told,) = [note for note in one.notes() if note.startswith("no heartbeat is written")]
        assert "Access denied" in told


def test_the_row_is_read_beside_the_providers_word_in_both_directions_and_taken_away(tenant: Rent) -> None:
    with as_customer(tenant(), CUSTOMER) as one:
        one.chose(choices.HEARTBEAT, heartbeat.ON)
        heartbeat.apply(one.m)
        assert heartbeat.probe(one.m).outcome is Outcome.DONE
        cluster, source = one.following(), one.m.source
        same_account_there(one)
        with contextlib.closing(ProvidersWord(one.m)) as word:
            sample = until(
                lambda: (found := word.lag(True)) and found.behind == 0 and found, "a row that has arrived", 30
            )
            assert (sample.unit, sample.lag_s is not None) == ("beats", True)
            assert sample.reason.startswith("our own row is 0.0 s behind")
            until(lambda: word.lag(True) and count(source) >= 3, "more beats", 30)
            # Once the cluster has the writes, and not before, the row is counted up there and flows back.
            of(one.m).send(polardb.switch_over(cluster, one.simulator.cloud.instance_id))
            until(lambda: look(one.m).status == Status.SWITCHED, "the switch", 30)
            before = count(one.m.target)
            sample = until(
                lambda: (found := word.lag(False)) and found.behind == 0 and found, "a row that has come back", 30
            )
            assert sample.reason.startswith("our own row is 0.0 s behind")
            assert count(one.m.target) > before
        assert heartbeat.GONE.probe(one.m).outcome is Outcome.NOT_DONE
        of(one.m).send(polardb.close_migration(cluster))
        until(lambda: look(one.m).status == Status.NONE, "the end", 30)
        # A side that refuses is named, and nobody waits for it.
        databases = one.simulator.cloud.databases
        databases.ask(None, "SET GLOBAL read_only = ON")
        heartbeat.GONE_BACK.apply(one.m)
        databases.ask(None, "SET GLOBAL read_only = OFF")
        assert [DATABASE in server.databases() for server in one.m.servers] == [True, False]
        assert heartbeat.GONE_BACK.probe(one.m).outcome is Outcome.DONE
        assert any(note.startswith(f"{DATABASE} stays on {source.name}, drop it yourself") for note in one.notes())
        assert heartbeat.GONE.probe(one.m).outcome is Outcome.NOT_DONE
        heartbeat.GONE.apply(one.m)
        assert heartbeat.GONE.probe(one.m).outcome is Outcome.DONE
        assert [DATABASE in server.databases() for server in one.m.servers] == [False, False]


def test_a_row_that_stands_still_is_told_with_its_age_and_a_silent_side_is_unknown(tenant: Rent) -> None:
    with as_customer(tenant(), CUSTOMER) as one:
        one.chose(choices.HEARTBEAT, heartbeat.ON)
        heartbeat.apply(one.m)
        one.following()
        same_account_there(one)
        databases = one.simulator.cloud.databases
        cluster = one.m.spec.target.name
        with contextlib.closing(OwnRow(one.m)) as row:
            until(lambda: (found := row.look(True)) and found.behind == 0, "a row that has arrived", 30)
            databases.ask(cluster, "STOP SLAVE SQL_THREAD")
            stopped = time.monotonic()
            found: RowReading | None = until(
                lambda: (seen := row.look(True)) and (seen.behind or 0) >= 2 and seen, "a row that falls behind", 30
            )
            assert found is not None
            age = float(found.words.removeprefix("our own row is ").partition(" ")[0])
            assert 1.0 <= age <= time.monotonic() - stopped + 2.0
            databases.ask(cluster, "START SLAVE SQL_THREAD")
            until(lambda: (seen := row.look(True)) and seen.behind == 0, "a row that has arrived", 30)
            # The side with the writes is closed: nothing can be counted up, and nothing is known.
            databases.ask(None, "SET GLOBAL read_only = ON")
            try:
                seen = until(
                    lambda: (seen := row.look(True)) and seen.words.startswith("our own row is unknown: ") and seen,
                    "an unknown row", 30,
                )  # fmt: skip
                assert "read-only" in seen.words
                was = count(one.m.source)
                until(lambda: row.look(True) is not seen, "another try")
                assert count(one.m.source) == was
            finally:
                databases.ask(None, "SET GLOBAL read_only = OFF")
