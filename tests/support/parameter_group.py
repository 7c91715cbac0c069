"""A provider's switch over a real server."""

from __future__ import annotations

import threading

from providers.mysql.server import Server


class ParameterGroup:
    """What a cloud does: takes the order at once, and carries it out when it gets to it, or never.

    `delay_s`: None for never. `orders`: what was asked for, in order.
    """

    def __init__(self, admin: Server, delay_s: float | None) -> None:
        self.delay_s = delay_s
        self.orders: list[str] = []
        self._admin = admin
        self._wanted = admin.read_only().clients
        self._timers: list[threading.Timer] = []

    def close(self) -> None:
        self._order("ON")

    def open(self) -> None:
        self._order("OFF")

    def closed(self) -> bool | None:
        return self._wanted

    def settled(self) -> None:
        """Wait until every order that is to be carried out was."""
        for timer in self._timers:
            timer.join(10)

    def _order(self, value: str) -> None:
        self.orders.append(value)
        self._wanted = value == "ON"
        if self.delay_s is None:
            return
        self.settled()
        self._timers.append(threading.Timer(self.delay_s, self._admin.change, (f"SET GLOBAL read_only = {value}",)))
        self._timers[-1].start()
