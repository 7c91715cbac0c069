"""Locking accounts and ending sessions, on real servers, by an account without SUPER."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from migration.fences import FenceBlocked, FenceDown
from migration.fences.accounts import AccountFence, Hold, held
from migration.fences.choose import fence_for
from providers.mysql.connection import Connection
from providers.mysql.errors import AccessDenied, ConnectionLost, PrivilegeMissing, ServerError, Unsupported
from providers.sandbox import passwords
from tests.migration.checks.lab import account, session
from tests.migration.fences.lab import GRANTS, SPARED, Place, anew, as_account, here, place, writing
from tests.migration.fences.slow import Slow
from tests.support.waiting import until

__all__ = ["here"]

ENGINES = ("mysql-5.6", "mysql-5.7", "mysql-9.7", "mariadb-10.11")
# How long a lost KILL is tried for.
HUSK_S = 5.0
COUNT = "SELECT COUNT(*) FROM shop.notes"
BOUND_S = 5.0
# How late a bound may be met on a machine at work.
LATE_S = 3.0


@pytest.fixture(scope="module", params=ENGINES)
def standing(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with place(request.param, tmp_path_factory.mktemp("fence")) as found:
        yield found


@contextlib.contextmanager
def fence(at: Place, kill: str = "") -> Iterator[AccountFence]:
    made = AccountFence(at.m, at.server, kill_statement=kill or at.kill, spared=SPARED)
    try:
        yield made
    finally:
        made.release()
        made.close()


def accounts(at: Place) -> list[str]:
    """All accounts, with everything the server knows of them."""
    table = "global_priv" if at.server.version.mariadb else "user"
    rows = at.admin.rows(f"SELECT * FROM mysql.{table} ORDER BY user, host")
    # MariaDB writes down the lock that is none, where nothing means the same.
    return sorted(str(row).replace(',"account_locked":false', "") for row in rows)


def lockable(at: Place) -> bool:
    return at.engine != "mysql-5.6"


def test_no_write_gets_in_behind_the_fence_and_all_do_after_it(here: Place) -> None:
    before = accounts(here)
    with (
        writing(here.admin.endpoint) as one,
        writing(here.admin.endpoint, 2) as two,
        session(here.admin, passwords.load().application) as undecided,
        fence(here) as raised,
    ):
        undecided.run("BEGIN")
        undecided.run("INSERT INTO shop.notes VALUES (7, 7)")
        (count,) = raised.raise_((COUNT,), BOUND_S)
        end = here.m.end_position(here.server)
        with pytest.raises(ConnectionLost):
            undecided.run("COMMIT")
        one.is_kept_out()
        two.is_kept_out()
        assert set(one.refused[-5:]) <= {3118, 4151, 1045}
        (proved,) = raised.prove((COUNT,))
        assert proved == count == here.admin.rows(COUNT)
        assert here.m.end_position(here.server) == end
        assert 7 not in here.rows()
        here.nothing_lost(one, two)
        raised.release()
        one.writes()
        two.writes()
        with pytest.raises(FenceDown):
            raised.prove(())
        raised.release()
    assert accounts(here) == before
    assert held(here.m, here.server) == ()
    assert not any("IDENTIFIED" in sql or "*" in sql for sql in here.journaled())


def test_a_long_update_is_ended_and_leaves_nothing(here: Place) -> None:
    application = passwords.load().application
    here.admin.change("INSERT INTO shop.notes VALUES (1, 1), (2, 1)")
    with session(here.admin, application) as busy, fence(here) as raised:

        def run() -> None:
            with contextlib.suppress(ServerError):
                busy.run("UPDATE shop.notes SET writer = 5 + SLEEP(20)")

        runs = threading.Thread(target=run)
        runs.start()
        until(lambda: here.admin.rows("SHOW PROCESSLIST") and any(
            "SLEEP(20)" in str(row[7]) for row in here.admin.rows("SHOW FULL PROCESSLIST")
        ), "the update runs")  # fmt: skip
        began = time.monotonic()
        raised.raise_((), BOUND_S)
        assert time.monotonic() - began < BOUND_S
        assert here.admin.rows("SELECT DISTINCT writer FROM shop.notes") == ((1,),)
        runs.join(10)


def busy(client: Connection) -> None:
    """Ask without a pause, until the session is ended."""
    with contextlib.suppress(ServerError):
        while True:
            client.run("DO 0")


def listed(at: Place, number: int) -> bool:
    return any(int(row[0]) == number for row in at.admin.rows("SHOW PROCESSLIST"))


def husk(at: Place) -> int | None:
    """A session that was killed and that the server lists for ever; None where it lost none of them."""
    ends = time.monotonic() + HUSK_S
    while time.monotonic() < ends:
        with session(at.admin, passwords.load().application) as client:
            asks = threading.Thread(target=busy, args=(client,))
            asks.start()
            at.admin.change(f"KILL {client.thread_id}")
            asks.join()
        gone_by = time.monotonic() + 0.2
        while listed(at, client.thread_id):
            if time.monotonic() > gone_by:
                return client.thread_id
    return None


def test_a_session_that_only_looks_alive_is_not_waited_for(here: Place) -> None:
    # The others lost none in 600 times.
    number = husk(here) if here.engine == "mysql-5.7" else None
    if number is None:
        pytest.skip(f"{here.engine} lost no KILL")
    with writing(here.admin.endpoint) as writer, fence(here) as raised:
        raised.raise_((), BOUND_S)
        raised.prove(())
        writer.is_kept_out()
        assert listed(here, number)
        raised.release()
        writer.writes()


def test_another_process_releases_by_the_journal(here: Place) -> None:
    with writing(here.admin.endpoint) as writer:
        raised = AccountFence(here.m, here.server, kill_statement=here.kill, spared=SPARED)
        raised.raise_((), BOUND_S)
        raised.close()
        assert Hold("app", "%", held(here.m, here.server)[0].alias) in held(here.m, here.server)
        writer.is_kept_out()
        with contextlib.closing(fence_for(here.m, here.server)) as found:
            assert isinstance(found, AccountFence)
            found.release()
        writer.writes()
    assert held(here.m, here.server) == ()


def test_a_second_raising_keeps_what_the_first_took(here: Place) -> None:
    with writing(here.admin.endpoint) as writer, fence(here) as raised:
        raised.raise_((), BOUND_S)
        taken = held(here.m, here.server)
        with contextlib.closing(AccountFence(here.m, here.server, kill_statement=here.kill, spared=SPARED)) as again:
            again.raise_((), BOUND_S)
            again.prove(())
        assert held(here.m, here.server) == taken
        raised.release()
        writer.writes()


@pytest.mark.parametrize(("strange", "quoted"), [("o'Re`il\\ly", "`o'Re``il\\ly`@`%`"), ("", "''@'10.0.0.%'")])
def test_names_are_data_whatever_is_in_them(here: Place, strange: str, quoted: str) -> None:
    here.admin.change(f"CREATE USER {quoted} IDENTIFIED BY 'pw-of-a-test'")
    try:
        before = accounts(here)
        with fence(here) as raised:
            raised.raise_((), BOUND_S)
            assert any(hold.user == strange for hold in held(here.m, here.server))
        assert accounts(here) == before
    finally:
        here.admin.change(f"DROP USER {quoted}")


def test_an_account_that_cannot_be_locked_is_named_and_nothing_stays_changed(here: Place) -> None:
    if here.engine != "mysql-9.7":
        pytest.skip("this server knows no SYSTEM_USER")
    with (
        account(here.admin, "power", "SYSTEM_USER ON *.*"),
        writing(here.admin.endpoint) as writer,
        fence(here) as raised,
    ):
        before = accounts(here)
        with pytest.raises(PrivilegeMissing, match=r"`power`.*SYSTEM_USER"):
            raised.raise_((), BOUND_S)
        assert accounts(here) == before
        writer.writes()


def test_accounts_locked_before_stay_locked(here: Place) -> None:
    if not lockable(here):
        pytest.skip("this server has no account lock")
    with account(here.admin, "resting") as resting:
        here.admin.change("ALTER USER resting@'%' ACCOUNT LOCK")
        with fence(here) as raised:
            raised.raise_((), BOUND_S)
            assert all(hold.user != "resting" for hold in held(here.m, here.server))
        with pytest.raises(AccessDenied):
            as_account(here.admin, resting)


def test_who_logs_in_slowly_is_ended_where_it_began_before_the_fence_and_let_be_behind_it(here: Place) -> None:
    who = passwords.load().application
    with fence(here) as raised, Slow(here.admin.endpoint, who) as early:
        assert listed(here, early.id)
        raised.raise_((), BOUND_S)
        assert not listed(here, early.id)
        with Slow(here.admin.endpoint, who) as late:
            assert listed(here, late.id)
            raised.prove(())
        assert late.outcome is not None


def test_an_account_that_can_log_in_again_is_noticed(here: Place) -> None:
    with fence(here) as raised:
        raised.raise_((), BOUND_S)
        with account(here.admin, "newcomer"), pytest.raises(FenceDown, match="newcomer@%"):
            raised.prove(())
        raised.prove(())
        with session(here.admin, here.server.endpoint.account):
            raised.prove(())


def test_a_session_that_slipped_in_is_noticed_though_its_account_is_locked(here: Place) -> None:
    with fence(here) as raised:
        raised.raise_((), BOUND_S)
        (hold,) = (one for one in held(here.m, here.server) if one.user == "app")
        here.admin.change(hold.undo)
        with session(here.admin, passwords.load().application):
            here.admin.change(hold.do)
            with pytest.raises(FenceDown, match=r"client on source behind the fence: session [0-9]+ of app@"):
                raised.prove(())


def test_sessions_that_do_not_end_are_named_and_everything_is_let_go(here: Place) -> None:
    before = accounts(here)
    with writing(here.admin.endpoint) as writer, fence(here, kill="DO %s") as raised:
        began = time.monotonic()
        with pytest.raises(FenceBlocked, match=r"session [0-9]+ of app@"):
            raised.raise_((), 0.3)
        assert time.monotonic() - began < 0.3 + LATE_S
        assert accounts(here) == before
        writer.writes()
    assert held(here.m, here.server) == ()


def test_a_lock_on_the_account_tables_is_not_waited_for(here: Place) -> None:
    before = accounts(here)
    with writing(here.admin.endpoint) as writer, session(here.admin) as backup, fence(here) as raised:
        backup.run("FLUSH TABLES WITH READ LOCK")
        began = time.monotonic()
        with pytest.raises(FenceBlocked, match="READ LOCK"):
            raised.raise_((), 0.3)
        assert time.monotonic() - began < 0.3 + LATE_S
        backup.run("UNLOCK TABLES")
        writer.writes()
        assert accounts(here) == before


def test_a_raising_left_behind_is_ended_by_the_release(here: Place) -> None:
    """Its client may be dead: the server would lock the account long after."""
    before = accounts(here)
    with fence(here) as raised:
        raised.raise_((), BOUND_S)
        (hold,) = (one for one in held(here.m, here.server) if one.user == "app")
    with session(here.admin) as backup, session(here.server) as left:
        here.m.scribe.statement(here.server.name, "fence", hold.do, left.thread_id)
        backup.run("FLUSH TABLES WITH READ LOCK")
        ended: list[Exception] = []

        def wait() -> None:
            try:
                left.run("SET SESSION lock_wait_timeout = 60")
                left.run(hold.do)
            except ServerError as error:
                ended.append(error)

        waits = threading.Thread(target=wait)
        waits.start()
        until(lambda: any(row[7] == hold.do for row in here.admin.rows("SHOW FULL PROCESSLIST")), "it waits")
        with contextlib.closing(AccountFence(here.m, here.server, kill_statement=here.kill)) as another:
            another.release()
        waits.join(10)
        assert ended
        backup.run("UNLOCK TABLES")
    assert accounts(here) == before


def without(engine: str, *words: str) -> tuple[str, ...]:
    grants = GRANTS[engine]
    for word in words:
        grants = tuple(grant.replace(f"{word}, ", "").replace(f", {word}", "") for grant in grants)
    return grants


@pytest.mark.parametrize("lacking", [("CONNECTION_ADMIN", "CONNECTION ADMIN"), ("PROCESS",)])
def test_without_the_privilege_nothing_stays_changed(here: Place, lacking: tuple[str, ...], tmp_path: Path) -> None:
    before = accounts(here)
    (tmp_path / "weak").mkdir()
    with (
        writing(here.admin.endpoint) as writer,
        account(here.admin, "weak", *without(here.engine, *lacking)) as weak,
        contextlib.closing(as_account(here.admin, weak)) as server,
    ):
        at = anew(here, server, tmp_path / "weak")
        raised = AccountFence(at.m, server, spared=SPARED | {"keeper"})
        with contextlib.closing(raised), pytest.raises(PrivilegeMissing, match=r"(?i)connection.admin|PROCESS"):
            raised.raise_((), BOUND_S)
        writer.writes()
        assert held(at.m, server) == ()
        assert bool(at.journaled()) is (lacking != ("PROCESS",))
    assert accounts(here) == before


def test_scheduled_events_are_in_the_way(here: Place) -> None:
    here.admin.change("CREATE EVENT shop.`nightly` ON SCHEDULE EVERY 1 DAY DO DELETE FROM shop.notes")
    was = here.admin.variable("event_scheduler")
    try:
        here.admin.change("SET GLOBAL event_scheduler = ON")
        with writing(here.admin.endpoint) as writer, fence(here) as raised:
            with pytest.raises(Unsupported, match=r"`shop`.`nightly`"):
                raised.raise_((), BOUND_S)
            writer.writes()
            here.admin.change("SET GLOBAL event_scheduler = OFF")
            raised.raise_((), BOUND_S)
    finally:
        here.admin.change("DROP EVENT shop.`nightly`")
        here.admin.change(f"SET GLOBAL event_scheduler = {was}")
