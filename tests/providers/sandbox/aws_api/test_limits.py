"""What RDS lets its master user do, what it does not, and the procedures in place of it."""

from __future__ import annotations

import pytest

from providers.aws import instances, procedures
from providers.aws.records import Shape
from providers.mysql.dialect import Dialect
from providers.mysql.errors import ConnectionLost, PrivilegeMissing, StatementFailed
from providers.sandbox import passwords
from tests.providers.sandbox.aws_api.conftest import Simulate, until
from tests.support.sql import session

ENGINES = ["mysql-9.7", "mysql-5.7", "mariadb-10.11"]
REFUSED = [
    "SET GLOBAL read_only = ON",
    "SET GLOBAL max_connections = 10",
    "FLUSH TABLES WITH READ LOCK",
    "SET SESSION sql_log_bin = 0",
]


@pytest.mark.parametrize("engine", ENGINES)
def test_the_master_user_has_no_super_and_the_procedures_do(engine: str, simulate: Simulate) -> None:
    one = simulate(engine)
    server = one.server(one.id)
    plain = Dialect(server.version)
    for statement in (*REFUSED, plain.stop_replica, f"{plain.change_source} {plain.source_word}_PORT = 1"):
        with pytest.raises((PrivilegeMissing, StatementFailed)) as caught:
            server.change(statement)
        assert caught.value.code in (1227, 1045), statement
    server.change("CREATE USER 'buyer'@'%' IDENTIFIED BY 'a-Secret-1'")
    server.change("GRANT SELECT ON shop.* TO 'buyer'@'%'")

    assert procedures.kept_hours(server) is None
    procedures.run(server, procedures.keep_binary_logs(24))
    assert procedures.kept_hours(server) == 24
    with pytest.raises(StatementFailed, match="between 1 and 168") as refused:
        server.change("CALL mysql.rds_set_configuration('binlog retention hours', 0)")
    assert refused.value.code == 1644
    procedures.run(server, procedures.purge_binary_logs())
    assert procedures.kept_hours(server) is None

    client = session(one.endpoint(one.id, passwords.load().application))
    with pytest.raises(StatementFailed):
        server.change("KILL 4294967000")
    procedures.run(server, procedures.kill(client.thread_id))
    with pytest.raises(ConnectionLost):
        until(lambda: client.value("SELECT 0"), "a killed session")
    client.close()
    server.close()


@pytest.mark.parametrize("engine", ENGINES)
def test_a_replica_of_rds_cannot_be_made_to_follow_another(engine: str, simulate: Simulate) -> None:
    one = simulate(engine)
    one.client.send(instances.create_replica("m1-r1", one.id, Shape()))
    one.wait("m1-r1")
    server = one.server("m1-r1")
    with pytest.raises(StatementFailed, match="This instance is a RDS Read Replica"):
        procedures.run(server, procedures.follow_from(server.version, one.upstream(one.id), "binlog.000001", 4))
    with pytest.raises(StatementFailed, match="This instance is a RDS Read Replica"):
        procedures.run(server, procedures.forget_source(server.version))
    procedures.run(server, procedures.stop())
    status = server.replica_status()
    assert status
    assert not status.running
    procedures.run(server, procedures.start())
    server.close()


def test_what_is_given_to_a_procedure_stays_data(simulate: Simulate) -> None:
    one = simulate("mysql-9.7")
    server = one.server(one.id)
    hostile = one.upstream(one.id)
    words = "h', SOURCE_PORT = 1, SOURCE_USER = 'x"
    up = procedures.Upstream(words, 3306, hostile.account, encrypted=False)
    procedures.run(server, procedures.follow_from(server.version, up, "binlog.000001", 4))
    status = server.replica_status()
    assert status
    assert (status.source_host, status.source_port) == (words, 3306)
    procedures.run(server, procedures.forget_source(server.version))
    assert server.replica_status() is None
    server.close()
