"""A verification in a process of its own, for `verify.py`: `python benchmarks/verify_run.py < ORDER`.

The order is one line of JSON: `ports` [source, target], `user`, `password`, `databases`, `mode`, `connections`, `work`.
`once`: from start to end. `loop`: one after the other until a line comes. `fence`: stays up, and proves at each line
`prove`. `tail`: reads the source's log from the place `start` to `end`, in which `rows` rows were changed. Each answer
is a line of JSON.
"""

from __future__ import annotations

import contextlib
import json
import resource
import select
import sys
import time
from collections.abc import Callable
from typing import Any

from migration.verify.model import Mode, Progress, Request, State
from migration.verify.verification import Verification
from providers.mysql.binlog.marks import End, Start
from providers.mysql.binlog.tail import Tail
from providers.mysql.endpoint import Account, Endpoint, Secret, TlsMode

BUDGET_S = 600.0


def cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def peak_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def say(**told: Any) -> None:
    sys.stdout.write(json.dumps(told) + "\n")
    sys.stdout.flush()


def read_once(progress: Progress) -> bool:
    return progress.state in (State.FOLLOWING, State.ENDED)


def once(make: Callable[[], Verification]) -> dict[str, Any]:
    began, used = time.monotonic(), cpu()
    with contextlib.closing(make()) as verification:
        verification.start()
        started = time.monotonic()
        progress = verification.wait(read_once, BUDGET_S)
        read, reading = time.monotonic(), cpu()
        outcome = verification.finish(BUDGET_S)
        return {
            "start_s": started - began,
            "pass_s": read - began,
            "all_s": time.monotonic() - began,
            "pass_cpu_s": reading - used,
            "process_cpu_s": cpu(),
            "peak_mib": peak_mib(),
            "rows": outcome.rows,
            "bytes": progress.bytes_read,
            "verdict": outcome.verdict.value,
            "doubts": sorted({doubt.reason for doubt in outcome.doubts}),
        }


def loop(make: Callable[[], Verification]) -> None:
    passes, used = 0, cpu()
    say(ready=True)
    while not select.select([sys.stdin], [], [], 0)[0]:
        with contextlib.closing(make()) as verification:
            verification.start()
            seen = verification.wait(lambda p: read_once(p) or bool(select.select([sys.stdin], [], [], 0)[0]), BUDGET_S)
            passes += read_once(seen)
    say(passes=passes, cpu_s=cpu() - used)


def fence(make: Callable[[], Verification]) -> None:
    with contextlib.closing(make()) as verification:
        verification.start()
        verification.wait(read_once, BUDGET_S)
        say(ready=True)
        for line in sys.stdin:
            if line.strip() == "prepare":
                verification.prepare_proof()
                say(dirty=verification.progress().dirty)
                continue
            dirty, began = verification.progress().dirty, time.monotonic()
            outcome = verification.prove(began + BUDGET_S)
            took = (time.monotonic() - began) * 1000
            say(
                ms=took, dirty=dirty, reread=outcome.reread, redone=outcome.redone,
                verdict=outcome.verdict.value, found=outcome.found, peak_mib=peak_mib(),
                doubts=sorted({doubt.reason for doubt in outcome.doubts}),
            )  # fmt: skip


def tail(endpoint: Endpoint, order: dict[str, Any]) -> None:
    start, end = Start.from_json(order["start"]), End(**order["end"])
    began, used, events = time.monotonic(), cpu(), 0
    with contextlib.closing(Tail(endpoint, start, lambda base, table: (0,), 4_000_000_001)) as reader:
        while not reader.reached(end) and time.monotonic() - began < BUDGET_S:
            touched = reader.read(1.0)
            events += touched.events if touched is not None else 0
    say(rows=order["rows"], events=events, s=time.monotonic() - began, cpu_s=cpu() - used, peak_mib=peak_mib())


def main() -> int:
    order = json.loads(sys.stdin.readline())
    account = Account(order["user"], Secret(order["password"]))
    ends = [
        Endpoint(name, "127.0.0.1", port, account, TlsMode.DISABLED)
        for name, port in zip(("source", "target"), order["ports"], strict=True)
    ]
    if order["work"] == "tail":
        tail(ends[0], order)
        return 0
    mode = Mode(order["mode"])
    request = Request(
        tuple(order["databases"]), mode=mode, connections=order["connections"], most_running=None, most_lag_s=None
    )

    def make() -> Verification:
        return Verification(ends[0], ends[1], request)

    if order["work"] == "once":
        say(**once(make))
    elif order["work"] == "loop":
        loop(make)
    else:
        fence(make)
    return 0


if __name__ == "__main__":
    sys.exit(main())
