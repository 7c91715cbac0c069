"""Reading answers: what is missing or is of another kind is None, never a guess."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from providers.calling.answer import Structure


@dataclass(frozen=True)
class Answer(Structure):
    """A structure of an answer, as the SDK parsed it."""

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
