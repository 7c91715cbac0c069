"""Foreign keys that change rows without a word in the log."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import pytest

from migration.verify.cascades import Cascades, ForeignKey, read_cascades
from providers.mysql.connection import Connection
from tests.support.pairs import running

MADE = (
    "CREATE DATABASE fk",
    "CREATE DATABASE fk2",
    "CREATE TABLE fk.parents (id INT PRIMARY KEY, code INT UNIQUE, v INT) ENGINE=InnoDB",
    "CREATE TABLE fk.children (id INT PRIMARY KEY, p INT, FOREIGN KEY (p) REFERENCES fk.parents (id) ON DELETE CASCADE)"
    " ENGINE=InnoDB",
    "CREATE TABLE fk2.grand (id INT PRIMARY KEY, c INT, FOREIGN KEY (c) REFERENCES fk.children (id) ON UPDATE SET NULL)"
    " ENGINE=InnoDB",
    "CREATE TABLE fk.coded (id INT PRIMARY KEY, c INT, FOREIGN KEY (c) REFERENCES fk.parents (code) ON UPDATE CASCADE)"
    " ENGINE=InnoDB",
    "CREATE TABLE fk.strict (id INT PRIMARY KEY, p INT, FOREIGN KEY (p) REFERENCES fk.parents (id)) ENGINE=InnoDB",
    "CREATE TABLE fk.trees (id INT PRIMARY KEY, up INT, FOREIGN KEY (up) REFERENCES fk.trees (id) ON DELETE CASCADE)"
    " ENGINE=InnoDB",
)
PARENTS, CHILDREN, GRAND = ("fk", "parents"), ("fk", "children"), ("fk2", "grand")
CODED, TREES = ("fk", "coded"), ("fk", "trees")


@pytest.fixture(scope="module", params=["mariadb-10.11", "mysql-5.6", "mysql-9.7"])
def session(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Connection]:
    with (
        running(request.param, tmp_path_factory.mktemp("one")) as server,
        contextlib.closing(Connection(server.endpoint())) as made,
    ):
        for statement in MADE:
            made.run(statement)
        yield made


def test_what_a_server_does_not_log_is_found(session: Connection) -> None:
    found = read_cascades(session)
    logged = session.rows("SHOW GLOBAL VARIABLES LIKE 'innodb\\_native\\_foreign\\_keys'")
    if logged and logged[0][1] == "OFF":
        assert found.keys == ()
        return
    assert found.parents() == {PARENTS, CHILDREN, TREES}
    assert found.below(PARENTS) == {CHILDREN, GRAND, CODED}
    assert found.below(CHILDREN) == {GRAND}
    assert found.below(TREES) == {TREES}
    assert found.below(("fk", "strict")) == set()


def test_an_update_counts_where_it_is_not_the_key_that_is_referred_to() -> None:
    every = {PARENTS, CHILDREN, GRAND}
    cascades = Cascades.of(
        [
            ForeignKey(PARENTS, CHILDREN, frozenset({"id"}), on_update=True),
            ForeignKey(CHILDREN, CODED, frozenset({"code"}), on_update=True),
            ForeignKey(GRAND, CODED, frozenset({"code"}), on_update=False),
        ]
    )
    assert cascades.by_any_update(every, lambda table: frozenset({"id"})) == {CHILDREN}
    # Nothing is known of a table without a usable key.
    assert cascades.by_any_update(every, lambda table: frozenset()) == {PARENTS, CHILDREN}
    assert cascades.by_any_update({PARENTS}, lambda table: frozenset()) == {PARENTS}


def test_circles_end() -> None:
    keys = [
        ForeignKey(one, other, frozenset({"id"}), True) for one, other in ((PARENTS, CHILDREN), (CHILDREN, PARENTS))
    ]
    assert Cascades.of(keys).below(PARENTS) == {PARENTS, CHILDREN}
