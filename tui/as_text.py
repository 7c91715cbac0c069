"""A screen as plain text: to select and keep in the terminal, where a picture of cells is of no use."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import FrameType

from rich.segment import Segment
from textual.app import App, SuspendNotSupported
from textual.color import Color

from tui.presenter import NameFilter
from tui.screens.base import WizardScreen
from tui.text import clean

# The loop's own handler of SIGINT would end the app.
_ENDING = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)
_CHUNK = 4096


def screen_as_text(screen: WizardScreen) -> list[str]:
    """The screen line by line as it is drawn, and below it what is scrolled out of view; names as it shows them."""
    # What has been drawn went through every filter: what is masked on the screen is masked here.
    drawn = ["".join(part.text for part in strip).rstrip() for strip in screen._compositor.render_strips()]
    names = NameFilter(screen.desk.presenter)
    for line in screen.out_of_view():
        masked = names.apply([Segment(clean(line))], Color(0, 0, 0))
        drawn.append("".join(part.text for part in masked).rstrip())
    return drawn


def show_on_terminal(app: App[None], lines: Sequence[str]) -> bool:
    """Give the terminal back, with the text on it, until Enter; False where this terminal cannot be given back.

    A signal that ends the program ends this at once; the app, which has its handlers, does the rest.
    """
    try:
        # A terminal that is lost meanwhile is found out by the app, too.
        with app.suspend(), _told_of_signals() as told, contextlib.suppress(OSError):
            sys.stdout.write("\n".join(lines) + "\n\n[Enter: back to the screen] ")
            sys.stdout.flush()
            _wait_for_enter(told)
    except SuspendNotSupported:
        return False
    return True


@contextmanager
def _told_of_signals() -> Iterator[int]:
    """A pipe that can be read from as soon as one of the signals has come."""
    told, tell = os.pipe()

    def note(number: int, frame: FrameType | None) -> None:
        os.write(tell, b"!")

    # The loop stands still meanwhile. It gets the signal as well, as soon as it goes on.
    before = {number: signal.signal(number, note) for number in _ENDING}
    try:
        yield told
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        os.close(told)
        os.close(tell)


def _wait_for_enter(told: int) -> None:
    keys = sys.stdin.fileno()
    while told not in (ready := select.select([keys, told], [], [])[0]):
        read = os.read(ready[0], _CHUNK)
        if not read or b"\n" in read:
            return
