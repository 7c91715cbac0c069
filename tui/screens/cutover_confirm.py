"""The cutover, before it starts: what happens, whom it hits, and the name of the server it stops."""

from __future__ import annotations

from dataclasses import replace

from migration.decisions import Choice
from migration.view import MOVE_APPLICATIONS, ClientView, GateView, MigrationView, Plan, PlanItem
from tui.screens.confirm import ConfirmScreen
from tui.text import clean, duration, elapsed, fit, plural
from tui.widgets.lag_gauge import big_number, gauge
from tui.widgets.lines import Page, Row, row
from tui.widgets.step_list import about

STALE_CONDITIONS_S = 10.0


def gate_lock(view: MigrationView, gate: str, now: float) -> str:
    """Why a gate cannot be passed now; empty where it can.

    Conditions that are red, unmeasured or older than 10 s count as not met.
    """
    if view.end is not None:
        return "the migration has ended"
    if not view.runner_alive:
        return "no runner is at work"
    if view.paused:
        return "the migration is paused"
    if view.gate is None or view.gate.id != gate:
        return "the runner does not wait for this now"
    return _red(view.gate, now)


def _red(gate: GateView, now: float) -> str:
    for condition in gate.conditions:
        if not condition.ok:
            return clean(condition.text)
    if gate.measured_at is None or now - gate.measured_at > STALE_CONDITIONS_S:
        age = f"for {elapsed(now - gate.measured_at)}" if gate.measured_at else "yet"
        return f"the conditions have not been measured {age}"
    return ""


class CutoverConfirmScreen(ConfirmScreen):
    """Locks itself whenever a condition turns red."""

    STEP = 5
    GUIDED = True
    NAME = "Cut over"
    PROMPT = "Type the name of the SOURCE, which will stop taking writes:"
    HELP_TEXT = (
        "If a condition turns red, the screen locks itself and the typed name is cleared.\n"
        "\n"
        "Afterwards the old source stays up, read-only, and follows the target. You can go back with one "
        "screen while that holds.\n"
        "\n"
        "Not started by accident: pasted text is refused, one Enter is not enough, and the mouse starts "
        "nothing."
    )
    WORDS = (
        ("fence", "stops client writes on the source; it is lifted by itself at its deadline"),
        ("drain", "wait until the target has everything"),
        ("promote", "open the target for writes"),
    )

    def word(self) -> str:
        """The source's name."""
        gate = self.view.gate if self.view else None
        return gate.word if gate is not None and gate.id == "cutover" else ""

    def locked(self) -> str:
        """Why the gate cannot be passed now."""
        view = self.view
        if view is None:
            return "the journal is being read"
        why = gate_lock(view, "cutover", self.desk.clock())
        stale = self.desk.stale_s()
        if not why and stale is not None:
            return f"the lag is UNKNOWN: no reading for {elapsed(stale)}"
        if not why and not self.desk.offers(Choice.CONFIRM, "cutover"):
            return "the runner does not offer a cutover now"
        return why

    def send(self, typed: str, reason: str) -> None:
        """Start the cutover."""
        self.decide(Choice.CONFIRM, "start the cutover", typed=typed)

    def statements(self) -> Plan | None:
        """The switch, as it stands in the plan."""
        plan = self.view.plan if self.view else None
        if plan is None:
            return None
        return replace(plan, items=tuple(item for item in plan.items if item.kind == "switch"))

    def about(self, page: Page) -> None:
        """What happens, who is hit, and the conditions."""
        view = self.view
        if view is None:
            return
        now = self.desk.clock()
        plan = f"plan {view.plan.hash[:12]}" if view.plan else ""
        page.ends(f" CUT OVER {view.spec.id}", f"{clean(view.spec.environment)} · {plan}", "head")
        page.gap(13)
        page.rows += _what_happens(view, page.cells)
        page.gap(8)
        fate = "wait for you to point them to the target" if _moves_servers(view) else "will see errors"
        page.rows += _clients(view.clients, page.cells, fate)
        if view.gate is not None and view.gate.consequence:
            page.para(view.gate.consequence)
        page.gap(6)
        page.rows += _conditions(view, page.cells, now, self.desk.stale_s(), max(2, page.room - 1))
        page.gap(1)
        page.para("Nothing has been changed yet. Esc leaves this screen and changes nothing.", "dim")


def _what_happens(view: MigrationView, cells: int) -> list[Row]:
    budget = duration(view.spec.limits.fence_s)
    items = [item for item in view.plan.items if item.kind == "switch"] if view.plan else []
    estimate = about(_sum(items))
    name = min(34, cells - 36)
    lines = [
        (f"1 fence: writes off, {view.source.name}", "at once", "s: writes back"),
        ("2 drain, prove both are equal", f"≤ {budget}", "s, or by itself"),
        (f"3 promote {view.target.name}", estimate, "NO: rollback, not stop"),
    ]
    if _moves_servers(view):
        lines = [
            (f"1 open {view.target.name} as well", "seconds", "s: closed again"),
            ("2 you move application servers", "you decide", "s: move them back"),
            (f"3 {view.source.name} read-only", "seconds", "NO: rollback, not stop"),
        ]
    if view.spec.in_place:
        lines = in_place_lines(view.source.name, estimate)
    rows: list[Row] = [row((fit(f"   {'What happens':<{name}} {'About':<9} You can stop it", cells), "dim"))]
    for what, long, stop in lines:
        style = "off" if stop.startswith("NO") else ""
        rows.append(row(f"   {fit(what, name)} {fit(long, 9)} ", (fit(stop, cells - name - 15), style)))
    return rows


def in_place_lines(name: str, estimate: str) -> list[tuple[str, str, str]]:
    """What happens where a server is changed where it is: what, how long, and whether one can stop it."""
    return [
        ("1 the change is ordered", "at once", "NO: rollback, not stop"),
        ("2 failover: nobody gets in", estimate, "NO: rollback, not stop"),
        (f"3 {name} takes writes again", "at once", "-"),
    ]


def _sum(items: list[PlanItem]) -> float | None:
    known = [item.estimate_s for item in items if item.estimate_s is not None]
    return sum(known) if known else None


def _moves_servers(view: MigrationView) -> bool:
    """Whether application servers are moved one at a time, while both sides take writes."""
    return view.plan is not None and any(item.id == MOVE_APPLICATIONS for item in view.plan.items)


def _clients(clients: tuple[ClientView, ...], cells: int, fate: str) -> list[Row]:
    here = [client for client in clients if client.on_source]
    if not here:
        return [row("   No client is connected to the source now.")]
    total = sum(client.on_source for client in here)
    names = "  ".join(f"{clean(client.user)} {client.on_source}" for client in here)
    verb = "is" if total == 1 else "are"
    page = Page(cells, 0)
    page.para(f"{plural(total, 'client')} {verb} connected to the source and {fate}: {names}")
    return page.rows


def _conditions(view: MigrationView, cells: int, now: float, stale_s: float | None, room: int) -> list[Row]:
    gate = view.gate
    shown = gauge(view.lag, now, stale_s)
    digits, unit = big_number(shown)
    lag = "" if view.spec.in_place else f"lag {digits} {unit}"
    if gate is None:
        return [row("   Gate   ", ("closed", "warn"), f"   {lag}")]
    held = sum(1 for condition in gate.conditions if condition.ok)
    age = f"measured {elapsed(now - gate.measured_at)} ago" if gate.measured_at else "not measured yet"
    rows = [row(f"   Gate   {held} of {len(gate.conditions)} OK, {age}   ", (lag, shown.style))]
    for condition in sorted(gate.conditions, key=lambda item: item.ok)[: room - 1]:
        mark = ("OK   ", "ok") if condition.ok else ("WAIT ", "warn")
        rows.append(row("     ", mark, fit(condition.text, cells - 12)))
    return rows
