"""What is made of the servers, without a cloud in front: there, back, and there again."""

from __future__ import annotations

from pathlib import Path

import pytest

from providers.mysql.endpoint import Endpoint
from providers.sandbox import engines, passwords
from providers.sandbox.aliyun_api.databases import Databases
from providers.sandbox.api.versions import version_of
from providers.sandbox.launcher import SandboxServer
from tests.support.sql import ask


def notes(endpoint: Endpoint) -> str:
    return str(ask(endpoint, "SELECT GROUP_CONCAT(id ORDER BY id) FROM shop.notes")[0][0])


@pytest.mark.parametrize(("old", "new"), [("mysql-5.6", "mysql-5.7"), ("mariadb-10.11", "mariadb-10.11")])
def test_writes_move_there_and_back_and_there_again(
    old: str, new: str, engine_names: tuple[str, ...], tmp_path: Path
) -> None:
    source, spare = (
        SandboxServer(engines.find(name), tmp_path / who, name=who) for name, who in ((old, "a"), (new, "b"))
    )
    replication = passwords.load().replication
    databases = Databases(source, [spare], (replication, replication), by_file=False)
    try:
        source.start()
        ask(source.endpoint(), "CREATE DATABASE shop", "CREATE TABLE shop.notes (id INT PRIMARY KEY)")
        ask(source.endpoint(), "CREATE USER 'buyer'@'10.%' IDENTIFIED BY 'x'", "CREATE USER 'o''brien'@'10.%'")
        ask(source.endpoint(), "CREATE EVENT shop.nightly ON SCHEDULE EVERY 1 DAY DO DELETE FROM shop.notes")
        databases.assign("pc-1", version_of(spare.engine))
        databases.copy("pc-1", whole=False)
        assert ask(spare.endpoint(), "SELECT user FROM mysql.user WHERE host = '10.%'") == (("buyer",),)
        assert ask(spare.endpoint(), "SHOW EVENTS FROM shop") == ()
        for number, (was, becomes) in enumerate(((None, "pc-1"), ("pc-1", None), (None, "pc-1"))):
            assert (databases.takes_writes(was), databases.takes_writes(becomes)) == (True, False)
            ask(databases.server(was).endpoint(), f"INSERT INTO shop.notes VALUES ({number})")
            databases.drain(was, becomes, 10)
            assert (databases.takes_writes(was), databases.takes_writes(becomes)) == (False, False)
            databases.reverse(was, becomes)
            # What may fail half-way may be repeated.
            databases.reverse(was, becomes)
            assert databases.behind_s(becomes) == -1
            assert notes(databases.server(becomes).endpoint()).endswith(str(number))
        databases.separate("pc-1")
        assert (databases.takes_writes(None), databases.takes_writes("pc-1")) == (True, True)
        assert notes(source.endpoint()) == notes(spare.endpoint()) == "0,1,2"
        source.kill()
        assert (databases.takes_writes(None), databases.behind_s(None)) == (None, -1)
    finally:
        databases.close()
        source.destroy()
        spare.destroy()
