"""What came out of a campaign, run by run and by kind of fault."""

from __future__ import annotations

import statistics
from collections import Counter, defaultdict
from typing import Any

Result = dict[str, Any]


class Summary:
    """Tells each run in a line as it comes, and all of them in a table at the end."""

    def __init__(self) -> None:
        self._results: list[Result] = []

    @property
    def runs(self) -> int:
        return len(self._results)

    @property
    def failed(self) -> int:
        return sum(bool(result["problems"]) for result in self._results)

    def add(self, result: Result) -> None:
        """Take in one run."""
        self._results.append(result)
        hit = "" if result["fired"] else " (not hit)"
        stall = f"stall {result['stall_s'] * 1000:.0f} ms"
        print(f"{result['plan']}: {result['result']}{hit}, {stall}, {result['seconds']:.1f} s", flush=True)
        if result["repaired"]:
            print(f"  a new pair was made: {result['repaired']}", flush=True)
        for problem in result["problems"]:
            print(f"  FAILED {problem}", flush=True)
        if result["problems"]:
            print(f"  replay: --replay {result['seed']}; artefacts: {result['directory']}", flush=True)

    def tell(self) -> None:
        """The table."""
        by_kind: dict[str, list[Result]] = defaultdict(list)
        for result in self._results:
            by_kind[" + ".join(result["kinds"])].append(result)
        print(
            f"\n{'fault':70} {'runs':>5} {'hit':>5} {'failed':>6} {'switched':>8} {'aborted':>7} {'other':>5} stall s"
        )
        for kind, results in sorted(by_kind.items()):
            ends = Counter(result["result"] for result in results)
            other = len(results) - ends["switched"] - ends["aborted"]
            print(
                f"{kind:70} {len(results):5} {sum(bool(r['fired']) for r in results):5} "
                f"{sum(bool(r['problems']) for r in results):6} {ends['switched']:8} {ends['aborted']:7} {other:5} "
                f"{max(r['stall_s'] for r in results):7.2f}"
            )
        seconds = [result["seconds"] for result in self._results] or [0.0]
        repaired = sum(bool(result["repaired"]) for result in self._results)
        print(
            f"{self.runs} runs, {self.failed} failed, {sum(seconds):.0f} s of work, {statistics.mean(seconds):.2f} s a "
            f"run; {repaired} times the pair had to be made anew"
        )
