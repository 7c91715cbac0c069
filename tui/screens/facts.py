"""Looking back at the first step: the two servers, and at the sixth: every attempt."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import BindingType

from migration.view import MigrationView, ServerView
from tui.screens.base import MigrationScreen
from tui.screens.lag import attempt_rows
from tui.text import clean, clock, duration
from tui.widgets.lines import Page
from tui.widgets.step_list import part_rows


class ServersScreen(MigrationScreen):
    """What is known of the two servers and what was asked for."""

    STEP = 0
    NAME = "Connect"
    HELP_TEXT = (
        "The identity is the server's own (server_uuid or server_uid): it is looked at on every connect, "
        "so that an address that leads to another server is noticed."
    )
    BINDINGS: ClassVar[list[BindingType]] = [*MigrationScreen.COMMON]

    def useful(self) -> tuple[str, str] | None:
        """Where the two servers are."""
        sides = (self.view.source, self.view.target) if self.view is not None else ()
        return "both addresses", "\n".join(f"{side.name} {side.address}" for side in sides)

    def fill(self, page: Page, view: MigrationView) -> None:
        """Both servers, then the limits."""
        spec = view.spec
        _server(page, "Server" if spec.in_place else "Source", view.source, view)
        page.blank()
        if not spec.in_place:
            _server(page, "Target", view.target, view)
            page.blank()
        page.pair("Runbook", spec.runbook, column=14)
        page.pair("Databases", ", ".join(spec.databases) or "all but the servers' own", column=14)
        page.pair("Positions", view.positioning or spec.positioning.value, column=14)
        page.pair("Lag limit", duration(spec.limits.lag_s), column=14)
        page.pair("Fence", f"lifted by itself after {duration(spec.limits.fence_s)}", column=14)


def _server(page: Page, side: str, server: ServerView, view: MigrationView) -> None:
    modes = {True: "read-only", False: "open for writes", None: "UNKNOWN whether it is open for writes"}
    mode = modes[server.read_only]
    has = ", has the writes" if view.primary == server.name else ""
    page.add((f" {side}   {clean(server.name)}", "head"))
    page.pair("Address", server.address, column=14)
    page.pair("Version", server.version or "not known yet", column=14)
    page.pair("Identity", server.identity or "not known yet", column=14)
    page.pair("State", mode + has, column=14)


class AttemptsScreen(MigrationScreen):
    """Every attempt to move the writes, the newest in full."""

    STEP = 5
    NAME = "Cut over"
    HELP_TEXT = "Every attempt stands here, also those that gave the writes back."
    BINDINGS: ClassVar[list[BindingType]] = [*MigrationScreen.COMMON]

    def fill(self, page: Page, view: MigrationView) -> None:
        """One row an attempt; the parts of the newest."""
        page.add((" Attempts to move the writes", "head"))
        page.blank()
        if not view.attempts:
            page.para("None so far. The cutover waits for you once the target follows closely enough.")
            return
        for attempt in view.attempts[-5:]:
            page.rows += attempt_rows(attempt, page.cells)
        last = view.attempts[-1]
        page.blank()
        window = f", {last.window_ms:,.0f} ms without writes" if last.window_ms is not None else ""
        page.add((f"   Attempt {last.number}, begun {clock(last.started_at)} by {clean(last.actor)}{window}", "dim"))
        page.rows += part_rows(last.steps, page.cells, self.desk.clock(), "promote")
