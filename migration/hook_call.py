"""Calling one hook once: a process of its own, with little around it, that is ended at its limit."""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from migration.hook_option import FILE, BadHook, first_line, read_url
from migration.model import HookSpec

# All that a hook gets of the environment: what else stands there may be a secret.
_KEPT = ("PATH", "HOME", "USER", "LOGNAME", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR")
_KEPT_FOR_TLS = ("SSL_CERT_FILE", "SSL_CERT_DIR")
_ROOT = str(Path(__file__).resolve().parents[1])
_LOOK_S = 0.01
_GONE_S = 2.0
_CHUNK = 65_536
_HEAD = 4096
_SHOWN = 200


@dataclass(frozen=True)
class Answer:
    """How a call ended: `ok`, what there is to say where it is not (harmless text), and how long it took."""

    ok: bool
    words: str
    ms: float


def call(hook: HookSpec, told: Mapping[str, Any], over: threading.Event) -> Answer:
    """Call a hook and wait for its end, at most until its limit.

    A hook has ended when its process has; what it started and left in its process group is ended with it. What it put
    into a session of its own (`setsid`) is out of reach.

    Args:
        hook: which.
        told: what it is told, as JSON on its standard input or as the body of a POST.
        over: once set, the call is ended before its limit.
    """
    began = time.monotonic()
    try:
        argv, said, environment = _prepare(hook, json.dumps(dict(told)))
        ended = _run(argv, said, environment, began + hook.timeout_s, over)
    except BadHook as error:
        return Answer(False, str(error), (time.monotonic() - began) * 1000)
    except OSError as error:
        words = f"it cannot be started ({error.strerror or type(error).__name__})"
        return Answer(False, words, (time.monotonic() - began) * 1000)
    took = (time.monotonic() - began) * 1000
    if ended.code == 0:
        return Answer(True, "", took)
    cut = "it was ended because the runner ended" if over.is_set() else f"it gave no answer within {hook.timeout_s:g} s"
    return Answer(False, _why(ended, cut), took)


@dataclass(frozen=True)
class _Ended:
    """The code of the process, None where it was ended at its limit; the beginning of what it said."""

    code: int | None
    head: bytes


def _prepare(hook: HookSpec, body: str) -> tuple[Sequence[str], bytes, dict[str, str]]:
    environment = {name: os.environ[name] for name in _KEPT if name in os.environ}
    if hook.kind == "command":
        return hook.where, body.encode(), environment
    url = hook.where[0]
    if url.startswith(FILE):
        url = first_line(url.removeprefix(FILE))
    read_url(url)
    environment |= {name: os.environ[name] for name in _KEPT_FOR_TLS if name in os.environ}
    environment["PYTHONPATH"] = _ROOT
    asked = json.dumps({"url": url, "body": body, "limit_s": hook.timeout_s})
    return (sys.executable, "-P", "-m", "migration.webhook"), asked.encode(), environment


def _run(argv: Sequence[str], said: bytes, environment: dict[str, str], until: float, over: threading.Event) -> _Ended:
    process = subprocess.Popen(
        argv,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        cwd="/",
        env=environment,
        start_new_session=True,
        bufsize=0,
    )
    assert process.stdin is not None
    assert process.stderr is not None
    # Not by the process's own context: that waits without a limit for one that the kernel holds on to.
    with contextlib.closing(process.stdin), contextlib.closing(process.stderr):
        head = bytearray()
        try:
            code = _talk(process, said, head, until, over)
        finally:
            _end_group(process)
        _read(process, head)
    return _Ended(code, bytes(head))


def _talk(
    process: subprocess.Popen[bytes], said: bytes, head: bytearray, until: float, over: threading.Event
) -> int | None:
    """Hand over what is to be said and keep the beginning of what is answered; the code, None at the limit."""
    assert process.stdin is not None
    assert process.stderr is not None
    for pipe in (process.stdin, process.stderr):
        os.set_blocking(pipe.fileno(), False)
    left = memoryview(said)
    with selectors.DefaultSelector() as ready:
        ready.register(process.stdin, selectors.EVENT_WRITE)
        ready.register(process.stderr, selectors.EVENT_READ)
        while (code := process.poll()) is None:
            if time.monotonic() > until or over.is_set():
                return None
            if not ready.get_map():
                time.sleep(_LOOK_S)
                continue
            for key, _ in ready.select(_LOOK_S):
                if key.fileobj is process.stderr:
                    if not _read(process, head):
                        ready.unregister(process.stderr)
                    continue
                left = left[_write(process.stdin.fileno(), left) :]
                if not left:
                    ready.unregister(process.stdin)
                    process.stdin.close()
    return code


def _write(pipe: int, data: memoryview) -> int:
    """Write what fits; a hook that does not want to hear it has heard enough."""
    try:
        return os.write(pipe, data)
    except BlockingIOError:
        return 0
    except BrokenPipeError:
        return len(data)


def _read(process: subprocess.Popen[bytes], head: bytearray) -> bool:
    """Read once what is there, keeping the beginning; False at the end of it."""
    assert process.stderr is not None
    try:
        chunk = os.read(process.stderr.fileno(), _CHUNK)
    except BlockingIOError:
        return True
    head += chunk[: max(0, _HEAD - len(head))]
    return bool(chunk)


def _end_group(process: subprocess.Popen[bytes]) -> None:
    # The group has the number of its first process, and goes on without it where others are left in it.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(_GONE_S)


def _why(ended: _Ended, cut: str) -> str:
    lines = ended.head.decode(errors="replace").splitlines()
    line = next((harmless(line) for line in lines if line.strip()), "")
    if ended.code is None:
        why = cut
    elif ended.code < 0:
        why = f"it was ended by signal {-ended.code}"
    else:
        return line or f"it ended with {ended.code} and gave no reason"
    return f"{why}; it said: {line}" if line else why


def harmless(text: str) -> str:
    """Somebody else's words in one line, without what could steer a terminal, and shortened."""
    line = "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text.strip())
    return line if len(line) <= _SHOWN else line[: _SHOWN - 1] + "…"
