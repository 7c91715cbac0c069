"""What will run, word for word."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.message import Message

from migration.plan_document import to_markdown
from migration.view import Plan
from tui.desk import Desk
from tui.feed import in_thread
from tui.screens.base import BACK, HELP, LEAVE, MIN_BODY, MigrationScreen
from tui.widgets.lines import Page, Row, text_of


def statements_to_copy(statements: Sequence[str]) -> tuple[str, str] | None:
    """Statements for the clipboard, one a line, and what they are; None where there are none."""
    if not statements:
        return None
    what = "the statement" if len(statements) == 1 else f"{len(statements)} statements"
    return what, "\n".join(f"{statement};" for statement in statements)


class ScrollScreen(MigrationScreen):
    """A long text with ↑ ↓ and page keys."""

    STAYS = True
    SCROLL: ClassVar[list[BindingType]] = [
        Binding("up,k", "scroll(-1)", show=False),
        Binding("down,j", "scroll(1)", "Scroll", key_display="↑↓"),
        Binding("pageup", "scroll(-15)", show=False),
        Binding("pagedown,space", "scroll(15)", "Page", key_display="Space"),
        BACK,
        HELP,
        LEAVE,
    ]
    BINDINGS: ClassVar[list[BindingType]] = SCROLL

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self.offset_rows = 0
        self._last = 0
        self._shown = 0
        self._cells = MIN_BODY

    def all_rows(self, cells: int) -> list[Row]:
        """The whole text."""
        return []

    def draw_body(self, cells: int, height: int) -> Sequence[Row]:
        """The part that is in view."""
        rows = self.all_rows(cells)
        self._cells = cells
        self._last, self._shown = max(0, len(rows) - height), len(rows)
        self.offset_rows = min(self.offset_rows, self._last)
        return rows[self.offset_rows : self.offset_rows + height]

    def out_of_view(self) -> Sequence[str]:
        """The whole text, where it is longer than the screen."""
        return [text_of(line) for line in self.all_rows(self._cells)] if self._last else ()

    def reason(self) -> str:
        """How much there is above and below."""
        if not self._last:
            return ""
        return f"{self.offset_rows} rows above, {self._last - self.offset_rows} below."

    def action_scroll(self, step: int) -> None:
        """Scroll by rows."""
        self.offset_rows = min(max(0, self.offset_rows + step), self._last)
        self.paint()


class PlanWritten(Message):
    """The plan was written to a file, or could not be."""

    def __init__(self, sentence: str) -> None:
        super().__init__()
        self.sentence = sentence


class StatementsScreen(ScrollScreen):
    """Every statement of the plan, step by step; passwords are left out. `e` writes the whole plan as Markdown."""

    STEP = 2
    NAME = "Statements"
    HELP_TEXT = (
        "These are the statements of the plan in the order in which they run. Passwords are left out.\n"
        "\n"
        "{export} writes the whole plan beside the journal as Markdown, for those who have to approve it, with the "
        "names that this screen shows."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("e", "export", "Write the plan", tooltip="the whole plan as Markdown, beside the journal"),
        *ScrollScreen.SCROLL,
    ]

    def __init__(self, desk: Desk, plan: Plan) -> None:
        super().__init__(desk)
        self._plan = plan
        self._written = ""

    def useful(self) -> tuple[str, str] | None:
        """Every statement, one a line."""
        return statements_to_copy([text for item in self._plan.items for text in item.statements])

    def allowed(self, action: str) -> bool | None:
        """There has to be a place for the file."""
        if action == "export":
            return True if self.view is not None and self.view.plan is not None and self.desk.journal else None
        return super().allowed(action)

    def reason(self) -> str:
        """Where the plan was written to, or how much there is above and below."""
        return self._written or super().reason()

    def on_plan_written(self, message: PlanWritten) -> None:
        """Say where it is."""
        self._written = message.sentence
        self.paint()

    def action_export(self) -> None:
        """Write the plan as it is shown: with aliases in it where those are on the screen."""
        view, journal, presenter = self.view, self.desk.journal, self.desk.presenter
        if view is None or view.plan is None or journal is None:
            return
        plan, path = view.plan, journal.with_name(f"plan-{view.plan.hash}.md")

        def work() -> Message:
            try:
                path.write_text(to_markdown(view, plan))
            except OSError as error:
                reason = f"{error.strerror}; make room or rights"
                return PlanWritten(presenter.line(f"The plan could not be written to {path} ({reason})."))
            return PlanWritten(f"The plan is at {presenter.place(path)}")

        in_thread(work, self.post_message)

    def all_rows(self, cells: int) -> list[Row]:
        """Title and statements of every item."""
        page = Page(cells, 0)
        page.add((f" Statements of plan {self._plan.hash[:12]}", "head"))
        for number, item in enumerate(self._plan.items, 1):
            page.blank()
            page.para(f"{number}  {item.title}  ({item.side}, writes {item.writes})", "head", indent=1)
            for statement in item.statements or ("(no statement)",):
                page.para(statement, indent=5)
        return page.rows
