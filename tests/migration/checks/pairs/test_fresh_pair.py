"""All checks on two fresh servers: nothing in the way, nothing changed, nothing passed that was not seen."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from dataclasses import replace

import pytest

from migration.check import Finding, Route, Verdict
from migration.checks import activity, on_route
from migration.checks.run import run_checks
from providers.mysql.endpoint import Account
from providers.mysql.server import Server
from tests.migration.checks.lab import Lab, account, made, state

# What any account may see: the servers' settings and versions.
_SEEN_BY_EVERYBODY = {
    "removed-variables", "history-list", "names-by-capitals", "server-names", "gtid-strict", "gtid-domain",
    "address-mapped", "binary-log", "binlog-format", "checksum", "clients-tls", "clock", "collation",
    "collations-known", "databases", "event-scheduler", "gtid", "gtid-tags", "host-names", "log-compression",
    "lower-case-setting", "lower-case-table-names", "order-commits", "packet", "page-size", "parallel-applier",
    "param-drift", "prepared-xa", "read-only-kept", "replica-packet", "replication-account-source",
    "replication-account-target", "requires-primary-key", "retention", "row-image", "row-value-options",
    "same-server", "secure-transport", "semi-sync", "server-id-default", "server-ids", "session-defaults",
    "sizing", "source-after-restart", "source-takes-writes", "sql-mode", "target-read-only", "temporary-tables",
    "time-zone", "tls-versions", "version-gap", "version-pair", "wildcard-grants",
}  # fmt: skip
# Between servers of one version these questions do not arise.
_OF_ONE_VERSION = {"changed-defaults", "removed-functions", "zero-defaults", "reserved-words", "obsolete-sql-modes"}
# What the sandbox's servers are like: not durable, small, and not alike.
_OF_THE_SANDBOX = {"version-gap", "packet", "durability", "param-drift", "sizing", "gtid-strict"}


def test_a_fresh_pair_has_nothing_in_the_way(lab: Lab) -> None:
    findings = list(run_checks(lab.pair, on_route(Route.NATIVE)))
    assert [finding.check for finding in findings] == [check.id for check in on_route(Route.NATIVE)]
    assert [f"{f.check}: {f.result.found} {f.result.remedy}" for f in findings if f.blocks] == []
    words = {finding.check: finding.word for finding in findings}
    assert "UNKNOWN" not in words.values()
    assert {check for check, word in words.items() if word == "WARN"} <= _OF_THE_SANDBOX
    for finding in findings:
        assert Finding.from_json(json.loads(json.dumps(finding.to_json()))) == finding


def test_an_attached_pair_has_nothing_in_the_way(arrived: Lab) -> None:
    findings = list(run_checks(arrived.pair, on_route(Route.NATIVE)))
    assert [f"{f.check}: {f.result.found} {f.result.remedy}" for f in findings if f.blocks] == []
    words = {finding.check: finding.word for finding in findings}
    assert (words["threads"], words["target-empty"]) == ("OK", "OK")


@pytest.mark.parametrize("fenced", ["neither", "target", "source"])
def test_checks_change_nothing_whether_a_server_is_fenced_or_not(lab: Lab, fenced: str) -> None:
    with contextlib.ExitStack() as stack:
        if fenced != "neither":
            server = lab.target if fenced == "target" else lab.source
            stack.enter_context(made(server, server.dialect.fence, undo=server.dialect.unfence))
        before = state(lab.source), state(lab.target)
        findings = list(run_checks(lab.pair, on_route(Route.NATIVE)))
        assert (state(lab.source), state(lab.target)) == before
    # A target that nobody may write to cannot be given definitions to try.
    closed = fenced == "target" and lab.target.dialect.has_super_read_only
    unknown = [finding.check for finding in findings if finding.result.verdict is Verdict.UNKNOWN]
    assert unknown == (["objects-accepted"] if closed else [])


def test_read_only_without_its_stronger_form_stays_as_it_is(lab: Lab) -> None:
    with made(lab.target, "SET GLOBAL read_only = ON", undo="SET GLOBAL read_only = OFF"):
        before = lab.target.read_only()
        list(run_checks(lab.pair, on_route(Route.NATIVE)))
        assert lab.target.read_only() == before


@contextlib.contextmanager
def logged_in(lab: Lab, source: Account, target: Account) -> Iterator[Lab]:
    with (
        contextlib.closing(Server(replace(lab.source.endpoint, account=source))) as first,
        contextlib.closing(Server(replace(lab.target.endpoint, account=target))) as second,
    ):
        yield replace(lab, pair=replace(lab.pair, source=first, other=second))


@pytest.fixture(scope="module")
def low(lab: Lab) -> Iterator[Lab]:
    """Both servers seen through an account that may read one database."""
    with (
        account(lab.source, "low", "SELECT ON shop.*") as source,
        account(lab.target, "low", "SELECT ON shop.*") as target,
        logged_in(lab, source, target) as seen,
    ):
        yield seen


def test_what_an_account_may_not_see_is_unknown_and_names_the_privilege(low: Lab) -> None:
    findings = {finding.check: finding for finding in run_checks(low.pair, on_route(Route.NATIVE))}
    for check, privilege in (
        ("long-transactions", "PROCESS"),
        ("long-statements", "PROCESS"),
        ("target-not-written", "PROCESS"),
        ("clients-accounts", "PROCESS"),
        ("primary-keys", "SELECT"),
        ("engines", "SELECT"),
        ("triggers", "SELECT"),
        ("events", "SELECT"),
        ("target-empty", "REPLICATION CLIENT" if not low.target.version.mariadb else "SLAVE MONITOR"),
        ("filters", "REPLICATION CLIENT" if not low.source.version.mariadb else "BINLOG MONITOR"),
        ("replication-account-source", "SELECT on"),
    ):
        finding = findings[check]
        assert finding.word == "UNKNOWN", check
        assert privilege in finding.result.found, check
        assert privilege in finding.result.remedy, check
        assert finding.result.evidence[1][0] in ("source", "target"), check
    passed = {check for check, finding in findings.items() if finding.result.verdict is Verdict.PASSED}
    alike = low.source.version == low.target.version
    assert passed <= (_SEEN_BY_EVERYBODY | _OF_ONE_VERSION if alike else _SEEN_BY_EVERYBODY)


def test_an_unknown_check_blocks_like_a_failed_one(low: Lab) -> None:
    findings = {finding.check: finding for finding in run_checks(low.pair, on_route(Route.NATIVE))}
    assert findings["primary-keys"].blocks
    assert findings["privileges"].word == "FAIL"
    missing = [row[2] for row in findings["privileges"].result.evidence[1:]]
    assert {"stop and allow writes", "control replication", "see sessions", "make the copy"} <= set(missing)


def test_one_database_may_be_seen_with_grants_on_that_one_only(low: Lab) -> None:
    changed = {"databases": ("shop",)}
    findings = {check.id: low.find(check, **changed) for check in on_route(Route.NATIVE)}
    assert findings["primary-keys"].word == "OK"
    assert findings["triggers"].word == "UNKNOWN"
    assert "TRIGGER" in findings["triggers"].result.found
    assert "EVENT" in findings["events"].result.found


def test_prepared_transactions_that_may_not_be_listed_are_unknown(low: Lab) -> None:
    finding = low.find(activity.prepared_xa)
    if low.source.version.mysql_from(8, 0) or low.target.version.mysql_from(8, 0):
        assert (finding.word, finding.result.found) == ("UNKNOWN", "needs XA_RECOVER_ADMIN")
    else:
        assert finding.word == "OK"


def test_a_server_that_went_away_makes_a_check_unknown(lab: Lab) -> None:
    endpoint = replace(lab.target.endpoint, port=1)
    gone = Server(lab.target.endpoint)
    gone.endpoint = endpoint
    gone.close()
    with_gone = replace(lab, pair=replace(lab.pair, other=gone))
    findings = {check.id: with_gone.find(check) for check in on_route(Route.NATIVE)}
    assert findings["target-read-only"].word == "UNKNOWN"
    assert "cannot be reached" in findings["target-read-only"].result.remedy
    assert findings["target-empty"].blocks
