"""A runner that fences the source under a lease and then does nothing more: `python -m … JOURNAL [PARTS]`.

PARTS: `fenced` (default) or `returned`, past the point of no return with the target still closed.
"""

from __future__ import annotations

import json
import signal
import sys
from pathlib import Path

from migration.cutover.attempt import parts, plan_switch
from migration.cutover.lease import Lease
from migration.fences.read_only import ReadOnlyFence
from migration.journal import RunnerSeat
from migration.model import Direction, Secrets
from migration.sessions import read_spec
from tests.support.moving import QuietDesk, migration_over


def main() -> None:
    path, upto = Path(sys.argv[1]), sys.argv[2]
    secrets = Secrets.from_clear(json.loads(sys.stdin.readline()))
    seat = RunnerSeat(path)
    assert seat.take()
    m = migration_over(path, read_spec(path), secrets, QuietDesk())
    s = plan_switch(m, 1, Direction.CUTOVER, "fencer")
    m.scribe.attempt(1, s.direction, old=s.old.name, new=s.new.name, actor=s.actor, budget_s=2.0, parts=parts(m))
    with Lease(m, s) as lease:
        lease.armed()
        lease.fenced(float(sys.argv[3]))
        fence = ReadOnlyFence(m, s.old)
        fence.raise_((), 1.0)
        if upto == "no_return":
            assert m.scribe.no_return(1, "here")
        sys.stdout.write("there\n")
        sys.stdout.flush()
        sys.stdin.readline()
        sys.stdout.write(f"no_return {m.scribe.no_return(1, 'too late')}\n")
        sys.stdout.flush()
        signal.pause()


if __name__ == "__main__":
    main()
