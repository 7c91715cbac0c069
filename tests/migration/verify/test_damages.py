"""Every kind of damage in one pair of real servers: each is found with its key and columns, and nothing else."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from migration.verify.model import Mode, Outcome, Request, Verdict
from migration.verify.verification import Verification
from providers.mysql.literals import quote_name
from tests.migration.verify.damages import Damage
from tests.migration.verify.following import PAIRS, amiss, following, loose, unlogged
from tests.migration.verify.oddities import DATABASES, EVERY, fitting
from tests.support.pairs import Two

pytestmark = pytest.mark.long

BYSTANDER = "bystander"
_BUDGET_S = 120.0


@dataclass(frozen=True)
class Damaged:
    """A pair with all its damages, and what was found before and after they were done."""

    damages: tuple[Damage, ...]
    before: dict[Mode, Outcome]
    after: dict[Mode, Outcome]


def verify(pair: Two, mode: Mode) -> Outcome:
    request = Request(DATABASES, mode=mode)
    with contextlib.closing(Verification(pair.source.endpoint, pair.target.endpoint, request)) as verification:
        verification.start()
        return verification.finish(_BUDGET_S)


def make(pair: Two, damages: tuple[Damage, ...]) -> None:
    with loose(pair.source) as session:
        for database in (*DATABASES, BYSTANDER):
            session.run(f"CREATE DATABASE {quote_name(database)} CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci")
        session.run(f"CREATE TABLE {BYSTANDER}.t (id INT NOT NULL PRIMARY KEY)")
        for damage in damages:
            for statement in damage.statements(damage.make):
                session.run(statement)
    pair.caught_up(60)


def harm(pair: Two, damages: tuple[Damage, ...]) -> None:
    with unlogged(pair.target) as session:
        session.run(f"INSERT INTO {BYSTANDER}.t VALUES (1)")
        for damage in damages:
            for statement in damage.statements(damage.harm):
                session.run(statement)


@pytest.fixture(scope="module", params=list(PAIRS))
def damaged(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Damaged]:
    with following(request.param, tmp_path_factory.mktemp("pair")) as pair:
        damages = fitting(pair.source.version, pair.target.version)
        make(pair, damages)
        before = {mode: verify(pair, mode) for mode in Mode}
        harm(pair, damages)
        yield Damaged(damages, before, {mode: verify(pair, mode) for mode in Mode})


@pytest.mark.parametrize("mode", list(Mode))
def test_undamaged_tables_are_identical(damaged: Damaged, mode: Mode) -> None:
    before = damaged.before[mode]
    assert amiss(before.differences, []) == []
    assert [doubt for doubt in before.doubts if doubt.unproved] == []
    assert before.verdict is Verdict.IDENTICAL


@pytest.mark.parametrize("mode", list(Mode))
def test_every_damage_is_found_and_nothing_else(damaged: Damaged, mode: Mode) -> None:
    outcome = damaged.after[mode]
    expected = [difference for damage in damaged.damages for difference in damage.expected()]

    assert amiss(outcome.differences, expected) == []
    assert outcome.found == sum(difference.rows for difference in expected)
    assert outcome.verdict is Verdict.DIFFERENT
    assert outcome.mode is mode


def test_a_hash_says_how_much_it_may_miss(damaged: Damaged) -> None:
    assert damaged.after[Mode.EXACT].miss == 0.0
    # Small tables are read row by row all the same.
    assert 0.0 <= damaged.after[Mode.HASH].miss < 1e-6


def test_every_table_is_named_once() -> None:
    tables = [damage.table for damage in EVERY]
    assert len(tables) == len(set(tables))
    assert {database for database, _ in tables} == set(DATABASES)
