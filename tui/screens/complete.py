"""Completing: replication ends for good, and with it the way back."""

from __future__ import annotations

from migration.decisions import Choice
from tui.places import rolled_back
from tui.screens.confirm import ConfirmScreen
from tui.text import clean, day_and_clock, plural
from tui.widgets.lines import Page


class CompleteScreen(ConfirmScreen):
    """Asks for the word `complete`."""

    STEP = 6
    GUIDED = True
    NAME = "Complete"
    PROMPT = "Type complete to go on:"
    HELP_TEXT = (
        "Completing ends replication for good. Rollback is gone from here on; what remains is a restore "
        "from a backup.\n"
        "\n"
        "Completing deletes no server. A runbook that can delete the old one asks first, and then for its name.\n"
        "\n"
        "The report holds the plan and its hash, every check, accepted findings with their reasons, every "
        "change with its old value and its undo, the lag, the cutover with the time of each part, and who "
        "decided what and when. Names and statements stand in it whole with --unmasked only."
    )
    WORDS = (("complete", "end replication for good; rollback is gone from here on"),)

    def word(self) -> str:
        """The word itself: it says what is done."""
        return "complete"

    def locked(self) -> str:
        """Why it cannot be completed now."""
        view = self.view
        if view is None:
            return "the journal is being read"
        if view.end is not None:
            return "the migration has ended"
        if not view.runner_alive:
            return "no runner is at work"
        if not self.desk.offers(Choice.COMPLETE):
            return "the runner does not offer completion now"
        return ""

    def send(self, typed: str, reason: str) -> None:
        """End replication."""
        self.decide(Choice.COMPLETE, "complete", typed=typed)

    def about(self, page: Page) -> None:
        """What ends and what stays."""
        view = self.view
        if view is None:
            return
        back = rolled_back(view)
        keeps, leaves = (view.source, view.target) if back else (view.target, view.source)
        page.ends(f" COMPLETE {view.spec.id}", f"{keeps.name} has the writes", "head")
        page.blank()
        if view.spec.in_place:
            page.para(f"After this there is no rollback from here; {keeps.name} stays as it is now.", "warn")
            page.gap(9)
        else:
            page.para("After this there is no rollback from here, only a restore from a backup.", "warn")
            page.gap(9)
            which = "replication" if back else "reverse replication"
            page.pair("Ends", f"{which} from {keeps.name} to {leaves.name}; undo: no", column=14)
            stays = f"{leaves.name} keeps running with the data it has; completing deletes no server"
            page.pair("Stays", stays, column=14)
        changes = [fix for fix in view.fixes if not fix.undone]
        if changes:
            stay = f"{plural(len(changes), 'change')} made for checks stay; undo: cutover report --unmasked"
            page.pair("Changes", stay, column=14)
        if view.gate is not None and view.gate.consequence:
            page.pair("Then", view.gate.consequence, column=14)
        last = view.attempt
        if last is not None and last.ended_at is not None:
            page.gap(4)
            window = f", {last.window_ms:,.0f} ms without writes" if last.window_ms is not None else ""
            page.pair("Switched", f"{day_and_clock(last.ended_at)} by {clean(last.actor)}{window}", column=14)
