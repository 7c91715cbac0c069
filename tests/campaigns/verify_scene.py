"""What a run of verify_kills consists of: a plan made by its seed, the tables, the process, the fault and the judge."""

from __future__ import annotations

import contextlib
import json
import random
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Any

from migration.verify.model import Difference, Kind, Outcome, State, Verdict
from providers.mysql import replication
from providers.mysql.connection import Connection
from providers.mysql.errors import ServerError
from providers.mysql.gtid import GtidSet
from providers.mysql.position import FilePosition, Position
from tests.migration.verify.following import amiss, unlogged
from tests.support.pairs import Two, two
from tests.support.proxy import Hole, Proxy
from tests.support.waiting import until

DATABASE = "kills"
PAIRS: dict[str, tuple[str, str, type[Position]]] = {
    "mariadb-10.11": ("mariadb-10.11", "mariadb-10.11", GtidSet),
    "mysql-9.7": ("mysql-9.7", "mysql-9.7", GtidSet),
    "mysql-5.7": ("mysql-5.7", "mysql-5.7", GtidSet),
    "mysql-5.6/file": ("mysql-5.6", "mysql-5.6", FilePosition),
    "5.6-to-9.7": ("mysql-5.6", "mysql-9.7", GtidSet),
}
_OPTIONS = "ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci"
_ROWS = 8192
_PAD = "REPEAT(CONCAT('pad', id), 20)"
# By name: the key's columns, and how a row of a number is made.
_TABLES: dict[str, tuple[str, str]] = {
    "ints": ("id BIGINT NOT NULL PRIMARY KEY", "id"),
    "words": ("id VARCHAR(20) NOT NULL PRIMARY KEY", "CONCAT('w', LPAD(id, 6, '0'))"),
    "two": ("id INT NOT NULL, part INT NOT NULL DEFAULT 5, PRIMARY KEY (id, part)", "id"),
    "states": ("id INT NOT NULL, UNIQUE KEY (id)", "id"),
}
_RATE_MIB_S = 6.0
_LONG_S = 60.0
_SHORT_S = 0.4
_MOST_PROCESSES = 8


class Fault(StrEnum):
    """What happens to a verification."""

    KILLED = "killed"
    CUT = "connections cut"
    SILENT = "network silent"
    RESTARTED = "server restarted"
    SERVER_KILLED = "server killed"
    PURGED = "log purged"


# After these a verification may say that it could not prove, if it says why; begun again it has to come to an end.
_EXCUSED = frozenset({Fault.CUT, Fault.SILENT, Fault.RESTARTED, Fault.SERVER_KILLED, Fault.PURGED})


@dataclass(frozen=True)
class Plan:
    """What is done in a run. `moments`: shares of the pass, above 1 once all rows were read. `planted`: how many."""

    seed: int
    pair: str
    fault: Fault
    moments: tuple[float, ...]
    writes: bool
    planted: int
    on_target: bool

    def line(self) -> str:
        side = "target" if self.on_target else "source"
        at = ", ".join(f"{moment:.2f}" for moment in self.moments)
        words = f"{self.fault.value} at {at} ({side})"
        return f"seed {self.seed} {self.pair}: {words}, {self.planted} planted, {'' if self.writes else 'no '}writes"


def plan_for(seed: int, pair: str = "", fault: str = "") -> Plan:
    """The plan of a seed; of this pair and fault only where they are named."""
    rng = random.Random(seed)
    chosen = rng.choice(list(PAIRS))
    kind = rng.choices(list(Fault), weights=[6, 2, 1, 2, 2, 2])[0]
    kind = Fault(fault) if fault else kind
    count = rng.randrange(1, 5) if kind is Fault.KILLED else 1
    moments = tuple(sorted(rng.uniform(0.0, 1.2) for _ in range(count)))
    planted = rng.choice((0, 0, 1, 5, 40))
    return Plan(seed, pair or chosen, kind, moments, rng.random() < 0.5, planted, rng.random() < 0.5)


@dataclass(frozen=True)
class Ended:
    """How a run went. `told`: how each process ended, in order."""

    plan: Plan
    told: tuple[str, ...]
    problems: tuple[str, ...]
    seconds: float

    def line(self) -> str:
        words = "; ".join(self.problems) if self.problems else "ok"
        return f"{self.plan.line()}: {words} [{' > '.join(self.told)}] {self.seconds:.1f} s"


class Process:
    """A verification's process, and what it has said so far."""

    def __init__(self, order: dict[str, Any]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.campaigns.verify_process"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        self.began = time.monotonic()
        self.share = 0.0
        self.state = ""
        self.outcome: Outcome | None = None
        self.failed = ""
        self._send(json.dumps(order))
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def ended(self) -> bool:
        return self._process.poll() is not None

    def reached(self, moment: float) -> bool:
        """Whether this share of the rows is read; above 1: all are, and some time has passed."""
        if self.ended:
            return True
        if self.state in (State.FOLLOWING.value, State.ENDED.value):
            return moment <= 1 or time.monotonic() - self.began > moment
        return moment <= 1 and self.state != "" and self.share >= moment

    def finish(self) -> None:
        """Ask it to come to an end."""
        with contextlib.suppress(BrokenPipeError):
            self._send("finish")

    def wait(self, seconds: float) -> str:
        """Wait for its end; how it ended, in words."""
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            return "HANGS"
        self._reader.join(5)
        if self.outcome is not None:
            reasons = "; ".join(doubt.reason for doubt in self.outcome.doubts if doubt.unproved)
            return f"{self.outcome.verdict.value}{f' ({reasons})' if reasons else ''}"
        assert self._process.stderr is not None
        return f"failed: {self.failed or self._process.stderr.read()[-600:]}"

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()
        self._reader.join(5)

    def _send(self, line: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            # A process that is killed may leave half a line.
            with contextlib.suppress(ValueError):
                word, *rest = json.loads(line)
                if word == "progress":
                    self.state, self.share = rest[0], rest[1] / rest[2] if rest[2] else 0.0
                elif word == "outcome":
                    self.outcome = Outcome.from_json(rest[0])
                else:
                    self.failed = rest[0]


class Writer:
    """Writes to rows that nothing is planted in, until it is told to stop; connects again where it has to."""

    def __init__(self, pair: Two) -> None:
        self._pair = pair
        self._over = threading.Event()
        self._rng = random.Random(0)
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._over.set()
        self._thread.join(_LONG_S)

    def _work(self) -> None:
        while not self._over.is_set():
            with contextlib.suppress(ServerError), contextlib.closing(self._pair.source.connect()) as session:
                while not self._over.wait(0.005):
                    self._write(session)
            self._over.wait(0.1)

    def _write(self, session: Connection) -> None:
        number = self._rng.randrange(1, _ROWS // 2) * 2 + 1
        session.run(f"UPDATE {DATABASE}.ints SET n = n + 1 WHERE id = {number}")
        session.run(f"UPDATE {DATABASE}.words SET n = n + 1 WHERE id = 'w{number:06d}'")


@dataclass
class Scene:
    """A pair of servers with tables, proxies before both, on which one run follows the other."""

    pair: Two
    roads: tuple[Proxy, Proxy]
    directory: Path
    numbers: int = field(default=0)

    @classmethod
    @contextlib.contextmanager
    def on(cls, name: str, directory: Path) -> Iterator[Scene]:
        source, target, kind = PAIRS[name]
        with two(source, target, directory, kind) as pair, contextlib.ExitStack() as stack:
            pair.attach()
            _make(pair)
            ends = [server.endpoint for server in (pair.source, pair.target)]
            roads = [stack.enter_context(Proxy((end.host, end.port))) for end in ends]
            yield cls(pair, (roads[0], roads[1]), directory)

    def run(self, plan: Plan) -> Ended:
        """One run. The tables are as before afterwards."""
        began = time.monotonic()
        self.numbers += 1
        state = self.directory / f"state-{self.numbers}"
        planted = plant(self.pair, plan)
        writer = Writer(self.pair) if plan.writes else None
        try:
            told, problems = self._drive(plan, state, planted)
        except AssertionError as error:
            told, problems = [], [f"the run itself failed: {error}"]
        finally:
            if writer is not None:
                writer.stop()
            for road in self.roads:
                road.heal()
            heal(self.pair, planted)
        return Ended(plan, tuple(told), tuple(problems), round(time.monotonic() - began, 1))

    def _drive(self, plan: Plan, state: Path, planted: list[Difference]) -> tuple[list[str], list[str]]:
        told: list[str] = []
        moments = list(plan.moments)
        for _ in range(_MOST_PROCESSES):
            process = Process(self._order(state))
            try:
                if moments:
                    moment = moments.pop(0)
                    until(partial(process.reached, moment), "the moment", _LONG_S)
                    if self._strike(plan, process):
                        told.append("killed")
                        continue
                process.finish()
                told.append(process.wait(_LONG_S + 30))
            finally:
                process.kill()
            problems, again = judge(plan, process.outcome, told[-1], planted)
            if plan.fault is Fault.PURGED and len(told) == 1 and not again:
                problems.append(f"its log was purged, and it says {told[0]}")
            if problems or not again:
                return told, problems
            if plan.fault is Fault.PURGED:
                # What was purged is not there for the next one either: it begins anew.
                state = state.with_name(state.name + "-anew")
        return told, ["no end was reached"]

    def _order(self, state: Path) -> dict[str, Any]:
        ports = [road.port for road in self.roads]
        return {"ports": ports, "databases": [DATABASE], "state": str(state), "rate": _RATE_MIB_S, "budget_s": _LONG_S}

    def _strike(self, plan: Plan, process: Process) -> bool:
        """Let the fault happen; whether the process is gone by it."""
        road = self.roads[plan.on_target]
        server = self.pair.sandbox[plan.on_target]
        if plan.fault is Fault.KILLED:
            process.kill()
            return True
        if plan.fault is Fault.CUT:
            road.cut()
        elif plan.fault is Fault.SILENT:
            road.blackhole(Hole.BOTH)
            time.sleep(_SHORT_S)
            road.heal()
        elif plan.fault in (Fault.RESTARTED, Fault.SERVER_KILLED):
            server.stop() if plan.fault is Fault.RESTARTED else server.kill()
            server.start()
            self._follow_again()
        else:
            self._purge(plan)
        return False

    def _follow_again(self) -> None:
        """The target follows again, where its server does not begin to by itself."""
        for server in (self.pair.source, self.pair.target):
            # A question opens a session again that broke; a change would not.
            server.rows("SELECT 1")
        with contextlib.suppress(ServerError):
            self.pair.target.change(self.pair.target.dialect.start_replica)
        replication.wait_running(self.pair.target, _LONG_S)

    def _purge(self, plan: Plan) -> None:
        """Take logs away that hold what the verification has not read."""
        server = self.pair.target if plan.on_target else self.pair.source
        road = self.roads[plan.on_target]
        road.refuse()
        road.cut()
        self.pair.source.change(f"UPDATE {DATABASE}.ints SET n = n + 1 WHERE id % 2 = 1 LIMIT 100")
        self.pair.caught_up(_LONG_S)
        server.change("FLUSH LOGS")

        def gone() -> bool:
            self.pair.source.change(f"UPDATE {DATABASE}.ints SET n = n + 1 WHERE id = 1")
            self.pair.caught_up(_LONG_S)
            logs = [str(row[0]) for row in server.rows("SHOW BINARY LOGS")]
            # A session that still sends a log keeps it from being purged, until it notices that nobody is there.
            server.change(f"PURGE BINARY LOGS TO '{logs[-1]}'")
            return len(server.rows("SHOW BINARY LOGS")) == 1

        until(gone, "the logs are gone", _LONG_S)
        road.heal()


def judge(plan: Plan, outcome: Outcome | None, words: str, planted: list[Difference]) -> tuple[list[str], bool]:
    """What is wrong with how a process ended, and whether another has to be started for an answer."""
    if outcome is None:
        excused = plan.fault in _EXCUSED and words.startswith("failed: ") and "Traceback" not in words
        return ([], True) if excused else ([words], False)
    if outcome.verdict is Verdict.UNPROVED:
        reasons = [doubt.reason for doubt in outcome.doubts if doubt.unproved]
        if not reasons:
            return ["could not prove, and does not say why"], False
        if plan.fault in _EXCUSED:
            return [], True
        return [f"could not prove: {reasons}"], False
    problems = amiss(outcome.differences, planted)
    if outcome.verdict is not (Verdict.DIFFERENT if planted else Verdict.IDENTICAL):
        problems.append(f"{outcome.verdict.value}, with {len(planted)} planted")
    expected = _ROWS * len(_TABLES)
    if plan.fault is Fault.KILLED and not plan.writes and not planted and outcome.rows != expected:
        problems.append(f"{outcome.rows} rows counted of {expected}")
    return problems, False


def _make(pair: Two) -> None:
    with contextlib.closing(pair.source.connect()) as session:
        session.run(f"CREATE DATABASE {DATABASE} CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci")
        session.run(f"CREATE TABLE {DATABASE}.numbers (id INT NOT NULL PRIMARY KEY) {_OPTIONS}")
        session.run(f"INSERT INTO {DATABASE}.numbers VALUES (1)")
        for power in range(_ROWS.bit_length() - 1):
            session.run(f"INSERT INTO {DATABASE}.numbers SELECT id + {1 << power} FROM {DATABASE}.numbers")
        for name, (key, made) in _TABLES.items():
            session.run(f"CREATE TABLE {DATABASE}.{name} ({key}, n INT NOT NULL, pad VARCHAR(300)) {_OPTIONS}")
            session.run(f"INSERT INTO {DATABASE}.{name} (id, n, pad) SELECT {made}, 0, {_PAD} FROM {DATABASE}.numbers")
        session.run(f"DROP TABLE {DATABASE}.numbers")
    pair.caught_up(_LONG_S)


def plant(pair: Two, plan: Plan) -> list[Difference]:
    """Let rows differ: even numbers, which nobody writes to."""
    rng = random.Random(plan.seed)
    chosen = sorted({(rng.choice(list(_TABLES)), rng.randrange(1, _ROWS // 2) * 2) for _ in range(plan.planted)})
    made = []
    with unlogged(pair.target) as session:
        for table, number in chosen:
            shown = f"w{number:06d}" if table == "words" else str(number)
            key = (("id", shown), ("part", "5")) if table == "two" else (("id", shown),)
            if rng.random() < 0.5:
                session.run(f"UPDATE {DATABASE}.{table} SET pad = 'planted' WHERE id = '{shown}'")
                made.append(Difference((DATABASE, table), Kind.CHANGED, key, ("pad",)))
            else:
                session.run(f"DELETE FROM {DATABASE}.{table} WHERE id = '{shown}'")
                made.append(Difference((DATABASE, table), Kind.MISSING, key))
    return made


def heal(pair: Two, planted: list[Difference]) -> None:
    """Make the rows equal again."""
    with unlogged(pair.target) as session:
        for one in planted:
            shown = one.key[0][1]
            pad = f"REPEAT('pad{int(shown.lstrip('w'))}', 20)"
            session.run(f"REPLACE INTO {one.table[0]}.{one.table[1]} (id, n, pad) VALUES ('{shown}', 0, {pad})")
