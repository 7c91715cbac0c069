"""A new migration: the two servers, tested before anything is made."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.widgets import Input

from migration.model import Side
from tui.desk import Desk
from tui.feed import in_thread
from tui.messages import RehearsalReady
from tui.screens.base import BACK, HELP, LEAVE, MIN_BODY, WizardScreen
from tui.start import ConnectFailed, ConnectForm, OpenConnect, ProbeLine, Secret, SideForm, TlsMode
from tui.text import elapsed, fit
from tui.widgets.confirm_field import LineField
from tui.widgets.lines import WORD_STYLES, Lines, Page, Row, row

_FIELDS = (
    ("name", "Name", ""),
    ("host", "Host", ""),
    ("port", "Port", "3306"),
    ("user", "User", ""),
    ("password", "Password", ""),
    ("replication_user", "Repl. user", ""),
    ("replication_password", "Repl. pass", ""),
    ("tls", "TLS", TlsMode.PREFERRED.value),
)
_SECRET = ("password", "replication_password")
# What a room that looks on must not read while it is typed.
_NAMES = ("name", "host", "user", "replication_user")


class Probed(Message):
    """What the test of both servers found, for the form it was made with."""

    def __init__(self, form: ConnectForm, lines: tuple[ProbeLine, ...], error: str) -> None:
        super().__init__()
        self.form = form
        self.lines = lines
        self.error = error


class ConnectScreen(WizardScreen):
    """Two columns of fields. Enter tests; once both sides say OK, Enter goes on."""

    STEP = 0
    LIVE = False
    NAME = "New migration"
    DECIDING = frozenset({"go"})
    HELP_TEXT = (
        "User: an administrator's account on that server. Repl. user: the account with which the other "
        "server logs in here to replicate.\n"
        "\n"
        "Passwords stay in memory: they are written to no file, no journal and no log.\n"
        "\n"
        "TLS: disabled, preferred, required, verify_ca or verify_identity.\n"
        "\n"
        "Nothing is changed on either server in this step."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "go", "Test both", key_display="⏎"),
        Binding("tab", "app.focus_next", "Next field", key_display="Tab"),
        Binding("shift+tab", "app.focus_previous", show=False),
        BACK,
        replace(HELP, key="f1", key_display="F1"),
        replace(LEAVE, key="ctrl+q", key_display="^q"),
    ]
    AUTO_FOCUS = "#migration"

    def __init__(self, desk: Desk, start: OpenConnect) -> None:
        super().__init__(desk)
        self._start = start
        self._probed: Probed | None = None
        self._busy = ""
        self._busy_since = 0.0

    def compose_body(self) -> ComposeResult:
        """The fields, then the test's lines."""
        with Horizontal(classes="field"):
            yield _caption(" Migration ")
            yield LineField(id="migration", limit=63, password=self.desk.presenter.on)
            yield _caption("  Environment ")
            yield LineField("rehearsal", id="environment", limit=20)
        yield Lines(lambda cells, _: [row((fit(" Source", cells // 2), "head"), ("Target", "head"))], classes="line")
        with Horizontal(id="sides"):
            for side in ("source", "target"):
                with Vertical(classes="column"):
                    for name, title, value in _FIELDS:
                        with Horizontal(classes="field"):
                            yield _caption(f"   {title:<11}")
                            dots = name in _SECRET or (self.desk.presenter.on and name in _NAMES)
                            field = LineField(value, id=f"{side}-{name}", password=dots)
                            field.add_class("side")
                            yield field
        yield Lines(self.draw_body, id="page", at_least=MIN_BODY)

    def on_mount(self) -> None:
        """A test that runs shows how long."""
        self.set_interval(1.0, self._tick)

    def draw_body(self, cells: int, height: int) -> Sequence[Row]:
        """The lines of the test, side by side."""
        page = Page(cells, height)
        page.blank()
        if self._busy:
            went = elapsed(self.desk.clock() - self._busy_since)
            page.para(f"{self._busy}, {went} so far; a server that does not answer takes up to 10 s.")
            return page.rows
        if self._probed is None:
            page.para("Enter tests both servers: address, login, version, rights. Nothing is changed.", "dim")
            return page.rows
        if self._probed.error:
            page.para(self._probed.error, "fail")
        sides = [[line for line in self._probed.lines if line.side is side] for side in (Side.SOURCE, Side.TARGET)]
        half = cells // 2 - 1
        for number in range(max(map(len, sides), default=0)):
            spans: list[str | tuple[str, str]] = []
            for lines in sides:
                line = lines[number] if number < len(lines) else ProbeLine(Side.BOTH, "", "")
                result = (fit(line.word, 8), WORD_STYLES.get(line.word, ""))
                spans += ["   ", result, fit(line.text, half - 11) + " "]
            page.rows.append(row(*spans))
        for line in self._probed.lines:
            if line.word == "FAIL" and len(line.text) > half - 11:
                page.para(f"{line.side}: {line.text}", "fail")
        return page.rows

    def allowed(self, action: str) -> bool | None:
        """Enter is off while a test runs or a field is wrong."""
        if action == "go":
            return None if self._busy or isinstance(self._form(), str) else True
        if action == "back":
            return self.desk.has_sessions
        return True

    def label(self, action: str, binding: Binding) -> str:
        """Enter is Next once both sides are fine."""
        return "Next" if action == "go" and self._passed() else binding.description

    def reason(self) -> str:
        """What is wrong or missing."""
        if not self.is_mounted:
            return ""
        form = self._form()
        if self._busy:
            return f"{self._busy}."
        if isinstance(form, str):
            return form
        if self._probed is None:
            return "Enter tests both servers."
        if self._probed.form != form:
            return "Something was changed since the test: Enter tests again."
        if self._passed():
            return "Both sides say OK: Enter makes the migration."
        return "Next is off until both sides say OK. Enter tests again."

    def on_input_changed(self, event: Input.Changed) -> None:
        """The status depends on every field."""
        event.stop()
        self.paint()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Enter in a field."""
        event.stop()
        self.action_go()

    def on_probed(self, message: Probed) -> None:
        """The test is over."""
        self._busy, self._probed = "", message
        self.paint()

    def action_go(self) -> None:
        """Test, or go on once the test of exactly this form passed."""
        form = self._form()
        if self._busy or isinstance(form, str) or self.check_action("go", ()) is not True:
            return
        if self._passed():
            self._run("Making the migration", lambda: RehearsalReady(self._start.create(form)), form)
        else:
            self._run("Testing both servers", lambda: Probed(form, self._start.probe(form), ""), form)

    def _run(self, what: str, work: Callable[[], Message], form: ConnectForm) -> None:
        presenter = self.desk.presenter

        def guarded() -> Message:
            try:
                done = work()
            except ConnectFailed as error:
                return Probed(form, (), presenter.entered(form, str(error)))
            if not isinstance(done, Probed):
                return done
            shown = tuple(replace(line, text=presenter.entered(form, line.text)) for line in done.lines)
            return Probed(form, shown, done.error)

        self._busy, self._busy_since = what, self.desk.clock()
        in_thread(guarded, self.post_message)
        self.paint()

    def _tick(self) -> None:
        if self._busy:
            self.paint()

    def _passed(self) -> bool:
        probed = self._probed
        if probed is None or probed.error or not probed.lines or probed.form != self._form():
            return False
        return all(line.word in ("OK", "WARN") for line in probed.lines)

    def _form(self) -> ConnectForm | str:
        """The form, or a sentence on what is missing."""
        migration, environment = self._value("migration"), self._value("environment")
        if not migration:
            return "Give the migration a name: lower-case letters, digits and hyphens."
        try:
            return ConnectForm(migration, environment, self._side("source"), self._side("target"))
        except _Missing as missing:
            return str(missing)

    def _side(self, side: str) -> SideForm:
        values = {name: self._value(f"{side}-{name}") for name, _, _ in _FIELDS}
        for name, title, _ in _FIELDS:
            if not values[name] and name not in _SECRET:
                raise _Missing(f"{side.capitalize()}: {title} is empty.")
        if not values["port"].isdecimal() or not 1 <= int(values["port"]) <= 65535:
            raise _Missing(f"{side.capitalize()}: the port is a number from 1 to 65535.")
        if values["tls"] not in {mode.value for mode in TlsMode}:
            raise _Missing(f"{side.capitalize()}: TLS is one of {', '.join(mode.value for mode in TlsMode)}.")
        return SideForm(
            name=values["name"],
            host=values["host"],
            port=int(values["port"]),
            user=values["user"],
            password=Secret(values["password"]),
            replication_user=values["replication_user"],
            replication_password=Secret(values["replication_password"]),
            tls=TlsMode(values["tls"]),
        )

    def _value(self, name: str) -> str:
        value = self.query_one(f"#{name}", Input).value
        return value if name.endswith("password") else value.strip()


class _Missing(Exception):
    """A field is empty or wrong; the message says which."""


def _caption(text: str) -> Lines:
    caption = Lines(lambda cells, _: [row((text, "dim"))], classes="caption")
    caption.styles.width = len(text)
    return caption
