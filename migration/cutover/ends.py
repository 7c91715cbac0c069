"""How the end of the old side's log is known, and how the new side is known to have reached it.

The questions travel with others in one packet. `ends_for` chooses by the migration's positioning: the server's own
positions, or a signal row.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from migration.cutover import signal
from migration.cutover.attempt import Switchover
from migration.cutover.signal import SignalPosition
from migration.model import Positioning
from migration.runbook import Migration
from providers.mysql.connection import Connection, Row
from providers.mysql.errors import ServerError, StatementFailed
from providers.mysql.gtid import GtidSet, MariaGtid
from providers.mysql.position import FilePosition, Position
from providers.mysql.server import Server

Answers = tuple[tuple[Row, ...], ...]
End = Position | SignalPosition


class Moved(ServerError):
    """Something was written behind the fence that the new side is not known to have; try again."""


class Ends(Protocol):
    """The old side's end in one kind of positioning."""

    def prepare(self) -> None:
        """What has to be there beforehand."""
        ...

    def now(self) -> End:
        """The end while the old side still takes writes, for rehearsing."""
        ...

    def asked(self) -> tuple[str, ...]:
        """What to ask right behind the fence."""
        ...

    def read(self, answers: Answers) -> End:
        """The end, from the answers to `asked`."""
        ...

    def asked_again(self) -> tuple[str, ...]:
        """What to ask for the second reading."""
        ...

    def read_again(self, end: End, answers: Answers) -> End:
        """The end by the answers to `asked_again`: the one that was read before, or a later one to drain to.

        Raises:
            Moved: there is a later one, and no way to drain to it under this fence.
        """
        ...

    def reached(self, end: End, seconds: float, session: Connection) -> bool:
        """Wait on the new side until it has everything up to `end`; False where it has not within the time."""
        ...

    def reaching(self, end: End, seconds: float, session: Connection) -> Callable[[], bool]:
        """As `reached`; where the server itself can wait, it does so from now on, and the function takes its answer."""
        ...


def ends_for(m: Migration, s: Switchover) -> Ends:
    """By the migration's positioning."""
    return SignalEnd(m, s) if m.positioning is Positioning.SIGNAL else LogEnd(m, s)


def end_question(m: Migration, server: Server) -> str:
    """The statement that asks where a server's log ends, in this migration's notation."""
    return server.dialect.source_status if m.by_file else server.dialect.gtid_end


def read_end(m: Migration, server: Server, rows: tuple[Row, ...]) -> Position:
    """The answer to `end_question`.

    Raises:
        StatementFailed: the binary log is off.
    """
    if not rows:
        raise StatementFailed(server.name, f"The binary log of {server.name} is off; turn on log_bin and restart it.")
    if m.by_file:
        # The first two columns are File and Position on every server (SHOW MASTER STATUS, SHOW BINARY LOG STATUS).
        return FilePosition(str(rows[0][0]), int(rows[0][1]))
    text = str(rows[0][0])
    return MariaGtid.parse(text) if server.version.mariadb else GtidSet.parse(text)


class LogEnd:
    """GTIDs, or file and offset: the new side waits for them itself."""

    def __init__(self, m: Migration, s: Switchover) -> None:
        self._m = m
        self._s = s

    def prepare(self) -> None:
        """Nothing: every server has them."""

    def now(self) -> End:
        """See `Ends`."""
        return self._m.end_position(self._s.old)

    def asked(self) -> tuple[str, ...]:
        """See `Ends`."""
        return (end_question(self._m, self._s.old),)

    def read(self, answers: Answers) -> End:
        """See `Ends`."""
        return read_end(self._m, self._s.old, answers[0])

    def asked_again(self) -> tuple[str, ...]:
        """See `Ends`."""
        return self.asked()

    def read_again(self, end: End, answers: Answers) -> End:
        """See `Ends`. A later end can be drained to just the same."""
        return self.read(answers)

    def reached(self, end: End, seconds: float, session: Connection) -> bool:
        """See `Ends`."""
        return self.reaching(end, seconds, session)()

    def reaching(self, end: End, seconds: float, session: Connection) -> Callable[[], bool]:
        """See `Ends`."""
        assert not isinstance(end, SignalPosition)
        return self._s.new.waiting_for(end, seconds, session)


class SignalEnd:
    """A signal row: the new side is looked at until it has it. See `migration.cutover.signal`."""

    def __init__(self, m: Migration, s: Switchover) -> None:
        self._m = m
        self._s = s
        self._token = signal.new_token()
        self._begin: FilePosition | None = None

    def prepare(self) -> None:
        """See `Ends`."""
        signal.prepare(self._m, self._s)

    def now(self) -> End:
        """See `Ends`. Writes a row of its own."""
        token = signal.new_token()
        self._s.old.change(signal.writing(token))
        return SignalPosition(token, self._s.old.end_of_log())

    def asked(self) -> tuple[str, ...]:
        """See `Ends`. A token is used once."""
        self._token = signal.new_token()
        status = self._s.old.dialect.source_status
        return (status, signal.writing(self._token), status)

    def read(self, answers: Answers) -> End:
        """See `Ends`."""
        self._begin = self._place(answers[0])
        return SignalPosition(self._token, self._place(answers[2]))

    def asked_again(self) -> tuple[str, ...]:
        """See `Ends`."""
        status = self._s.old.dialect.source_status
        return (status,) if self._begin is None else (status, signal.listing(self._begin))

    def read_again(self, end: End, answers: Answers) -> End:
        """See `Ends`."""
        assert isinstance(end, SignalPosition)
        status, *listed = answers
        now = self._place(status)
        if now != end.end:
            raise Moved(self._s.old.name, f"the end of {self._s.old.name}'s log moved from {end.end} to {now}")
        if listed and (other := signal.stranger(listed[0], end.token)):
            raise Moved(self._s.old.name, f"an administrator wrote on {self._s.old.name} beside the signal: {other}")
        return end

    def reached(self, end: End, seconds: float, session: Connection) -> bool:
        """See `Ends`."""
        assert isinstance(end, SignalPosition)
        return signal.seen(session, end.token, seconds)

    def reaching(self, end: End, seconds: float, session: Connection) -> Callable[[], bool]:
        """See `Ends`. Somebody has to look, so nothing happens before the answer is wanted."""
        return lambda: self.reached(end, seconds, session)

    def _place(self, rows: tuple[Row, ...]) -> FilePosition:
        place = read_end(self._m, self._s.old, rows)
        assert isinstance(place, FilePosition)
        return place
