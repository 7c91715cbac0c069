from __future__ import annotations

import pytest

from providers.sandbox.engines import UnknownEngine
from providers.sandbox.options import Positioning
from providers.sandbox.spec import TopologySpec, UnsupportedPair

BOTH = [
    ("mysql-5.6", "mysql-5.6"),
    ("mysql-5.6", "mysql-5.7"),
    ("mysql-5.6", "mysql-9.7"),
    ("mysql-5.7", "mysql-5.7"),
    ("mysql-5.7", "mysql-9.7"),
    ("mysql-9.7", "mysql-9.7"),
    ("mariadb-10.11", "mariadb-10.11"),
    ("mariadb-10.5", "mariadb-10.11"),
    ("mariadb-11.8", "mariadb-10.11"),
]


@pytest.mark.parametrize(("source", "target"), BOTH)
def test_related_engines_take_both_positionings_and_prefer_gtid(source: str, target: str) -> None:
    assert TopologySpec(source, target).resolve().positioning is Positioning.GTID
    assert TopologySpec(source, target, "file").resolve().positioning is Positioning.FILE


@pytest.mark.parametrize(("source", "target"), [("mysql-5.6", "mariadb-10.11"), ("mariadb-10.11", "mysql-5.7")])
def test_across_families_only_file_positions_work(source: str, target: str) -> None:
    assert TopologySpec(source, target).resolve().positioning is Positioning.FILE
    with pytest.raises(UnsupportedPair, match=r"different kinds of transaction identifiers.*use positioning file\.$"):
        TopologySpec(source, target, "gtid").resolve()


@pytest.mark.parametrize(
    ("source", "target", "reason"),
    [
        ("mariadb-10.11", "mysql-9.7", r"MySQL 9\.7 refuses the row events that MariaDB 10\.11 writes \(error 13121"),
        ("mysql-9.7", "mariadb-10.11", r"cannot log in to MySQL 9\.7 as a replica"),
        ("mysql-9.7", "mysql-5.7", r"MySQL 5\.7 is older than MySQL 9\.7"),
        ("mariadb-10.11", "mariadb-10.5", r"MariaDB 10\.5 is older than MariaDB 10\.11"),
    ],
)
def test_a_pair_that_cannot_replicate_is_refused_with_its_reason(source: str, target: str, reason: str) -> None:
    with pytest.raises(UnsupportedPair, match=reason):
        TopologySpec(source, target).resolve()


def test_what_makes_no_sense_is_refused() -> None:
    with pytest.raises(UnknownEngine, match="no engine 'mysql-4'"):
        TopologySpec("mysql-4", "mysql-5.6").resolve()
    with pytest.raises(ValueError, match="rate must be at least 1 and is 0"):
        TopologySpec("mysql-5.6", "mysql-5.6", rate=0).resolve()


def test_a_spec_survives_its_way_as_json() -> None:
    spec = TopologySpec("mysql-5.6", "mysql-9.7", "file", rows=7, rate=8, clients=9, attached=True)
    assert TopologySpec.from_json(spec.as_json()) == spec
