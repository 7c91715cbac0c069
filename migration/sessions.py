"""The migrations of this machine: where their journals are, how to start and resume one."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from migration.journal import Journal, JournalError, JournalReader, Kind, RunnerSeat
from migration.model import MigrationSpec, Secrets
from migration.view import MigrationView
from migration.watch import Watch

_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
_START_S = 60.0


class SessionError(Exception):
    """A migration cannot be found, created or started; the message says what to do."""


class RunnerAtWork(SessionError):
    """Somebody has the runner's seat: a runner, or a watchdog that ends what one has left."""


@dataclass(frozen=True)
class Session:
    """One migration of this machine. `view` is None where the journal cannot be read; `error` says why."""

    id: str
    journal: Path
    view: MigrationView | None
    error: str


def state_dir() -> Path:
    """Where journals are kept: `CUTOVER_STATE`, or the user's state directory."""
    override = os.environ.get("CUTOVER_STATE")
    return Path(override) if override else platformdirs.user_state_path("mysql-cutover")


def journal_path(migration_id: str) -> Path:
    """The journal of a migration.

    Raises:
        SessionError: the name is not one that a migration can have.
    """
    if not _ID.fullmatch(migration_id):
        raise SessionError(
            f"{migration_id!r} cannot name a migration; use lower-case letters, digits and hyphens, at most 63."
        )
    return state_dir() / "migrations" / migration_id / "journal.db"


def sessions() -> tuple[Session, ...]:
    """All migrations of this machine, the newest first."""
    found = []
    for path in (state_dir() / "migrations").glob("*/journal.db"):
        try:
            with Watch(path) as watch:
                found.append((path.stat().st_mtime, Session(path.parent.name, path, watch.view(), "")))
        except JournalError as error:
            found.append((path.stat().st_mtime, Session(path.parent.name, path, None, str(error))))
    return tuple(session for _, session in sorted(found, key=lambda pair: -pair[0]))


def create(spec: MigrationSpec) -> Path:
    """Make the journal of a new migration and return its path.

    Raises:
        SessionError: a migration of that name exists.
        JournalError: the state directory cannot be written.
    """
    path = journal_path(spec.id)
    if path.exists():
        raise SessionError(f"There is a migration named {spec.id} already; choose another name or resume it.")
    journal = Journal.create(path)
    try:
        journal.append_synced(Kind.CREATED, spec.id, spec.to_json(), actor="operator")
    finally:
        journal.close()
    return path


def read_spec(path: Path) -> MigrationSpec:
    """What the operator asked for, from the journal.

    Raises:
        JournalError: the journal cannot be read or has no first record.
    """
    with JournalReader(path) as reader:
        for record in reader.records():
            if record.kind is Kind.CREATED:
                return MigrationSpec.from_json(record.body)
    raise JournalError(f"The journal {path} is empty; delete its directory and start again.")


def launch(path: Path, secrets: Secrets, module: str = "migration.runner") -> int:
    """Start the runner of a journal as a process of its own and return its process id.

    The runner leaves the terminal's session, so that a hang-up does not reach it. The passwords go over
    its standard input. Returns once the runner holds its seat.

    Raises:
        RunnerAtWork: a runner is at work already.
        SessionError: this login may not, or the new one ended at once (its last words are given).
    """
    seat = RunnerSeat(path)
    if seat.taken():
        raise RunnerAtWork(f"A runner is already at work on {path.parent.name}; watch it with `cutover watch`.")
    log = path.with_name("runner.log")
    if not os.access(path, os.W_OK):
        raise SessionError(f"This login may not write the journal of {path.parent.name}, and start no runner of it.")
    with log.open("ab") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", module, str(path)],
            stdin=subprocess.PIPE,
            stdout=out,
            stderr=out,
            start_new_session=True,
            cwd=path.parent,
        )
    if process.stdin is None:
        raise SessionError("The runner has no standard input.")
    try:
        process.stdin.write(json.dumps(secrets.reveal()).encode())
        process.stdin.close()
    except BrokenPipeError:
        pass
    deadline = time.monotonic() + _START_S
    while not seat.taken():
        if process.poll() is not None:
            words = log.read_text(errors="replace").strip().splitlines()[-1:] or ["it said nothing"]
            raise SessionError(f"The runner of {path.parent.name} ended at once: {words[0]}")
        if time.monotonic() > deadline:
            raise SessionError(f"The runner of {path.parent.name} did not start within {_START_S:.0f} s; see {log}.")
        time.sleep(0.005)
    return process.pid
