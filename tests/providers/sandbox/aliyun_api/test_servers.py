"""Servers as the cloud runs them: whose account may do what."""

from __future__ import annotations

from pathlib import Path

import pytest

from providers.mysql.errors import StatementFailed
from providers.sandbox import engines, passwords
from providers.sandbox.aliyun_api.servers import PRIVILEGED, CloudServer
from tests.support.sql import ask


@pytest.mark.parametrize(
    ("engine", "own"), [("mysql-5.6", "root"), ("mysql-5.7", "aliyun_root"), ("mariadb-10.11", "aliyun_root")]
)
def test_the_customer_has_what_the_cloud_grants_and_no_more(
    engine: str, own: str, engine_names: tuple[str, ...], tmp_path: Path
) -> None:
    server = CloudServer(engines.find(engine), tmp_path, name="rds")
    try:
        server.start()
        customer = server.endpoint(passwords.load().administrator)
        assert ask(server.endpoint(), "SELECT CURRENT_USER()") == ((f"{own}@127.0.0.1",),)
        granted = " ".join(str(row[0]) for row in ask(customer, "SHOW GRANTS"))
        listed = {word.strip() for word in granted.partition(" ON ")[0].removeprefix("GRANT").split(",")}
        # MariaDB has names of its own for two of them.
        assert listed - {"BINLOG MONITOR", "SLAVE MONITOR"} == set(PRIVILEGED) - (
            {"REPLICATION CLIENT"} if engine.startswith("mariadb") else set()
        )
        with pytest.raises(StatementFailed, match="1227"):
            ask(customer, "SET GLOBAL read_only = 1")
        ask(customer, "CREATE DATABASE shop", "CREATE TABLE shop.t (a INT PRIMARY KEY)")
        ask(customer, "CREATE TRIGGER shop.g BEFORE INSERT ON shop.t FOR EACH ROW SET NEW.a = NEW.a + 1")
        # A server that was killed while its accounts were made: started again, it has them.
        ask(server.endpoint(), f"REVOKE ALL PRIVILEGES, GRANT OPTION FROM '{customer.account.user}'@'%'")
        server.kill()
        server.start()
        assert len(ask(customer, "SELECT * FROM shop.t")) == 0
    finally:
        server.destroy()
