"""Every order of events that the model allows keeps the invariants; every deliberate mistake breaks one."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.model.explore import explore
from tests.model.switch_model import Rules, State

RIGHT = Rules()


def test_nothing_breaks_whatever_dies_where_read_only_is_kept_over_a_restart() -> None:
    found = explore(RIGHT)

    assert not found.broken, "\n".join(found.way)
    assert found.states > 1000


def test_nothing_breaks_without_restarts_of_the_old_side_where_it_is_not_kept() -> None:
    """A server that cannot keep read_only must not be restarted inside the window: the next test shows why."""
    found = explore(replace(RIGHT, persists=False), replace(State(), crashes=0))

    assert not found.broken, "\n".join(found.way)


def test_a_restart_that_forgets_read_only_can_make_two_writers() -> None:
    found = explore(replace(RIGHT, persists=False))

    assert found.broken == "two servers take writes"
    assert "O restarts" in found.way


@pytest.mark.parametrize(
    ("mistake", "breaks"),
    [
        (replace(RIGHT, second_read=False, bystander=True), "an acknowledged write is missing on N"),
        (replace(RIGHT, drains=False), "an acknowledged write is missing on N"),
        (replace(RIGHT, conditional=False), "O was opened again past the point of no return"),
        (replace(RIGHT, obeys_no_return=False), "O was opened again past the point of no return"),
        (replace(RIGHT, kills=False), "clients are left without a server"),
    ],
    ids=["no second read", "no drain", "a sleeper is not barred", "un-fence past no return", "a fence left waiting"],
)
def test_a_wrong_order_is_found(mistake: Rules, breaks: str) -> None:
    found = explore(mistake)

    assert found.broken == breaks, found
    assert found.way
