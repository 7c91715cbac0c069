"""Checks of clients on a source that looks for their names and counts what they do, as few sandboxes are set up."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import pytest

from migration.checks import clients, connections
from providers.mysql.gtid import GtidSet
from providers.mysql.server import Server
from tests.migration.checks.lab import Lab, account, make_lab, session
from tests.support.pairs import Two, running

ENGINE = "mariadb-10.11"


@pytest.fixture(scope="module")
def telling(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """The source finds out names and keeps its performance schema; the target does neither."""
    directory = tmp_path_factory.mktemp("telling")
    with contextlib.ExitStack() as stack:
        options = {"skip_name_resolve": "0", "performance_schema": "ON"}
        first = stack.enter_context(running(ENGINE, directory / "source", options=options))
        second = stack.enter_context(running(ENGINE, directory / "target", name="target"))
        source, target = (stack.enter_context(contextlib.closing(Server(one.endpoint()))) for one in (first, second))
        yield make_lab(Two(source, target, GtidSet, (first, second)))


def test_accounts_for_names_are_doubtful_where_the_target_does_not_look_for_them(telling: Lab) -> None:
    assert telling.word(clients.host_names) == "OK"
    with account(telling.source, "clerk", host="%.example.org"), account(telling.source, "six", host="fe80::%"):
        finding = telling.find(clients.host_names)
        assert (finding.word, finding.result.evidence[1:]) == ("WARN", (("'clerk'@'%.example.org'",),))
        with account(telling.target, "clerk", host="10.1.%"):
            assert telling.word(clients.host_names) == "OK"
    assert telling.word(clients.host_names) == "OK"


def test_a_missing_account_is_shown_with_how_often_it_was_used(telling: Lab) -> None:
    with account(telling.source, "busy") as busy, account(telling.source, "idle"):
        for _ in range(2):
            with session(telling.source, busy):
                pass
        finding = telling.find(clients.accounts_present)
    assert finding.blocks
    assert {row[0]: row[2] for row in finding.result.evidence[1:]} == {
        "'busy'@'%'": "2 connections",
        "'idle'@'%'": "never",
    }


def test_who_is_connected_is_told_with_its_program(telling: Lab) -> None:
    with account(telling.source, "clerk") as clerk, session(telling.source, clerk):
        finding = telling.find(connections.client_inventory)
    assert finding.result.evidence[1][0] == "clerk"
    assert "pymysql" in finding.result.evidence[1][4].lower()
