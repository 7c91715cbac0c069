"""What all screens have in common: the frame around them, the keys, and how they are painted."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.events import Resize, ScreenResume
from textual.screen import Screen

from migration.decisions import Choice, Decision
from migration.model import from_to
from migration.view import MigrationView
from tui.actions import EVERYWHERE, IN_FORMS, Action, bound, name_of, named, printed, sentence, unnamed
from tui.ascii_only import keys_in_words
from tui.desk import Desk
from tui.explained import Explained, of_now
from tui.places import STEPS, RailStep, rail
from tui.text import clean, clock, clock_minutes, countdown, fit, width
from tui.widgets.guide import guide_rows
from tui.widgets.key_line import KeyHint, key_row
from tui.widgets.lines import Lines, Page, Row, row
from tui.widgets.rail import rail_column, rail_row

MIN_CELLS, MIN_ROWS, WIDE_CELLS, MIN_BODY = 80, 24, 120, 64
# How high a wide terminal has to be for the guide beside the step, and how many statements stand there.
_GUIDE_ROWS, _GUIDE_STATEMENTS = 36, 3
_KEY_OF = re.compile(r"\{(\w+)\}")


class WizardScreen(Screen[None]):
    """A screen in the frame: badge and clock, steps, body, status sentence, keys.

    Subclasses draw their body in `draw_body` and, for wide terminals, the panel in `draw_panel`.

    Attributes:
        LIVE: whether the clock shows seconds. A screen that rests must send nothing while it rests.
        STAYS: whether it only shows something, so that it may stay while the migration goes on.
        looking: whether this one was opened to look at a step, whatever the migration is at.
        STEP: the step it is about (0 to 6), where that is not simply the current one.
        DECIDING: actions that are off for observers.
        HELP_TEXT: what the screen is for; `{name}` is the key of that action.
        ALONE: whether its own keys are the only ones: nothing may come before it.
        WORDS: words explained on the help screen.
        GUIDED: whether the guide of what is going on belongs here.
    """

    LIVE: ClassVar[bool] = False
    GUIDED: ClassVar[bool] = False
    STAYS: ClassVar[bool] = False
    looking = False
    STEP: ClassVar[int | None] = None
    NAME: ClassVar[str] = ""
    HELP_TEXT: ClassVar[str] = ""
    ALONE: ClassVar[bool] = False
    DECIDING: ClassVar[frozenset[str]] = frozenset()
    WORDS: ClassVar[tuple[tuple[str, str], ...]] = ()
    AUTO_FOCUS: ClassVar[str | None] = ""
    HORIZONTAL_BREAKPOINTS = [(0, "-tiny"), (MIN_CELLS, "-narrow"), (WIDE_CELLS, "-wide")]  # noqa: RUF012 - Textual's name and type
    VERTICAL_BREAKPOINTS = [(0, "-short"), (MIN_ROWS, "-tall")]  # noqa: RUF012 - Textual's name and type
    BINDINGS: ClassVar[list[BindingType]] = []

    def __init_subclass__(cls, **keywords: Any) -> None:
        if "BINDINGS" in cls.__dict__:
            cls.BINDINGS = unnamed(cls.BINDINGS) if cls.AUTO_FOCUS else named(cls.BINDINGS)
        super().__init_subclass__(**keywords)

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self.desk = desk

    def compose(self) -> ComposeResult:
        """The frame; the body comes from `compose_body`."""
        with Vertical(id="frame"):
            yield Lines(self._draw_top, id="top", at_least=MIN_CELLS)
            with Horizontal(id="middle"):
                yield Lines(self._draw_left, id="left", at_least=20)
                with Vertical(id="body"):
                    yield from self.compose_body()
                yield Lines(self._draw_right, id="right", at_least=20)
            yield Lines(self._draw_foot, id="foot", at_least=MIN_CELLS)
        yield Lines(self._draw_small, id="small")

    def compose_body(self) -> ComposeResult:
        """The widgets between the frame's lines."""
        yield Lines(self.draw_body, id="page", at_least=MIN_BODY)

    def draw_body(self, cells: int, height: int) -> Sequence[Row]:
        """The rows of the body."""
        page = Page(cells, height)
        if self.view is None:
            page.blank()
            page.para("Reading the journal.")
        else:
            self.fill(page, self.view)
        return page.rows

    def fill(self, page: Page, view: MigrationView) -> None:
        """Write the body of a migration's screen."""

    def draw_panel(self, cells: int) -> Sequence[Row]:
        """The rows of the panel at the right: the guide where it is on, or else what the screen is for."""
        page = Page(cells, 0)
        told = self.explained() if self.desk.guiding and self.guide_beside else None
        if told is None:
            page.para(self.help_text, indent=1)
            return page.rows
        page.rows += guide_rows(told, cells, statements=_GUIDE_STATEMENTS)
        if GUIDE in self.BINDINGS and self.focused is None:
            page.blank()
            page.para(f"{self.key('guide')}  guide off", "dim", indent=1)
        return page.rows

    def explained(self) -> Explained | None:
        """What the guide tells of here; None for nothing."""
        return of_now(self.view) if self.GUIDED and self.view is not None and not self.looking else None

    @property
    def guide_beside(self) -> bool:
        """Whether there is room for the guide beside the step."""
        return self.wide and self.size.height >= _GUIDE_ROWS

    def reason(self) -> str:
        """Why the main key is off, or what the screen has to say; empty for the migration's headline."""
        return ""

    @property
    def view(self) -> MigrationView | None:
        """The migration as last seen."""
        return self.desk.view

    @property
    def stays(self) -> bool:
        """Whether it may stay while the migration goes on."""
        return self.STAYS or self.looking

    @property
    def wide(self) -> bool:
        """Whether the rail and the panel are beside the body."""
        return self.size.width >= WIDE_CELLS

    @property
    def too_small(self) -> bool:
        """Whether the terminal cannot show a screen whole."""
        return self.size.width < MIN_CELLS or self.size.height < MIN_ROWS

    def paint(self) -> None:
        """Draw everything again; only what changed is sent."""
        for lines in self.query(Lines):
            lines.repaint()

    def renew(self) -> None:
        """Look again at what does not come with the migration."""

    def on_screen_resume(self, event: ScreenResume) -> None:
        """Show what happened while another screen was on top."""
        self.paint()

    def on_resize(self, event: Resize) -> None:
        """Keys and status can depend on the size."""
        self.call_after_refresh(self.paint)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """None greys a key out: where somebody else decides, and where the screen cannot be read."""
        if action in self.DECIDING and (not self.desk.seated or self.too_small):
            return None
        return self.allowed(action)

    def allowed(self, action: str) -> bool | None:
        """Whether an action is on (True), off (None) or not there at all (False)."""
        return True

    def decide(self, choice: Choice, what: str, *, subject: str = "", typed: str = "", reason: str = "") -> None:
        """Send a decision about the open gate, or about `subject`."""
        view = self.desk.view
        gate = view.gate.id if view and view.gate else ""
        shown = view.plan.hash if view and view.plan else ""
        self.desk.decide(Decision(choice, subject or gate, typed, reason, shown), what)
        self.paint()

    async def action_back(self) -> None:
        """One screen back; never changes anything."""
        await self.app.run_action("app.back")

    def hints(self) -> tuple[KeyHint, ...]:
        """The keys to show, in the order of the bindings."""
        shown = (one for one in self.BINDINGS if isinstance(one, Binding) and one.show)
        return tuple(KeyHint(one.key, one.words, one.on) for one in self._actions(shown))

    def actions(self) -> tuple[Action, ...]:
        """What can be done here now: first what is this screen's own, then what works on all of them."""
        return self._actions((*self.BINDINGS, *self._everywhere))

    def _actions(self, bindings: Iterable[BindingType]) -> tuple[Action, ...]:
        found = []
        for binding in bound(bindings, self.desk.keys):
            name = name_of(binding)
            state = self.check_action(name, ())
            if state is False or (self.desk.observer and name in self.DECIDING):
                continue
            words = self.label(name, binding)
            found.append(Action(binding.action, name, printed(binding), words, sentence(binding), state is True))
        return tuple(found)

    def every_key(self) -> Iterator[tuple[str, str]]:
        """Every key that works here at some time, and what it does; first those of the key line."""
        own = [one for one in bound(self.BINDINGS, self.desk.keys) if sentence(one)]
        yield from ((printed(one), sentence(one)) for one in own if one.show)
        yield from ((printed(one), sentence(one)) for one in own if one.tooltip and not one.show)
        yield from ((printed(one), sentence(one)) for one in self._everywhere)

    @property
    def _everywhere(self) -> tuple[Binding, ...]:
        """What works on all screens, and on this one; letters do not where they go into a field."""
        if self.ALONE:
            return ()
        found = bound(IN_FORMS if self.AUTO_FOCUS else EVERYWHERE, self.desk.keys)
        return tuple(one for one in found if not self.AUTO_FOCUS or len(printed(one)) > 1)

    def to_copy(self) -> tuple[str, str]:
        """What is most useful elsewhere, and what it is: what went wrong comes first."""
        desk, view = self.desk, self.view
        if desk.error:
            return "the error", desk.error
        if view is not None and not view.runner_alive and view.end is None:
            return "the command", f"cutover resume {view.spec.id}"
        if view is not None and view.gate is not None and view.gate.id == "retry":
            return "the error", f"{view.gate.title}: {view.gate.consequence}"
        return self.useful() or ("the status", self.status()[0])

    def useful(self) -> tuple[str, str] | None:
        """What this screen has that somebody would copy, and what it is."""
        return None

    def out_of_view(self) -> Sequence[str]:
        """The whole body as lines, where the screen has only a part of it."""
        return ()

    def key(self, name: str) -> str:
        """The key of one of this screen's actions, as it is printed."""
        every = bound((*self.BINDINGS, *EVERYWHERE), self.desk.keys)
        return next((printed(one) for one in every if name_of(one) == name), "")

    @property
    def help_text(self) -> str:
        """What the screen is for, with the keys as they are now."""
        return _KEY_OF.sub(lambda found: self.key(found[1]), self.HELP_TEXT)

    def label(self, action: str, binding: Binding) -> str:
        """What a key is called now."""
        return binding.description

    def status(self) -> tuple[str, str]:
        """The sentence above the keys, and its style."""
        desk, view = self.desk, self.view
        standing = desk.standing(self.key("seat"))
        seat = f"{standing} " if standing else ""
        seat = f"PRESENTER: names masked. {seat}" if desk.presenter.on else seat
        if said := desk.saying():
            return seat + said, "note"
        if desk.error:
            return f"{seat}UNKNOWN: {desk.error}", "unknown"
        if view is not None and not view.runner_alive and view.end is None:
            return f"{seat}No runner is at work: run `cutover resume {view.spec.id}`.", "fail"
        news = desk.news()
        if news:
            return seat + news, "note"
        return seat + (self.reason() or (view.headline if view else "")), "note" if seat else ""

    def _draw_top(self, cells: int, height: int) -> list[Row]:
        now = self.desk.clock()
        time = clock(now) if self.LIVE else clock_minutes(now)
        if self.wide:
            return [self._headline(cells, time), row(("─" * cells, "line"))]
        return [self._headline(cells, time), rail_row(*self._rail()), row(("─" * cells, "line"))]

    def _headline(self, cells: int, time: str) -> Row:
        view = self.view
        seat = "observer · " if self.desk.observer else ""
        if view is None:
            return row((fit(f" mysql-cutover   {self.NAME}", cells - len(seat + time) - 1), "head"), seat + time)
        name = clean(view.spec.environment).upper() or "NO ENVIRONMENT"
        until = view.rollback.until if view.end is None else None
        if until is not None:
            # Every screen says it: at the provider's deadline the way back is gone and nobody has pressed a key.
            seat = f"way back ends in {countdown(until - self.desk.clock())} · {seat}"
        badge = f" {fit(name, min(width(name), 12))} "
        style = "badge-prod" if name.startswith("PROD") else "badge"
        middle = f"  {view.spec.id}   {from_to(view.source.name, view.target.name)}"
        return row((badge, style), (fit(middle, cells - width(badge) - len(seat + time) - 1), "head"), seat + time)

    def _draw_left(self, cells: int, height: int) -> list[Row]:
        steps, looked_at = self._rail()
        return rail_column(steps, cells, looked_at)

    def _rail(self) -> tuple[tuple[RailStep, ...], int | None]:
        if self.looking:
            return rail(self.view), self.STEP
        return rail(self.view, self.STEP), None

    def _draw_right(self, cells: int, height: int) -> Sequence[Row]:
        return self.draw_panel(cells)

    def _draw_foot(self, cells: int, height: int) -> list[Row]:
        said, style = self.status()
        said = keys_in_words(said)
        return [self._edge(cells), row((" " + fit(said, cells - 2), style)), key_row(self.hints(), cells)]

    def _edge(self, cells: int) -> Row:
        """The line over the status; it names the guide where that is on and not beside the step."""
        hidden = not self.desk.guiding or self.guide_beside or GUIDE not in self.BINDINGS or self.focused is not None
        if hidden or self.explained() is None:
            return row(("─" * cells, "line"))
        words = " Guide: why this, what can be undone, what people get wrong "
        key = self.key("guide")
        rest = "─" * max(0, cells - len(words) - 4 - len(key))
        return row(("─── ", "line"), (key, "key"), (words, "note"), (rest, "line"))

    def _draw_small(self, cells: int, height: int) -> list[Row]:
        page = Page(cells, height)
        size = f"{self.size.width}x{self.size.height}"
        page.para(f"{MIN_CELLS}x{MIN_ROWS} needed, is {size}; the migration goes on.", indent=0)
        if self.view is not None:
            page.para(self.view.headline, "dim", indent=0)
        return page.rows


_ABOUT_GUIDE = "the guide: why this step, what can be undone, what people get wrong"
LEAVE = Binding("q", "app.leave", "Leave", tooltip="leave; the migration goes on", id="leave")
HELP = Binding("question_mark,f1", "app.help", "Help", key_display="?", tooltip="help on this screen", id="help")
BACK = Binding("escape", "back", "Back", key_display="Esc", tooltip="one screen back; never changes anything")
BACK_TOO = replace(BACK, show=False)
GUIDE = Binding("g", "app.guide", "Guide", show=False, tooltip=_ABOUT_GUIDE, id="guide")
LOG = Binding("l", "app.log", "Log", tooltip="what happened so far", id="log")
_EACH_STEP = ", ".join(f"{number} {name}" for number, name in enumerate(STEPS, 1))


RETRY = Binding("r", "retry", "Try again", tooltip="after a failure: try the step again")
NAMED_GATES = ("checks", "plan", "cutover", "observe")


class MigrationScreen(WizardScreen):
    """A screen of one migration, with the keys that work on all of them."""

    COMMON: ClassVar[list[BindingType]] = [
        Binding("1", "app.look(1)", "Steps", key_display="1-7", tooltip=f"look at a step: {_EACH_STEP}"),
        *[
            Binding(str(number), f"app.look({number})", f"Step {number}: {STEPS[number - 1]}", show=False)
            for number in range(2, 8)
        ],
        LOG,
        GUIDE,
        HELP,
        LEAVE,
        BACK_TOO,
    ]

    def allowed(self, action: str) -> bool | None:
        """Keys that depend on what the runner offers."""
        view = self.view
        if action == "cancel":
            return None if view is None or view.end or not cancellable(view) else True
        if action == "pause":
            return None if view is None or view.end else True
        if action == "retry":
            named = view is None or view.gate is None or view.gate.id in NAMED_GATES or bool(view.gate.options)
            return not named and self.desk.offers(Choice.CONFIRM) and not self.desk.pending
        return True

    async def action_retry(self) -> None:
        """Let the runner go on at a gate that has no screen of its own: mostly, try a failed step again."""
        if self.view is not None and self.view.gate is not None and self.view.gate.word:
            await self.app.run_action("app.confirm_gate")
        else:
            self.decide(Choice.CONFIRM, "try again")

    def action_pause(self) -> None:
        """Hold the runner before its next step, or let it go on."""
        if self.view is not None and self.view.paused:
            self.decide(Choice.CONTINUE, "go on")
        else:
            self.decide(Choice.PAUSE, "pause before the next step")

    def label(self, action: str, binding: Binding) -> str:
        """Pause becomes Continue."""
        if action == "pause" and self.view is not None and self.view.paused:
            return "Continue"
        if action == "retry" and self.view is not None and self.view.gate and self.view.gate.id != "retry":
            return "Go on…" if self.view.gate.word else "Go on"
        return binding.description


def asked(view: MigrationView) -> str:
    """What is asked at a gate without a screen of its own, and by which key; empty where none is open."""
    gate = view.gate
    if gate is None or gate.id in NAMED_GATES or gate.options:
        return ""
    if gate.id == "retry":
        return f"r tries it again, once that is seen to: {gate.title}."
    return f"r {'opens the screen for it' if gate.word else 'goes on'}: {gate.question}"


def cancellable(view: MigrationView) -> bool:
    """Whether the migration can still be cancelled: the writes are on the source and stay there."""
    return not any(attempt.result in ("switched", "running", "unknown") for attempt in view.attempts)


def retry_rows(view: MigrationView, cells: int) -> list[Row]:
    """What failed and what the runner waits for, where it waits before a step; empty otherwise."""
    gate = view.gate
    if gate is None or gate.id in NAMED_GATES:
        return []
    page = Page(cells, 0)
    page.add("   ", ("FAIL " if gate.id == "retry" else "WAIT ", "fail"), fit(gate.title, cells - 10))
    page.para(gate.consequence, indent=8)
    return page.rows
