"""The replica's own parameter group: it keeps clients out of the replica from its first moment on.

A replica is read-only until it is promoted, and RDS restarts it then. So that it is closed afterwards too, the clients'
accounts are locked before. That is a write, which a read-only server refuses to everybody who has no SUPER; so the
replica takes writes for that while, as RDS allows ("Updating read replicas", RDS User Guide), behind a guard:
`init_connect`, which runs at the begin of every session without SUPER, fails for everybody but this program and
replication, and a session whose `init_connect` fails is ended. It is in force from the first start of the replica, and
ends with the restart of the promotion, when the accounts are locked. A replica has no binary log, so what is locked on
it never reaches the source, which follows it later.

Scheduled events are copied with the data and run on whoever has them, so the scheduler is off in the group until the
writes have moved.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence

from migration.aws import state
from migration.aws.account import of, own_group
from migration.aws.switch import OPEN, READ_ONLY, setting
from migration.guard import GUARD, guard
from migration.model import Outcome
from migration.runbook import Estimate, Halted, Migration, Observation, StepFailed, done, not_done
from providers.aws import parameters
from providers.aws.calls import Write
from providers.aws.parameters import MOST_AT_ONCE, Apply, Setting

SCHEDULER = "event_scheduler"
_OFF = "OFF"
_IF_REPLICA = "{TrueIfReplica}"
_POLL_S = 0.1


def name_of(m: Migration) -> str:
    """What the group is called."""
    return f"{of(m).own_id}-params"


def changed(m: Migration, group: str) -> dict[str, str]:
    """What somebody set in a group.

    Raises:
        CloudFailed: RDS cannot be asked.
    """
    listed = of(m).read(lambda client: parameters.changed(client, group))
    return {one.name: one.value for one in listed if one.name and one.value is not None}


def of_source(m: Migration) -> tuple[str, dict[str, str]]:
    """The family of the source's group, and what was set in it."""
    groups = state.source(m).parameter_groups or ()
    name = next((one.name for one in groups if one.name), None)
    found = None if name is None else of(m).read(lambda client: parameters.find(client, name))
    if name is None or found is None or found.family is None:
        raise StepFailed(f"RDS does not tell the parameter group of {of(m).instance_id}; look at it in the console.")
    return found.family, changed(m, name)


def _create(m: Migration) -> Write[parameters.Group]:
    return parameters.create(name_of(m), of_source(m)[0], f"of {of(m).own_id}, like that of {of(m).instance_id}")


class Own:
    """Making the group with what the source's has, and the scheduler off; see `migration.runbook.Action`."""

    def __init__(self, more: Callable[[Migration], dict[str, str]] = lambda m: {}) -> None:
        """`more`: what is set besides."""
        self._more = more

    def statements(self, m: Migration) -> tuple[str, ...]:
        """What will be called."""
        return (_create(m).shown(), *(write.shown() for write in self._writes(m)))

    def estimate(self, m: Migration) -> Estimate:
        """How long it takes."""
        return Estimate(5.0, "two calls; nothing is restarted")

    def probe(self, m: Migration) -> Observation:
        """Whether it is there with these settings."""
        name = name_of(m)
        if of(m).read(lambda client: parameters.find(client, name)) is None:
            return not_done(f"there is no parameter group {name}")
        lacking = dict(self._wanted(m).items() - changed(m, name).items())
        return not_done(f"{name} lacks {', '.join(lacking)}") if lacking else done(f"{name} is there")

    def apply(self, m: Migration) -> None:
        """Make it.

        Raises:
            CloudFailed, CloudSilent: as `Account.send`.
        """
        account, name = of(m), name_of(m)
        if account.read(lambda client: parameters.find(client, name)) is None:
            account.send(_create(m))
        for write in self._writes(m):
            account.send(write)

    def _wanted(self, m: Migration) -> dict[str, str]:
        settings = {name: value for name, value in of_source(m)[1].items() if name != READ_ONLY}
        return {**settings, SCHEDULER: _OFF, **self._more(m)}

    def _writes(self, m: Migration) -> Iterator[Write[str | None]]:
        """The calls that fill the group; nobody uses it yet, so every setting holds from the first start."""
        settings = [Setting(name, value, Apply.WITH_RESTART) for name, value in self._wanted(m).items()]
        for begin in range(0, len(settings), MOST_AT_ONCE):
            yield parameters.modify(name_of(m), settings[begin : begin + MOST_AT_ONCE])


class BehindGuard:
    """Letting this program, and nobody else, write on the replica; see `migration.runbook.Action`."""

    def statements(self, m: Migration) -> tuple[str, ...]:
        """What will be called."""
        return (setting(name_of(m), OPEN).shown(), f"{of(m).replica_id}: {GUARD} = {guard(m)}, since its first start")

    def estimate(self, m: Migration) -> Estimate:
        """How long it takes."""
        return Estimate(30.0, "RDS sets a dynamic parameter within seconds")

    def probe(self, m: Migration) -> Observation:
        """Whether the replica takes writes, behind the guard."""
        closed = m.target.read_only().clients
        return (
            not_done(f"{m.target.name} is read-only") if closed else done(f"{m.target.name} takes writes, of us only")
        )

    def apply(self, m: Migration) -> None:
        """Open it, where the guard is in force, and wait until the server says so.

        Raises:
            StepFailed: it is not.
            CloudFailed, CloudSilent: as `Account.send`.
            Halted: the operator stopped waiting.
        """
        found = m.target.variable(GUARD)
        if found != guard(m):
            raise StepFailed(
                f"The guard that keeps clients out of {m.target.name} is not in force ({GUARD} is {found!r}); it stays "
                f"read-only. See that it uses the parameter group {name_of(m)}, reboot it, then try again."
            )
        of(m).send(setting(name_of(m), OPEN))
        while m.target.read_only().clients:
            if m.desk.halted():
                raise Halted
            time.sleep(_POLL_S)

    def undo(self, m: Migration) -> None:
        """Leave read_only to RDS again: a replica is closed by that."""
        if READ_ONLY in changed(m, name_of(m)):
            of(m).send(_as_usual(name_of(m), [READ_ONLY]))


class WithoutGuard:
    """Taking the guard out of the group, for the restart of the promotion; see `migration.runbook.Action`.

    Not before: dynamic changes of init_connect have been seen to leave instances that let nobody in until a restart.
    """

    def statements(self, m: Migration) -> tuple[str, ...]:
        """What will be called."""
        return (_without_guard(m).shown(),)

    def estimate(self, m: Migration) -> Estimate:
        """How long it takes."""
        return Estimate(2.0, "one call; in force with the restart of the promotion")

    def probe(self, m: Migration) -> Observation:
        """Whether the group has what the source's has in place of the guard."""
        now = changed(m, name_of(m)).get(GUARD)
        return not_done(f"{name_of(m)} has the guard") if now == guard(m) else done(f"{name_of(m)} has no guard")

    def apply(self, m: Migration) -> None:
        """Take it out.

        Raises:
            CloudFailed, CloudSilent: as `Account.send`.
        """
        of(m).send(_without_guard(m))


def _without_guard(m: Migration) -> Write[str | None]:
    return _like_source(m, name_of(m), GUARD, Apply.WITH_RESTART)


def _like_source(m: Migration, group: str, name: str, apply: Apply) -> Write[str | None]:
    own = of_source(m)[1].get(name)
    if own is None:
        return parameters.reset(group, [name], apply)
    return parameters.modify(group, [Setting(name, own, apply)])


class Events:
    """Letting the scheduler run where the writes are, if it ran on the source; see `migration.runbook.Action`."""

    def __init__(self, group: Callable[[Migration], str] = name_of) -> None:
        """`group`: of the new instance."""
        self._group = group

    def statements(self, m: Migration) -> tuple[str, ...]:
        """What will be called."""
        return (_like_source(m, self._group(m), SCHEDULER, Apply.NOW).shown(),)

    def estimate(self, m: Migration) -> Estimate:
        """How long it takes."""
        return Estimate(30.0, "RDS sets a dynamic parameter within seconds")

    def probe(self, m: Migration) -> Observation:
        """Whether the new instance's scheduler is as the source's."""
        now, wanted = m.target.variable(SCHEDULER), m.source.variable(SCHEDULER)
        words = f"{SCHEDULER} is {now} on {m.target.name} and {wanted} on {m.source.name}"
        return done(words) if now == wanted else not_done(words)

    def apply(self, m: Migration) -> None:
        """Set it, and wait until the server says so.

        Raises:
            CloudFailed, CloudSilent: as `Account.send`.
            Halted: the operator stopped waiting.
        """
        of(m).send(_like_source(m, self._group(m), SCHEDULER, Apply.NOW))
        while self.probe(m).outcome is not Outcome.DONE:
            if m.desk.halted():
                raise Halted
            time.sleep(_POLL_S)


class AsUsual:
    """Leaving read_only to RDS again on the new primary; see `migration.runbook.Action`."""

    def __init__(self, group: Callable[[Migration], str] = name_of) -> None:
        """`group`: of the new instance."""
        self._group = group

    def statements(self, m: Migration) -> tuple[str, ...]:
        """What will be called."""
        return (_as_usual(self._group(m), [READ_ONLY]).shown(),)

    def estimate(self, m: Migration) -> Estimate:
        """How long it takes."""
        return Estimate(2.0, "one call; no primary becomes read-only by it")

    def probe(self, m: Migration) -> Observation:
        """Whether nobody's value of read_only is in the group."""
        value = changed(m, self._group(m)).get(READ_ONLY)
        return done("read_only is RDS's own") if value in (None, _IF_REPLICA) else not_done(f"read_only is {value}")

    def apply(self, m: Migration) -> None:
        """Take it out.

        Raises:
            StepFailed: another group is used, which is not touched.
            CloudFailed, CloudSilent: as `Account.send`.
        """
        group = self._group(m)
        if own_group(state.require_replica(m)) != group:
            raise StepFailed(f"{of(m).replica_id} does not use {group} any more; give it that group again.")
        of(m).send(_as_usual(group, [READ_ONLY]))


def _as_usual(group: str, names: Sequence[str]) -> Write[str | None]:
    return parameters.reset(group, names, Apply.NOW)


OWN, BEHIND_GUARD, WITHOUT_GUARD = Own(lambda m: {GUARD: guard(m)}), BehindGuard(), WithoutGuard()
EVENTS, AS_USUAL = Events(), AsUsual()
