"""The app on a journal, for the tests that need a real terminal. Argument: the journal, or `sessions`."""

from __future__ import annotations

import sys
import time
from pathlib import Path

from tui.app import CutoverApp, let_go_of_lost_terminal
from tui.ascii_only import use_ascii
from tui.presenter import Presenter
from tui.screens.base import WizardScreen
from tui.start import OpenMigration, OpenSessions


def crash(app: CutoverApp) -> None:
    """What a bug in a screen looks like, with a password in a local variable."""
    password = "planted-secret"  # noqa: F841 - must not be printed
    raise ZeroDivisionError("a bug at acme-db7")


if "--crash" in sys.argv:
    WizardScreen.on_screen_resume = lambda self, event: crash(self.app)  # type: ignore[method-assign]
if "--ascii" in sys.argv:
    use_ascii()
start = OpenSessions() if sys.argv[1] == "sessions" else OpenMigration(Path(sys.argv[1]), welcome_back=False)
begun = time.time()
clock = (lambda: begun) if "--still" in sys.argv else time.time
app = CutoverApp(start, clock=clock, presenter=Presenter(on="--presenter" in sys.argv))
app.run(mouse=False)
let_go_of_lost_terminal()
sys.exit(app.return_code or 0)
