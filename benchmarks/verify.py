"""What it costs to compare two servers: this program beside the servers' own scans, pt-table-checksum and reladiff.

python benchmarks/verify.py [--engine NAME ...] [--rows N] [--rounds N] [--part NAME ...] [--json FILE]
                            [--pt PATH] [--reladiff PATH]

Parts: `costs` (wall and CPU of each method on the same data, in turns), `writer` (a writer's p99 and the replication
lag with and without), `fence` (the proof behind a fence at 5,000 row changes a second, and with 5,000 rows touched),
`tail` (reading the log), `tiny` (1,000 tables), `memory` (all rows changed at once while they are followed). CPU is
that of the servers' processes; all data is in memory.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import verify_peers as peers
import verify_servers as servers
from verify_peers import Cost, measured
from verify_servers import NUM, PADDED, SBTEST, Data

from providers.mysql.binlog.places import log_end, log_start
from providers.sandbox import engines
from tests.support.pairs import Two

ENGINES = ("mariadb-10.11", "mysql-9.7", "mysql-5.7", "mysql-5.6")
PARTS = ("costs", "writer", "fence", "tail", "tiny", "memory")
ANSWER_S = 900.0
OURS = "verification"
HASH = "verification, hash"
_FENCE_ROWS_S = 5000
_TAIL_TRX = 60_000
_TAIL_ROWS = 4
_BATCH = 200


class Helper:
    """A script beside this one in a process of its own, to which lines are sent and which answers each with JSON."""

    def __init__(self, pair: Two, script: str, **order: Any) -> None:
        end = pair.source.endpoint
        ports = [end.port, pair.target.endpoint.port]
        self._process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name(script))],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            env={**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[1])},
        )  # fmt: skip
        self.send(
            json.dumps({"ports": ports, "user": end.account.user, "password": end.account.password.reveal(), **order})
        )

    def send(self, line: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()

    def answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"a helper ended with {self._process.wait(5)}")
        told: dict[str, Any] = json.loads(line)
        return told

    def ask(self, line: str) -> dict[str, Any]:
        self.send(line)
        return self.answer()

    def __enter__(self) -> Helper:
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def verification(pair: Two, work: str, *databases: str, mode: str = "exact") -> Helper:
    return Helper(pair, "verify_run.py", work=work, databases=databases, mode=mode, connections=2)


class Bench:
    """The measurements of one engine."""

    def __init__(self, engine: str, pair: Two, asked: argparse.Namespace, directory: Path) -> None:
        self.engine, self.pair, self.asked, self.directory = engine, pair, asked, directory
        # reladiff asks for MD5(), which MySQL 9.7 does not come with: it would fail at once, and count as a pass.
        alone = engine == "mysql-9.7"
        self.pt = None if alone else peers.command(peers.PT, asked.pt)
        self.reladiff = None if alone else peers.command(peers.RELADIFF, asked.reladiff)
        self.told: dict[str, Any] = {"engine": engine, "rows": asked.rows}

    def costs(self, data: Data) -> None:
        """Every method in turns, the median of each."""
        methods: dict[str, Callable[[], Cost]] = {
            OURS: partial(self._verified, data, "exact"),
            HASH: partial(self._verified, data, "hash"),
        }
        for name, work in peers.scans(self.pair, data).items():
            methods[name] = partial(measured, self.pair, name, work)
        if self.pt:
            methods[peers.PT] = partial(self._tool, peers.PT, peers.pt_command(self.pair, self.pt, data.database))
        if self.reladiff:
            words = peers.reladiff_command(self.pair, self.reladiff, data)
            methods[peers.RELADIFF] = partial(self._tool, peers.RELADIFF, words)
        found: dict[str, list[Cost]] = {name: [] for name in methods}
        with peers.checksums(self.pair):
            for _ in range(self.asked.rounds):
                for name, method in methods.items():
                    if not any(cost.problem for cost in found[name]):
                        found[name].append(method())
        table = [_median(costs) for costs in found.values()]
        self.told[f"costs {data.table}"] = [asdict(cost) for cost in table]
        _show_costs(self.engine, data, table)
        self.told[f"shares {data.table}"] = _show_ratios(table)

    def _verified(self, data: Data, mode: str) -> Cost:
        told: dict[str, Any] = {}

        def work() -> float:
            with verification(self.pair, "once", data.database, mode=mode) as helper:
                told.update(helper.answer())
            return float(told["process_cpu_s"])

        cost = measured(self.pair, OURS if mode == "exact" else HASH, work)
        self.told.setdefault(f"{mode} {data.table}", []).append(told)
        problem = "" if told["verdict"] == "identical" else f"{told['verdict']}: {'; '.join(told['doubts'])}"
        return replace(cost, problem=problem)

    def _tool(self, name: str, words: list[str]) -> Cost:
        try:
            return measured(self.pair, name, lambda: peers.run(words, self.directory / f"{name}.log"))
        except (RuntimeError, subprocess.TimeoutExpired) as error:
            return Cost(name, 0.0, 0.0, 0.0, 0.0, str(error))

    def writer(self) -> None:
        """The writer's p99 and the lag: alone, and with each that compares at the same time, over and over."""
        found: dict[str, Any] = {}
        with self._writing(self.asked.trx, 2, beats=True) as writer, peers.checksums(self.pair):
            for name in (
                "alone",
                OURS,
                *((peers.PT,) if self.pt else ()),
                *((peers.RELADIFF,) if self.reladiff else ()),
            ):
                writer.ask("report")
                work = self._while_writing(name)
                found[name] = {**writer.ask("report"), **work}
                row = found[name]
                print(
                    f"{self.engine:14} writer  {name:20} p50 {row['p50_ms']:7.2f} ms  p99 {row['p99_ms']:7.2f} ms  "
                    f"worst {row['worst_ms']:7.1f} ms  lag p95 {row['lag_p95_s']:.4f} s  "
                    f"worst {row['lag_worst_s']:.3f} s  {row['passes']} passes",
                    flush=True,
                )
        self.told["writer"] = found

    def _while_writing(self, name: str) -> dict[str, Any]:
        end = time.monotonic() + self.asked.seconds
        passes = 0
        if name == OURS:
            with verification(self.pair, "loop", SBTEST.database) as helper:
                helper.answer()
                time.sleep(self.asked.seconds)
                return helper.ask("stop")
        while time.monotonic() < end:
            if name == "alone":
                time.sleep(self.asked.seconds)
                continue
            words = (
                peers.pt_command(self.pair, self.pt or "", SBTEST.database)
                if name == peers.PT
                else peers.reladiff_command(self.pair, self.reladiff or "", SBTEST)
            )
            # Rows differ while replication is behind, which these tools cannot know: how they end does not matter.
            with contextlib.suppress(RuntimeError, subprocess.TimeoutExpired):
                peers.run(words, self.directory / f"{name}.log")
            passes += 1
        return {"passes": passes}

    @contextlib.contextmanager
    def _writing(self, trx: int, each: int, *, beats: bool) -> Iterator[Helper]:
        order = {"table": SBTEST.name, "rows": self.asked.rows, "every_s": 1 / trx, "each": each, "beats": beats}
        with Helper(self.pair, "verify_writer.py", **order) as writer:
            writer.ask("go")
            yield writer
            writer.ask("pause")
        self.pair.caught_up(ANSWER_S)

    def fence(self) -> None:
        """The proof, again and again, with writes in between."""
        found: dict[str, list[dict[str, Any]]] = {"writes": [], "burst": []}
        each = 10
        with (
            self._writing(_FENCE_ROWS_S // each, each, beats=False) as writer,
            verification(self.pair, "fence", SBTEST.database) as helper,
        ):
            helper.answer()
            for number in range(self.asked.proofs):
                time.sleep(1.0)
                helper.ask("prepare")
                writer.ask("pause")
                if number % 2:
                    first = 1 + number * 100
                    self.pair.source.change(
                        f"UPDATE {SBTEST.name} SET k = k + 1 WHERE id BETWEEN {first} AND {first + 4999}"
                    )
                self.pair.caught_up(60)
                found["burst" if number % 2 else "writes"].append(helper.ask("prove"))
                writer.ask("go")
            rate = writer.ask("report")["transactions"] * each / max(1.0, self.asked.proofs)
        for kind, proofs in found.items():
            ms = sorted(proof["ms"] for proof in proofs) or [0.0]
            print(
                f"{self.engine:14} fence   {kind:20} median {statistics.median(ms):7.2f} ms  worst {ms[-1]:7.2f} ms  "
                f"read again {[proof['reread'] for proof in proofs]}  {sorted({proof['verdict'] for proof in proofs})}",
                flush=True,
            )
        self.told["fence"] = {**found, "rows_a_second": rate}

    def tail(self) -> None:
        """Small transactions of four rows, and one of many rows, read off the source's log."""
        found = {}
        for kind in ("small transactions", "one large one"):
            self.pair.source.change("FLUSH LOGS")
            with contextlib.closing(self.pair.source.connect()) as session:
                start = log_start(session).to_json()
                rows = _small(session) if kind == "small transactions" else _large(session, self.asked.rows)
                end = asdict(log_end(session))
            self.pair.caught_up(ANSWER_S)
            with Helper(self.pair, "verify_run.py", work="tail", start=start, end=end, rows=rows) as helper:
                told = helper.answer()
            told["rows_a_second"] = told["rows"] / told["s"]
            told["rows_a_cpu_second"] = told["rows"] / told["cpu_s"]
            print(
                f"{self.engine:14} tail    {kind:20} {told['rows']:,} rows: {told['rows_a_second']:,.0f} rows/s, "
                f"{told['rows_a_cpu_second']:,.0f} rows a CPU second, peak {told['peak_mib']:.0f} MiB",
                flush=True,
            )
            found[kind] = told
        self.told["tail"] = found

    def tiny(self) -> None:
        """A thousand tables of ten rows."""
        servers.load_tiny(self.pair)
        best = None
        for _ in range(self.asked.rounds):
            began = time.monotonic()
            with verification(self.pair, "once", "bench_tiny") as helper:
                told = {**helper.answer(), "process_s": time.monotonic() - began}
            best = min((one for one in (best, told) if one), key=lambda one: one["process_s"])
        assert best is not None
        self.told["tiny"] = best
        print(
            f"{self.engine:14} tiny    1,000 tables: rows read {best['pass_s']:.2f} s, all {best['all_s']:.2f} s, "
            f"as a process {best['process_s']:.2f} s, peak {best['peak_mib']:.0f} MiB, {best['verdict']}",
            flush=True,
        )

    def memory(self) -> None:
        """The whole table in one transaction: far more keys than are kept."""
        with verification(self.pair, "fence", SBTEST.database) as helper:
            helper.answer()
            with contextlib.closing(self.pair.source.connect()) as session:
                _large(session, self.asked.rows)
            self.pair.caught_up(ANSWER_S)
            told = helper.ask("prove")
        self.told["memory"] = told
        print(
            f"{self.engine:14} memory  all {self.asked.rows:,} rows changed: peak {told['peak_mib']:.0f} MiB, proof "
            f"{told['ms']:.0f} ms, {told['reread']:,} rows and {told['redone']} tables read again, {told['verdict']}",
            flush=True,
        )


def _small(session: Any) -> int:
    session.allow_answer_s(ANSWER_S)
    for first in range(0, _TAIL_TRX, _BATCH):
        statements = (
            f"UPDATE {SBTEST.name} SET k = k + 1 WHERE id BETWEEN {4 * n + 1} AND {4 * n + _TAIL_ROWS}"
            for n in (number % 1000 for number in range(first, first + _BATCH))
        )
        session.results(tuple(statements))
    return _TAIL_TRX * _TAIL_ROWS


def _large(session: Any, rows: int) -> int:
    session.allow_answer_s(ANSWER_S)
    session.run(f"UPDATE {SBTEST.name} SET k = k + 1")
    return rows


def _median(costs: list[Cost]) -> Cost:
    """Of each figure by itself."""
    figures = ("wall_s", "source_s", "target_s", "client_s")
    medians = {name: statistics.median(getattr(cost, name) for cost in costs) for name in figures}
    return Cost(costs[0].method, **medians, problem=next((cost.problem for cost in costs if cost.problem), ""))


def _show_costs(engine: str, data: Data, table: list[Cost]) -> None:
    print(f"{engine:14} {data.table:8} {'':20} {'wall s':>7} {'source':>7} {'target':>7} {'client':>7}")
    for cost in table:
        words = f"  {cost.problem}" if cost.problem else ""
        print(
            f"{'':14} {'':8} {cost.method:20} {cost.wall_s:7.2f} {cost.source_s:7.2f} {cost.target_s:7.2f} "
            f"{cost.client_s:7.2f}{words}",
            flush=True,
        )


def _show_ratios(table: list[Cost]) -> dict[str, dict[str, float]]:
    """How many times as much each took as the verification did; below 1: less."""
    ours = table[0]
    found = {}
    for cost in table[1:]:
        if not cost.problem and ours.source_s and ours.wall_s:
            found[cost.method] = {
                "wall": round(cost.wall_s / ours.wall_s, 2),
                "source": round(cost.source_s / ours.source_s, 2),
                "target": round(cost.target_s / max(ours.target_s, 0.001), 2),
            }
    for method, ratios in found.items():
        words = ", ".join(f"{name} {ratio:.2f}" for name, ratio in ratios.items())
        print(f"{'':23} {method} / {ours.method}: {words}", flush=True)
    return found


def measure(engine: str, asked: argparse.Namespace, directory: Path) -> dict[str, Any]:
    """All that was asked for, on one engine."""
    with servers.pair_of(engine, directory / "pair") as pair:
        bench = Bench(engine, pair, asked, directory)
        servers.load(pair, SBTEST, asked.rows)
        if "costs" in asked.part:
            bench.costs(SBTEST)
            for one in (NUM, PADDED):
                servers.load(pair, one, asked.rows)
                bench.costs(one)
        for part in PARTS[1:]:
            if part in asked.part:
                getattr(bench, part)()
        return bench.told


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--engine", action="append", choices=ENGINES)
    parser.add_argument("--rows", type=int, default=2_000_000, help="of the largest table")
    parser.add_argument("--rounds", type=int, default=5, help="of which the median is told")
    parser.add_argument("--seconds", type=float, default=15.0, help="that a writer is watched for")
    parser.add_argument("--trx", type=int, default=200, help="transactions a second of that writer")
    parser.add_argument("--proofs", type=int, default=20, help="behind a fence")
    parser.add_argument("--part", action="append", choices=PARTS)
    parser.add_argument("--pt", default="", help="where pt-table-checksum is, if not on PATH")
    parser.add_argument("--reladiff", default="", help="where reladiff is, if not on PATH")
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    asked.part = asked.part or list(PARTS)
    wanted = asked.engine or list(ENGINES)
    engines.provide(wanted, lambda _: None)
    told, failed = [], 0
    for tool, given in ((peers.PT, asked.pt), (peers.RELADIFF, asked.reladiff)):
        if peers.command(tool, given) is None:
            print(f"{tool} is not installed and not measured")
    for engine in wanted:
        with tempfile.TemporaryDirectory() as directory:
            try:
                told.append(measure(engine, asked, Path(directory)))
            except Exception as error:  # noqa: BLE001 - one engine that fails is told, and the others are measured
                failed += 1
                print(f"{engine:14} FAILED: {type(error).__name__}: {error}", flush=True)
    if asked.json is not None:
        asked.json.write_text(json.dumps(told, indent=1) + "\n")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
