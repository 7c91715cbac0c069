"""`cutover watch` without a screen: the list of migrations, and one of them as a document."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from migration.journal import JournalError
from migration.sessions import sessions
from migration.watch import Watch
from tui import exit_codes

if TYPE_CHECKING:
    from tui.looking import Fail
    from tui.presenter import Presenter


def listed(presenter: Presenter | None) -> list[tuple[str, str]]:
    """Every migration of this machine with where it stands, names masked where there is a presenter."""
    found = sessions() if presenter is None else presenter.listed(sessions())
    return [(one.id, one.view.headline if one.view else one.error) for one in found]


def document(path: Path, presenter: Presenter | None, fail: Fail) -> dict[str, Any]:
    """Everything that a screen shows of a migration; ends the program where its journal cannot be read."""
    try:
        with Watch(path) as watch:
            view = watch.view()
        return asdict(view if presenter is None else presenter.view(path, view))
    except JournalError as error:
        fail(str(error), exit_codes.CANNOT_START)
