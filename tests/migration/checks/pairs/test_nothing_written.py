"""By the servers' own general logs: what the checks send, with an account that may only look."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from dataclasses import replace

import pytest

from migration.check import Route
from migration.checks import on_route
from migration.checks.results import changes_something
from migration.checks.run import run_checks
from providers.mysql.endpoint import Account
from providers.mysql.server import Server
from tests.migration.checks.lab import Lab, account, made, state

LOOKS = "SELECT, PROCESS, SHOW VIEW, EVENT, TRIGGER, REPLICATION CLIENT, REPLICATION SLAVE ON *.*"
# Statements of the check of privileges: without effect where they may be run, and this account may not.
PROBES = (
    r"SET GLOBAL (\w+) = @@GLOBAL\.\1",
    r"SET GLOBAL read_only = 'no value'",
    r"SET SESSION sql_log_bin = @@SESSION\.sql_log_bin",
    r"CHANGE (MASTER|REPLICATION SOURCE) TO \w+_DELAY = 0 FOR CHANNEL 'group_replication_applier'",
    r"FLUSH TABLES `mysql`\.`cutover_asks_for_the_privilege` WITH READ LOCK",
)
# What a session sets for itself, and asks without a SELECT.
ITS_OWN = (r"SET (SESSION )?(?!GLOBAL|PERSIST|PASSWORD)\w+ ?=", r"SET NAMES ", r"SET AUTOCOMMIT", r"XA RECOVER", r"DO ")


@contextlib.contextmanager
def general_log(server: Server) -> Iterator[None]:
    """Every statement goes into mysql.general_log, which is emptied first."""
    was = server.variable("log_output") or "FILE"
    server.change("TRUNCATE TABLE mysql.general_log")
    server.change("SET GLOBAL log_output = 'TABLE'")
    server.change("SET GLOBAL general_log = ON")
    try:
        yield
    finally:
        server.change("SET GLOBAL general_log = OFF")
        server.change(f"SET GLOBAL log_output = '{was}'")


def sent_by(server: Server, user: str) -> list[str]:
    rows = server.rows(
        "SELECT CONVERT(argument USING utf8mb4) FROM mysql.general_log WHERE command_type IN ('Query', 'Execute') "
        "AND user_host LIKE %s",
        (f"{user}[%",),
    )
    return [" ".join(str(row[0]).split()) for row in rows]


def writes(statement: str) -> bool:
    """Whether a statement could change anything but the session that sends it."""
    if any(re.match(allowed, statement, re.IGNORECASE) for allowed in ITS_OWN):
        return False
    return changes_something(statement)


@pytest.fixture
def looking(lab: Lab) -> Iterator[tuple[Lab, Account]]:
    """Both servers seen through an account that may look at everything."""
    with (
        account(lab.source, "looker", LOOKS) as user,
        account(lab.target, "looker", LOOKS),
        contextlib.closing(Server(replace(lab.source.endpoint, account=user))) as source,
        contextlib.closing(Server(replace(lab.target.endpoint, account=user))) as target,
    ):
        yield replace(lab, pair=replace(lab.pair, source=source, other=target)), user


@pytest.mark.parametrize("route", list(Route))
def test_an_account_that_may_only_look_is_enough_and_only_looks(
    lab: Lab, looking: tuple[Lab, Account], route: Route
) -> None:
    low, user = looking
    body = "CREATE PROCEDURE shop.`[red]` () SELECT 1"
    with (
        made(lab.source, body, undo="DROP PROCEDURE shop.`[red]`"),
        general_log(lab.source),
        general_log(lab.target),
    ):
        before = state(lab.source), state(lab.target)
        findings = list(run_checks(replace(low.pair, route=route), on_route(route)))
        assert (state(lab.source), state(lab.target)) == before
        statements = sent_by(lab.source, user.user)
    assert len(statements) > 50
    changing = [one for one in statements if writes(one)]
    assert [one for one in changing if not any(re.fullmatch(probe, one, re.IGNORECASE) for probe in PROBES)] == []
    # Most of the catalogue can be had with such an account; what is left says what it needs.
    unknown = {finding.check: finding.result.found for finding in findings if finding.word == "UNKNOWN"}
    assert len(unknown) < len(findings) / 4, unknown


def test_only_what_a_check_says_it_writes_is_written(lab: Lab) -> None:
    """With an account that may do everything: the target gets what `writes` says, the source nothing at all."""
    admin = lab.source.endpoint.account.user
    with general_log(lab.source), general_log(lab.target):
        for check in on_route(Route.NATIVE):
            lab.find(check)
            on_target = [one for one in sent_by(lab.target, admin) if writes(one) and "general_log" not in one]
            lab.target.change("TRUNCATE TABLE mysql.general_log")
            strange = [one for one in on_target if not any(re.fullmatch(p, one, re.IGNORECASE) for p in PROBES)]
            strange = [one for one in strange if "log_output" not in one]
            assert bool(strange) <= bool(check.writes), (check.id, strange)
        on_source = [one for one in sent_by(lab.source, admin) if writes(one)]
    strange = [one for one in on_source if not any(re.fullmatch(p, one, re.IGNORECASE) for p in PROBES)]
    assert [one for one in strange if "general_log" not in one and "log_output" not in one] == []
