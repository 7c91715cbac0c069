"""Throw faults at switches of real servers, at random moments, and judge what is left.

    python -m tests.campaigns.faults [--runs N] [--seed S] [--jobs J] [--pair NAME] [--kind NAME] [--json FILE]
    python -m tests.campaigns.faults --replay SEED [--times N]

Runs take the seeds from S on; a seed alone decides on a run's plan. After each run: no acknowledged write missing,
never two servers that take writes, no fence longer than its deadline and a second, and a defined end.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.campaigns.faults.crew import Crew
from tests.campaigns.faults.plan import PAIRS, Kind, plan_for
from tests.campaigns.faults.summary import Summary

ROOT = Path(__file__).resolve().parents[3]


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--replay", type=int, help="carry out this seed alone, and keep what it leaves")
    parser.add_argument("--times", type=int, default=1, help="how often to replay it")
    parser.add_argument("--pair", choices=PAIRS, default="", help="this pair only; makes another plan of a seed")
    parser.add_argument("--kind", choices=[kind.value for kind in Kind], default="", help="this fault only; likewise")
    parser.add_argument("--json", type=Path, help="one line of JSON a run goes here")
    parser.add_argument("--keep", type=Path, help="where artefacts go; by default a new temporary directory")
    asked = parser.parse_args(arguments)
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH", "")]))
    # Asked to end, however that is done: everything that was started goes.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    directory = asked.keep or Path(tempfile.mkdtemp(prefix="faults-"))
    seeds = [asked.replay] * asked.times if asked.replay is not None else range(asked.seed, asked.seed + asked.runs)
    orders = [{"seed": seed, "pair": asked.pair, "kind": asked.kind} for seed in seeds]
    # Runs of one pair follow each other, so that servers stay up.
    orders.sort(key=lambda order: list(PAIRS).index(plan_for(**order).pair.name))
    summary = Summary()
    with contextlib.ExitStack() as stack:
        out = stack.enter_context(asked.json.open("w")) if asked.json is not None else None
        crew = stack.enter_context(Crew(directory, asked.jobs, keep=asked.replay is not None))
        with contextlib.suppress(KeyboardInterrupt):
            for ended in crew.carry_out(orders):
                summary.add(ended)
                if out is not None:
                    out.write(json.dumps(ended) + "\n")
                    out.flush()
    summary.tell()
    # Only what was made here goes away here.
    if not summary.failed and asked.replay is None and asked.keep is None:
        shutil.rmtree(directory, ignore_errors=True)
    return 1 if summary.failed or summary.runs < len(orders) else 0


if __name__ == "__main__":
    sys.exit(main())
