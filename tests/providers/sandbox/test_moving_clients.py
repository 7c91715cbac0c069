"""Clients as application servers that are moved one at a time: what they change, and when a server counts as left."""

from __future__ import annotations

from itertools import product

from providers.sandbox.figures import Recorder
from providers.sandbox.workload_clients import ShopSize

MS = 10**6


def test_no_two_clients_change_one_customer_and_each_takes_its_own_in_turn() -> None:
    size = ShopSize(customers=40, products=8, clients=4)
    changed = {client: [size.customer(client, count) for count in range(7, 107, 10)] for client in range(1, 5)}
    for one, other in product(changed, changed):
        assert one == other or not set(changed[one]) & set(changed[other])
    assert all(len(set(found)) == 10 for found in changed.values())
    assert all(1 <= customer <= 40 for found in changed.values() for customer in found)


def test_more_clients_than_customers_have_customers_all_the_same() -> None:
    size = ShopSize(customers=3, products=8, clients=5)
    assert {size.customer(client, 0) for client in range(1, 6)} == {1, 2, 3}


def test_a_server_that_all_have_left_counts_anew_when_they_come_back() -> None:
    seen = Recorder(("source", "target"), 0)
    seen.acknowledged(0, 1 * MS, 2 * MS, 1)
    seen.acknowledged(1, 3 * MS, 4 * MS, 2)
    seen.acknowledged(0, 5 * MS, 6 * MS, 3)
    seen.left(0, 7 * MS)
    seen.acknowledged(1, 8 * MS, 9 * MS, 4)
    seen.acknowledged(0, 10 * MS, 11 * MS, 5)
    found = seen.figures(12 * MS, None, (0,))
    assert [(one.old, one.new) for one in found.switches] == [("source", "target"), ("target", "source")]
    # Nobody stood still, since both took writes for a while.
    assert [one.write_gap_ms for one in found.switches] == [0, 2]
    assert found.both_writable_ms == 1
