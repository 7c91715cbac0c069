"""`cutover watch` without a screen: the list of migrations, and one of them as a document."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from migration.journal import JournalError
from migration.sessions import sessions
from migration.watch import Watch
from tui import exit_codes

if TYPE_CHECKING:
    from tui.commands.saying import Look
    from tui.looking import Fail
    from tui.presenter import Presenter


def listed(presenter: Presenter | None) -> list[tuple[str, str]]:
    """Every migration of this machine with where it stands, names masked where there is a presenter."""
    found = sessions() if presenter is None else presenter.listed(sessions())
    return [(one.id, one.view.headline if one.view else one.error) for one in found]


def in_browser(path: Path, address: str, how: Look, fail: Fail) -> None:
    """Serve a migration's screens to browsers of this machine until the process is told to end."""
    try:
        with Watch(path):
            pass
        from tui import web
    except JournalError as error:
        fail(str(error), exit_codes.CANNOT_START)
    except ModuleNotFoundError as error:
        if error.name not in ("aiohttp", "textual_serve"):
            raise
        fail("`--web` needs textual-serve: pip install 'mysql-cutover[web]'.", exit_codes.CANNOT_START)
    try:
        opened = web.listen(address)
    except web.BadAddress as error:
        fail(str(error), exit_codes.USAGE)
    web.serve(opened, path, _say, *(["--presenter"] if how.presenter is not None else []))


def _say(text: str) -> None:
    """Where it is served: no name of anybody's, so that it is not masked."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def document(path: Path, presenter: Presenter | None, fail: Fail) -> dict[str, Any]:
    """Everything that a screen shows of a migration; ends the program where its journal cannot be read."""
    try:
        with Watch(path) as watch:
            view = watch.view()
        return asdict(view if presenter is None else presenter.view(path, view))
    except JournalError as error:
        fail(str(error), exit_codes.CANNOT_START)
