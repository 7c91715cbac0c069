"""The records of the journal, by kind: the one place that knows what a record's body holds.

===============  ==================  =========================================================
kind             subject             body
===============  ==================  =========================================================
created          migration id        `MigrationSpec.to_json()`
runner           started | stopped   pid, host; reason
servers          ""                  source, target: {version, identity}; positioning; armed
placed           source | target     name, host, port: where that server is from now on; user where it is another
stage            stage               rewound: whether later items are to be done again
finding          check id            `Finding.to_json()`
plan             hash                positioning, items: list of `PlanItem` mappings
gate_opened      gate id             title, question, consequence, word, choices, options: [[value, meaning]], why,
                                     guide: {undo, mistakes} or None
gate_passed      gate id             decision (seq), choice; chosen (the value of an option)
gate_locked      gate id             why
decision         gate or check id    choice, typed, reason, shown (actor: who decided)
refused          gate or check id    decision (seq), why
seat_asked       open | take | offer terminal, pid; to: the terminal it is offered to (actor: who asks)
seat             taken | offered     who, terminal, pid; taken: how; offered: by
intent           step id             statements; attempt (number, parts of a switch only)
statement        server name         step, sql, thread_id (the server's id of the session)
outcome          step id             outcome, note; undone; attempt, began, ended (parts of a switch only)
attempt          number              direction, old, new, actor, budget_s, parts: [[id, title]]
no_return        number              position
return           number              why: an armed new side stayed closed, and the old one is opened again
lease_expired    number              why (written by the watchdog; rules no_return out, and the other way round)
attempt_ended    number              result (switched | aborted | unknown), reason
fix              check id            state (applying | applied | undoing | undone | creating/created again), fix (`Fix`)
measured         attempt | final     `FiguresView` mapping
note             info | warn | error text
ended            end                 note
===============  ==================  =========================================================

Samples, by kind: `lag` (`LagSample` mapping without `at`), `progress` (step, done, total, unit, note),
`conditions` (gate, conditions: [[ok, text]]), `rollback` (possible, reason, lag_s, until), `clients` (rows:
[[user, host, on_source, on_target, idle]]), `servers` (primary, source_read_only, target_read_only).
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from migration.check import Finding, Fix
from migration.journal import Entry, Journal, Kind
from migration.model import Direction, End, Outcome, Side, Stage, Writes
from migration.view import (
    ClientView,
    Condition,
    FiguresView,
    Guide,
    LagSample,
    Option,
    Plan,
    PlanItem,
    RollbackView,
)


def part_intent(number: int, part: str, at: float) -> Entry:
    """A part of an attempt is about to act."""
    return Entry(Kind.INTENT, part, {"attempt": number, "statements": []}, at)


def part_outcome(number: int, part: str, outcome: Outcome, note: str, began: float, ended: float) -> Entry:
    """What a part of an attempt observed, with its own clock readings (seconds since the epoch)."""
    body = {"attempt": number, "outcome": outcome.value, "note": note, "began": began, "ended": ended}
    return Entry(Kind.OUTCOME, part, body, ended)


def statement_entry(server: str, step: str, sql: str, thread_id: int) -> Entry:
    """A statement that changes a server is about to be sent; `thread_id` is the server's number of its session."""
    return Entry(Kind.STATEMENT, server, {"step": step, "sql": sql, "thread_id": thread_id}, time.time())


def read_plan(plan_hash: str, body: Mapping[str, Any]) -> Plan:
    """Read what `Scribe.plan` wrote."""
    items = tuple(
        PlanItem(
            id=item["id"],
            kind=item["kind"],
            stage=Stage(item["stage"]),
            title=item["title"],
            side=Side(item["side"]),
            why=item["why"],
            writes=Writes(item["writes"]),
            estimate_s=item["estimate_s"],
            basis=item["basis"],
            undo=item["undo"],
            statements=tuple(item["statements"]),
            guide=read_guide(item),
        )
        for item in body["items"]
    )
    return Plan(plan_hash, body["positioning"], items)


def read_guide(body: Mapping[str, Any]) -> Guide | None:
    """The guide of a plan's item or of a gate; None in journals that are older than guides."""
    found = body.get("guide")
    return None if found is None else Guide(**found)


class Scribe:
    """Writes the runner's records. What a later step relies on is synced to disk before it returns."""

    def __init__(self, journal: Journal) -> None:
        self.journal = journal

    def runner_started(self) -> None:
        """The process that writes this is the runner now."""
        self.journal.append_synced(Kind.RUNNER, "started", {"pid": os.getpid(), "host": socket.gethostname()})

    def runner_stopped(self, reason: str) -> None:
        """The runner leaves, and why."""
        self.journal.append_synced(Kind.RUNNER, "stopped", {"pid": os.getpid(), "reason": reason})

    def servers(self, source: dict[str, str], target: dict[str, str], positioning: str, armed: bool | None) -> None:
        """Who the two servers are (`version`, `identity`), how positions are named, and whether to arm the new side.

        The last three are empty, or None, while there is no target.
        """
        body = {"source": source, "target": target, "positioning": positioning, "armed": armed}
        self.journal.append(Kind.SERVERS, "", body)

    def placed(self, side: Side, name: str, host: str, port: int, user: str = "") -> None:
        """Where a server is from now on: one that was created, or whose address was exchanged.

        `user`: how the administrator logs in there, empty where that is as before.
        """
        body = {"name": name, "host": host, "port": port}
        self.journal.append_synced(Kind.PLACED, side.value, body | ({"user": user} if user else {}))

    def stage(self, stage: Stage) -> None:
        """A stage begins."""
        self.journal.append(Kind.STAGE, stage.value, {"rewound": False})

    def rewind(self, stage: Stage) -> None:
        """Back to a stage: everything from it on is to be done again."""
        self.journal.append_synced(Kind.STAGE, stage.value, {"rewound": True})

    def finding(self, finding: Finding) -> None:
        """What a check found."""
        self.journal.append(Kind.FINDING, finding.check, finding.to_json())

    def plan(self, plan: Plan) -> None:
        """The plan as it will be run."""
        body = {"positioning": plan.positioning, "items": [asdict(item) for item in plan.items]}
        self.journal.append_synced(Kind.PLAN, plan.hash, body)

    def gate_opened(
        self,
        gate: str,
        *,
        title: str,
        question: str,
        consequence: str,
        word: str,
        choices: Sequence[str],
        options: Sequence[Option] = (),
        why: str = "",
        guide: Guide | None = None,
    ) -> None:
        """The runner waits for a decision."""
        body = {
            "title": title,
            "question": question,
            "consequence": consequence,
            "word": word,
            "choices": list(choices),
            "options": [[option.value, option.meaning] for option in options],
            "why": why,
            "guide": None if guide is None else asdict(guide),
        }
        self.journal.append_synced(Kind.GATE_OPENED, gate, body)

    def gate_passed(self, gate: str, decision: int, choice: str, chosen: str = "") -> None:
        """A decision was accepted; `chosen` is the value of the option it named."""
        self.journal.append_synced(Kind.GATE_PASSED, gate, {"decision": decision, "choice": choice, "chosen": chosen})

    def refused(self, subject: str, decision: int, why: str) -> None:
        """A decision was not accepted."""
        self.journal.append(Kind.REFUSED, subject, {"decision": decision, "why": why})

    def seat_taken(self, who: str, terminal: str, pid: int, how: str) -> None:
        """Somebody has the operator's seat from now on."""
        body = {"who": who, "terminal": terminal, "pid": pid, "how": how}
        self.journal.append(Kind.SEAT, "taken", body)

    def seat_offered(self, who: str, terminal: str, pid: int, by: str) -> None:
        """Who has the seat offers it to somebody."""
        body = {"who": who, "terminal": terminal, "pid": pid, "by": by}
        self.journal.append(Kind.SEAT, "offered", body)

    def intent(self, step: str, statements: Iterable[str]) -> None:
        """A step is about to act."""
        self.journal.append_synced(Kind.INTENT, step, {"statements": list(statements)})

    def outcome(self, step: str, outcome: Outcome, note: str) -> None:
        """What was observed after a step acted, or instead of acting."""
        self.journal.append_synced(Kind.OUTCOME, step, {"outcome": outcome.value, "note": note})

    def statement(self, server: str, step: str, sql: str, thread_id: int) -> None:
        """A statement that changes a server is about to be sent."""
        self.journal.append_entry(statement_entry(server, step, sql, thread_id))

    def undone(self, step: str, note: str) -> None:
        """A step was taken back."""
        self.journal.append_synced(Kind.OUTCOME, step, {"outcome": Outcome.DONE.value, "note": note, "undone": True})

    def attempt(
        self,
        number: int,
        direction: Direction,
        *,
        old: str,
        new: str,
        actor: str,
        budget_s: float,
        parts: Sequence[tuple[str, str]],
    ) -> None:
        """An attempt to move the writes begins."""
        body = {
            "direction": direction.value,
            "old": old,
            "new": new,
            "actor": actor,
            "budget_s": budget_s,
            "parts": [list(part) for part in parts],
        }
        self.journal.append_synced(Kind.ATTEMPT, str(number), body)

    def write(self, entry: Entry) -> None:
        """A record that was made beforehand. Not synced: inside the window every millisecond counts."""
        self.journal.append_entry(entry)

    def no_return(self, number: int, position: str, before: Sequence[Entry] = ()) -> bool:
        """The point of no return: on stable storage before the new side is opened.

        `before` are records of the same attempt that waited, so that the window has one write to the disk only.
        False, and nothing is written, where the watchdog has taken the fence away meanwhile.
        """
        mark = Entry(Kind.NO_RETURN, str(number), {"position": position}, time.time())
        return self.journal.append_synced_unless((*before, mark), (Kind.LEASE_EXPIRED, str(number)))

    def return_again(self, number: int, why: str) -> None:
        """The point of no return was passed in advance, and the new side has not opened and will not any more."""
        self.journal.append_synced(Kind.RETURN, str(number), {"why": why})

    def lease_expired(self, number: int, why: str) -> bool:
        """The watchdog is about to lift the fence. False where the point of no return has been passed."""
        mark = Entry(Kind.LEASE_EXPIRED, str(number), {"why": why}, time.time())
        return self.journal.append_synced_unless(
            (mark,), (Kind.NO_RETURN, str(number)), taken_back=Kind.RETURN, actor="watchdog"
        )

    def attempt_ended(self, number: int, result: str, reason: str) -> None:
        """How an attempt ended: `switched`, `aborted` or `unknown`."""
        self.journal.append_synced(Kind.ATTEMPT_ENDED, str(number), {"result": result, "reason": reason})

    def fix(self, check: str, state: str, fix: Fix) -> None:
        """A change for a check, and its state: `applying`, `applied`, `undoing`, `undone`, `creating again`, ..."""
        self.journal.append_synced(Kind.FIX, check, {"state": state, "fix": asdict(fix)})

    def figures(self, figures: FiguresView) -> None:
        """What the clients saw of the newest attempt."""
        self.journal.append_synced(Kind.MEASURED, "attempt", asdict(figures))

    def final_figures(self, figures: FiguresView) -> None:
        """What the clients saw of the whole migration."""
        self.journal.append_synced(Kind.MEASURED, "final", asdict(figures))

    def note(self, text: str, level: str = "info") -> None:
        """A line for the log: `info`, `warn` or `error`."""
        self.journal.append(Kind.NOTE, level, {"text": text})

    def ended(self, end: End, note: str) -> None:
        """The migration is over."""
        self.journal.append_synced(Kind.ENDED, end.value, {"note": note})

    def lag(self, sample: LagSample) -> None:
        """One reading of the lag."""
        body = asdict(sample)
        del body["at"]
        self.journal.sample("lag", body)

    def progress(self, step: str, *, done: int, total: int, unit: str, note: str) -> None:
        """How far a long step is."""
        self.journal.sample("progress", {"step": step, "done": done, "total": total, "unit": unit, "note": note})

    def conditions(self, gate: str, conditions: Iterable[Condition]) -> None:
        """What must hold at a gate, as measured now."""
        rows = [[condition.ok, condition.text] for condition in conditions]
        self.journal.sample("conditions", {"gate": gate, "conditions": rows})

    def rollback(self, view: RollbackView) -> None:
        """Whether one can go back, as measured now."""
        body: dict[str, Any] = {
            "possible": view.possible,
            "reason": view.reason,
            "lag_s": view.lag_s,
            "until": view.until,
        }
        self.journal.sample("rollback", body)

    def clients(self, rows: Iterable[ClientView]) -> None:
        """Who is connected where."""
        self.journal.sample("clients", {"rows": [[r.user, r.host, r.on_source, r.on_target, r.idle] for r in rows]})

    def read_only(self, primary: str, source: bool | None, target: bool | None) -> None:
        """Which server has the writes, and `read_only` on both."""
        body = {"primary": primary, "source_read_only": source, "target_read_only": target}
        self.journal.sample("servers", body)
