"""Reading answers: what is missing or is not what it should be is None, never a guess.

JSON interfaces write numbers and booleans as JSON values here and as texts there, and wrap some lists and not others;
where each is found is said by the caller, as a path of names.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Self

_YES = {"true", "yes", "enabled", "on"}
_NO = {"false", "no", "disabled", "off"}
_TIMES = ("%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%dT%H:%MZ")


@dataclass(frozen=True)
class Structure:
    """Names and values of an answer, with others inside."""

    content: Mapping[str, object]

    def part(self, *path: str) -> Self | None:
        """A structure inside."""
        value = self._at(path)
        return type(self)(value) if isinstance(value, Mapping) else None

    def parts(self, *path: str) -> tuple[Self, ...] | None:
        """A list of structures; None too where one of them is something else."""
        value = self._at(path)
        if not isinstance(value, list) or not all(isinstance(item, Mapping) for item in value):
            return None
        return tuple(type(self)(item) for item in value)

    def _at(self, path: tuple[str, ...]) -> object:
        value: object = self.content
        for name in path:
            if not isinstance(value, Mapping):
                return None
            value = value.get(name)
        return value


@dataclass(frozen=True)
class Answer(Structure):
    """A JSON object of an answer."""

    def text(self, *path: str) -> str | None:
        """The value as it is written; an empty text stays empty."""
        value = self._at(path)
        if isinstance(value, bool):
            return "true" if value else "false"
        if isinstance(value, int | float):
            return str(value)
        return value if isinstance(value, str) else None

    def number(self, *path: str) -> int | None:
        """A whole number, also one that is written as a text."""
        value = self._at(path)
        if isinstance(value, bool):
            return None
        if isinstance(value, int):
            return value
        if isinstance(value, str) and re.fullmatch(r"-?[0-9]{1,18}", value):
            return int(value)
        return None

    def flag(self, *path: str) -> bool | None:
        """A yes or no, in any of the words that APIs have for them."""
        word = (self.text(*path) or "").lower()
        return True if word in _YES else False if word in _NO else None

    def time(self, *path: str) -> datetime | None:
        """A time in UTC."""
        text = self.text(*path) or ""
        for form in _TIMES:
            try:
                return datetime.strptime(text, form).replace(tzinfo=UTC)
            except ValueError:
                continue
        return None
