"""Which tables there are: their names, as cheaply as a server tells them, and whether one that it hides is there."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from migration.verify.model import Difference, Doubt, Kind, Table
from migration.verify.shapes import Shapes
from providers.mysql.connection import Connection
from providers.mysql.errors import StatementFailed
from providers.mysql.literals import quote_name


class Listing:
    """Asks one server for the names in its databases, views among them; opens no table, reads no dictionary.

    SHOW TABLES without FULL reads names only, on all versions (MySQL manual, "SHOW TABLES Statement").
    """

    def __init__(self, connection: Connection, databases: Iterable[str]) -> None:
        """See which of the databases there are.

        Raises:
            ServerError: the server does not answer.
        """
        self._connection = connection
        there = {str(row[0]).lower() for row in connection.rows("SHOW DATABASES")}
        self._databases = tuple(database for database in databases if database.lower() in there)

    def ask(self) -> Callable[[], frozenset[Table]]:
        """Send the question; the function given back takes the answer. Until then nothing else uses the session.

        Raises:
            ServerError: the server does not answer, or a database is gone; from the function, too.
        """
        if not self._databases:
            return frozenset
        take = self._connection.asking([f"SHOW TABLES FROM {quote_name(base)}" for base in self._databases])

        def names() -> frozenset[Table]:
            answers = zip(self._databases, take(), strict=True)
            return frozenset((base, str(name)) for base, rows in answers for (name, *_) in rows)

        return names


# Access denied to a database; SELECT denied on a table, on a column.
_DENIED = frozenset({1044, 1142, 1143})


def without_hidden(found: Shapes, source: Connection, target: Connection) -> Shapes:
    """A server does not list what the account may not read: such a table is doubted, and not said to be missing.

    Raises:
        ServerError: a server does not answer.
    """
    kept: list[Difference] = []
    doubts: list[Doubt] = []
    for one in found.differences:
        session = target if one.kind is Kind.MISSING else source
        if _hidden(session, one.table):
            doubts.append(Doubt(one.table, f"the account may not read it on {session.server}; grant it SELECT"))
        else:
            kept.append(one)
    return Shapes(found.tables, tuple(kept), (*found.doubts, *doubts))


def _hidden(session: Connection, table: Table) -> bool:
    try:
        session.run(f"SELECT 1 FROM {quote_name(table[0])}.{quote_name(table[1])} LIMIT 0")
    except StatementFailed as error:
        return error.code in _DENIED
    return False
