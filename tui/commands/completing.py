"""What a shell offers when somebody presses Tab; nothing where something is wrong: it has no place to say so."""

from __future__ import annotations

from tui.config import BadConfig


def migrations(incomplete: str) -> list[str]:
    """The migrations of this machine, by their directories: no journal is opened for it."""
    from migration.sessions import state_dir

    found = (path.parent.name for path in (state_dir() / "migrations").glob("*/journal.db"))
    return sorted(name for name in found if name.startswith(incomplete))


def runbooks(incomplete: str) -> list[str]:
    """The procedures there are."""
    from migration.runbooks import names

    return [name for name in names() if name.startswith(incomplete)]


def profiles(incomplete: str) -> list[str]:
    """The profiles of the operator's file."""
    from tui.profiles import names

    try:
        return [name for name in names() if name.startswith(incomplete)]
    except BadConfig:
        return []
