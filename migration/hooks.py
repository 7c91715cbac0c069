"""Hooks: telling programs and web addresses what happens, and asking those that may object before the fence.

A hook is no part of a switch: none runs while clients cannot write. Those that only listen are called in a thread,
one after the other, and what becomes of them changes nothing. Those that may object are asked in the runner's own
thread, before anything was changed, and nowhere else.
"""

from __future__ import annotations

import contextlib
import threading
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from migration.cutover import Switchover
from migration.hook_call import Answer, call, harmless
from migration.journal import JournalError
from migration.model import Direction, End, HookSpec, ServerSpec, Stage
from migration.runbook import Migration

_WAITING = 64
# A process that was killed at its limit is gone within this time.
_SLACK_S = 2.5


class Moment(StrEnum):
    """When hooks are called."""

    STAGE = "stage"
    BEFORE_FENCE = "before_fence"
    SWITCHED = "switched"
    ABORTED = "aborted"
    UNKNOWN = "unknown"
    ENDED = "ended"


@dataclass(frozen=True)
class _Call:
    """One call: which hook, counted from 1, and what it is told."""

    number: int
    hook: HookSpec
    told: dict[str, Any]

    @property
    def moment(self) -> str:
        told = self.told
        return f"stage {told['stage']}" if told["moment"] == Moment.STAGE else str(told["moment"])


class Hooks:
    """The hooks of one migration. After a runner's death the moment it goes on from may be told twice."""

    def __init__(self, m: Migration) -> None:
        self._m = m
        self._hooks = tuple(enumerate(m.spec.hooks, 1))
        self._limit_s = max((hook.timeout_s for hook in m.spec.hooks), default=0.0)
        self._stage: Stage | None = None
        self._queue: deque[_Call] = deque()
        self._changed = threading.Condition()
        self._busy = False
        self._silent = False
        self._over = threading.Event()
        self._thread: threading.Thread | None = None

    def stage(self, stage: Stage) -> None:
        """The migration is in this stage now; told where it was not so before."""
        if stage is not self._stage:
            self._stage = stage
            self._tell(Moment.STAGE)

    @contextlib.contextmanager
    def around_fence(self, s: Switchover) -> Iterator[str]:
        """Tell that a switch is about to begin and ask those that may object; no hook runs inside the block.

        What is to be told meanwhile is told after the block, and so is what was not told before within the longest
        limit.

        Yields:
            Why the switch must not begin, in the words of the first that objects; empty where none does.
        """
        objection = self._ask(s)
        with self._changed:
            self._silent = True
            quiet = self._changed.wait_for(lambda: not self._busy, self._limit_s + _SLACK_S)
        try:
            yield objection or ("" if quiet else "a hook that was called before cannot be ended")
        finally:
            with self._changed:
                self._silent = False
                self._changed.notify_all()

    def _ask(self, s: Switchover) -> str:
        if not self._hooks:
            return ""
        told = self._of_switch(Moment.BEFORE_FENCE, s)
        heard = [_Call(number, hook, told) for number, hook in self._hooks if _hears(hook, told)]
        for one in heard:
            if not one.hook.veto:
                self._enqueue(one)
        # What a hook was told before comes before what it is asked now.
        self._settle()
        for one in heard:
            if one.hook.veto:
                answer = self._call(one)
                if not answer.ok:
                    return f"the hook {one.hook.shown} objected: {answer.words}"
        return ""

    def switched(self, s: Switchover) -> None:
        """The writes have moved."""
        if self._hooks:
            self._send(self._of_switch(Moment.SWITCHED, s))

    def aborted(self, s: Switchover, why: str) -> None:
        """The writes have not moved, and why."""
        if self._hooks:
            self._send(self._of_switch(Moment.ABORTED, s) | {"note": harmless(why)})

    def unknown(self, s: Switchover, why: str) -> None:
        """Only a person can say where the writes are now, and why."""
        if self._hooks:
            self._send(self._of_switch(Moment.UNKNOWN, s) | {"note": harmless(why)})

    def ended(self, end: End) -> None:
        """The migration is over."""
        self._tell(Moment.ENDED, end.value)

    def close(self) -> None:
        """Wait for the calls that are left, as long as one of each hook can take, and end what still runs then."""
        if self._thread is None:
            return
        # One is under way, and each is to hear of the end.
        longest_s = self._limit_s * (len(self._hooks) + 1) + _SLACK_S
        with self._changed:
            self._changed.wait_for(lambda: not self._queue and not self._busy, longest_s)
            left = tuple(self._queue)
            self._queue.clear()
            self._over.set()
            self._changed.notify_all()
        self._thread.join(_SLACK_S)
        for one in left:
            self._note(one, "not called: the runner ended first", "warn")

    def _tell(self, moment: Moment, note: str = "") -> None:
        if not self._hooks:
            return
        attempts = self._m.story().attempts
        direction = attempts[-1].direction if attempts else Direction.CUTOVER
        self._send(self._told(moment, direction, len(attempts)) | {"note": note})

    def _of_switch(self, moment: Moment, s: Switchover) -> dict[str, Any]:
        return self._told(moment, s.direction, s.number)

    def _told(self, moment: Moment, direction: Direction, attempt: int) -> dict[str, Any]:
        spec = self._m.spec
        old, new = (spec.source, spec.target) if direction is Direction.CUTOVER else (spec.target, spec.source)
        return {
            "migration": spec.id,
            "environment": spec.environment,
            "stage": (self._stage or self._m.story().stage).value,
            "moment": moment.value,
            "direction": direction.value,
            "attempt": attempt,
            "old": _address(old),
            "new": _address(new),
            "at": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "note": "",
        }

    def _send(self, told: dict[str, Any]) -> None:
        for number, hook in self._hooks:
            if _hears(hook, told):
                self._enqueue(_Call(number, hook, told))

    def _enqueue(self, one: _Call) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="hooks", daemon=True)
            self._thread.start()
        with self._changed:
            room = len(self._queue) < _WAITING
            if room:
                self._queue.append(one)
                self._changed.notify_all()
        if not room:
            self._note(one, f"not called: {_WAITING} calls are waiting already", "warn")

    def _settle(self) -> None:
        """Let what waits be called, at most for the longest limit."""
        with self._changed:
            self._changed.wait_for(lambda: not self._queue and not self._busy, self._limit_s)

    def _work(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._over.is_set() or (bool(self._queue) and not self._silent))
                if self._over.is_set():
                    return
                one = self._queue.popleft()
                self._busy = True
            # A journal that cannot be written stops the runner; the hooks are not what says so.
            with contextlib.suppress(JournalError):
                self._call(one)
            with self._changed:
                self._busy = False
                self._changed.notify_all()

    def _call(self, one: _Call) -> Answer:
        answer = call(one.hook, one.told, self._over)
        if answer.ok:
            self._note(one, f"ok, {answer.ms:.0f} ms", "info")
        else:
            self._note(one, f"failed: {answer.words}, {answer.ms:.0f} ms", "warn")
        return answer

    def _note(self, one: _Call, words: str, level: str) -> None:
        self._m.scribe.note(f"hook {one.number} ({one.hook.shown}) at {one.moment}: {words}", level)


def _address(server: ServerSpec) -> dict[str, str]:
    return {"name": server.name, "address": server.address}


def _hears(hook: HookSpec, told: dict[str, Any]) -> bool:
    return not hook.stages or told["stage"] in hook.stages
