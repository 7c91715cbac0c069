"""A whole switch and its way back where the accounts fence is what keeps clients out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from migration.cutover import switch
from migration.fences.accounts import held
from migration.fences.choose import shut
from migration.model import Direction
from providers.sandbox import passwords
from tests.migration.fences.lab import GRANTS, keeper
from tests.support.moving import Moving, moving

# What the way back asks of the account besides: its channel is looked at, on the side that the writes have left.
FOLLOWING = {
    "mysql-9.7": (),
    "mariadb-10.11": ("SLAVE MONITOR ON *.*",),
}


@pytest.fixture(scope="module", params=["mysql-5.6", "mysql-9.7", "mariadb-10.11"])
def pair(request: pytest.FixtureRequest, engine_names: tuple[str, ...]) -> Iterator[Moving]:
    with moving(request.param, request.param) as made:
        spec = replace(made.m.spec, fence="accounts", spared=(passwords.ADMINISTRATOR,))
        made.m = replace(made.m, spec=spec)
        made.sandbox.workload("start")
        made.sandbox.workload("arm")
        yield made


def lost_nothing(made: Moving) -> bool:
    made.sandbox.workload("pause")
    figures = made.sandbox.verify_lost()
    made.sandbox.workload("resume")
    return figures.lost_writes == 0 and figures.both_writable_ms == 0


def test_there_and_back_twice(pair: Moving) -> None:
    for _ in range(2):
        for direction in (Direction.CUTOVER, Direction.ROLLBACK):
            s = pair.attempt(direction)
            switch(pair.m, s)
            assert shut(pair.m, s.old)
            assert not shut(pair.m, s.new)
            assert held(pair.m, s.old)
            assert not held(pair.m, s.new)
    assert lost_nothing(pair)


def test_leaving_a_server_that_does_not_let_us_set_read_only(pair: Moving, request: pytest.FixtureRequest) -> None:
    engine = request.node.callspec.params["pair"]
    admin = pair.m.source
    if engine not in FOLLOWING:
        pytest.skip("ending others' sessions takes SUPER here, or a provider's procedure")
    spared = (passwords.ADMINISTRATOR, admin.endpoint.account.user, "keeper")
    with keeper(engine, admin, *GRANTS[engine], *FOLLOWING[engine]) as weak:
        spec = replace(pair.m.spec, fence="auto", spared=spared)
        made = Moving(pair.sandbox, pair.journal, replace(pair.m, spec=spec, source=weak), pair.desk, pair.numbers)
        for direction in (Direction.CUTOVER, Direction.ROLLBACK):
            s = made.attempt(direction)
            switch(made.m, s)
            assert shut(made.m, s.old)
            assert not shut(made.m, s.new)
        assert not weak.read_only().clients
        pair.numbers = made.numbers
    assert lost_nothing(pair)
