"""`cutover verify`: whether two servers hold the same rows, while writes go on. Nothing is changed on either."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import NoReturn, Protocol, TextIO

from migration.check_report import ServerSeen
from migration.journal import JournalError, RunnerSeat
from migration.repair import Repaired, write_repair
from migration.sessions import state_dir
from migration.verify.model import Mode, Outcome, Progress, Request, State, Verdict
from migration.verify.verification import Verification
from migration.verify_report import VerifyReport
from providers.mysql.connection import Timeouts
from providers.mysql.endpoint import TlsMode
from providers.mysql.errors import ServerError
from providers.mysql.server import Server
from tui import exit_codes
from tui.servers import BadArgument, ask_password, one_of, parse_server, tls_of
from tui.text import amount, clean, count, duration, fit, plural

Fail = Callable[[str, int], NoReturn]
Say = Callable[[str], None]

_TIMEOUTS = Timeouts(connect=5.0, answer=30.0)
_TELL_S = 0.5
_TELL_PLAIN_S = 10.0
_FINISH_S = 600.0
_MOST_CONNECTIONS = 64
_CODES = {
    Verdict.IDENTICAL: exit_codes.OK,
    Verdict.DIFFERENT: exit_codes.DIFFERENT,
    Verdict.UNPROVED: exit_codes.UNPROVED,
}


@dataclass(frozen=True)
class Asked:
    """The command line. `mode` is empty where the link decides, `follow_s` how long changes are followed."""

    source: str
    target: str
    pattern: str
    databases: tuple[str, ...]
    rate_mib_s: float
    connections: int
    mode: str
    resume: bool
    repair: Path | None
    follow_s: float
    tls: str
    ca_file: str | None
    passwords: tuple[Path | None, Path | None]


class _Refused(Exception):
    """It cannot be begun; the message says why, `code` is the exit code."""

    def __init__(self, message: str, code: int) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True)
class _Both:
    """The servers, connected to, and the databases to be compared."""

    source: Server
    target: Server
    databases: tuple[str, ...]
    only_on_target: tuple[str, ...] = ()


def verify(asked: Asked, as_json: bool, say: Say, fail: Fail) -> int:
    """Compare, and print the result; progress goes to standard error. Returns the exit code.

    This is the boundary of the command: whatever goes wrong, the exit code is never one of a result.
    """
    at = datetime.now(UTC)
    try:
        with _ended_by_signals():
            return _verify(asked, at, as_json, say)
    except _Refused as error:
        fail(clean(str(error)), error.code)
    except BadArgument as error:
        fail(clean(str(error)), exit_codes.USAGE)
    except (ServerError, JournalError) as error:
        fail(f"Nothing is proved: {clean(str(error))}", exit_codes.UNPROVED)
    except KeyboardInterrupt:
        fail(
            "Stopped before the end, so nothing is proved. The same command with --resume goes on from here.",
            exit_codes.UNPROVED,
        )
    except Exception:  # noqa: BLE001 - the boundary: a fault of ours must not end with the code of a result
        sys.stderr.writelines(clean(line) + "\n" for line in traceback.format_exc().splitlines())
        fail("Nothing is proved: this program failed.", exit_codes.UNPROVED)


def _verify(asked: Asked, at: datetime, as_json: bool, say: Say) -> int:
    tls, request = tls_of(asked.tls, asked.ca_file), _request(asked)
    if asked.repair is not None:
        _require_new(asked.repair)
    with contextlib.ExitStack() as stack:
        both = _connect(asked, tls, stack)
        state = _state_of(both, stack)
        request = replace(request, databases=both.databases)
        outcome = _compare(both, request, state, asked, _display(sys.stderr))
        if not (outcome.tables or outcome.found or any(doubt.unproved for doubt in outcome.doubts)):
            raise _Refused("There is no table to compare; look at --databases and --tables.", exit_codes.UNPROVED)
        began, source, target = at.isoformat(timespec="seconds"), _seen(both.source), _seen(both.target)
        report = VerifyReport(began, source, target, both.databases, asked.pattern, both.only_on_target, outcome)
        repaired = _repair(asked.repair, both, outcome)
    code = _CODES[outcome.verdict]
    if as_json:
        file = None if repaired is None else {"file": str(asked.repair), **asdict(repaired)}
        say(json.dumps(report.to_json() | {"exit_code": code, "repair": file}, indent=2))
    else:
        for line in report.lines():
            say(clean(line).rstrip())
        if repaired is not None:
            say(f"{clean(str(asked.repair))}: {_told(repaired)}")
    return code


def _request(asked: Asked) -> Request:
    """What is asked for.

    Raises:
        BadArgument: something is no choice.
    """
    mode = one_of(asked.mode, Mode, "mode") if asked.mode else None
    if not 1 <= asked.connections <= _MOST_CONNECTIONS:
        raise BadArgument(f"{asked.connections} connections cannot be; use 1 to {_MOST_CONNECTIONS}.")
    for name, value in (("rate", asked.rate_mib_s), ("follow", asked.follow_s)):
        if not 0 <= value < float("inf"):
            raise BadArgument(f"{value} is no value of --{name}; use 0 or more.")
    return Request(asked.databases, asked.pattern, mode, connections=asked.connections, rate_mib_s=asked.rate_mib_s)


def _require_new(path: Path) -> None:
    """Look before hours of reading whether the file can be made. What is there already may be another day's repair."""
    trouble = "it is there already" if path.exists() else ""
    if not path.parent.is_dir():
        trouble = f"there is no directory {path.parent}"
    if trouble:
        raise _Refused(f"The repair cannot be written to {path} ({trouble}).", exit_codes.CANNOT_START)


def _connect(asked: Asked, tls: TlsMode, stack: contextlib.ExitStack) -> _Both:
    specs = [
        parse_server(text, name, "", tls, asked.ca_file)
        for text, name in ((asked.source, "source"), (asked.target, "target"))
    ]
    secrets = [
        ask_password(f"{spec.user} on {spec.name}", file) for spec, file in zip(specs, asked.passwords, strict=True)
    ]
    try:
        servers = []
        for spec, secret in zip(specs, secrets, strict=True):
            server = Server(spec.endpoint(secret), timeouts=_TIMEOUTS)
            stack.callback(server.close)
            servers.append(server)
        return _databases(asked, *servers)
    except UnicodeError as error:
        # Python refuses the name of a host, or a part of it, that is too long.
        raise BadArgument(f"{asked.source} {asked.target} is no name of a host.") from error
    except ServerError as error:
        raise _Refused(str(error), exit_codes.CANNOT_START) from error


def _databases(asked: Asked, source: Server, target: Server) -> _Both:
    """Which databases are compared: those that were asked for, else all of the source."""
    if source.identity.uid == target.identity.uid:
        raise _Refused(
            f"{source.endpoint.address} and {target.endpoint.address} are one server; name two.", exit_codes.USAGE
        )
    here, there = source.databases(), target.databases()
    missing = [name for name in asked.databases if name not in here and name not in there]
    if missing:
        raise _Refused(f"There is no database {', '.join(missing)} on either server.", exit_codes.USAGE)
    if asked.databases:
        return _Both(source, target, tuple(dict.fromkeys(asked.databases)))
    return _Both(source, target, here, tuple(name for name in there if name not in here))


def _state_of(both: _Both, stack: contextlib.ExitStack) -> Path:
    """The file of this pair of servers that keeps the progress, ours alone until the end."""
    uids = f"{both.source.identity.uid}\0{both.target.identity.uid}"
    path = state_dir() / "verifications" / hashlib.sha256(uids.encode()).hexdigest()[:24] / "rows"
    try:
        # The keys of rows that differ stand in it.
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        seat = RunnerSeat(path)
        if not seat.take():
            raise _Refused(
                "These two servers are being verified already by another process on this machine; wait for it, or "
                "end it.",
                exit_codes.CANNOT_START,
            )
    except OSError as error:
        raise _Refused(
            f"The progress cannot be kept in {path.parent} ({error.strerror}); make it writable, or name another "
            "directory in CUTOVER_STATE.",
            exit_codes.CANNOT_START,
        ) from error
    stack.callback(seat.release)
    return path


def _compare(both: _Both, request: Request, state: Path, asked: Asked, display: Display) -> Outcome:
    """Read everything, follow the changes as long as asked for, and end."""
    if not asked.resume:
        state.unlink(missing_ok=True)
    running = Verification(both.source.endpoint, both.target.endpoint, request, state=state)
    with contextlib.closing(running), contextlib.closing(display):
        running.start()
        _watch(running, display, lambda progress: progress.state not in (State.STARTING, State.READING))
        _watch(running, display, lambda progress: False, asked.follow_s)
        return _finished(running, display)


def _watch(
    running: Verification, display: Display, until: Callable[[Progress], bool], seconds: float = float("inf")
) -> None:
    """Show the progress until it is as wanted, the time is over, or the verification has ended."""
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        progress = running.wait(until, min(left, _TELL_S))
        display.show(progress)
        if until(progress) or progress.state is State.ENDED:
            return


def _finished(running: Verification, display: Display) -> Outcome:
    """The end, with its progress shown meanwhile."""
    ends: list[Outcome | BaseException] = []

    def finish() -> None:
        try:
            ends.append(running.finish(_FINISH_S))
        except BaseException as error:  # noqa: BLE001 - raised again where it is waited for
            ends.append(error)

    thread = threading.Thread(target=finish, name="verify-finish", daemon=True)
    thread.start()
    while thread.is_alive():
        thread.join(_TELL_S)
        display.show(running.progress())
    (end,) = ends
    if isinstance(end, BaseException):
        raise end
    return end


def _repair(path: Path | None, both: _Both, outcome: Outcome) -> Repaired | None:
    """Write the repair; that it cannot be written takes nothing away from the result."""
    if path is None or not outcome.differences:
        return None
    try:
        fd = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        with open(fd, "w", encoding="utf-8") as out:
            return write_repair(out, both.source, both.target, outcome, datetime.now(UTC))
    except (OSError, ServerError) as error:
        if not isinstance(error, FileExistsError):
            path.unlink(missing_ok=True)
        sys.stderr.write(f"cutover: The repair is not written: {clean(str(error))}\n")
        return None


def _told(repaired: Repaired) -> str:
    return (
        f"{plural(repaired.replaced, 'row')} to put in place, {count(repaired.deleted)} to delete, "
        f"in {plural(repaired.tables, 'table')}"
        + (f"; {plural(repaired.left_out, 'difference')} left out, with the reason" if repaired.left_out else "")
        + ". Nothing was applied."
    )


def _seen(server: Server) -> ServerSeen:
    endpoint = server.endpoint
    return ServerSeen(
        server.name, endpoint.address, str(server.version), endpoint.account.user, server.session.encrypted
    )


class Display(Protocol):
    """Where the progress is shown."""

    def show(self, progress: Progress) -> None:
        """It has come so far."""

    def close(self) -> None:
        """Nothing more is shown."""


def _display(out: TextIO) -> Display:
    return OneLine(out) if out.isatty() else PlainLines(out)


class OneLine:
    """One line of a terminal, drawn again and again, gone in the end."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._drawn = False

    def show(self, progress: Progress) -> None:
        """Draw it."""
        # Room for the ^C that a terminal writes; and at the last column some go on to the next line.
        cells = shutil.get_terminal_size().columns - 3
        self._out.write("\r" + fit(progress_text(progress), cells))
        self._out.flush()
        self._drawn = True

    def close(self) -> None:
        """Wipe it away."""
        if self._drawn:
            self._out.write("\r\x1b[K")
            self._out.flush()
            self._drawn = False


class PlainLines:
    """Lines for a log: one where something has changed that matters, else one every ten seconds."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._told: tuple[State, int, bool] | None = None
        self._at = 0.0

    def show(self, progress: Progress) -> None:
        """Write a line, if it is time for one."""
        told, now = (progress.state, len(progress.confirmed), bool(progress.held)), time.monotonic()
        if told == self._told and now - self._at < _TELL_PLAIN_S:
            return
        self._told, self._at = told, now
        self._out.write(clean(progress_text(progress)) + "\n")
        self._out.flush()

    def close(self) -> None:
        """Nothing is left to be done."""


def progress_text(progress: Progress) -> str:
    """A progress in one line, the most important first: a narrow terminal cuts the rest off."""
    words = [progress.state.value]
    if progress.state is State.READING and progress.bytes_all:
        # The total is the server's estimate, which may be too small.
        percent = min(99, 100 * progress.bytes_read // progress.bytes_all)
        words[0] += f" {percent} %"
        # What the first few rows took says nothing of all of them.
        if percent and progress.remaining_s is not None:
            words.append(f"about {duration(progress.remaining_s)} left")
    if progress.confirmed:
        words.append(f"{count(len(progress.confirmed))} DIFFER")
    if progress.held:
        words.append(f"held back: {progress.held}")
    words.append(f"{count(progress.tables_read)} of {plural(progress.tables, 'table')}")
    words.append(f"{plural(progress.rows, 'row')}, {amount(progress.bytes_read, 'B')}")
    if progress.dirty:
        words.append(f"{count(progress.dirty)} to look at again")
    if progress.redo:
        words.append(f"{plural(progress.redo, 'table')} to read again")
    if progress.mode is Mode.HASH:
        words.append("by checksums")
    return " · ".join(words)


@contextlib.contextmanager
def _ended_by_signals() -> Iterator[None]:
    """Let SIGTERM and SIGHUP end it as Ctrl-C does; a second signal ends it at once."""

    def stop(number: int, frame: FrameType | None) -> NoReturn:
        for each in kinds:
            signal.signal(each, signal.SIG_DFL)
        raise KeyboardInterrupt

    all_kinds = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    # Under nohup a hang-up is ignored, and stays so.
    kinds = [kind for kind in all_kinds if signal.getsignal(kind) is not signal.SIG_IGN]
    before = {kind: signal.signal(kind, stop) for kind in kinds}
    try:
        yield
    finally:
        for kind, handler in before.items():
            signal.signal(kind, handler)
