"""The processes that carry the runs out, and the end of everything they started."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from providers.sandbox.spawner import spawn
from providers.sandbox.supervisor import module_environment
from tests.campaigns.faults.operator import processes_of

_END_S = 30.0

Order = Mapping[str, Any]
Result = dict[str, Any]


class Crew:
    """Workers, each with a pair of its own. Whatever was started ends with the block."""

    def __init__(self, directory: Path, jobs: int, *, keep: bool) -> None:
        self._directory = directory
        self._keep = keep
        self._jobs = jobs
        self._workers: list[subprocess.Popen[bytes]] = []
        self._orders: deque[Order] = deque()
        self._results: queue.Queue[Result | None] = queue.Queue()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._orders.clear()
        # Impatience must not leave anything behind.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        for worker in self._workers:
            # Servers, clients and runners are bound to the worker's life; watchdogs outlive everybody by design.
            worker.kill()
            worker.wait()
        for pid in processes_of("migration.cutover.watchdog", str(self._directory)):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def carry_out(self, orders: Sequence[Order]) -> Iterator[Result]:
        """Have all orders carried out; results in the order in which they come."""
        self._directory.mkdir(parents=True, exist_ok=True)
        self._orders.extend(orders)
        threads = [threading.Thread(target=self._serve, daemon=True) for _ in range(self._jobs)]
        for thread in threads:
            thread.start()
        left = len(threads)
        while left:
            result = self._results.get()
            if result is None:
                left -= 1
            else:
                yield result

    def _serve(self) -> None:
        try:
            worker = self._start()
            while self._orders:
                order = self._orders.popleft()
                result = self._ask(worker, order)
                if result is None:
                    worker = self._start()
                    result = _died(order)
                self._results.put(result)
        except IndexError:
            # Another one took the last order.
            pass
        finally:
            self._results.put(None)

    def _start(self) -> subprocess.Popen[bytes]:
        asked = json.dumps({"directory": str(self._directory), "keep": self._keep})
        with (self._directory / "workers.log").open("ab") as log:
            worker = spawn(
                [sys.executable, "-m", "tests.campaigns.faults.worker", asked],
                cwd=self._directory, output=log, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                environment=module_environment(),
            )  # fmt: skip
        self._workers.append(worker)
        return worker

    def _ask(self, worker: subprocess.Popen[bytes], order: Order) -> Result | None:
        assert worker.stdin is not None
        assert worker.stdout is not None
        try:
            worker.stdin.write(json.dumps(order).encode() + b"\n")
            worker.stdin.flush()
        except BrokenPipeError:
            return None
        line = worker.stdout.readline()
        return json.loads(line) if line else None


def _died(order: Order) -> Result:
    words = "HARNESS: the worker died; see workers.log"
    return {
        "seed": order["seed"], "plan": f"seed {order['seed']}", "pair": "", "kinds": [], "fired": 0, "result": "error",
        "reason": words, "runners": 0, "stall_s": 0.0, "writes": 0, "seconds": 0.0, "problems": [words],
        "directory": "", "repaired": "",
    }  # fmt: skip
