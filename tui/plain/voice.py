"""Lines out and lines in: nothing is ever drawn over, coloured or echoed."""

from __future__ import annotations

import os
import select
import sys
import time
from collections.abc import Callable

from tui.text import clean, clock

_CHUNK = 4096


class InputEnded(Exception):
    """There is nothing more to read: whoever spoke has gone, and decides nothing any more."""


class OutputGone(Exception):
    """Nobody reads what is said."""


class Voice:
    """Says one thing a line, and hears one answer a line, on the streams of this process.

    Passwords are read by others from the same terminal, so nothing is read here but when an answer is waited for.
    """

    def __init__(self, shown: Callable[[str], str]) -> None:
        """`shown`: what may be said of a sentence."""
        self._shown = shown
        self._input = sys.stdin.fileno()
        self._heard = b""

    def say(self, text: str) -> None:
        """One line; what could steer a terminal is made visible.

        Raises:
            OutputGone: nobody reads it.
        """
        try:
            sys.stdout.write(clean(self._shown(text)) + "\n")
            sys.stdout.flush()
        except OSError as error:
            raise OutputGone from error

    def event(self, at: float, text: str) -> None:
        """One line of what happened, with its time (seconds since 1970)."""
        self.say(f"{clock(at)} {text}")

    def hear(self, seconds: float) -> str | None:
        """The next line that was typed, None where none comes within that time.

        Raises:
            InputEnded: none can come any more.
        """
        end = time.monotonic() + seconds
        while b"\n" not in self._heard:
            left = end - time.monotonic()
            if not select.select([self._input], [], [], max(left, 0.0))[0]:
                return None
            try:
                new = os.read(self._input, _CHUNK)
            except OSError as error:
                raise InputEnded from error
            if not new:
                raise InputEnded
            self._heard += new
        line, _, self._heard = self._heard.partition(b"\n")
        return line.decode(errors="replace").strip()

    def ask(self, prompt: str, meanwhile: Callable[[], bool]) -> str | None:
        """Say what is wanted and wait for it; None where `meanwhile` says that it is not wanted any more.

        Raises:
            InputEnded: there is no answer.
        """
        self.say(prompt)
        while True:
            answer = self.hear(0.1)
            if answer is not None:
                return answer
            if not meanwhile():
                return None

    def stopped_within(self, seconds: float) -> bool:
        """Whether a line comes within that time.

        Raises:
            InputEnded: nobody is there who could stop anything.
        """
        return self.hear(seconds) is not None


def let_go_of_output() -> None:
    """Throw away what is still to be said: Python would end with code 120 over it."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)
