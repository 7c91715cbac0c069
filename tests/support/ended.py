"""Whether a process has ended, of which anything may be true by the time one has asked."""

from __future__ import annotations

import psutil


def gone(process: psutil.Process) -> bool:
    """Whether it has ended, though nobody may have asked for its exit code yet."""
    try:
        return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def gone_pid(pid: int) -> bool:
    """As `gone`, of a process that one knows by its number alone."""
    try:
        return gone(psutil.Process(pid))
    except psutil.NoSuchProcess:
        return True
