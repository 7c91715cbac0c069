"""A bridge as a process of its own: `python -m providers.mysql.bridge`, with its orders on standard input.

It says `ready HOST PORT` on standard output when replicas can log in, and what happens later on standard error.
SIGTERM ends it. It exits with 1, and a sentence on standard error, where it cannot start.
"""

from __future__ import annotations

import os
import select
import signal
import sys
import time

from providers.mysql.bridge.listener import Bridge, CannotListen
from providers.mysql.bridge.lock import Lock, Place, Taken
from providers.mysql.bridge.orders import BadOrders, Lifetime, Orders, read_orders
from providers.mysql.errors import ServerError

_LOOK_S = 0.5


def _say(line: str) -> None:
    sys.stderr.write(f"{time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime())} {line}\n")
    sys.stderr.flush()


def _serve(orders: Orders, asked_to_end: int) -> None:
    with Lock(orders.lock) as lock:
        bridge = Bridge(orders, _say)
        host, port = bridge.start()
        lock.tell(Place(os.getpid(), host, port))
        translated = ", ".join(f"{old} to {by}" for old, by in sorted(orders.collations.items()))
        _say(f"listens on {host}:{port} for {orders.new.name} ({orders.new.address}); collations: {translated}")
        sys.stdout.write(f"ready {host} {port}\n")
        sys.stdout.flush()
        ends = [asked_to_end, 0] if orders.lifetime is Lifetime.STARTER else [asked_to_end]
        while orders.as_long_as is None or orders.as_long_as.exists():
            if select.select(ends, [], [], None if orders.as_long_as is None else _LOOK_S)[0]:
                break
        _say("ends")
        bridge.close()


def main() -> int:
    """Carry out the orders on standard input."""
    asked_to_end, asks = os.pipe()
    os.set_blocking(asks, False)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda number, frame: None)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    signal.set_wakeup_fd(asks)
    try:
        _serve(read_orders(sys.stdin.readline()), asked_to_end)
    except (BadOrders, CannotListen, Taken, ServerError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    except OSError as error:
        sys.stderr.write(f"The bridge's lock file cannot be used ({error}); name one in a directory that exists.\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
