"""Trying all orders of moves from the beginning, breadth first."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from tests.model.switch_model import Rules, State, broken, moves, resting, unsettled


@dataclass(frozen=True)
class Explored:
    """How many states there are, what is broken (empty: nothing), and the shortest way there."""

    states: int
    broken: str
    way: tuple[str, ...]


def explore(rules: Rules, start: State | None = None) -> Explored:
    """Visit every state that can be reached, until one breaks an invariant."""
    first = start or State()
    came: dict[State, tuple[State, str] | None] = {first: None}
    after: dict[State, list[State]] = {}
    queue = deque([first])
    while queue:
        state = queue.popleft()
        why = broken(state) or ("clients are left without a server" if resting(state) and unsettled(state) else "")
        if why:
            return Explored(len(came), why, _way(came, state))
        after[state] = []
        for label, following in moves(state, rules):
            after[state].append(following)
            if following not in came:
                came[following] = (state, label)
                queue.append(following)
    stuck = _without_end(after)
    if stuck is not None:
        return Explored(len(came), "no end can be reached", _way(came, stuck))
    return Explored(len(came), "", ())


def _way(came: dict[State, tuple[State, str] | None], state: State) -> tuple[str, ...]:
    labels: list[str] = []
    step = came[state]
    while step is not None:
        labels.append(step[1])
        step = came[step[0]]
    return tuple(reversed(labels))


def _without_end(after: dict[State, list[State]]) -> State | None:
    """A state from which no resting state can be reached any more."""
    before: dict[State, list[State]] = {}
    for state, following in after.items():
        for one in following:
            before.setdefault(one, []).append(state)
    good = {state for state in after if resting(state)}
    queue = deque(good)
    while queue:
        for state in before.get(queue.popleft(), []):
            if state not in good:
                good.add(state)
                queue.append(state)
    return next((state for state in after if state not in good), None)
