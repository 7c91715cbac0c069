"""Locks and the binary log: what one server's fence must not do to the other."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from migration.fences.accounts import AccountFence, held
from migration.runbook import Migration
from providers.mysql.errors import Unsupported
from providers.mysql.gtid import GtidSet
from providers.mysql.position import Position
from providers.mysql.server import Server
from tests.migration.checks.lab import account
from tests.migration.fences.lab import GRANTS, KILLS, SHOP, SPARED, Writer, as_account, migration, writing
from tests.support.pairs import Two, two

BOUND_S = 5.0
# A server before MySQL 8.0 asks for SUPER to keep statements out of its log; this program is told to use accounts.
UNLOGGED = {
    "mysql-5.6": (*GRANTS["mysql-5.6"], "SUPER ON *.*"),
    "mysql-5.7": (*GRANTS["mysql-5.7"], "SUPER ON *.*"),
    "mysql-9.7": GRANTS["mysql-9.7"],
    "mariadb-10.11": GRANTS["mariadb-10.11"],
}
PAIRS = (("mysql-5.6", "mysql-5.7"), ("mysql-9.7", "mysql-9.7"), ("mariadb-10.11", "mariadb-10.11"))


@pytest.fixture(scope="module", params=PAIRS, ids=lambda pair: "-to-".join(pair))
def attached(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Two]]:
    source, target = request.param
    kind: type[Position] = GtidSet
    with two(source, target, tmp_path_factory.mktemp("pair"), kind) as pair:
        pair.attach()
        for statement in SHOP:
            pair.source.change(statement)
        yield source, pair


@contextlib.contextmanager
def program(pair: Two, directory: Path, *grants: str) -> Iterator[tuple[Migration, Writer]]:
    """A migration between the two, whose account on the source has these rights, and a client at work there."""
    with account(pair.source, "keeper", *grants) as who, contextlib.closing(as_account(pair.source, who)) as source:
        pair.caught_up()
        with writing(pair.source.endpoint) as writer:
            m = migration(directory / "journal.db", source, pair.target)
            yield m, writer
            m.scribe.journal.close()
    pair.source.change("TRUNCATE shop.notes")


def states(server: Server) -> list[str]:
    if server.version.mariadb:
        return sorted(map(str, server.rows("SELECT user, host, priv FROM mysql.global_priv")))
    lock = ", account_locked" if server.version.mysql_from(5, 7, 6) else ""
    return sorted(map(str, server.rows(f"SELECT user, host{lock} FROM mysql.user")))


def test_the_other_server_keeps_its_accounts_open(attached: tuple[str, Two], tmp_path: Path) -> None:
    engine, pair = attached
    with program(pair, tmp_path, *UNLOGGED[engine]) as (m, writer):
        before = states(pair.target)
        fence = AccountFence(m, m.source, kill_statement=KILLS[engine], spared=SPARED)
        with contextlib.closing(fence):
            try:
                fence.raise_((), BOUND_S)
                assert states(pair.source) != before
                pair.caught_up()
                assert states(pair.target) == before
            finally:
                fence.release()
        writer.writes()
        pair.caught_up()
        assert states(pair.target) == before
        status = pair.target.replica_status()
        assert status is not None
        assert status.trouble == ""


def test_locks_that_would_travel_are_refused(attached: tuple[str, Two], tmp_path: Path) -> None:
    engine, pair = attached
    grants = tuple(
        grant.replace(", SESSION_VARIABLES_ADMIN", "").replace(", BINLOG ADMIN", "") for grant in GRANTS[engine]
    )
    with program(pair, tmp_path, *grants) as (m, writer):
        before = states(pair.source)
        fence = AccountFence(m, m.source, kill_statement=KILLS[engine], spared=SPARED)
        with contextlib.closing(fence), pytest.raises(Unsupported, match="would reach target"):
            fence.raise_((), BOUND_S)
        writer.writes()
        assert states(pair.source) == before
        assert held(m, m.source) == ()
