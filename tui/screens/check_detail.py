"""One finding: what was asked and found, why it matters, and its fix, undo or waiver."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.events import DescendantBlur, DescendantFocus
from textual.widgets import Input

from migration.check import Finding
from migration.decisions import Choice
from migration.view import MigrationView
from tui.desk import Desk
from tui.screens.base import BACK, HELP, LEAVE, MIN_BODY, MigrationScreen
from tui.screens.statements import statements_to_copy
from tui.text import fit, plural, width
from tui.widgets.confirm_field import LineField
from tui.widgets.fix_rows import fix_rows
from tui.widgets.lines import WORD_STYLES, Lines, Page, Row, row, text_of


class CheckDetailScreen(MigrationScreen):
    """A finding in full. A fix runs only on Apply; a waiver needs a typed reason."""

    STEP = 1
    NAME = "Check"
    DECIDING = frozenset({"apply", "undo", "waive"})
    HELP_TEXT = (
        "The old value is written to the journal before the change is made, so that it can be undone "
        "even after a crash.\n"
        "\n"
        "After a change the check runs again by itself.\n"
        "\n"
        "A waiver says: I know, and I go on. Its reason and your name go into the report."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("A", "apply", "Apply the fix"),
        Binding("u", "undo", "Undo the fix"),
        Binding("w", "waive", "Waive…"),
        Binding("enter", "send", "Accept with this reason", key_display="⏎"),
        Binding("up,k", "scroll(-1)", show=False),
        Binding("down,j", "scroll(1)", "Scroll", key_display="↑↓"),
        BACK,
        HELP,
        LEAVE,
    ]

    def __init__(self, desk: Desk, check: str) -> None:
        super().__init__(desk)
        self._check = check
        self._offset = 0
        self._length = 0
        self._cells = MIN_BODY

    def compose_body(self) -> ComposeResult:
        """The finding, and the field for a reason."""
        yield Lines(self.draw_body, id="page", at_least=MIN_BODY)
        yield LineField(id="reason")

    def on_mount(self) -> None:
        """The field appears with `w`."""
        self.query_one("#reason").display = False

    @property
    def finding(self) -> Finding | None:
        """The finding as it is now."""
        view = self.view
        return next((f for f in view.findings if f.check == self._check), None) if view else None

    @property
    def writing(self) -> bool:
        """Whether a reason is being typed."""
        return self.is_mounted and isinstance(self.focused, Input)

    def allowed(self, action: str) -> bool | None:
        """Only what the runner would take now."""
        if self.writing:
            return action in ("send", "back")
        if action == "send":
            return False
        finding, view = self.finding, self.view
        if finding is None or view is None:
            return None if action in self.DECIDING else True
        if action == "apply":
            if not finding.result.fixes:
                return False
            return True if self.desk.offers(Choice.FIX) and not self._applied(view) else None
        if action == "undo":
            return (True if self.desk.offers(Choice.UNDO_FIX) else None) if self._applied(view) else False
        if action == "waive":
            if finding.word in ("OK", "-", "NOTE"):
                return False
            return True if self.desk.offers(Choice.WAIVE) and not self._waived(view) else None
        if action == "scroll":
            return self._length > 0
        return super().allowed(action)

    def reason(self) -> str:
        """What stands for this finding."""
        view = self.view
        if view is None:
            return ""
        if self.writing:
            return "Why is this acceptable? Type the reason for the report. Esc changes nothing."
        for waiver in view.waivers:
            if waiver.check == self._check:
                return f"Esc goes back. Accepted by {waiver.actor}: {waiver.reason}"
        if self._applied(view):
            return "Esc goes back. The fix is in place, the check has run again; u takes it back."
        finding = self.finding
        if finding is not None and finding.result.fixes and finding.word not in ("OK", "-"):
            return f"Nothing is changed yet. A runs the {plural(len(finding.result.fixes), 'statement')} shown here."
        if finding is not None and self.allowed("waive") is True:
            return "w accepts it as it is, with a reason. Or cure it, go back and check again."
        return ""

    def draw_body(self, cells: int, height: int) -> Sequence[Row]:
        """The finding, scrolled."""
        finding = self.finding
        if finding is None:
            return [(), row("   This check is not part of the last run.")]
        rows = _rows(finding, cells)
        self._cells = cells
        self._length = max(0, len(rows) - height)
        self._offset = min(self._offset, self._length)
        return rows[self._offset :]

    def useful(self) -> tuple[str, str] | None:
        """The fix, or what was found."""
        return finding_to_copy(self.finding) if self.finding is not None else None

    def out_of_view(self) -> Sequence[str]:
        """The whole finding, where it is longer than the screen."""
        finding = self.finding
        return [text_of(line) for line in _rows(finding, self._cells)] if finding is not None and self._length else ()

    def action_scroll(self, step: int) -> None:
        """Scroll the finding."""
        self._offset = min(max(0, self._offset + step), self._length)
        self.paint()

    def action_apply(self) -> None:
        """Run the fix."""
        self.decide(Choice.FIX, f"apply the fix for {self._check}", subject=self._check)

    def action_undo(self) -> None:
        """Take the fix back."""
        self.decide(Choice.UNDO_FIX, f"undo the fix for {self._check}", subject=self._check)

    def action_waive(self) -> None:
        """Ask for the reason."""
        field = self.query_one("#reason", LineField)
        field.display = True
        field.focus()

    def action_send(self) -> None:
        """Enter in the field comes as a submission; elsewhere it does nothing."""

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Accept the finding with the reason given."""
        event.stop()
        words = event.value.strip()
        if words and self.desk.seated and not self.too_small:
            self.decide(Choice.WAIVE, f"accept {self._check}", subject=self._check, reason=words)
            self._close_field()

    def on_descendant_focus(self, event: DescendantFocus) -> None:
        """Other keys while typing."""
        self.paint()

    def on_descendant_blur(self, event: DescendantBlur) -> None:
        """The keys are back."""
        self.call_after_refresh(self.paint)

    async def action_back(self) -> None:
        """Leave the field without a change; outside of it, one screen back."""
        if self.writing:
            self._close_field()
        else:
            await super().action_back()

    def _close_field(self) -> None:
        field = self.query_one("#reason", LineField)
        field.value = ""
        self.set_focus(None)
        field.display = False
        self.call_after_refresh(self.paint)

    def _applied(self, view: MigrationView) -> bool:
        return any(fix.check == self._check and not fix.undone and fix.fix.undo for fix in view.fixes)

    def _waived(self, view: MigrationView) -> bool:
        return any(waiver.check == self._check for waiver in view.waivers)


def finding_to_copy(finding: Finding) -> tuple[str, str]:
    """The statements that cure a finding, or what was found where there are none."""
    fixes = statements_to_copy([fix.statement for fix in finding.result.fixes])
    found = f"{finding.word} {finding.title}: {finding.result.found}. {finding.result.remedy}".rstrip()
    return fixes or ("the finding", found)


def _rows(finding: Finding, cells: int) -> list[Row]:
    page = Page(cells, 0)
    result = finding.result
    verdict = f"{finding.word}  {'blocks' if finding.blocks else finding.severity}"
    room = cells - width(verdict) - 2
    page.add((fit(f" {finding.title}", room), "head"), (verdict, WORD_STYLES.get(finding.word, "")))
    page.blank()
    page.pair("Server", finding.side.value)
    page.pair("Asked", finding.asks)
    page.pair("Found", result.found, WORD_STYLES.get(finding.word, ""))
    page.pair("Why", finding.why)
    if result.remedy:
        page.pair("Remedy", result.remedy)
    for fix in result.fixes:
        page.rule(f"Fix on the {fix.side}")
        page.rows += fix_rows(fix, cells)
    if result.evidence:
        page.rule("Evidence")
        page.rows += _table(result.evidence, cells)
    return page.rows


def _table(rows: tuple[tuple[str, ...], ...], cells: int) -> list[Row]:
    columns = max(len(line) for line in rows)
    wants = [max((width(line[n]) for line in rows if n < len(line)), default=0) for n in range(columns)]
    room = max(columns, cells - 4 - 2 * columns)
    if sum(wants) > room:
        share = max(4, room // columns)
        wants = [min(want, share) for want in wants]
    lines = []
    for number, line in enumerate(rows):
        text = "  ".join(fit(line[n] if n < len(line) else "", wants[n]) for n in range(columns))
        lines.append(row((f"   {text}", "dim" if number == 0 else "")))
    return lines
