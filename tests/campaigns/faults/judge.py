"""What must hold after a run, by the records of the clients, the servers and the journal."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from tests.campaigns.faults.clients import READ_ONLY, Try


@dataclass(frozen=True)
class Seen:
    """What is known of a run when it is over. Servers as numbers: 0 source, 1 target; times monotonic, in seconds.

    `result`: of the attempt, or `refused` where there was none. `closed`: read_only of both. `rows`: what each has.
    `event_at`: when an administrator's event wrote on the old side. `more_s`: how much longer than its deadline, or
    than its runner's life, a fence may last.
    `excused`: until when nobody could reach or use a server. `no_return_at`: None where it was not
    passed, be it in advance and taken back. `xa_told`: whether an armed runner told of a
    prepared transaction.
    """

    old: int
    result: str
    reason: str
    closed: tuple[bool, bool]
    rows: tuple[frozenset[int], frozenset[int]]
    tries: Sequence[Try]
    bystanders: Sequence[Try]
    event_at: Sequence[float]
    fence_s: float
    more_s: float
    xa_told: bool
    excused: Mapping[int, float]
    no_return_at: float | None
    runner_killed_at: float | None
    ended_at: float

    @property
    def new(self) -> int:
        return 1 - self.old


@dataclass(frozen=True)
class Stall:
    """A time in which the old side refused writes and no server took one. `ended` is None where it did not end."""

    began: float
    ended: float | None

    def length_s(self, over_at: float) -> float:
        return (self.ended if self.ended is not None else over_at) - self.began


def judge(seen: Seen) -> list[str]:
    """What was violated; empty where nothing was."""
    return [*_lost(seen), *_too_early(seen), *_two_writers(seen), *_fence(seen), *_end(seen)]


def _lost(seen: Seen) -> Iterable[str]:
    open_sides = [where for where in (0, 1) if not seen.closed[where]]
    if len(open_sides) == 1:
        there, where = seen.rows[open_sides[0]], ("source", "target")[open_sides[0]]
    else:
        there, where = seen.rows[0] | seen.rows[1], "either"
    wanted = {one.number for one in (*seen.tries, *seen.bystanders) if one.code == 0}
    missing = sorted(wanted - there)
    if missing:
        yield f"LOST: {len(missing)} acknowledged writes are not on {where}: {missing[:5]}"


def _too_early(seen: Seen) -> Iterable[str]:
    """Whether the new side took a write before it had what the old one had acknowledged."""
    for one in seen.tries:
        if one.code == 0 and one.where == seen.new and one.saw:
            before = [o.number for o in seen.tries if o.code == 0 and o.where == seen.old and o.ended < one.began]
            if before and before[-1] > one.saw:
                yield f"TOO EARLY: the new side took writes and had {one.saw}, not yet {before[-1]} of the old one"
            return


def _two_writers(seen: Seen) -> Iterable[str]:
    """Whether the old side took a write after the new one had taken one."""
    # Behind an armed fence it is too late to stop: a prepared transaction that is found there is told.
    others = () if seen.xa_told else seen.bystanders
    done = [one for one in (*seen.tries, *others) if one.code == 0]
    first = min((one.ended for one in done if one.where == seen.new), default=None)
    if first is None:
        return
    late = [one for one in done if one.where == seen.old and one.began > first]
    events = [at for at in seen.event_at if at > first]
    if events:
        over = (max(events) - first) * 1000
        yield f"EVENT: an event wrote {len(events)} rows on the old side, up to {over:.1f} ms after the new took writes"
    if late:
        last = max(one.ended for one in late)
        yield f"TWO WRITERS: the old side took {len(late)} writes, up to {(last - first) * 1000:.1f} ms after the new"


def stalls(seen: Seen) -> list[Stall]:
    """Every time during which clients were refused and nobody took a write."""
    found: list[Stall] = []
    began: float | None = None
    for one in seen.tries:
        if one.code == 0:
            if began is not None:
                found.append(Stall(began, one.ended))
            began = None
        elif one.code in READ_ONLY and one.where == seen.old and began is None:
            began = one.ended
    return found if began is None else [*found, Stall(began, None)]


def _fence(seen: Seen) -> Iterable[str]:
    for stall in stalls(seen):
        due = _due(seen, stall)
        ended = stall.ended if stall.ended is not None else seen.ended_at
        if ended > due:
            words = f"{ended - stall.began:.2f} s" if stall.ended is not None else "and was still up"
            yield f"FENCE: it kept clients from writing for {words}, {ended - due:.2f} s longer than it may"


def _due(seen: Seen, stall: Stall) -> float:
    """Until when a fence may last: its deadline, or what nobody could do anything about, and a second more."""
    past = seen.no_return_at is not None
    excused = max((at for where, at in seen.excused.items() if past or where == seen.old), default=0.0)
    deadline = stall.began + seen.fence_s
    killed = seen.runner_killed_at
    if killed is not None and not past:
        deadline = max(killed, stall.began)
    return max(deadline, excused if excused > stall.began else 0.0) + seen.more_s


def _end(seen: Seen) -> Iterable[str]:
    old_closed, new_closed = seen.closed[seen.old], seen.closed[seen.new]
    match seen.result:
        case "switched":
            wanted = (True, False)
        case "aborted" | "refused":
            wanted = (False, True)
        case "unknown":
            if not old_closed and not new_closed:
                yield "END: unknown, and both sides take writes"
            if "fence" not in seen.reason and "Compare" not in seen.reason:
                yield f"END: unknown without a word on what to do: {seen.reason}"
            return
        case _:
            yield f"END: no defined end ({seen.result})"
            return
    if (old_closed, new_closed) != wanted:
        yield f"END: {seen.result}, but the old side is {_word(old_closed)} and the new one {_word(new_closed)}"


def _word(closed: bool) -> str:
    return "closed" if closed else "open"
