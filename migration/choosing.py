"""Gates at which one thing is chosen, with what it means."""

from __future__ import annotations

from collections.abc import Callable

from migration.decisions import Choice
from migration.runbook import Gate, Migration
from migration.view import Guide, Option


def ask(
    id: str,
    title: str,
    why: str,
    question: str,
    options: Callable[[Migration], tuple[Option, ...]],
    consequence: str | Callable[[Migration], str],
    guide: Guide | None = None,
) -> Gate:
    """A gate with options and nothing to type."""
    return Gate(
        id=id,
        title=title,
        why=why,
        question=lambda m: question,
        consequence=(lambda m: consequence) if isinstance(consequence, str) else consequence,
        word=lambda m: "",
        choices=(Choice.CONFIRM, Choice.CANCEL),
        options=options,
        guide=guide,
    )
