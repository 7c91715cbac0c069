"""The command in a terminal that can do nothing but print lines, and somebody who knows only what they say."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence

from tests.support.terminal import Terminal


class Talk:
    """The command in a terminal that can do nothing but print lines."""

    def __init__(self, argv: Sequence[str]) -> None:
        self.screen = Terminal(argv, columns=400, rows=60, env={"TERM": "dumb"})

    def until(self, pattern: str, seconds: float = 20) -> str:
        """Wait for a line and return all of them."""
        end = time.monotonic() + seconds
        while not re.search(pattern, self.lines, re.MULTILINE):
            assert time.monotonic() < end, f"{pattern!r} was never said:\n{self.lines}"
            time.sleep(0.02)
        return self.lines

    @property
    def lines(self) -> str:
        return bytes(self.screen.received).decode().replace("\r\n", "\n")

    def answer(self, text: str) -> None:
        """Type a line."""
        self.screen.press(f"{text}\n")

    def choose(self, label: str) -> None:
        """Type the number that stands before a label."""
        found = re.findall(rf"^(\d+)\. {label}", self.until(rf"^\d+\. {label}", 60), re.MULTILINE)
        self.answer(found[-1])

    def confirm(self, label: str) -> None:
        """Choose what is severe, type the word that is asked for, and let the countdown run out."""
        said = self.lines.count("It starts in")
        while self.lines.count("It starts in") == said:
            before = len(self.lines)
            self.choose(label)
            self.next(r"^Type \S+ to confirm|^Not yet", before)
            if word := re.search(r"^Type (\S+) to confirm", self.lines[before:], re.MULTILINE):
                self.answer(word[1])
                self.next("It starts in", before)
            else:
                self.next("OK everything holds", before)

    def next(self, pattern: str, before: int) -> None:
        """Wait for a line behind the first `before` characters."""
        end = time.monotonic() + 60
        while not re.search(pattern, self.lines[before:], re.MULTILINE):
            assert time.monotonic() < end, f"{pattern!r} was never said again:\n{self.lines}"
            time.sleep(0.02)

    def ended(self) -> int:
        """Wait for the end of the process; its code."""
        return self.screen.process.wait(20)
