"""The guide of the step at hand, for terminals that have no room for it beside the step."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType

from tui.desk import Desk
from tui.explained import Explained
from tui.screens.statements import ScrollScreen
from tui.widgets.guide import guide_rows
from tui.widgets.lines import Row


class GuideScreen(ScrollScreen):
    """Why there is this step, what of it can be undone, what people get wrong, and what will run."""

    NAME = "Guide"
    HELP_TEXT = (
        "The guide tells of each step why it is there, what will run, what of it can be taken back and what people "
        "get wrong.\n"
        "\n"
        "On wide terminals it stands beside the step. It is on in rehearsals, and --guide or --no-guide decide "
        "elsewhere."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("g", "switch", "Guide off", tooltip="say no more of the guide, or say of it again"),
        *ScrollScreen.SCROLL,
    ]

    def __init__(self, desk: Desk, told: Explained) -> None:
        super().__init__(desk)
        self._told = told

    def all_rows(self, cells: int) -> list[Row]:
        """The whole guide."""
        return guide_rows(self._told, cells)

    def label(self, action: str, binding: Binding) -> str:
        """The key says what it does next."""
        if action == "switch" and not self.desk.guiding:
            return "Guide on"
        return super().label(action, binding)

    def action_switch(self) -> None:
        """On or off, for all steps of this run."""
        self.desk.guide = not self.desk.guiding
        self.paint()
