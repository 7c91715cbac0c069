"""A provider's switch over a real server: slow, and not always as good as its word."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator

import pytest

from migration.fences import FenceBlocked, FenceDown
from migration.fences.provider import ProviderFence
from providers.mysql.errors import StatementFailed
from tests.migration.fences.lab import Place, here, place, writing
from tests.support.parameter_group import ParameterGroup

__all__ = ["here"]

COUNT = "SELECT COUNT(*) FROM shop.notes"
SLOW_S = 0.2
BOUND_S = 0.1


@pytest.fixture(scope="module")
def standing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with place("mysql-5.7", tmp_path_factory.mktemp("fence")) as found:
        yield found


class Refusing(ParameterGroup):
    def close(self) -> None:
        super().close()
        raise StatementFailed("cloud", "The instance is being modified; try again later.")


@contextlib.contextmanager
def fence(
    at: Place, switch: ParameterGroup, opens_within_s: float = 10.0, lead_s: float = 10.0
) -> Iterator[ProviderFence]:
    try:
        with contextlib.closing(
            ProviderFence(at.m, at.server, switch, opens_within_s=opens_within_s, lead_s=lead_s)
        ) as made:
            yield made
    finally:
        switch.settled()
        at.admin.change("SET GLOBAL read_only = OFF")


def test_it_is_up_when_the_server_says_so_and_not_before(here: Place) -> None:
    switch = ParameterGroup(here.admin, SLOW_S)
    with writing(here.admin.endpoint) as writer, fence(here, switch) as raised:
        (count,) = raised.raise_((COUNT,), BOUND_S)
        assert here.admin.read_only().clients
        writer.is_kept_out()
        assert raised.prove((COUNT,)) == (count,)
        raised.release()
        writer.writes()
        with pytest.raises(FenceDown):
            raised.prove(())
        raised.release()
        here.nothing_lost(writer)
    assert switch.orders == ["ON", "OFF"]


def test_a_provider_that_says_yes_and_does_nothing_is_not_believed(here: Place) -> None:
    switch = ParameterGroup(here.admin, None)
    with writing(here.admin.endpoint) as writer, fence(here, switch, lead_s=0.3) as raised:
        began = time.monotonic()
        with pytest.raises(FenceBlocked, match=r"takes writes 0\.3 s after"):
            raised.raise_((), 0.1)
        assert time.monotonic() - began < 5
        writer.writes()
    assert switch.orders == ["ON", "OFF"]


def test_a_provider_that_refuses_is_asked_to_open_again(here: Place) -> None:
    """Whether a refused order is carried out later, nobody knows."""
    with writing(here.admin.endpoint) as writer, fence(here, Refusing(here.admin, SLOW_S)) as raised:
        with pytest.raises(FenceBlocked, match="being modified"):
            raised.raise_((), BOUND_S)
        assert not here.admin.read_only().clients
        writer.writes()


def test_a_server_that_stays_closed_is_told_to_the_operator(here: Place) -> None:
    switch = ParameterGroup(here.admin, SLOW_S)
    with fence(here, switch, opens_within_s=0.3) as raised:
        raised.raise_((), BOUND_S)
        switch.settled()
        switch.delay_s = None
        with pytest.raises(StatementFailed, match="provider's console"):
            raised.release()


def test_a_fence_that_was_opened_by_somebody_else_is_down(here: Place) -> None:
    with fence(here, ParameterGroup(here.admin, SLOW_S)) as raised:
        raised.raise_((), BOUND_S)
        here.admin.change("SET GLOBAL read_only = OFF")
        with pytest.raises(FenceDown, match="find out who opened it"):
            raised.prove(())
