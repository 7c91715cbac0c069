"""What the provider's evaluation judges otherwise than servers that replicate."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import pytest

from migration.check import Check, Route, Severity
from migration.checks.run import run_check
from migration.runbooks.rds_to_polardb import RUNBOOK
from providers.sandbox.aliyun_api.scenario import Scenario
from tests.migration.aliyun.checks.bench import Bench
from tests.migration.aliyun.checks.conftest import Rent

CHECKS = {check.id: check for check in RUNBOOK.checks}


@contextlib.contextmanager
def having(one: Bench, definition: str) -> Iterator[None]:
    one.server.change(f"CREATE TABLE shop.odd {definition}")
    try:
        yield
    finally:
        one.server.change("DROP TABLE shop.odd")


def asked(one: Bench, *checks: str) -> list[tuple[str, str]]:
    """What these find on the way of this bench; those that do not arise are left out."""
    return [(name, run_check(one.pair, CHECKS[name]).word) for name in checks if arises(CHECKS[name], one.route)]


def arises(check: Check, route: Route) -> bool:
    return check.severity_on(route) is not None


@pytest.mark.parametrize(
    ("definition", "route", "found"),
    [
        ("(id INT PRIMARY KEY) ENGINE=MyISAM", Route.PHYSICAL, [("engines", "FAIL"), ("primary-keys", "OK")]),
        ("(id INT PRIMARY KEY) ENGINE=MyISAM", Route.LOGICAL, [("rds-engines", "FAIL"), ("rds-primary-keys", "OK")]),
        ("(id INT NOT NULL UNIQUE)", Route.PHYSICAL, [("engines", "OK"), ("primary-keys", "OK")]),
        ("(id INT NOT NULL UNIQUE)", Route.LOGICAL, [("rds-engines", "OK"), ("rds-primary-keys", "WARN")]),
    ],
)
def test_engines_and_keys_are_asked_for_as_the_way_wants_them(
    rent: Rent, definition: str, route: Route, found: list[tuple[str, str]]
) -> None:
    one = rent(Scenario(), route)
    with having(one, definition):
        assert asked(one, "engines", "rds-engines", "primary-keys", "rds-primary-keys") == found


def test_triggers_and_events_are_found_and_set_aside_before_there_is_a_cluster(rent: Rent) -> None:
    one = rent()
    one.server.change("CREATE EVENT shop.nightly ON SCHEDULE EVERY 1 DAY DO DO 1")
    one.server.change("CREATE TRIGGER shop.t BEFORE INSERT ON shop.orders FOR EACH ROW SET NEW.note = 'x'")
    try:
        triggers, events = (run_check(one.pair, CHECKS[name]) for name in ("triggers", "events"))
    finally:
        one.server.change("DROP TRIGGER shop.t")
        one.server.change("DROP EVENT shop.nightly")
    assert [(found.word, found.blocks) for found in (triggers, events)] == [("FAIL", True), ("WARN", False)]
    assert [fix.statement for fix in triggers.result.fixes] == ["DROP TRIGGER `shop`.`t`"]
    assert [fix.statement for fix in events.result.fixes] == ["DROP EVENT `shop`.`nightly`"]


def test_events_are_noted_and_triggers_block_on_the_logical_way() -> None:
    found = [[CHECKS[name].severity_on(route) for name in ("events", "triggers")] for route in Route]
    assert found == [
        [Severity.NOTICE, Severity.NOTICE],
        [Severity.NOTICE, Severity.NOTICE],
        [Severity.WARNING, Severity.BLOCKER],
    ]
