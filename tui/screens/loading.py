"""The moment before the journal was read, and what is said if it cannot be."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import BindingType

from tui.screens.base import BACK, LEAVE, WizardScreen


class LoadingScreen(WizardScreen):
    """Says that the journal is being read; the status line says why it is not."""

    NAME = "Opening"
    BINDINGS: ClassVar[list[BindingType]] = [BACK, LEAVE]

    def allowed(self, action: str) -> bool | None:
        """Back only where there is somewhere to go."""
        return action != "back" or self.desk.has_sessions
