"""Reading answers: what is missing or is of another kind is None, never a guess."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime


@dataclass(frozen=True)
class Answer:
    """A structure of an answer, as the SDK parsed it."""

    content: Mapping[str, object]

    def text(self, *path: str) -> str | None:
        """A text; an empty one stays empty."""
        value = self._at(path)
        return value if isinstance(value, str) else None

    def number(self, *path: str) -> int | None:
        """A whole number."""
        value = self._at(path)
        return value if isinstance(value, int) and not isinstance(value, bool) else None

    def flag(self, *path: str) -> bool | None:
        """A yes or no."""
        value = self._at(path)
        return value if isinstance(value, bool) else None

    def time(self, *path: str) -> datetime | None:
        """A time in UTC."""
        value = self._at(path)
        return value.astimezone(UTC) if isinstance(value, datetime) and value.tzinfo else None

    def part(self, *path: str) -> Answer | None:
        """A structure inside."""
        value = self._at(path)
        return Answer(value) if isinstance(value, Mapping) else None

    def parts(self, *path: str) -> tuple[Answer, ...] | None:
        """A list of structures."""
        value = self._at(path)
        if not isinstance(value, list) or not all(isinstance(item, Mapping) for item in value):
            return None
        return tuple(Answer(item) for item in value)

    def texts(self, *path: str) -> tuple[str, ...] | None:
        """A list of texts."""
        value = self._at(path)
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            return None
        return tuple(value)

    def numbers(self, *path: str) -> tuple[float, ...] | None:
        """A list of numbers."""
        value = self._at(path)
        if not isinstance(value, list) or not all(isinstance(item, int | float) for item in value):
            return None
        return tuple(float(item) for item in value)

    def times(self, *path: str) -> tuple[datetime, ...] | None:
        """A list of times in UTC."""
        value = self._at(path)
        if not isinstance(value, list) or not all(isinstance(item, datetime) for item in value):
            return None
        return tuple(item.astimezone(UTC) for item in value)

    def _at(self, path: tuple[str, ...]) -> object:
        value: object = self.content
        for name in path:
            if not isinstance(value, Mapping):
                return None
            value = value.get(name)
        return value
