"""One JSON object a line over a Unix socket: what the supervisor and its callers speak."""

from __future__ import annotations

import json
import os
import socket
from pathlib import Path
from typing import Any

SOCKET = "control.sock"
_LIMIT = 16 << 20


def listen(run_dir: Path) -> socket.socket:
    """The supervisor's end; only this user may connect."""
    server = socket.socket(socket.AF_UNIX)
    previous = os.umask(0o177)
    try:
        _at(run_dir, server.bind)
    finally:
        os.umask(previous)
    server.listen(16)
    return server


def ask(run_dir: Path, request: dict[str, Any], timeout_s: float) -> dict[str, Any]:
    """Send one request and wait for its answer.

    Raises:
        OSError: nobody listens, or the answer did not come in time.
    """
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(timeout_s)
        _at(run_dir, client.connect)
        send(client, request)
        answer = receive(client)
    if answer is None:
        raise ConnectionResetError("the supervisor closed the connection")
    return answer


def send(stream: socket.socket, content: dict[str, Any]) -> None:
    """Write one object."""
    stream.sendall(json.dumps(content).encode() + b"\n")


def receive(stream: socket.socket) -> dict[str, Any] | None:
    """Read one object; None at the end of the stream.

    Raises:
        ValueError: what came is no object of a sensible size.
    """
    with stream.makefile("rb") as lines:
        line = lines.readline(_LIMIT)
    if not line.endswith(b"\n"):
        return None
    content = json.loads(line)
    if not isinstance(content, dict):
        raise ValueError("not a JSON object")
    return content


def _at(run_dir: Path, act: Any) -> None:
    """Bind or connect by way of the directory's descriptor: a socket's own path may have 107 bytes at most."""
    directory = os.open(run_dir, os.O_PATH | os.O_DIRECTORY)
    try:
        act(f"/proc/self/fd/{directory}/{SOCKET}")
    finally:
        os.close(directory)
