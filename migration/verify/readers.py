"""A reader of the source and one of the target, bounded in memory, and opened again where they break."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager

from migration.verify.compare import Unexplained, same_wire
from migration.verify.shapes import Shape
from migration.verify.statements import Statements
from providers.mysql.endpoint import Endpoint
from providers.mysql.errors import ServerError
from providers.mysql.packets.packets import Packets
from providers.mysql.packets.reader import (
    AnswerTooLarge,
    Prepared,
    RawReader,
    Results,
    receive_both,
    receive_both_together,
)
from providers.mysql.packets.rows import RowLayout
from providers.mysql.packets.wire import Param

Turn = Callable[[], AbstractContextManager[object]]
"""What a reader holds while it reads both servers."""

# An answer is 0.5 to 2 MiB as a rule. Two workers with two readers each stay far below 100 MiB with this.
MOST_ANSWERED = 5 << 20


class Readers:
    """The two readers of one worker."""

    def __init__(self, source: Endpoint, target: Endpoint, turn: Turn = contextlib.nullcontext) -> None:
        """Connect to both. `turn`: what is held while both are read.

        Raises:
            ServerError: see `RawReader`.
        """
        self._turn = turn
        self._endpoints = source, target
        self._cut = False
        self.source, self.target = _opened(source, target)

    def __getitem__(self, side: int) -> RawReader:
        return self.target if side else self.source

    def reopen(self) -> None:
        """New connections in place of these, whatever state they are in.

        Raises:
            ServerError: see `RawReader`.
        """
        self.close()
        self.source, self.target = _opened(*self._endpoints)
        if self._cut:
            self.cut()

    @property
    def widened(self) -> bool:
        """Whether FLOAT columns have to be read as DOUBLE, since one server prepares no statements."""
        return self.source.text or self.target.text

    def statements(self, shape: Shape) -> Statements:
        """The statements for a table, as these readers can use them."""
        return Statements(shape, self.widened)

    def prepare(self, here: str, there: str) -> tuple[Prepared, Prepared]:
        """Prepare a statement on each, at the same time.

        Raises:
            ServerError: of either; both can be used afterwards, but where it is a ConnectionLost.
        """
        self.source.ask_to_prepare(here)
        try:
            self.target.ask_to_prepare(there)
            mine = self.source.prepare(here)
        except ServerError:
            # What is on its way must not be taken for the answer to something else.
            for reader, sql in ((self.source, here), (self.target, there)):
                with contextlib.suppress(ServerError):
                    reader.prepare(sql)
            raise
        return mine, self.target.prepare(there)

    def layout(self, shape: Shape, here: str, there: str) -> RowLayout:
        """Prepare a statement on both servers and say where the columns stand in its rows.

        Raises:
            ServerError: it cannot be prepared.
            Unexplained: the two servers would send equal values as unequal bytes.
        """
        mine, other = (prepared.columns for prepared in self.prepare(here, there))
        if not same_wire(mine, other):
            names = [
                select.name
                for select, one, two in zip(shape.columns, mine, other, strict=False)
                if not same_wire((one,), (two,))
            ]
            words = f"The servers send columns of {shape.title} in different forms ({', '.join(names)})"
            raise Unexplained(self.target.server, f"{words}; compare their types.")
        try:
            return RowLayout(mine, shape.keys)
        except ValueError as error:
            raise Unexplained(self.source.server, f"{shape.title} cannot be read: {error}.") from error

    def both(
        self, here: str, there: str, params: Sequence[Param] = (), others: Sequence[Param] | None = None
    ) -> tuple[Packets, Packets]:
        """Ask both at the same time. `others`: the target's parameters, where they are others.

        Raises:
            ServerError: of either; both can be used afterwards, but where it is a ConnectionLost or AnswerTooLarge.
        """
        mine, theirs = self.prepare(here, there)
        with self._turn():
            self.source.send(mine, params)
            self.target.send(theirs, params if others is None else others)
            return receive_both(self.source, self.target)

    @property
    def pipelined(self) -> bool:
        """Whether both take `together`."""
        return self.source.pipelined and self.target.pipelined

    def together(self, here: Sequence[str], there: Sequence[str]) -> tuple[Results, Results]:
        """Ask both, at the same time, SELECTs of the text protocol one behind the other.

        Raises:
            ServerError: as `both`; of a single statement that a server refused there is None instead.
        """
        with self._turn():
            self.source.ask_together(here)
            self.target.ask_together(there)
            return receive_both_together(self.source, self.target)

    def allow(self, most: int | None) -> None:
        """Bound the answers of both."""
        self.source.most = self.target.most = most

    def cut(self) -> None:
        """End both connections from another thread: whoever waits for them finds them broken, for good."""
        self._cut = True
        self.source.cut()
        self.target.cut()

    def close(self) -> None:
        """Close both, whatever state they are in."""
        self.source.close()
        self.target.close()


def _opened(source: Endpoint, target: Endpoint) -> tuple[RawReader, RawReader]:
    """Readers of both, which are connected to at the same time."""
    with ThreadPoolExecutor(1) as pool:
        there = pool.submit(RawReader, target, most=MOST_ANSWERED)
        try:
            here = RawReader(source, most=MOST_ANSWERED)
        except ServerError:
            with contextlib.suppress(ServerError):
                there.result().close()
            raise
    try:
        return here, there.result()
    except ServerError:
        here.close()
        raise


__all__ = ["MOST_ANSWERED", "AnswerTooLarge", "Readers"]
