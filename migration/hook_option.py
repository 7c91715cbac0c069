"""Hooks as an operator writes them on the command line, read and checked before anything begins."""

from __future__ import annotations

import os
import shlex
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from migration.model import HookSpec, Stage

COMMAND, FILE = "command:", "file:"
_MAX_S = 60.0
_FORMS = "write 'command:/path/to/program ARGUMENTS', 'https://HOST/PATH', or 'file:/path' of a file that holds the URL"
_STAGES = tuple(stage.value for stage in Stage)
_OF_SWITCHES = frozenset({Stage.CUTOVER.value, Stage.OBSERVE.value})


class BadHook(Exception):
    """A hook cannot be what it is said to be; one sentence that shows no secret."""


def read_hooks(
    hooks: Sequence[str], vetoing: Sequence[str], timeout_s: float, stages: Sequence[str]
) -> tuple[HookSpec, ...]:
    """The hooks of a migration, those that only listen first.

    Args:
        hooks: those that are told, each in one of the forms `command:...`, `http(s)://...`, `file:...`.
        vetoing: those that may also object before the fence.
        timeout_s: how long each may take, in seconds.
        stages: in which stages they are called; empty for all.

    Raises:
        BadHook: one of them cannot work.
    """
    if not 0 < timeout_s <= _MAX_S:
        raise BadHook(f"A hook cannot have {timeout_s:g} s to answer; choose more than 0 and at most {_MAX_S:g} s.")
    for stage in stages:
        if stage not in _STAGES:
            raise BadHook(f"{stage!r} is no stage; choose of {', '.join(_STAGES)}.")
    if vetoing and stages and _OF_SWITCHES.isdisjoint(stages):
        raise BadHook("A hook that may object is asked in the stages cutover and observe; name one of them, or none.")
    listening = [HookSpec(*_read(text), timeout_s, stages=tuple(stages)) for text in hooks]
    objecting = [HookSpec(*_read(text), timeout_s, veto=True, stages=tuple(stages)) for text in vetoing]
    return (*listening, *objecting)


def read_url(url: str) -> SplitResult:
    """The parts of a web address.

    Raises:
        BadHook: it is none that can be called; the message does not show it.
    """
    try:
        parts = urlsplit(url)
        sound = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        sound = False
    if not sound or not url.isascii() or not url.isprintable() or " " in url:
        raise BadHook("A hook's URL is http:// or https:// with a host, in ASCII and without spaces; correct it.")
    return parts


def first_line(file: str) -> str:
    """The URL that a file holds, on its first line.

    Raises:
        BadHook: the file cannot be read, or is empty.
    """
    try:
        return Path(file).read_text(encoding="utf-8").splitlines()[0].strip()
    except (OSError, UnicodeDecodeError, IndexError) as error:
        why = error.strerror if isinstance(error, OSError) else "it has no first line of text"
        raise BadHook(
            f"The hook's URL cannot be read from {file} ({why}); write it there on the first line."
        ) from error


def _read(text: str) -> tuple[str, tuple[str, ...]]:
    if text.startswith(COMMAND):
        return "command", _command(text.removeprefix(COMMAND))
    if text.startswith(FILE):
        file = text.removeprefix(FILE)
        if not file.startswith("/"):
            raise BadHook(f"The file of a hook's URL is given by its whole path; {file!r} is not one.")
        read_url(first_line(file))
        return "webhook", (text,)
    if text.lower().startswith(("http://", "https://")):
        parts = read_url(text)
        if "@" in parts.netloc or parts.query or parts.fragment:
            raise BadHook(
                f"The hook on {parts.hostname} has a login or a query in its URL, which everybody on this machine can "
                "read on a command line; write the URL into a file of your own and give 'file:/path'."
            )
        return "webhook", (text,)
    raise BadHook(f"A hook has another form; {_FORMS}.")


def _command(words: str) -> tuple[str, ...]:
    try:
        argv = tuple(shlex.split(words))
    except ValueError as error:
        raise BadHook(f"A hook's command cannot be split into words ({error}); close its quotes.") from error
    if not argv or not argv[0].startswith("/"):
        raise BadHook(f"A hook's command begins with the whole path of a program; {_FORMS}.")
    if not Path(argv[0]).is_file() or not os.access(argv[0], os.X_OK):
        raise BadHook(f"The hook {argv[0]} is no program that you may run; correct its path, or make it executable.")
    return argv
