"""`cutover check`, `plan` and `doctor`: looking at servers and at this machine, changing nothing."""

from __future__ import annotations

import os
import re
import shutil
import sqlite3
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from migration import runbooks
from migration.check import Finding, Severity, Verdict
from migration.connect import Look, look
from migration.journal import Journal, JournalError
from migration.model import Positioning
from migration.records import Scribe
from migration.sessions import state_dir
from migration.view import Plan
from providers.mysql.endpoint import TlsMode
from providers.mysql.errors import ServerError
from providers.sandbox import engines
from tui import exit_codes
from tui.servers import BadArgument, ask_passwords, parse_server, spec_of

Fail = Callable[[str, int], NoReturn]
Files = tuple[Path | None, Path | None, Path | None]
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_SQLITE = (3, 35, 0)


@dataclass(frozen=True)
class Servers:
    """The two servers as they stand on the command line."""

    source: str
    target: str
    replication_user: str
    tls: str
    ca_file: str | None


def plain(text: str) -> str:
    """Text of a server on one line, without anything a terminal could take for an order."""
    return _CONTROL.sub("�", text)


def _look(servers: Servers, files: Files, runbook: str, fail: Fail) -> Look:
    try:
        tls = TlsMode(servers.tls)
        ends = [
            parse_server(text, name, servers.replication_user, tls, servers.ca_file)
            for text, name in ((servers.source, "source"), (servers.target, "target"))
        ]
        spec = spec_of(ends[0], ends[1], runbook, Positioning.AUTO)
        return look(spec, ask_passwords(spec, *files))
    except ValueError:
        fail(f"{servers.tls!r} is no TLS mode; use one of {', '.join(TlsMode)}.", exit_codes.USAGE)
    except BadArgument as error:
        fail(str(error), exit_codes.USAGE)
    except ServerError as error:
        fail(str(error), exit_codes.CANNOT_START)


def check(servers: Servers, files: Files, fail: Fail) -> tuple[Finding, ...]:
    """Every finding of the plain MySQL runbook's checks."""
    both = _look(servers, files, "mysql_replication", fail)
    try:
        return tuple(both.check(runbooks.find("mysql_replication").checks))
    except ServerError as error:
        fail(str(error), exit_codes.CANNOT_START)
    finally:
        both.close()


def exit_code(findings: Sequence[Finding]) -> int:
    """0 clean, 1 warnings, 2 blockers, 3 something is unknown."""
    failed = [finding for finding in findings if finding.result.verdict is Verdict.FAILED]
    if any(finding.severity is Severity.BLOCKER for finding in failed):
        return exit_codes.BLOCKED
    if any(finding.result.verdict is Verdict.UNKNOWN for finding in findings):
        return exit_codes.UNKNOWN
    if any(finding.severity is Severity.WARNING for finding in failed):
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
        fail(str(error), exit_codes.CANNOT_START)
    finally:
        journal.close()
        both.close()


@dataclass(frozen=True)
class Row:
    """One thing about this machine: `cure` is the command or the change that helps, empty where all is well."""

    word: str
    what: str
    found: str
    cure: str = ""


def doctor() -> list[Row]:
    """What is there and what is missing."""
    return [_python(), _sqlite(), _state(), *_engine_rows(), _terminal(), _tmux()]


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
