"""Somebody who has never seen this program: knows what is on the screen, and nothing else.

What stands on a screen is all there is to go by: the sentence above the keys, the keys that are on, the word beside an
empty field. So wherever this reader is stuck, a person would be.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

from tests.support.terminal import Terminal

_TYPED = {"⏎": "\r", "Esc": "\x1b", "Tab": "\t", "Space": " "}
# What these say on a key is not what leads on.
_BACKWARDS = re.compile(r"Stop|Cancel|Roll back|Pause|Undo|Leave|Drain|Back\b|Help|Log|Steps|Guide|off\b")
# What a sentence calls a key.
_NAMES = {"Enter": "⏎"}
_ASKS_WHY = re.compile(r"^Why\b.*\?")
_TYPE_WHY = re.compile(r"\bType why\.")
_EMPTY_FIELD = re.compile(r"\[[ ]*\]\s+(\S.*?)\s*$", re.MULTILINE)
_TO_BE_TYPED = re.compile(r"is not typed yet")
# Where there is no room keys stand one space apart.
_BETWEEN_KEYS = re.compile(r"\s{2,}|(?<=\))\s|\s(?=\((?!off\)))|\s(?=1-7 Steps|l Log|\? Help|q Leave)")
_REASON = "seen in a rehearsal"
# How the screen is shown, before what it says.
_STATUS = re.compile(r"^PRESENTER: names masked\. ")
_POLL_S = 0.05


@dataclass(frozen=True)
class Seen:
    """A screen as it is read: the sentence above the keys, and the keys that are on with their labels, in order."""

    text: str
    sentence: str
    keys: dict[str, str]
    off: tuple[str, ...]

    @property
    def asks(self) -> tuple[str, tuple[tuple[str, str], ...]]:
        """What has to change for it to be worth another look."""
        return re.sub(r"\d+", "#", self.sentence), tuple(self.keys.items())


def read(text: str) -> Seen:
    """Take the last two rows of a screen apart."""
    rows = [row.rstrip() for row in text.splitlines()]
    while rows and not rows[-1]:
        rows.pop()
    line, sentence = (rows[-1], rows[-2]) if len(rows) > 1 else ("", "")
    on: dict[str, str] = {}
    off: list[str] = []
    for part in _BETWEEN_KEYS.split(line.strip()):
        key, _, label = part.strip("()").partition(" ")
        if part.startswith("(") or label.endswith("(off"):
            off.append(key)
        elif label:
            on[key] = label
    return Seen(text, _STATUS.sub("", sentence.strip()), on, tuple(off))


class Stuck(AssertionError):
    """A first-timer does not know what to do."""


@dataclass
class FirstTimer:
    """Goes on by what the screen says until the program has ended.

    `patience_s`: how long nothing may happen while there is nothing to do; `reaction_s`: until what was pressed has to
    show. `wants`: what keys have to say for them to be pressed, each once and in this order, before all others.
    `pressed` is what was typed, for the record.
    """

    screen: Terminal
    patience_s: float = 120.0
    reaction_s: float = 30.0
    wants: tuple[str, ...] = ()
    pressed: list[str] = field(default_factory=list)

    def play(self, seconds: float) -> list[str]:
        """From the first screen to the end of the program; the screens on which something was done.

        Raises:
            Stuck: nothing that is on the screen leads on, or it took longer than that.
        """
        deadline = time.monotonic() + seconds
        visited: list[str] = []
        while self.screen.process.poll() is None:
            if time.monotonic() > deadline:
                raise Stuck(self._told(f"not through within {seconds:.0f} s"))
            seen = read(self.screen.text())
            if self._act(seen):
                visited.append(seen.text)
                self._wait_for_another(seen, deadline)
            else:
                self._wait_for_news(seen)
        return visited

    def _act(self, seen: Seen) -> bool:
        """Do what the screen asks for; False where it asks for nothing."""
        if _ASKS_WHY.search(seen.sentence):
            return self._type(_REASON, "⏎")
        if _TYPE_WHY.search(seen.sentence):
            return self._type(_REASON)
        for key, label in seen.keys.items():
            if self.wants and label.startswith(self.wants[0]):
                self.wants = self.wants[1:]
                return self._press(key)
        for key in self._leading(seen):
            return self._press(key)
        word = _EMPTY_FIELD.search(seen.text)
        if word is not None and _TO_BE_TYPED.search(seen.sentence):
            return self._type(word[1])
        return False

    def _leading(self, seen: Seen) -> Iterator[str]:
        """Keys that lead on: those that the sentence names, in its order; back and out only where it begins so."""
        # `0 s` is a time, and no key.
        plain = re.sub(r"\d[\d.]* [a-z]+\b", "", seen.sentence)
        words = [_NAMES.get(word, word) for word in (word.strip(".,;:()") for word in plain.split())]
        if words and words[0] in ("Esc", "q") and words[0] in seen.keys:
            yield words[0]
        for key in words:
            if key in seen.keys and not _BACKWARDS.search(seen.keys[key]):
                yield key

    def _press(self, key: str) -> bool:
        self.pressed.append(key)
        self.screen.press(_TYPED.get(key, key))
        return True

    def _type(self, word: str, then: str = "") -> bool:
        self.pressed.append(f"'{word}'")
        self.screen.press(*word)
        self.screen.wait_for(re.escape(word) + r"\s" if then else r"\[" + re.escape(word) + r"\s*\]")
        if then:
            self._press(then)
        return True

    def _wait_for_another(self, seen: Seen, deadline: float) -> None:
        """What was done has to show."""
        until = min(deadline, time.monotonic() + self.reaction_s)
        while self.screen.process.poll() is None and read(self.screen.text()).asks == seen.asks:
            if time.monotonic() > until:
                raise Stuck(self._told(f"{self.pressed[-1]} did nothing"))
            time.sleep(_POLL_S)

    def _wait_for_news(self, seen: Seen) -> None:
        """Nothing is to be done: see that something happens meanwhile."""
        until = time.monotonic() + self.patience_s
        while self.screen.process.poll() is None and read(self.screen.text()).asks == seen.asks:
            if time.monotonic() > until:
                raise Stuck(self._told(f"nothing to do, and nothing happens for {self.patience_s:.0f} s"))
            time.sleep(_POLL_S)

    def _told(self, why: str) -> str:
        return f"{why}\npressed: {' '.join(self.pressed)}\n{self.screen.text()}"
