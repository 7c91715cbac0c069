"""A change as a diff: setting, from, to, statement, undo, reach, restart."""

from __future__ import annotations

from migration.check import Fix
from tui.text import fit
from tui.widgets.lines import Page, Row


def fix_rows(fix: Fix, cells: int) -> list[Row]:
    """The change in full."""
    page = Page(cells, 0)
    page.pair("Change", f"{fix.setting}:  {fix.was}  →  {fix.becomes}", "head")
    page.add(("   - ", "fail"), fit(f"{fix.setting} = {fix.was}", cells - 6))
    page.add(("   + ", "ok"), fit(f"{fix.setting} = {fix.becomes}", cells - 6))
    page.pair("Runs", fix.statement)
    page.pair("Undo", fix.undo or "nothing takes it back")
    page.pair("Reach", fix.reach)
    page.pair("Restart", "needed" if fix.restart else "not needed")
    if fix.set_aside:
        page.pair("Later", "it is created again on the target, once the migration is complete")
    return page.rows
