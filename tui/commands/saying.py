"""What commands say, and how they show a migration: in screens, or line by line."""

from __future__ import annotations

import gc
import json
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, NoReturn

import typer

from tui import exit_codes
from tui.config import KEYS_FILE, BadConfig, config_dir

if TYPE_CHECKING:
    from migration.model import MigrationSpec
    from tui.presenter import Presenter
    from tui.start import Start


@dataclass(frozen=True)
class Look:
    """How a migration is shown.

    Attributes:
        presenter: where names are masked.
        plain: lines instead of screens.
        keys: the operator's own, by action.
        guide: whether steps are explained; None leaves it to the migration.
    """

    presenter: Presenter | None
    plain: bool
    keys: Mapping[str, str] = field(default_factory=dict)
    guide: bool | None = None


_OPENING = "cutover: opening the screen"
# Back to the beginning of the line, and nothing on it any more.
_FORGOTTEN = "\r\x1b[K"
_LOOKS = [Look(None, plain=False)]


def look(presenting: bool, plain: bool, ascii_only: bool, guide: bool | None = None) -> Look:
    """How this command shows things; from here on everything that is said goes by it."""
    if ascii_only:
        from tui.ascii_only import use_ascii

        use_ascii()
    presenter = None
    if presenting:
        from tui.presenter import Presenter

        presenter = Presenter(on=True)
    _LOOKS.append(Look(presenter, plain, guide=guide))
    if not plain and (config_dir() / KEYS_FILE).exists():
        _LOOKS.append(replace(_LOOKS[-1], keys=_keys()))
    return _LOOKS[-1]


def _keys() -> Mapping[str, str]:
    """The operator's keys; ends the program where the file is wrong, before anything was begun."""
    from tui.keymap import read_keys

    try:
        return read_keys()
    except BadConfig as error:
        fail(str(error), exit_codes.USAGE)


def shown(text: str) -> str:
    """A sentence as the terminal may have it."""
    presenter = _LOOKS[-1].presenter
    return text if presenter is None else presenter.line(text)


def meet(spec: MigrationSpec) -> None:
    """Learn the names in what is asked for, before anything is said of it."""
    presenter = _LOOKS[-1].presenter
    if presenter is not None:
        presenter.meet(spec)


def fail(message: str, code: int = exit_codes.FAILED) -> NoReturn:
    """End with one sentence on standard error."""
    sys.stderr.write(f"cutover: {shown(message)}\n")
    raise typer.Exit(code)


def say(text: str) -> None:
    """One line on standard output."""
    sys.stdout.write(shown(text) + "\n")
    sys.stdout.flush()


def print_json(value: Any) -> None:
    """A document on standard output; what must not be shown is not in it."""
    sys.stdout.write(json.dumps(value, indent=2) + "\n")
    sys.stdout.flush()


def run_app(start: Start, how: Look, *, observer: bool = False) -> NoReturn:
    """Open the wizard, or talk in lines where there can be no screen, and leave with its exit code."""
    if how.plain or not _has_screen():
        _talk(start, how, observer)
    # On a slow machine it takes a second until there is a screen.
    sys.stdout.write(_OPENING)
    sys.stdout.flush()
    from tui.app import CutoverApp, let_go_of_lost_terminal
    from tui.opening import export_report

    # What is loaded stays until the end: nobody need look through it for garbage, least of all while a key waits.
    gc.freeze()
    wizard = CutoverApp(
        start, observer=observer, export=export_report, presenter=how.presenter, keys=how.keys, guide=how.guide
    )
    sys.stdout.write(_FORGOTTEN)
    sys.stdout.flush()
    wizard.run(mouse=False)
    # An interpreter that ends looks through everything once more; a lost connection's process has to be gone soon.
    gc.freeze()
    let_go_of_lost_terminal()
    left = wizard.view
    if left is not None and left.end is None and not observer:
        down = " `cutover rehearse --stop` takes its servers down." if left.spec.sandbox else ""
        name = "" if wizard.desk.presenter.on else f" {left.spec.id}"
        say(f"{left.spec.id} goes on without you; `cutover resume{name}` brings you back.{down}")
    raise typer.Exit(wizard.return_code or exit_codes.OK)


def _talk(start: Start, how: Look, observer: bool) -> NoReturn:
    from tui.plain.talk import talk
    from tui.presenter import Presenter

    if not observer and _reads_nothing():
        fail(
            "There is no terminal here and nothing to read answers from; use --json, or `cutover rehearse "
            "--unattended`.",
            exit_codes.USAGE,
        )
    raise typer.Exit(talk(start, how.presenter or Presenter(), observer=observer, guide=how.guide))


def _has_screen() -> bool:
    """Whether there is a terminal on both sides that can be drawn on."""
    return sys.stdin.isatty() and sys.stdout.isatty() and os.environ.get("TERM", "dumb") not in ("", "dumb")


def _reads_nothing() -> bool:
    nothing = os.stat(os.devnull)
    return sys.stdin.closed or os.fstat(sys.stdin.fileno()).st_rdev == nothing.st_rdev
