"""Real journals for the screens: written by the runner's own scribe, at times of our choosing."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path

from migration.check import Finding, Fix, Result, Severity, Verdict
from migration.journal import Journal, Kind, RunnerSeat
from migration.model import Direction, End, MigrationSpec, Outcome, ServerSpec, Side, Stage, Writes
from migration.records import Scribe, part_intent, part_outcome
from migration.sessions import create
from migration.view import ClientView, Condition, FiguresView, LagSample, Option, Plan, PlanItem, RollbackView

SAW = {"content": "content proved equal at the cutover in 3.4 ms, 41 rows read again"}
NOW = 1_795_213_067.0  # 2026-11-20 22:17:47Z
# When the checks were run.
FOUND_AT = NOW - 3500
PLAN_HASH = "9f31c2d0a4b7e6f1"
PARTS = (
    ("block", "block new logins on the source"),
    ("fence", "set the source read-only"),
    ("drain", "wait until the target has everything"),
    ("content", "prove the rows equal"),
    ("promote", "open the target for writes"),
    ("reverse", "replicate back to the source"),
    ("endpoint", "hand over the endpoint"),
)


@dataclass
class Clock:
    """A clock that stands until it is moved; also stands in for the `time` module of a patched room."""

    now: float = NOW

    def __call__(self) -> float:
        return self.now

    def time(self) -> float:
        return self.now


def spec(name: str = "orders-2026-11", environment: str = "prod") -> MigrationSpec:
    return MigrationSpec(
        id=name,
        runbook="mysql_replication",
        environment=environment,
        source=ServerSpec("orders-db", "10.2.0.10", 3306, "migrator", "repl"),
        target=ServerSpec("orders-new", "10.9.0.20", 3306, "migrator", "repl"),
    )


def finding(
    check: str,
    title: str,
    verdict: Verdict = Verdict.PASSED,
    found: str = "ON / ON",
    *,
    severity: Severity = Severity.BLOCKER,
    side: Side = Side.SOURCE,
    remedy: str = "",
    fixes: tuple[Fix, ...] = (),
    evidence: tuple[tuple[str, ...], ...] = (),
    why: str = "Without it the target cannot follow the source.",
) -> Finding:
    result = Result(verdict, found, evidence, remedy, fixes)
    return Finding(check, title, side, severity, why, f"SELECT @@GLOBAL.{check}", result)


BINLOG_FIX = Fix(
    side=Side.SOURCE,
    statement="SET GLOBAL binlog_format = 'ROW'",
    undo="SET GLOBAL binlog_format = 'MIXED'",
    setting="binlog_format",
    was="MIXED",
    becomes="ROW",
    reach="new sessions at once; 14 open ones when they reconnect",
)
KEY_FIX = Fix(
    side=Side.SOURCE,
    statement="ALTER TABLE `crm`.`tags` ADD PRIMARY KEY (`id`)",
    undo="ALTER TABLE `crm`.`tags` DROP PRIMARY KEY",
    setting="primary key of crm.tags",
    was="none",
    becomes="id",
    reach="4118 rows are rewritten; writers of this table wait meanwhile",
    restart=False,
)
FINDINGS = (
    finding(
        "binlog_format",
        "binlog_format is ROW",
        Verdict.FAILED,
        "MIXED",
        remedy="Set it to ROW.",
        fixes=(BINLOG_FIX,),
        evidence=(("variable", "value"), ("binlog_format", "MIXED")),
        why="With MIXED, some statements can produce other rows on the target.",
    ),
    finding(
        "primary_keys",
        "every table has a primary key",
        Verdict.FAILED,
        "2 tables without",
        severity=Severity.WARNING,
        fixes=(KEY_FIX,),
        remedy="Add a primary key, or accept that these tables are compared row by row.",
        evidence=(("schema", "table", "rows"), ("orders", "audit", "120400777"), ("crm", "tags", "4118")),
    ),
    finding("server_ids", "server ids differ", found="1 / 2", side=Side.BOTH),
    finding("gtid_mode", "GTID mode is ON"),
    finding(
        "target_login", "the target can log in to the source", Verdict.UNKNOWN, "no answer in 5 s", side=Side.TARGET
    ),
    finding("versions", "server versions can replicate", found="8.0.36 → 8.4.2", side=Side.BOTH),
    finding("filters", "no replication filters", found="none", side=Side.TARGET),
    finding("read_only", "the target is read-only", found="ON", side=Side.TARGET),
    finding("xa", "no prepared XA transactions", found="0"),
    finding("long_trx", "no transaction is open for long", found="0.4 s", severity=Severity.WARNING),
    finding("triggers", "triggers run once only", Verdict.NOT_APPLICABLE, "row format", severity=Severity.WARNING),
    finding("charset", "character sets are supported", found="412 of 412", severity=Severity.NOTICE),
)
CURED = tuple(
    finding(f.check, f.title, found="ROW" if f.check == "binlog_format" else f.result.found, severity=f.severity)
    if f.result.verdict in (Verdict.FAILED, Verdict.UNKNOWN)
    else f
    for f in FINDINGS
)


def item(
    name: str,
    kind: str,
    stage: Stage,
    title: str,
    *,
    side: Side = Side.TARGET,
    writes: Writes = Writes.ON,
    estimate: float | None = 5.0,
    undo: str = "",
    statements: tuple[str, ...] = (),
) -> PlanItem:
    why = f"So that the target can follow the source: {title}."
    return PlanItem(name, kind, stage, title, side, why, writes, estimate, "measured on the last run", undo, statements)


PLAN = Plan(
    PLAN_HASH,
    "gtid",
    (
        item("accounts", "step", Stage.CREATE, "make the replication accounts", side=Side.BOTH, undo="drop them",
             statements=("CREATE USER 'repl'@'%' IDENTIFIED BY '***'", "GRANT REPLICATION SLAVE ON *.* TO 'repl'@'%'")),
        item("seed", "step", Stage.CREATE, "copy 1,412 tables (412 GB)", side=Side.BOTH, estimate=12_000,
             undo="drop them", statements=("START TRANSACTION WITH CONSISTENT SNAPSHOT",)),
        item("follow", "step", Stage.SYNC, "start replication on the target", undo="stop it",
             statements=("CHANGE REPLICATION SOURCE TO SOURCE_HOST = '10.2.0.10', SOURCE_AUTO_POSITION = 1",
                         "START REPLICA")),
        item("catch_up", "step", Stage.SYNC, "catch up with the source", estimate=600, undo="stop it"),
        item("cutover", "gate", Stage.CUTOVER, "cutover gate", estimate=None),
        item("switch", "switch", Stage.CUTOVER, "fence, drain, prove, promote", side=Side.BOTH, writes=Writes.SWITCH,
             estimate=3, undo="writes back until the line", statements=("SET GLOBAL super_read_only = ON",)),
        item("observe", "gate", Stage.OBSERVE, "observe, then complete or roll back", side=Side.BOTH, estimate=None),
        item("end_reverse", "step", Stage.COMPLETE, "end reverse replication", side=Side.SOURCE, estimate=1,
             statements=("STOP REPLICA", "RESET REPLICA ALL")),
    ),
)  # fmt: skip


@dataclass
class Teller:
    """Tells a migration into a journal, chapter by chapter. Times move with the clock."""

    clock: Clock
    name: str = "orders-2026-11"
    environment: str = "prod"
    path: Path = field(init=False)
    journal: Journal = field(init=False)
    scribe: Scribe = field(init=False)
    seat: RunnerSeat = field(init=False)

    def __post_init__(self) -> None:
        end, self.clock.now = self.clock.now, self.clock.now - 3600
        self.path = create(spec(self.name, self.environment))
        self.journal = Journal(self.path)
        self.scribe = Scribe(self.journal)
        self.seat = RunnerSeat(self.path)
        self.seat.take()
        # The real process id would differ from run to run, in the snapshots too.
        self.journal.append_synced(Kind.RUNNER, "started", {"pid": 4121, "host": "bastion-1"})
        servers = {"version": "8.0.36", "identity": "3e11fa47-71ca-11e1-9e33-c80aa9429562"}
        self.scribe.servers(servers, {**servers, "version": "8.4.2"}, "gtid", False)
        self.scribe.read_only("orders-db", False, True)
        self.clock.now = end

    def close(self) -> None:
        self.seat.release()
        self.journal.close()

    def at(self, before: float) -> Teller:
        """Move to `before` seconds before NOW."""
        self.clock.now = NOW - before
        return self

    def checks(self, findings: tuple[Finding, ...] = FINDINGS) -> Teller:
        self.at(NOW - FOUND_AT)
        self.scribe.stage(Stage.PREPARE)
        for found in findings:
            self.scribe.finding(found)
        self.scribe.gate_opened(
            "checks",
            title="Checks",
            question="go on with these findings?",
            consequence="The plan is made; nothing is changed.",
            word="",
            choices=("confirm", "recheck", "waive", "fix", "undo_fix", "fix_all", "cancel"),
        )
        self.clock.now = NOW
        return self

    def choosing(self) -> Teller:
        """The gate of a runbook whose target is still to be ordered."""
        self.checks(CURED).at(3500)
        self.scribe.gate_passed("checks", 0, "confirm")
        self.scribe.gate_opened(
            "node_class",
            title="class of the nodes",
            question="Which class are its nodes to have?",
            consequence="The provider shows prices on its page for purchases only.",
            word="",
            choices=("confirm", "cancel"),
            options=(
                Option("polar.mysql.x4.large", "4 cores, 16 GB: what the source has"),
                Option("polar.mysql.x4.xlarge", "8 cores, 32 GB: room to grow"),
                Option("polar.mysql.x4.medium", "2 cores, 8 GB: LESS than the source has"),
            ),
        )
        self.clock.now = NOW
        return self

    def plan(self) -> Teller:
        self.checks(CURED).at(3400)
        self.scribe.gate_passed("checks", 0, "confirm")
        self.scribe.plan(PLAN)
        self.scribe.gate_opened(
            "plan",
            title="Plan",
            question="run this plan?",
            consequence="The replica is built; clients go on.",
            word="",
            choices=("confirm", "cancel"),
        )
        self.clock.now = NOW
        return self

    def copy(self) -> Teller:
        self.plan().at(3000)
        self.scribe.gate_passed("plan", 0, "confirm")
        self.scribe.stage(Stage.CREATE)
        self.step("accounts", 2998, 2995, "2 accounts made")
        self.at(2990).scribe.intent("seed", ())
        self.at(1).scribe.progress(
            "seed", done=253_000_000_000, total=412_000_000_000, unit="bytes", note="orders.audit"
        )
        self.clock.now = NOW
        return self

    def step(self, name: str, began: float, ended: float, note: str) -> None:
        self.at(began).scribe.intent(name, ())
        self.at(ended).scribe.outcome(name, Outcome.DONE, note)

    def lag(self, *, held: bool = True, newest: float = 1.8, reading_age: float = 0.4) -> Teller:
        self.copy()
        self.at(1500).scribe.outcome("seed", Outcome.DONE, "1,412 tables, 412 GB")
        self.scribe.stage(Stage.SYNC)
        self.step("follow", 1490, 1489, "both threads run")
        self.step("catch_up", 1480, 1000, "behind by less than 5 s")
        self.at(990).scribe.gate_opened(
            "cutover",
            title="Cutover",
            question="cut over now?",
            consequence="",
            word="orders-db",
            choices=("confirm", "cancel"),
        )
        for second in range(900, 0, -5):
            spike = 5.4 * math.exp(-(((second - 600) / 45) ** 2))
            self.reading(round(1.4 + 0.5 * math.sin(second / 40) + spike, 2), second)
        self.reading(newest, reading_age)
        self.conditions("cutover", held=held)
        self.at(0.5).scribe.clients(
            [
                ClientView("app-eu", "10.2.4.10", 6, 0),
                ClientView("app-us", "10.2.4.11", 4, 0),
                ClientView("cron", "10.2.4.12", 2, 0),
            ]
        )
        self.clock.now = NOW
        return self

    def reading(self, lag_s: float | None, before: float, reason: str = "") -> None:
        self.at(before).scribe.lag(
            LagSample(0, lag_s, False, "position", reason, 2.0, 1710, "transactions", 950.0, 1020.0)
        )

    def conditions(self, gate: str, *, held: bool, before: float = 0.6) -> None:
        self.at(before).scribe.conditions(
            gate,
            [
                Condition(held, "lag below 5 s for 60 s" if held else "lag 7.2 s is above 5 s"),
                Condition(True, "checks run again 40 s ago"),
                Condition(True, "no transaction open for more than 5 s"),
            ],
        )

    def switching(self, done: int = 2, *, direction: Direction = Direction.CUTOVER, number: int = 1) -> Teller:
        """An attempt whose first `done` parts are finished and whose next one runs."""
        old, new = ("orders-db", "orders-new") if direction is Direction.CUTOVER else ("orders-new", "orders-db")
        gate = "cutover" if direction is Direction.CUTOVER else "observe"
        self.at(22).scribe.gate_passed(gate, 0, "confirm")
        self.at(21).scribe.attempt(
            number, direction, old=old, new=new, actor="alice@bastion-1", budget_s=10.0, parts=PARTS
        )
        began = 9.0
        for index, (part, _) in enumerate(PARTS[: done + 1]):
            if part == "promote":
                self.at(began).scribe.no_return(number, "3e11fa47:1-88214407")
            self.at(began).scribe.write(part_intent(number, part, self.clock.now))
            if index < done:
                note = SAW.get(part, "seen on both servers")
                ended = part_outcome(number, part, Outcome.DONE, note, NOW - began, NOW - began + 1.0)
                self.at(began - 1.0).scribe.write(ended)
            began -= 1.0
        self.clock.now = NOW
        return self

    def after(self, *, possible: bool | None = True, until: float | None = None) -> Teller:
        self.lag().switching(len(PARTS))
        self.at(1.9).scribe.attempt_ended(1, "switched", "")
        self.scribe.stage(Stage.OBSERVE)
        self.scribe.read_only("orders-new", True, False)
        self.at(1.8).scribe.figures(FiguresView(842.0, 188_204, 0, 0.0))
        self.observe_gate()
        reason = "the old source follows, nothing has changed in the schema"
        self.at(0.5).scribe.rollback(
            RollbackView(possible, reason if possible else "reverse replication stopped: 1236", None, 0.3, until)
        )
        self.scribe.clients([ClientView("app-eu", "10.2.4.10", 3, 6, 1), ClientView("cron", "10.2.4.12", 2, 0, 2)])
        self.clock.now = NOW
        return self

    def observe_gate(self) -> None:
        self.at(1.7).scribe.gate_opened(
            "observe",
            title="Observe",
            question="complete, or roll back?",
            consequence="Completing ends reverse replication.",
            word="orders-new",
            choices=("roll_back", "complete", "drain_clients"),
        )
        self.at(0.6).scribe.conditions("observe", [Condition(True, "reverse lag below 5 s")])

    def ended(self) -> Teller:
        self.after().at(0.4).scribe.ended(End.COMPLETED, "")
        self.clock.now = NOW
        return self
