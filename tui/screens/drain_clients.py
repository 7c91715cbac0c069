"""Ending the idle sessions on the server that the writes have left: whose they are, and how many."""

from __future__ import annotations

from migration.decisions import Choice
from migration.view import ClientView, MigrationView, ServerView
from tui.places import rolled_back
from tui.screens.confirm import ConfirmScreen
from tui.text import fit, plural
from tui.widgets.lines import Page, Row, row


class DrainClientsScreen(ConfirmScreen):
    """Asks for the name of the server whose sessions are ended."""

    STEP = 6
    NAME = "Drain clients"
    PROMPT = "Type the name of the OLD server, whose idle sessions are ended:"
    HELP_TEXT = (
        "Connection pools keep sessions open for hours. Those on the old server read there, and fail when they "
        "write.\n"
        "\n"
        "Ended while they rest, they are opened anew, to where the applications' address points by then: hand over "
        "the address first.\n"
        "\n"
        "Sessions at work or inside a transaction are left alone, and so are replicas and this program's own."
    )
    WORDS = (("idle", "resting for 2 s or longer, outside of any transaction"),)

    def word(self) -> str:
        """The old server's name."""
        return _old(self.view).name if self.view else ""

    def locked(self) -> str:
        """Why no session can be ended now."""
        view = self.view
        if view is None:
            return "the journal is being read"
        if view.end is not None:
            return "the migration has ended"
        if not view.runner_alive:
            return "no runner is at work"
        if view.paused:
            return "the migration is paused"
        if not self.desk.offers(Choice.DRAIN_CLIENTS):
            return "the runner does not offer that now"
        return ""

    def send(self, typed: str, reason: str) -> None:
        """End them, and go back to where the log says what came of it."""
        self.decide(Choice.DRAIN_CLIENTS, "end idle sessions", typed=typed)
        self.app.pop_screen()

    def about(self, page: Page) -> None:
        """Whose sessions are ended, and what stays."""
        view = self.view
        if view is None:
            return
        old = _old(view)
        ended = sum(client.idle for client in view.clients)
        page.ends(f" END {plural(ended, 'idle session')} on {old.name}", f"{view.primary} has the writes", "head")
        page.gap(10)
        page.rows += _client_rows(view, page.cells, max(3, page.room - 5))
        page.gap(5)
        page.pair("Clients", "see a lost connection and open it anew; there is no undo", column=15)
        page.pair("Left alone", "who works, is in a transaction or replicates", column=15)
        page.pair("How", "20 at a time; the server is asked anew each time who is idle", column=15)


def _old(view: MigrationView) -> ServerView:
    """The server without writes."""
    return view.target if rolled_back(view) else view.source


def _client_rows(view: MigrationView, cells: int, room: int) -> list[Row]:
    """Sessions on the old server by account, those with the most to be ended first."""
    on_old = [(_here(client, view), client) for client in view.clients if _here(client, view)]
    if not on_old:
        return [row(("   No client is connected to it now.", "dim"))]
    on_old.sort(key=lambda pair: (-pair[1].idle, -pair[0]))
    name = cells - 32
    rows: list[Row] = [row((f"   {'Clients':<{name}}{'connected':>10}{'to be ended':>13}", "dim"))]
    for here, client in on_old[: room - 1]:
        rows.append(row(f"   {fit(f'{client.user}@{client.host}', name)}{here:>10}{client.idle:>13}"))
    if len(on_old) > room - 1:
        rest = on_old[room - 2 :]
        idle = sum(client.idle for _, client in rest)
        words = f"and {len(rest)} more"
        rows[-1] = row(f"   {fit(words, name)}{sum(here for here, _ in rest):>10}{idle:>13}")
    return rows


def _here(client: ClientView, view: MigrationView) -> int:
    return client.on_target if rolled_back(view) else client.on_source
