"""A process that keeps one pair up and carries out runs on it, one after the other."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import sys
import threading
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from providers.mysql.errors import ServerError
from providers.sandbox import passwords
from providers.sandbox.launcher import ServerFailed
from providers.sandbox.topology import WHICH
from tests.campaigns.faults.bench import Bench, Broken
from tests.campaigns.faults.clients import Clients
from tests.campaigns.faults.plan import Plan, plan_for
from tests.campaigns.faults.run import Ended, run

_BUILDS = 3


class Worker:
    """The pair that is up, and the clients on it."""

    def __init__(self, directory: Path, *, keep: bool) -> None:
        self._directory = directory
        self._keep = keep
        self._bench: Bench | None = None
        self._clients: Clients | None = None
        self._count = 0
        self._last = "the start"

    def run(self, plan: Plan) -> Ended:
        """Carry out one plan, on a new pair where the one that is up is of another kind or cannot go on."""
        began = time.monotonic()
        self._count += 1
        repaired = ""
        try:
            bench, clients, repaired = self._ready(plan)
            directory = self._directory / f"seed-{plan.seed}-{os.getpid()}-{self._count}"
            ended = run(bench, clients, plan, directory, keep=self._keep)
        except (Broken, ServerError, ServerFailed) as error:
            self.close()
            ended = _failed(plan, f"HARNESS: {type(error).__name__}: {error}")
        self._last = plan.line()
        seconds = round(time.monotonic() - began, 2)
        return Ended(**{**asdict(ended), "seconds": seconds, "repaired": repaired})

    def close(self) -> None:
        """Take the pair down."""
        if self._clients is not None:
            self._clients.close()
            self._clients = None
        if self._bench is not None:
            self._bench.close()
            shutil.rmtree(self._bench.run_dir, ignore_errors=True)
            self._bench = None

    def _ready(self, plan: Plan) -> tuple[Bench, Clients, str]:
        why = ""
        if self._bench is not None and self._bench.kind != plan.pair:
            self.close()
        for _ in range(_BUILDS):
            try:
                if self._bench is None:
                    self._build(plan)
                assert self._bench is not None
                assert self._clients is not None
                self._bench.ready(plan.direction)
            except (Broken, ServerError, ServerFailed) as error:
                why = f"after {self._last}: {error}"
                self.close()
            else:
                return self._bench, self._clients, why
        raise Broken(f"no pair of {plan.pair.name} could be made ready: {why}")

    def _build(self, plan: Plan) -> None:
        run_dir = self._directory / f"bench-{os.getpid()}-{time.monotonic_ns()}"
        run_dir.mkdir(parents=True)
        self._bench = Bench(plan.pair, run_dir)
        ports = (self._bench.server(WHICH[0]).port, self._bench.server(WHICH[1]).port)
        self._clients = Clients(ports, passwords.load().application, run_dir)


def _failed(plan: Plan, words: str) -> Ended:
    kinds = tuple(fault.kind.value for fault in plan.faults)
    return Ended(plan.seed, plan.line(), plan.pair.name, kinds, 0, "error", words, 0, 0.0, 0, 0.0, (words,), "", "")


def main() -> None:
    """Plans as lines of JSON on standard input, ends as lines on standard output; ends with its input."""
    asked: dict[str, Any] = json.loads(sys.argv[1])
    worker = Worker(Path(asked["directory"]), keep=bool(asked["keep"]))
    try:
        for line in sys.stdin:
            order = json.loads(line)
            ended = worker.run(plan_for(order["seed"], order["pair"], order["kind"]))
            sys.stdout.write(json.dumps(asdict(ended)) + "\n")
            sys.stdout.flush()
    finally:
        with contextlib.suppress(ServerError):
            worker.close()
    # Threads of faults that still wait for something have nothing left to wait for.
    if threading.active_count() > 1:
        sys.stdout.flush()
        os._exit(0)


if __name__ == "__main__":
    main()
