"""The administrator of a Flexible Server makes it follow another, and ends sessions, by the service's procedures."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from providers.azure.dialect import AzureDialect
from providers.mysql import replication
from providers.mysql.endpoint import Account, Secret
from providers.mysql.literals import quote_text
from providers.mysql.position import FilePosition
from providers.mysql.server import Server
from providers.sandbox.azure_api import provisions
from tests.support.pairs import forward_account, two

ADMINISTRATOR = Account("azadmin", Secret("the-service's"))


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, Server]]:
    """A source as anybody has it, and a target as the service's administrator sees it."""
    directory: Path = tmp_path_factory.mktemp("azure")
    with two("mysql-5.7", "mysql-9.7", directory, FilePosition) as made:
        provisions.admit(made.target, [ADMINISTRATOR])
        provisions.equip(made.target)
        seen = Server(replace(made.target.endpoint, account=ADMINISTRATOR))
        with contextlib.closing(seen):
            yield made.source, seen


def test_a_channel_is_made_stopped_and_forgotten_by_procedures(pair: tuple[Server, Server]) -> None:
    source, target = pair
    assert isinstance(target.dialect, AzureDialect)
    channel = replication.plan_channel(target, source, forward_account(), source.end_of_log())
    replication.configure(target, replace(channel, encrypted=False))
    replication.start(target)
    assert replication.wait_running(target, 15).running
    source.change("CREATE DATABASE seen_on_azure")
    assert target.wait_for(source.end_of_log(), 15)
    assert "seen_on_azure" in target.databases()
    replication.forget(target)
    assert target.replica_status() is None


def test_the_call_is_shown_without_its_password(pair: tuple[Server, Server]) -> None:
    source, target = pair
    account = Account("repl", Secret("Geheim%s-77"))
    statement = target.dialect.follow(replication.plan_channel(target, source, account, None))
    assert statement.shown.startswith("CALL mysql.az_replication_change_master_with_gtid('")
    assert "Geheim" not in statement.shown
    assert quote_text("Geheim%s-77") in statement.sql
    assert statement.args == ()


def test_a_session_of_another_account_is_ended_by_the_procedure(pair: tuple[Server, Server]) -> None:
    _, target = pair
    other = Account("visitor", Secret("a-visitor's"))
    target.change("CREATE USER visitor@'%%' IDENTIFIED BY %s", (other.password.reveal(),), shown="CREATE USER visitor")
    with contextlib.closing(Server(replace(target.endpoint, account=other))) as visitor:
        target.change(target.dialect.kill % visitor.session.thread_id)
        assert not visitor.session.ping()
    target.change("DROP USER visitor")
