"""The watchdog of one attempt: lifts the fence when the runner dies, or is late, before the point of no return.

Started by the runner as `python -m migration.cutover.watchdog JOURNAL`, with its orders as lines of JSON on standard
input. The end of that input without a goodbye is the runner's death. The journal decides who may go on: the
watchdog's `lease_expired` and the runner's `no_return` rule each other out, so a runner that was only asleep finds
its way barred when it wakes up.

Past the point of no return the way is forward: where the runner died before it could open the new side, the watchdog
does that, or has the runbook's mover settle it, where it is a provider that opens it. What follows a switch is left to
`cutover resume`.
"""

from __future__ import annotations

import json
import os
import select
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from migration import runbooks
from migration.clients import clients_of
from migration.cutover.attempt import Aborted, Switchover, plan_switch
from migration.cutover.forward import NotForward, go_forward
from migration.cutover.lease import READY
from migration.fences.choose import fence_for
from migration.inbox import Deserted
from migration.journal import Journal, JournalError, RunnerSeat
from migration.model import Direction, MigrationSpec, Positioning, Secrets
from migration.pair_lock import PairLock
from migration.records import Scribe
from migration.runbook import Cloud, CloudFailed, Migration
from migration.sessions import read_spec
from migration.story import Story
from migration.view import LagSample
from providers.mysql.connection import Timeouts
from providers.mysql.errors import ServerError
from providers.mysql.server import Server

_AGAIN_S = 0.05
# A runner that is only late gets this much more than its deadline.
_GRACE_S = 0.3
_TIMEOUTS = Timeouts(connect=1.0, answer=2.0)


class _NobodyDesk:
    """The operator's side, seen from here: nobody can stop the watchdog but the end of a rehearsal."""

    def __init__(self, gone: Callable[[], bool]) -> None:
        self._gone = gone

    def halted(self) -> bool:
        """Never; a rehearsal that was taken down ends the process.

        Raises:
            Deserted: there are no servers any more.
        """
        if self._gone():
            raise Deserted
        return False

    def lag(self) -> LagSample | None:
        """Not measured here."""
        return None


class _Orders:
    """What the runner says on standard input."""

    def __init__(self) -> None:
        self._buffer = b""
        self._dead = False

    def wait(self, seconds: float | None) -> dict[str, Any] | None:
        """The next order; an empty one when the runner has died; None when nothing came in time."""
        deadline = None if seconds is None else time.monotonic() + seconds
        while b"\n" not in self._buffer:
            if self._dead:
                return {}
            left = None if deadline is None else max(0.0, deadline - time.monotonic())
            if not select.select([0], [], [], left)[0]:
                return None
            chunk = os.read(0, 65536)
            self._dead = not chunk
            self._buffer += chunk
        line, _, self._buffer = self._buffer.partition(b"\n")
        order: dict[str, Any] = json.loads(line)
        return order


@dataclass(frozen=True)
class _Watch:
    """What the watchdog needs at hand when it has to act."""

    m: Migration
    s: Switchover
    journal: Journal


def _open(path: Path, order: dict[str, Any]) -> _Watch:
    journal, secrets = Journal(path), Secrets.from_clear(order["secrets"])
    spec = _spec_now(journal)
    source = Server(spec.source.endpoint(secrets.source), order["source"], _TIMEOUTS)
    target = Server(spec.target.endpoint(secrets.target), order["target"], _TIMEOUTS)
    desk = _NobodyDesk(clients_of(spec).gone)
    cloud = _cloud(spec, secrets)
    m = Migration(spec, secrets, source, target, Positioning(order["positioning"]), Scribe(journal), desk, cloud=cloud)
    return _Watch(m, plan_switch(m, int(order["number"]), Direction(order["direction"]), "watchdog"), journal)


def _spec_now(journal: Journal) -> MigrationSpec:
    """The migration with its servers where they are now: some are made, or have moved, on the way."""
    return Story.of(journal.records()).spec or read_spec(journal.path)


def _cloud(spec: MigrationSpec, secrets: Secrets) -> Cloud | None:
    """The provider, where one can make servers read-only."""
    opened = None if spec.cloud is None else runbooks.find(spec.runbook).cloud
    return None if opened is None else opened(spec, secrets)


def _watch(orders: _Orders, watch: _Watch) -> None:
    """Follow the runner's orders until it says goodbye, dies, or lets the fence outlast its deadline."""
    until: float | None = None
    past: Callable[[_Watch], object] = _go_forward
    while True:
        left = None if until is None else until - time.monotonic()
        order = orders.wait(left if left is None else max(0.0, left))
        if order is None:
            until = None
            _lift(watch, "its deadline has passed and the runner has not lifted it")
        elif not order:
            _runner_died(watch, past)
            return
        elif "over" in order:
            return
        elif "lifted" in order:
            until = None
        elif "settles" in order:
            past = _settle
        elif "fenced_s" in order:
            until = time.monotonic() + float(order["fenced_s"]) + _GRACE_S


def _runner_died(watch: _Watch, past: Callable[[_Watch], object]) -> None:
    """Lift the fence; where the point of no return was passed, see to the end by `past`."""
    # With the seat, no new runner starts while we act; one that was quicker looks at the servers itself.
    seat = RunnerSeat(watch.journal.path)
    if not seat.take():
        return
    try:
        if not _lift(watch, "the runner died"):
            _persist(watch, lambda: past(watch))
    finally:
        seat.release()


def _lift(watch: _Watch, why: str) -> bool:
    """Lift the fence; False, with nothing done, where the point of no return has been passed."""
    try:
        if not watch.m.scribe.lease_expired(watch.s.number, why):
            return False
    except JournalError as error:
        # Without the journal nobody can pass the point of no return either, and a fence must not stay up.
        sys.stderr.write(f"{error}\n")
    _persist(watch, fence_for(watch.m, watch.s.old).release)
    return True


def _go_forward(watch: _Watch) -> None:
    lock = PairLock(watch.m.servers)
    try:
        said = go_forward(watch.m, watch.s)
        watch.m.scribe.note(f"the runner died past the point of no return: {said}", "warn")
    finally:
        lock.close()


def _settle(watch: _Watch) -> None:
    runbooks.find(watch.m.spec.runbook).switch.how.settle(watch.m, watch.s)


def _persist(watch: _Watch, act: Callable[[], object]) -> None:
    """Try until it is done: a server that is away comes back, and its clients wait for exactly this."""
    said = ""
    while True:
        try:
            act()
        except (NotForward, Aborted) as error:
            watch.m.scribe.note(str(error), "error")
            return
        except ServerError as error:
            if str(error) != said:
                said = str(error)
                watch.m.scribe.note(f"watchdog: {said}", "error")
            watch.m.desk.halted()
            time.sleep(_AGAIN_S)
        else:
            return


def main(argv: list[str]) -> int:
    """Watch over the attempt named in the first order."""
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    orders = _Orders()
    first = orders.wait(None)
    if not first:
        return 0
    try:
        watch = _open(Path(argv[1]), first)
    except (ServerError, JournalError, CloudFailed) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.buffer.write(READY)
    sys.stdout.flush()
    try:
        _watch(orders, watch)
    except Deserted:
        return 0
    except JournalError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    finally:
        watch.m.source.close()
        watch.m.target.close()
        if watch.m.cloud is not None:
            watch.m.cloud.close()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
