"""Letters to the runner: how somebody who may read a migration's journal, and not write it, hands something in.

A letter is a file in the room of the terminals. Who sent it is the login that the file belongs to: the kernel says so,
and nobody can write it for another. The runner puts what it takes into the journal under that name.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from migration.journal import JournalError, JournalReader, Kind
from migration.terminals import read_own, room

_MOST_BYTES = 16_384
_MOST = 50
_TAKEN_S = 10.0
_POLL_S = 0.05
KINDS = (Kind.DECISION, Kind.SEAT_ASKED)


@dataclass(frozen=True)
class Letter:
    """What was handed in: `uid` is the number of the login that did; `key` names it."""

    key: str
    uid: int
    kind: Kind
    subject: str
    body: Mapping[str, str]


def may_send(journal: Path) -> bool:
    """Whether this login may hand something in, and not write the journal itself."""
    reads = os.access(journal, os.R_OK) and not os.access(journal, os.W_OK)
    return reads and os.access(room(journal), os.W_OK | os.X_OK)


def send(journal: Path, kind: Kind, subject: str, body: Mapping[str, str]) -> int:
    """Hand something in, and return its sequence number in the journal once the runner has put it there.

    Raises:
        JournalError: this login may not, or no runner has taken it within 10 s; it then takes it no more.
    """
    key = secrets.token_hex(8)
    path = room(journal) / f"{key}.letter"
    try:
        _write(path, {"kind": kind.value, "subject": subject, "body": dict(body)})
    except OSError as error:
        raise JournalError(
            f"This login may not decide anything about {journal.parent.name} ({error.strerror}); it can watch."
        ) from error
    with JournalReader(journal) as reader:
        taken = _taken(reader, kind, key, _TAKEN_S)
        if taken is None and not _took_back(path):
            # It was taken out this very moment.
            taken = _taken(reader, kind, key, _TAKEN_S)
    if taken is None:
        raise JournalError(f"No runner has taken it up within {_TAKEN_S:.0f} s: nothing was decided.")
    return taken


def _taken(reader: JournalReader, kind: Kind, key: str, seconds: float) -> int | None:
    deadline = time.monotonic() + seconds
    after = 0
    while time.monotonic() < deadline:
        for record in reader.records(after):
            after = record.seq
            if record.kind is kind and record.body.get("letter") == key:
                return record.seq
        time.sleep(_POLL_S)
    return None


def _took_back(path: Path) -> bool:
    try:
        path.unlink()
    except OSError:
        return False
    return True


def _write(path: Path, content: Mapping[str, Any]) -> None:
    # The runner looks for finished letters only.
    new = path.with_suffix(".new")
    fd = os.open(new, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o640)
    with os.fdopen(fd, "w") as file:
        json.dump(content, file)
    new.chmod(0o640)
    new.rename(path)


def collect(journal: Path) -> tuple[tuple[Letter | None, int], ...]:
    """Take out what was handed in, the oldest first: each letter, or None where it makes no sense, and whose it was."""
    try:
        waiting = [one for one in os.scandir(room(journal)) if _is_letter(one)]
    except OSError:
        return ()
    found = []
    for entry in sorted(waiting, key=_age)[:_MOST]:
        path = Path(entry.path)
        read = read_own(path, _MOST_BYTES)
        with contextlib.suppress(OSError):
            path.unlink()
        found.append((None, -1) if read is None else (_letter(path.stem, *read), read[0]))
    return tuple(found)


def _is_letter(entry: os.DirEntry[str]) -> bool:
    return entry.name.endswith(".letter") and entry.is_file(follow_symlinks=False)


def _age(entry: os.DirEntry[str]) -> int:
    try:
        return entry.stat(follow_symlinks=False).st_mtime_ns
    except OSError:
        return 0


def _letter(key: str, uid: int, content: Mapping[str, Any]) -> Letter | None:
    kind, subject, body = content.get("kind"), content.get("subject"), content.get("body")
    if kind not in KINDS or not isinstance(subject, str) or not isinstance(body, dict):
        return None
    if not all(isinstance(one, str) for pair in body.items() for one in pair):
        return None
    return Letter(key, uid, Kind(kind), subject, body)
