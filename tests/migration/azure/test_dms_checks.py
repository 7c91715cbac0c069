"""What is asked before a migration by the service."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import pytest

from migration.azure.dms.checks import contents
from migration.check import Verdict
from migration.gatekeeper import Gatekeeper
from migration.inbox import Inbox
from migration.runbook import CloudFailed
from migration.runbooks.azure_flexible_server import CUT_OVER, RUNBOOK
from providers.mysql.version import Flavor, Version
from providers.sandbox.api.faults import Fault, Kind
from providers.sandbox.launcher import SandboxServer
from tests.migration.azure.dms import CHECKS, Move, Moving, moving


@pytest.fixture
def move(machine: SandboxServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Move]:
    """See `moving`."""
    with moving(machine, tmp_path_factory) as start:
        yield start


def test_a_usual_migration_passes_with_what_there_is_to_know(move: Move) -> None:
    one = move()
    words = {check: one.find(check).word for check in CHECKS}
    assert {check: word for check, word in words.items() if word != "OK"} == {
        "azure-dms-retired": "NOTE",
        "azure-dms-places": "NOTE",
    }
    crossed = one.find("azure-dms-places").result
    assert crossed.found == "another region and resource group"
    assert "Supported" in crossed.remedy


def test_what_is_migrated_and_what_not_is_listed(move: Move) -> None:
    one = move()
    one.m.source.change("CREATE EVENT shop.nightly ON SCHEDULE EVERY 1 DAY DISABLE DO SELECT 1")
    try:
        found = one.find("azure-dms-inventory").result
    finally:
        one.m.source.change("DROP EVENT shop.nightly")
    rows = {row[0]: row[1:] for row in found.evidence}
    assert (rows["table"], rows["view"], rows["procedure"]) == (("2", "yes"), ("1", "yes"), ("1", "yes"))
    assert rows["event"] == ("1", "NO")
    assert found.found == "not migrated: shop.nightly"


def test_over_one_terabyte_a_ticket_has_to_be_raised(move: Move, monkeypatch: pytest.MonkeyPatch) -> None:
    one = move()
    assert one.find("azure-dms-over-1-tb").word == "OK"
    # As if the table were as large.
    monkeypatch.setattr(contents, "_TIB", 1 << 10)
    found = one.find("azure-dms-over-1-tb")
    assert found.blocks
    assert "Raise a support ticket" in found.result.remedy


def test_the_service_has_to_run_and_to_be_premium_online(move: Move) -> None:
    stopped = move(migration_service="stopped")
    found = stopped.find("azure-dms-service")
    assert (found.word, found.result.found) == ("WARN", "Stopped")
    # The finding offers to start it, on the operator's word.
    (fix,) = found.result.fixes
    stopped.account.run(fix.statement)
    assert stopped.find("azure-dms-service").word == "OK"
    with pytest.raises(CloudFailed, match="no way to carry out"):
        stopped.account.run("start everything")
    sizes = {"sku": {"name": "Standard_1vCore", "tier": "Standard"}}
    stopped.simulator.faults.add(Fault(Kind.ALTER, "datamigration:Services_Get", None, fields=sizes))
    assert stopped.find("azure-dms-service-tier").blocks
    stopped.chosen("way", "offline")
    assert stopped.find("azure-dms-service-tier").result.verdict is Verdict.NOT_APPLICABLE


def test_servers_have_to_be_ready(move: Move) -> None:
    one = move()
    for action, check in (
        ("single:Servers_Get", "azure-dms-source-ready"),
        ("flexible:Servers_Get", "azure-dms-target-ready"),
    ):
        told = {"state": "Stopped", "userVisibleState": "Stopped", "version": "5.7"}
        one.simulator.faults.add(Fault(Kind.ALTER, action, None, fields={"properties": told}))
        assert (one.find(check).word, one.find(check).result.found) == ("FAIL", "Stopped")


@pytest.mark.parametrize(
    ("ours", "word"),
    [((5, 5, 60), "FAIL"), ((5, 6, 45), "OK"), ((5, 7, 29), "OK"), ((8, 0, 36), "FAIL")],
)
def test_from_5_6_on_to_the_same_or_newer(move: Move, ours: tuple[int, int, int], word: str) -> None:
    one = move()
    source = one.m.source
    source.version = Version(Flavor.MYSQL, ours)
    assert one.find("azure-dms-versions").word == word


def test_each_check_of_the_runbook_stands_once() -> None:
    ids = [check.id for check in RUNBOOK.checks]
    assert len(ids) == len(set(ids))
    assert not [one for one in ids if one.startswith("aliyun")]


def test_what_stops_while_the_gate_is_open_is_offered_to_be_started_there(move: Move) -> None:
    one = move().following()
    _looked_at(one)
    assert not _offered(one)
    one.simulator.access.control.pause("dms")
    _looked_at(one)
    assert _offered(one) == (one.account.starting(),)
    one.account.run(one.account.starting())
    _looked_at(one)
    assert not _offered(one)
    known = len(one.m.scribe.journal.records())
    _looked_at(one)
    # What is as it was is not told again.
    assert len(one.m.scribe.journal.records()) == known


def _looked_at(one: Moving) -> None:
    """What the runner measures every few seconds at the gate."""
    with contextlib.closing(Inbox(one.m.scribe.journal.path, 0, lambda: False)) as inbox:
        Gatekeeper(RUNBOOK, one.m, inbox).conditions(CUT_OVER)


def _offered(one: Moving) -> tuple[str, ...]:
    found = {finding.check: finding for finding in one.m.story().findings()}
    return tuple(fix.statement for fix in found["azure-dms-service"].result.fixes)
