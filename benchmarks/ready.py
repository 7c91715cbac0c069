"""How long a sandbox takes to be ready: source with data, target that follows it, clients that write.

python benchmarks/ready.py [--runs N] [--pair SOURCE,TARGET ...] [--json FILE]
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

from providers.sandbox import client, engines
from providers.sandbox.spec import TopologySpec

PAIRS = (
    "mariadb-10.11,mariadb-10.11",
    "mysql-5.6,mysql-5.6",
    "mysql-5.7,mysql-5.7",
    "mysql-9.7,mysql-9.7",
    "mysql-5.7,mysql-9.7",
    "mysql-5.6,mysql-9.7",
)


def ready_s(source: str, target: str) -> float:
    began = time.monotonic()
    sandbox = client.start(TopologySpec(source, target, attached=True))
    try:
        sandbox.workload("start")
        while not sandbox.figures().acknowledged_writes:
            time.sleep(0.01)
        return time.monotonic() - began
    finally:
        sandbox.stop()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--pair", action="append")
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as state:
        os.environ["CUTOVER_STATE"] = state
        for pair in asked.pair or PAIRS:
            source, target = pair.split(",")
            engines.provide([source, target], lambda _: None)
            ready_s(source, target)  # the first start of an engine builds its template
            took = [ready_s(source, target) for _ in range(asked.runs)]
            rows.append({"pair": pair, "runs": asked.runs, "median_s": statistics.median(took), "worst_s": max(took)})
            print(f"{pair:32} median {statistics.median(took):5.2f} s  worst {max(took):5.2f} s", flush=True)
    if asked.json is not None:
        asked.json.write_text(json.dumps(rows, indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
