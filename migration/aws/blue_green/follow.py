"""The call that lets RDS switch over, and what became of it.

It has no token and is sent once, after the point of no return stands in the journal; whatever becomes of its answer is
found out by reading the deployment. RDS checks its guardrails, stops writes on both sides, waits for green, exchanges
the names and opens green; where that takes longer than the timeout it takes everything back.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from typing import TypeVar

from migration.aws.blue_green import state
from migration.aws.blue_green.account import of
from migration.aws.state import poll_s
from migration.cutover.attempt import Aborted, Switchover
from migration.cutover.persisting import persist
from migration.model import Side
from migration.notes import last, last_of_attempt
from migration.runbook import CloudFailed, CloudSilent, Migration
from providers.aws import bluegreen, instances
from providers.aws.bluegreen import Deployment
from providers.aws.calls import Write
from providers.aws.records import Instance
from providers.mysql.errors import ServerError
from providers.mysql.position import FilePosition
from providers.mysql.server import Server

TIMEOUT, USUAL_S = "switchover_timeout", "300"
_STEP, _END = "switchover", "green_log_end"
_PRODUCT = "Amazon RDS"
_MOVE = "move_writes"
# How long a call whose answer was lost may take to be seen in the state before it counts as not made.
_UNSEEN_S = 30.0
_OPENS_S = 30.0
# Nobody can write meanwhile: it is looked at this often, at least.
_LOOK_S = 1.0

T = TypeVar("T")


class NotMoved(Aborted):
    """RDS did not switch over, or took it back: blue has the writes."""


def write(m: Migration, found: Deployment) -> Write[Deployment]:
    """The call."""
    seconds = int(m.chosen(TIMEOUT) or USUAL_S)
    return bluegreen.switch_over(state.id_of(found), seconds)


def order(m: Migration, s: Switchover, found: Deployment) -> str:
    """Ask RDS, once, and wait until it is seen how it ended; what was seen.

    Raises:
        NotMoved: see there.
    """
    _note_log_end(m)
    call = write(m, found)
    m.scribe.statement(_PRODUCT, _STEP, call.shown(), 0)
    accepted = False
    try:
        accepted = of(m).send(call).status == bluegreen.SWITCHING
    except CloudSilent as silent:
        m.scribe.note(str(silent), "warn")
    except CloudFailed as refused:
        now = _persist(m, lambda: state.look(m))
        if now is None or now.status not in (bluegreen.SWITCHING, bluegreen.SWITCHED):
            _back(m, s, str(refused))
    return _outcome(m, s, found.status if accepted else None)


def settle(m: Migration, s: Switchover) -> str:
    """Find out how the call ended that a runner before us made, or did not make; what was seen.

    Raises:
        NotMoved: see there.
    """
    now = _persist(m, lambda: state.look(m))
    under_way = now is not None and now.status in (bluegreen.SWITCHING, bluegreen.SWITCHED)
    if not last_of_attempt(m, _PRODUCT, _STEP) and not under_way:
        _back(m, s, "the runner died before RDS was asked to switch over")
    return _outcome(m, s, None)


def _outcome(m: Migration, s: Switchover, accepted_at: str | None) -> str:
    """Wait until it is seen how it ended; what was seen.

    `accepted_at`: the status at which RDS took the call; None where it is not known to have. What is read right after
    that may be from before it: an end is another status, or one that follows on a switch that was seen.

    Raises:
        NotMoved: see there.
    """
    since, begun = time.monotonic(), False
    while True:
        found = _persist(m, lambda: state.look(m))
        if found is None:
            _without_deployment(m, s)
        elif found.status == bluegreen.SWITCHED:
            _place(m, found)
            return state.in_words(found)
        elif found.status == bluegreen.SWITCHING:
            begun = True
        elif begun or accepted_at not in (None, found.status) or time.monotonic() - since > _UNSEEN_S:
            begun = begun or accepted_at is not None
            # RDS's own reason, where it gives one: "... was canceled due to ...".
            why = state.last_words(m, found, "canceled due to") if begun else f"it has not begun in {_UNSEEN_S:g} s"
            _back(m, s, f"RDS did not switch over: {state.in_words(found)}{f'; {why}' if why else ''}")
        m.scribe.progress(_MOVE, done=0, total=0, unit="", note=f"RDS switches over: {_status(found)}")
        m.desk.halted()
        time.sleep(min(_LOOK_S, poll_s(of(m))))


def _without_deployment(m: Migration, s: Switchover) -> None:
    """Judge by the instances, where somebody deleted the deployment in the midst of it.

    Raises:
        NotMoved: green has its first name still.
        Aborted: it does not, and only a person can judge the rest.
    """
    green = m.spec.target.name
    if _persist(m, lambda: of(m).read(lambda client: instances.find(client, green))) is not None:
        _back(m, s, "the deployment was deleted")
    raise Aborted(
        f"The deployment was deleted while RDS switched over, and there is no {green} any more: see in the console who "
        f"is called {of(m).spec.resource} now, and which of both takes writes, before you go on."
    )


def _status(found: Deployment | None) -> str:
    return "no deployment" if found is None else state.in_words(found)


def _back(m: Migration, s: Switchover, why: str) -> None:
    """Put down that nothing has moved, and will not.

    Raises:
        NotMoved: always.
    """
    words = f"{s.old.name} has the writes: {why}."
    m.scribe.return_again(s.number, words)
    raise NotMoved(words)


def _place(m: Migration, found: Deployment) -> None:
    """Put down where each side is reached now, and see that green takes writes."""
    for side, of_side, arn in (
        (Side.SOURCE, m.spec.source, found.blue_arn),
        (Side.TARGET, m.spec.target, found.green_arn),
    ):
        one = _instance(m, bluegreen.name_of(arn or ""))
        if one.host and one.port:
            m.scribe.placed(side, of_side.name, one.host, one.port)
            m.scribe.note(f"{of_side.name} is what RDS calls {one.instance_id} now")
    _see_open(m)


def _instance(m: Migration, name: str) -> Instance:
    return _persist(m, lambda: of(m).read(lambda client: instances.instance(client, name)))


def _see_open(m: Migration) -> None:
    """Wait until green says that it takes writes. What is amiss is said; the writes have moved all the same."""
    spec = m.spec_now().target
    endpoint, until = spec.endpoint(m.secrets.target), time.monotonic() + _OPENS_S
    why = "it refuses writes"
    while time.monotonic() < until:
        try:
            with contextlib.closing(Server(endpoint, m.target.identity.uid)) as green:
                if not green.read_only().clients:
                    return
        except ServerError as error:
            why = str(error)
        m.desk.halted()
        time.sleep(min(_LOOK_S, poll_s(of(m))))
    m.scribe.note(
        f"RDS says that it has switched over, and {_OPENS_S:g} s later {spec.name} at {spec.address} is not open: "
        f"{why}. Look at it in the console at once.",
        "error",
    )


def _persist(m: Migration, ask: Callable[[], T]) -> T:
    """An answer of RDS's; nobody can leave before there is one."""
    return persist(m, ask, "waiting for RDS", pause_s=min(_LOOK_S, poll_s(of(m))))


def _note_log_end(m: Migration) -> None:
    """Put down where green's own log ends before the switch: from there on old blue lacks what others than it wrote."""
    with contextlib.suppress(ServerError):
        m.scribe.statement(m.target.name, _END, str(m.target.end_of_log()), m.target.session.thread_id)


def log_end(m: Migration) -> FilePosition | None:
    """Where green's log ended right before the last switch; None where nobody put it down."""
    said = last(m, m.target.name, _END)
    return FilePosition.parse(said) if said else None
