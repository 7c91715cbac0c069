"""The hosts of simulated servers share one port, MySQL's own unless somebody has it."""

from __future__ import annotations

import socket

from providers.sandbox.azure_api.addresses import Addresses


def test_a_port_that_is_taken_is_replaced_for_all_hosts() -> None:
    with socket.create_server(("0.0.0.0", 0)) as taken:
        addresses = Addresses()
        try:
            addresses.port = taken.getsockname()[1]
            first, second = addresses.open(), addresses.open()
            assert first[0] != second[0]
            assert first[1] == second[1] == addresses.port != taken.getsockname()[1]
        finally:
            addresses.close()
