"""The parameter groups of the two primaries: keys that never meet, and a second side that is closed until the move.

The page has `auto_increment_increment` 4 on both sides, `auto_increment_offset` 1 on the first and 2 on the second. A
session has the values that were in force when it was opened, so those of before have to be opened anew.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Collection, Iterator, Mapping

from migration.aws import group, state
from migration.aws.account import of, own_group
from migration.aws.switch import CLOSED, READ_ONLY
from migration.checks.results import count
from migration.checks.sight import Session
from migration.clients import ClientsSilent, clients_of
from migration.fences.foreign import PROCESSES, client_sessions, exempt_users
from migration.notes import last
from migration.runbook import Estimate, Halted, Migration, Observation, StepFailed, done, not_done
from providers.aws import parameters
from providers.aws.calls import Write
from providers.aws.parameters import MOST_AT_ONCE, Apply, Setting
from providers.mysql.server import Server

INCREMENT, OFFSET, SCHEDULER = "auto_increment_increment", "auto_increment_offset", group.SCHEDULER
FIRST: Mapping[str, str] = {INCREMENT: "4", OFFSET: "1"}
SECOND: Mapping[str, str] = {INCREMENT: "4", OFFSET: "2"}
_OFF, _ON = "OFF", "ON"
_NOBODY = "not set"
_SINCE = "increments_since"
_POLL_S = 0.1
_LOOK_S = 0.5
_NAMED = 5
# How far two readings of when a server was started may be apart, in seconds.
_SAME_START_S = 3


def group_of(m: Migration, server: Server) -> str:
    """The parameter group of one side.

    Raises:
        StepFailed: the source has a default one, which nobody can change.
        CloudFailed: RDS cannot be asked.
    """
    if server is not m.source:
        return group.name_of(m)
    name = own_group(state.source(m))
    if name is None:
        raise StepFailed(
            f"{of(m).instance_id} has a default parameter group, which cannot be changed; give it one of its own and "
            "restart it at a quiet time, then try again."
        )
    return name


def apply_to(m: Migration, server: Server, values: Mapping[str, str]) -> None:
    """Set dynamic parameters of one side, and wait until the server itself has them.

    Raises:
        StepFailed: as `group_of`.
        CloudFailed, CloudSilent: as `Account.send`.
        Halted: the operator stopped waiting.
    """
    listed = [Setting(name, value, Apply.NOW) for name, value in values.items()]
    of(m).send(parameters.modify(group_of(m, server), listed))
    _wait_for(m, server, values)


def _wait_for(m: Migration, server: Server, values: Mapping[str, str]) -> None:
    while not in_force(server, values):
        if m.desk.halted():
            raise Halted
        time.sleep(_POLL_S)


def in_force(server: Server, values: Mapping[str, str]) -> bool:
    """Whether a server has these values; sessions that are opened from now on have them."""
    return all(server.variable(name) == value for name, value in values.items())


def in_words(server: Server) -> str:
    """The two settings of a server."""
    return f"{server.name} has {INCREMENT} {server.variable(INCREMENT)}, {OFFSET} {server.variable(OFFSET)}"


class SecondGroup:
    """Making the group of the second primary; see `migration.runbook.Action`.

    It has what the source's has, keys of its own, no scheduled events, and `read_only`, so that only replication
    writes there until the first application server is moved.
    """

    def statements(self, m: Migration) -> tuple[str, ...]:
        """What will be called."""
        return (self._create(m).shown(), *(write.shown() for write in self._writes(m)))

    def estimate(self, m: Migration) -> Estimate:
        """How long it takes."""
        return Estimate(5.0, "two calls; nothing is restarted")

    def probe(self, m: Migration) -> Observation:
        """Whether it is there with these settings."""
        name = group.name_of(m)
        if of(m).read(lambda client: parameters.find(client, name)) is None:
            return not_done(f"there is no parameter group {name}")
        lacking = dict(self._wanted(m).items() - group.changed(m, name).items())
        return not_done(f"{name} lacks {', '.join(sorted(lacking))}") if lacking else done(f"{name} is there")

    def apply(self, m: Migration) -> None:
        """Make it.

        Raises:
            CloudFailed, CloudSilent: as `Account.send`.
        """
        account, name = of(m), group.name_of(m)
        if account.read(lambda client: parameters.find(client, name)) is None:
            account.send(self._create(m))
        for write in self._writes(m):
            account.send(write)

    def _wanted(self, m: Migration) -> dict[str, str]:
        settings = {name: value for name, value in group.of_source(m)[1].items() if name != READ_ONLY}
        return {**settings, **SECOND, SCHEDULER: _OFF, READ_ONLY: CLOSED}

    def _create(self, m: Migration) -> Write[parameters.Group]:
        name = group.name_of(m)
        return parameters.create(name, group.of_source(m)[0], f"of {of(m).replica_id}, second to {of(m).instance_id}")

    def _writes(self, m: Migration) -> Iterator[Write[str | None]]:
        settings = [Setting(name, value, Apply.WITH_RESTART) for name, value in sorted(self._wanted(m).items())]
        for begin in range(0, len(settings), MOST_AT_ONCE):
            yield parameters.modify(group.name_of(m), settings[begin : begin + MOST_AT_ONCE])


class FirstKeys:
    """Giving the source its keys, while it runs; see `migration.runbook.Action`."""

    def statements(self, m: Migration) -> tuple[str, ...]:
        """What will be called."""
        listed = [Setting(name, value, Apply.NOW) for name, value in FIRST.items()]
        return (parameters.modify(group_of(m, m.source), listed).shown(),)

    def estimate(self, m: Migration) -> Estimate:
        """How long it takes."""
        return Estimate(30.0, "RDS sets a dynamic parameter within seconds")

    def probe(self, m: Migration) -> Observation:
        """Whether the server has them, and it is known since which session."""
        words = in_words(m.source)
        if not in_force(m.source, FIRST):
            return not_done(words)
        return done(words) if last(m, m.source.name, _SINCE) else not_done(f"{words}; not known since when")

    def apply(self, m: Migration) -> None:
        """Set them; what was set before is put down for the way back.

        Raises:
            StepFailed, CloudFailed, CloudSilent, Halted: as `apply_to`.
            ServerError: the server cannot be asked.
        """
        before = group.changed(m, group_of(m, m.source))
        for name in FIRST:
            if not last(m, m.source.name, name):
                _put_down(m, name, before.get(name, _NOBODY))
        apply_to(m, m.source, FIRST)
        with contextlib.closing(m.source.connect()) as session:
            _put_down(m, _SINCE, f"{session.thread_id}@{_started(m.source):.0f}")

    def undo(self, m: Migration) -> None:
        """Give the source what it had."""
        _give_back(m, m.source)


def _put_down(m: Migration, what: str, value: str) -> None:
    """For later, about the source; what was put down last counts."""
    m.scribe.statement(m.source.name, what, value, 0)


class KeysBack:
    """Giving the side that stays the keys that the source had before; see `migration.runbook.Action`."""

    def __init__(self, sides: Collection[str]) -> None:
        """`sides`: source, target."""
        self._sides = sides

    def statements(self, m: Migration) -> tuple[str, ...]:
        """What will be called."""
        return (f"{INCREMENT} and {OFFSET} of {' and '.join(self._sides)} as they were on {m.source.name}",)

    def estimate(self, m: Migration) -> Estimate:
        """How long it takes."""
        return Estimate(30.0, "RDS sets a dynamic parameter within seconds")

    def probe(self, m: Migration) -> Observation:
        """Whether their groups say so."""
        wanted = _before(m)
        for server in self._servers(m):
            now = group.changed(m, group_of(m, server))
            if any(now.get(name, _NOBODY) != value for name, value in wanted.items()):
                return not_done(in_words(server))
        return done("new keys follow each other again")

    def apply(self, m: Migration) -> None:
        """Set them.

        Raises:
            StepFailed, CloudFailed, CloudSilent: as `apply_to`.
        """
        for server in self._servers(m):
            _give_back(m, server)

    def _servers(self, m: Migration) -> tuple[Server, ...]:
        return tuple(m.source if side == "source" else m.target for side in self._sides)


def _before(m: Migration) -> dict[str, str]:
    """What the source's group said before, `_NOBODY` where it said nothing; empty where nothing was changed yet."""
    return {name: value for name in FIRST if (value := last(m, m.source.name, name))}


def _give_back(m: Migration, server: Server) -> None:
    name = group_of(m, server)
    before = _before(m)
    named = [Setting(one, value, Apply.NOW) for one, value in before.items() if value != _NOBODY]
    unnamed = [one for one, value in before.items() if value == _NOBODY]
    if named:
        of(m).send(parameters.modify(name, named))
    if unnamed:
        of(m).send(parameters.reset(name, unnamed, Apply.NOW))


class Renewed:
    """Waiting until no session has the keys of before; see `migration.runbook.Action`."""

    def statements(self, m: Migration) -> tuple[str, ...]:
        """What will run."""
        return (
            f"nothing is changed; restart your application servers one at a time (or have their pools open new "
            f"sessions) until none on {m.source.name} is older than the settings",
        )

    def estimate(self, m: Migration) -> Estimate:
        """How long it takes."""
        return Estimate(None, "as long as it takes you to let every application server open its sessions anew")

    def probe(self, m: Migration) -> Observation:
        """Whether every client's session is younger than the settings."""
        old = older(m)
        if not old:
            return done(f"every session on {m.source.name} has {INCREMENT} {FIRST[INCREMENT]}")
        return not_done(_still(m, old))

    def apply(self, m: Migration) -> None:
        """Wait.

        Raises:
            Halted: the operator stopped waiting.
            ServerError: the server cannot be asked.
        """
        try:
            clients_of(m.spec).renew()
        except ClientsSilent as error:
            raise StepFailed(f"The clients of the rehearsal do not open their sessions anew: {error}") from error
        while old := older(m):
            m.scribe.progress("renew_sessions", done=0, total=len(old), unit="sessions", note=_still(m, old))
            if m.desk.halted():
                raise Halted
            time.sleep(_LOOK_S)


def older(m: Migration) -> tuple[Session, ...]:
    """The clients' sessions on the source that were opened before it had its keys.

    Raises:
        StepFailed: it is not known since when it has them.
        ServerError: the server cannot be asked.
    """
    said = last(m, m.source.name, _SINCE)
    if not said:
        raise StepFailed(f"It is not known since when {m.source.name} has its own keys; run that step again.")
    first, _, started = said.partition("@")
    if abs(_started(m.source) - float(started)) > _SAME_START_S:
        # It was restarted since, and every session with it.
        return ()
    ours = exempt_users(m, m.source) | frozenset(m.spec.spared)
    return tuple(one for one in client_sessions(m.source.rows(PROCESSES), ours) if one.id < int(first))


def _started(server: Server) -> float:
    """When a server was started, in seconds by its own clock."""
    (row,) = server.rows("SHOW GLOBAL STATUS LIKE 'Uptime'")
    return float(server.value("SELECT UNIX_TIMESTAMP()")) - float(row[1])


def _still(m: Migration, old: Collection[Session]) -> str:
    names = sorted({f"{one.user}@{one.host}" for one in old})
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    ending = m.source.dialect.kill % next(iter(old)).id
    return (
        f"{count(len(old), 'session', 'sessions')} on {m.source.name} with the keys of before: "
        f"{', '.join(names[:_NAMED])}{more}; one that does not come anew by itself is ended by {ending}"
    )


def scheduling(m: Migration) -> tuple[str, ...]:
    """The sides on which scheduled events run.

    Raises:
        ServerError: a server cannot be asked.
    """
    return tuple(server.name for server in m.servers if server.variable(SCHEDULER) == _ON)


def move_events(m: Migration, old: Server, new: Server) -> str:
    """Let scheduled events run where the applications are, if they ran on the source at the beginning.

    Raises:
        StepFailed, CloudFailed, CloudSilent, Halted: as `apply_to`.
        ServerError: a server cannot be asked.
    """
    was = last(m, m.source.name, SCHEDULER)
    if not was:
        was = m.source.variable(SCHEDULER) or _OFF
        _put_down(m, SCHEDULER, was)
    if was == _OFF:
        return "no event runs anywhere"
    apply_to(m, old, {SCHEDULER: _OFF})
    apply_to(m, new, {SCHEDULER: was})
    return f"events run on {new.name}"


SECOND_GROUP, FIRST_KEYS, RENEWED = SecondGroup(), FirstKeys(), Renewed()
KEYS_OF_SECOND, KEYS_OF_FIRST = KeysBack(("target",)), KeysBack(("source",))
