"""What follows once the new side is open; each part may be repeated."""

from __future__ import annotations

from migration import events
from migration.cutover import keep
from migration.cutover.attempt import Switchover, part
from migration.runbook import Migration
from providers.mysql import replication
from providers.mysql.errors import ServerError

_REVERSE_S = 15.0


def finish_switch(m: Migration, s: Switchover) -> None:
    """Switch events over, keep the old side closed, prove the way back.

    A part that fails is said and does not hold up the others: the writes have moved, and whether one can go
    back is measured from here on.
    """
    failed = []
    for name, act in (("events", _hand_over_events), ("keep", keep.after), ("reverse", _prove_way_back)):
        try:
            with part(m, s, name) as say:
                say(act(m, s))
        except ServerError as error:
            failed.append(str(error))
    m.scribe.attempt_ended(s.number, "switched", " ".join(failed))


def _hand_over_events(m: Migration, s: Switchover) -> str:
    """Switch on, on the new side, the events that were on; the statements reach the old side switched off."""
    names = events.enabled(m, s.old)
    for name in names:
        m.change(s.new, "events", f"ALTER EVENT {name} ENABLE")
    events.restore(m, s.new)
    return f"{len(names)} events switched on on {s.new.name}" if names else "no scheduled events"


def _prove_way_back(m: Migration, s: Switchover) -> str:
    status = replication.wait_running(s.old, _REVERSE_S)
    return f"{s.old.name} follows {s.new.name} at {status.source_host}:{status.source_port}"
