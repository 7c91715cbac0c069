"""Flexible Server's parameter read_only as its provider's switch: what it does to the real server, what it knows."""

from __future__ import annotations

import contextlib
import time
from dataclasses import replace

import pytest

from migration.fences.choose import closing_words, fence_for, shut, write_switch
from migration.fences.provider import ProviderFence
from migration.runbook import ProviderSwitch
from providers.mysql.errors import StatementFailed
from providers.sandbox.api.faults import Fault, Kind
from providers.sandbox.azure_api.faults import Ending
from tests.migration.azure.conftest import FAST, Bench, Rent
from tests.support.waiting import until

SET = "flexible:Configurations_Update"
# How long the simulated service takes for a parameter where a test needs the time between.
SLOW = replace(FAST, parameter=0.6)


def switch_of(one: Bench) -> ProviderSwitch:
    found = write_switch(one.m, one.m.source)
    assert found is not None
    return found


def test_the_server_is_closed_and_opened_by_its_provider(rent: Rent) -> None:
    one = rent()
    assert "provider" in closing_words(one.m, one.m.source)
    with contextlib.closing(fence_for(one.m, one.m.source)) as fence:
        assert isinstance(fence, ProviderFence)
        fence.raise_((), 2.0)
        assert shut(one.m, one.m.source)
        with pytest.raises(StatementFailed, match="read-only"):
            one.m.source.change("INSERT INTO shop.orders VALUES (7, 'closed')")
        fence.release()
    assert not shut(one.m, one.m.source)
    assert switch_of(one) is switch_of(one)


def test_an_order_that_is_under_way_is_not_taken_for_the_end(rent: Rent) -> None:
    one = rent(durations=SLOW)
    switch = switch_of(one)
    # Nothing is known yet: an earlier run may have ordered the opposite.
    assert switch.closed() is None
    switch.close()
    # The parameter still shows the old value.
    assert switch.closed() is None
    assert not one.m.source.read_only().clients
    # A server takes one order at a time, so this one waits for the other.
    switch.open()
    until(lambda: switch.closed() is False, "the order to open it")
    assert not one.m.source.read_only().clients
    assert one.made(SET) >= 2


def test_a_fence_that_is_given_up_while_its_order_is_under_way_ends_open(rent: Rent) -> None:
    one = rent(durations=SLOW)
    fence = ProviderFence(one.m, one.m.source, switch_of(one))
    with contextlib.closing(fence):
        switch_of(one).close()
        fence.release()
    time.sleep(2 * SLOW.parameter)
    assert not one.m.source.read_only().clients


def test_an_order_whose_answer_is_lost_is_not_known_to_have_ended(rent: Rent) -> None:
    one = rent()
    one.simulator.faults.add(Fault(Kind.LOSE, SET))
    with pytest.raises(StatementFailed):
        switch_of(one).close()
    until(lambda: one.m.source.read_only().clients, "the order to be carried out all the same")
    assert switch_of(one).closed() is True
    switch_of(one).open()
    until(lambda: not one.m.source.read_only().clients, "the server to open")


def test_an_order_that_fails_leaves_the_server_as_it_was(rent: Rent) -> None:
    one = rent()
    one.fails(Ending.FAIL, SET, code="InternalServerError", message="It did not work.")
    switch = switch_of(one)
    switch.close()
    assert switch.closed() is None
    assert not one.m.source.read_only().clients


@pytest.mark.parametrize("kind", ["single", "classic"])
def test_the_retired_services_have_no_such_switch(kind: str, rent: Rent) -> None:
    one = rent(kind)
    assert write_switch(one.m, one.m.source) is None


def test_where_the_parameter_is_fixed_there_is_none_either(rent: Rent) -> None:
    one = rent(read_only_parameter=False)
    assert write_switch(one.m, one.m.source) is None
