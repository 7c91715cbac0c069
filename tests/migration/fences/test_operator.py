"""The operator says that the applications are stopped; the servers say whether that is so."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from migration import events
from migration.fences import FenceBlocked, FenceDown
from migration.fences.operator import OperatorFence
from providers.sandbox import passwords
from tests.migration.checks.lab import account, session
from tests.migration.fences.lab import Place, anew, here, place, writing
from tests.support.waiting import until

__all__ = ["here"]

COUNT = "SELECT COUNT(*) FROM shop.notes"
STILL_S = 0.3
NO_BOUND = 0.0


@pytest.fixture(scope="module", params=["mysql-5.6", "mysql-9.7", "mariadb-10.11"])
def standing(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with place(request.param, tmp_path_factory.mktemp("fence")) as found:
        yield found


@contextlib.contextmanager
def fence(at: Place, *ignored: str, still_s: float = STILL_S) -> Iterator[OperatorFence]:
    with contextlib.closing(OperatorFence(at.m, at.server, still_s=still_s, ignored=frozenset(ignored))) as made:
        yield made


def test_a_quiet_server_is_proved_quiet_and_not_touched(here: Place) -> None:
    with session(here.admin, passwords.load().application) as idle, fence(here) as raised:
        idle.run("SELECT 1")
        before = here.m.end_position(here.server)
        assert raised.raise_((COUNT,), NO_BOUND) == (((0,),),)
        assert raised.prove((COUNT,)) == (((0,),),)
        raised.release()
        raised.release()
        assert here.m.end_position(here.server) == before
        assert not here.server.read_only().clients
        assert any("nothing to lift" in str(record.body) for record in here.m.scribe.journal.records())


def test_a_writer_is_named(here: Place) -> None:
    with writing(here.admin.endpoint), fence(here) as raised, pytest.raises(FenceBlocked, match=r"of app@127\.0\.0\.1"):
        raised.raise_((), NO_BOUND)


def test_a_writer_that_comes_back_is_noticed(here: Place) -> None:
    with fence(here) as raised:
        raised.raise_((), NO_BOUND)
        raised.prove(())
        with writing(here.admin.endpoint), pytest.raises(FenceDown, match=r"of app@127\.0\.0\.1"):
            raised.prove(())
        with pytest.raises(FenceDown, match="its binary log grows"):
            raised.prove(())
        raised.raise_((), NO_BOUND)
        raised.prove(())


def test_an_open_transaction_is_named_though_nothing_moves(here: Place) -> None:
    with session(here.admin, passwords.load().application) as undecided, fence(here) as raised:
        undecided.run("BEGIN")
        undecided.run("INSERT INTO shop.notes VALUES (1, 1)")
        with pytest.raises(FenceBlocked, match="in a transaction"):
            raised.raise_((), NO_BOUND)
        undecided.run("ROLLBACK")
        raised.raise_((), NO_BOUND)


def test_a_heartbeat_is_waited_for_where_its_user_is_ignored(here: Place) -> None:
    with (
        account(here.admin, "heart", "INSERT ON shop.*") as heart,
        session(here.admin, heart) as beats,
        fence(here, "heart", passwords.ADMINISTRATOR) as raised,
        fence(here) as strict,
    ):
        raised.raise_((), NO_BOUND)
        strict.raise_((), NO_BOUND)
        beats.run("INSERT INTO shop.notes VALUES (1, 1)")
        assert raised.prove((COUNT,)) == (((1,),),)
        with pytest.raises(FenceDown, match="of heart@"):
            strict.prove(())
        with session(here.admin, passwords.load().application) as client:
            client.run("INSERT INTO shop.notes VALUES (2, 1)")
            with pytest.raises(FenceDown, match="of app@"):
                raised.prove(())


def test_ignoring_has_an_end(here: Place) -> None:
    with writing(here.admin.endpoint) as writer, fence(here, "app", still_s=0.1) as raised:
        with pytest.raises(FenceBlocked, match="its binary log grows"):
            raised.raise_((), NO_BOUND)
        until(lambda: writer.acknowledged, "it wrote all the time")


def test_a_scheduler_that_was_stopped_for_the_switch_runs_again(here: Place, tmp_path: Path) -> None:
    (tmp_path / "strong").mkdir()
    at = anew(here, here.admin, tmp_path / "strong")
    was = here.admin.variable("event_scheduler")
    here.admin.change("CREATE EVENT shop.nightly ON SCHEDULE EVERY 1 DAY DO DELETE FROM shop.notes")
    try:
        here.admin.change("SET GLOBAL event_scheduler = ON")
        with fence(at) as raised:
            events.pause(at.m, at.server)
            raised.raise_((), NO_BOUND)
            raised.release()
        assert here.admin.variable("event_scheduler") == "ON"
    finally:
        here.admin.change("DROP EVENT shop.nightly")
        here.admin.change(f"SET GLOBAL event_scheduler = {was}")
