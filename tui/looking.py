"""`cutover check`, `plan` and `doctor`: looking at servers and at this machine, changing nothing."""

from __future__ import annotations

import os
import shutil
import sqlite3
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from migration import runbooks
from migration.check import Route, Severity, Verdict
from migration.check_report import CheckReport
from migration.connect import Look, look, look_at_source
from migration.journal import Journal, JournalError
from migration.model import Positioning, Secrets, ServerSpec
from migration.records import Scribe
from migration.sessions import state_dir
from migration.view import Plan
from providers.mysql.endpoint import Secret
from providers.mysql.errors import ServerError
from providers.sandbox import engines
from tui import exit_codes
from tui.servers import BadArgument, ask_password, ask_passwords, one_of, parse_server, spec_of, tls_of
from tui.text import clean

Fail = Callable[[str, int], NoReturn]
Files = tuple[Path | None, Path | None, Path | None]
_NO_SERVER = ServerSpec("target", "", 0, "", "")
_SQLITE = (3, 35, 0)


@dataclass(frozen=True)
class Servers:
    """The servers as they stand on the command line; `target` is empty where only a source is looked at."""

    source: str
    target: str
    replication_user: str
    tls: str
    ca_file: str | None


def _look(servers: Servers, files: Files, runbook: str, fail: Fail) -> Look:
    try:
        tls = tls_of(servers.tls, servers.ca_file)
        source = parse_server(servers.source, "source", servers.replication_user, tls, servers.ca_file)
        if not servers.target:
            spec = spec_of(source, _NO_SERVER, runbook, Positioning.AUTO)
            none = Secret("")
            password = ask_password(f"{source.user} on {source.name}", files[0])
            return look_at_source(spec, Secrets(password, none, none, none))
        target = parse_server(servers.target, "target", servers.replication_user, tls, servers.ca_file)
        spec = spec_of(source, target, runbook, Positioning.AUTO)
        return look(spec, ask_passwords(spec, *files))
    except BadArgument as error:
        fail(clean(str(error)), exit_codes.USAGE)
    except UnicodeError:
        # Python refuses the name of a host, or a part of it, that is too long.
        fail(f"{clean(f'{servers.source} {servers.target}'.strip())} is no name of a host.", exit_codes.USAGE)
    except ServerError as error:
        fail(clean(str(error)), exit_codes.CANNOT_START)


def route_of(text: str, fail: Fail) -> Route:
    """How the rows travel, from its word on the command line."""
    try:
        return one_of(text, Route, "route")
    except BadArgument as error:
        fail(clean(str(error)), exit_codes.USAGE)


def check(servers: Servers, files: Files, route: Route, fail: Fail) -> CheckReport:
    """The findings of every check on a route."""
    found = _look(servers, files, "mysql_replication", fail)
    try:
        return found.check(route)
    except ServerError as error:
        fail(clean(str(error)), exit_codes.CANNOT_START)
    finally:
        found.close()


def lines(report: CheckReport) -> Iterator[str]:
    """A report for a terminal, with nothing in it that one could take for an order."""
    for finding in report.findings:
        yield f"{finding.word:8} {finding.title:36}  {clean(finding.result.found)}".rstrip()
        if finding.result.verdict in (Verdict.FAILED, Verdict.UNKNOWN) and finding.result.remedy:
            yield f"{'':9}{clean(finding.result.remedy)}"
    yield ", ".join(
        f"{number} {(kind.removesuffix('s') if number == 1 else kind).replace('_', ' ')}"
        for kind, number in report.summary().items()
        if number
    )


def require_place(path: Path, fail: Fail) -> None:
    """End here, and not after minutes of asking, where a file cannot be written."""
    trouble = "it is a directory" if path.is_dir() else ""
    if not path.parent.is_dir():
        trouble = f"there is no directory {path.parent}"
    if trouble:
        fail(f"The findings cannot be written to {path} ({trouble}).", exit_codes.CANNOT_START)


def junit(report: CheckReport, path: Path, fail: Fail) -> None:
    """Write a report as a JUnit file."""
    from migration.junit import write_junit

    try:
        write_junit(report, path)
    except OSError as error:
        fail(f"The findings cannot be written to {path} ({error.strerror}).", exit_codes.CANNOT_START)


def exit_code(report: CheckReport) -> int:
    """0 clean, 1 warnings, 2 blockers, 3 something is unknown."""
    if report.failed(Severity.BLOCKER):
        return exit_codes.BLOCKED
    if report.with_verdict(Verdict.UNKNOWN):
        return exit_codes.UNKNOWN
    if report.failed(Severity.WARNING):
        return exit_codes.WARNINGS
    return exit_codes.OK


def plan(servers: Servers, files: Files, runbook: str, scratch: Path, fail: Fail) -> Plan:
    """The plan of a runbook for these servers."""
    try:
        chosen = runbooks.find(runbook)
    except LookupError as error:
        fail(str(error.args[0]), exit_codes.USAGE)
    both = _look(servers, files, runbook, fail)
    journal = Journal.create(scratch / "plan.db")
    try:
        return both.plan(chosen, Scribe(journal))
    except ServerError as error:
        fail(clean(str(error)), exit_codes.CANNOT_START)
    finally:
        journal.close()
        both.close()


@dataclass(frozen=True)
class Row:
    """One thing about this machine: `cure` is the command or the change that helps, empty where all is well.

    `word` is OK, WARN, FAIL, or - for what is not there and not needed by everybody.
    """

    word: str
    what: str
    found: str
    cure: str = ""


def doctor() -> list[Row]:
    """What is there and what is missing."""
    from tui import credentials

    return [_python(), _sqlite(), _state(), *_engine_rows(), _terminal(), _tmux(), *credentials.found()]


def _python() -> Row:
    return Row("OK", "Python", sys.version.split()[0])


def _sqlite() -> Row:
    if sqlite3.sqlite_version_info >= _SQLITE:
        return Row("OK", "SQLite", sqlite3.sqlite_version)
    return Row("FAIL", "SQLite", sqlite3.sqlite_version, "use a Python that is built with SQLite 3.35 or newer")


def _state() -> Row:
    path = state_dir()
    probe = path / "doctor.probe"
    try:
        path.mkdir(parents=True, exist_ok=True)
        Journal.create(probe).close()
    except (OSError, JournalError) as error:
        return Row("FAIL", "journals", str(error), "make it writable, or name another directory in CUTOVER_STATE")
    finally:
        for leftover in path.glob("doctor.probe*"):
            leftover.unlink(missing_ok=True)
    free = shutil.disk_usage(path).free / 1e9
    return Row(
        "OK" if free > 1 else "WARN", "journals", f"{path}, {free:.1f} GB free", "" if free > 1 else "free space"
    )


def _engine_rows() -> list[Row]:
    rows = []
    for status in engines.status():
        if status.installed:
            rows.append(Row("OK", status.engine.name, status.release or "installed"))
        elif status.engine.default:
            rows.append(
                Row("WARN", status.engine.name, "not installed", f"cutover engines install {status.engine.name}")
            )
    return rows


def _terminal() -> Row:
    size = shutil.get_terminal_size()
    words = f"{os.environ.get('TERM', 'no TERM')}, {size.columns}x{size.lines}"
    if size.columns < 80 or size.lines < 24:
        return Row("WARN", "terminal", words, "make it at least 80x24")
    return Row("OK", "terminal", words)


def _tmux() -> Row:
    if "SSH_CONNECTION" not in os.environ or "TMUX" in os.environ:
        return Row("OK", "connection", "local, or inside tmux")
    return Row("WARN", "connection", "SSH without tmux", "run it inside tmux: the migration survives a hang-up anyway")
