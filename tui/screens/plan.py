"""The plan: what will run, where, for how long, and what cannot be undone."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType

from migration.decisions import Choice
from migration.fixing import side_of
from migration.model import Writes
from migration.view import MigrationView, Plan, PlanItem
from tui.desk import Desk
from tui.explained import Explained, of_item
from tui.screens.base import MigrationScreen
from tui.screens.cancel import CancelScreen
from tui.screens.statements import StatementsScreen, statements_to_copy
from tui.text import duration, plural
from tui.widgets.check_list import window
from tui.widgets.lines import Page, Row
from tui.widgets.step_list import plan_rows


class PlanScreen(MigrationScreen):
    """The ordered steps with the two lines, and the approval."""

    STEP = 2
    GUIDED = True
    NAME = "Plan"
    DECIDING = frozenset({"approve", "cancel"})
    HELP_TEXT = (
        "Only the plan with this hash is run. If a server changes so that the plan no longer fits, a new "
        "one is made and asked about.\n"
        "\n"
        "You decide: the copy and the replication run while clients go on; the cutover waits for you.\n"
        "\n"
        "Point of no free return: from there on new writes exist only on the target. Rollback moves them "
        "back; it is a second cutover, not a stop."
    )
    WORDS = (
        ("plan", "the ordered steps; only the approved hash is run"),
        ("gate", "a point where the runner waits for you"),
        ("fence", "what stops client writes, with a deadline"),
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", show=False),
        Binding("down,j", "move(1)", "Step", key_display="↑↓"),
        Binding("s", "statements", "Statements", tooltip="every statement that will run, word for word"),
        Binding("A", "approve", "Approve", tooltip="approve exactly this plan; it starts at once"),
        Binding("x", "cancel", "Cancel…", tooltip="open the screen that cancels the migration; starts nothing"),
        *MigrationScreen.COMMON,
    ]

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self._cursor = 0

    def allowed(self, action: str) -> bool | None:
        """Approval is there while the gate is open."""
        if action == "approve":
            return True if self.desk.offers(Choice.CONFIRM, "plan") else None
        if action == "statements":
            return True if self.view is not None and self.view.plan is not None else None
        return super().allowed(action)

    def reason(self) -> str:
        """What the approval starts."""
        view = self.view
        if view is None or view.plan is None or view.end is not None:
            return ""
        if self.desk.offers(Choice.CONFIRM, "plan"):
            return "Nothing runs yet. A approves exactly this plan and starts it."
        return f"Plan {view.plan.hash[:12]} is {'approved' if view.approved else 'not approved'}. {view.headline}"

    def fill(self, page: Page, view: MigrationView) -> None:
        """The plan, then the chosen step."""
        plan = view.plan
        if plan is None:
            page.blank()
            page.para("There is no plan yet: it is made once the checks are accepted.")
            return
        head = f" Plan {plan.hash[:12]} · {plural(len(plan.items), 'step')} · {plan.positioning}"
        page.ends(head, _sums(plan), "head")
        page.gap(14)
        rows = plan_rows(plan, page.cells, self._cursor)
        detail = _detail(plan.items[self._cursor], page.cells, 5 if page.height < 24 else 12, self.key("statements"))
        room = page.room - len(detail)
        if len(rows) > room:
            shown = window(len(rows) - 1, _line_of(plan, self._cursor), room - 1)
            rows = [rows[0], *[rows[1 + n] for n in shown]]
        page.rows += rows
        page.foot(detail)

    def explained(self) -> Explained | None:
        """The chosen step, where it is in view."""
        plan = self.view.plan if self.view is not None else None
        return of_item(plan.items[self._cursor]) if plan is not None else None

    def useful(self) -> tuple[str, str] | None:
        """The statements of the chosen step."""
        plan = self.view.plan if self.view is not None else None
        return statements_to_copy(plan.items[self._cursor].statements) if plan is not None else None

    def action_move(self, step: int) -> None:
        """Choose another step."""
        if self.view is not None and self.view.plan is not None:
            self._cursor = min(max(self._cursor + step, 0), len(self.view.plan.items) - 1)
            self.paint()

    def action_statements(self) -> None:
        """Show what will run, word for word."""
        if self.view is not None and self.view.plan is not None:
            self.app.push_screen(StatementsScreen(self.desk, self.view.plan))

    def action_approve(self) -> None:
        """Approve the plan that is shown."""
        self.decide(Choice.CONFIRM, "approve the plan")

    def action_cancel(self) -> None:
        """Open the screen that cancels the migration."""
        self.app.push_screen(CancelScreen(self.desk))


def _line_of(plan: Plan, cursor: int) -> int:
    switches = sum(1 for item in plan.items[:cursor] if item.kind == "switch")
    return cursor + switches


def _sums(plan: Plan) -> str:
    on = [item for item in plan.items if item.writes is Writes.ON and item.kind == "step"]
    off = [item for item in plan.items if item.writes is not Writes.ON]
    return f"{_sum(on)} with writes on, {_sum(off)} without"


def _sum(items: list[PlanItem]) -> str:
    known = [item.estimate_s for item in items if item.estimate_s is not None]
    total = duration(sum(known)) if known else "?"
    return total if len(known) == len(items) else f"{total} and more"


def _detail(item: PlanItem, cells: int, height: int, key: str) -> list[Row]:
    page = Page(cells, height)
    page.rule(item.title)
    page.pair("Why", item.why)
    if item.basis:
        page.pair("About", item.basis)
    side = side_of(item.side)
    page.pair("Where", f"{side}, writes {item.writes}" + (f"; undo: {item.undo}" if item.undo else "; no undo"))
    for statement in item.statements:
        page.pair("Runs", statement)
    if len(page.rows) > height:
        more = len(page.rows) - height + 1
        page.rows[height - 1 :] = []
        page.add((f"   {more} more rows; {key} shows the statements", "dim"))
    return page.rows
