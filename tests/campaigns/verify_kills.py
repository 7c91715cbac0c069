"""Kill a verification at random moments and resume it; cut its connections, restart its servers, purge its logs.

    python -m tests.campaigns.verify_kills [--runs N] [--seed S] [--pair NAME] [--fault NAME] [--json FILE]

Runs take the seeds from S on; a seed decides on a run's plan. Rows that differ are planted at random: each run must
find exactly those, count each row once where nobody writes, and say why where it cannot prove. Of 100 runs, each takes
some seven seconds on two cores, beside half a minute for the servers: `--runs 20` takes three minutes.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from itertools import groupby
from pathlib import Path

from tests.campaigns.verify_scene import PAIRS, Ended, Fault, Scene, plan_for

ROOT = Path(__file__).resolve().parents[2]


def carry_out(seeds: Sequence[int], pair: str, fault: str, directory: Path) -> Iterator[Ended]:
    """Every seed's run; those of one pair follow each other, so that servers stay up."""
    plans = sorted((plan_for(seed, pair, fault) for seed in seeds), key=lambda plan: plan.pair)
    for name, group in groupby(plans, key=lambda plan: plan.pair):
        with Scene.on(name, directory / name) as scene:
            for plan in group:
                yield scene.run(plan)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--pair", choices=PAIRS, default="", help="this pair only")
    parser.add_argument("--fault", choices=[fault.value for fault in Fault], default="", help="this fault only")
    parser.add_argument("--json", type=Path, help="one line of JSON a run goes here")
    asked = parser.parse_args(arguments)
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH", "")]))
    seeds = range(asked.seed, asked.seed + asked.runs)
    runs = failed = 0
    with contextlib.ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="verify-kills-")))
        out = stack.enter_context(asked.json.open("w")) if asked.json is not None else None
        for ended in carry_out(seeds, asked.pair, asked.fault, directory):
            runs += 1
            failed += bool(ended.problems)
            print(ended.line(), flush=True)
            if out is not None:
                out.write(json.dumps(asdict(ended)) + "\n")
                out.flush()
    print(f"{runs - failed} passed, {failed} failed")
    return 1 if failed or runs < asked.runs else 0


if __name__ == "__main__":
    sys.exit(main())
