"""The procedures of RDS: the right names for each version, and no secret where they are shown."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from providers.aws import procedures
from providers.aws.procedures import NoSuchProcedure, Upstream
from providers.mysql.endpoint import Account, Secret
from providers.mysql.version import Flavor, Version

MYSQL_57 = Version(Flavor.MYSQL, (5, 7, 44))
MYSQL_80 = Version(Flavor.MYSQL, (8, 0, 40))
MYSQL_84 = Version(Flavor.MYSQL, (8, 4, 7))
MARIADB = Version(Flavor.MARIADB, (10, 11, 15))
UP = Upstream("m1.example", 3306, Account("repl", Secret("it's secret")), encrypted=True)


@pytest.mark.parametrize(
    ("version", "word"), [(MYSQL_57, "master"), (MYSQL_80, "master"), (MYSQL_84, "source"), (MARIADB, "master")]
)
def test_names_follow_the_version(version: Version, word: str) -> None:
    assert procedures.follow_from(version, UP, "binlog.7", 42).name == f"rds_set_external_{word}"
    assert procedures.forget_source(version).name == f"rds_reset_external_{word}"
    assert procedures.next_log(version, 7).name == f"rds_next_{word}_log"
    if not version.mariadb:
        assert procedures.follow_by_gtid(version, UP).name == f"rds_set_external_{word}_with_auto_position"


def test_arguments_are_in_the_documented_order() -> None:
    made = procedures.follow_from(MYSQL_84, UP, "binlog.7", 42)
    assert made.values == ("m1.example", 3306, "repl", "it's secret", "binlog.7", 42, 1)
    assert made.statement == "CALL mysql.rds_set_external_source(%s, %s, %s, %s, %s, %s, %s)"
    assert procedures.follow_by_gtid(MYSQL_84, UP).values == ("m1.example", 3306, "repl", "it's secret", 1, 0)
    assert procedures.follow_from_gtid(MARIADB, UP, "0-1-5").values[4:] == ("0-1-5", 1)


def test_what_is_shown_has_no_secret() -> None:
    made = procedures.follow_from(MYSQL_80, UP, "bin'log.7", 42)
    assert made.shown() == (
        "CALL mysql.rds_set_external_master('m1.example', 3306, 'repl', '***', 'bin''log.7', 42, 1)"
    )
    assert "secret" not in repr(made)


def test_every_procedure_names_its_page() -> None:
    for made in (
        procedures.start(),
        procedures.stop(),
        procedures.kill(7),
        procedures.kill_query(7),
        procedures.keep_binary_logs(24),
        procedures.purge_binary_logs(),
        procedures.skip_error(),
        procedures.skip_gtid(MYSQL_80, "u:1"),
        procedures.start_until(MYSQL_80, "f", 4),
        procedures.start_until_gtid(MYSQL_80, "u:1"),
        procedures.follow_from_gtid(MARIADB, UP, "0-1-5"),
    ):
        assert made.manual.startswith("https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/mysql")


@pytest.mark.parametrize(
    "attempt",
    [
        lambda: procedures.follow_by_gtid(MARIADB, UP),
        lambda: procedures.follow_by_gtid(Version(Flavor.MYSQL, (5, 6, 51)), UP),
        lambda: procedures.follow_from_gtid(MYSQL_84, UP, "0-1-5"),
        lambda: procedures.skip_gtid(MARIADB, "0-1-5"),
    ],
)
def test_what_a_version_lacks_is_refused(attempt: Callable[[], object]) -> None:
    with pytest.raises(NoSuchProcedure):
        attempt()


@pytest.mark.parametrize("hours", [0, -1, 169])
def test_binary_logs_are_kept_within_rds_own_bounds(hours: int) -> None:
    with pytest.raises(ValueError, match="168"):
        procedures.keep_binary_logs(hours)
