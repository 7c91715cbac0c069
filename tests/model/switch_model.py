"""A small model of one switch: two servers, their clients, the runner, the watchdog, and everything that may die.

The old side O has the writes, the new side N follows. A statement that was sent may be carried out at any later
moment, also after its client is dead, until it is killed. A runner that takes no step for long is asleep; it may wake
up at any moment and go on where it was. Each function below gives the moves of one actor; `explore` tries all orders.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

WRITES = 2
Move = tuple[str, "State"]


@dataclass(frozen=True)
class State:
    """Everything that matters.

    Attributes:
        o_closed, n_closed: read_only on either side.
        written: acknowledged writes on O; `applied`: how many of them N has; `own`: writes acknowledged by N.
        runner, dog, heir: where each of our processes is; `heir` is the runner that is started afterwards.
        end: O's end of log as the runner last read it; -1 before that.
        fencing, opening: a statement of ours under way on O (a fence) or on N (the opening).
        answered: whether the newest statement's answer has been given, and its client lived to hear it.
        no_return, expired, ended: what the journal holds.
        persisted: whether a restart of O brings it back closed.
        crashes: how many more processes and servers may die.
    """

    o_closed: bool = False
    n_closed: bool = True
    written: int = 0
    applied: int = 0
    own: int = 0
    runner: str = "ready"
    dog: str = "armed"
    heir: str = "none"
    end: int = -1
    fencing: bool = False
    opening: bool = False
    answered: bool = False
    no_return: bool = False
    expired: bool = False
    ended: str = ""
    persisted: bool = False
    reopened_by_us: bool = False
    crashes: int = 2


@dataclass(frozen=True)
class Rules:
    """What is done, and what a mutation leaves out.

    Attributes:
        persists: whether O can keep read_only over a restart.
        second_read: whether O is read again before the point of no return.
        conditional: whether the point of no return and the watchdog's record rule each other out.
        kills: whether what is left of a fence is killed before O is opened again.
        obeys_no_return: whether O stays closed past the point of no return.
        drains: whether N has to have everything up to O's end.
        bystander: whether an administrator may still write on O through the fence.
    """

    persists: bool = True
    second_read: bool = True
    conditional: bool = True
    kills: bool = True
    obeys_no_return: bool = True
    drains: bool = True
    bystander: bool = False


def moves(s: State, rules: Rules) -> Iterator[Move]:
    """Everything that may happen next."""
    yield from _world(s, rules)
    yield from _runner(s, rules)
    yield from _dog(s, rules)
    yield from _heir(s, rules)


def _world(s: State, rules: Rules) -> Iterator[Move]:
    if not s.o_closed and s.written < WRITES:
        yield "a client writes on O", replace(s, written=s.written + 1)
    if rules.bystander and s.o_closed and s.n_closed and s.written < WRITES:
        yield "an administrator writes on O through the fence", replace(s, written=s.written + 1)
    if not s.n_closed and not s.own:
        yield "a client writes on N", replace(s, own=1)
    if s.applied < s.written:
        yield "N applies a write", replace(s, applied=s.applied + 1)
    if s.fencing:
        yield "O carries the fence out", replace(s, fencing=False, o_closed=True, answered=s.runner != "dead")
    if s.opening:
        yield "N carries the opening out", replace(s, opening=False, n_closed=False, answered=s.runner != "dead")
    if s.crashes:
        yield from _deaths(replace(s, crashes=s.crashes - 1), rules)


def _deaths(s: State, rules: Rules) -> Iterator[Move]:
    if s.runner not in ("dead", "done", "aborted"):
        yield "the runner dies", replace(s, runner="dead", answered=False)
    if s.dog not in ("dead", "done"):
        yield "the watchdog dies", replace(s, dog="dead")
    yield "O restarts", replace(s, o_closed=s.persisted, fencing=False, answered=False)
    if s.n_closed:
        yield "N restarts", replace(s, opening=False, answered=False)


def _runner(s: State, rules: Rules) -> Iterator[Move]:
    giving_up = replace(s, runner="kill", answered=False)
    yield from _runner_fences(s, rules, giving_up)
    yield from _runner_proves(s, rules, giving_up)
    yield from _runner_opens(s, rules, giving_up)


def _runner_fences(s: State, rules: Rules, giving_up: State) -> Iterator[Move]:
    match s.runner:
        case "ready":
            if s.dog == "armed":
                yield (
                    "runner: persists, sends the fence",
                    replace(s, runner="fencing", fencing=True, answered=False, persisted=rules.persists),
                )
            else:
                yield "runner: no watchdog, gives up", giving_up
        case "fencing":
            if s.answered:
                yield "runner: reads O's end", replace(s, runner="drain", end=s.written, answered=False)
            yield "runner: the fence takes too long", giving_up


def _runner_proves(s: State, rules: Rules, giving_up: State) -> Iterator[Move]:
    match s.runner:
        case "drain":
            if s.applied >= s.end or not rules.drains:
                yield "runner: N has O's end", replace(s, runner="prove" if rules.second_read else "journal")
            yield "runner: the drain takes too long", giving_up
        case "prove":
            if not s.o_closed:
                yield "runner: the fence is down", giving_up
            elif s.written != s.end:
                yield "runner: O's end has moved", replace(s, runner="drain", end=s.written)
            else:
                yield "runner: O is still", replace(s, runner="journal")
        case "journal":
            if s.expired and rules.conditional:
                yield "runner: barred by the watchdog", giving_up
            else:
                yield "runner: point of no return", replace(s, runner="open", no_return=True)


def _runner_opens(s: State, rules: Rules, giving_up: State) -> Iterator[Move]:
    match s.runner:
        case "open":
            yield "runner: sends the opening", replace(s, runner="opening", opening=True, answered=False)
        case "opening":
            if s.answered:
                yield "runner: N is open", replace(s, runner="done", ended="switched")
            elif not s.opening:
                yield "runner: answer lost, looks", replace(s, runner="open" if s.n_closed else "done")
            if not rules.obeys_no_return:
                yield "runner: takes it back all the same", giving_up
        case "kill":
            yield (
                "runner: kills what is left of the fence",
                replace(s, runner="unfence", fencing=s.fencing and not rules.kills),
            )
        case "unfence":
            yield (
                "runner: opens O again",
                replace(
                    s, runner="aborted", o_closed=False, persisted=False, ended="aborted", reopened_by_us=s.no_return
                ),
            )


def _dog(s: State, rules: Rules) -> Iterator[Move]:
    late = s.runner not in ("ready", "aborted", "done")
    if s.dog == "armed" and s.runner in ("done", "aborted"):
        yield "watchdog: told that it is over", replace(s, dog="done")
    elif s.dog == "armed" and late:
        if not s.no_return or not rules.obeys_no_return:
            yield "watchdog: lease expired", replace(s, dog="kill", expired=True)
        elif s.runner == "dead":
            yield "watchdog: goes forward", replace(s, dog="forward")
    elif s.dog == "kill":
        yield (
            "watchdog: kills what is left of the fence",
            replace(s, dog="unfence", fencing=s.fencing and not rules.kills),
        )
    elif s.dog == "unfence":
        # A runner that was only asleep is barred from now on; it gives up by itself.
        yield (
            "watchdog: opens O again",
            replace(s, dog="done", o_closed=False, persisted=False, reopened_by_us=s.no_return),
        )
    elif s.dog == "forward":
        yield from _forward(s, "watchdog", lambda now: replace(now, dog="done"))


def _heir(s: State, rules: Rules) -> Iterator[Move]:
    """`resume`: a new runner, once the old one is dead and the watchdog has no say any more."""
    if s.runner != "dead" or s.dog not in ("dead", "done"):
        return
    if s.heir == "none":
        yield "resume", replace(s, heir="looks")
    elif s.heir == "looks":
        if not s.n_closed:
            yield "resume: the writes have moved", replace(s, heir="done", ended="switched")
        elif s.no_return:
            yield "resume: goes forward", replace(s, heir="forward")
        else:
            yield (
                "resume: opens O again",
                replace(
                    s,
                    heir="done",
                    ended="aborted",
                    fencing=s.fencing and not rules.kills,
                    o_closed=False,
                    persisted=False,
                ),
            )
    elif s.heir == "forward":
        yield from _forward(s, "resume", lambda now: replace(now, heir="done", ended="switched"))


def _forward(s: State, who: str, end: object) -> Iterator[Move]:
    """Past the point of no return: fence O again where it is open, drain, look again, open N."""
    assert callable(end)
    if not s.n_closed:
        yield f"{who}: N is open already", end(s)
    elif not s.o_closed:
        yield f"{who}: fences O again", replace(s, o_closed=True)
    elif s.applied >= s.written:
        yield f"{who}: opens N", end(replace(s, n_closed=False, opening=False))


def broken(s: State) -> str:
    """The invariant that a state breaks; empty where it breaks none."""
    if not s.o_closed and not s.n_closed:
        return "two servers take writes"
    if not s.n_closed and s.applied < s.written:
        return "an acknowledged write is missing on N"
    if not s.n_closed and not s.no_return:
        return "N was opened before the point of no return"
    if s.reopened_by_us:
        return "O was opened again past the point of no return"
    return ""


def resting(s: State) -> bool:
    """Whether none of our processes has anything left to do."""
    over = s.runner in ("done", "aborted") or s.heir == "done"
    return over and s.dog in ("dead", "done") and not s.fencing and not s.opening


def unsettled(s: State) -> bool:
    """Whether a resting state leaves clients without a server that takes writes."""
    return s.o_closed and s.n_closed
