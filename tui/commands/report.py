"""`cutover report`: the migration as a document."""

from __future__ import annotations

import json
import os
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tui import exit_codes
from tui.commands import completing
from tui.commands.options import Json
from tui.commands.saying import fail, say

if TYPE_CHECKING:
    from migration.report import Report


class Format(StrEnum):
    """What a report is written in."""

    MARKDOWN = "markdown"
    HTML = "html"
    JSON = "json"


def journal_of(migration: str) -> Path:
    """The journal of a migration by its name; ends the program where there is none."""
    from migration.sessions import SessionError, journal_path

    try:
        path = journal_path(migration)
    except SessionError as error:
        fail(str(error), exit_codes.USAGE)
    # A login that may not come in is told so where the journal is opened.
    if not os.path.exists(path) and not (path.parent.exists() and not os.access(path.parent, os.X_OK)):
        fail(f"There is no migration named {migration} on this machine; `cutover watch` lists them.", exit_codes.USAGE)
    return path


def report(
    migration: Annotated[str, typer.Argument(help="Its name.", autocompletion=completing.migrations)],
    form: Annotated[Format | None, typer.Option("--format", help="Markdown without it.")] = None,
    json_output: Json = False,
    out: Annotated[Path | None, typer.Option(help="Write to this file instead of standard output.")] = None,
    unmasked: Annotated[
        bool,
        typer.Option("--unmasked", help="With names and statements; aliases stand for them without it."),
    ] = False,
) -> None:
    """The migration as a document: Markdown, one file of HTML, or JSON; names under aliases."""
    from migration.journal import JournalError
    from migration.report import Report

    if json_output and form not in (None, Format.JSON):
        fail("--json is --format json; give one of them.", exit_codes.USAGE)
    wanted = Format.JSON if json_output else form or Format.MARKDOWN
    path = journal_of(migration)
    try:
        document = Report(path) if unmasked else Report.masked(path)
    except JournalError as error:
        fail(str(error), exit_codes.CANNOT_START)
    text = written(document, wanted)
    if out is None:
        say(text)
        return
    try:
        out.write_text(text + "\n")
    except OSError as error:
        fail(f"The report cannot be written to {out} ({error.strerror}).")


def written(document: Report, form: Format) -> str:
    """A report in one of the formats, without the last line's end."""
    if form is Format.JSON:
        return json.dumps(document.to_json(), indent=2)
    if form is Format.HTML:
        from migration.report_html import to_html

        return to_html(document).rstrip()
    return document.to_markdown().rstrip()
