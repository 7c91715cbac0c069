"""Going back: the same cutover in the other direction, with nothing lost."""

from __future__ import annotations

from migration.decisions import Choice
from migration.model import from_to
from migration.view import RollbackView
from tui.screens.confirm import ConfirmScreen
from tui.screens.cutover_confirm import gate_lock, in_place_lines
from tui.text import clean, duration, elapsed, fit, plural, wrap
from tui.widgets.lines import Page, Row, row

_UNLESS = "nothing: without everything on the source it stops by itself"


class RollbackScreen(ConfirmScreen):
    """Asks for the reason and for the target's name."""

    STEP = 6
    GUIDED = True
    NAME = "Roll back"
    ASKS_REASON = True
    REASON_PROMPT = "Why are you rolling back? It goes into the report."
    PROMPT = "Type the name of the TARGET, which will stop taking writes:"
    HELP_TEXT = (
        "Roll back when the target is wrong or too slow and a fix takes longer than a second cutover.\n"
        "\n"
        "Do not roll back because one client still uses the old address.\n"
        "\n"
        "Afterwards you are at step 5 again: the source has the writes, the target follows, and a second "
        "try is possible."
    )
    WORDS = (("rollback", "the cutover in the other direction, over reverse replication"),)

    def word(self) -> str:
        """The target's name."""
        gate = self.view.gate if self.view else None
        return gate.word if gate is not None and gate.id == "observe" else ""

    def locked(self) -> str:
        """Why one cannot go back now."""
        view = self.view
        if view is None:
            return "the journal is being read"
        why = gate_lock(view, "observe", self.desk.clock())
        if why:
            return why
        if not self.desk.offers(Choice.ROLL_BACK):
            return "the runner does not offer a rollback now"
        if view.rollback.possible is False:
            return f"rollback is not possible: {clean(view.rollback.reason)}"
        return ""

    def send(self, typed: str, reason: str) -> None:
        """Start the rollback."""
        self.decide(Choice.ROLL_BACK, "roll back", typed=typed, reason=reason)

    def about(self, page: Page) -> None:
        """What happens, what is kept and what is not undone."""
        view = self.view
        if view is None:
            return
        budget = duration(view.spec.limits.fence_s)
        page.ends(f" ROLL BACK  {from_to(view.target.name, view.source.name)}", clean(view.spec.environment), "head")
        page.gap(11)
        name = min(40, page.cells - 34)
        page.add((fit(f"   {'What happens':<{name}} About      You can stop it", page.cells), "dim"))
        lines = [
            (f"1 fence: writes on {view.target.name} stop", "at once", "s: writes back"),
            (f"2 drain: {view.source.name} catches up", f"≤ {budget}", f"s, or after {budget}"),
            (f"3 promote {view.source.name} for writes", "about 1 s", "NO"),
        ]
        kept, lost = "all writes made on the target since the cutover", _UNLESS
        if view.spec.in_place:
            lines = in_place_lines(view.source.name, duration(view.attempt.budget_s) if view.attempt else "-")
            kept, lost = "all writes: there is one set of data", "nothing"
        for what, long, stop in lines:
            page.rows.append(
                row(f"   {fit(what, name)} {fit(long, 10)} ", (stop, "off" if stop.startswith("NO") else ""))
            )
        page.gap(7)
        page.pair("Kept", kept, column=15)
        page.pair("Lost", lost, column=15)
        changes = [fix for fix in view.fixes if not fix.undone]
        undone = f"{plural(len(changes), 'change')} made for checks" if changes else "nothing"
        page.pair("Not undone", undone, column=15)
        page.gap(2)
        page.rows += self._possible(view.rollback, page.cells)

    def _possible(self, rollback: RollbackView, cells: int) -> list[Row]:
        """Whether one can go back now, and how long ago that was measured."""
        word, style = {True: ("YES", "ok"), False: ("NO", "fail"), None: ("UNKNOWN", "unknown")}[rollback.possible]
        at = rollback.measured_at
        age = f", measured {elapsed(self.desk.clock() - at)} ago" if at else ""
        label = fit("   Possible", 15)
        first, *more = wrap(f"{rollback.reason}{age}", cells - len(label) - len(word) - 2)
        indent = " " * (len(label) + len(word) + 1)
        return [row(label, (f"{word} ", style), first), *[row(indent, line) for line in more]]
