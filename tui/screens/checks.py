"""Prerequisite checks: what was found, what blocks, and the way to each remedy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType

from migration.check import Finding
from migration.decisions import Choice
from migration.fixing import offers
from migration.view import MigrationView
from tui.desk import Desk
from tui.screens.base import NAMED_GATES, MigrationScreen, asked, retry_rows
from tui.screens.cancel import CancelScreen
from tui.screens.check_detail import CheckDetailScreen, finding_to_copy
from tui.screens.fix_all import FixAllScreen
from tui.text import coarse, plural
from tui.widgets.check_list import check_rows, tally
from tui.widgets.lines import Page, Row

_ORDER = ("FAIL", "UNKNOWN", "WARN", "NOTE", "OK", "-")


def sorted_findings(view: MigrationView) -> tuple[Finding, ...]:
    """The findings, the worst first, otherwise in the order in which they were made."""
    return tuple(sorted(view.findings, key=lambda finding: _ORDER.index(finding.word)))


class ChecksScreen(MigrationScreen):
    """The list of findings; Enter opens one."""

    STEP = 1
    GUIDED = True
    NAME = "Checks"
    DECIDING = frozenset({"next", "recheck", "cancel"})
    HELP_TEXT = (
        "FAIL: data loss or a failed cutover is likely. Blocks the next step.\n"
        "UNKNOWN: the check could not run. Blocks like a failure.\n"
        "WARN: a known cost or risk. Accept it with a reason; the reason goes into the report.\n"
        "OK: checked, with its evidence.\n"
        "\n"
        "auto: this program can make the change; it shows it first and can take it back.\n"
        "you: only you can decide; the remedy is written out.\n"
        "\n"
        "The checks run again before the cutover."
    )
    WORDS = (
        ("check", "one prerequisite, with evidence and a remedy"),
        ("waive", "accept a finding as it is, with a reason that goes into the report"),
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "open", "Open", key_display="⏎", tooltip="the finding in full, its fix, undo or waiver"),
        Binding("up,k", "move(-1)", show=False),
        Binding("down,j", "move(1)", show=False),
        Binding("r", "recheck", "Again", tooltip="ask both servers again"),
        Binding("F", "fix_all", "Fix…", tooltip="list every change that would cure a finding; changes nothing"),
        Binding("n", "next", "Next", tooltip="accept the checks and make the plan; changes nothing"),
        Binding("x", "cancel", "Cancel…", tooltip="open the screen that cancels the migration; starts nothing"),
        *MigrationScreen.COMMON,
    ]

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self._chosen = ""

    def allowed(self, action: str) -> bool | None:
        """Next is off while anything blocks."""
        view = self.view
        if action == "next":
            ready = view is not None and not view.blocking
            return True if ready and self.desk.offers(Choice.CONFIRM, "checks") else None
        if action == "recheck":
            return True if self.desk.offers(Choice.RECHECK) or self._failed() else None
        if action == "fix_all":
            return True if view is not None and offers(view.findings) and self.desk.offers(Choice.FIX_ALL) else None
        if action == "open":
            return True if view is not None and view.findings else None
        return super().allowed(action)

    def reason(self) -> str:
        """Which findings keep Next off."""
        view = self.view
        if view is None or view.end is not None:
            return ""
        if view.blocking:
            first = view.blocking[0]
            more = f" and {len(view.blocking) - 1} more" if len(view.blocking) > 1 else ""
            verb = "blocks" if len(view.blocking) == 1 else "block"
            way = "⏎ opens why" if self._marked(view) in view.blocking else "↑ ↓ lead there"
            return f"Next is off, {way}: {first.word} {first.title}: {first.result.found}{more} {verb}."
        if self.desk.offers(Choice.CONFIRM, "checks"):
            return f"Nothing blocks. {self.key('next')} goes on and makes the plan; nothing is changed by that."
        return asked(view)

    def fill(self, page: Page, view: MigrationView) -> None:
        """The list, then the chosen finding in short."""
        findings = sorted_findings(view)
        now = self.desk.clock()
        age = f"{coarse(now - view.findings_at)} ago" if view.findings_at else ""
        page.ends(" Prerequisite checks", f"run {age}" if age else "", "head")
        page.rows += retry_rows(view, page.cells)
        if not findings:
            page.blank()
            page.para("Both servers are being asked. This takes a few seconds; nothing is changed.")
            return
        page.para(tally(findings), indent=1)
        page.gap(12)
        cursor = self._cursor(findings)
        detail = 6 if page.height < 24 else 10
        hidden = len(findings) - (page.room - detail - 2)
        page.rows += check_rows(
            findings,
            page.cells,
            page.room - detail - 1,
            cursor,
            frozenset(w.check for w in view.waivers),
            frozenset(f.check for f in view.fixes if not f.undone),
        )
        finding = findings[cursor]
        if hidden > 0:
            page.add((f"   {hidden} more: ↑ ↓ move through the list", "dim"))
        page.foot(_short(finding, page.cells, detail))

    def useful(self) -> tuple[str, str] | None:
        """The fix of the chosen finding, or the finding."""
        findings = sorted_findings(self.view) if self.view is not None else ()
        return finding_to_copy(findings[self._cursor(findings)]) if findings else None

    def action_open(self) -> None:
        """Open the chosen finding."""
        if self.view is not None and self.view.findings:
            findings = sorted_findings(self.view)
            self.app.push_screen(CheckDetailScreen(self.desk, findings[self._cursor(findings)].check))

    def action_move(self, step: int) -> None:
        """Move the cursor."""
        if self.view is not None and self.view.findings:
            findings = sorted_findings(self.view)
            index = min(max(self._cursor(findings) + step, 0), len(findings) - 1)
            self._chosen = findings[index].check
            self.paint()

    async def action_recheck(self) -> None:
        """Ask the servers again; where a step before the checks has failed, try that again."""
        if self._failed():
            await self.action_retry()
        else:
            self.decide(Choice.RECHECK, "run the checks again")

    def action_next(self) -> None:
        """Accept the checks and go on to the plan."""
        self.decide(Choice.CONFIRM, f"go on after {plural(len(self.view.findings) if self.view else 0, 'check')}")

    def action_fix_all(self) -> None:
        """Open the list of changes."""
        self.app.push_screen(FixAllScreen(self.desk))

    def action_cancel(self) -> None:
        """Open the screen that cancels the migration."""
        self.app.push_screen(CancelScreen(self.desk))

    def _failed(self) -> bool:
        """Whether a step that comes before the checks waits to be tried again."""
        gate = self.view.gate if self.view is not None else None
        return gate is not None and gate.id not in NAMED_GATES and self.desk.offers(Choice.CONFIRM)

    def _cursor(self, findings: Sequence[Finding]) -> int:
        """The chosen one; where nobody has chosen, the first that blocks."""
        blocking = self.view.blocking if self.view is not None else ()
        chosen = self._chosen or (blocking[0].check if blocking else "")
        return next((n for n, finding in enumerate(findings) if finding.check == chosen), 0)

    def _marked(self, view: MigrationView) -> Finding:
        findings = sorted_findings(view)
        return findings[self._cursor(findings)]


def _short(finding: Finding, cells: int, height: int) -> list[Row]:
    page = Page(cells, height)
    page.rule(finding.title)
    page.pair("Why", finding.why)
    if finding.result.fixes:
        fix = finding.result.fixes[0]
        more = f" and {len(finding.result.fixes) - 1} more" if len(finding.result.fixes) > 1 else ""
        page.pair("Fix", f"{fix.setting}: {fix.was} → {fix.becomes} on the {fix.side}{more}. {fix.reach}")
    elif finding.result.remedy:
        page.pair("Remedy", finding.result.remedy)
    return page.rows[:height]
